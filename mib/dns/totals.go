package dns

import (
	"slices"
	"time"
)

// count names a counter that is served: a descriptor, and the row if the object is a column.
type count struct {
	object string
	row    uint32
}

// startTolerance is how far the times of one and the same start may lie apart, where they are told as an uptime in seconds.
const startTolerance = 3 * time.Second

// totals makes counters that never go back of a server's. It is used by one goroutine at a time.
type totals struct {
	rules   []Rule
	used    map[string]bool // the counters that rules name
	started time.Time
	last    Counters            // the server's latest
	zones   map[string]Counters // those of its zones
	sums    map[string]int64    // what each has moved in all, by its name
	served  map[count]int64     // the most that each object was
}

func newTotals(rules []Rule) totals {
	t := totals{rules: rules, used: map[string]bool{}, sums: map[string]int64{}, served: map[count]int64{}}
	for i := range rules {
		for _, name := range slices.Concat(rules[i].Plus, rules[i].Minus) {
			t.used[name] = true
		}
	}
	return t
}

// goOn takes over what before, which is not used any more, has come to. What its server counted is not compared with.
func (t *totals) goOn(before *totals) { t.sums, t.served = before.sums, before.served }

// add takes the counters of r, and returns the objects that can be made of it. They are valid until the server can no longer be read.
func (t *totals) add(r *Reading) map[count]uint32 {
	// An earlier start is none: the machine slept, which the server's uptime counts and the clock here does not.
	restarted := !t.started.IsZero() && !r.Started.IsZero() && r.Started.Sub(t.started) > startTolerance
	if !r.Started.IsZero() && (restarted || t.started.IsZero()) { // not each time: an uptime in whole seconds would creep
		t.started = r.Started
	}
	before := t.last
	if restarted {
		before = nil
	}
	t.move(before, r.Counters)
	for name, counters := range r.ZoneCounters {
		var before Counters
		if !restarted {
			before = t.zones[name]
		}
		t.move(before, counters)
	}
	t.last, t.zones = r.Counters, r.ZoneCounters
	out := make(map[count]uint32, len(t.rules))
	for i := range t.rules {
		if c, n, ok := t.object(&t.rules[i], r); ok {
			out[c] = uint32(n)
		}
	}
	return out
}

// move adds what counters moved since before. Counters of one list are made anew together: if one fell, all count from 0, and so does one that
// was not there.
func (t *totals) move(before, now Counters) {
	for name, n := range now {
		if t.used[name] && n < before[name] {
			before = nil
			break
		}
	}
	for name, n := range now {
		if t.used[name] {
			t.sums[name] += int64(n - before[name])
		}
	}
}

// object returns what rule makes of the sums; false if it is no counter or lacks one.
func (t *totals) object(rule *Rule, r *Reading) (c count, n int64, ok bool) {
	if len(rule.Plus) == 0 {
		return c, 0, false
	}
	for _, name := range rule.Plus {
		if !r.tells(name) {
			return c, 0, false
		}
		n += t.sums[name]
	}
	for _, name := range rule.Minus {
		if !r.tells(name) {
			return c, 0, false
		}
		n -= t.sums[name]
	}
	c = count{rule.Object, rule.Row}
	// A server's counters are not of one instant: what is a difference may seem to fall for a moment.
	n = max(n, t.served[c])
	t.served[c] = n
	return c, n, true
}

// tells reports whether a counter is told; those of zones are told by a 0 among the server's own.
func (r *Reading) tells(name string) bool {
	_, ok := r.Counters[name]
	return ok
}
