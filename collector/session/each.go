package session

import (
	"errors"
	"fmt"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// each asks a GET or GETNEXT, which has one answer a name. Where the agent says noSuchName (RFC 1157 section 4.1.2) the name
// gets missing for an answer and the others are asked again. request appends what one request of names was answered.
func each(dst []snmp.VarBind, names []oid.OID, missing snmp.Value,
	request func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error),
) ([]snmp.VarBind, error) {
	start := len(dst)
	all, err := ask(dst, names, request)
	var re *ResponseError
	if err == nil || !errors.As(err, &re) || re.Status != snmp.NoSuchName || re.Index < 1 || re.Index > len(names) {
		return all, err
	}
	rest := make([]int, len(names)) // positions in names that are still to be answered
	for i, name := range names {
		dst = append(dst, snmp.VarBind{Name: name, Value: missing})
		rest[i] = i
	}
	for {
		rest = append(rest[:re.Index-1], rest[re.Index:]...)
		if len(rest) == 0 {
			return dst, nil
		}
		asked := make([]oid.OID, len(rest))
		for i, at := range rest {
			asked[i] = names[at]
		}
		vbs, err := ask(nil, asked, request)
		if errors.As(err, &re) && re.Status == snmp.NoSuchName && re.Index >= 1 && re.Index <= len(rest) {
			continue
		}
		if err != nil {
			return dst[:start], err
		}
		for i, at := range rest {
			dst[start+at] = vbs[i]
		}
		return dst, nil
	}
}

// ask is request with as many answers as names, or an error.
func ask(dst []snmp.VarBind, names []oid.OID, request func([]snmp.VarBind, []oid.OID) ([]snmp.VarBind, error)) ([]snmp.VarBind, error) {
	start := len(dst)
	dst, err := request(dst, names)
	if err != nil {
		return dst[:start], err
	}
	if n := len(dst) - start; n != len(names) {
		return dst[:start], fmt.Errorf("%w: %d variables where %d were asked for", ErrMalformed, n, len(names))
	}
	return dst, nil
}

// repeated checks that a GETBULK was answered with no more than it asked for.
func repeated(got, nonRepeaters, names, max int) error {
	if most := nonRepeaters + (names-nonRepeaters)*max; got > most {
		return fmt.Errorf("%w: %d variables where at most %d were asked for", ErrMalformed, got, most)
	}
	return nil
}
