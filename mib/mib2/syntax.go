package mib2

import (
	"errors"
	"fmt"
	"strings"

	"walkabout/snmp"
)

// syntax is what values a writable object may have.
type syntax struct {
	kind     snmp.Kind
	min, max int64  // of a number, or of the octets of a DisplayString
	but      string // characters that it may not have
}

var onOrOff = syntax{kind: snmp.KindInteger, min: enabled, max: disabled}

// text is a DisplayString of up to size octets.
func text(size int64) syntax { return syntax{kind: snmp.KindOctetString, max: size} }

func (s syntax) without(characters string) syntax {
	s.but = characters
	return s
}

// check returns the error of RFC 3416 section 4.2.5 for a value of the wrong type or length, or one that can never be.
func (s syntax) check(v snmp.Value) (snmp.ErrorStatus, error) {
	if v.Kind() != s.kind {
		return snmp.WrongType, fmt.Errorf("it is of type %v, not %v", s.kind, v.Kind())
	}
	if s.kind == snmp.KindInteger {
		if n := v.Int(); n < s.min || n > s.max {
			return snmp.WrongValue, fmt.Errorf("%d is not one of %d to %d", n, s.min, s.max)
		}
		return snmp.NoError, nil
	}
	octets := v.Octets()
	if int64(len(octets)) > s.max {
		return snmp.WrongLength, fmt.Errorf("%d octets, at most %d are allowed", len(octets), s.max)
	}
	if !isDisplayString(octets) || s.but != "" && strings.ContainsAny(octets, s.but) {
		return snmp.WrongValue, errors.New("a DisplayString has ASCII characters alone")
	}
	return snmp.NoError, nil
}

// isDisplayString reports whether s has the characters of a DisplayString (RFC 2579): printable ASCII, and NUL, BEL, BS, HT, LF, VT, FF
// and CR, of which the last stands before an LF or a NUL alone.
func isDisplayString(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\r':
			if i+1 == len(s) || s[i+1] != '\n' && s[i+1] != 0 {
				return false
			}
		case c >= ' ' && c <= '~', c == 0, c >= '\a' && c <= '\f':
		default:
			return false
		}
	}
	return true
}
