package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// ErrNoObjects is of a recording in which nothing is recorded.
var ErrNoObjects = errors.New("no object is recorded")

// ErrVariation is of a recording that names one of snmpsim's variation modules that there is none of here.
var ErrVariation = errors.New("of snmpsim's variation modules there are numeric, delay, error, notification and writecache: write the tag alone, and let counters grow by --rate")

// LineError says which line of a recording is wrong; it counts from 1.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// ReadSNMPRec reads a recording of snmpsim: lines of OID|TAG|VALUE. The tag is that of BER in decimal; "x" behind it says that the value is in
// hexadecimal, "e" that it has escapes (\n, \x00, …). Behind a ":" it names a variation module, whose options the value is: numeric, delay, error;
// notification and writecache, which are played as their value, since nothing is sent and nothing can be written; any other is ErrVariation. What else cannot
// be read is left out, as recordings are made public with values struck out: Recording.Skipped tells. If nothing is left the first of these is the
// error.
func ReadSNMPRec(text string) (*Recording, error) {
	var objects []snmp.VarBind
	var skipped []*LineError
	varied := map[oid.OID]variation{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		vb, v, err := parseRecord(line)
		switch {
		case errors.Is(err, ErrVariation):
			return nil, &LineError{number, err}
		case errors.Is(err, errAbsent):
			continue
		case err != nil:
			skipped = append(skipped, &LineError{number, err})
			continue
		}
		if vb.Value.IsException() { // what was not there
			continue
		}
		objects = append(objects, vb)
		delete(varied, vb.Name)
		if v != (variation{}) {
			varied[vb.Name] = v
		}
	}
	switch {
	case len(objects) == 0 && len(skipped) > 0:
		return nil, skipped[0]
	case len(objects) == 0:
		return nil, ErrNoObjects
	}
	r := NewRecording(objects)
	r.skipped, r.varied = skipped, varied
	return r, nil
}

func parseRecord(line string) (vb snmp.VarBind, v variation, err error) {
	parts := strings.SplitN(line, "|", 3)
	if len(parts) != 3 {
		return vb, v, errors.New("not of the form OID|TAG|VALUE")
	}
	if vb.Name, err = oid.Parse(strings.TrimSpace(parts[0])); err != nil || vb.Name.IsEmpty() {
		return vb, v, fmt.Errorf("%q is no OID", parts[0])
	}
	tag := strings.TrimSpace(parts[1])
	value := parts[2]
	tag, module, varies := strings.Cut(tag, ":")
	digits := strings.TrimRight(tag, "xe")
	if varies {
		if !variations[module] {
			return vb, v, fmt.Errorf("%q: %w", module, ErrVariation)
		}
		tag = digits // these have hexvalue instead of "x"
	}
	switch tag[len(digits):] {
	case "":
	case "x":
		octets, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(value), "0x"))
		if err != nil {
			return vb, v, fmt.Errorf("%q is not hexadecimal", clip(value))
		}
		value = string(octets)
	case "e":
		if value, err = unescape(value); err != nil {
			return vb, v, err
		}
	default:
		return vb, v, fmt.Errorf("unknown tag %q", tag)
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil {
		return vb, v, fmt.Errorf("unknown tag %q", tag)
	}
	if varies {
		v, vb.Value, err = newVariation(module, snmp.Kind(n), value)
		return vb, v, err
	}
	vb.Value, err = recorded(snmp.Kind(n), value, len(digits) < len(tag))
	return vb, v, err
}

// unescape reads backslashes as Python does within quotes.
func unescape(s string) (string, error) {
	quoted := `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\'`, `'`), `"`, `\"`) + `"`
	out, err := strconv.Unquote(strings.ReplaceAll(quoted, `\\"`, `\"`))
	if err != nil {
		return "", fmt.Errorf("%q has an escape that is none", clip(s))
	}
	return out, nil
}

// recorded returns a value of kind k. octets says that text is the octets themselves.
func recorded(k snmp.Kind, text string, octets bool) (v snmp.Value, err error) {
	switch k {
	case snmp.KindOctetString:
		return snmp.OctetString(text), nil
	case snmp.KindOpaque:
		return snmp.Opaque(text), nil
	case snmp.KindIPAddress:
		if octets || len(text) == 4 && !strings.Contains(text, ".") {
			if len(text) != 4 {
				return v, fmt.Errorf("an IpAddress of %d octets", len(text))
			}
			return snmp.IPAddress(netip.AddrFrom4([4]byte([]byte(text)))), nil
		}
	}
	if octets {
		return v, fmt.Errorf("a %v is written in digits", k)
	}
	return plainValue(k, strings.TrimSpace(text))
}

// plainValue returns a value of kind k that is written as people write it.
func plainValue(k snmp.Kind, text string) (v snmp.Value, err error) {
	var n uint64
	switch k {
	case snmp.KindInteger:
		var i int64
		i, err = strconv.ParseInt(text, 10, 32)
		v = snmp.Integer(int32(i))
	case snmp.KindCounter32:
		n, err = strconv.ParseUint(text, 10, 32)
		v = snmp.Counter32(uint32(n))
	case snmp.KindGauge32:
		n, err = strconv.ParseUint(text, 10, 32)
		v = snmp.Gauge32(uint32(n))
	case snmp.KindTimeTicks:
		n, err = strconv.ParseUint(text, 10, 32)
		v = snmp.TimeTicks(uint32(n))
	case snmp.KindCounter64:
		n, err = strconv.ParseUint(text, 10, 64)
		v = snmp.Counter64(n)
	case snmp.KindOID:
		var o oid.OID
		o, err = oid.Parse(text)
		v = snmp.ObjectID(o)
	case snmp.KindIPAddress:
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err == nil && !a.Is4() {
			err = errors.New("not of IPv4")
		}
		v = snmp.IPAddress(a)
	case snmp.KindNull:
		return snmp.Null, nil
	case snmp.KindNoSuchObject, snmp.KindNoSuchInstance, snmp.KindEndOfMibView:
		return snmp.NoSuchObject, nil
	default:
		return v, fmt.Errorf("unknown tag %d", uint8(k))
	}
	if err != nil {
		return v, fmt.Errorf("%q is no %v", clip(text), k)
	}
	return v, nil
}

// clip shortens what a message quotes.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
