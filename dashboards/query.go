package dashboards

import (
	"fmt"
	"regexp"
	"time"
)

// Kind is a kind of data source, in one language.
type Kind string

// The kinds.
const (
	InfluxQL   Kind = "influxql"
	Flux       Kind = "flux"
	Prometheus Kind = "prometheus"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{InfluxQL, Flux, Prometheus} }

// Reduce is what is made of a series' points in a window of time.
type Reduce string

// The reductions.
const (
	Last Reduce = "last"
	Mean Reduce = "mean"
	P95  Reduce = "95th percentile" // over a Span, of means of Options.Average; InfluxQL takes the nearest value, the others interpolate
)

// Across is what is made of several series.
type Across string

// The ways. Each is that every value of By stands alone; series that differ in nothing of it are one that changed its other tags.
const (
	Each  Across = ""
	Sum   Across = "sum"
	Count Across = "count"
	Most  Across = "max"
	Least Across = "min"
)

// Over is the window of time.
type Over int

// The windows.
const (
	Windows Over = iota // one after another, $__interval wide: a graph
	Now                 // the last Options.Fresh of the time span shown
	Span                // all of the time span shown
)

// Is says that a field is one of some small numbers (0 to 7), as enumerations have.
type Is struct {
	Field string
	In    []int
}

// Query is what is asked for one target of a panel.
type Query struct {
	From   string   // measurement
	Field  string   // of it: NAME, or NAME_rate of a counter
	Rate   bool     // of a counter that the collector keeps of itself, over Windows
	Scale  float64  // what values are multiplied by; 0 is 1
	Invert bool     // 1 - value
	Per    string   // a field that values are divided by, where it is above 0
	Holds  []Is     // in place of Field: 1 where all of them hold, else 0
	Volume bool     // over a Span: what Field, a rate, brought in the times that it has a number for
	Where  []Equal  // tags with one value
	Filter []string // tags that the dashboard's variables of the same names choose by
	Reduce Reduce
	Across Across
	By     []string // tags that tell the series of the result apart; none: it is one
	Over   Over
	Top    int    // over Now or a Span: only so many, the largest
	Legend string // with tags as {{name}}
}

// Equal says that a tag has a value.
type Equal struct{ Tag, Value string }

// Column is a column of a table of rows. Its values are the last ones of a field.
type Column struct {
	Field string
	Title string  // distinct in its table
	Scale float64 // 0 is 1
	Text  bool    // the field is a text
	Label bool    // and in Prometheus a label of every series of the row
	look
}

// Rows is what is asked for a table: the last values of several fields of one measurement, a row for each set of tags.
type Rows struct {
	From    string // measurement
	Where   []Equal
	Filter  []string // as of Query
	Holds   []Is     // only rows for which these hold
	By      []string // tags: the first columns
	Columns []Column
	Over    Over // Now or Span
}

// Variable is a variable of a dashboard that chooses by a tag. Its name is the tag's.
type Variable struct {
	Tag   string
	Label string   // above it
	From  string   // the measurement that has the values
	Field string   // of it, for Prometheus the metric
	Among []string // tags of the variables before it, which its values must go with
	Multi bool     // several, or all
}

// Options say for which site dashboards are made. Times are told in whole seconds, of which each is one at least.
type Options struct {
	Interval time.Duration // of polls, the longest one; the least window is twice that
	Fresh    time.Duration // for how long what was polled last counts as now
	Average  time.Duration // the means that a 95th percentile is of; Interval if that is longer
	Label    string        // the label of targets that devices are chosen by: letters, digits and _, and no digit first
}

// labelName is what Grafana takes for the name of a variable, and PromQL for that of a label.
var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (o Options) check() error {
	for name, d := range map[string]time.Duration{"interval": o.Interval, "fresh": o.Fresh, "average": o.Average} {
		if d < time.Second {
			return fmt.Errorf("%s %v is less than a second", name, d)
		}
	}
	if !labelName.MatchString(o.Label) {
		return fmt.Errorf("label %q is not of letters, digits and _ alone, or begins with a digit", o.Label)
	}
	return nil
}

// DefaultOptions are those of the files that are committed.
func DefaultOptions() Options {
	return Options{Interval: 30 * time.Second, Fresh: 5 * time.Minute, Average: 5 * time.Minute, Label: "site"}
}

// language writes queries of one kind.
type language interface {
	query(q *Query) string
	// rows returns one query for each part of a table; they are joined by the table's tags.
	rows(r *Rows) []string
	variable(v *Variable) string
	// alerts returns the query of the transitions of alerts that people were told of. To Prometheus events do not come: there it is by how many
	// alerts of a rule, of all devices, more fire than a window before, and "" where devices are chosen.
	alerts(filter []string) string
}

// scaled returns s, 1 if that is 0.
func scaled(s float64) float64 {
	if s == 0 {
		return 1
	}
	return s
}
