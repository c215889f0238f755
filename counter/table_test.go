package counter_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
)

// rig polls a Table as a collector would. Time and sysUpTime go on by themselves; each poll's rows are changed as the test likes.
type rig struct {
	*testing.T
	table   *counter.Table
	columns []counter.Column
	now     time.Time
	upTime  uint32
	rows    []counter.Row
	found   []counter.Finding
}

func newTable(columns []counter.Column, o counter.Options) (*counter.Table, error) {
	cs, err := counter.NewColumns(columns)
	if err != nil {
		return nil, err
	}
	return counter.NewTable(cs, o)
}

func newRig(t *testing.T, columns []counter.Column, o counter.Options, names ...string) *rig {
	t.Helper()
	table, err := newTable(columns, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, table: table, columns: columns, now: time.Unix(1e9, 0), upTime: 50_000_000}
	for i, name := range names {
		r.rows = append(r.rows, r.row(name, uint32(i+1)))
	}
	return r
}

func (r *rig) row(name string, index uint32) counter.Row {
	n := len(r.columns)
	return counter.Row{Name: name, Index: index, Speed: 1e9, MTU: 1500, Type: 6, Has: 1<<n - 1,
		Values: make([]uint64, n), Rates: make([]float64, n), Verdicts: make([]counter.Verdict, n)}
}

// pass lets d pass on both clocks.
func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.upTime += uint32(d / (10 * time.Millisecond))
}

// poll polls after d, and leaves what was found in r.found.
func (r *rig) poll(d time.Duration) {
	r.Helper()
	r.pass(d)
	r.reply(true)
}

func (r *rig) reply(complete bool) {
	r.Helper()
	for i := range r.rows {
		r.rows[i].At.At, r.rows[i].At.UpTime, r.rows[i].At.HasUpTime = r.now, r.upTime, true
	}
	r.found = r.table.Poll(r.now, complete, r.rows, r.found[:0])
}

// add lets every counter of every row count n.
func (r *rig) add(n uint64) {
	for i := range r.rows {
		for c := range r.rows[i].Values {
			r.rows[i].Values[c] += n
		}
	}
}

// words are the results of rows[i], such as "ok 100" and "reset".
func (r *rig) words(i int) (words []string) {
	for c, v := range r.rows[i].Verdicts {
		word := v.String()
		if rate := r.rows[i].Rates[c]; v.HasRate() || rate != 0 {
			word += fmt.Sprintf(" %g", rate)
		}
		words = append(words, word)
	}
	return words
}

func (r *rig) want(i int, words ...string) {
	r.Helper()
	if diff := cmp.Diff(words, r.words(i)); diff != "" {
		r.Errorf("%s after %v: %s", r.rows[i].Name, r.rows[i].Elapsed, diff)
	}
}

func (r *rig) wantFound(want ...counter.Finding) {
	r.Helper()
	if diff := cmp.Diff(want, append([]counter.Finding(nil), r.found...)); diff != "" {
		r.Error(diff)
	}
}

const interval = 10 * time.Second

var every = counter.Options{Interval: interval}

