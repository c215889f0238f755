package snmpdconf

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Override is an object whose value a line gives, whatever else would serve it.
type Override struct {
	Name     oid.OID
	Value    snmp.Value // Null hides the object
	Writable bool       // by SET, which changes nothing but what is answered
}

// MaxOverrides bounds the override lines of all files: each cuts the tree of objects twice.
const MaxOverrides = 1000

// override reads [-rw] OID TYPE [VALUE].
func (p *parser) override(name, value string) {
	w, ok := p.split(name, value, "[-rw] OID TYPE VALUE", 2, 0)
	if !ok {
		return
	}
	var o Override
	if o.Writable = w[0] == "-rw"; o.Writable {
		w = w[1:]
	}
	if len(w) < 2 {
		p.errorf("%s: it is written [-rw] OID TYPE VALUE", name)
		return
	}
	if o.Name, ok = parseOID(w[0]); !ok || o.Name.Len() < 2 || o.Name.Len() > oid.MaxLen {
		p.errorf("%s: %s is no numeric OID, such as .1.3.6.1.2.1.1.1.0 (or a well-known name, such as sysDescr.0)", name, clip(w[0]))
		return
	}
	if o.Value, ok = p.overrideValue(name, w[1:]); !ok {
		return
	}
	if len(p.config.Overrides) == MaxOverrides {
		p.errorf("%s: more than %d", name, MaxOverrides)
		return
	}
	p.config.Overrides = append(p.config.Overrides, o)
}

// overrideValue reads TYPE VALUE; false after an error.
func (p *parser) overrideValue(name string, w []string) (v snmp.Value, ok bool) {
	kind := strings.ToLower(w[0])
	if kind == "null" {
		return snmp.Null, true
	}
	if len(w) == 1 {
		p.errorf("%s: there is no value", name)
		return v, false
	}
	if len(w) > 2 && !strings.HasPrefix(w[2], "#") {
		p.warnf("%s: only the first word is taken for the value: one with spaces needs quotes", name)
	}
	v, known, ok := parseValue(kind, w[1])
	switch {
	case !known:
		p.errorf("%s: the type %s is none of integer, uinteger, octet_str, object_id, counter, counter64, timeticks, ipaddress and null", name, clip(w[0]))
	case !ok:
		p.errorf("%s: %s is no %s", name, clip(w[1]), kind)
	}
	return v, known && ok
}

// parseValue reads a value of a type that override names; known is whether there is such a type.
func parseValue(kind, s string) (v snmp.Value, known, ok bool) {
	switch kind {
	case "integer":
		n, err := strconv.ParseInt(s, 0, 32)
		return snmp.Integer(int32(n)), true, err == nil
	case "uinteger", "unsigned", "counter", "timeticks":
		n, err := strconv.ParseUint(s, 0, 32)
		v = snmp.Gauge32(uint32(n))
		switch kind {
		case "counter":
			v = snmp.Counter32(uint32(n))
		case "timeticks":
			v = snmp.TimeTicks(uint32(n))
		}
		return v, true, err == nil
	case "counter64":
		n, err := strconv.ParseUint(s, 0, 64)
		return snmp.Counter64(n), true, err == nil
	case "ipaddress":
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return v, true, false
		}
		return snmp.IPAddress(a), true, true
	case "object_id":
		o, ok := parseOID(s)
		if !ok || o.Len() < 2 || o.Arc(0) > 2 || o.Arc(0) < 2 && o.Arc(1) > 39 { // X.660: others cannot be encoded
			return v, true, false
		}
		return snmp.ObjectID(o), true, true
	case "octet_str":
		if digits, isHex := strings.CutPrefix(s, "0x"); isHex {
			octets, err := hex.DecodeString(digits)
			return snmp.OctetString(string(octets)), true, err == nil
		}
		return snmp.OctetString(s), true, true
	}
	return v, false, false
}
