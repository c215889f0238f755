package web

import "time"

// InterfaceView answers /api/ui/interface.
type InterfaceView struct {
	At        time.Time `json:"at"`
	Device    Device    `json:"device"`
	Interface Interface `json:"interface"`
	Alerts    []Alert   `json:"alerts"` // of this interface
	Store     bool      `json:"store"`  // there are graphs
}

// Graph answers /api/ui/graph: what the store has of an interface between from and to, which are Unix seconds (or RFC 3339; or, below 0, seconds
// before now; to is now unless given). points is how many the reader has room for (500 unless given, 2000 at most); group, which may
// stand several times, what is wanted: "traffic" (the default), "packets", "errors", "utilisation". States, Totals and Gaps come in any case.
//
// Times are the columns' first axis, as uPlot takes it: Unix seconds, ascending, Step apart and multiples of it. A point stands for what
// happened in (time-Step, time]. Where Step is the interval of polls, or below, each point is one poll's rate and Min and Max are left out.
type Graph struct {
	From   int64        `json:"from"` // Unix seconds
	To     int64        `json:"to"`
	Step   int64        `json:"step"` // seconds
	Times  []int64      `json:"times"`
	Groups []GraphGroup `json:"groups"` // in the order asked for
	Gaps   []Gap        `json:"gaps"`   // ascending; where there is no rate of the octets, and why
	States []StateSpan  `json:"states"` // ascending, without holes but where nothing is known
	Totals Totals       `json:"totals"`
	// Problem says why there is nothing to draw, and what to do about it: no store, nothing stored yet.
	Problem string `json:"problem,omitempty"`
}

// GraphGroup is one graph.
type GraphGroup struct {
	Name   string        `json:"name"` // as asked for
	Unit   string        `json:"unit"` // "bit/s", "packet/s", "1/s", "%"
	Series []GraphSeries `json:"series"`
}

// GraphSeries is one line. In has positive numbers, and so has Out: which side of the axis it is drawn at is the page's matter.
type GraphSeries struct {
	// Name is "in" or "out"; of packets "in unicast", "in multicast", "in broadcast" and the same of out; of errors "in errors", "out errors",
	// "in discards", "out discards", "in unknown protocols". What the agent does not serve is left out.
	Name string  `json:"name"`
	Avg  Numbers `json:"avg"` // as long as Graph.Times; null where there is a gap
	Min  Numbers `json:"min,omitempty"`
	Max  Numbers `json:"max,omitempty"`
}

// Gap is a time without rates.
type Gap struct {
	From int64 `json:"from"` // Unix seconds: the last reading with a rate, or the start of what is asked for
	To   int64 `json:"to"`   // the next one, or the end
	// Reason is a verdict ("first", "reset", "discontinuity", "ambiguous", "implausible", "stale", "gap"), "unreachable" (the device did not answer),
	// "not_served" (it answered without the counter), or "no data" (there was no poll: the collector did not run, say).
	Reason string `json:"reason"`
	Text   string `json:"text"` // Reason for people
}

// StateSpan is a time in which admin and oper stood still.
type StateSpan struct {
	From  int64  `json:"from"` // Unix seconds
	To    int64  `json:"to"`
	Admin string `json:"admin"` // see Interface
	Oper  string `json:"oper"`
}

// Totals are over the whole span, of the polls themselves, whatever Step is.
type Totals struct {
	In  Total `json:"in"`
	Out Total `json:"out"`
	// Covered is the share of the span that rates are known of, 0 to 1. What is not covered adds nothing to Octets.
	Covered float64 `json:"covered"`
}

// Total is one direction's.
type Total struct {
	Octets       *float64 `json:"octets"`
	Average      *float64 `json:"avg"` // bits a second, of the time that is covered
	Maximum      *float64 `json:"max"` // bits a second
	Percentile95 *float64 `json:"p95"` // bits a second: of the averages of five minutes, as transit is charged by; one in twenty is above
}
