package alert_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
		case "alias":
			s.Fields = append(s.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: value})
		case "verdict":
			verdict = map[string]counter.Verdict{"reset": counter.Reset, "first": counter.First}[value]
		default:
			t.Fatalf("row %q: %q", text, w)
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

// parsePoll makes a poll of "[partial] [reset] [up=SECONDS] | ROW | ROW …".
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
		p.Samples = append(p.Samples, parseRow(t, row, at))
	}
	return p
}

func config() alert.Config {
	c := alert.DefaultConfig()
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
	do   string // "poll | ROW …" (see parsePoll), "fail ERROR", "restart", "configure" (after config changed), "advance"
	want []string
}

func brief(ts []alert.Transition) []string {
	var out []string
	for _, t := range ts {
		s := fmt.Sprintf("%s %s %v>%v", t.Key, t.Kind, t.From, t.State)
		out = append(out, strings.TrimSpace(s+" "+string(t.Reason)))
	}
	return out
}

// play runs steps and returns the engine. Every transition it sees must carry a distinct ID.
func play(t *testing.T, cfg alert.Config, changed *alert.Config, steps []step) *alert.Engine {
	t.Helper()
	e := alert.NewEngine()
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

const (
	pending   = "p1 admin_up_oper_down inactive>pending"
	firing    = "p1 admin_up_oper_down pending>firing"
	recovered = "p1 admin_up_oper_down firing>resolved recovered"
	cancelled = "p1 admin_up_oper_down pending>resolved recovered"

	silent      = "no_answer inactive>pending"
	unreachable = "no_answer pending>firing"
	answered    = "no_answer firing>resolved recovered"
	hiccup      = "no_answer pending>resolved recovered"
)

func one(s ...string) []string { return s }

func TestTransitions(t *testing.T) {
	tests := map[string][]step{
		"a mismatch fires after 60 s and resolves": {
			{0, "poll | p1 up/up | p2 up/up", nil},
			{30, "poll | p1 up/down | p2 up/up", one(pending)},
			{60, "poll | p1 up/down | p2 up/up", nil},
			{90, "poll | p1 up/down | p2 up/up", one(firing)},
			{120, "poll | p1 up/down | p2 up/up", nil},
			{150, "poll | p1 up/up | p2 up/up", one(recovered)},
			{180, "poll | p1 up/up | p2 up/up", nil},
		},
		"a short one is never told": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/up", one(cancelled)},
			{60, "poll | p1 up/down", one(pending)},
			{90, "poll | p1 up/down", nil},
			{120, "poll | p1 up/down", one(firing)},
		},
		"disabling the port resolves": {
			{0, "poll | p1 up/down", one(pending)},
			{60, "poll | p1 up/down", one(firing)},
			{90, "poll | p1 down/down", one(recovered)},
		},
		"two ports go their own ways": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{30, "poll | p1 up/down | p2 up/down", one("p2 admin_up_oper_down inactive>pending")},
			{60, "poll | p1 up/down | p2 up/down", one(firing)},
			{90, "poll | p1 up/up | p2 up/down", one(recovered, "p2 admin_up_oper_down pending>firing")},
		},
		"the one kind ends as the other begins": {
			{0, "poll | p1 up/down", one(pending)},
			{60, "poll | p1 up/down", one(firing)},
			{90, "poll | p1 down/up", one(recovered, "p1 admin_down_oper_up inactive>pending")},
			{150, "poll | p1 down/up", one("p1 admin_down_oper_up pending>firing")},
			{180, "poll | p1 up/up", one("p1 admin_down_oper_up firing>resolved recovered")},
		},
		"one oper status for another of the mismatches goes on": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/lowerLayerDown", nil},
			{60, "poll | p1 up/notPresent", one(firing)},
		},

		"a silent device freezes its interfaces": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", nil},
			{60, "fail request timeout", one(silent)},
			{90, "fail request timeout", one(unreachable)},
			{120, "fail request timeout", nil},
			{600, "poll | p1 up/down", one(answered)}, // the time without an answer is not observed
			{630, "poll | p1 up/down", one(firing)},
			{660, "fail request timeout", one(silent)},
			{690, "poll | p1 up/down", one(hiccup)},
			{720, "poll | p1 up/up", one(recovered)},
		},
		"a single lost poll pauses too": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "fail request timeout", one(silent)},
			{60, "poll | p1 up/down", one(hiccup)},
			{90, "poll | p1 up/down", nil},
			{120, "poll | p1 up/down", one(firing)},
		},
		"a resolution that happened in the dark is told with the answer": {
			{0, "poll | p1 up/down", one(pending)},
			{60, "poll | p1 up/down", one(firing)},
			{90, "fail refused", one(silent)},
			{120, "fail refused", one(unreachable)},
			{150, "poll | p1 up/up", one(answered, recovered)},
		},
		"time that we slept through is not observed": {
			{0, "poll | p1 up/down", one(pending)},
			{3600, "poll | p1 up/down", nil},
			{3630, "poll | p1 up/down", nil},
			{3660, "poll | p1 up/down", one(firing)},
		},
		"a clock that is set back": {
			{600, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", nil},
			{60, "poll | p1 up/down", nil},
			{90, "poll | p1 up/down", one(firing)},
		},

		"five minutes after a reset": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll reset | p1 up/down", nil},
			{300, "poll | p1 up/down", nil},
			{330, "poll | p1 up/down", nil}, // held no more; the first to observe again
			{360, "poll | p1 up/down", nil},
			{390, "poll | p1 up/down", one(firing)},
			{420, "poll reset | p1 up/up", nil},
			{450, "poll | p1 up/up", nil},
			{720, "poll | p1 up/up", one(recovered)},
		},
		"rows that are missing while it boots are not removed": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{60, "poll | p1 up/down | p2 up/up", one(firing)},
			{90, "poll reset | p2 up/up", nil},
			{120, "poll | p2 up/up", nil},
			{150, "poll | p2 up/up", nil},
			{390, "poll | p1 up/down | p2 up/up", nil},
			{420, "poll | p1 up/up | p2 up/up", one(recovered)},
		},
		"sysUpTime tells of a reset": {
			{0, "poll up=100000 | p1 up/down", one(pending)},
			{30, "poll up=103000 | p1 up/down", nil},
			{60, "poll up=500 | p1 up/down", nil},
			{90, "poll up=3500 | p1 up/down", nil},
			{360, "poll up=30500 | p1 up/down", nil},
			{390, "poll up=33500 | p1 up/down", one(firing)},
		},
		"sysUpTime tells of a reset over polls that lack it": {
			{0, "poll up=100000 | p1 up/down", one(pending)},
			{30, "poll partial | p1 up/down", nil},
			{60, "poll up=500 | p1 up/down", nil},
			{90, "poll up=3500 | p1 up/down", nil},
		},
		"sysUpTime that wraps is no reset": {
			{0, "poll up=4294966296 | p1 up/down", one(pending)},
			{30, "poll up=2000 | p1 up/down", nil},
			{60, "poll up=5000 | p1 up/down", one(firing)},
		},
		"sysUpTime that is near its wrap and a little late is no reset": {
			{0, "poll up=4294964296 | p1 up/down", one(pending)},
			{30, "poll up=4294967250 | p1 up/down", nil}, // 46 ticks before the wrap
			{60, "poll up=2900 | p1 up/down", one(firing)},
		},
		"sysUpTime that is near its wrap and a little early is no reset": {
			{0, "poll up=4294964246 | p1 up/down", one(pending)},
			{30, "poll up=10 | p1 up/down", nil}, // expected 50 ticks before the wrap
			{60, "poll up=3010 | p1 up/down", one(firing)},
		},
		"a reset after more than half of sysUpTime's range": {
			{0, "poll up=4000000000 | p1 up/down", one(pending)},
			{30, "poll up=500 | p1 up/down", nil},
			{60, "poll up=3500 | p1 up/down", nil},
			{90, "poll up=6500 | p1 up/down", nil},
		},
		"counters that are all reset tell of it where sysUpTime does not": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{30, "poll | p1 up/down verdict=reset | p2 up/up verdict=reset", nil},
			{60, "poll | p1 up/down | p2 up/up", nil},
			{90, "poll | p1 up/down | p2 up/up", nil},
			{330, "poll | p1 up/down | p2 up/up", nil},
			{390, "poll | p1 up/down | p2 up/up", one(firing)},
		},
		"and a new port among them says nothing": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down verdict=reset | p2 up/up verdict=first", nil},
			{60, "poll | p1 up/down | p2 up/up", nil},
			{90, "poll | p1 up/down | p2 up/up", nil},
		},
		"first readings are no reset": {
			{0, "poll | p1 up/down verdict=first", one(pending)},
			{30, "poll | p1 up/down verdict=first", nil},
			{60, "poll | p1 up/down", one(firing)},
		},
		"one port whose counters were cleared is no reboot": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{30, "poll | p1 up/down verdict=reset | p2 up/up", nil},
			{60, "poll | p1 up/down | p2 up/up", one(firing)},
		},
		"all counters cleared while sysUpTime runs on is no reboot": {
			{0, "poll up=100000 | p1 up/down", one(pending)},
			{30, "poll up=103000 | p1 up/down verdict=reset", nil},
			{60, "poll up=106000 | p1 up/down", one(firing)},
		},
		"the identity survives renumbering": {
			{0, "poll | p1 up/down index=1 | p2 up/up index=2", one(pending)},
			{30, "poll reset | p2 up/up index=1 | p1 up/down index=2", nil},
			{330, "poll | p2 up/up index=1 | p1 up/down index=2", nil},
			{390, "poll | p2 up/up index=1 | p1 up/down index=2", one(firing)},
			{420, "poll | p1 up/up index=7", one(recovered)},
		},

		"two complete walks without it remove it": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{60, "poll | p1 up/down | p2 up/up", one(firing)},
			{90, "poll | p2 up/up", nil},
			{120, "poll | p2 up/up", one("p1 admin_up_oper_down firing>resolved removed")},
			{150, "poll | p2 up/up", nil},
			{180, "poll | p1 up/down | p2 up/up", one(pending)}, // back, and used before
		},
		"the walks that lack it must follow each other": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll", nil},
			{60, "poll | p1 up/down", nil},
			{90, "poll", nil},
			{120, "poll", one("p1 admin_up_oper_down pending>resolved removed")},
		},
		"partial walks freeze it": {
			{0, "poll | p1 up/down | p2 up/up", one(pending)},
			{30, "poll | p1 up/down | p2 up/up", nil},
			{60, "poll partial | p2 up/up", nil},
			{90, "poll partial | p2 up/up", nil},
			{120, "poll partial | p2 up/up", nil},
			{150, "poll | p1 up/down | p2 up/up", nil}, // since 30 s it was not observed
			{180, "poll partial | p1 up/down", one(firing)},
			{210, "poll partial | p1 -", nil},
			{240, "poll partial", nil},
			{270, "poll | p1 up/up", one(recovered)},
		},
		"a partial or lost walk between two that lack it": {
			{0, "poll | p1 up/down", one(pending)},
			{60, "poll | p1 up/down", one(firing)},
			{90, "poll", nil},
			{120, "poll partial", nil},
			{150, "fail timeout", one(silent)},
			{180, "poll", one(hiccup, "p1 admin_up_oper_down firing>resolved removed")},
		},
		"several that go at once go in order": {
			{0, "poll | p2 up/down | p1 up/down | p3 down/up", one("p2 admin_up_oper_down inactive>pending", pending, "p3 admin_down_oper_up inactive>pending")},
			{30, "poll", nil},
			{60, "poll", one("p1 admin_up_oper_down pending>resolved removed", "p2 admin_up_oper_down pending>resolved removed",
				"p3 admin_down_oper_up pending>resolved removed")},
		},

		"never_up raises nothing until it counts traffic": {
			{0, "poll | p1 up/down in=0 last=0", nil},
			{30, "poll | p1 up/down in=0 last=0", nil},
			{600, "poll | p1 up/notPresent in=0 last=30000", nil},
			{630, "poll | p1 up/down in=64 last=30000", one(pending)},
			{660, "poll | p1 up/down in=64 last=30000", nil},
			{690, "poll | p1 up/down in=64 last=30000", one(firing)},
		},
		"a port that was seen up is not never_up": {
			{0, "poll | p1 up/down in=0 last=0", nil},
			{30, "poll | p1 up/up in=0 last=0", nil},
			{60, "poll | p1 up/down in=0 last=0", one(pending)},
		},
		"nor one that changed later than five minutes after the boot": {
			{0, "poll | p1 up/down in=0 last=30001", one(pending)},
		},
		"nor one whose 64-bit counter alone moved, or does not move": {
			{0, "poll | p1 up/down hc=0 in=5 last=0 | p2 up/down hc=5 in=0 last=0", one(pending, "p2 admin_up_oper_down inactive>pending")},
		},
		"nor one without any counter of octets": {
			{0, "poll | p1 up/down in=- last=0", one(pending)},
		},
		"but that is known only at the end of a walk": {
			{0, "poll partial | p1 up/down in=-", nil},
			{30, "poll partial | p1 up/down in=-", nil},
			{60, "poll | p1 up/down in=0 last=0", nil},
			{90, "poll partial | p1 up/down in=-", nil},
		},
		"a reboot that zeroes everything makes no used port never_up": {
			{0, "poll | p1 up/up in=99 last=400000", nil},
			{30, "poll reset | p1 up/down in=0 last=0", nil},
			{330, "poll | p1 up/down in=0 last=0", one(pending)},
			{390, "poll | p1 up/down in=0 last=0", one(firing)},
		},
		"disabled and up needs no history": {
			{0, "poll | p1 down/up in=0 last=0", one("p1 admin_down_oper_up inactive>pending")},
		},
		"unknown proves no use": {
			{0, "poll | p1 up/unknown in=0 last=0", nil},
			{30, "poll | p1 up/down in=0 last=0", nil},
		},

		"rows that share a name are told apart by index": {
			{0, "poll | eth up/up index=1 | eth up/down index=2", one("eth (ifIndex 2) admin_up_oper_down inactive>pending")},
			{60, "poll | eth up/up index=1 | eth up/down index=2", one("eth (ifIndex 2) admin_up_oper_down pending>firing")},
			{90, "poll | eth up/down index=1 | eth up/up index=2", one("eth (ifIndex 1) admin_up_oper_down inactive>pending",
				"eth (ifIndex 2) admin_up_oper_down firing>resolved recovered")},
		},
		"rows that nothing tells apart": {
			{0, "poll | eth up/down | eth up/up", one("eth (ifIndex 0) admin_up_oper_down inactive>pending")},
			{60, "poll | eth up/down | eth up/up", one("eth (ifIndex 0) admin_up_oper_down pending>firing")},
		},

		"a restart neither repeats nor forgets a firing alert": {
			{0, "poll | p1 up/down", one(pending)},
			{60, "poll | p1 up/down", one(firing)},
			{70, "restart", nil},
			{90, "poll | p1 up/down", nil},
			{100, "restart", nil},
			{120, "poll | p1 up/up", one(recovered)},
		},
		"a restart pauses a pending one": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", nil},
			{31, "restart", nil},
			{60, "poll | p1 up/down", nil},
			{90, "poll | p1 up/down", one(firing)},
		},
		"a restart between the walks that lack a port": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll", nil},
			{31, "restart", nil},
			{60, "poll", one("p1 admin_up_oper_down pending>resolved removed")},
			{61, "restart", nil},
			{90, "poll | p1 up/down in=0 last=0", one(pending)}, // still known to have been used
		},
		"a restart while a device is silent": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "fail timeout", one(silent)},
			{31, "restart", nil},
			{60, "fail timeout", one(unreachable)},
			{61, "restart", nil},
			{90, "fail timeout", nil},
			{120, "poll | p1 up/down", one(answered)},
		},
		"a restart while a device reboots": {
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll reset | p1 up/down", nil},
			{31, "restart", nil},
			{60, "poll | p1 up/down", nil},
			{90, "poll | p1 up/down", nil},
			{120, "poll | p1 up/down", nil},
			{330, "poll | p1 up/down", nil},
			{390, "poll | p1 up/down", one(firing)},
		},
		"a reboot during our restart": {
			{0, "poll up=100000 | p1 up/up in=5", nil},
			{31, "restart", nil},
			{60, "poll up=1000 | p1 up/down in=0 last=0", nil},
			{90, "poll up=4000 | p1 up/down in=0 last=0", nil},
			{360, "poll up=31000 | p1 up/down in=0 last=0", one(pending)},
		},
		"a restart keeps never_up": {
			{0, "poll | p1 up/down in=0 last=0", nil},
			{1, "restart", nil},
			{30, "poll | p1 up/down in=0 last=0", nil},
			{60, "poll | p1 up/down in=0 last=0", nil},
		},
		"what long is gone is forgotten": {
			{0, "poll | p1 up/up in=5", nil},
			{30, "poll", nil},
			{60, "poll", nil},
			{3660, "advance", nil},
			{3690, "poll", nil},
			{90000, "advance", nil},
			{90030, "poll | p1 up/down in=0 last=0", nil}, // a new port, as far as anybody knows
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) { play(t, config(), nil, steps) })
	}
}

