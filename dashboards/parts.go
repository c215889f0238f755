package dashboards

import "strings"

// What several dashboards have.

// collectorMeasurement is that of the collector's samples about itself.
const collectorMeasurement = "collector"

// Colours of Grafana's palette.
const (
	good = "green"
	poor = "orange"
	bad  = "red"
	odd  = "purple"
	idle = "#808080"
)

var adminStates = []mapped{{1, "up", good}, {2, "down", idle}, {3, "testing", odd}}

var operStates = []mapped{{1, "up", good}, {2, "down", bad}, {3, "testing", odd}, {4, "unknown", odd}, {5, "dormant", poor}, {6, "notPresent", bad}, {7, "lowerLayerDown", bad}}

var upOrDown = []mapped{{0, "no", bad}, {1, "yes", good}}

// The two kinds of mismatch, as the rule interface_mismatch has them without further settings.
var (
	upButDown = []Is{{"ifAdminStatus", []int{1}}, {"ifOperStatus", []int{2, 6, 7}}}
	downButUp = []Is{{"ifAdminStatus", []int{2}}, {"ifOperStatus", []int{1}}}
)

const aboutMismatch = "A mismatch is an interface that is wanted up (`ifAdminStatus` up) and is down, notPresent or lowerLayerDown (`ifOperStatus`). " +
	"testing, unknown and dormant are none. Ports to which nothing was ever plugged count here; the alert rule interface_mismatch lists them apart and leaves out what a lower interface explains."

const aboutRates = "The collector's own rates: across a reboot, a wrap that is not certain or a renumbering there is a gap, never a guess."

const aboutVerdicts = "Counter readings that gave no rate, by the reason: **first** there was no reading before it; **reset** the agent restarted or was replaced; " +
	"**discontinuity** the agent says that the counter was; **ambiguous** a 32-bit counter may have wrapped more than once, poll more often or use 64-bit counters; " +
	"**implausible** faster than the interface can be; **stale** the agent answered from its cache; **gap** too long since the last reading. Graphs have a gap there."

const aboutSelf = "From the collector's figures about itself: `self: true` in snmpcollect.yaml, or for Prometheus a scrape of /metrics."

func siteVariable(o Options) Variable {
	return Variable{Tag: o.Label, Label: strings.ToUpper(o.Label[:1]) + o.Label[1:], From: "system", Field: "sysUpTime", Multi: true}
}

func deviceVariable(o Options, from, field string, several bool) Variable {
	return Variable{Tag: "device", Label: "Device", From: from, Field: field, Among: []string{o.Label}, Multi: several}
}

func portVariable(o Options, several bool) Variable {
	return Variable{Tag: "ifName", Label: "Interface", From: "interface", Field: "ifOperStatus", Among: []string{o.Label, "device"}, Multi: several}
}

// rate returns the query of a counter's rate, the mean of each window.
func rate(from, field, legend string, scale float64, filter, by []string) Query {
	return Query{From: from, Field: field + "_rate", Scale: scale, Reduce: Mean, Filter: filter, By: by, Legend: legend}
}

// own returns the query of a counter of the collector about itself, summed over what By leaves out.
func own(field, legend string, filter, by []string) Query {
	return Query{From: collectorMeasurement, Field: "snmpcollect_" + field, Rate: true, Reduce: Mean, Across: Sum, Filter: filter, By: by, Legend: legend}
}

// gauge returns the query of the last value of a field.
func gauge(from, field, legend string, filter, by []string) Query {
	return Query{From: from, Field: field, Reduce: Last, Filter: filter, By: by, Legend: legend}
}

// now returns q over what was polled last.
func now(q Query) Query {
	q.Over = Now
	return q
}

func sum(q Query) Query { return across(Sum, q) }

func across(a Across, q Query) Query {
	q.Across = a
	return q
}

// mismatchCount returns the query of how many interfaces are in a mismatch.
func mismatchCount(kind []Is, legend string, filter, by []string) Query {
	return Query{From: "interface", Holds: kind, Reduce: Last, Across: Sum, Filter: filter, By: by, Legend: legend}
}

func heading(title string) panel { return panel{Style: row, Title: title} }
