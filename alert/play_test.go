package alert_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/metric"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var statuses = map[string]uint64{
	"up": 1, "down": 2, "testing": 3, "unknown": 4, "dormant": 5, "notPresent": 6, "lowerLayerDown": 7,
}

// parseRow makes a sample of "NAME ADMIN/OPER [in=N] [hc=N] [last=N] [index=N] [alias=S] [verdict=reset|first]". Octets are 1000
// unless "in=" says otherwise ("in=-" leaves them out); an ADMIN/OPER of "-" leaves both statuses out.
func parseRow(t *testing.T, text string, at time.Time) metric.Sample {
	t.Helper()
	words := strings.Fields(text)
	s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{
		{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "sw1"}, {Name: "hostname", Value: "sw1.example"},
		{Name: "ifDescr", Value: "descr " + words[0]}, {Name: "ifName", Value: words[0]}, {Name: "site", Value: "paris"},
	}}
	in, verdict := "1000", counter.OK
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		n, _ := strconv.ParseUint(value, 10, 64)
		switch name {
		case "in":
			in = value
		case "hc":
			s.Fields = append(s.Fields, metric.Field{Name: "ifHCInOctets", Kind: metric.Counter64, Num: n, Verdict: counter.OK})
		case "last":
			s.Fields = append(s.Fields, metric.Field{Name: "ifLastChange", Kind: metric.Unsigned, Num: n})
		case "index":
			s.Fields = append(s.Fields, metric.Field{Name: "ifIndex", Kind: metric.Integer, Num: n})
		case "type", "highspeed", "speed":
			field := map[string]string{"type": "ifType", "highspeed": "ifHighSpeed", "speed": "ifSpeed"}[name]
			s.Fields = append(s.Fields, metric.Field{Name: field, Kind: metric.Unsigned, Num: n})
		case "alias":
			s.Fields = append(s.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: value})
		case "verdict":
			verdict = map[string]counter.Verdict{"reset": counter.Reset, "first": counter.First}[value]
		default:
			rate, err := strconv.ParseFloat(value, 64)
			if err != nil || !strings.HasPrefix(name, "if") {
				t.Fatalf("row %q: %q", text, w)
			}
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Counter64, Num: 1, Rate: rate, Verdict: counter.OK})
		}
	}
	if in != "-" {
		n, _ := strconv.ParseUint(in, 10, 64)
		s.Fields = append(s.Fields, metric.Field{Name: "ifInOctets", Kind: metric.Counter32, Num: n, Verdict: verdict})
	}
	if words[1] != "-" {
		admin, oper, _ := strings.Cut(words[1], "/")
		if statuses[admin] == 0 || statuses[oper] == 0 {
			t.Fatalf("row %q: no such status", text)
		}
		s.Fields = append(s.Fields, metric.Field{Name: "ifAdminStatus", Kind: metric.Integer, Num: statuses[admin]},
			metric.Field{Name: "ifOperStatus", Kind: metric.Integer, Num: statuses[oper]})
	}
	return s
}

// parsePoll makes a poll of "[partial] [reset] [extra] [up=TICKS] [device=NAME] | ROW | ROW …". A ROW "stack UPPER/LOWER …" is ifStackTable, by ifIndex; "duplex [IFINDEX[NAME]=LABEL …]" is dot3StatsTable.
func parsePoll(t *testing.T, text string, at time.Time) alert.Poll {
	t.Helper()
	p := alert.Poll{Device: "sw1", At: at, Interval: 30 * time.Second, Complete: []string{"system", "interface"}}
	parts := strings.Split(text, "|")
	for _, w := range strings.Fields(parts[0]) {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "partial":
			p.Complete = []string{"system"}
		case "reset":
			p.Reset = true
		case "extra":
			p.Extra, p.Complete = true, nil
		case "device":
			p.Device = value
		case "up":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			p.UpTime, p.HasUpTime = uint32(n), true
		default:
			t.Fatalf("poll %q: %q", text, w)
		}
	}
	for _, row := range parts[1:] {
		if pairs, ok := strings.CutPrefix(strings.TrimSpace(row), "stack"); ok {
			p.Complete = append(p.Complete, "interface_stack")
			p.Samples = append(p.Samples, parseStack(pairs, at)...)
			continue
		}
		if list, ok := strings.CutPrefix(strings.TrimSpace(row), "duplex"); ok {
			p.Complete = append(p.Complete, "interface_ethernet")
			p.Samples = append(p.Samples, parseDuplex(list, at)...)
			continue
		}
		p.Samples = append(p.Samples, parseRow(t, row, at))
	}
	return p
}

func parseDuplex(list string, at time.Time) (rows []metric.Sample) {
	for _, word := range strings.Fields(list) {
		port, label, _ := strings.Cut(word, "=")
		index := strings.TrimRight(port, "abcdefghijklmnopqrstuvwxyz")
		s := metric.Sample{Measurement: "interface_ethernet", At: at}
		if name := strings.TrimPrefix(port, index); name != "" {
			s.Tags = []metric.Tag{{Name: "ifName", Value: name}}
		}
		n, _ := strconv.ParseUint(index, 10, 31)
		s.Fields = []metric.Field{{Name: "ifIndex", Kind: metric.Integer, Num: n}, {Name: "dot3StatsDuplexStatus", Kind: metric.String, Str: label}}
		rows = append(rows, s)
	}
	return rows
}

