package store

import "time"

// GraphQuery asks for the rates of interfaces' counters over a span.
type GraphQuery struct {
	Device string
	// Interface is an ifName, or the ifDescr of an interface without ifName. If it is empty, all of the device are meant.
	Interface string
	// Index is the ifIndex of an interface that shares its name with others of the device, or has none (Interface is empty then); 0 of all others, which are
	// what they are whatever their ifIndex was at the time.
	Index int64
	// Counters name what is drawn, such as ifHCInOctets. Where a device has no such counter, its 32-bit twin is taken (ifInOctets).
	Counters []string
	From, To time.Time // To is not part of the span; at least a millisecond behind From
	Points   int       // most buckets of a Line, at least 1; 1,000 if it is 0
}

// Graph is one interface over a span, cut into buckets of one width. They begin at multiples of it, so that the same bucket is of the same time however the
// span moves; the first has From in it, the last the end.
type Graph struct {
	Interface string        // as GraphQuery.Interface
	Step      time.Duration // width of a bucket; never less than what two polls are apart, whole seconds
	Times     []int64       // where each bucket begins, in milliseconds since 1970
	Lines     []Line        // in the order of GraphQuery.Counters
}

// Line is one counter of a Graph, in the counter's unit per second: octets, packets.
//
// A rate is that of the time since the reading before it, so it fills all buckets which that time touches. A bucket that no rate touches is a gap, NaN
// in all three slices.
type Line struct {
	Counter       string    // as in GraphQuery.Counters
	Source        string    // the counter that was taken: Counter, or its 32-bit twin; "" if there is nothing at all
	Min, Avg, Max []float64 // of each bucket; Avg is weighted by time
	Gaps          []Gap     // ascending, without overlap
	Summary
}

// Summary is a Line in short. Without any rate in the span its numbers are NaN, and Total is 0.
type Summary struct {
	Average, Least, Peak float64 // per second; Average is weighted by time
	// Percentile95 is the 95th percentile of the averages of five minutes (whole ones of the clock), as transit is charged by: one in twenty is above.
	Percentile95 float64
	Total        float64       // units, such as octets, within the span, in the time that is covered
	Covered      time.Duration // how much of the span has a rate
}

// Gap is a part of the span without a rate.
type Gap struct {
	From, To int64 // milliseconds since 1970
	Reason   Reason
}

// Reason is why there is no rate: a verdict of package counter by its name, or one of these.
type Reason string

// The reasons beside the verdicts.
const (
	Unreachable Reason = "unreachable" // the device did not answer
	NotPolled   Reason = "not_polled"  // there was no poll: the collector did not run, or not for this device
	NotServed   Reason = "not_served"  // the device answered without this counter
)

// StateQuery asks for what an interface's states were.
type StateQuery struct {
	Device, Interface string // as in GraphQuery
	Index             int64  // as in GraphQuery
	From, To          time.Time
}

// States are an interface's ifAdminStatus and ifOperStatus over a span.
type States struct{ Admin, Oper []Span }

// Span is a time of one state. What lies between two Spans is not known.
type Span struct {
	From, To int64 // milliseconds since 1970
	State    int   // the value of the object (IF-MIB): 1 is up, 2 is down, …
}

// ValueQuery asks for a gauge: ifHighSpeed, a sensor, snmp_poll_duration_seconds.
type ValueQuery struct {
	Name     string            // of the metric
	Labels   map[string]string // which series: those with these labels, {device: core1}
	From, To time.Time
	Points   int // as of GraphQuery
}

// Values are the series that a ValueQuery found, on one grid of buckets.
type Values struct {
	Step   time.Duration
	Times  []int64
	Series []ValueLine // by their labels
}

// ValueLine is one series of Values. A value holds until the next, but for five minutes at most; a bucket without one is NaN.
type ValueLine struct {
	Labels        map[string]string // but __name__
	Min, Avg, Max []float64
	Last          float64 // of the span
}
