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

	UpTime    uint32 // sysUpTime.0, in hundredths of a second
	HasUpTime bool
}

// Target is a device that the engine watches.
type Target struct {
	Device    string            // its name in the configuration
	AgentHost string            // its address, the label agent_host until a sample brings one
	Labels    map[string]string // the target's labels
	Collect   []string          // the measurements that are collected; nil: all
}

// InterfaceMismatchRule configures interface_mismatch.
type InterfaceMismatchRule struct {
	Enabled bool
	For     time.Duration // observed time until a mismatch fires; it needs two polls even if 0

	// An alert that fires and recovers more than FlapChanges times within FlapWindow, the two counted together, is flapping: it stays
	// Firing until its condition was not seen for FlapHold of observed time. FlapChanges less than 1 is never.
	FlapChanges int
	FlapWindow  time.Duration
	FlapHold    time.Duration
}

// DeviceUnreachableRule configures device_unreachable.
type DeviceUnreachableRule struct {
	Enabled bool
	Polls   int // failed polls in a row until it fires; less than 1 is 1
}

// Config is what an Engine works by.
type Config struct {
	InterfaceMismatch InterfaceMismatchRule
	DeviceUnreachable DeviceUnreachableRule

	// RebootHold is how long after a reset a device's interfaces stay frozen.
	RebootHold time.Duration

	Targets []Target // the devices that exist; names are distinct
}

// DefaultConfig has every rule enabled: mismatches of 60 s, flapping at more than 3 changes in 15 minutes and held for 5, 2 failed polls,
// 5 minutes after a reset. It has no targets.
func DefaultConfig() Config {
	return Config{
		InterfaceMismatch: InterfaceMismatchRule{
			Enabled: true, For: time.Minute, FlapChanges: 3, FlapWindow: 15 * time.Minute, FlapHold: 5 * time.Minute,
		},
		DeviceUnreachable: DeviceUnreachableRule{Enabled: true, Polls: 2},
		RebootHold:        5 * time.Minute,
	}
}
