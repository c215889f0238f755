// Package counter decides what a pair of counter readings is worth.
//
// SNMP counters wrap, are reset by reboots, and are renumbered under the reader's feet. This package turns two readings into
// either a rate or a Verdict on why there is none, and both programs use it. Between, Rate and Extend are pure functions; a Table
// adds what only the rows of a table together, and the polls before, can tell. Time is always an argument.
package counter

// Verdict says why a counter has, or has not, a rate. Only OK and Wrapped come with a number.
type Verdict uint8

const (
	None          Verdict = iota // no rate is in question: not a counter, not served, or not used
	OK                           // the rate is the difference over the elapsed time
	Wrapped                      // a 32-bit counter passed 2^32; the modular difference is the only possible one
	First                        // no earlier reading of the same row identity
	Reset                        // the agent restarted, was replaced, or cleared its counters
	Discontinuity                // the agent's discontinuity object moved
	Ambiguous                    // a 32-bit counter that may have wrapped more than once, or not at all
	Implausible                  // faster than the interface can be
	Stale                        // the agent answered from its cache
	Gap                          // too long since the last reading
)

var verdictNames = [...]string{
	None: "none", OK: "ok", Wrapped: "wrapped", First: "first", Reset: "reset", Discontinuity: "discontinuity",
	Ambiguous: "ambiguous", Implausible: "implausible", Stale: "stale", Gap: "gap",
}

// String returns the word that is exported for v, such as "ambiguous".
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "invalid"
}

// HasRate reports whether a number comes with v.
func (v Verdict) HasRate() bool { return v == OK || v == Wrapped }
