package metric

import "time"

// Batch is what one poll of one device brought, or what happened at one moment: all that those behind the spool must know of it.
type Batch struct {
	Device string
	At     time.Time // the poll's own time; to the nanosecond, between the years 1678 and 2262
	// Interval is the target's; at least 0.
	Interval time.Duration
	Samples  []Sample
	Complete []string // the measurements that were answered to their end, all columns of them

	UpTime    uint32 // sysUpTime.0 of the first answer, in hundredths of a second
	HasUpTime bool
	Reset     bool // the agent restarted or was replaced since its last poll

	Answered bool // it is a poll to which the device answered something, and nothing else that happened
	Extra    bool // it is a poll between two of the schedule
}

// Started returns when the agent started, as its sysUpTime tells: to the round trip at best, and after 497 days, when that begins anew, too late.
// It is zero if the agent told no sysUpTime.
func (b Batch) Started() time.Time {
	if !b.HasUpTime {
		return time.Time{}
	}
	return b.At.Add(-time.Duration(b.UpTime) * 10 * time.Millisecond)
}
