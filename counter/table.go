package counter

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Unit is what a counter counts; it decides the most that it can count in a second.
type Unit uint8

const (
	Events  Unit = iota // counters of no interface: Column.MaxRate
	Octets              // ifInOctets: speed/8
	Packets             // ifInUcastPkts: speed/672, as a frame takes at least 84 octets of the wire
	Errors              // ifInErrors, ifInDiscards, ifInUnknownProtos: as Packets, and at most 1.5 M/s
)

// Column describes one counter object of a table. Twin and Packets hold the Names of other columns; a name that is no column of the table
// counts as one that the agent does not serve, so that a profile may leave columns out.
type Column struct {
	Name    string  // the object's descriptor, unique in the table
	Bits    uint8   // 32 for Counter32, 64 for Counter64
	Unit    Unit    //
	MaxRate float64 // Events only: the most that it counts in a second; 0 is 10 M/s

	// Loose, of 32 bits, is a counter that the agent serves as INTEGER or Gauge32 (Values has its 32 bits without a sign): so nothing is known of
	// how it goes on at the end of its range, nor that it counts at all. It has no verdict until it was seen to rise in eight polls without a
	// fall. From then on a rise is a rate unless it may hide a wrap at 2^31, and never by the twin of a Counter64; a fall is Ambiguous, and so
	// is the end of either range, where a Gauge32 stands still. One that fell as no wrap explains is to be seen to count again, twice as long.
	Loose bool

	// Twin, of a Counter64, is the Counter32 that counts the same (ifHCInOctets: ifInOctets).
	Twin string
	// Packets, of an Octets counter, are the counters of its own direction that bound it where it may have wrapped unseen: one or more sets,
	// each of which counts every frame, such as {ifInUcastPkts, ifInNUcastPkts} and {ifInUcastPkts, ifInMulticastPkts, ifInBroadcastPkts}.
	// The first set whose every counter has a number is used. RFC 2863 counts the octets of discarded and broken frames too, so
	// ifInErrors and ifInDiscards belong into each set.
	Packets [][]string
	// IfServed belong into each of Packets too where the agent serves them. It is for what an agent can leave out of the others only if it counts it
	// by itself: frames of unknown protocols are among the delivered ones unless somebody looks (Linux does not, and has no ifInUnknownProtos).
	IfServed []string
}

// Options of a Table. The zero value of each field but Interval is its default.
type Options struct {
	Interval    time.Duration // between polls; must be above 0
	MaxGap      time.Duration // a longer time without a reading gives Gap; default 5 × Interval
	AssumeSpeed uint64        // bits/s where the interface's own speed is unknown; default 1 Gb/s
}

// Row is one conceptual row of one poll: what was read, and what Poll makes of it. Rows and their slices are the caller's, and may be used
// again for the next poll (cut all rows' slices from one array); Poll keeps none of them.
type Row struct {
	// Name and Index identify the row; both must be what they were for a rate. An interface has its ifName (else ifDescr) and ifIndex,
	// any other row its index in dotted form and 0. No two rows of a poll have both alike.
	Name  string
	Index uint32

	// At is when the row was read and what the agent said of itself in the same PDU; rows of one poll may come from several PDUs. If a row's
	// counters do, At is that of the first and its RoundTrip lasts until the last that is not in Later. At.Identity and At.Resolution are left 0:
	// the table knows them.
	At Instant
	// Later are counters of the row that were read so much later than At that it matters; nil almost always.
	Later []Later

	Values []uint64 // one a column, in the columns' order
	Has    uint64   // bit i is set if Values[i] was served with the column's own type
	Broken uint64   // bit i is set if it was served with another type, or it is not known whether it is served

	Speed  uint64 // bits/s: see Speed; 0 is unknown. Not used by Events
	MTU    int    // ifMtu; 0 is unknown
	Type   int    // ifType; 0 is unknown
	Unread bool   // these could not be read in this poll: nothing is told of them

	// Set by Poll. Rates[i] is per second and 0 unless Verdicts[i].HasRate. Verdicts[i] is None where the agent served no value, and where a
	// 64-bit counter is not used (Counter64Unused).
	Rates    []float64     // one a column
	Verdicts []Verdict     // one a column
	Elapsed  time.Duration // what the differences were divided by, but for those of Later; 0 where there was no pair of readings
	Clock    Clock         // whose time Elapsed is

	// During Poll.
	state    int32 // a position in Table.rows, or twice
	interval Interval
}

// Later are counters that were not read with the first of their row. Each is judged by the time between its own readings.
type Later struct {
	Columns uint64  // bit i is column i
	At      Instant // as Row.At
}

