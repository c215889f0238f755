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
}
