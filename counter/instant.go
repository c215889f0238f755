package counter

import "time"

// Instant is when a row was read, by the collector's clock and by the agent's, and what the agent said in the same PDU about the
// continuity of its counters.
type Instant struct {
	At        time.Time     // by the collector's monotonic clock: always when the request was sent, or always when the reply came
	RoundTrip time.Duration // from the first transmission of the request to its reply

	UpTime     uint32        // sysUpTime in TimeTicks (10 ms), of the same PDU as the counters
	HasUpTime  bool          //
	Resolution time.Duration // the steps in which the agent's sysUpTime moves; 0 is one TimeTick

	EngineTime    uint32 // snmpEngineTime in seconds
	HasEngineTime bool   //
	Engine        uint64 // a hash of snmpEngineID (see Hash); 0 is unknown

	Discontinuity uint32 // the object that the counters' MIB names, such as ifCounterDiscontinuityTime; 0 where there is none
	Identity      uint64 // a hash of what must not change: see Identity
}

// Identity hashes what a series of readings is of: the index of the row and its name (ifIndex, and ifName or else ifDescr).
func Identity(index uint32, name string) uint64 {
	h := Hash(name)
	for range 4 {
		h = (h ^ uint64(index&0xff)) * prime64
		index >>= 8
	}
	return h
}

// Hash is 64-bit FNV-1a, and never 0. It serves for Instant.Engine: Hash(snmpEngineID).
func Hash(octets string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(octets) {
		h = (h ^ uint64(octets[i])) * prime64
	}
	return max(h, 1)
}

const prime64 = 1099511628211 // of FNV-1a

// Clock says whose time an Interval is.
type Clock uint8

const (
	CollectorClock Clock = iota // the collector's monotonic clock
	AgentClock                  // sysUpTime
	UnsoundClock                // the collector's, because sysUpTime jumped ahead although snmpEngineTime shows that the agent ran on
)

// Interval is the time between two readings of a row.
type Interval struct {
	Elapsed time.Duration // above 0 unless Verdict is First or Stale
	Verdict Verdict       // OK, or why no counter of the row has a rate
	Clock   Clock
	Slack   time.Duration // the agent may have counted for this much longer than Elapsed; it decides what may have wrapped
}

const (
	tick = 10 * time.Millisecond // a TimeTick, RFC 2578 7.1.8

	// driftShare (2 %) of the elapsed time, and at least leastTolerance, is what an agent's clock may differ by and still be in the same run.
	driftShare     = 50
	leastTolerance = 3 * time.Second

	// resolutionShare: sysUpTime measures an interval only if its steps are at most 1 % of it.
	resolutionShare = 100
)

// Between decides what two readings of one row say together before any counter is looked at, in this order:
//
//   - First: Identity changed.
//   - Stale: cur is no later than prev (a late reply), so nothing can be learned from it.
//   - Reset: snmpEngineID changed; or sysUpTime is not where it would be if the agent had run on, to within 3 s or 2 % and the longer of the two
//     round trips. One that is ahead is forgiven (UnsoundClock) where snmpEngineTime advanced by the collector's elapsed time. sysUpTime
//     may pass 2^32, as it does after 497 days. An agent that was younger than that tolerance at prev may have started again
//     since, unseen: that is a Reset too, unless sysUpTime at cur is longer than the time between.
//   - Ambiguous: sysUpTime is missing, and snmpEngineTime does not stand in for it: nothing shows that the agent ran on.
//   - Discontinuity: the discontinuity object differs.
//   - Gap: more than maxGap passed; 0 is no maximum. It is decided here, but a counter's own faults are named before it: see Rate.
//   - OK.
//
// The elapsed time is the agent's where sysUpTime moved, its Resolution is at most 1 % of the interval and it agrees with the collector's time;
// else the collector's. To agree it must lie within 2 % and a round trip: the 3 s that are granted before a reset is called would be
// a tenth of a common interval, and no network delay explains them. Slack is 0 by the agent's time, else a round trip.
func Between(prev, cur Instant, maxGap time.Duration) Interval {
	return between(prev, cur, maxGap, false)
}

// between is Between. proven says that readings from after prev have shown that the agent ran on, so that its youth at prev is no doubt.
func between(prev, cur Instant, maxGap time.Duration, proven bool) Interval {
	if prev.Identity != cur.Identity {
		return Interval{Verdict: First}
	}
	iv := Interval{Elapsed: cur.At.Sub(prev.At)}
	if iv.Elapsed <= 0 {
		return Interval{Verdict: Stale}
	}
	gap := maxGap > 0 && iv.Elapsed > maxGap
	if prev.Engine != cur.Engine && prev.Engine != 0 && cur.Engine != 0 {
		iv.Verdict = Reset
		return iv
	}
	iv = ranOn(prev, cur, iv, proven)
	switch {
	case iv.Verdict != OK:
	case prev.Discontinuity != cur.Discontinuity:
		iv.Verdict = Discontinuity
	case gap:
		iv.Verdict = Gap
	}
	return iv
}

// ranOn decides whether the agent at cur is in the run that it was in at prev, and by whose clock the time between is measured.
// iv.Elapsed is the collector's and above 0; proven is as between's.
func ranOn(prev, cur Instant, iv Interval, proven bool) Interval {
	iv.Slack = max(prev.RoundTrip, cur.RoundTrip)
	slack := iv.Elapsed/driftShare + iv.Slack
	tolerance := max(leastTolerance, iv.Elapsed/driftShare) + iv.Slack
	engine := prev.HasEngineTime && cur.HasEngineTime
	engineRanOn := engine && within(time.Duration(int64(cur.EngineTime)-int64(prev.EngineTime))*time.Second-iv.Elapsed, tolerance)

	if !prev.HasUpTime || !cur.HasUpTime {
		switch {
		case engineRanOn:
			iv.Verdict = OK
		case engine:
			iv.Verdict = Reset
		default:
			iv.Verdict = Ambiguous
		}
		return iv
	}

	ahead := time.Duration(int32(cur.UpTime-prev.UpTime-uint32(iv.Elapsed/tick))) * tick
	young := !proven && ticks(prev.UpTime) <= tolerance+slack
	iv.Verdict = OK
	switch {
	case ahead > tolerance && engineRanOn:
		iv.Clock = UnsoundClock
	case !within(ahead, tolerance), young && ticks(cur.UpTime) <= iv.Elapsed+slack:
		iv.Verdict = Reset
	default:
		agent := ticks(cur.UpTime - prev.UpTime)
		step := max(prev.Resolution, cur.Resolution, tick)
		if within(ahead, min(slack, tolerance)) && agent > 0 && step <= agent/resolutionShare {
			iv.Elapsed, iv.Clock, iv.Slack = agent, AgentClock, 0
		}
	}
	return iv
}

func ticks(t uint32) time.Duration { return time.Duration(t) * tick }

func within(d, tolerance time.Duration) bool { return -tolerance <= d && d <= tolerance }
