package dns

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"walkabout/internal/secret"
)

// httpAPI is a server that answers in JSON.
type httpAPI struct {
	client *http.Client
	base   string        // without a / at the end
	key    secret.String // X-API-Key; zero for none
}

// newHTTPAPI returns that of an address: HOST:PORT, or a URL.
func newHTTPAPI(address string, key secret.String) (*httpAPI, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: write HOST:PORT or http://HOST:PORT", address)
	}
	// No proxy of the environment stands between the agent and a server beside it, and no redirect leads the key elsewhere.
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConns: 1, IdleConnTimeout: idleTime, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &httpAPI{client, strings.TrimSuffix(u.String(), "/"), key}, nil
}

// get reads the JSON at path into v.
func (h *httpAPI) get(ctx context.Context, path string, v any) error {
	return h.do(ctx, http.MethodGet, path, nil, v)
}

// do sends a request with body in JSON, if it is not nil, and reads the JSON of the answer into v, if that is not nil.
func (h *httpAPI) do(ctx context.Context, method, path string, body, v any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, in)
	if err != nil {
		return err
	}
	if !h.key.IsZero() {
		req.Header.Set("X-API-Key", h.key.Reveal())
	}
	answer, err := h.client.Do(req)
	if err != nil {
		return ended(ctx, err)
	}
	defer answer.Body.Close()
	b, err := readAll(answer.Body)
	switch {
	case err != nil:
		return ended(ctx, err)
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: %s: %s: the key or this host is not let in", ErrAnswer, path, answer.Status)
	case answer.StatusCode/100 == 4 && method != http.MethodGet:
		return fmt.Errorf("%w %s %s: %s %s", ErrRefused, method, path, answer.Status, clip(string(b)))
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("%w: %s: %s %s", ErrAnswer, path, answer.Status, clip(string(b)))
	case v == nil:
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAnswer, path, err)
	}
	return nil
}
