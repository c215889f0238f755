package influxdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// maxWords bounds what is read of a server's answer. 1.8 repeats every line that it cannot parse.
const maxWords = 64 << 10

// doer sends the client library's requests. It takes 204 for the only success, as all versions document it, where the library
// takes every 2xx: some other web server's 200 must not pass for a write. For the same reason it follows no redirect, which
// could turn the POST into a GET.
//
// It compresses lines itself as well: the library's gzip takes half of the CPU time of all that is done for an output.
type doer struct {
	client http.Client
	gzip   *gzip.Writer
}

func newDoer(transport http.RoundTripper, timeout time.Duration) (*doer, error) {
	fast, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	return &doer{gzip: fast, client: http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// notInfluxDB is an answer that InfluxDB's write API does not give.
type notInfluxDB struct{ status string }

func (e *notInfluxDB) Error() string {
	return fmt.Sprintf("the server answers %s where InfluxDB answers 204 No Content", e.status)
}

func (d *doer) Do(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/api/v2/write") {
		if err := d.compress(req); err != nil {
			return nil, err
		}
	}
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
	translate(resp)
	return resp, nil
}

// compress makes req's body gzip. An Exporter is called by one goroutine at a time, and so is d.
func (d *doer) compress(req *http.Request) error {
	var octets bytes.Buffer // of its own, as the transport may read it still when Do has returned
	d.gzip.Reset(&octets)
	_, err := io.Copy(d.gzip, req.Body)
	if err = errors.Join(err, d.gzip.Close(), req.Body.Close()); err != nil {
		return fmt.Errorf("compressing the lines: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(octets.Bytes()))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(octets.Bytes())), nil }
	req.ContentLength = int64(octets.Len())
	req.Header.Set("Content-Encoding", "gzip")
	return nil
}

// body is the beginning of a response's body.
type body struct {
	io.Reader
	io.Closer
}
