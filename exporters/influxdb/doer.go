package influxdb

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxWords bounds what is read of a server's answer. 1.8 repeats every line that it cannot parse.
const maxWords = 64 << 10

// doer sends the client library's requests. It takes 204 for the only success, as all versions document it, where the library
// takes every 2xx: some other web server's 200 must not pass for a write. For the same reason it follows no redirect, which
// could turn the POST into a GET.
type doer struct{ client http.Client }

func newDoer(transport http.RoundTripper, timeout time.Duration) *doer {
	return &doer{http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// notInfluxDB is an answer that InfluxDB's write API does not give.
type notInfluxDB struct{ status string }

func (e *notInfluxDB) Error() string {
	return fmt.Sprintf("the server answers %s where InfluxDB answers 204 No Content", e.status)
}

func (d *doer) Do(req *http.Request) (*http.Response, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 && resp.StatusCode != http.StatusNoContent || resp.StatusCode/100 == 3 {
		_ = resp.Body.Close()
		status := resp.Status
		if to := resp.Header.Get("Location"); to != "" {
			status = fmt.Sprintf("%s (to %.200q)", status, to)
		}
		return nil, &notInfluxDB{status}
	}
	resp.Body = body{io.LimitReader(resp.Body, maxWords), resp.Body}
	return resp, nil
}

// body is the beginning of a response's body.
type body struct {
	io.Reader
	io.Closer
}
