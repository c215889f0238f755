package vacm

import (
	"slices"

	"walkabout/snmp/oid"
)

// Family is a row of vacmViewTreeFamilyTable: a family of subtrees that a view includes or excludes (RFC 3415 section 5).
type Family struct {
	Subtree oid.OID
	// Mask has a bit for each sub-identifier of Subtree, the first in the highest bit of the first octet: 0 lets any
	// sub-identifier stand there. Bits that are missing count as 1.
	Mask    string
	Exclude bool
}

// wild reports whether sub-identifier i of the family may be anything.
func (f *Family) wild(i int) bool {
	return i/8 < len(f.Mask) && f.Mask[i/8]&(0x80>>(i%8)) == 0
}

// contains reports whether o is in one of the family's subtrees.
func (f *Family) contains(o oid.OID) bool {
	if o.Len() < f.Subtree.Len() {
		return false
	}
	if f.Mask == "" {
		return o.HasPrefix(f.Subtree)
	}
	for i := range f.Subtree.Len() {
		if o.Arc(i) != f.Subtree.Arc(i) && !f.wild(i) {
			return false
		}
	}
	return true
}

// fixed returns how many of the subtree's first sub-identifiers are not wild.
func (f *Family) fixed() int {
	for i := range f.Subtree.Len() {
		if f.wild(i) {
			return i
		}
	}
	return f.Subtree.Len()
}

// View is a set of objects: what an access entry lets one read, write or be notified of. The zero View is empty. It is
// immutable.
type View struct {
	families []Family // the best match first (RFC 3415 section 5, vacmViewTreeFamilyTable)
	ranges   []span   // disjoint, ascending; nothing outside them is in the view
	exact    bool     // and everything inside them is
}

// span is a range of the OID space; an empty end is no end.
type span struct{ start, end oid.OID }

// NewView returns the view of the families; the order does not matter.
func NewView(families ...Family) *View {
	v := &View{families: slices.Clone(families), exact: true}
	// Of several that contain an object the longest subtree decides, then the lexicographically greatest.
	slices.SortStableFunc(v.families, func(a, b Family) int {
		if a.Subtree.Len() != b.Subtree.Len() {
			return b.Subtree.Len() - a.Subtree.Len()
		}
		return b.Subtree.Compare(a.Subtree)
	})
	for i := range v.families {
		if v.families[i].fixed() < v.families[i].Subtree.Len() {
			v.exact = false
		}
	}
	v.ranges = v.bounds()
	return v
}

// All is the view of everything.
func All() *View { return NewView(Family{}) }

// bounds cuts the OID space where the families begin and end and keeps the pieces that may hold something of the view. A family
// with wild sub-identifiers counts as the subtree above the first of them.
func (v *View) bounds() []span {
	var cuts []oid.OID
	for i := range v.families {
		root := v.families[i].Subtree.Slice(0, v.families[i].fixed())
		cuts = append(cuts, root)
		if end := root.SubtreeEnd(); !end.IsEmpty() {
			cuts = append(cuts, end)
		}
	}
	slices.SortFunc(cuts, oid.OID.Compare)
	cuts = slices.Compact(cuts)
	var out []span
	for i, start := range cuts {
		if !v.mayHold(start) {
			continue
		}
		var end oid.OID
		if i+1 < len(cuts) {
			end = cuts[i+1]
		}
		if n := len(out); n > 0 && out[n-1].end == start && !start.IsEmpty() {
			out[n-1].end = end
			continue
		}
		out = append(out, span{start, end})
	}
	return out
}

// mayHold reports whether the piece that begins at start can hold objects of the view: the best family without wild
// sub-identifiers includes it, or a better one with some might.
func (v *View) mayHold(start oid.OID) bool {
	for i := range v.families {
		f := &v.families[i]
		n := f.fixed()
		switch {
		case !start.HasPrefix(f.Subtree.Slice(0, n)):
		case n == f.Subtree.Len():
			return !f.Exclude
		case !f.Exclude:
			return true
		}
	}
	return false
}

// Contains reports whether o is in the view (RFC 3415 section 5).
func (v *View) Contains(o oid.OID) bool {
	for i := range v.families {
		if v.families[i].contains(o) {
			return !v.families[i].Exclude
		}
	}
	return false
}

// Exact reports whether Clip alone decides: everything between the bounds that it returns is in the view. Otherwise Contains
// must be asked as well.
func (v *View) Exact() bool { return v.exact }

// Clip returns the first part of the range from start to end (empty: no end) that holds objects of the view; false if there
// is none.
func (v *View) Clip(start, end oid.OID) (from, to oid.OID, ok bool) {
	for _, r := range v.ranges {
		if !r.end.IsEmpty() && r.end.Compare(start) <= 0 {
			continue
		}
		if !end.IsEmpty() && end.Compare(r.start) <= 0 {
			break
		}
		from, to = start, r.end
		if from.Less(r.start) {
			from = r.start
		}
		if to.IsEmpty() || !end.IsEmpty() && end.Less(to) {
			to = end
		}
		return from, to, true
	}
	return oid.OID{}, oid.OID{}, false
}