func octets32() counter.Column {
	return counter.Column{Name: "ifInOctets", Bits: 32, Unit: counter.Octets}
}
func packets32() counter.Column {
	return counter.Column{Name: "ifInUcastPkts", Bits: 32, Unit: counter.Packets}
}
func errors32() counter.Column {
	return counter.Column{Name: "ifInErrors", Bits: 32, Unit: counter.Errors}
}
func octets64() counter.Column {
	return counter.Column{Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets"}
}
func events32() counter.Column { return counter.Column{Name: "tcpInSegs", Bits: 32} }

func TestNewTableRefuses(t *testing.T) {
	many := make([]counter.Column, 65)
	for i := range many {
		many[i] = counter.Column{Name: fmt.Sprint(i), Bits: 32}
	}
	tests := map[string]struct {
		columns []counter.Column
		o       counter.Options
	}{
		"no interval":       {nil, counter.Options{}},
		"too many":          {many, every},
		"twice":             {[]counter.Column{events32(), events32()}, every},
		"width":             {[]counter.Column{{Name: "a", Bits: 16}}, every},
		"unit":              {[]counter.Column{{Name: "a", Bits: 32, Unit: 9}}, every},
		"negative rate":     {[]counter.Column{{Name: "a", Bits: 32, MaxRate: -1}}, every},
		"rate not a number": {[]counter.Column{{Name: "a", Bits: 32, MaxRate: math.NaN()}}, every},
	}
	for name, tc := range tests {
		if table, err := newTable(tc.columns, tc.o); err == nil || table != nil {
			t.Errorf("%s: %v, %v", name, table, err)
		}
	}
	if _, err := newTable(many[:64], every); err != nil {
		t.Error(err)
	}
}

func TestFirstThenRates(t *testing.T) {
	r := newRig(t, []counter.Column{octets32(), octets64()}, every, "eth0", "eth1")
	r.rows[1].Has = 1
	r.add(5)
	r.poll(0)
	r.want(0, "first", "first")
	r.want(1, "first", "none")
	r.wantFound()
	r.add(1000)
	r.rows[0].Values[1] += 1000
	r.poll(interval)
	r.want(0, "ok 100", "ok 200")
	r.want(1, "ok 100", "none")
	r.rows[1].Has = 3 // a column that comes later
	r.add(1000)
	r.poll(interval)
	r.want(1, "ok 100", "first")
	r.rows[1].Has = 2 // and one that goes
	r.add(1000)
	r.poll(interval)
	r.want(1, "none", "ok 100")
	r.wantFound()
}

// Rule 1: the series is of an interface, not of an index.
func TestIdentityChanges(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0", "eth1", "eth2")
	r.poll(0)
	step := func() { r.add(1000); r.poll(interval) }
	step()
	r.want(0, "ok 100")

	r.rows[0].Index, r.rows[1].Index = 2, 1
	step()
	r.want(0, "first")
	r.want(1, "first")
	r.want(2, "ok 100")
	step()
	r.want(0, "ok 100")

	r.rows[0].Index, r.rows[1].Index = 1, 2 // back again: nothing is taken across what lay between
	step()
	r.want(0, "first")
	r.want(1, "first")

	r.rows[2].Name = "eth3"
	step()
	r.want(2, "first")
	step()
	r.want(2, "ok 100")
}

func TestAbsentRows(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0", "eth1")
	r.poll(0)
	r.add(1000)
	r.poll(interval)
	both := r.rows

	r.rows = both[:1]
	r.add(1000)
	r.pass(interval)
	r.reply(false) // a walk that broke off
	r.rows = both
	r.add(1000)
	r.poll(interval)
	r.want(0, "ok 100")
	r.want(1, "ok 50")
	if both[1].Elapsed != 2*interval {
		t.Errorf("Elapsed = %v over a lost reading", both[1].Elapsed)
	}

	r.rows = both[:1]
	r.add(1000)
	r.poll(interval) // a whole one
	r.rows = both
	r.add(1000)
	r.poll(interval)
	r.want(1, "first")

	r.rows = []counter.Row{both[0], both[1], both[0]}
	r.rows[2].Rates, r.rows[2].Verdicts = make([]float64, 1), make([]counter.Verdict, 1)
	r.add(500) // rows 0 and 2 share their values
	r.poll(interval)
	r.want(0, "ok 100")
	r.want(2, "ambiguous") // it is there twice
}

// Rule 2, for a whole table, and that rows are judged by their own PDUs.
func TestRestart(t *testing.T) {
	r := newRig(t, []counter.Column{octets32(), octets64()}, every, "eth0", "eth1")
	r.poll(0)
	r.add(1000)
	r.poll(interval)
	r.upTime = 200
	r.add(1000)
	r.poll(interval)
	r.want(0, "reset", "reset")
	r.want(1, "reset", "reset")
	r.add(1000)
	r.poll(interval)
	r.want(0, "ok 100", "ok 100")

	r.pass(interval) // it restarts between two PDUs of one poll
	r.add(1000)
	for i := range r.rows {
		r.rows[i].At.At, r.rows[i].At.UpTime = r.now, r.upTime
	}
	r.rows[1].At.UpTime = 10
	r.table.Poll(r.now, true, r.rows, nil)
	r.want(0, "ok 100", "ok 100")
	r.want(1, "reset", "reset")
}

func TestUpTimeFindings(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0")
	engine := func() { r.rows[0].At.HasEngineTime, r.rows[0].At.EngineTime = true, uint32(r.now.Unix()-9e8) }
	step := func() { r.add(1000); r.pass(interval); engine(); r.reply(true) }
	step()
	step()
	r.wantFound()
	r.upTime += 1e6
	step()
	r.want(0, "ok 100")
	if r.rows[0].Clock != counter.UnsoundClock {
		t.Errorf("Clock = %v", r.rows[0].Clock)
	}
	r.wantFound(counter.Finding{Kind: counter.UnsoundUpTime, Row: -1, Column: -1})
	step()
	r.wantFound(counter.Finding{Kind: counter.UnsoundUpTime, Row: -1, Column: -1, Cleared: true})

	r.rows[0].At.HasEngineTime = false
	silent := func() {
		r.add(1000)
		r.pass(interval)
		r.rows[0].At.At, r.rows[0].At.HasUpTime = r.now, false
		r.found = r.table.Poll(r.now, true, r.rows, r.found[:0])
	}
	silent()
	r.want(0, "ambiguous")
	r.wantFound(counter.Finding{Kind: counter.NoUpTime, Row: -1, Column: -1})
	silent()
	r.want(0, "ambiguous")
	r.wantFound()
	r.poll(interval)
	r.wantFound(counter.Finding{Kind: counter.NoUpTime, Row: -1, Column: -1, Cleared: true})
}

// The time is the agent's once its steps are known to be fine enough.
func TestClockIsLearned(t *testing.T) {
	for _, tc := range []struct {
		name string
		step uint32
		want counter.Clock
	}{{"ticks", 1, counter.AgentClock}, {"seconds", 100, counter.CollectorClock}} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, []counter.Column{octets64()}, every, "eth0")
			ticks := r.upTime
			for i := range 6 {
				r.add(1000)
				d := interval + time.Duration(i*70)*time.Millisecond
				ticks += uint32(d / (10 * time.Millisecond))
				r.now, r.upTime = r.now.Add(d), ticks/tc.step*tc.step
				r.reply(true)
				if i == 1 && r.rows[0].Clock != counter.CollectorClock {
					t.Errorf("Clock = %v before anything is known of its steps", r.rows[0].Clock)
				}
			}
			if r.rows[0].Clock != tc.want {
				t.Errorf("Clock = %v, want %v", r.rows[0].Clock, tc.want)
			}
		})
	}
}

