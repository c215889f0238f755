package mibtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Object is what a module says of one of its object types.
type Object struct {
	Name    string           `json:"name"`
	Module  string           `json:"module"`
	OID     string           `json:"oid"`
	Group   string           `json:"group"`   // the table of a column, else the node that it hangs below
	Syntax  string           `json:"syntax"`  // Integer32, OCTET STRING, Counter64, BITS, …; INTEGER where it has an enumeration
	TC      string           `json:"tc"`      // the textual convention
	Ranges  [][2]int64       `json:"ranges"`  // of the number, or of the count of octets; none is all that the syntax allows
	Enum    map[string]int64 `json:"enum"`    // or the numbers of the bits
	Access  string           `json:"access"`  // MAX-ACCESS
	Index   []string         `json:"index"`   // of a column's row: the names of objects
	Implied bool             `json:"implied"` // the last of Index has no length in front
	Status  string           `json:"status"`  // "" is current or mandatory
}

//go:embed objects.json
var objectsJSON []byte // written by tools/mibobjects

// objects are those of the modules by their OIDs, and by their names.
var objects = sync.OnceValues(func() (byOID map[oid.OID]*Object, byName map[string]*Object) {
	var list []*Object
	if err := json.Unmarshal(objectsJSON, &list); err != nil {
		panic("objects.json: " + err.Error()) // it is a part of this program
	}
	byOID, byName = make(map[oid.OID]*Object, len(list)), make(map[string]*Object, len(list))
	for _, o := range list {
		byOID[oid.MustParse(o.OID)], byName[o.Name] = o, o
	}
	return byOID, byName
})

// Find returns the object that the instance called name is of, and its index; false if the modules have none.
func Find(name oid.OID) (o *Object, index oid.OID, ok bool) {
	byOID, _ := objects()
	for n := name.Len() - 1; n > 0; n-- {
		if o, ok := byOID[name.Slice(0, n)]; ok {
			return o, name.From(n), true
		}
	}
	return nil, oid.OID{}, false
}

// Named returns the object of a descriptor; false if the modules have none.
func Named(descriptor string) (*Object, bool) {
	_, byName := objects()
	o, ok := byName[descriptor]
	return o, ok
}

// Below returns the objects below root that can be read, in the order of their OIDs.
func Below(root oid.OID) []*Object {
	byOID, _ := objects()
	var out []*Object
	for _, name := range slices.SortedFunc(maps.Keys(byOID), oid.OID.Compare) {
		if name.HasPrefix(root) && byOID[name].readable() {
			out = append(out, byOID[name])
		}
	}
	return out
}

func (o *Object) readable() bool {
	return o.Access != "not-accessible" && o.Access != "accessible-for-notify"
}

// Writable reports whether the module lets o be written.
func (o *Object) Writable() bool { return o.Access == "read-write" || o.Access == "read-create" }

// kinds are the types on the wire (RFC 2578 section 7.1).
var kinds = map[string]snmp.Kind{
	"Integer32": snmp.KindInteger, "INTEGER": snmp.KindInteger, "Unsigned32": snmp.KindGauge32, "Gauge32": snmp.KindGauge32, "Counter32": snmp.KindCounter32,
	"Counter64": snmp.KindCounter64, "TimeTicks": snmp.KindTimeTicks, "IpAddress": snmp.KindIPAddress, "OCTET STRING": snmp.KindOctetString,
	"OBJECT IDENTIFIER": snmp.KindOID, "BITS": snmp.KindOctetString, "Opaque": snmp.KindOpaque,
}

// Kind returns the type that values of o have on the wire.
func (o *Object) Kind() snmp.Kind { return kinds[o.Syntax] }

// Check says what is wrong with v as a value of o: its type, its range, or that its enumeration does not have it.
func (o *Object) Check(v snmp.Value) error {
	if v.Kind() != o.Kind() {
		return fmt.Errorf("it is a %v, and %s is %s", v.Kind(), o.Name, o.Syntax)
	}
	number, what := int64(0), "the value"
	switch {
	case o.Syntax == "BITS":
		return o.checkBits(v.Octets())
	case o.TC == "Float" && o.Syntax == "Opaque":
		if s := v.Octets(); len(s) != 7 || s[:3] != "\x9f\x78\x04" {
			return fmt.Errorf("%x is no float in an Opaque", s)
		}
		return nil
	case v.IsNumber() && v.Kind() != snmp.KindCounter64:
		number = v.Int()
	case v.Kind() == snmp.KindOctetString:
		number, what = int64(len(v.Octets())), "the length"
	default:
		return nil
	}
	if len(o.Enum) > 0 {
		for _, n := range o.Enum {
			if n == number {
				return nil
			}
		}
		return fmt.Errorf("%s has no value %d", o.Name, number)
	}
	if len(o.Ranges) > 0 && !slices.ContainsFunc(o.Ranges, func(r [2]int64) bool { return r[0] <= number && number <= r[1] }) {
		return fmt.Errorf("%s %d is outside of %s's %v", what, number, o.Name, o.Ranges)
	}
	return nil
}

// checkBits finds bits that are set and have no name.
func (o *Object) checkBits(octets string) error {
	for i := range len(octets) * 8 {
		if octets[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		if !slices.Contains(slices.Collect(maps.Values(o.Enum)), int64(i)) {
			return fmt.Errorf("%s has no bit %d", o.Name, i)
		}
	}
	return nil
}