// Every pair of statuses, by the table of the design.
func TestStatusPairs(t *testing.T) {
	want := map[string]string{
		"up/down": alert.KindOperDown, "up/notPresent": alert.KindOperDown, "up/lowerLayerDown": alert.KindOperDown,
		"down/up": alert.KindOperUp,
	}
	for _, admin := range []string{"up", "down", "testing"} {
		for oper := range statuses {
			pair := admin + "/" + oper
			t.Run(pair, func(t *testing.T) {
				var transitions []string
				if kind := want[pair]; kind != "" {
					transitions = one("p1 " + kind + " inactive>pending")
				}
				play(t, config(), nil, []step{{0, "poll | p1 " + pair, transitions}})
			})
		}
	}
}

func TestForZeroNeedsOneConfirmingPoll(t *testing.T) {
	cfg := config()
	cfg.InterfaceMismatch.For = 0
	play(t, cfg, nil, []step{
		{0, "poll | p1 up/down", one(pending)},
		{2, "poll | p1 up/down", one(firing)},
		{4, "poll | p1 up/up", one(recovered)},
		{6, "poll | p1 up/down", one(pending)},
		{8, "fail timeout", one(silent)},
		{10, "poll | p1 up/down", one(hiccup, firing)},
	})
}

func TestUnreachableAfterConfiguredPolls(t *testing.T) {
	for polls, steps := range map[int][]step{
		0: {{0, "fail timeout", one("no_answer inactive>firing")}, {30, "poll", one(answered)}},
		1: {{0, "fail timeout", one("no_answer inactive>firing")}, {30, "fail timeout", nil}, {60, "poll", one(answered)}},
		3: {{0, "fail timeout", one(silent)}, {30, "fail timeout", nil}, {60, "fail timeout", one(unreachable)}, {90, "poll", one(answered)}},
	} {
		t.Run(strconv.Itoa(polls), func(t *testing.T) {
			cfg := config()
			cfg.DeviceUnreachable.Polls = polls
			play(t, cfg, nil, steps)
		})
	}
}