// What was learned of the steps is of the agent that was, not of the one that answers now.
func TestClockIsLearnedAgain(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0")
	for i := range 6 {
		r.add(1000)
		r.poll(interval + time.Duration(i*70)*time.Millisecond)
	}
	if r.rows[0].Clock != counter.AgentClock {
		t.Errorf("Clock = %v", r.rows[0].Clock)
	}
	r.upTime = 0
	for range 6 {
		r.add(1000)
		r.poll(interval)
		if r.rows[0].Clock != counter.CollectorClock {
			t.Errorf("Clock = %v of an agent that was seen in steps of 10 s only", r.rows[0].Clock)
		}
	}
}

// Rule 3.
func TestDiscontinuity(t *testing.T) {
	r := newRig(t, []counter.Column{octets32(), octets64()}, every, "eth0", "eth1")
	r.poll(0)
	r.add(1000)
	r.poll(interval)
	r.rows[0].At.Discontinuity = r.upTime + 500
	r.add(1000)
	r.poll(interval)
	r.want(0, "discontinuity", "discontinuity")
	r.want(1, "ok 100", "ok 100")
	r.add(1000)
	r.poll(interval)
	r.want(0, "ok 100", "ok 100")
	r.rows[0].At.Discontinuity = 0
	r.add(1000)
	r.poll(interval)
	r.want(0, "discontinuity", "discontinuity")
	r.wantFound()
}

