package collector

import (
	"slices"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// texts is a list of strings in one piece of memory. What is kept of each row of each device is kept so: strings of their own, and maps of them,
// take several times as much.
type texts struct {
	all  string
	ends []int32 // of each
}

func (t *texts) len() int { return len(t.ends) }

func (t *texts) at(i int) string {
	from := int32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.all[from:t.ends[i]]
}

// textList makes texts.
type textList struct {
	all  []byte
	ends []int32
}

func (l *textList) add(s string) {
	l.all = append(l.all, s...)
	l.ends = append(l.ends, int32(len(l.all)))
}

// texts returns what was added, in memory of its own.
func (l *textList) texts() texts { return texts{string(l.all), slices.Clone(l.ends)} }

// indexes is a list of the indexes of rows.
type indexes struct{ texts }

func newIndexes(list []oid.OID) indexes {
	var l textList
	for _, o := range list {
		l.add(o.Packed())
	}
	return indexes{l.texts()}
}

func (x *indexes) at(i int) oid.OID {
	o, _ := oid.FromPacked(x.texts.at(i)) // it was one
	return o
}

func (x *indexes) equal(list []oid.OID) bool {
	if x.len() != len(list) {
		return false
	}
	for i, o := range list {
		if x.texts.at(i) != o.Packed() {
			return false
		}
	}
	return true
}

// column is a column of some rows.
type column struct {
	rows  indexes // ascending
	cells texts   // snmp.Value.AppendPacked
}

func newColumn(cells map[oid.OID]snmp.Value) column {
	rows := make([]oid.OID, 0, len(cells))
	for index := range cells {
		rows = append(rows, index)
	}
	slices.SortFunc(rows, oid.OID.Compare)
	var l textList
	for _, index := range rows {
		l.all = cells[index].AppendPacked(l.all)
		l.ends = append(l.ends, int32(len(l.all)))
	}
	return column{newIndexes(rows), l.texts()}
}

func (c *column) at(i int) (index oid.OID, v snmp.Value) {
	v, _ = snmp.TakePacked(c.cells.at(i))
	return c.rows.at(i), v
}

// find returns the cell of a row; false if there is none.
func (c *column) find(index oid.OID) (v snmp.Value, ok bool) {
	from, to := 0, c.rows.len()
	for from < to {
		middle := (from + to) / 2
		if c.rows.at(middle).Less(index) {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == c.rows.len() || c.rows.at(from) != index {
		return snmp.Null, false
	}
	_, v = c.at(from)
	return v, true
}
