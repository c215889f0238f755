package notify

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

	"walkabout/alert"
	"walkabout/internal/secret"
)

const defaultTimeout = 10 * time.Second

// WebhookOptions are what a Webhook works with.
type WebhookOptions struct {
	Name    string                   // the notifier's name in the state file
	URL     string                   // http or https; only its scheme and host are ever shown, since many hold a token
	Token   secret.String            // sent as "Authorization: Bearer …" unless empty
	Headers map[string]secret.String // further header fields
	Timeout time.Duration            // for one attempt, from dialling to the end of the answer; 0: 10 s

	Transport http.RoundTripper // nil: a transport of its own, with the proxy that the environment names
}

// Webhook is an alert.Notifier that posts a JSON document, WebhookBody, to a URL. docs/alerts.md tells its receivers what they
// may rely on.
type Webhook struct {
	name   string
	url    *url.URL
	header http.Header
	client http.Client
}

// NewWebhook checks o and returns a Webhook. It sends nothing.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: url is not of the form http://host/path or https://host/path", o.Name)
	}
	w := &Webhook{name: o.Name, url: u, header: http.Header{}}
	w.header.Set("Content-Type", "application/json")
	w.header.Set("User-Agent", "walkabout")
	for name, value := range o.Headers {
		if !validName(name) || !validValue(value.Reveal()) {
			return nil, fmt.Errorf("%s: header %q, or its value, holds octets that HTTP does not allow there", o.Name, name)
		}
		w.header.Set(name, value.Reveal())
	}
	if !o.Token.IsZero() {
		if !validValue(o.Token.Reveal()) {
			return nil, fmt.Errorf("%s: the token holds octets that HTTP does not allow in a header; is there a line end in its file?", o.Name)
		}
		w.header.Set("Authorization", "Bearer "+o.Token.Reveal())
	}
	w.client = http.Client{Transport: o.Transport, Timeout: o.Timeout, CheckRedirect: refuseRedirect}
	if o.Timeout == 0 {
		w.client.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		w.client.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return w, nil
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

// Close lets go of idle connections. It is called when Notify no longer is.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// refuseRedirect makes a redirect an answer like any other: what we send, token included, is for the configured host only.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Name implements alert.Notifier.
func (w *Webhook) Name() string { return w.name }

// WebhookBody is the document that is posted.
type WebhookBody struct {
	Version int            `json:"version"` // 1
	Alerts  []WebhookAlert `json:"alerts"`  // at least one
}

// WebhookAlert is one transition. Times are RFC 3339 in UTC.
type WebhookAlert struct {
	ID              string            `json:"id"`
	Fingerprint     string            `json:"fingerprint"`
	Status          string            `json:"status"` // "firing" or "resolved"
	Reason          alert.Reason      `json:"reason,omitempty"`
	Flapping        bool              `json:"flapping,omitempty"`
	Rule            string            `json:"rule"`
	Kind            string            `json:"kind"`
	Device          string            `json:"device"`
	Key             string            `json:"key"`
	Summary         string            `json:"summary"`
	Since           time.Time         `json:"since"`
	FiredAt         time.Time         `json:"fired_at"`
	At              time.Time         `json:"at"`
	ObservedSeconds float64           `json:"observed_seconds"`
	Labels          map[string]string `json:"labels"`
	Values          map[string]string `json:"values"`
}

func webhookBody(ts []alert.Transition) WebhookBody {
	b := WebhookBody{Version: 1}
	for _, t := range ts {
		b.Alerts = append(b.Alerts, WebhookAlert{
			ID: t.ID, Fingerprint: t.Fingerprint, Status: t.State.String(), Reason: t.Reason, Flapping: t.Flapping, Rule: t.Rule, Kind: t.Kind,
			Device: t.Device, Key: t.Key, Summary: t.Summary, Since: t.Since, FiredAt: t.FiredAt, At: t.At,
			ObservedSeconds: t.Observed.Seconds(), Labels: t.Labels, Values: t.Values,
		})
	}
	return b
}

// Notify implements alert.Notifier. Its errors show nothing of the URL but scheme and host, and nothing of the answer but
// the status.
func (w *Webhook) Notify(ctx context.Context, ts []alert.Transition) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // this is no page, and people read it
	if err := enc.Encode(webhookBody(ts)); err != nil {
		return &alert.RejectedError{Err: fmt.Errorf("webhook: encoding: %w", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), &body)
	if err != nil {
		return fmt.Errorf("webhook: %w", bare(err))
	}
	req.Header = w.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host // net/http takes it from nowhere else
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %s://%s: %w", w.url.Scheme, w.url.Host, bare(err))
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // an answer that was read to its end leaves the connection usable
	_ = resp.Body.Close()
	return w.judge(resp)
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
func (w *Webhook) judge(resp *http.Response) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err := fmt.Errorf("webhook: %s://%s answered %d %s", w.url.Scheme, w.url.Host, code, http.StatusText(code))
	switch {
	case code >= 300 && code < 400:
		return fmt.Errorf("%w, and redirects are not followed: configure the URL that it leads to", err)
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType,
		code == http.StatusUnprocessableEntity:
		return &alert.RejectedError{Err: err}
	}
	if after := retryAfter(resp.Header.Get("Retry-After"), time.Now()); after > 0 {
		return &alert.RetryError{After: after, Err: err}
	}
	return err
}

// retryAfter reads the header field of that name (RFC 9110, section 10.2.3): seconds or a date. 0: it says nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
