package alert_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/silence"
)

func silenceOf(t *testing.T, from, to int, matchers ...string) silence.Silence {
	t.Helper()
	s := silence.Silence{ID: fmt.Sprint("s", from), StartsAt: start.Add(time.Duration(from) * time.Second), EndsAt: start.Add(time.Duration(to) * time.Second),
		Author: "ann", Reason: "work", Created: start}
	for _, text := range matchers {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Matchers = append(s.Matchers, m)
	}
	return s
}

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// TestSilences plays what people hear of an alert that begins, goes on and ends in and around a silence.
func TestSilences(t *testing.T) {
	const quietly = firing + " quiet"
	for name, c := range map[string]struct {
		from, to int
		matcher  string
		steps    []step
	}{
		"all of it": {0, 1000, "device=sw1", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(quietly)}, {120, "poll | p1 up/up", one(recovered + " quiet")}}},
		"another device's": {0, 1000, "device=sw2", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(firing)}, {120, "poll | p1 up/up", one(recovered)}}},
		"by interface and label": {0, 1000, "ifName=~p[0-9]", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(quietly)}}},
		"it still fires at the end": {0, 100, "interface=p1", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(quietly)}, {99, "advance", nil},
			{100, "advance", one("p1 admin_up_oper_down firing>firing")}, {105, "advance", nil}, {120, "poll | p1 up/up", one(recovered)}}},
		"a restart in it": {0, 100, "interface=p1", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(quietly)}, {95, "restart", nil},
			{100, "advance", one("p1 admin_up_oper_down firing>firing")}}},
		"people know of it": {100, 1000, "interface=p1", []step{
			{30, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/down", one(firing)}, {120, "poll | p1 up/up", one(recovered)}}},
	} {
		t.Run(name, func(t *testing.T) {
			e := alert.NewEngine()
			if err := e.Silence(silenceOf(t, c.from, c.to, c.matcher)); err != nil {
				t.Fatal(err)
			}
			playOn(t, e, config(), nil, c.steps)
		})
	}
}

// TestSilencedLowerExplainsNothing is the design's rule.
func TestSilencedLowerExplainsNothing(t *testing.T) {
	e := alert.NewEngine()
	if err := e.Silence(silenceOf(t, 0, 1000, "interface=eth1")); err != nil {
		t.Fatal(err)
	}
	playOn(t, e, quick(), nil, []step{
		{0, "poll | eth1 up/up index=1 | v10 up/up index=10 | stack 10/1", nil},
		{30, "poll | eth1 up/down index=1 | v10 up/down index=10", one(pendingOf("eth1"), pendingOf("v10"))},
		{60, "poll | eth1 up/down index=1 | v10 up/down index=10", one(firingOf("eth1")+" quiet", firingOf("v10"))},
	})
}

func TestMaintenance(t *testing.T) {
	m, err := silence.ParseMatcher("device=sw1")
	if err != nil {
		t.Fatal(err)
	}
	w, err := silence.NewWindow(silence.Window{Name: "noon", Matchers: silence.Matchers{m}, Start: start.AddDate(0, 0, -7), Rule: "FREQ=DAILY", Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	cfg := quick()
	cfg.Maintenance = []silence.Window{w}
	e := play(t, cfg, nil, []step{
		{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/down", one(firing + " quiet")},
	})
	if got := e.Alerts(at(31)); len(got) != 1 || got[0].SilencedBy != "maintenance:noon" || !got[0].Untold {
		t.Errorf("%+v", got)
	}
	playOn(t, e, cfg, nil, []step{{60, "advance", one("p1 admin_up_oper_down firing>firing")}, {90, "poll | p1 up/up", one(recovered)}})
}

// TestExpireBeforeItBegins: what is over before it began stays so after a restart.
func TestExpireBeforeItBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.journal")
	run := func(do func(m *alert.Manager)) {
		t.Helper()
		var said strings.Builder
		m, err := alert.Start(alert.Options{Config: quick(), Path: path, Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		do(m)
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if said.Len() > 0 {
			t.Error(said.String())
		}
	}
	tomorrow := silenceOf(t, 0, 1000, "device=sw1")
	tomorrow.StartsAt = time.Now().Add(24 * time.Hour).Round(0).UTC()
	tomorrow.EndsAt = tomorrow.StartsAt.Add(time.Hour)
	var kept []silence.Silence
	run(func(m *alert.Manager) {
		if err := m.Silence(tomorrow); err != nil {
			t.Fatal(err)
		}
	})
	run(func(m *alert.Manager) {
		if err := m.Expire(tomorrow.ID); err != nil {
			t.Fatal(err)
		}
		kept = m.Silences()
	})
	run(func(m *alert.Manager) {
		got := m.Silences()
		if diff := cmp.Diff(kept, got, cmp.Comparer(func(a, b silence.Matcher) bool { return a.String() == b.String() })); diff != "" {
			t.Error(diff)
		}
		for _, s := range got {
			if s.Active(tomorrow.StartsAt) {
				t.Errorf("%s is back: %s to %s", s.ID, s.StartsAt, s.EndsAt)
			}
		}
		if err := m.Silence(kept[0]); err == nil {
			t.Error("a new one that ends as it begins is taken")
		}
	})
}

func TestExpireAndAck(t *testing.T) {
	e := alert.NewEngine()
	if err := e.Silence(silenceOf(t, 0, 1000, "device=sw1")); err != nil {
		t.Fatal(err)
	}
	playOn(t, e, quick(), nil, []step{{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/down", one(firing + " quiet")}})
	fp := e.Alerts(at(30))[0].Fingerprint
	ts, err := e.Expire("s0", at(40))
	if diff := cmp.Diff(one("p1 admin_up_oper_down firing>firing"), brief(ts)); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := e.Expire("s0", at(41)); err == nil {
		t.Error("it is over twice")
	}
	if _, err := e.Expire("none", at(41)); !errors.Is(err, alert.ErrNotFound) {
		t.Error(err)
	}
	if _, err := e.Acknowledge("none", alert.Ack{By: "ann"}); !errors.Is(err, alert.ErrNotFound) {
		t.Error(err)
	}
	if _, err := e.Acknowledge(fp, alert.Ack{}); err == nil {
		t.Error("by nobody")
	}
	if a, err := e.Acknowledge(fp, alert.Ack{By: "ann", At: at(50), Until: at(100)}); err != nil || a.Ack == nil || a.Ack.By != "ann" {
		t.Errorf("%+v, %v", a, err)
	}
	e = restart(t, e, at(60))
	e.Configure(at(60), quick())
	if a, ok := e.Alert(fp, at(60)); !ok || a.Ack == nil {
		t.Errorf("after a restart: %+v", a)
	}
	e.Advance(at(100))
	if a, _ := e.Alert(fp, at(100)); a.Ack != nil {
		t.Errorf("after its end: %+v", a.Ack)
	}
	if a, err := e.Unacknowledge(fp); err != nil || a.Ack != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestFiredBefore: how often it was so before, within what is remembered.
func TestFiredBefore(t *testing.T) {
	cfg := quick()
	cfg.Remember, cfg.InterfaceMismatch.FlapChanges, cfg.ExternalURL = time.Hour, 0, "https://c.example"
	var got []string
	e := alert.NewEngine()
	e.Configure(start, cfg)
	for _, seconds := range []int{0, 600, 1200, 8000} {
		e.Observe(parsePoll(t, "| p1 up/down", at(seconds)))
		for _, tr := range e.Observe(parsePoll(t, "| p1 up/down", at(seconds+30))) {
			got = append(got, fmt.Sprintf("%d %v %v", tr.FiredBefore, tr.LastFired.Sub(start), tr.Link == "https://c.example/alerts/"+tr.Fingerprint))
		}
		e.Observe(parsePoll(t, "| p1 up/up", at(seconds+60)))
		e = restart(t, e, at(seconds+90))
		e.Configure(at(seconds+90), cfg)
	}
	never := time.Time{}.Sub(start)
	want := []string{fmt.Sprintf("0 %v true", never), "1 30s true", "2 10m30s true", fmt.Sprintf("0 %v true", never)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestChecks(t *testing.T) {
	e := alert.NewEngine()
	e.Configure(start, config())
	check := func(holds bool) []alert.Check {
		return []alert.Check{{Rule: alert.RuleSpoolFilling, Kind: alert.KindFilling, Key: "influxdb", Holds: holds, Summary: "full"},
			{Rule: alert.RuleCollectorLate, Kind: alert.KindLate, Holds: holds, Summary: "late"}}
	}
	var got []string
	for i, checks := range [][]alert.Check{check(false), check(true), check(true), check(true), check(true), check(true), check(false)} {
		for _, s := range brief(e.Check(at(30*i), checks)) {
			got = append(got, fmt.Sprint(30*i, " ", s))
		}
		if i == 3 {
			e = restart(t, e, at(30*i))
			e.Configure(at(30*i), config())
		}
	}
	want := []string{"30 influxdb filling inactive>firing", "30 late inactive>pending", "150 late pending>firing",
		"180 influxdb filling firing>resolved recovered", "180 late firing>resolved recovered"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	e.Check(at(300), check(true))
	if diff := cmp.Diff(one("late pending>resolved recovered", "influxdb filling firing>resolved recovered"), brief(e.Check(at(330), nil))); diff != "" {
		t.Errorf("outputs that are gone (-want +got):\n%s", diff)
	}
}
