// Package smi knows what MIB modules say of objects (RFC 2578 to 2580): their names, OIDs and syntax, and with that how their values read to a
// person. BuiltIn is a table of what the usual modules say, which needs no MIB file; package mibfile reads others.
package smi

import "walkabout/snmp/oid"

// Kind is what an OID is registered for.
type Kind uint8

// The kinds. A Node is anything that has a name and no value: a group, a module, an identity.
const (
	Node Kind = iota
	Scalar
	Table
	Row
	Column
	Notification
)

var kindNames = [...]string{"node", "scalar", "table", "row", "column", "notification"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Object is one definition of a module.
type Object struct {
	Module string // "IF-MIB"
	Name   string // the descriptor, "ifHCInOctets"
	OID    oid.OID
	Kind   Kind
	Syntax Syntax      // of scalars and columns
	Index  []IndexPart // of rows; a row that augments another has that one's
	Refs   []string    // of notifications: the names of their objects
}

// String returns the name as people write it, "IF-MIB::ifHCInOctets".
func (o Object) String() string { return o.Module + "::" + o.Name }

// HasValue reports whether o is a scalar or a column.
func (o Object) HasValue() bool { return o.Kind == Scalar || o.Kind == Column }

// IndexPart is one object of an INDEX clause (RFC 2578 section 7.7).
type IndexPart struct {
	Name    string
	Syntax  Syntax
	Implied bool // no length stands before a string or OID, which is then the last
}

// Base is one of SMIv2's types.
type Base uint8

// The types. Gauge32 and Unsigned32 are one, and so are INTEGER and Integer32. An object without a value has None.
const (
	None Base = iota
	Integer
	Unsigned
	Counter32
	Counter64
	TimeTicks
	OctetString
	ObjectIdentifier
	IPAddress
	Opaque
	Bits
)

var baseNames = [...]string{"NONE", "INTEGER", "Unsigned32", "Counter32", "Counter64", "TimeTicks", "OCTETS", "OID", "IpAddress", "Opaque", "BITS"}

func (b Base) String() string {
	if int(b) < len(baseNames) {
		return baseNames[b]
	}
	return "unknown"
}

// Syntax is the type of an object's values.
type Syntax struct {
	Base       Base
	Convention string  // the TEXTUAL-CONVENTION, such as "DateAndTime"; "" for none
	Hint       string  // its DISPLAY-HINT
	Labels     []Label // the named numbers of an enumeration, the named bits of Bits
	Size       int     // octets of a string that always has as many; 0 for others
}

// Label is a named number, or a named bit.
type Label struct {
	Number int64
	Name   string
}

// Label returns the name of number, and whether it has one.
func (s *Syntax) Label(number int64) (string, bool) {
	for _, l := range s.Labels {
		if l.Number == number {
			return l.Name, true
		}
	}
	return "", false
}

// Number returns the number that is called name.
func (s *Syntax) Number(name string) (int64, bool) {
	for _, l := range s.Labels {
		if l.Name == name {
			return l.Number, true
		}
	}
	return 0, false
}
