package extend

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// parseAnswer reads the three lines of the protocol: a name, a type, a value.
func parseAnswer(lines []string) (snmp.VarBind, error) {
	if len(lines) < 3 {
		return snmp.VarBind{}, fmt.Errorf("%w: it has %d lines in place of 3", errNoAnswer, len(lines))
	}
	name, err := oid.Parse(strings.TrimSpace(lines[0]))
	if err != nil {
		return snmp.VarBind{}, fmt.Errorf("%w: its name: %w", errNoAnswer, err)
	}
	value, err := parseValue(strings.ToLower(strings.TrimSpace(lines[1])), lines[2])
	if err != nil {
		return snmp.VarBind{}, fmt.Errorf("%w: the value of %v: %w", errNoAnswer, name, err)
	}
	return snmp.VarBind{Name: name, Value: value}, nil
}

// parseValue reads a value of the types of snmpd.conf(5), and of counter64, unsigned and gauge64's kin as Net-SNMP's agent has learnt them since.
func parseValue(kind, text string) (snmp.Value, error) {
	word := strings.TrimSpace(text)
	unsigned := func(bits int, of func(n uint64) snmp.Value) (snmp.Value, error) {
		n, err := strconv.ParseUint(word, 10, bits)
		return of(n), err
	}
	switch kind {
	case "string":
		return snmp.OctetString(text), nil
	case "integer":
		n, err := strconv.ParseInt(word, 10, 32)
		return snmp.Integer(int32(n)), err
	case "unsigned", "gauge":
		return unsigned(32, func(n uint64) snmp.Value { return snmp.Gauge32(uint32(n)) })
	case "counter":
		return unsigned(32, func(n uint64) snmp.Value { return snmp.Counter32(uint32(n)) })
	case "timeticks":
		return unsigned(32, func(n uint64) snmp.Value { return snmp.TimeTicks(uint32(n)) })
	case "counter64":
		return unsigned(64, snmp.Counter64)
	case "ipaddress":
		a, err := netip.ParseAddr(word)
		if err == nil && !a.Is4() {
			err = fmt.Errorf("%s is no IPv4 address", word)
		}
		if err != nil {
			return snmp.Value{}, err
		}
		return snmp.IPAddress(a), nil
	case "objectid":
		o, err := oid.Parse(word)
		if err == nil && !o.IsEncodable() {
			err = fmt.Errorf("no message can hold %v", o)
		}
		return snmp.ObjectID(o), err
	case "octet", "octets":
		b, err := hex.DecodeString(strings.Join(strings.Fields(word), ""))
		return snmp.OctetString(string(b)), err
	case "opaque":
		b, err := hex.DecodeString(strings.Join(strings.Fields(word), ""))
		return snmp.Opaque(string(b)), err
	}
	return snmp.Value{}, fmt.Errorf("its type %q is not known", kind)
}

// formatValue writes a value for a program: its type and text. It is false for what the protocol cannot say.
func formatValue(v snmp.Value) (kind, text string, ok bool) {
	switch v.Kind() {
	case snmp.KindInteger:
		return "integer", strconv.FormatInt(v.Int(), 10), true
	case snmp.KindGauge32:
		return "gauge", v.String(), true
	case snmp.KindCounter32:
		return "counter", v.String(), true
	case snmp.KindCounter64:
		return "counter64", v.String(), true
	case snmp.KindTimeTicks:
		return "timeticks", v.String(), true
	case snmp.KindIPAddress:
		return "ipaddress", v.String(), true
	case snmp.KindOID:
		return "objectid", "." + v.String(), true
	case snmp.KindOctetString:
		if s := v.Octets(); isLine(s) {
			return "string", `"` + s + `"`, true
		}
		return "octet", fmt.Sprintf("\"% x\"", v.Octets()), true
	}
	return "", "", false
}

// isLine reports whether s is printable ASCII without quotes: what stands in a line as it is.
func isLine(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
