package alert

import (
	"walkabout/counter"
	"walkabout/metric"
)

// column is a field of the interface table that a rule reads.
type column uint8

const (
	noColumn column = iota
	ifIndex
	ifType
	ifSpeed
	ifHighSpeed
	ifAdminStatus
	ifOperStatus
	ifLastChange
	ifAlias
	ifInOctets
	ifOutOctets
	ifHCInOctets
	ifHCOutOctets
	ifInErrors
	ifOutErrors
	ifInDiscards
	ifOutDiscards
	ifInUcastPkts
	ifInNUcastPkts
	ifInMulticastPkts
	ifInBroadcastPkts
	ifOutUcastPkts
	ifOutNUcastPkts
	ifOutMulticastPkts
	ifOutBroadcastPkts
	ifHCInUcastPkts
	ifHCInMulticastPkts
	ifHCInBroadcastPkts
	ifHCOutUcastPkts
	ifHCOutMulticastPkts
	ifHCOutBroadcastPkts
	columns
)

var columnOf = map[string]column{
	"ifIndex": ifIndex, "ifType": ifType, "ifSpeed": ifSpeed, "ifHighSpeed": ifHighSpeed, "ifAdminStatus": ifAdminStatus, "ifOperStatus": ifOperStatus,
	"ifLastChange": ifLastChange, "ifAlias": ifAlias, "ifInOctets": ifInOctets, "ifOutOctets": ifOutOctets, "ifHCInOctets": ifHCInOctets,
	"ifHCOutOctets": ifHCOutOctets, "ifInErrors": ifInErrors, "ifOutErrors": ifOutErrors, "ifInDiscards": ifInDiscards, "ifOutDiscards": ifOutDiscards,
	"ifInUcastPkts": ifInUcastPkts, "ifInNUcastPkts": ifInNUcastPkts, "ifInMulticastPkts": ifInMulticastPkts, "ifInBroadcastPkts": ifInBroadcastPkts,
	"ifOutUcastPkts": ifOutUcastPkts, "ifOutNUcastPkts": ifOutNUcastPkts, "ifOutMulticastPkts": ifOutMulticastPkts,
	"ifOutBroadcastPkts": ifOutBroadcastPkts, "ifHCInUcastPkts": ifHCInUcastPkts, "ifHCInMulticastPkts": ifHCInMulticastPkts,
	"ifHCInBroadcastPkts": ifHCInBroadcastPkts, "ifHCOutUcastPkts": ifHCOutUcastPkts, "ifHCOutMulticastPkts": ifHCOutMulticastPkts,
	"ifHCOutBroadcastPkts": ifHCOutBroadcastPkts,
}

// layout remembers which column stood where in the row before: rows of a table have the same fields in the same order, mostly, and strings
// that are one need not be compared.
type layout [maxFields]struct {
	name string
	id   column
}

// maxFields is how many fields of a row are looked at.
const maxFields = 96

// find returns the column of the field at position i, which is called name.
func (l *layout) find(i int, name string) column {
	at := &l[i]
	if at.name != name {
		at.name, at.id = name, columnOf[name]
	}
	return at.id
}

// row is one Sample of the interface table.
type row struct {
	status
	sample              *metric.Sample
	name                string         // ifName, else ifDescr, else ifIndex
	at                  [columns]uint8 // where a column is in sample.Fields, counted from 1; 0: nowhere
	hasAdmin, hasOper   bool
	hasOctets, counted  bool // there is a counter of octets received; it is above 0
	verdicts, allResets bool // it has counters that were compared; all of them were reset
}

func (l *layout) read(s *metric.Sample) row {
	r := row{sample: s, allResets: true}
	for i := range s.Fields[:min(len(s.Fields), maxFields)] {
		f := &s.Fields[i]
		if f.Verdict != counter.None && f.Verdict != counter.First {
			r.verdicts = true
			r.allResets = r.allResets && f.Verdict == counter.Reset
		}
		r.at[l.find(i, f.Name)] = uint8(i + 1)
	}
	r.at[noColumn] = 0
	var index, admin, oper, last *metric.Field
	index, r.hasIndex = r.get(ifIndex)
	admin, r.hasAdmin = r.get(ifAdminStatus)
	oper, r.hasOper = r.get(ifOperStatus)
	last, r.hasLastChg = r.get(ifLastChange)
	r.index, r.admin, r.oper, r.lastChange = int32(index.Num), uint8(min(admin.Num, 255)), uint8(min(oper.Num, 255)), uint32(last.Num)
	alias, _ := r.get(ifAlias)
	r.alias = alias.Str
	for _, c := range [...]column{ifHCInOctets, ifInOctets} {
		// Either being above 0 is enough: there are agents whose 64-bit counters stay at 0.
		if f, ok := r.get(c); ok {
			r.hasOctets = true
			r.counted = r.counted || f.Num > 0
		}
	}
	r.name = identity(s, int64(r.index))
	return r
}

var noField metric.Field // nobody changes it

// get returns a field, which is empty if there is none.
func (r *row) get(c column) (*metric.Field, bool) {
	if i := r.at[c]; i > 0 {
		return &r.sample.Fields[i-1], true
	}
	return &noField, false
}

// rate returns the rate of the first of these counters that has one.
func (r *row) rate(cs ...column) (float64, bool) {
	for _, c := range cs {
		if f, ok := r.get(c); ok && f.Verdict.HasRate() {
			return f.Rate, true
		}
	}
	return 0, false
}

// speed returns the interface's speed in bits per second: ifHighSpeed, else ifSpeed; 0 if it tells none.
func (r *row) speed() float64 {
	if f, _ := r.get(ifHighSpeed); f.Num > 0 {
		return float64(f.Num) * 1e6
	}
	f, _ := r.get(ifSpeed)
	return float64(f.Num)
}