func parseStack(pairs string, at time.Time) (rows []metric.Sample) {
	for _, pair := range strings.Fields(pairs) {
		upper, lower, _ := strings.Cut(pair, "/")
		s := metric.Sample{Measurement: "interface_stack", At: at, Fields: []metric.Field{{Name: "ifStackStatus", Kind: metric.String, Str: "active"}}}
		for name, text := range map[string]string{"ifStackHigherLayer": upper, "ifStackLowerLayer": lower} {
			n, _ := strconv.ParseUint(text, 10, 31)
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Integer, Num: n})
		}
		rows = append(rows, s)
	}
	return rows
}

func config() alert.Config {
	c := alert.DefaultConfig()
	c.DeviceRebooted.Enabled = false
	// The tables are of what a poll decides; TestFlapping and TestHoldDown have what is held down.
	for _, o := range []*alert.RuleOptions{&c.InterfaceMismatch.RuleOptions, &c.InterfaceUtilisation.RuleOptions, &c.InterfaceErrors.RuleOptions,
		&c.InterfaceDiscards.RuleOptions, &c.CounterTooNarrow, &c.CollectorLate} {
		o.KeepFiringFor = 0
	}
	c.Targets = []alert.Target{{Device: "sw1", AgentHost: "192.0.2.1", Labels: map[string]string{"site": "paris"}}}
	return c
}

// restart is what a restart of the program does to an engine: only the JSON survives.
func restart(t *testing.T, e *alert.Engine, at time.Time) *alert.Engine {
	t.Helper()
	data, err := e.Snapshot(at).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := alert.DecodeSnapshot(data)
	if err != nil {
		t.Fatal(err)
	}
	next := alert.NewEngine()
	next.Restore(s)
	return next
}

// step is one event at a number of seconds after the start, and the transitions that it must cause: "KEY KIND FROM>TO [REASON]".
type step struct {
	at   int
	do   string // "poll | ROW …" (see parsePoll), "fail ERROR", "silent DEVICE CAUSE", "linkdown INDEX", "restart", "configure" (after config changed), "advance"
	want []string
}

func brief(ts []alert.Transition) []string {
	var out []string
	for _, t := range ts {
		s := fmt.Sprintf("%s %s %v>%v", t.Key, t.Kind, t.From, t.State)
		if t.Device != "sw1" && t.Device != "" {
			s = t.Device + " " + s
		}
		s = strings.ReplaceAll(strings.TrimSpace(s+" "+string(t.Reason)), "  ", " ")
		if t.Flapping {
			s += " flapping"
		}
		if t.Quiet {
			s += " quiet"
		}
		out = append(out, s)
	}
	return out
}

// play runs steps and returns the engine. Every transition it sees must carry a distinct ID.
func play(t *testing.T, cfg alert.Config, changed *alert.Config, steps []step) *alert.Engine {
	t.Helper()
	return playOn(t, alert.NewEngine(), cfg, changed, steps)
}

// playOn is play with an engine that knows something already.
func playOn(t *testing.T, e *alert.Engine, cfg alert.Config, changed *alert.Config, steps []step) *alert.Engine {
	t.Helper()
	e.Configure(start, cfg)
	ids := map[string]bool{}
	for _, s := range steps {
		at := start.Add(time.Duration(s.at) * time.Second)
		verb, rest, _ := strings.Cut(s.do, " ")
		var got []alert.Transition
		switch verb {
		case "poll":
			got = e.Observe(parsePoll(t, rest, at))
		case "fail":
			got = e.Failed(at, "sw1", errors.New(rest))
		case "silent": // "silent DEVICE CAUSE"
			name, cause, _ := strings.Cut(rest, " ")
			got = e.Failed(at, name, &alert.PollError{Cause: cause, Err: errors.New("request timeout")})
		case "linkdown":
			n, _ := strconv.ParseInt(rest, 10, 64)
			e.LinkDown(at, "sw1", n)
		case "restart":
			e = restart(t, e, at)
			got = e.Configure(at, cfg)
		case "configure":
			cfg = *changed
			got = e.Configure(at, cfg)
		case "advance":
			got = e.Advance(at)
		default:
			t.Fatalf("step %q", s.do)
		}
		if diff := cmp.Diff(s.want, brief(got)); diff != "" {
			t.Fatalf("at %d s, %q: transitions (-want +got):\n%s", s.at, s.do, diff)
		}
		for _, tr := range got {
			if ids[tr.ID] {
				t.Fatalf("at %d s, %q: the ID %s was there before", s.at, s.do, tr.ID)
			}
			ids[tr.ID] = true
			if !tr.At.Equal(at) {
				t.Errorf("at %d s, %q: transition at %v", s.at, s.do, tr.At)
			}
		}
	}
	return e
}
