package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"walkabout/mib/engine"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// FuzzSets carries out what a program says: SETs of a few objects each, some of which may even be good, for its rows and values are out of a
// small store. A SET that fails changes nothing; what can be walked keeps to the modules; what is kept can be restored, and is the same then.
func FuzzSets(f *testing.F) {
	s := newStore()
	for _, r := range rows {
		good := append(slices.Clone(r.must), r.free...)
		f.Add(slices.Concat(s.program(r.row(createAndGo, good...)), s.program(r.row(notInService, good...)), s.program(r.row(destroy))))
		f.Add(slices.Concat(s.program(r.row(createAndWait)), s.program(r.row(active, good...))))
		f.Add(append(s.program(r.row(createAndGo, good...)), s.program([]snmp.VarBind{number(2, r.storage, r.index...)})...))
	}
	holes := mibtest.Holes{}
	for object := range objects {
		for _, r := range rows {
			if slices.ContainsFunc(r.must, func(vb snmp.VarBind) bool { return vb.Name == name(object) }) {
				holes[object] = "it has no default value, and the row is not ready before it is set"
			}
		}
	}
	f.Add(slices.Concat(s.program(clone("joe", "admin")), s.program(clone("joe", "big"))))
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 400 {
			return
		}
		m := newFixture(t)
		for len(program) > 0 {
			var vbs []snmp.VarBind
			vbs, program = s.set(program)
			before := m.state()
			if got := m.set(vbs...); got != "noError" && m.state() != before {
				t.Fatalf("%s: %v changed\n%s\nto\n%s", got, vbs, before, m.state())
			}
		}
		mibtest.Conform(t, mibtest.Walk(t, m.MIB, request(), engine.Roots()...), holes)
		next := newFixture(t)
		if err := next.Restore(m.Kept()); err != nil || fmt.Sprint(next.Kept()) != fmt.Sprint(m.Kept()) {
			t.Errorf("%v is restored from %v, %v", next.Kept(), m.Kept(), err)
		}
	})
}

// state is all that a SET might change.
func (f *fixture) state() string { return fmt.Sprint(f.all(), f.Kept(), f.config, f.calls) }

// store is what programs are made of. A program has three octets for each variable binding: of the object, of the row and of the value;
// the row's highest bit says that another one of the same SET follows.
type store struct {
	objects []string
	indexes []oid.OID
	values  []snmp.Value
}

const more = 0x80

func newStore() *store {
	s := &store{objects: slices.Sorted(maps.Keys(objects))}
	index := func(object string, parts ...any) oid.OID { return name(object, parts...).From(name(object).Len()) }
	s.indexes = []oid.OID{
		{}, oid.New(0), oid.New(1), oid.New(4294967295, 1), index("usmUserStatus", ownID, "admin"), index("usmUserStatus", otherID, "joe"), index("usmUserStatus", ownID, "jane"),
		index("snmpNotifyRowStatus", implied("other")), index("vacmGroupName", 3, "admin"),
	}
	for v := range int32(8) {
		s.values = append(s.values, snmp.Integer(v))
	}
	for _, text := range []string{"", "x", "p", "f", "tag", "a b", ownID, otherID, "\xff\xff", "\xc0\x00\x02\x01\x00\xa2", string(key("k", 32)), string(key("k", 40)), string(key("k", 128)), string(key("k", 300))} {
		s.values = append(s.values, snmp.OctetString(text))
	}
	for _, o := range []oid.OID{{}, udpDomain, pointerTo("admin"), pointerTo("big"), pointerTo("joe"), pointerTo("open"), name("usmUserStatus")} {
		s.values = append(s.values, snmp.ObjectID(o))
	}
	for arc := range uint32(8) {
		s.values = append(s.values, snmp.ObjectID(oid.New(1, 3, 6, 1, 6, 3, 10, 1, 1, arc)), snmp.ObjectID(oid.New(1, 3, 6, 1, 6, 3, 10, 1, 2, arc)))
	}
	s.values = append(s.values, snmp.Null, snmp.Counter64(1), snmp.EndOfMibView, snmp.Integer(-1), snmp.Integer(255), snmp.Integer(2147483647))
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		r := rows[table]
		s.indexes = append(s.indexes, index(r.status, r.index...))
		for _, vb := range append(slices.Clone(r.must), r.free...) {
			s.values = append(s.values, vb.Value)
		}
	}
	return s
}

// set returns the first SET of a program, and the rest.
func (s *store) set(program []byte) (vbs []snmp.VarBind, rest []byte) {
	for len(program) >= 3 {
		object, row, value := program[0], program[1], program[2]
		program = program[3:]
		index := s.indexes[int(row&^more)%len(s.indexes)]
		vbs = append(vbs, snmp.VarBind{Name: name(s.objects[int(object)%len(s.objects)]).Join(index), Value: s.values[int(value)%len(s.values)]})
		if row&more == 0 {
			return vbs, program
		}
	}
	return vbs, nil
}

// program returns the program of a SET whose objects, rows and values are in the store.
func (s *store) program(vbs []snmp.VarBind) []byte {
	var out []byte
	for i, vb := range vbs {
		object := slices.IndexFunc(s.objects, func(o string) bool { return vb.Name.HasPrefix(name(o)) })
		row := slices.Index(s.indexes, vb.Name.From(name(s.objects[object]).Len()))
		value := slices.Index(s.values, vb.Value)
		if row < 0 || value < 0 {
			panic(vb.Name.String())
		}
		if i < len(vbs)-1 {
			row |= more
		}
		out = append(out, byte(object), byte(row), byte(value))
	}
	return out
}