func TestConfigure(t *testing.T) {
	mismatchOff, unreachableOff, gone, systemOnly, longer := config(), config(), config(), config(), config()
	mismatchOff.InterfaceMismatch.Enabled = false
	unreachableOff.DeviceUnreachable.Enabled = false
	gone.Targets = nil
	systemOnly.Targets = []alert.Target{{Device: "sw1", Collect: []string{"system"}}}
	longer.InterfaceMismatch.For = time.Hour
	begin := []step{{0, "poll | p1 up/down | p2 up/down", one(pending, "p2 admin_up_oper_down inactive>pending")},
		{60, "poll | p1 up/down | p2 up/up", one(firing, "p2 admin_up_oper_down pending>resolved recovered")}, {90, "fail timeout", one(silent)}}
	const notCollected, ruleOff = "p1 admin_up_oper_down firing>resolved target_removed", "p1 admin_up_oper_down firing>resolved rule_removed"
	for name, c := range map[string]struct {
		changed alert.Config
		steps   []step
	}{
		"target gone": {gone, []step{{100, "configure", one("no_answer pending>resolved target_removed", notCollected)},
			{120, "poll | p1 up/down", nil}, {150, "fail timeout", nil}}},
		"table no longer collected": {systemOnly, []step{{100, "configure", one(notCollected)}, {120, "poll partial", one(hiccup)}}},
		"mismatch rule off":         {mismatchOff, []step{{100, "configure", one(ruleOff)}, {120, "poll | p1 up/down", one(hiccup)}}},
		"unreachable rule off": {unreachableOff, []step{{100, "configure", one("no_answer pending>resolved rule_removed")},
			{120, "fail timeout", nil}, {150, "poll | p1 up/up", one(recovered)}}},
		"longer for leaves what fires": {longer, []step{{100, "configure", nil}, {120, "poll | p1 up/down", one(hiccup)},
			{150, "poll | p1 up/up", one(recovered)}}},
		"target gone over a restart": {gone, []step{{100, "restart", nil}, {101, "configure", one("no_answer pending>resolved target_removed", notCollected)}}},
	} {
		t.Run(name, func(t *testing.T) { play(t, config(), &c.changed, append(slices.Clone(begin), c.steps...)) })
	}
}

