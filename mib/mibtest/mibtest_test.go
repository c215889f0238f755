package mibtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var root = oid.New(1, 3, 6, 1, 2, 1, 99)

// newTree serves a group of scalars with a table of three rows, one of which has a hole, between them.
func newTree(t testing.TB) *mib.Tree {
	t.Helper()
	index := []oid.OID{oid.New(1), oid.New(2, 7), oid.New(9)}
	tree, err := mib.NewTree(
		mib.Group{Entry: root, Columns: []uint32{1, 3}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) { return snmp.Integer(int32(column)), true })
		}},
		mib.Group{Entry: root.Append(2, 1), Columns: []uint32{1, 2}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				return snmp.OctetString(fmt.Sprint(row, column)), row != 1 || column != 2
			}}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestTree(t *testing.T) {
	tree := newTree(t)
	Test(t, tree, root)
	if n := len(Walk(t, tree, newRequest(), root)); n != 7 {
		t.Errorf("walk finds %d variables, want 7", n)
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, args...))
}

// broken is a Handler whose answers are spoiled.
type broken struct {
	mib.Handler
	get  func([]snmp.Value) []snmp.Value
	next func([]snmp.VarBind) []snmp.VarBind
}

type brokenView struct {
	mib.View
	*broken
}

func (b *broken) View(ctx context.Context, q *mib.Request) (mib.View, error) {
	v, err := b.Handler.View(ctx, q)
	return &brokenView{v, b}, err
}

func (v *brokenView) Get(ctx context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	dst, err := v.View.Get(ctx, dst, names)
	if v.get != nil {
		dst = v.get(dst)
	}
	return dst, err
}

func (v *brokenView) Next(ctx context.Context, dst []snmp.VarBind, ranges []mib.Range, max int) ([]snmp.VarBind, error) {
	dst, err := v.View.Next(ctx, dst, ranges, max)
	if v.next != nil {
		dst = v.next(dst)
	}
	return dst, err
}

func TestFindsWhatIsBroken(t *testing.T) {
	tests := []struct {
		name string
		h    broken
		want string
	}{
		{"Get differs", broken{get: func(vs []snmp.Value) []snmp.Value {
			for i := range vs {
				if vs[i] == snmp.Integer(3) {
					vs[i] = snmp.Integer(4)
				}
			}
			return vs
		}}, "Next (-) and Get (+)"},
		{"Get finds more", broken{get: func(vs []snmp.Value) []snmp.Value {
			for i := range vs {
				if vs[i].IsException() {
					vs[i] = snmp.Integer(4)
				}
			}
			return vs
		}}, "Next does not come across it"},
		{"out of range", broken{next: func(vbs []snmp.VarBind) []snmp.VarBind {
			for i := range vbs {
				if vbs[i].Value == snmp.Integer(3) {
					vbs[i].Name = root.SubtreeEnd()
				}
			}
			return vbs
		}}, "lies outside"},
		{"no end mark", broken{next: func(vbs []snmp.VarBind) []snmp.VarBind {
			if n := len(vbs); n > 0 && vbs[n-1].Value == snmp.EndOfMibView {
				vbs = vbs[:n-1]
			}
			return vbs
		}}, "0 successors and end false"},
		{"illegal value", broken{next: func(vbs []snmp.VarBind) []snmp.VarBind {
			for i := range vbs {
				if vbs[i].Value == snmp.Integer(3) {
					vbs[i].Value = snmp.NoSuchInstance
				}
			}
			return vbs
		}}, "illegal value"},
		{"forgets dst", broken{next: func(vbs []snmp.VarBind) []snmp.VarBind { return vbs[:0:0] }}, "of a dst of one"},
		{"skips when asked for many", broken{next: func(vbs []snmp.VarBind) []snmp.VarBind {
			if len(vbs) > 3 {
				vbs = append(vbs[:1], vbs[2:]...)
			}
			return vbs
		}}, "at a time"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.h.Handler = newTree(t)
			r := &recorder{TB: t}
			check(r, &test.h, []oid.OID{root})
			if all := strings.Join(r.failures, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("failures do not speak of %q:\n%s", test.want, all)
			}
		})
	}
}
