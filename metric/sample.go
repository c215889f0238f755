// Package metric defines Sample, which flows from the collector to everything behind it: exporters, alerts, the store.
package metric

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"walkabout/counter"
)

// Sample is one row of one table of one device at one moment.
//
// Measurement names the table ("interface", "ip", "tcp"). Tags are sorted by name, have distinct names, and identify the
// series; Fields are in the order of the profile. At is the poll's own time, whenever the sample is shipped.
type Sample struct {
	Measurement string
	Tags        []Tag
	Fields      []Field
	At          time.Time
	// Started is when the agent started that counted, as its sysUpTime tells; zero where nobody knows or asks. Exporters are given it.
	Started time.Time
}

// PollMeasurement is that of samples about the polls themselves: PollUp; duration_seconds; error, a word on what went wrong; and PollComplete. Each stands behind
// the other samples of its poll. An output that does not ask for them does not get them (exporters.Config.Polls).
const (
	PollMeasurement = "snmp_poll"
	PollUp          = "up"       // 1 if the device answered, else 0
	PollComplete    = "complete" // the names of Batch.Complete, as lines
	PollGone        = "gone"     // alone: the device is no target any more
)

// Tag is a name and a value that identify a series.
type Tag struct{ Name, Value string }

// Kind says how a Field's value is held.
type Kind uint8

const (
	Integer   Kind = iota + 1 // a signed number: int64(Num)
	Unsigned                  // Gauge32, TimeTicks, Unsigned32: Num
	Counter32                 // Num, with Rate and Verdict
	Counter64                 // Num, with Rate and Verdict
	Float                     // math.Float64frombits(Num)
	String                    // Str, any octets
	Boolean                   // Num != 0
)

// Field is one object of a row. Name is the MIB object's descriptor ("ifHCInOctets"). Counters carry either a Rate (per
// second, in the object's own unit) or a Verdict on why there is none; Verdict is counter.None for everything else.
type Field struct { // there are many: no gaps
	Name    string
	Str     string
	Num     uint64
	Rate    float64
	Kind    Kind
	Verdict counter.Verdict
}

// Float64 returns the number that f holds; 0 for a String.
func (f Field) Float64() float64 {
	switch f.Kind {
	case Integer:
		return float64(int64(f.Num))
	case Float:
		return math.Float64frombits(f.Num)
	case String:
		return 0
	default:
		return float64(f.Num)
	}
}

// Tag returns the value of the tag called name, "" if there is none.
func (s Sample) Tag(name string) string {
	for _, t := range s.Tags {
		if t.Name == name {
			return t.Value
		}
	}
	return ""
}

// Field returns the field called name and whether there is one.
func (s Sample) Field(name string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// SortTags puts tags in the order that Sample promises.
func SortTags(tags []Tag) {
	slices.SortFunc(tags, func(a, b Tag) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value)) })
}
