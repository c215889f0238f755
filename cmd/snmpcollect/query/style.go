package query

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Style is how variables are written. The zero Style is Net-SNMP's: "IF-MIB::ifOperStatus.1 = INTEGER: up(1)".
type Style struct {
	Numeric bool // OIDs in digits: ".1.3.6.1…"
	Short   bool // names without their module
	Enum    bool // enumerations as numbers
	Quick   bool // "NAME VALUE"
	Value   bool // the value only
	JSON    bool // an object a line
}

// ParseStyle reads the letters of Net-SNMP's option -O: n, s, e, q, v.
func ParseStyle(letters string) (Style, error) {
	var s Style
	for _, l := range letters {
		switch l {
		case 'n':
			s.Numeric = true
		case 's':
			s.Short = true
		case 'e':
			s.Enum = true
		case 'q':
			s.Quick = true
		case 'v':
			s.Value = true
		default:
			return s, fmt.Errorf("-O %s: %q is not known; known are n (numeric OIDs), s (names without module), e (numeric enumerations), q (no types), v (values only)", letters, l)
		}
	}
	return s, nil
}

// name writes an OID.
func (s Style) name(names smi.Resolver, o oid.OID) string {
	if s.Numeric {
		return "." + o.String()
	}
	text := smi.Format(names, o)
	if s.Short {
		if _, short, ok := strings.Cut(text, "::"); ok {
			return short
		}
	}
	return text
}

// typeNames are the types as Net-SNMP writes them, where they are not the SMI's.
var typeNames = map[snmp.Kind]string{
	snmp.KindOctetString: "STRING", snmp.KindOID: "OID", snmp.KindTimeTicks: "Timeticks",
}

var exceptions = map[snmp.Kind]string{
	snmp.KindNoSuchObject:   "No Such Object available on this agent at this OID",
	snmp.KindNoSuchInstance: "No Such Instance currently exists at this OID",
	snmp.KindEndOfMibView:   "No more variables left in this MIB View (It is past the end of the MIB tree)",
}

// value writes v, a value of object, and its type; the type is "" for an exception.
func (s Style) value(names smi.Resolver, object smi.Object, v snmp.Value) (kind, text string) {
	if text, ok := exceptions[v.Kind()]; ok {
		return "", text
	}
	kind = typeNames[v.Kind()]
	if kind == "" {
		kind = v.Kind().String()
	}
	switch v.Kind() {
	case snmp.KindTimeTicks:
		if s.Quick || s.Value {
			return kind, uptime(v.Uint())
		}
		return kind, fmt.Sprintf("(%d) %s", v.Uint(), uptime(v.Uint()))
	case snmp.KindOID:
		return kind, s.name(names, v.OID())
	case snmp.KindInteger:
		if label, ok := object.Syntax.Label(v.Int()); ok {
			if s.Enum {
				return kind, fmt.Sprint(v.Int())
			}
			if s.Quick || s.Value {
				return kind, label
			}
			return kind, fmt.Sprintf("%s(%d)", label, v.Int())
		}
	}
	return kind, safe(smi.Text(names, object, v))
}

// uptime writes hundredths of a second as days, hours, minutes and seconds.
func uptime(ticks uint64) string {
	d := time.Duration(ticks) * 10 * time.Millisecond
	days := ""
	switch n := d / (24 * time.Hour); n {
	case 0:
	case 1:
		days = "1 day, "
	default:
		days = fmt.Sprintf("%d days, ", n)
	}
	return fmt.Sprintf("%s%d:%02d:%02d.%02d", days, d/time.Hour%24, d/time.Minute%60, d/time.Second%60, ticks%100)
}

// safe keeps what a device says from moving the cursor: control characters are written as Go does.
func safe(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) || r == utf8.RuneError {
			q := fmt.Sprintf("%q", r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// write writes one variable.
func (q *Query) write(vb snmp.VarBind) error {
	object, _ := q.Names.Find(vb.Name)
	if q.Style.JSON {
		return q.writeJSON(object, vb)
	}
	kind, text := q.Style.value(q.Names, object, vb.Value)
	line := text
	switch {
	case q.Style.Value:
	case q.Style.Quick:
		line = q.Style.name(q.Names, vb.Name) + " " + text
	case kind == "":
		line = q.Style.name(q.Names, vb.Name) + " = " + text
	default:
		line = q.Style.name(q.Names, vb.Name) + " = " + kind + ": " + text
	}
	_, err := fmt.Fprintln(q.Out, line)
	return err
}

// variable is a variable in JSON.
type variable struct {
	OID   string `json:"oid"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`         // a number, a text, or null for an exception
	Hex   string `json:"hex,omitempty"` // the octets of a string that is no text
	Text  string `json:"text"`          // as a person reads it
}

func (q *Query) writeJSON(object smi.Object, vb snmp.VarBind) error {
	value, octets := raw(vb.Value)
	text := smi.Text(q.Names, object, vb.Value)
	if t, ok := exceptions[vb.Value.Kind()]; ok {
		text = t
	}
	return q.encode(variable{vb.Name.String(), smi.Format(q.Names, vb.Name), vb.Value.Kind().String(), value, octets, text})
}

func (q *Query) encode(v any) error {
	e := json.NewEncoder(q.Out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// raw returns v as JSON has it, and the octets of what is no text.
func raw(v snmp.Value) (value any, octets string) {
	switch v.Kind() {
	case snmp.KindOctetString, snmp.KindOpaque:
		if s := v.Octets(); v.Kind() == snmp.KindOctetString && utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable) {
			return s, ""
		}
		return v.String(), hex.EncodeToString([]byte(v.Octets()))
	case snmp.KindOID, snmp.KindIPAddress:
		return v.String(), ""
	case snmp.KindInteger:
		return v.Int(), ""
	}
	if v.IsNumber() {
		return v.Uint(), ""
	}
	return nil, ""
}

func unprintable(r rune) bool { return hidden(r) && r != '\n' && r != '\r' && r != '\t' }
