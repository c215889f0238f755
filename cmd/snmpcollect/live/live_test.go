package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/live"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/web"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)

func sample(device, name string, oper uint64, fields ...metric.Field) metric.Sample {
	all := append([]metric.Field{{Name: "ifAdminStatus", Kind: metric.Integer, Num: 1}, {Name: "ifOperStatus", Kind: metric.Integer, Num: oper},
		{Name: "ifHighSpeed", Kind: metric.Unsigned, Num: 1000}}, fields...)
	return metric.Sample{Measurement: "interface", Tags: []metric.Tag{{Name: "device", Value: device}, {Name: "ifName", Value: name}}, Fields: all}
}

func rate(name string, perSecond float64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Counter64, Rate: perSecond, Verdict: counter.OK}
}

// moment is three devices and what is known of them.
func moment(t *testing.T) live.Source {
	t.Helper()
	memory := web.NewMemory()
	memory.Keep([]web.Target{{Name: "core1"}, {Name: "core2"}, {Name: "core3"}, {Name: "core4"}})
	pages := sinks.Pages(memory)
	pages.Poll(t.Context(), collector.Poll{Device: "core1", At: at, Answered: true, UpTime: 8640000, HasUpTime: true, Samples: []metric.Sample{
		sample("core1", "busy", 1, rate("ifHCInOctets", 125e6), rate("ifHCOutOctets", 1000), rate("ifInErrors", 2), metric.Field{Name: "ifAlias", Kind: metric.String, Str: "uplink"}),
		sample("core1", "broken\x1b[2J", 2, metric.Field{Name: "ifInOctets", Kind: metric.Counter32, Verdict: counter.Ambiguous}),
		{Measurement: "system"},
	}})
	pages.Poll(t.Context(), collector.Poll{Device: "core2", At: at, Answered: true, Samples: []metric.Sample{
		sample("core2", "free", 2), sample("core2", "calm", 1, rate("ifHCInOctets", 125), rate("ifHCOutOctets", 12.5e6)),
	}})
	pages.Poll(t.Context(), collector.Poll{Device: "core3", At: at, Err: errors.New("no answer")})
	stats := []collector.Stats{
		{Device: "core1", Last: at.Add(-5 * time.Second), Answered: true, Polls: 10, Duration: 12 * time.Millisecond, Requests: 40, Verdicts: map[counter.Verdict]uint64{counter.OK: 9, counter.Ambiguous: 2, counter.First: 1}},
		{Device: "core2", Last: at.Add(-7 * time.Second), Answered: true, Polls: 10, Partial: 1, Duration: 1500 * time.Millisecond, Lag: 20 * time.Millisecond, Retries: 4, Err: "interface: too much"},
		{Device: "core3", Last: at.Add(-time.Second), Polls: 10, Failed: 10, Err: "no answer from 192.0.2.3"},
		{Device: "core4"},
	}
	return live.Source{Version: "v", Memory: memory, Stats: func() []collector.Stats { return stats }, Alerts: func() (current, neverUp []alert.Alert) {
		return []alert.Alert{{Device: "core1", Key: "broken\x1b[2J", State: alert.Firing, Since: at, Summary: "core1 broken: admin up, oper down"},
			{Device: "core1", Key: "old", State: alert.Resolved}}, []alert.Alert{{Device: "core2", Key: "free", State: alert.Listed}}
	}}
}

