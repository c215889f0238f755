// Package web has the senders of package notify that speak HTTP: the webhook, Alertmanager, Slack, Teams, Discord and Telegram.
package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"walkabout/alert/notify"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
)

const (
	defaultTimeout = 10 * time.Second
	mostTimeout    = 30 * time.Second // what a Dispatcher gives an attempt
	mostAnswer     = 64 << 10
)

// Options are what all senders of this package work with.
type Options struct {
	URL     secret.String            // http or https; only its scheme and host are ever shown, since many hold a token
	Token   secret.String            // sent as "Authorization: Bearer …" unless empty
	Headers map[string]secret.String // further header fields
	TLS     clienttls.Config
	Timeout time.Duration // for one attempt, from dialling to the end of the answer; 0: 10 s

	Transport http.RoundTripper // nil: a transport of its own, with the proxy that the environment names
}

// poster posts JSON to one URL.
type poster struct {
	kind   string // of the sender, for errors
	url    *url.URL
	header http.Header
	client http.Client
}

func newPoster(kind string, o Options) (*poster, error) {
	u, err := url.Parse(o.URL.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: url is not of the form http://host/path or https://host/path", kind)
	}
	if o.Timeout < 0 || o.Timeout > mostTimeout {
		return nil, fmt.Errorf("%s: timeout is at most %v", kind, mostTimeout)
	}
	p := &poster{kind: kind, url: u, header: http.Header{}}
	p.header.Set("Content-Type", "application/json")
	p.header.Set("User-Agent", "walkabout")
	for name, value := range o.Headers {
		if !validName(name) || !validValue(value.Reveal()) {
			return nil, fmt.Errorf("%s: header %q, or its value, holds octets that HTTP does not allow there", kind, name)
		}
		p.header.Set(name, value.Reveal())
	}
	if !o.Token.IsZero() {
		if !validValue(o.Token.Reveal()) {
			return nil, fmt.Errorf("%s: the token holds octets that HTTP does not allow in a header; is there a line end in its file?", kind)
		}
		p.header.Set("Authorization", "Bearer "+o.Token.Reveal())
	}
	p.client = http.Client{Transport: o.Transport, Timeout: o.Timeout, CheckRedirect: refuseRedirect}
	if o.Timeout == 0 {
		p.client.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		if !o.TLS.IsZero() {
			if t.TLSClientConfig, err = o.TLS.TLS(); err != nil {
				return nil, fmt.Errorf("%s: tls: %w", kind, err)
			}
		}
		p.client.Transport = t
	}
	return p, nil
}

// validName accepts a token (RFC 9110, section 5.6.2).
func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// validValue accepts what a field's value may hold (RFC 9110, section 5.5): no control octets but the tab.
func validValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// Close lets go of idle connections. It is called when Send no longer is.
func (p *poster) Close() { p.client.CloseIdleConnections() }

// refuseRedirect makes a redirect an answer like any other: what we send, token included, is for the configured host only.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// where is all that is shown of the URL.
func (p *poster) where() string { return p.url.Scheme + "://" + p.url.Host }

// post sends body. Its errors show nothing of the URL but scheme and host, and nothing of the answer but the status.
func (p *poster) post(ctx context.Context, body []byte, more map[string]string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", p.kind, bare(err))
	}
	req.Header = p.header.Clone()
	for name, value := range more {
		req.Header.Set(name, value)
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host // net/http takes it from nowhere else
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.kind, p.where(), bare(err))
	}
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, mostAnswer)) // one that was read to its end leaves the connection usable
	_ = resp.Body.Close()
	return p.judge(resp, answer)
}

// bare takes the URL out of an error of net/http.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// judge says what a status means for the notification: 2xx took it, the few that speak of the body itself refuse it for good,
// and all else (a wrong token, a moved URL, an overload) is for people or time to mend.
func (p *poster) judge(resp *http.Response, answer []byte) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err := fmt.Errorf("%s: %s answered %d %s", p.kind, p.where(), code, http.StatusText(code))
	switch {
	case code >= 300 && code < 400:
		return fmt.Errorf("%w, and redirects are not followed: configure the URL that it leads to", err)
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType,
		code == http.StatusUnprocessableEntity:
		return &notify.RejectedError{Err: err}
	}
	if after := max(retryAfter(resp.Header.Get("Retry-After"), time.Now()), retryInBody(answer)); after > 0 {
		return &notify.RetryError{After: after, Err: err}
	}
	return err
}

// retryAfter reads the header field of that name (RFC 9110, section 10.2.3): seconds, which Discord writes with a fraction, or a date. 0: it says
// nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if s, err := strconv.ParseFloat(value, 64); err == nil {
		return seconds(s)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// seconds makes a duration of what others say; what cannot be is 0.
func seconds(s float64) time.Duration {
	const most = 1 << 31
	if !(s > 0 && s < most) {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// retryInBody reads how long Discord (retry_after) and Telegram (parameters.retry_after) ask to be left alone, in seconds.
func retryInBody(answer []byte) time.Duration {
	var a struct {
		RetryAfter float64 `json:"retry_after"`
		Parameters struct {
			RetryAfter float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return 0
	}
	return seconds(max(a.RetryAfter, a.Parameters.RetryAfter))
}

// encode returns v as JSON in one line, in which "<" stays itself: this is no page.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// pretty returns JSON for people.
func pretty(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}
