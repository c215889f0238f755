// Package mibtest checks that a mib.Handler keeps the contract that the agent relies on.
package mibtest

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// maxWalk bounds a walk, so that a Handler that never ends fails instead of hanging the test.
const maxWalk = 1_000_000

// Walk returns everything that h serves below roots, which ascend and do not overlap, in the view that q gets.
func Walk(t testing.TB, h mib.Handler, q *mib.Request, roots ...oid.OID) []snmp.VarBind {
	t.Helper()
	w := newWalker(t, h, q)
	var all []snmp.VarBind
	for _, root := range roots {
		all = append(all, w.walk(subtree(root), 100)...)
	}
	return all
}

// Test checks h against the contract of mib.Handler and mib.View, in the view that a request of this moment gets:
//
//   - names ascend, lie in the range that was asked and have a legal number of sub-identifiers; values have a legal type
//     and range for it;
//   - successors one by one, many at a time and of several ranges at once are the same, and Get returns the same values;
//   - Start, Include and End of a Range mean what they say, at every name;
//   - where Next finds nothing Get finds nothing either: it returns noSuchObject or noSuchInstance;
//   - what was in dst stays there;
//   - requests may run side by side (run the test with -race).
//
// The roots are those that h is registered for. They ascend and do not overlap.
func Test(t *testing.T, h mib.Handler, roots ...oid.OID) {
	t.Helper()
	check(t, h, roots)
	t.Run("side by side", func(t *testing.T) {
		for range 4 {
			t.Run("request", func(t *testing.T) {
				t.Parallel()
				w := newWalker(t, h, newRequest())
				for _, root := range roots {
					w.checkOrder(root, w.walk(subtree(root), 10))
				}
			})
		}
	})
}

func newRequest() *mib.Request { return &mib.Request{Version: snmp.V2c, At: time.Now()} }

// check is all of Test that one request can show.
func check(t testing.TB, h mib.Handler, roots []oid.OID) {
	t.Helper()
	if !reflect.TypeOf(h).Comparable() {
		t.Errorf("%T is not comparable", h)
	}
	w := newWalker(t, h, newRequest())
	var all []snmp.VarBind
	for _, root := range roots {
		part := w.walk(subtree(root), 1)
		w.checkRoot(root, part)
		all = append(all, part...)
	}
	w.checkGet(all)
	w.checkRanges(all)
	w.checkAbsent(all, roots)
	w.checkKeepsDst(roots)
}

// subtree is the range of root and all below it.
func subtree(root oid.OID) mib.Range {
	return mib.Range{Start: root, Include: true, End: root.SubtreeEnd()}
}

// walker holds one view.
type walker struct {
	t    testing.TB
	ctx  context.Context
	view mib.View
}

func newWalker(t testing.TB, h mib.Handler, q *mib.Request) *walker {
	t.Helper()
	view, err := h.View(t.Context(), q)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return &walker{t: t, ctx: t.Context(), view: view}
}

// next returns what Next answers for one range, without the end mark; ended says that there was one.
func (w *walker) next(r mib.Range, limit int) (vbs []snmp.VarBind, ended bool) {
	w.t.Helper()
	vbs, err := w.view.Next(w.ctx, nil, []mib.Range{r}, limit)
	if err != nil {
		w.t.Errorf("Next(%v): %v", r, err)
		return nil, true
	}
	if n := len(vbs); n > 0 && vbs[n-1].Value == snmp.EndOfMibView {
		vbs, ended = vbs[:n-1], true
	}
	if len(vbs) > limit || ended != (len(vbs) < limit) {
		w.t.Errorf("Next(%v, max %d): %d successors and end %v", r, limit, len(vbs), ended)
	}
	return vbs, ended
}

// walk returns all of r, asked for limit at a time.
func (w *walker) walk(r mib.Range, limit int) []snmp.VarBind {
	w.t.Helper()
	var all []snmp.VarBind
	for len(all) < maxWalk {
		vbs, ended := w.next(r, limit)
		for _, vb := range vbs {
			if !r.Contains(vb.Name) {
				w.t.Errorf("Next(%v) returns %v, which lies outside", r, vb.Name)
				return all
			}
			r.Start, r.Include = vb.Name, false
		}
		all = append(all, vbs...)
		if ended || len(vbs) == 0 {
			return all
		}
	}
	w.t.Errorf("walk of %v did not end after %d variables", r, maxWalk)
	return all
}

// checkRoot compares what was walked below root one by one with the other ways to ask for it.
func (w *walker) checkRoot(root oid.OID, all []snmp.VarBind) {
	w.t.Helper()
	w.checkOrder(root, all)
	for _, vb := range all {
		if err := legal(vb); err != nil {
			w.t.Error(err)
		}
	}
	for _, limit := range []int{7, len(all) + 1} {
		if diff := cmp.Diff(Lines(all), Lines(w.walk(subtree(root), limit))); diff != "" {
			w.t.Errorf("below %v, 1 at a time (-) and %d at a time (+):\n%s", root, limit, diff)
		}
	}
}

func (w *walker) checkOrder(root oid.OID, all []snmp.VarBind) {
	w.t.Helper()
	for i, vb := range all {
		if !vb.Name.HasPrefix(root) || vb.Name.Len() > oid.MaxLen {
			w.t.Errorf("%v is no instance below %v", vb.Name, root)
		}
		if i > 0 && !all[i-1].Name.Less(vb.Name) {
			w.t.Errorf("%v follows %v", vb.Name, all[i-1].Name)
		}
	}
}

