// Package override serves single objects whose values the administrator gives, in place of whatever else would serve them.
package override

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Object is an instance, such as sysDescr.0.
type Object struct {
	Name     oid.OID
	Value    snmp.Value // Null hides what is there
	Writable bool       // a SET may replace the value by another of its type, until the program ends or the objects are replaced
}

// MIB is a mib.Handler and mib.Setter for objects that do not change but by SET.
type MIB struct {
	objects []Object                     // ascending
	values  atomic.Pointer[[]snmp.Value] // of objects
}

// New returns the MIB of objects; of two with one name the last holds.
func New(objects []Object) *MIB {
	m := &MIB{}
	for _, o := range slices.Backward(objects) {
		if i, found := m.find(o.Name); !found {
			m.objects = slices.Insert(m.objects, i, o)
		}
	}
	values := make([]snmp.Value, len(m.objects))
	for i := range m.objects {
		values[i] = m.objects[i].Value
	}
	m.values.Store(&values)
	return m
}

// Roots returns the subtrees to register m for: the objects.
func (m *MIB) Roots() []oid.OID {
	var roots []oid.OID
	for i := range m.objects {
		roots = append(roots, m.objects[i].Name)
	}
	return roots
}

// find returns the place of name, or that of its successor.
func (m *MIB) find(name oid.OID) (int, bool) {
	return slices.BinarySearchFunc(m.objects, name, func(o Object, name oid.OID) int { return o.Name.Compare(name) })
}

// View implements mib.Handler.
func (m *MIB) View(context.Context, *mib.Request) (mib.View, error) {
	return &view{m, *m.values.Load()}, nil
}

type view struct {
	*MIB
	values []snmp.Value
}

// Get implements mib.View.
func (v *view) Get(_ context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	for _, name := range names {
		value := snmp.NoSuchInstance
		if i, found := v.find(name); found && v.values[i].Kind() != snmp.KindNull {
			value = v.values[i]
		}
		dst = append(dst, value)
	}
	return dst, nil
}

// Next implements mib.View.
func (v *view) Next(_ context.Context, dst []snmp.VarBind, ranges []mib.Range, most int) ([]snmp.VarBind, error) {
	for _, r := range ranges {
		n := 0
		for i, _ := v.find(r.Start); i < len(v.objects) && n < most; i++ {
			name := v.objects[i].Name
			if !r.End.IsEmpty() && !name.Less(r.End) {
				break
			}
			if r.Contains(name) && v.values[i].Kind() != snmp.KindNull {
				dst = append(dst, snmp.VarBind{Name: name, Value: v.values[i]})
				n++
			}
		}
		if n < most {
			dst = append(dst, snmp.VarBind{Value: snmp.EndOfMibView})
		}
	}
	return dst, nil
}

// Prepare implements mib.Setter.
func (m *MIB) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	before := m.values.Load()
	after := slices.Clone(*before)
	for at, vb := range vbs {
		i, found := m.find(vb.Name)
		switch {
		case !found || m.objects[i].Value.Kind() == snmp.KindNull:
			return nil, &mib.VarError{Index: at, Status: snmp.NoCreation, Err: errors.New("the configuration overrides what would be here")}
		case !m.objects[i].Writable:
			return nil, &mib.VarError{Index: at, Status: snmp.NotWritable, Err: errors.New("the configuration overrides this object")}
		case vb.Value.Kind() != m.objects[i].Value.Kind():
			return nil, &mib.VarError{Index: at, Status: snmp.WrongType, Err: errors.New("the configuration gives this object another type")}
		}
		after[i] = vb.Value
	}
	return &change{m, before, &after}, nil
}

type change struct {
	m             *MIB
	before, after *[]snmp.Value
}

func (c *change) Commit(context.Context) error {
	c.m.values.Store(c.after)
	return nil
}

func (c *change) Undo(context.Context) error {
	c.m.values.Store(c.before)
	return nil
}

func (c *change) Close() {}
