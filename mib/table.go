package mib

import (
	"cmp"
	"slices"
	"sync"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Table is the rows of a conceptual table in the order of their index.
type Table[R any] struct {
	Index []oid.OID
	Rows  []R
}

// NewTable returns the table of rows in any order. Of rows with one index the first stands.
func NewTable[R any](rows []R, index func(row *R) oid.OID) *Table[R] {
	names := make([]oid.OID, len(rows))
	order := make([]int, len(rows))
	for i := range rows {
		names[i], order[i] = index(&rows[i]), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(names[a].Compare(names[b]), cmp.Compare(a, b)) })
	t := &Table[R]{Index: make([]oid.OID, 0, len(rows)), Rows: make([]R, 0, len(rows))}
	for _, i := range order {
		if last := len(t.Index) - 1; last < 0 || t.Index[last] != names[i] {
			t.Index, t.Rows = append(t.Index, names[i]), append(t.Rows, rows[i])
		}
	}
	return t
}

// Snapshot returns t with cells that cell computes.
func (t *Table[R]) Snapshot(cell func(row *R, column uint32) (snmp.Value, bool)) Snapshot {
	return Snapshot{Index: t.Index, Cell: func(row int, column uint32) (snmp.Value, bool) { return cell(&t.Rows[row], column) }}
}

// Derived keeps what was made of the latest list, so that all who see that list share the work. Lists are told apart by where they are in
// memory: they must not be changed. The zero value is ready.
type Derived[E, T any] struct {
	mu    sync.Mutex
	list  []E
	value *T
}

// Of returns what build makes of list.
func (d *Derived[E, T]) Of(list []E, build func([]E) *T) *T {
	if len(list) == 0 {
		return build(nil)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.value == nil || &d.list[0] != &list[0] || len(d.list) != len(list) {
		d.list, d.value = list, build(list)
	}
	return d.value
}

// Numbers gives names numbers from 1 on, in the order in which it first sees them: the index of what has no number by itself. A name keeps
// its number as long as the program lives, unless it is gone while very many others come; no number is given twice. The zero value is ready.
type Numbers struct {
	mu     sync.Mutex
	given  map[string]uint32
	latest uint32
}

// maxNames bounds how many names that are gone are remembered.
const maxNames = 10000

// Of returns the numbers of names.
func (n *Numbers) Of(names []string) []uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.given == nil {
		n.given = map[string]uint32{}
	}
	out := make([]uint32, len(names))
	for i, name := range names {
		number, known := n.given[name]
		if !known {
			n.latest++
			number = n.latest
			n.given[name] = number
		}
		out[i] = number
	}
	if len(n.given) > len(names)+maxNames {
		clear(n.given)
		for i, name := range names {
			n.given[name] = out[i]
		}
	}
	return out
}