func TestOtherDevicesAndOurOwnCancelling(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	var got []alert.Transition
	got = append(got, e.Observe(alert.Poll{Device: "other", At: start, Samples: []metric.Sample{parseRow(t, "p1 up/down", start)}})...)
	got = append(got, e.Failed(start, "other", errors.New("timeout"))...)
	for range 3 {
		got = append(got, e.Failed(start, "sw1", fmt.Errorf("poll: %w", context.Canceled))...)
	}
	if len(got)+len(e.Alerts()) > 0 {
		t.Errorf("transitions %v, alerts %v", brief(got), e.Alerts())
	}
}

func TestAlertTells(t *testing.T) {
	cfg := config()
	e := play(t, cfg, nil, []step{
		{0, "poll | p1 up/down index=3 last=500 alias=up\x1blink | p2 up/down in=0 last=0", one(pending)},
		{30, "poll | p1 up/down index=4 last=500 alias=core | p2 up/down in=0 last=0", nil},
		{60, "poll | p1 up/down index=4 last=500 alias=core | p2 up/down in=0 last=0", one(firing)},
		{90, "poll | p1 up/lowerLayerDown index=4 last=500 alias=core | p2 up/down in=0 last=0", nil},
		{120, "fail read udp 192.0.2.1:161: i/o\ntimeout", one(silent)},
	})
	labels := func(port, alias string) map[string]string {
		l := map[string]string{"agent_host": "192.0.2.1", "device": "sw1", "hostname": "sw1.example", "site": "paris"}
		if port != "" {
			l["ifName"], l["ifDescr"] = port, "descr "+port
		}
		if alias != "" {
			l["ifAlias"] = alias
		}
		return l
	}
	silentAt := start.Add(2 * time.Minute)
	want := []alert.Alert{
		{
			Device: "sw1", Rule: "device_unreachable", Kind: "no_answer", State: alert.Pending,
			Since: silentAt, Polls: 1, Labels: labels("", ""),
			Values:  map[string]string{"error": "read udp 192.0.2.1:161: i/o\ntimeout", "failedPolls": "1"},
			Summary: "sw1 (192.0.2.1): no answer to 1 poll: read udp 192.0.2.1:161: i/o\ufffdtimeout",
		},
		{
			Device: "sw1", Rule: "interface_mismatch", Kind: "admin_up_oper_down", Key: "p1", State: alert.Firing,
			Since: start, FiredAt: start.Add(time.Minute), Observed: 90 * time.Second, Polls: 4, Frozen: alert.Unreachable, Labels: labels("p1", "core"),
			Values:  map[string]string{"ifAdminStatus": "up", "ifOperStatus": "lowerLayerDown", "ifIndex": "4", "ifLastChange": "500"},
			Summary: "sw1 p1 (core): admin up, oper lowerLayerDown",
		},
	}
	wantNeverUp := []alert.Alert{{
		Device: "sw1", Rule: "interface_mismatch", Kind: "never_up", Key: "p2", State: alert.Listed, Since: start, Polls: 4,
		Frozen: alert.Unreachable, Labels: labels("p2", ""),
		Values:  map[string]string{"ifAdminStatus": "up", "ifOperStatus": "down", "ifLastChange": "0"},
		Summary: "sw1 p2: admin up, oper down",
	}}
	noPrints := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Fingerprint" }, cmp.Ignore())
	if diff := cmp.Diff(want, e.Alerts(), noPrints); diff != "" {
		t.Errorf("Alerts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantNeverUp, e.NeverUp(), noPrints); diff != "" {
		t.Errorf("NeverUp (-want +got):\n%s", diff)
	}
}

func TestSummaries(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	var got []string
	for i, pair := range []string{"up/down", "up/down", "up/down", "up/up"} {
		at := start.Add(time.Duration(i) * 30 * time.Second)
		for _, tr := range e.Observe(parsePoll(t, "| p1 "+pair+" alias=core", at)) {
			got = append(got, tr.Summary)
		}
	}
	for i := range 2 {
		for _, tr := range e.Failed(start.Add(time.Duration(120+30*i)*time.Second), "sw1", errors.New("request timeout")) {
			got = append(got, tr.Summary)
		}
	}
	for _, tr := range e.Observe(parsePoll(t, "", start.Add(200*time.Second))) {
		got = append(got, tr.Summary)
	}
	for _, tr := range e.Configure(start.Add(210*time.Second), alert.Config{}) {
		got = append(got, tr.Summary)
	}
	want := []string{
		"sw1 p1 (core): admin up, oper down",
		"sw1 p1 (core): admin up, oper down, seen for 1m0s",
		"sw1 p1 (core): admin up, oper up; recovered after 1m30s",
		"sw1 (192.0.2.1): no answer to 1 poll: request timeout",
		"sw1 (192.0.2.1): no answer to 2 polls: request timeout",
		"sw1: answers again; recovered after 1m20s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFrozenAndResolvedAreListed(t *testing.T) {
	frozen := func(e *alert.Engine) (out []string) {
		for _, a := range e.Alerts() {
			out = append(out, fmt.Sprintf("%s %v %s", a.Key, a.State, a.Frozen))
		}
		return out
	}
	begin := []step{
		{0, "poll | p1 up/down | p2 up/down", one(pending, "p2 admin_up_oper_down inactive>pending")},
		{60, "poll | p1 up/down | p2 up/down", one(firing, "p2 admin_up_oper_down pending>firing")},
	}
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"moving":       {nil, []string{"p1 firing ", "p2 firing "}},
		"partial walk": {[]step{{90, "poll partial | p2 up/down", nil}}, []string{"p1 firing not_seen", "p2 firing "}},
		"rebooting":    {[]step{{90, "poll reset | p1 up/down | p2 up/down", nil}}, []string{"p1 firing rebooting", "p2 firing rebooting"}},
		"restarted":    {[]step{{90, "restart", nil}}, []string{"p1 firing ", "p2 firing "}},
		"resolved": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {3690, "advance", nil}},
			[]string{"p1 resolved ", "p2 firing "}},
		"resolved and back": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {120, "poll | p1 up/down | p2 up/down", one(pending)}},
			[]string{"p1 resolved ", "p1 pending ", "p2 firing "}},
		"resolved and restarted": {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {91, "restart", nil}}, []string{"p1 resolved ", "p2 firing "}},
		"resolved long ago":      {[]step{{90, "poll | p1 up/up | p2 up/down", one(recovered)}, {3691, "advance", nil}}, []string{"p2 firing "}},
	} {
		t.Run(name, func(t *testing.T) {
			e := play(t, config(), nil, append(slices.Clone(begin), c.steps...))
			if diff := cmp.Diff(c.want, frozen(e)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An identity may hold any octets; the state file cannot, and the alert must be found again all the same.
func TestIdentitySurvivesTheStateFile(t *testing.T) {
	for _, tags := range [][]metric.Tag{
		{{Name: "ifName", Value: "p\xff\x00|\u2028"}}, {{Name: "ifDescr", Value: "only descr"}}, nil,
	} {
		poll := func(at time.Time) alert.Poll {
			s := parseRow(t, "x up/down index=5", at)
			s.Tags = tags
			return alert.Poll{Device: "sw1", At: at, Samples: []metric.Sample{s}, Complete: []string{"interface"}}
		}
		e := alert.NewEngine()
		e.Configure(start, config())
		e.Observe(poll(start))
		if got := brief(e.Observe(poll(start.Add(time.Minute)))); len(got) != 1 {
			t.Fatalf("%q: %q", tags, got)
		}
		e = restart(t, e, start)
		e.Configure(start, config())
		if got := brief(e.Observe(poll(start.Add(2 * time.Minute)))); got != nil {
			t.Errorf("%q: after a restart: %q", tags, got)
		}
	}
}

// What was handed out must not change afterwards: receivers keep it while the engine goes on.
func TestHandedOutAlertsStay(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	first := e.Observe(parsePoll(t, "| p1 up/down alias=a", start))[0]
	labels, values := maps.Clone(first.Labels), maps.Clone(first.Values)
	e.Observe(parsePoll(t, "| p1 up/lowerLayerDown alias=b", start.Add(time.Minute)))
	e.Observe(parsePoll(t, "| p1 up/up alias=c", start.Add(2*time.Minute)))
	if diff := cmp.Diff([]any{labels, values, alert.Pending}, []any{first.Labels, first.Values, first.State}); diff != "" {
		t.Errorf("(-then +now):\n%s", diff)
	}
}

// Receivers and state files of former versions know an alert by these.
func TestFingerprintAndIDAreForEver(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	tr := e.Observe(parsePoll(t, "| p1 up/down", start))[0]
	const fingerprint = "a19d45e9a9c19e7e17386defeb53f826"
	if want := fingerprint + "-mm7p6yo0-pending"; tr.Fingerprint != fingerprint || tr.ID != want {
		t.Errorf("fingerprint %s, ID %s; want %s and %s", tr.Fingerprint, tr.ID, fingerprint, want)
	}
}