func TestFrame(t *testing.T) {
	s := moment(t)
	for _, tt := range []struct {
		name string
		q    live.Query
		want string
	}{
		{"all", live.Query{}, `
here:8161  03:04:05  4 targets: 1 up, 1 partial, 1 silent  alerts: 1
sort alert  4 match

DEVICE    INTERFACE    ADMIN/OPER  IN BIT/S OUT BIT/S  ERR/S  VERDICT   ALERT
core1     broken?[2J   up/down            -         -      -  ambiguous firing
core1     busy         up/up         1.00 G    8.00 k    2.0  ok
core2     calm         up/up         1.00 k  100.00 M      -  ok
core2     free         up/down            -         -      -            never up

ALERTS
firing    since 03:04:05  core1 broken: admin up, oper down
`},
		{"by traffic out, and few", live.Query{Sort: "out", Filter: "CORE up/up", Limit: 1}, `
here:8161  03:04:05  4 targets: 1 up, 1 partial, 1 silent  alerts: 1
sort out  filter "CORE up/up"  2 match

DEVICE    INTERFACE    ADMIN/OPER  IN BIT/S OUT BIT/S  ERR/S  VERDICT   ALERT
core2     calm         up/up         1.00 k  100.00 M      -  ok

ALERTS
firing    since 03:04:05  core1 broken: admin up, oper down
`},
		{"devices", live.Query{Devices: true}, `
here:8161  03:04:05  4 targets: 1 up, 1 partial, 1 silent  alerts: 1
sort state  4 match

DEVICE           STATE       AGO      POLL      LAG   POLLS  FAILED  RETRIES WITHHELD  LAST ERROR
core3            silent       1s     0.0ms    0.0ms      10      10        0        0  no answer from 192.0.2.3
core2            partial      7s  1500.0ms   20.0ms      10       0        4        0  interface: too much
core4            new           -     0.0ms    0.0ms       0       0        0        0
core1            up           5s    12.0ms    0.0ms      10       0        0        3

ALERTS
firing    since 03:04:05  core1 broken: admin up, oper down
`},
	} {
		got := live.Frame(s.View(tt.q, at), tt.q, "here:8161", 0, 0)
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for line := range strings.Lines(live.Frame(s.View(live.Query{}, at), live.Query{}, "here:8161", 40, 24)) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 40 {
			t.Errorf("%d columns of 40: %q", n, line)
		}
	}
	if n := strings.Count(live.Frame(s.View(live.Query{}, at), live.Query{}, "here:8161", 80, 8), "\n"); n > 8 {
		t.Errorf("%d lines of 8", n)
	}
}

func TestSorts(t *testing.T) {
	s := moment(t)
	names := func(v live.View) string {
		var out []string
		for _, i := range v.Interfaces {
			out = append(out, live.Clip(i.Name, 6))
		}
		for _, d := range v.Devices {
			out = append(out, d.Device)
		}
		return strings.Join(out, " ")
	}
	for _, tt := range []struct {
		q    live.Query
		want string
	}{
		{live.Query{Sort: "in"}, "busy calm broke… free"}, {live.Query{Sort: "out"}, "calm busy broke… free"}, {live.Query{Sort: "load"}, "busy calm broke… free"},
		{live.Query{Sort: "errors"}, "busy broke… free calm"}, {live.Query{Sort: "name"}, "broke… busy calm free"}, {live.Query{Sort: "alert"}, "broke… busy calm free"},
		{live.Query{Filter: "UPLINK"}, "busy"}, {live.Query{Filter: "up/down"}, "broke… free"}, {live.Query{Filter: "never"}, "free"}, {live.Query{Filter: "nothing"}, ""},
		{live.Query{Devices: true, Sort: "duration"}, "core2 core1 core3 core4"}, {live.Query{Devices: true, Sort: "failed"}, "core3 core1 core2 core4"},
		{live.Query{Devices: true, Sort: "retries"}, "core2 core1 core3 core4"}, {live.Query{Devices: true, Sort: "withheld"}, "core1 core2 core3 core4"},
		{live.Query{Devices: true, Sort: "lag"}, "core2 core1 core3 core4"}, {live.Query{Devices: true, Sort: "name"}, "core1 core2 core3 core4"},
		{live.Query{Devices: true, Filter: "silent"}, "core3"},
	} {
		if got := names(s.View(tt.q, at)); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.q, got, tt.want)
		}
		back, err := live.ParseQuery(tt.q.Values())
		if diff := cmp.Diff(tt.q, back); err != nil || diff != "" {
			t.Errorf("%+v read again: %v %s", tt.q, err, diff)
		}
	}
}

