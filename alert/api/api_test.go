package api_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/alert/api"
	"walkabout/alert/silence"
	"walkabout/internal/secret"
)

// serve returns a server with one alert that fires.
func serve(t *testing.T, token string) (*httptest.Server, *alert.Manager) {
	t.Helper()
	cfg := alert.DefaultConfig()
	cfg.DeviceUnreachable.Polls = 1
	cfg.Targets = []alert.Target{{Device: "sw1", Labels: map[string]string{"site": "paris"}}}
	m, err := alert.Start(alert.Options{Config: cfg, Path: filepath.Join(t.TempDir(), "alerts.json"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.Failed(time.Now(), "sw1", errors.New("request timeout"))
	mux := http.NewServeMux()
	api.Handle(mux, m, api.Options{Token: secret.New(token), Log: slog.New(slog.DiscardHandler)})
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		if err := m.Close(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	return s, m
}

func client(s *httptest.Server, token string) *api.Client {
	return &api.Client{Base: s.URL, Token: secret.New(token), HTTP: s.Client()}
}

func matchers(t *testing.T, texts ...string) (ms silence.Matchers) {
	t.Helper()
	for _, text := range texts {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	return ms
}

func TestAll(t *testing.T) {
	s, _ := serve(t, "")
	c, ctx := client(s, ""), t.Context()
	var list api.Alerts
	for query, want := range map[string]int{"": 1, "state=firing&match=site%3Dparis": 1, "state=pending": 0, "match=device%3Dsw2": 0, "never_up=true": 1} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		list = api.Alerts{}
		if err := c.Get(ctx, api.AlertsPath, q, &list); err != nil || len(list.Alerts) != want {
			t.Errorf("%q: %v, %+v", query, err, list)
		}
	}
	if err := c.Get(ctx, api.AlertsPath, nil, &list); err != nil {
		t.Fatal(err)
	}
	fp := list.Alerts[0].Fingerprint
	var a alert.Alert
	if err := c.Post(ctx, api.AlertsPath+"/"+fp+"/ack", api.AckRequest{By: "ann", Reason: "looking", For: api.Duration(time.Hour)}, &a); err != nil || a.Ack == nil ||
		a.Ack.By != "ann" || a.Ack.Until.Sub(a.Ack.At) != time.Hour {
		t.Errorf("%v, %+v", err, a)
	}
	var made silence.Silence
	if err := c.Post(ctx, api.SilencesPath, api.SilenceRequest{Matchers: matchers(t, "device=sw1"), For: api.Duration(time.Hour), Author: "ann", Reason: "work"}, &made); err != nil ||
		made.ID == "" || made.EndsAt.Sub(made.StartsAt) != time.Hour {
		t.Fatalf("%v, %+v", err, made)
	}
	var all []silence.Silence
	if err := c.Get(ctx, api.SilencesPath, nil, &all); err != nil || len(all) != 1 || all[0].Matchers[0].String() != "device=sw1" {
		t.Errorf("%v, %+v", err, all)
	}
	var one api.One
	if err := c.Get(ctx, api.AlertsPath+"/"+fp, nil, &one); err != nil || one.Alert == nil || one.Alert.SilencedBy != made.ID || one.Alert.Ack == nil {
		t.Errorf("%v, %+v", err, one)
	}
	for path, want := range map[string]string{fp: "sw1: no answer to 1 poll: request timeout", "none": "nothing is known"} {
		resp, err := s.Client().Get(s.URL + api.PagePath + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(text), want) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %v\n%s", path, err, text)
		}
	}
	var gone map[string]string
	if err := c.Delete(ctx, api.SilencesPath+"/"+made.ID, &gone); err != nil {
		t.Error(err)
	}
	a = alert.Alert{}
	if err := c.Delete(ctx, api.AlertsPath+"/"+fp+"/ack", &a); err != nil || a.Ack != nil {
		t.Errorf("%v, %+v", err, a)
	}
	var windows []api.Window
	if err := c.Get(ctx, api.MaintenancePath, nil, &windows); err != nil || len(windows) != 0 {
		t.Errorf("%v, %+v", err, windows)
	}
	var past []alert.Transition
	if err := c.Get(ctx, api.HistoryPath, url.Values{"device": {"sw1"}, "limit": {"5"}, "since": {"2020-01-01T00:00:00Z"}}, &past); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{
		api.AlertsPath + "/none":                             `an alert "none" is not found`,
		api.AlertsPath + "?match=x":                          `matcher "x"`,
		api.HistoryPath + "?since=yesterday":                 "since",
		api.HistoryPath + "?limit=0":                         "limit",
		api.AlertsPath + "?match=" + url.QueryEscape("a=~("): "missing closing",
	} {
		if err := c.Get(ctx, path, nil, &past); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for name, q := range map[string]api.SilenceRequest{
		"no end": {Matchers: matchers(t, "device=sw1"), Author: "ann", Reason: "work"}, "of all": {Matchers: matchers(t, "device!=sw1"), For: 1, Author: "ann", Reason: "work"},
		"of nobody": {Matchers: matchers(t, "device=sw1"), For: 1, Reason: "work"},
	} {
		if err := c.Post(ctx, api.SilencesPath, q, &made); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// TestWho: whoever may not change anything does not.
func TestWho(t *testing.T) {
	open, _ := serve(t, "")
	locked, _ := serve(t, "s3cret")
	const body = `{"matchers":["device=sw1"],"for":"1h","author":"a","reason":"r"}`
	for name, c := range map[string]struct {
		server *httptest.Server
		change func(*http.Request)
		body   string
		want   int
	}{
		"this machine":       {open, func(*http.Request) {}, body, 200},
		"another name":       {open, func(r *http.Request) { r.Host = "evil.example" }, body, 403},
		"localhost":          {open, func(r *http.Request) { r.Host = "LOCALHOST:8161" }, body, 200},
		"IPv6":               {open, func(r *http.Request) { r.Host = "[::1]:8161" }, body, 200},
		"another page":       {open, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, body, 403},
		"another site":       {open, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, body, 403},
		"a form":             {open, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, body, 415},
		"an unknown key":     {open, func(*http.Request) {}, `{"colour":"red"}`, 400},
		"two bodies":         {open, func(*http.Request) {}, body + body, 400},
		"too long":           {open, func(*http.Request) {}, `{"author":"` + strings.Repeat("x", 70_000) + `"}`, 400},
		"no token":           {locked, func(*http.Request) {}, body, 401},
		"a wrong token":      {locked, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cre") }, body, 401},
		"the token":          {locked, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cret") }, body, 200},
		"the token, by name": {locked, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cret"); r.Host = "collector.example" }, body, 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.URL+api.SilencesPath, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		c.change(r)
		resp, err := c.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", name, resp.Status, c.want)
		}
	}
	if err := client(locked, "s3cret").Get(t.Context(), api.SilencesPath, nil, new([]silence.Silence)); err != nil {
		t.Error(err)
	}
}