// Table turns successive polls of one table of one target into rates. It keeps the last fresh reading of each row, and what the agent
// has taught about itself: the period of its cache, the steps of its sysUpTime, counters that are not what their type says.
// It is not safe for concurrent use; it starts nothing and reads no clock.
type Table struct {
	columns *Columns
	options Options

	epoch    time.Time  // of moments
	rows     []rowState // in the order of the last poll's rows, and then those that it did not have
	prev     []uint32   // the words of each: the values of its baseline
	polls    uint32     // the number of the current poll; one a second overflows in 136 years
	complete uint32     // the number of the last poll that was complete
	living   int        // rows that are believed to exist
	swept    time.Time

	refresh   refresh
	fresh     time.Time     // the last poll that was not stale
	freshPoll uint32        // its number
	age       age           // of the baselines
	lag       time.Duration // refresh.lag
	loose     loose
	step      uint32 // of sysUpTime, in TimeTicks: the greatest common divisor of its advances; 0 is none seen

	following int // rows whose discontinuity object follows sysUpTime

	toldNoUpTime, toldUnsound, toldShort, toldFollows bool // findings that were told and not cleared

	found []Finding // dst of the current poll
}

// Columns are the counter objects of a table, for any number of Tables: they do not change.
type Columns struct {
	list    []column
	narrow  uint64 // those of 32 bits
	bounded uint64 // those that an interface's speed limits
	loose   uint64 // those that are Loose
	words   int    // that the values of a row take
}

// column is a Column with its names resolved.
type column struct {
	unit    Unit
	assumed bool     // maxRate was not given
	twin    int16    // of a Counter64: its Counter32, else -1
	wide    int16    // of a Counter32: its Counter64, else -1
	word    int16    // where its value begins among the words of a row: one of 32 bits has one, one of 64 two, the lower first
	maxRate float64  // of Events
	packets []uint64 // sets of columns
	served  uint64   // columns that belong into each of them where they are served
}

const wordBits = 32

// NewColumns reports columns that make no sense: more than 64, a name twice, Bits other than 32 and 64.
func NewColumns(list []Column) (*Columns, error) {
	if len(list) > 64 {
		return nil, fmt.Errorf("counter: a table of %d counters; at most 64 fit, poll it as two tables", len(list))
	}
	cs := &Columns{list: make([]column, len(list))}
	index := make(map[string]int, len(list))
	for i, c := range list {
		if _, twice := index[c.Name]; twice {
			return nil, fmt.Errorf("counter: column %q is there twice", c.Name)
		}
		if c.Bits != 32 && c.Bits != 64 {
			return nil, fmt.Errorf("counter: column %q is %d bits wide; a counter has 32 or 64", c.Name, c.Bits)
		}
		if c.Unit > Errors || c.MaxRate < 0 || math.IsNaN(c.MaxRate) {
			return nil, fmt.Errorf("counter: column %q has unit %d and a rate of at most %v a second", c.Name, c.Unit, c.MaxRate)
		}
		index[c.Name] = i
		if c.Bits == 32 {
			cs.narrow |= 1 << i
		}
		if c.Unit != Events {
			cs.bounded |= 1 << i
		}
		if c.Loose {
			if c.Bits != 32 {
				return nil, fmt.Errorf("counter: column %q is served as a number of 32 bits and is %d bits wide", c.Name, c.Bits)
			}
			cs.loose |= 1 << i
		}
		cs.list[i] = column{unit: c.Unit, assumed: c.MaxRate == 0, twin: -1, wide: -1, word: int16(cs.words), maxRate: cmp.Or(c.MaxRate, defaultMaxRate)}
		cs.words += int(c.Bits) / wordBits
	}
	for i := range list {
		cs.resolve(i, &list[i], index)
	}
	return cs, nil
}

func (cs *Columns) resolve(i int, from *Column, index map[string]int) {
	c, packets := &cs.list[i], from.Packets
	for _, name := range from.IfServed {
		p, ok := index[name]
		if !ok { // nobody asks whether it is served
			packets = nil
			continue
		}
		c.served |= 1 << p
	}
	if twin, ok := index[from.Twin]; ok && from.Bits == 64 && (cs.narrow&^cs.loose)>>twin&1 != 0 {
		c.twin, cs.list[twin].wide = int16(twin), int16(i)
	}
sets:
	for _, names := range packets {
		var set uint64
		for _, name := range names {
			p, ok := index[name]
			if !ok {
				continue sets
			}
			set |= 1 << p
		}
		if set != 0 {
			c.packets = append(c.packets, set)
		}
	}
}

// value returns the value of column c among the words of a row.
func (cs *Columns) value(words []uint32, c int) uint64 {
	w := cs.list[c].word
	if cs.narrow>>c&1 != 0 {
		return uint64(words[w])
	}
	return uint64(words[w]) | uint64(words[w+1])<<wordBits
}

// store puts the values of a row into its words.
func (cs *Columns) store(words []uint32, values []uint64) {
	for c := range cs.list {
		w, v := cs.list[c].word, values[c]
		words[w] = uint32(v)
		if cs.narrow>>c&1 == 0 {
			words[w+1] = uint32(v >> wordBits)
		}
	}
}

// NewTable returns a Table that has seen nothing. An Interval that is not above 0 is an error.
func NewTable(columns *Columns, o Options) (*Table, error) {
	if o.Interval <= 0 {
		return nil, fmt.Errorf("counter: the interval between polls is %v; it must be above 0", o.Interval)
	}
	o.MaxGap = cmp.Or(o.MaxGap, 5*o.Interval)
	o.AssumeSpeed = cmp.Or(o.AssumeSpeed, defaultSpeed)
	return &Table{columns: columns, options: o}, nil
}
