package engine

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// syntax is what values an object may have at all.
type syntax struct {
	kind     snmp.Kind
	min, max int64                   // of a number, or of the octets of a string
	valid    func(v snmp.Value) bool // and what else; nil is nothing
}

func integer(least, most int64) syntax {
	return syntax{kind: snmp.KindInteger, min: least, max: most}
}

func octets(least, most int64) syntax {
	return syntax{kind: snmp.KindOctetString, min: least, max: most}
}

func pointer(valid func(v snmp.Value) bool) syntax { return syntax{kind: snmp.KindOID, valid: valid} }

// adminString is an SnmpAdminString (RFC 3411): UTF-8.
func adminString(least, most int64) syntax {
	return syntax{kind: snmp.KindOctetString, min: least, max: most, valid: func(v snmp.Value) bool { return utf8.ValidString(v.Octets()) }}
}

var (
	anyInteger  = integer(0, math.MaxInt32)
	testAndIncr = integer(0, math.MaxInt32) // RFC 2579
	// rowStatus lets pass what a manager may ask for: notReady(3) is never.
	rowStatus = syntax{kind: snmp.KindInteger, min: active, max: destroy, valid: func(v snmp.Value) bool { return v.Int() != notReady }}
	// storageType lets pass what a manager may ask for: permanent(4) and readOnly(5) are what the configuration says, other(1) is nothing
	// here.
	storageType = integer(volatile, nonVolatile)
	tagValue    = syntax{kind: snmp.KindOctetString, max: 255, valid: func(v snmp.Value) bool { return !strings.ContainsAny(v.Octets(), delimiters) }}
	tagList     = syntax{kind: snmp.KindOctetString, max: 255, valid: func(v snmp.Value) bool { return isTagList(v.Octets()) }}
	engineID    = syntax{kind: snmp.KindOctetString, min: 5, max: 32, valid: func(v snmp.Value) bool { return isEngineID(v.Octets()) }}
)

// delimiters stand between the tags of an SnmpTagList (RFC 3413).
const delimiters = " \t\r\n"

// isTagList reports whether one delimiter stands between tags and none elsewhere.
func isTagList(s string) bool {
	if s == "" {
		return true
	}
	start := 0
	for i := range len(s) + 1 {
		if i < len(s) && !strings.Contains(delimiters, s[i:i+1]) {
			continue
		}
		if i == start {
			return false
		}
		start = i + 1
	}
	return true
}

// isEngineID is the rest of SnmpEngineID (RFC 3411): not all zeros, nor all 'ff'H.
func isEngineID(s string) bool {
	return strings.Count(s, "\x00") < len(s) && strings.Count(s, string([]byte{0xff})) < len(s)
}

// check returns the error of RFC 3416 section 4.2.5 for a value of the wrong type or length, or one that can never be.
func (s syntax) check(v snmp.Value) (snmp.ErrorStatus, error) {
	if v.Kind() != s.kind {
		return snmp.WrongType, fmt.Errorf("it is of type %v, not %v", s.kind, v.Kind())
	}
	switch s.kind {
	case snmp.KindInteger:
		if n := v.Int(); n < s.min || n > s.max {
			return snmp.WrongValue, fmt.Errorf("%d is not one of %d to %d", n, s.min, s.max)
		}
	case snmp.KindOctetString:
		if n := int64(len(v.Octets())); n < s.min || n > s.max {
			return snmp.WrongLength, fmt.Errorf("%d octets, it has %d to %d", n, s.min, s.max)
		}
	}
	if s.valid != nil && !s.valid(v) {
		return snmp.WrongValue, errors.New("a value that it can never have")
	}
	return snmp.NoError, nil
}

// key is the syntax of the parts of an index, in their order. Each takes its sub-identifiers off o, and reports whether they are legal.
type key []func(o oid.OID) (value snmp.Value, rest oid.OID, ok bool)

// parse returns the values of an index; false if o is none.
func (k key) parse(o oid.OID) ([]snmp.Value, bool) {
	var values []snmp.Value
	for _, part := range k {
		v, rest, ok := part(o)
		if !ok {
			return nil, false
		}
		values, o = append(values, v), rest
	}
	return values, o.IsEmpty()
}

// number is a part that is a number.
func number(s syntax) func(oid.OID) (snmp.Value, oid.OID, bool) {
	return func(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) {
		if o.IsEmpty() || o.Arc(0) > math.MaxInt32 {
			return v, o, false
		}
		v = snmp.Integer(int32(o.Arc(0)))
		_, err := s.check(v)
		return v, o.From(1), err == nil
	}
}

// counted is a part that is a string, with its length before it.
func counted(s syntax) func(oid.OID) (snmp.Value, oid.OID, bool) {
	return func(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) {
		if o.IsEmpty() || uint64(o.Arc(0)) > uint64(o.Len()-1) {
			return v, o, false
		}
		n := int(o.Arc(0)) + 1
		v, ok = text(s, o.Slice(1, n))
		return v, o.From(n), ok
	}
}

// implied is a last part that is a string without its length.
func implied(s syntax) func(oid.OID) (snmp.Value, oid.OID, bool) {
	return func(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) {
		v, ok = text(s, o)
		return v, oid.OID{}, ok
	}
}

// text returns a string of one octet a sub-identifier.
func text(s syntax, o oid.OID) (snmp.Value, bool) {
	b := make([]byte, o.Len())
	for i := range b {
		if o.Arc(i) > math.MaxUint8 {
			return snmp.Value{}, false
		}
		b[i] = byte(o.Arc(i))
	}
	v := snmp.OctetString(string(b))
	_, err := s.check(v)
	return v, err == nil
}

// countedOID is a part that is an OID, with its length before it.
func countedOID(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) {
	if o.IsEmpty() || uint64(o.Arc(0)) > uint64(o.Len()-1) {
		return v, o, false
	}
	n := int(o.Arc(0)) + 1
	return snmp.ObjectID(o.Slice(1, n)), o.From(n), true
}

// impliedOID is a last part that is an OID without its length.
func impliedOID(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) {
	return snmp.ObjectID(o), oid.OID{}, !o.IsEmpty()
}

// appendText returns o with s behind it, one octet a sub-identifier; appendCounted with its length before it.
func appendText(o oid.OID, s string) oid.OID {
	arcs := make([]uint32, len(s))
	for i := range len(s) {
		arcs[i] = uint32(s[i])
	}
	return o.Append(arcs...)
}

func appendCounted(o oid.OID, s string) oid.OID { return appendText(o.Append(uint32(len(s))), s) }
