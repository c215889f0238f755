package web_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/alert/notify/web"
	"walkabout/internal/secret"
	"walkabout/metric"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// transitions returns those of a port that goes down at start, fires a minute later, and recovers after two more.
func transitions(t *testing.T) (firing, resolved alert.Transition) {
	t.Helper()
	all := watch(t, alert.DefaultConfig(), 7, 7, 7, 1)
	if len(all) != 3 {
		t.Fatalf("%d transitions", len(all))
	}
	return all[1], all[2]
}

// watch returns the transitions of a port whose ifOperStatus is asked every minute from start on.
func watch(t *testing.T, cfg alert.Config, oper ...uint64) (all []alert.Transition) {
	t.Helper()
	e := alert.NewEngine()
	cfg.Targets = []alert.Target{{Device: "core1"}}
	cfg.InterfaceMismatch.KeepFiringFor = 0
	e.Configure(start, cfg)
	for i, oper := range oper {
		all = append(all, e.Observe(alert.Poll{
			Device: "core1", At: start.Add(time.Duration(i) * time.Minute),
			Samples: []metric.Sample{{
				Measurement: "interface",
				Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example.net"},
					{Name: "ifDescr", Value: "GigabitEthernet0/3"}, {Name: "ifName", Value: "Gi0/3"}, {Name: "site", Value: "paris"}},
				Fields: []metric.Field{
					{Name: "ifIndex", Kind: metric.Integer, Num: 3}, {Name: "ifAdminStatus", Kind: metric.Integer, Num: 1},
					{Name: "ifOperStatus", Kind: metric.Integer, Num: oper}, {Name: "ifLastChange", Kind: metric.Unsigned, Num: 8640000},
					{Name: "ifHCInOctets", Kind: metric.Counter64, Num: 5}, {Name: "ifAlias", Kind: metric.String, Str: "uplink <Lyon>"},
				},
			}},
		})...)
	}
	return all
}

// roundTrip is an http.RoundTripper in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// message is what tells ts.
func message(ts ...alert.Transition) *notify.Message {
	m := &notify.Message{ID: "9f2b6c1d0e8a47739f2b6c1d0e8a4773", At: start, Group: "core1"}
	for _, tr := range ts {
		m.Items = append(m.Items, notify.Item{Transition: tr})
	}
	return m
}

func status(code int, header http.Header) *http.Response {
	return &http.Response{StatusCode: code, Header: header, Body: io.NopCloser(strings.NewReader("an answer that may echo hunter2"))}
}

func webhook(t *testing.T, o web.Options) *web.Webhook {
	t.Helper()
	if o.URL.IsZero() {
		o.URL = secret.New("https://hooks.example.net/T0KEN/hook")
	}
	w, err := web.NewWebhook(o, secret.String{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The examples of docs/notifiers.md are what is really sent.
func TestDocumentedBodies(t *testing.T) {
	page, err := os.ReadFile("../../../docs/notifiers.md")
	if err != nil {
		t.Fatal(err)
	}
	firing, resolved := transitions(t)
	for _, tr := range []alert.Transition{firing, resolved} {
		var sent []byte
		w := webhook(t, web.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			var err error
			sent, err = io.ReadAll(r.Body)
			return status(204, nil), err
		})})
		if err := w.Send(t.Context(), message(tr)); err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, sent, "", "  "); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```json\n"+strings.TrimSpace(pretty.String())+"\n```") {
			t.Errorf("docs/notifiers.md does not have this %v body:\n%s", tr.State, pretty.String())
		}
	}
}

