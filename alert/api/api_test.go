package api_test

import (
	"errors"
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
)

// serve returns a server with one alert that fires.
func serve(t *testing.T, o api.Options) (*httptest.Server, *alert.Manager) {
	t.Helper()
	cfg := alert.DefaultConfig()
	cfg.DeviceUnreachable.Polls = 1
	cfg.Targets = []alert.Target{{Device: "sw1", Labels: map[string]string{"site": "paris"}}}
	m, err := alert.Start(alert.Options{Config: cfg, Path: filepath.Join(t.TempDir(), "alerts.journal"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.Failed(time.Now(), "sw1", errors.New("request timeout"))
	mux := http.NewServeMux()
	o.Log = slog.New(slog.DiscardHandler)
	api.Handle(mux, m, o)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		if err := m.Close(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	return s, m
}

func client(s *httptest.Server) *api.Client {
	return &api.Client{Base: s.URL, HTTP: s.Client()}
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
	changes := 0
	s, _ := serve(t, api.Options{Changed: func() { changes++ }})
	c, ctx := client(s), t.Context()
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
	var gone map[string]string
	if err := c.Delete(ctx, api.SilencesPath+"/"+made.ID, &gone); err != nil {
		t.Error(err)
	}
	a = alert.Alert{}
	if err := c.Delete(ctx, api.AlertsPath+"/"+fp+"/ack", &a); err != nil || a.Ack != nil {
		t.Errorf("%v, %+v", err, a)
	}
	if changes != 4 {
		t.Errorf("told of %d changes, want 4", changes)
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

// TestBodies: what a form can send changes nothing, nor what makes no sense.
func TestBodies(t *testing.T) {
	s, _ := serve(t, api.Options{})
	const body = `{"matchers":["device=sw1"],"for":"1h","author":"a","reason":"r"}`
	for name, c := range map[string]struct {
		kind, body string
		want       int
	}{
		"right":          {"application/json; charset=utf-8", body, 200},
		"a form":         {"text/plain", body, 415},
		"of no kind":     {"", body, 415},
		"an unknown key": {"application/json", `{"colour":"red"}`, 400},
		"two bodies":     {"application/json", body + body, 400},
		"a null":         {"application/json", strings.Replace(body, `"device=sw1"`, `"device=sw1",null`, 1), 400},
		"only a null":    {"application/json", strings.Replace(body, `"device=sw1"`, `null`, 1), 400},
		"year 10000":     {"application/json", strings.Replace(body, `"for"`, `"starts_at":"9999-12-31T23:30:00Z","for"`, 1), 400},
		"too long":       {"application/json", `{"author":"` + strings.Repeat("x", 70_000) + `"}`, 400},
	} {
		resp, err := s.Client().Post(s.URL+api.SilencesPath, c.kind, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", name, resp.Status, c.want)
		}
	}
}

// TestWho: where it is known who asks, they cannot say that it was somebody else.
func TestWho(t *testing.T) {
	s, m := serve(t, api.Options{Who: func(*http.Request) string { return "ann" }})
	c, fp := client(s), m.Alerts()[0].Fingerprint
	var a alert.Alert
	if err := c.Post(t.Context(), api.AlertsPath+"/"+fp+"/ack", api.AckRequest{By: "bob"}, &a); err != nil || a.Ack.By != "ann" {
		t.Errorf("%v, %+v", err, a.Ack)
	}
	var made silence.Silence
	if err := c.Post(t.Context(), api.SilencesPath, api.SilenceRequest{Matchers: matchers(t, "device=sw1"), For: api.Duration(time.Hour), Author: "bob", Reason: "r"}, &made); err != nil ||
		made.Author != "ann" {
		t.Errorf("%v, %+v", err, made)
	}
}
