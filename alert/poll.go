package alert

import (
	"time"

	"walkabout/metric"
)

// Poll is what one poll of one device brought. The engine keeps neither Samples nor their slices, only
// strings of them.
type Poll struct {
	Device   string        // the target's name; a poll of a device that is no target is ignored
	At       time.Time     // the poll's own time, the same as Sample.At
	Interval time.Duration // the target's interval; time after more than 5 of them is not observed. 0: no such limit
	Samples  []metric.Sample

	// Complete names the measurements whose tables were walked to their end, all columns of them. Absence of a row means
	// something only there. A measurement that is not named was answered in part, or not at all, or not asked for.
	Complete []string

	// Reset: the collector found that the agent restarted or was replaced since the device's previous poll (counter.Reset
	// by uptime or snmpEngineID). The engine finds it too if UpTime is too low, also over a restart of ours, or if the
	// UpTimes say nothing and every interface with counters has the verdict counter.Reset.
	Reset bool

	// Extra: the poll was made between two of the schedule, with which its time is not to be rounded.
	Extra bool

	// Record is the number of the spool's record that holds the poll; 0: it is in none.
	Record uint64

	UpTime    uint32 // sysUpTime.0, in hundredths of a second
	HasUpTime bool
}