func TestHandler(t *testing.T) {
	s := moment(t)
	server := httptest.NewServer(s.Handler(slog.New(slog.DiscardHandler)))
	defer server.Close()
	client := live.Client{Base: server.URL, HTTP: server.Client()}
	v, err := client.View(t.Context(), live.Query{Sort: "in", Limit: 2})
	if err != nil || v.Targets != 4 || len(v.Interfaces) != 2 || v.Matching != 4 || *v.Interfaces[0].In != 1e9 || v.Interfaces[0].Load() != 1 {
		t.Errorf("%v, %+v", err, v)
	}
	for _, bad := range []string{"sort=colour", "limit=many", "limit=5000", "devices=perhaps"} {
		r, err := http.Get(server.URL + live.Path + "?" + bad)
		if err != nil || r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", bad, r.Status, err)
		}
		r.Body.Close()
	}
	if _, err := client.View(t.Context(), live.Query{Sort: "colour"}); err == nil || !strings.Contains(err.Error(), `sort "colour"; known are alert`) {
		t.Errorf("a refusal: %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	client.Base = other.URL
	if _, err := client.View(t.Context(), live.Query{}); err == nil || !strings.Contains(err.Error(), "is no collector") {
		t.Errorf("another server: %v", err)
	}
	other.Close()
	if _, err := client.View(t.Context(), live.Query{}); err == nil || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("nobody: %v", err)
	}
}

// TestTop: keys change what is asked for and drawn; q ends, and the terminal is as it was.
func TestTop(t *testing.T) {
	s := moment(t)
	asked := make(chan live.Query, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := live.ParseQuery(r.URL.Query())
		if err != nil {
			t.Error(err)
		}
		asked <- q
		if err := json.NewEncoder(w).Encode(s.View(q, at)); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	keys := make(chan rune)
	var out bytes.Buffer
	top := live.Top{Client: live.Client{Base: server.URL, HTTP: server.Client()}, Every: time.Hour, Out: &out, Keys: keys,
		Size: func() (int, int) { return 80, 24 }}
	done := make(chan error)
	go func() { done <- top.Run(t.Context()) }()
	next := func() live.Query {
		select {
		case q := <-asked:
			return q
		case <-time.After(time.Minute):
			t.Fatal("nothing was asked")
			return live.Query{}
		}
	}
	next()
	for _, step := range []struct {
		keys string
		want live.Query
	}{
		{"s", live.Query{Sort: "in"}}, {"S", live.Query{Sort: "alert"}}, {"S", live.Query{Sort: "name"}}, {"d", live.Query{Devices: true}}, {"S", live.Query{Devices: true, Sort: "name"}},
		{"d", live.Query{}}, {"/core1x\x7f\r", live.Query{Filter: "core1"}}, {"/zzz\x1b\x1b", live.Query{}},
	} {
		for _, k := range step.keys {
			keys <- k
		}
		if diff := cmp.Diff(step.want, next()); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", step.keys, diff)
		}
	}
	keys <- '?'
	keys <- 'q'
	if err := <-done; err != nil {
		t.Error(err)
	}
	text := out.String()
	for _, want := range []string{"core1     busy", "sort name", "filter: core1_", "WITHHELD", "Esc  no filter"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q was never drawn", want)
		}
	}
	if !strings.HasPrefix(text, "\x1b[?1049h\x1b[?25l") || !strings.HasSuffix(text, "\x1b[?25h\x1b[?1049l") {
		t.Errorf("the terminal is not what it was: %q … %q", text[:20], text[len(text)-20:])
	}
	if strings.Contains(text, "broken\x1b") {
		t.Error("a device's control characters reach the terminal")
	}
}

// TestTopWithoutCollector: it says so and goes on asking; the end of its context ends it.
func TestTopWithoutCollector(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	asked := 0
	top := live.Top{Client: live.Client{Base: "http://" + address, HTTP: &http.Client{}}, Every: time.Millisecond, Out: &out, Size: func() (int, int) {
		if asked++; asked == 3 {
			cancel()
		}
		return 200, 24
	}}
	if err := top.Run(ctx); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "! no collector answers at "+address) {
		t.Errorf("drawn: %q", out.String())
	}
	if err := top.Once(t.Context()); err == nil {
		t.Error("once: no error")
	}
}