func TestDiscontinuityThatFollowsUpTime(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0", "eth1")
	step := func() {
		r.add(1000)
		r.pass(interval)
		r.rows[1].At.Discontinuity = r.upTime
		r.reply(true)
	}
	step()
	r.want(1, "first")
	for range 2 {
		step()
		r.want(0, "ok 100")
		r.want(1, "discontinuity")
		r.wantFound()
	}
	step()
	r.want(1, "ok 100")
	r.wantFound(counter.Finding{Kind: counter.FollowsUpTime, Row: 1, Column: -1})
	step()
	r.want(1, "ok 100")
	r.wantFound()

	r.add(1000)
	r.poll(interval) // it stays where it was: it is to be believed again
	r.want(1, "ok 100")
	r.wantFound(counter.Finding{Kind: counter.FollowsUpTime, Row: -1, Column: -1, Cleared: true})
	r.rows[1].At.Discontinuity = r.upTime + 300
	r.add(1000)
	r.poll(interval)
	r.want(1, "discontinuity")
}

// Rule 4.
func TestCounter64InDisguise(t *testing.T) {
	c := octets64()
	r := newRig(t, []counter.Column{c}, every, "eth0")
	set := func(v uint64) { r.rows[0].Values[0] = v; r.poll(interval) }
	set(1<<32 - 3000)
	set(1<<32 - 2000)
	r.want(0, "ok 100")
	set(1000)
	r.want(0, "reset")
	r.wantFound()
	set(1<<32 - 1000)
	r.want(0, "implausible")
	set(1000)
	r.want(0, "wrapped 200")
	r.wantFound(counter.Finding{Kind: counter.Counter64Is32})
	set(500)
	r.want(0, "reset")
	set(1<<32 + 500)
	r.wantFound(counter.Finding{Kind: counter.Counter64Is32, Cleared: true})
	set(500)
	r.want(0, "reset")
	set(1<<32 - 500)
	set(500)
	r.want(0, "reset")
	r.wantFound()
}

func TestCounter64FallsThatAreNoDisguise(t *testing.T) {
	tests := map[string][]uint64{
		"below 2^31":      {1<<31 - 1, 5, 1<<31 - 1, 5, 1<<31 - 1, 5},
		"has passed 2^32": {1 << 32, 1<<32 - 5, 5, 1<<32 - 5, 5, 1<<32 - 5, 5},
	}
	for name, values := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []counter.Column{octets64()}, every, "eth0")
			for i, v := range values {
				r.rows[0].Values[0] = v
				r.poll(interval)
				if i > 0 && v < values[i-1] {
					r.want(0, "reset")
				}
				r.wantFound()
			}
		})
	}
	t.Run("the agent restarts", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets64()}, every, "eth0")
		for range 4 {
			r.rows[0].Values[0] = 1<<32 - 5
			r.poll(interval)
			r.rows[0].Values[0], r.upTime = 5, 0
			r.poll(interval)
			r.wantFound()
		}
	})
	t.Run("the row is reset", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets64(), packets32()}, every, "eth0")
		for range 4 {
			r.rows[0].Values[0], r.rows[0].Values[1] = 1<<32-5, 5000
			r.poll(interval)
			r.rows[0].Values[0], r.rows[0].Values[1] = 5, 2
			r.poll(interval)
			r.want(0, "reset", "reset")
			r.wantFound()
		}
	})
}

func TestCounter64ThatStays0(t *testing.T) {
	r := newRig(t, []counter.Column{octets32(), octets64()}, every, "eth0", "eth1")
	step := func(narrow, wide uint64) {
		r.rows[0].Values[0], r.rows[0].Values[1] = narrow, wide
		r.rows[1].Values[1] += 1000
		r.poll(interval)
	}
	step(1000, 0)
	step(1000, 0)
	r.want(0, "ok 0", "ok 0")
	r.wantFound()
	step(2000, 0)
	r.want(0, "ok 100", "none")
	r.wantFound(counter.Finding{Kind: counter.Counter64Unused, Column: 1})
	step(2000, 0)
	r.want(0, "ok 0", "none")
	r.wantFound()
	step(3000, 700)
	r.want(0, "ok 100", "first")
	r.wantFound(counter.Finding{Kind: counter.Counter64Unused, Column: 1, Cleared: true})
	step(4000, 1700)
	r.want(0, "ok 100", "ok 100")
}