// checkGet asks for all names at once.
func (w *walker) checkGet(all []snmp.VarBind) {
	w.t.Helper()
	names := make([]oid.OID, len(all))
	want := make([]string, len(all))
	for i, vb := range all {
		names[i], want[i] = vb.Name, describe(vb.Value)
	}
	values, err := w.view.Get(w.ctx, nil, names)
	if err != nil {
		w.t.Errorf("Get of all names: %v", err)
		return
	}
	got := make([]string, len(values))
	for i, v := range values {
		got[i] = describe(v)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("Next (-) and Get (+) of the same names:\n%s", diff)
	}
}

// checkRanges moves both ends of a range over every name.
func (w *walker) checkRanges(all []snmp.VarBind) {
	w.t.Helper()
	var ranges []mib.Range
	var want []string
	expect := func(r mib.Range, vbs ...snmp.VarBind) {
		ranges = append(ranges, r)
		want = append(want, Lines(vbs)...)
		if len(vbs) == 0 {
			want = append(want, "end")
		}
	}
	for i, vb := range all {
		expect(mib.Range{Start: vb.Name, Include: true, End: vb.Name.Successor()}, vb)
		expect(mib.Range{Start: vb.Name, Include: true, End: vb.Name})
		if i > 0 {
			expect(mib.Range{Start: all[i-1].Name, End: vb.Name.Successor()}, vb)
			expect(mib.Range{Start: all[i-1].Name, End: vb.Name})
			expect(mib.Range{Start: all[i-1].Name.Successor(), Include: true, End: vb.Name.Successor()}, vb)
		}
	}
	vbs, err := w.view.Next(w.ctx, nil, ranges, 1)
	if err != nil {
		w.t.Errorf("Next of %d ranges: %v", len(ranges), err)
		return
	}
	got := make([]string, len(vbs))
	for i, vb := range vbs {
		got[i] = Lines(vbs[i : i+1])[0]
		if vb.Value == snmp.EndOfMibView {
			got[i] = "end"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("ranges from name to name (-want +got):\n%s", diff)
	}
}

// checkAbsent gets names around those that exist.
func (w *walker) checkAbsent(all []snmp.VarBind, roots []oid.OID) {
	w.t.Helper()
	exists := make(map[oid.OID]bool, len(all))
	for _, vb := range all {
		exists[vb.Name] = true
	}
	names := slices.Clone(roots)
	for _, vb := range all {
		names = append(names, vb.Name.Successor(), vb.Name.SubtreeEnd(), vb.Name.Slice(0, vb.Name.Len()-1))
	}
	names = slices.DeleteFunc(names, func(o oid.OID) bool {
		return exists[o] || !slices.ContainsFunc(roots, o.HasPrefix)
	})
	values, err := w.view.Get(w.ctx, nil, names)
	if err != nil || len(values) != len(names) {
		w.t.Errorf("Get of %d absent names: %d values, error %v", len(names), len(values), err)
		return
	}
	for i, v := range values {
		if v != snmp.NoSuchInstance && v != snmp.NoSuchObject {
			w.t.Errorf("Get(%v) = %v, but Next does not come across it", names[i], describe(v))
		}
	}
}

// checkKeepsDst calls with a dst that is not empty, and asks for nothing.
func (w *walker) checkKeepsDst(roots []oid.OID) {
	w.t.Helper()
	mark := snmp.VarBind{Name: oid.New(9, 9), Value: snmp.Integer(9)}
	var ranges []mib.Range
	for _, root := range roots {
		ranges = append(ranges, subtree(root))
	}
	vbs, err := w.view.Next(w.ctx, []snmp.VarBind{mark}, ranges, 0)
	if err != nil || len(vbs) != 1 || vbs[0] != mark {
		w.t.Errorf("Next with max 0 makes %v of a dst of one, error %v", Lines(vbs), err)
	}
	values, err := w.view.Get(w.ctx, []snmp.Value{mark.Value}, roots)
	if err != nil || len(values) != 1+len(roots) || values[0] != mark.Value {
		w.t.Errorf("Get of %d names makes %v of a dst of one, error %v", len(roots), values, err)
	}
}

// legal says what is wrong with vb by RFC 2578 section 7.1.
func legal(vb snmp.VarBind) error {
	v := vb.Value
	ok := false
	switch v.Kind() {
	case snmp.KindInteger:
		ok = v.Int() >= math.MinInt32 && v.Int() <= math.MaxInt32
	case snmp.KindCounter32, snmp.KindGauge32, snmp.KindTimeTicks:
		ok = v.Uint() <= math.MaxUint32
	case snmp.KindOctetString:
		ok = len(v.Octets()) <= math.MaxUint16
	case snmp.KindIPAddress:
		ok = len(v.Octets()) == 4
	case snmp.KindOID:
		ok = v.OID().Len() >= 2 && v.OID().Len() <= oid.MaxLen
	case snmp.KindCounter64, snmp.KindOpaque:
		ok = true
	}
	if !ok {
		return fmt.Errorf("%v has an illegal value: %s", vb.Name, describe(v))
	}
	return nil
}
