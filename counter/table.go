package counter

import (
	"fmt"
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

	// Twin, of a Counter64, is the Counter32 that counts the same (ifHCInOctets: ifInOctets).
	Twin string
	// Packets, of an Octets counter, are the counters of its own direction that bound it where it may have wrapped unseen: one or more sets,
	// each of which counts every frame, such as {ifInUcastPkts, ifInNUcastPkts} and {ifInUcastPkts, ifInMulticastPkts, ifInBroadcastPkts}.
	// The first set whose every counter has a number is used. RFC 2863 counts the octets of discarded and broken frames too, so
	// ifInErrors, ifInDiscards and ifInUnknownProtos belong into each set where they are polled.
	Packets [][]string
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
	// counters do, At is that of the first and its RoundTrip lasts until the last. At.Identity and At.Resolution are left 0: the
	// table knows them.
	At Instant

	Values []uint64 // one a column, in the columns' order
	Has    uint64   // bit i is set if Values[i] was served with the column's own type

	Speed uint64 // bits/s: see Speed; 0 is unknown. Not used by Events
	MTU   int    // ifMtu; 0 is unknown
	Type  int    // ifType; 0 is unknown

	// Set by Poll. Rates[i] is per second and 0 unless Verdicts[i].HasRate. Verdicts[i] is None where the agent served no value, and where a
	// 64-bit counter is not used (Counter64Unused).
	Rates    []float64     // one a column
	Verdicts []Verdict     // one a column
	Elapsed  time.Duration // what the differences were divided by; 0 where there was no pair of readings
	Clock    Clock         // whose time Elapsed is
}

// Table turns successive polls of one table of one target into rates. It keeps the last fresh reading of each row, and what the agent
// has taught about itself: the period of its cache, the steps of its sysUpTime, counters that are not what their type says.
// It is not safe for concurrent use; it starts nothing and reads no clock.
type Table struct {
	columns []Column
	options Options
}

// NewTable returns a Table that has seen nothing. It reports columns that make no sense: more than 64, a name twice, Bits other than 32
// and 64; and an Interval that is not above 0.
func NewTable(columns []Column, o Options) (*Table, error) {
	return nil, fmt.Errorf("counter: not yet")
}

// Poll judges one poll of the table. It sets Rates, Verdicts, Elapsed and Clock of every row, and appends to dst what is new about the
// target. now is when the poll ended (monotonic), and is used only to forget rows.
//
// complete says that the walk reached the table's end, so that a row that is not in rows does not exist: should it come back, it is
// First. Without it rows that are absent keep their last reading. A poll that gave no rows at all because the target did not answer is
// not told to the Table. Rows that were absent for an hour and for two MaxGaps are forgotten, earlier where they outnumber the living.
//
// Poll panics if the slices of a row are shorter than the table's columns.
func (t *Table) Poll(now time.Time, complete bool, rows []Row, dst []Finding) []Finding {
	return dst
}
