package sd

import "net/http"

// Trust makes h trust the server that c does.
func (h *HTTP) Trust(c *http.Client) { h.client.Transport = c.Transport }
