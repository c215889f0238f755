package engine

import (
	"context"
	"errors"
	"slices"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// RowStatus (RFC 2579).
const (
	active        = 1
	notInService  = 2
	notReady      = 3
	createAndGo   = 4
	createAndWait = 5
	destroy       = 6
)

// StorageType (RFC 2579).
const (
	volatile    = 2
	nonVolatile = 3
	permanent   = 4
	readOnly    = 5
)

// maxRows bounds the rows of one table that were made by SET.
const maxRows = 1000

// table is a conceptual table whose rows managers may make (read-create).
type table struct {
	key     key
	columns []column
	status  int // which of columns is the RowStatus, and the StorageType
	storage int
	// What a table has of its own; each may be nil.
	fresh func(m *MIB, r *row)                 // fills in a new row what is no plain DEFVAL
	check func(m *MIB, r *row) error           // of a row that is to be active: what no syntax tells
	hide  func(q *mib.Request, c *column) bool // whether a value is not for this asker
}

// column is a column of a table. Its cells are at the same place in every row of the table.
type column struct {
	name   oid.OID // the entry's, and the column's number
	syntax syntax
	value  snmp.Value                // DEFVAL
	must   bool                      // be set before the row can be active, for there is no DEFVAL
	frozen bool                      // not to be changed while the row is active
	secret bool                      // never logged
	early  bool                      // takes effect before the other columns of a SET
	shown  func(s *state) snmp.Value // what reading gives, whatever is in the cell
	fixed  bool                      // read-only
	// assign makes of what is SET what the cells hold, where it is not the value itself.
	assign func(e *edit, v snmp.Value) (snmp.ErrorStatus, error)
	// keeps is the syntax of what the cell holds, where it is not that of what is SET.
	keeps *syntax
}

// row is an immutable conceptual row. Cells are those of its table's columns; Null is no instance.
type row struct {
	index oid.OID
	cells []snmp.Value
}

// is reports the row's status.
func (t *table) is(r *row, status int32) bool { return r.cells[t.status] == snmp.Integer(status) }

// at returns which column o lies in; -1 if none.
func (t *table) at(o oid.OID) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return o.HasPrefix(c.name) })
}

// fits reports whether index can be one of t's: its parts are right, and the cells' names are not too long.
func (t *table) fits(index oid.OID) bool {
	_, ok := t.key.parse(index)
	return ok && t.columns[0].name.Len()+index.Len() <= oid.MaxLen
}

// newRow returns a row of default values, notReady.
func (t *table) newRow(m *MIB, index oid.OID) *row {
	r := &row{index: index}
	for i := range t.columns {
		r.cells = append(r.cells, t.columns[i].value)
	}
	r.cells[t.status], r.cells[t.storage] = snmp.Integer(notReady), snmp.Integer(nonVolatile)
	if t.fresh != nil {
		t.fresh(m, r)
	}
	return r
}

var errIncomplete = errors.New("an object that has no default value is not set yet")

// ready returns why r cannot be active; nil if it can.
func (t *table) ready(m *MIB, r *row) error {
	for i := range t.columns {
		if t.columns[i].must && r.cells[i].Kind() == snmp.KindNull {
			return errIncomplete
		}
	}
	if t.check == nil {
		return nil
	}
	return t.check(m, r)
}

// rows is an immutable list of rows, ascending by their index.
type rows struct {
	index []oid.OID
	list  []*row
}

func newRows(list []*row) rows {
	slices.SortStableFunc(list, func(a, b *row) int { return a.index.Compare(b.index) })
	list = slices.CompactFunc(list, func(a, b *row) bool { return a.index == b.index })
	out := rows{list: list, index: make([]oid.OID, len(list))}
	for i, r := range list {
		out.index[i] = r.index
	}
	return out
}

func (r *rows) find(index oid.OID) *row {
	if i, ok := slices.BinarySearchFunc(r.index, index, oid.OID.Compare); ok {
		return r.list[i]
	}
	return nil
}

// with returns r with to in the place of the row of its index, or without that row if to is nil.
func (r *rows) with(index oid.OID, to *row) rows {
	i, found := slices.BinarySearchFunc(r.index, index, oid.OID.Compare)
	j := i
	if found {
		j++
	}
	if to == nil {
		return rows{slices.Concat(r.index[:i], r.index[j:]), slices.Concat(r.list[:i], r.list[j:])}
	}
	return rows{slices.Concat(r.index[:i], []oid.OID{index}, r.index[j:]), slices.Concat(r.list[:i], []*row{to}, r.list[j:])}
}

// merge returns the rows of both; of two with one index that of over.
func merge(over, under rows) rows { return newRows(slices.Concat(over.list, under.list)) }

// groups returns t, the table that is at position at of the MIB's, as the groups of a Tree: one for each entry, for a table may augment
// another.
func (t *table) groups(m *MIB, at int) []mib.Group {
	var out []mib.Group
	for _, c := range t.columns {
		entry := c.name.Slice(0, c.name.Len()-1)
		if n := len(out); n == 0 || out[n-1].Entry != entry {
			out = append(out, t.group(m, at, entry))
		}
	}
	return out
}

func (t *table) group(m *MIB, at int, entry oid.OID) mib.Group {
	g := mib.Group{Entry: entry}
	position := map[uint32]int{}
	for i, c := range t.columns {
		if c.name.Slice(0, c.name.Len()-1) == entry {
			g.Columns = append(g.Columns, c.name.Last())
			position[c.name.Last()] = i
		}
	}
	g.Open = func(_ context.Context, q *mib.Request) mib.Snapshot {
		state := m.state.Load()
		rows := &state.all[at]
		return mib.Snapshot{Index: rows.index, Cell: func(row int, number uint32) (snmp.Value, bool) {
			i := position[number]
			c := &t.columns[i]
			v := rows.list[row].cells[i]
			switch {
			case t.hide != nil && t.hide(q, c):
				return snmp.Value{}, false
			case c.shown != nil:
				return c.shown(state), true
			}
			return v, v.Kind() != snmp.KindNull
		}}
	}
	return g
}