func TestRequest(t *testing.T) {
	firing, _ := transitions(t)
	var got *http.Request
	w := webhook(t, web.Options{
		Token:   secret.New("hunter2"),
		Headers: map[string]secret.String{"X-Api-Key": secret.New("k"), "Host": secret.New("virtual.example.net")},
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r
			return status(200, nil), nil
		}),
	})
	if err := w.Send(t.Context(), message(firing)); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST", "https://hooks.example.net/T0KEN/hook", "virtual.example.net", "application/json", "Bearer hunter2", "k"}
	have := []string{got.Method, got.URL.String(), got.Host, got.Header.Get("Content-Type"), got.Header.Get("Authorization"), got.Header.Get("X-Api-Key")}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.ContentLength <= 0 {
		t.Errorf("Content-Length %d", got.ContentLength)
	}
}

func TestStatuses(t *testing.T) {
	firing, _ := transitions(t)
	in90s := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		code        int
		after       string
		want        string // "taken", "rejected", "again", "later"
		least, most time.Duration
	}{
		{code: 200, want: "taken"}, {code: 201, want: "taken"}, {code: 202, want: "taken"}, {code: 204, want: "taken"},
		{code: 301, want: "again"}, {code: 302, want: "again"}, {code: 307, want: "again"}, {code: 308, want: "again"}, {code: 304, want: "again"},
		{code: 400, want: "rejected"}, {code: 413, want: "rejected"}, {code: 415, want: "rejected"}, {code: 422, want: "rejected"},
		{code: 401, want: "again"}, {code: 403, want: "again"}, {code: 404, want: "again"}, {code: 405, want: "again"}, {code: 408, want: "again"}, {code: 410, want: "again"}, {code: 425, want: "again"},
		{code: 429, want: "again"}, {code: 500, want: "again"}, {code: 502, want: "again"}, {code: 503, want: "again"}, {code: 599, want: "again"},
		{429, "7", "later", 7 * time.Second, 7 * time.Second}, {503, " 120 ", "later", 2 * time.Minute, 2 * time.Minute},
		{503, in90s, "later", time.Minute, 90 * time.Second},
		{code: 503, after: "-1", want: "again"}, {code: 503, after: "soon", want: "again"}, {code: 503, after: "99999999999999999999", want: "again"}, {code: 503, after: "Sun, 01 Mar 2020 12:00:00 GMT", want: "again"},
	} {
		t.Run(fmt.Sprint(c.code, " ", c.after), func(t *testing.T) {
			calls := 0
			w := webhook(t, web.Options{Token: secret.New("hunter2"), Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				calls++
				return status(c.code, http.Header{"Retry-After": {c.after}, "Location": {"https://elsewhere.example.net/"}}), nil
			})})
			err := w.Send(t.Context(), message(firing))
			var rejected *notify.RejectedError
			var retry *notify.RetryError
			got := "again"
			switch {
			case err == nil:
				got = "taken"
			case errors.As(err, &rejected):
				got = "rejected"
			case errors.As(err, &retry):
				got = "later"
				if retry.After < c.least || retry.After > c.most {
					t.Errorf("after %v, want %v to %v", retry.After, c.least, c.most)
				}
			}
			if got != c.want || calls != 1 {
				t.Errorf("%s after %d calls (%v), want %s after 1", got, calls, err, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), fmt.Sprint("hooks.example.net answered ", c.code)) || leaks(err.Error())) {
				t.Errorf("error %q", err)
			}
		})
	}
}

// leaks reports whether text shows the token in the URL, its password, or what the server said.
func leaks(text string) bool {
	return strings.Contains(text, "T0KEN") || strings.Contains(text, "hunter2") || strings.Contains(text, "echo")
}

func TestErrorsShowNoSecret(t *testing.T) {
	firing, _ := transitions(t)
	refused := errors.New("connection refused")
	w := webhook(t, web.Options{URL: secret.New("https://user:hunter2@hooks.example.net/T0KEN?k=T0KEN"),
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })})
	err := w.Send(t.Context(), message(firing))
	if !errors.Is(err, refused) || leaks(err.Error()) || !strings.Contains(err.Error(), "https://hooks.example.net") {
		t.Errorf("error %q", err)
	}
}

