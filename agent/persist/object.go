package persist

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The letters that stand for the type of a value are snmpset's.
const (
	integerType = "i"
	gaugeType   = "u"
	ticksType   = "t"
	addressType = "a"
	oidType     = "o"
	textType    = "s" // printable ASCII between quotes
	hexType     = "x" // any other octets
)

// appendObject appends vb as the rest of a line: NAME TYPE VALUE.
func appendObject(dst []byte, vb snmp.VarBind) ([]byte, error) {
	letter, text := "", vb.Value.String()
	switch vb.Value.Kind() {
	case snmp.KindInteger:
		letter = integerType
	case snmp.KindGauge32:
		letter = gaugeType
	case snmp.KindTimeTicks:
		letter = ticksType
	case snmp.KindIPAddress:
		letter = addressType
	case snmp.KindOID:
		letter = oidType
	case snmp.KindOctetString:
		octets := vb.Value.Octets()
		letter, text = hexType, "0x"+hex.EncodeToString([]byte(octets))
		if plain(octets) {
			letter, text = textType, `"`+octets+`"`
		}
	default:
		return nil, fmt.Errorf("%v of type %v: %w", vb.Name, vb.Value.Kind(), ErrNotKept)
	}
	return fmt.Appendf(vb.Name.AppendText(dst), " %s %s", letter, text), nil
}

// plain reports whether s is printable ASCII that needs no escape between quotes.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' {
			return false
		}
	}
	return true
}

// parseObject reads what appendObject writes; false if it is something else.
func parseObject(line string) (vb snmp.VarBind, ok bool) {
	name, rest, _ := strings.Cut(line, " ")
	letter, text, _ := strings.Cut(rest, " ")
	var err error
	if vb.Name, err = oid.Parse(name); err != nil || vb.Name.IsEmpty() {
		return vb, false
	}
	vb.Value, err = parseValue(letter, text)
	return vb, err == nil
}

func parseValue(letter, text string) (snmp.Value, error) {
	switch letter {
	case integerType:
		n, err := strconv.ParseInt(text, 10, 32)
		return snmp.Integer(int32(n)), err
	case gaugeType:
		n, err := strconv.ParseUint(text, 10, 32)
		return snmp.Gauge32(uint32(n)), err
	case ticksType:
		n, err := strconv.ParseUint(text, 10, 32)
		return snmp.TimeTicks(uint32(n)), err
	case addressType:
		a, err := netip.ParseAddr(text)
		if err == nil && !a.Is4() {
			err = ErrCorrupt
		}
		return snmp.IPAddress(a), err
	case oidType:
		o, err := oid.Parse(text)
		return snmp.ObjectID(o), err
	case hexType:
		octets, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
		return snmp.OctetString(string(octets)), err
	case textType:
		if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' && plain(text[1:n-1]) {
			return snmp.OctetString(text[1 : n-1]), nil
		}
	}
	return snmp.Value{}, ErrCorrupt
}
