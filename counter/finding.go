package counter

import "time"

// Finding is something about a target's configuration, or its agent, that costs numbers and that a person can mend. A Table returns each once
// when it begins and once, Cleared, when it ends; a row that is forgotten takes its findings with it and no end is told.
type Finding struct {
	Kind    FindingKind
	Cleared bool
	Row     int           // in the rows of the same call of Poll; -1: the whole table
	Column  int           // in the columns of the table; -1: the whole row
	Period  time.Duration // IntervalTooShort: the agent's refresh period. PolledTooSeldom: the time in which the counter may wrap
}

// FindingKind names a Finding.
type FindingKind uint8

const (
	NoUpTime           FindingKind = iota + 1 // the table: a reply carries no sysUpTime; unless snmpEngineTime stands in, restarts would go unseen and no number is given
	UnsoundUpTime                             // the table: sysUpTime ran ahead of the true time while snmpEngineTime did not
	IntervalTooShort                          // the table: polled oftener than three times in the agent's refresh Period
	FollowsUpTime                             // the table (Row is the first such): the discontinuity object only repeats sysUpTime and is ignored
	SpeedAssumed                              // a row: its speed is unknown, or means nothing for its ifType; the assumed speed stands in
	PolledTooSeldom                           // a counter: 32 bits may wrap within one interval and no 64-bit twin works
	Counter64Is32                             // a counter: a Counter64 that wraps at 2^32, treated as a Counter32
	Counter64Unused                           // a counter: a Counter64 that stays 0 while its 32-bit twin moves; not used
	CounterOfOtherType                        // a column: it is Loose, and was seen to count; from now on it has rates. Told once
)

var findingNames = [...]string{
	NoUpTime: "no_uptime", UnsoundUpTime: "unsound_uptime", IntervalTooShort: "interval_too_short", FollowsUpTime: "discontinuity_follows_uptime",
	SpeedAssumed: "speed_assumed", PolledTooSeldom: "polled_too_seldom", Counter64Is32: "counter64_is_32", Counter64Unused: "counter64_unused",
	CounterOfOtherType: "counter_of_other_type",
}

// String returns the word that is logged and exported for k, such as "speed_assumed".
func (k FindingKind) String() string {
	if k > 0 && int(k) < len(findingNames) {
		return findingNames[k]
	}
	return "invalid"
}