func TestNewWebhookRefuses(t *testing.T) {
	for name, o := range map[string]web.Options{
		"no url":               {},
		"no scheme":            {URL: secret.New("T0KEN.example.net/hook")},
		"another scheme":       {URL: secret.New("ftp://T0KEN/")},
		"no host":              {URL: secret.New("http:///T0KEN")},
		"not a url":            {URL: secret.New("http://T0KEN:x y/")},
		"line end in a token":  {URL: secret.New("http://h/"), Token: secret.New("hunter2\n")},
		"line end in a header": {URL: secret.New("http://h/"), Headers: map[string]secret.String{"X": secret.New("hunter2\r\nY: 1")}},
		"space in a name":      {URL: secret.New("http://h/"), Headers: map[string]secret.String{"X Y": secret.New("hunter2")}},
		"no name":              {URL: secret.New("http://h/"), Headers: map[string]secret.String{"": secret.New("hunter2")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := web.NewWebhook(o, secret.String{})
			if err == nil || leaks(err.Error()) || !strings.HasPrefix(err.Error(), "webhook: ") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// pipes is a listener and its dialler in memory, which the fake clock can see through.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The whole way over real HTTP: a server that is silent, then overloaded, then well; and a log beside it that waits for nothing.
func TestManagerOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		var mu sync.Mutex // the first request's handler may still run when the second comes
		var bodies []string
		var arrivals []time.Duration
		began := time.Now()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body notify.Document
			err := json.NewDecoder(r.Body).Decode(&body)
			mu.Lock()
			arrivals = append(arrivals, time.Since(began).Round(time.Second))
			nth := len(arrivals)
			if err == nil && nth > 2 {
				bodies = append(bodies, body.Alerts[0].Status)
			}
			mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case nth == 1:
				<-r.Context().Done()
			case nth == 2:
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})}
		served := make(chan struct{})
		go func() { defer close(served); _ = server.Serve(p) }()

		hook := webhook(t, web.Options{URL: secret.New("http://hooks.example.net/"), Transport: &http.Transport{DialContext: p.dial}})
		var log bytes.Buffer
		cfg := alert.DefaultConfig()
		cfg.DeviceUnreachable.Polls = 1
		cfg.Targets = []alert.Target{{Device: "core1"}}
		at := notify.Policy{Feeds: []notify.Feed{{}}, GroupBy: []string{"device"}}
		d, err := notify.Open(notify.Options{Log: slog.New(slog.DiscardHandler), Receivers: []notify.Receiver{
			{Name: "hook", Policy: at, Sender: hook}, {Name: "log", Policy: at, Sender: notify.NewLog(slog.New(slog.NewTextHandler(&log, nil)))}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := alert.Start(alert.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Notifiers: []alert.Notifier{d}})
		if err != nil {
			t.Fatal(err)
		}
		d.Start(m)
		m.Failed(time.Now(), "core1", errors.New("request timeout"))
		synctest.Wait()
		m.Observe(alert.Poll{Device: "core1", At: time.Now()})
		synctest.Wait()
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("%d lines in the log:\n%s", lines, &log)
		}
		time.Sleep(2 * time.Minute)
		if err := errors.Join(m.Close(t.Context()), d.Close(t.Context())); err != nil {
			t.Error(err)
		}
		close(p)
		<-served
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"firing", "resolved"}, bodies); diff != "" {
			t.Errorf("bodies (-want +got):\n%s", diff)
		}
		// 10 s until the first is given up, a second of back-off, and the minute that was asked for.
		if len(arrivals) != 4 || arrivals[1] < 10*time.Second || arrivals[1] > 12*time.Second || arrivals[2]-arrivals[1] != time.Minute {
			t.Errorf("requests at %v", arrivals)
		}
	})
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	firing, resolved := transitions(t)
	l := notify.NewLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	if err := l.Send(t.Context(), message(firing, resolved)); err != nil {
		t.Fatal(err)
	}
	const both = ` device=core1 rule=interface_mismatch kind=admin_up_oper_down since=2026-03-01T12:00:00.000Z`
	want := `level=WARN msg=alert state=firing summary="core1 Gi0/3 (uplink <Lyon>): admin up, oper lowerLayerDown, seen for 1m0s"` + both +
		" id=" + firing.ID + " key=Gi0/3\n" +
		`level=INFO msg=alert state=resolved summary="core1 Gi0/3 (uplink <Lyon>): admin up, oper up; recovered after 3m0s"` + both +
		" id=" + resolved.ID + " key=Gi0/3 reason=recovered\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An alert that flaps says so, to webhooks and in the log, when it is found to and when it ends.
