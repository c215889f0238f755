package mibtest

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Holes says which columns need not have an instance in each row of their table, and why: "ifHighSpeed": "the speed is not known
// without a link".
type Holes map[string]string

// Conform holds variables, as a walk of an agent found them, against the modules:
//
//   - each is of an object that a module has and lets be read;
//   - its value has the type, the range and the enumeration of that object;
//   - its index can be read as the row's INDEX says, and agrees with the values of those index objects that can be read;
//   - a column has an instance in every row of its table or in none, but for holes.
func Conform(t testing.TB, all []snmp.VarBind, holes Holes) {
	t.Helper()
	rows := map[oid.OID]map[oid.OID]map[string]snmp.Value{} // by entry and index
	columns := map[oid.OID]map[string]bool{}                // by entry
	for _, vb := range all {
		o, index, ok := Find(vb.Name)
		if !ok {
			t.Errorf("%v is of no object of the modules", vb.Name)
			continue
		}
		if !o.readable() {
			t.Errorf("%v is of %s, which is %s", vb.Name, o.Name, o.Access)
		}
		if err := o.Check(vb.Value); err != nil {
			t.Errorf("%v (%s.%v) = %s: %v", vb.Name, o.Name, index, describe(vb.Value), err)
		}
		if len(o.Index) == 0 {
			if index != oid.New(0) {
				t.Errorf("%v: %s is no column, so its instance is 0", vb.Name, o.Name)
			}
			continue
		}
		entry := vb.Name.Slice(0, vb.Name.Len()-index.Len()-1)
		if rows[entry] == nil {
			rows[entry], columns[entry] = map[oid.OID]map[string]snmp.Value{}, map[string]bool{}
		}
		if rows[entry][index] == nil {
			rows[entry][index] = map[string]snmp.Value{}
			if err := checkIndex(o, index); err != nil {
				t.Errorf("%v (%s.%v): %v", vb.Name, o.Name, index, err)
			}
		}
		rows[entry][index][o.Name] = vb.Value
		columns[entry][o.Name] = true
	}
	for entry, table := range rows {
		for index, cells := range table {
			for column := range columns[entry] {
				if _, there := cells[column]; !there && holes[column] == "" {
					t.Errorf("row %v has no %s, which others have", index, column)
				}
			}
			checkAgrees(t, index, cells)
		}
	}
}

// component is a part of an index, and what it stands for.
type component struct {
	object *Object
	value  snmp.Value
}

// ErrIndex is wrapped by the errors of SplitIndex.
var ErrIndex = errors.New("not an index of this table")

// SplitIndex reads index, of a row of column's table, as RFC 2578 section 7.7 says, into the values of its index objects.
func SplitIndex(column *Object, index oid.OID) ([]snmp.Value, error) {
	parts, err := split(column, index)
	if err != nil {
		return nil, err
	}
	var out []snmp.Value
	for _, c := range parts {
		out = append(out, c.value)
	}
	return out, nil
}

func split(column *Object, index oid.OID) ([]component, error) {
	var out []component
	for i, name := range column.Index {
		o, ok := Named(name)
		if !ok {
			return nil, fmt.Errorf("%w: %s is not known", ErrIndex, name)
		}
		v, n, err := o.readIndex(index, column.Implied && i == len(column.Index)-1)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrIndex, name, err)
		}
		out, index = append(out, component{o, v}), index.From(n)
	}
	if index.Len() != 0 {
		return nil, fmt.Errorf("%w: %d sub-identifiers too many", ErrIndex, index.Len())
	}
	return out, nil
}

var errShort = errors.New("it ends before")

// readIndex reads the n sub-identifiers of index that stand for a value of o.
func (o *Object) readIndex(index oid.OID, implied bool) (v snmp.Value, n int, err error) {
	if index.Len() == 0 && !implied {
		return v, 0, errShort
	}
	switch o.Kind() {
	case snmp.KindInteger:
		return snmp.Integer(int32(index.Arc(0))), 1, nil
	case snmp.KindGauge32:
		return snmp.Gauge32(index.Arc(0)), 1, nil
	case snmp.KindTimeTicks:
		return snmp.TimeTicks(index.Arc(0)), 1, nil
	case snmp.KindIPAddress:
		from := 0
		if o.TC == "NetworkAddress" { // RFC 1212 section 4.1.6: the choice's number goes first
			from = 1
		}
		s, err := octets(index, from, 4)
		if err != nil {
			return v, 0, err
		}
		return snmp.IPAddress(netip.AddrFrom4([4]byte([]byte(s)))), from + 4, nil
	}
	from, size := 0, 0
	switch {
	case implied:
		size = index.Len()
	case len(o.Ranges) == 1 && o.Ranges[0][0] == o.Ranges[0][1] && o.Kind() == snmp.KindOctetString:
		size = int(o.Ranges[0][0])
	default:
		from, size = 1, int(index.Arc(0))
	}
	if o.Kind() == snmp.KindOID {
		if from+size > index.Len() {
			return v, 0, errShort
		}
		return snmp.ObjectID(index.Slice(from, from+size)), from + size, nil
	}
	s, err := octets(index, from, size)
	return snmp.OctetString(s), from + size, err
}

// octets reads n sub-identifiers from position from on as octets.
func octets(index oid.OID, from, n int) (string, error) {
	if n > index.Len()-from {
		return "", errShort
	}
	b := make([]byte, n)
	for i := range b {
		a := index.Arc(from + i)
		if a > 255 {
			return "", fmt.Errorf("%d is no octet", a)
		}
		b[i] = byte(a)
	}
	return string(b), nil
}

func checkIndex(column *Object, index oid.OID) error {
	parts, err := split(column, index)
	if err != nil {
		return err
	}
	for _, c := range parts {
		if c.object.Kind() == snmp.KindOID { // a policy of 0 sub-identifiers or one is legal in an index
			continue
		}
		if err := c.object.Check(c.value); err != nil {
			return err
		}
	}
	return nil
}

// checkAgrees compares the index with those of its objects that are columns of the row.
func checkAgrees(t testing.TB, index oid.OID, cells map[string]snmp.Value) {
	t.Helper()
	for name := range cells {
		column, _ := Named(name)
		parts, err := split(column, index)
		if err != nil {
			return // told already
		}
		for _, c := range parts {
			if v, ok := cells[c.object.Name]; ok && v != c.value {
				t.Errorf("%s.%v is %s: the index says %s", c.object.Name, index, describe(v), describe(c.value))
			}
		}
		return
	}
}
