package collector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/snmp/oid"
)

func TestScheduleSpreadsAndKeepsItsPhase(t *testing.T) {
	run := func(t *testing.T, before time.Duration) map[string]time.Duration {
		phases := map[string]time.Duration{}
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(before)
			devices := map[string]*device{}
			var targets []collector.Target
			for i := range 100 {
				name := fmt.Sprintf("dev%d", i)
				devices[name] = &device{objects: switchOf(1).objects, latency: time.Millisecond}
				targets = append(targets, target(name, "system"))
			}
			h := start(t, devices, targets...)
			time.Sleep(35 * time.Second)
			for name := range devices {
				polls := h.of(name)
				if len(polls) < 3 || len(polls) > 4 {
					t.Fatalf("%d polls of %s in 3.5 intervals", len(polls), name)
				}
				for i, p := range polls[1:] {
					if d := p.At.Sub(polls[i].At); d != 10*time.Second {
						t.Errorf("%s: %v between polls", name, d)
					}
				}
				phases[name] = time.Duration(polls[0].At.UnixNano()) % (10 * time.Second)
			}
		})
		return phases
	}
	first := run(t, 0)
	if diff := cmp.Diff(first, run(t, 3456*time.Millisecond)); diff != "" {
		t.Errorf("a restart moves the phases: %s", diff)
	}
	var tenths [10]int
	for _, phase := range first {
		tenths[phase/time.Second]++
	}
	for i, n := range tenths {
		if n == 0 || n > 25 {
			t.Errorf("%d of 100 targets are in tenth %d of the interval: %v", n, i, tenths)
		}
	}
}

func TestADeadTargetDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devices := map[string]*device{"dead": {silent: true}, "slow": {latency: time.Second, objects: switchOf(48).objects}}
		targets := []collector.Target{target("dead", "interfaces"), target("slow", "interfaces")}
		for i := range 20 {
			name := fmt.Sprintf("dev%d", i)
			devices[name] = &device{objects: switchOf(2).objects, latency: time.Millisecond}
			targets = append(targets, target(name, "interfaces"))
		}
		h := start(t, devices, targets...)
		time.Sleep(101 * time.Second)
		synctest.Wait()
		for _, s := range h.c.Stats() {
			if s.Lag != 0 || s.Missed != 0 {
				t.Errorf("%s: lag %v, %d slots missed", s.Device, s.Lag, s.Missed)
			}
			if strings.HasPrefix(s.Device, "dev") && (s.Polls < 10 || s.Failed+s.Partial > 0) {
				t.Errorf("%s: %+v", s.Device, s)
			}
		}
		for _, p := range h.of("dead") {
			if p.Answered || !errors.Is(p.Err, session.ErrTimeout) || p.Duration > 9*time.Second || len(p.Samples) > 0 {
				t.Errorf("dead: answered %v, %v after %v", p.Answered, p.Err, p.Duration)
			}
		}
		// One second a request is too slow for 48 ports in 10 s: what came in time is kept.
		for _, p := range h.of("slow") {
			if !p.Answered || collector.Reason(p.Err) != "timeout" || p.Duration > 9*time.Second || len(p.Samples) == 0 || len(p.Complete) > 0 {
				t.Errorf("slow: answered %v, %v after %v, %d samples", p.Answered, p.Err, p.Duration, len(p.Samples))
			}
		}
		if n := strings.Count(h.log.String(), "does not answer"); n != 1 {
			t.Errorf("the dead target was logged %d times, want once:\n%s", n, &h.log)
		}
	})
}

// TestThousandsOfDeadTargets holds that targets that answer are polled on time when so many others do not that no more polls may run.
func TestThousandsOfDeadTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devices := map[string]*device{}
		var targets []collector.Target
		for i := range 8000 {
			name := fmt.Sprintf("dead%d", i)
			devices[name] = &device{silent: true}
			targets = append(targets, target(name, "system"))
		}
		for i := range 20 {
			name := fmt.Sprintf("dev%d", i)
			devices[name] = &device{objects: switchOf(1).objects, latency: time.Millisecond}
			targets = append(targets, target(name, "system"))
		}
		h := start(t, devices, targets...)
		time.Sleep(61 * time.Second)
		for i := range 20 {
			polls := h.of(fmt.Sprintf("dev%d", i))
			for k := 2; k < len(polls); k++ { // until the second it is one of those of which nothing is known
				if after := polls[k].At.Sub(polls[k-1].At); after != 10*time.Second && k > 2 || !polls[k].Answered {
					t.Errorf("dev%d: poll %d comes %v after the one before it: %v", i, k, after, polls[k].Err)
				}
			}
			if len(polls) < 5 {
				t.Errorf("dev%d: %d polls in a minute", i, len(polls))
			}
		}
	})
}

func TestATargetThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond}
		h := one(t, switchOf(2), d, "interfaces")
		h.next("dev")
		set := func(silent bool) { d.change(func() { d.silent = silent }) }
		set(true)
		if p := h.next("dev"); p.Answered || collector.Reason(p.Err) != "timeout" {
			t.Errorf("%v %v", p.Answered, p.Err)
		}
		set(false)
		p := h.next("dev")
		f := fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/2"), "ifHCInOctets")
		if f.Verdict != counter.OK || !near(f.Rate, 2000) {
			t.Errorf("after a hole: %+v, want the rate over its true time", f)
		}
		if d.opened != 2 {
			t.Errorf("%d sessions were opened, want a new one after silence", d.opened)
		}
		if !strings.Contains(h.log.String(), "answers in full again") {
			t.Errorf("the return is not logged: %s", &h.log)
		}
	})
}

func TestSlowSinksMissSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, map[string]*device{"dev": {objects: switchOf(1).objects}}, target("dev", "system"))
		h.mu.Lock()
		h.slow = 25 * time.Second
		h.mu.Unlock()
		time.Sleep(100 * time.Second)
		polls := h.of("dev")
		for i, p := range polls[1:] {
			if d := p.At.Sub(polls[i].At); d != 30*time.Second {
				t.Errorf("%v between polls, want the slot after the sink was ready", d)
			}
		}
		if s := h.c.Stats()[0]; s.Missed != 2*uint64(len(polls)-1) {
			t.Errorf("%d slots missed in %d polls", s.Missed, len(polls))
		}
		time.Sleep(30 * time.Second)
	})
}

func TestSetTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devices := map[string]*device{}
		for _, name := range []string{"stays", "goes", "changes", "comes"} {
			devices[name] = &device{objects: switchOf(1).objects, latency: time.Millisecond}
		}
		h := start(t, devices, target("stays", "interfaces"), target("goes", "interfaces"), target("changes", "interfaces"))
		time.Sleep(25 * time.Second)
		changed := target("changes", "interfaces", "tcp")
		if err := h.c.SetTargets([]collector.Target{target("stays", "interfaces"), changed, target("comes", "tcp")}); err != nil {
			t.Fatal(err)
		}
		before := map[string]int{}
		for name := range devices {
			before[name] = len(h.of(name))
		}
		time.Sleep(10*time.Second + time.Millisecond*5)
		verdict := func(name string) counter.Verdict {
			polls := h.of(name)
			if len(polls) == before[name] {
				t.Fatalf("%s is not polled", name)
			}
			return fieldOf(t, polls[before[name]].Samples[0], map[bool]string{true: "tcpInSegs", false: "ifInOctets"}[name == "comes"]).Verdict
		}
		for name, want := range map[string]counter.Verdict{"stays": counter.OK, "changes": counter.First, "comes": counter.First} {
			if v := verdict(name); v != want {
				t.Errorf("%s: %v, want %v", name, v, want)
			}
		}
		for i, p := range h.of("stays")[1:] {
			if d := p.At.Sub(h.of("stays")[i].At); d != 10*time.Second {
				t.Errorf("%v between polls of a target that is as it was", d)
			}
		}
		if len(h.of("goes")) != before["goes"] {
			t.Error("a target that is gone is still polled")
		}
		err := h.c.SetTargets([]collector.Target{target("comes", "tcp"), target("comes", "tcp"), target("bad", "nonsense")})
		if err == nil || !strings.Contains(err.Error(), "nonsense") || !strings.Contains(err.Error(), "two of this name") {
			t.Errorf("bad targets: %v", err)
		}
		if n := len(h.c.Stats()); n != 3 {
			t.Errorf("after a refused change there are %d targets, want the 3 that were", n)
		}
	})
}

func TestStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, polls: map[string][]collector.Poll{}}
		d := &device{objects: switchOf(1).objects, latency: 5 * time.Second}
		c, err := collector.New(collector.Options{Targets: []collector.Target{target("dev", "system")}, Sinks: []collector.Sink{h}, Dial: d.dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		for opened := 0; opened == 0; { // until it is in the middle of a poll
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			d.change(func() { opened = d.opened })
		}
		began := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("Run returned %v after %v", err, time.Since(began))
		}
		if len(h.of("dev")) > 0 {
			t.Error("a poll that was broken off reached the sink")
		}
		if err := c.Run(ctx); err == nil {
			t.Error("a second Run is no error")
		}
	})
}

func TestFindingsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(3)
		for i := range b.ports {
			b.ports[i].noHC, b.ports[i].mbits, b.ports[i].rate = true, 10000, 1e8 // 3.4 s for 2^32 octets, and too many packets to prove less
		}
		b.ports[2].mbits = 0
		h := one(t, b, &device{latency: time.Millisecond}, "interfaces")
		for range 4 {
			h.next("dev")
		}
		log := h.log.String()
		for _, finding := range []counter.FindingKind{counter.PolledTooSeldom, counter.SpeedAssumed} {
			if n := strings.Count(log, "finding="+finding.String()); n != 1 {
				t.Errorf("%v logged %d times, want once:\n%s", finding, n, log)
			}
		}
		s := h.c.Stats()[0]
		if s.Findings[counter.SpeedAssumed] != 1 || s.Findings[counter.PolledTooSeldom] < 2 || s.Verdicts[counter.First] == 0 || s.Verdicts[counter.OK] == 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, map[string]*device{"dev": {objects: switchOf(2).objects, latency: time.Millisecond}, "dead": {silent: true}},
			target("dev", "system"), target("dead", "system"))
		time.Sleep(19 * time.Second)
		h.of("dev")
		want := `
# HELP snmpcollect_polls_total Polls by their result: ok, partial (some parts are missing) or failed (no answer).
# TYPE snmpcollect_polls_total counter
snmpcollect_polls_total{device="dead",result="failed"} 1
snmpcollect_polls_total{device="dead",result="ok"} 0
snmpcollect_polls_total{device="dead",result="partial"} 0
snmpcollect_polls_total{device="dev",result="failed"} 0
snmpcollect_polls_total{device="dev",result="ok"} 2
snmpcollect_polls_total{device="dev",result="partial"} 0
# HELP snmpcollect_poll_failures_total Polls, and parts of polls, that failed.
# TYPE snmpcollect_poll_failures_total counter
snmpcollect_poll_failures_total{device="dead",reason="timeout"} 1
# HELP snmpcollect_up Whether the last poll was answered, at least in part.
# TYPE snmpcollect_up gauge
snmpcollect_up{device="dead"} 0
snmpcollect_up{device="dev"} 1
`
		err := testutil.CollectAndCompare(h.c.Metrics(), strings.NewReader(want), "snmpcollect_polls_total", "snmpcollect_poll_failures_total", "snmpcollect_up")
		if err != nil {
			t.Error(err)
		}
		if problems, err := testutil.CollectAndLint(h.c.Metrics()); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		if diff := cmp.Diff(gathered(t, h.c), written(t, h.c)); diff != "" {
			t.Errorf("what is written line by line is not what is gathered: %s", diff)
		}
	})
}

// gathered returns the lines of c.Metrics in Prometheus' text format, sorted; written those of WriteMetrics.
func gathered(t *testing.T, c *collector.Collector) []string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c.Metrics()); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(strings.Lines(b.String()))
}

func written(t *testing.T, c *collector.Collector) []string {
	t.Helper()
	var b strings.Builder
	if err := c.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(strings.Lines(b.String()))
}

// TestTimeoutsWithinAPoll holds that one reply that does not come is forgiven, with fewer rows asked from then on, and that
// after another one nothing more is asked of the device.
func TestTimeoutsWithinAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond}
		h := one(t, switchOf(20), d, "interfaces", "tcp")
		h.next("dev")
		var asked, lose int
		d.change(func() {
			d.fault = func([]oid.OID) error {
				if asked++; asked > 3 && asked <= 3+lose {
					return session.ErrTimeout
				}
				return nil
			}
			lose = 1
		})
		if p := h.next("dev"); p.Err != nil || len(p.Samples) != 21 {
			t.Errorf("one reply lost: %v, %d samples", p.Err, len(p.Samples))
		}
		d.change(func() { asked, lose = 0, 1000 })
		p := h.next("dev")
		if collector.Reason(p.Err) != "timeout" || asked != 5 || !p.Answered || len(p.Samples) == 0 || len(p.Complete) > 0 {
			t.Errorf("all replies lost: %v after %d requests, %d samples", p.Err, asked, len(p.Samples))
		}
		var parts []string
		for _, err := range p.Err.(interface{ Unwrap() []error }).Unwrap() {
			var part *collector.PartError
			if errors.As(err, &part) {
				parts = append(parts, part.Part)
			}
		}
		if diff := cmp.Diff([]string{"interface", "tcp"}, parts); diff != "" {
			t.Errorf("missing parts: %s", diff)
		}
	})
}