func TestFlapping(t *testing.T) {
	cfg := alert.DefaultConfig()
	cfg.InterfaceMismatch.FlapChanges, cfg.InterfaceMismatch.FlapHold = 1, time.Minute
	all := watch(t, cfg, 7, 7, 1, 1)
	if len(all) != 4 {
		t.Fatalf("%d transitions", len(all))
	}
	var bodies []notify.DocumentAlert
	w := webhook(t, web.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		var body notify.Document
		err := json.NewDecoder(r.Body).Decode(&body)
		bodies = append(bodies, body.Alerts...)
		return status(204, nil), err
	})})
	var log bytes.Buffer
	l := notify.NewLog(slog.New(slog.NewTextHandler(&log, nil)))
	for _, tr := range all[1:] {
		if err := errors.Join(w.Send(t.Context(), message(tr)), l.Send(t.Context(), message(tr))); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	ids := map[string]bool{}
	for _, b := range bodies {
		got = append(got, fmt.Sprintf("%s %t", b.Status, b.Flapping))
		ids[b.ID] = true
	}
	if diff := cmp.Diff([]string{"firing false", "firing true", "resolved true"}, got); diff != "" || len(ids) != 3 {
		t.Errorf("%s, %d IDs", diff, len(ids))
	}
	got = nil
	for line := range strings.Lines(log.String()) {
		got = append(got, fmt.Sprint(strings.HasSuffix(line, " flapping=true\n")))
	}
	if diff := cmp.Diff([]string{"false", "true", "true"}, got); diff != "" {
		t.Error(diff)
	}
}

// A receiver that follows standardwebhooks.com finds the signature right, and wrong when anything else came; the example is its own.
func TestSignature(t *testing.T) {
	firing, _ := transitions(t)
	key := "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, written := range []string{"whsec_" + key, "a secret of our own, long enough"} {
		var got *http.Request
		var body []byte
		w, err := web.NewWebhook(web.Options{URL: secret.New("https://h/"), Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r
			body, _ = io.ReadAll(r.Body)
			return status(200, nil), nil
		})}, secret.New(written))
		if err != nil {
			t.Fatal(err)
		}
		m := message(firing)
		before := time.Now().Unix()
		if err := w.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		raw := []byte(written)
		if strings.HasPrefix(written, "whsec_") {
			raw, _ = base64.StdEncoding.DecodeString(key)
		}
		at, err := strconv.ParseInt(got.Header.Get("webhook-timestamp"), 10, 64)
		if err != nil || at < before || at > time.Now().Unix() {
			t.Errorf("time %q", got.Header.Get("webhook-timestamp"))
		}
		h := hmac.New(sha256.New, raw)
		_, _ = fmt.Fprintf(h, "%s.%d.%s", got.Header.Get("webhook-id"), at, body)
		if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); got.Header.Get("webhook-signature") != want || got.Header.Get("webhook-id") != m.ID {
			t.Errorf("signature %q of %q, want %q", got.Header.Get("webhook-signature"), got.Header.Get("webhook-id"), want)
		}
	}
	for _, bad := range []string{"short", "whsec_short", "whsec_not base64!"} {
		if _, err := web.NewWebhook(web.Options{URL: secret.New("https://h/")}, secret.New(bad)); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
