package mib

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Snapshot is the rows of a conceptual table, or the scalars of a group, as one request sees them.
//
// Index is ascending and unique; it is shared and never changed. Cell returns a value, or false where the instance does not
// exist; it is called only when asked for, by one goroutine.
type Snapshot struct {
	Index []oid.OID
	Cell  func(row int, column uint32) (snmp.Value, bool)
}

// Group is a conceptual table, or a group of scalars: then Entry is the group's own OID, and the one row's index is 0
// (ScalarIndex).
type Group struct {
	Entry   oid.OID  // ifEntry, say: a cell's name is Entry, column, index
	Columns []uint32 // the columns served on this system, in any order
	// Open returns the group as q sees it. It is called at most once a request, only when the request touches the group, and
	// returns the zero Snapshot if the source cannot be read.
	Open func(ctx context.Context, q *Request) Snapshot
}

// ScalarIndex is the Index of a group of scalars.
var ScalarIndex = []oid.OID{oid.New(0)}

// Scalars returns the Snapshot of a group of scalars.
func Scalars(cell func(column uint32) (snmp.Value, bool)) Snapshot {
	return Snapshot{Index: ScalarIndex, Cell: func(_ int, column uint32) (snmp.Value, bool) { return cell(column) }}
}

// Tree is a Handler made of groups. Groups may interleave (a group of scalars has its tables between them), since the
// unit of order is the column.
type Tree struct {
	columns []column // by prefix; none is a prefix of another
	groups  []Group
}

type column struct {
	prefix oid.OID // Entry and the column's number
	number uint32
	group  int
}

// NewTree returns the Tree of groups; an error if two columns are the same or one lies below another.
func NewTree(groups ...Group) (*Tree, error) {
	t := &Tree{groups: groups}
	for i, g := range groups {
		for _, n := range g.Columns {
			t.columns = append(t.columns, column{g.Entry.Append(n), n, i})
		}
	}
	slices.SortFunc(t.columns, func(a, b column) int { return cmp.Or(a.prefix.Compare(b.prefix), cmp.Compare(a.group, b.group)) })
	for i := 1; i < len(t.columns); i++ {
		if a, b := t.columns[i-1].prefix, t.columns[i].prefix; b.HasPrefix(a) {
			return nil, fmt.Errorf("object %v overlaps object %v", b, a)
		}
	}
	return t, nil
}

// View implements Handler.
func (t *Tree) View(_ context.Context, q *Request) (View, error) {
	return &treeView{tree: t, request: q}, nil
}

// at returns the position of the first column that o lies in or stands before.
func (t *Tree) at(o oid.OID) int {
	lo, hi := 0, len(t.columns)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if p := t.columns[mid].prefix; p.Less(o) && !o.HasPrefix(p) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// treeView is a Tree and what one request has opened of it.
type treeView struct {
	tree    *Tree
	request *Request
	opened  []opened
	first   [4]opened // room for the groups of most requests
	row     int       // where the last name of a Get was found: names in a row often are of one row
	names   oid.Arena
}

type opened struct {
	group    int
	snapshot Snapshot
}

func (v *treeView) open(ctx context.Context, group int) Snapshot {
	for i := range v.opened {
		if v.opened[i].group == group {
			return v.opened[i].snapshot
		}
	}
	if v.opened == nil {
		v.opened = v.first[:0]
	}
	s := v.tree.groups[group].Open(ctx, v.request)
	v.opened = append(v.opened, opened{group, s})
	return s
}

// Get implements View.
func (v *treeView) Get(ctx context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	for _, name := range names {
		dst = append(dst, v.get(ctx, name))
	}
	return dst, nil
}

func (v *treeView) get(ctx context.Context, name oid.OID) snmp.Value {
	i := v.tree.at(name)
	if i == len(v.tree.columns) || !name.HasPrefix(v.tree.columns[i].prefix) {
		return snmp.NoSuchObject
	}
	c := &v.tree.columns[i]
	s := v.open(ctx, c.group)
	index := name.From(c.prefix.Len())
	if v.row >= len(s.Index) || s.Index[v.row] != index {
		var found bool
		if v.row, found = searchIndex(s.Index, index); !found {
			return snmp.NoSuchInstance
		}
	}
	value, ok := s.Cell(v.row, c.number)
	if !ok {
		return snmp.NoSuchInstance
	}
	return value
}

// Next implements View.
func (v *treeView) Next(ctx context.Context, dst []snmp.VarBind, ranges []Range, max int) ([]snmp.VarBind, error) {
	v.names.Expect(len(ranges) * min(max, 1<<10))
	for _, r := range ranges {
		dst = v.next(ctx, dst, r, max)
	}
	return dst, nil
}

func (v *treeView) next(ctx context.Context, dst []snmp.VarBind, r Range, max int) []snmp.VarBind {
	columns := v.tree.columns
	for i := v.tree.at(r.Start); i < len(columns); i++ {
		c := &columns[i]
		if !r.End.IsEmpty() && !c.prefix.Less(r.End) {
			break
		}
		s := v.open(ctx, c.group)
		row := 0
		if r.Start.HasPrefix(c.prefix) {
			var found bool
			if row, found = searchIndex(s.Index, r.Start.From(c.prefix.Len())); found && !r.Include {
				row++
			}
		}
		for ; row < len(s.Index); row++ {
			if max == 0 {
				return dst
			}
			value, ok := s.Cell(row, c.number)
			if !ok {
				continue
			}
			if value.Kind() == snmp.KindCounter64 && v.request.Version == snmp.V1 {
				break // a column is of one type, and SNMPv1 has no such one (RFC 3584 section 4.2.2.1)
			}
			name := v.names.Join(c.prefix, s.Index[row], oid.OID{})
			if !r.End.IsEmpty() && !name.Less(r.End) {
				return append(dst, snmp.VarBind{Value: snmp.EndOfMibView})
			}
			dst = append(dst, snmp.VarBind{Name: name, Value: value})
			max--
		}
	}
	if max == 0 {
		return dst
	}
	return append(dst, snmp.VarBind{Value: snmp.EndOfMibView})
}

// searchIndex returns the first row that is not before o, and whether it is o.
func searchIndex(index []oid.OID, o oid.OID) (row int, found bool) {
	return slices.BinarySearchFunc(index, o, oid.OID.Compare)
}
