package collector

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"walkabout/collector/smi"
	"walkabout/counter"
	"walkabout/internal/duration"
	"walkabout/internal/nearest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Profiles are the profiles that Target.Collect may name, by name.
type Profiles map[string]*Profile

// Names returns the names in order.
func (p Profiles) Names() []string { return slices.Sorted(maps.Keys(p)) }

// Unknown returns the error of a name that is neither of p's nor one of also: it says which is meant, or which there are.
func (p Profiles) Unknown(name string, also ...string) error {
	known := append(slices.Clone(also), p.Names()...)
	if near := nearest.Word(name, known); near != "" {
		return fmt.Errorf("unknown profile %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown profile %q; known are %s", name, strings.Join(known, ", "))
}

// Profile says what to ask an agent for, and what becomes of the answers; docs/profiles.md shows its form in YAML. ParseProfile reads one.
type Profile struct {
	About    string    `yaml:"about"` // one line, for people
	Match    *Match    `yaml:"match"`
	Interval Duration  `yaml:"interval"` // how often it is polled, at most as often as its target; 0 is as often
	Scalars  []Scalars `yaml:"scalars"`
	Tables   []Table   `yaml:"tables"`

	// For agents that cannot bear what the target allows. MaxRepetitions 0 is the target's; Bulk false walks with GETNEXT.
	MaxRepetitions int   `yaml:"max_repetitions"`
	Bulk           *bool `yaml:"bulk"`
}

// Match says which agents a profile is for, where a target's profiles are chosen by what it is (see Choose): those whose sysObjectID is below one of
// SysObjectID, if there are any, and that have something below one of Answers, if there are any.
type Match struct {
	SysObjectID []OID `yaml:"sysObjectID"`
	Answers     []OID `yaml:"answers"`
}

// Scalars are objects of which an agent has one instance each; together they make one sample.
type Scalars struct {
	Measurement   string   `yaml:"measurement"`
	Discontinuity string   `yaml:"discontinuity"` // as in Table
	Objects       []Object `yaml:"objects"`
}

// Table is a conceptual table, or several with the same index, such as one and what augments it; each row makes a sample.
type Table struct {
	Measurement string   `yaml:"measurement"`
	Interval    Duration `yaml:"interval"` // as Profile's, of this table alone

	// Index is what becomes of the whole index, Indexes of its parts. Without either the parts are those of the INDEX clause of the first
	// column's row.
	Index   Index       `yaml:"index"`
	Indexes []IndexPart `yaml:"indexes"`

	Columns []Object `yaml:"columns"`
	Lookups []Lookup `yaml:"lookups"`
	Filters []Filter `yaml:"filters"` // a row makes a sample if it passes all of them

	// Rows are the only ones that are read, by their indexes as numbers with dots: they are asked for by name, and no other. None is all of them.
	Rows []RowIndex `yaml:"rows"`

	// Identity names the columns of which the first that a row has says what the row is of, however it is numbered today. Without
	// any it is the index.
	Identity []string `yaml:"identity"`

	// Discontinuity names the column that tells when the row's counters last lost their continuity.
	Discontinuity string `yaml:"discontinuity"`

	// Interface names the columns that bound what an interface's counters can count; nil if rows are no interfaces.
	Interface *Limits `yaml:"interface"`

	// Changes are scalars, such as ifNumber and ifTableLastChange, of which one is another when the table's rows or slow columns are.
	Changes []OID `yaml:"changes"`

	// VLANs makes the table be read once for each VLAN of an agent that keeps one of it for each; nil reads it once.
	VLANs *VLANs `yaml:"vlans"`
}

// RowIndex is a row's index; in YAML its numbers with dots between them.
type RowIndex struct{ oid.OID }

// UnmarshalYAML reads an index.
func (x *RowIndex) UnmarshalYAML(node *yaml.Node) error {
	for text := range strings.SplitSeq(node.Value, ".") {
		arc, err := strconv.ParseUint(text, 10, 32)
		if err != nil || node.Kind != yaml.ScalarNode {
			return mistake(node, "%q is no index of a row: write its numbers with dots between them, in quotes, as in \"3\" or \"192.0.2.1\"", node.Value)
		}
		x.OID = x.Append(uint32(arc))
	}
	return nil
}

// Index says what becomes of a row's whole index: a tag, or with Field a field. The index of a table with Interface is one number.
type Index struct {
	Name  string `yaml:"name"`
	Field bool   `yaml:"field"`
}

// IndexPart says what becomes of one object of a row's index: a tag, with Field a field, with Drop neither.
type IndexPart struct {
	Name string `yaml:"name"` // unless given, the descriptor of OID
	OID  OID    `yaml:"oid"`  // of the object, which says how the part is encoded; or else Type does
	Type Type   `yaml:"type"`

	Size    int  `yaml:"size"`    // octets of a string that always has as many, before which no length stands
	Implied bool `yaml:"implied"` // the last part, a string or OID before which no length stands

	Labels map[int64]string `yaml:"labels"` // see Object

	Field bool `yaml:"field"`
	Drop  bool `yaml:"drop"`

	syntax smi.Syntax
}

// Lookup finds the row of another table by what this row says, and takes a column of it: as a tag, with Field as a field, with Drop only for other
// lookups and filters.
type Lookup struct {
	Name string   `yaml:"name"` // unless given, the descriptor of OID
	OID  OID      `yaml:"oid"`  // the column
	Type Type     `yaml:"type"` // unless given, that of OID
	By   []string `yaml:"by"`   // parts of the index, columns and earlier lookups that together are the other row's index; unless given, the whole index

	Labels  map[int64]string `yaml:"labels"`  // see Object
	Subtype string           `yaml:"subtype"` // see Object

	Field bool `yaml:"field"`
	Drop  bool `yaml:"drop"`

	object Object
	index  []smi.IndexPart // of the row that OID is a column of
}

// Filter lets rows pass of which a value, as it reads to a person, is one of In (an enumeration's also by its number) or matches Match. A
// value that the row does not have is "".
type Filter struct {
	Of    string   `yaml:"of"` // a column, a part of the index or a lookup
	In    []string `yaml:"in"`
	Match Pattern  `yaml:"match"`
	Not   bool     `yaml:"not"` // it is those that do not
}

// VLANs says where an agent lists its VLANs. Such agents keep their bridge tables by VLAN, and tell them apart by the community, "public@10", or
// in SNMPv3 by the context, "vlan-10".
type VLANs struct {
	OID OID      `yaml:"oid"` // a column; the last number of each row's index is a VLAN's
	In  []string `yaml:"in"`  // the VLANs whose column has one of these values; all of them without any
	Tag string   `yaml:"tag"` // the tag with the VLAN's number; unless given, vlan

	object Object
}

// Limits names columns: see counter.Row.
type Limits struct {
	HighSpeed string `yaml:"high_speed"` // in Mb/s
	Speed     string `yaml:"speed"`      // in bits/s
	MTU       string `yaml:"mtu"`        // in octets
	Type      string `yaml:"type"`       // IANAifType
}

// Object is a scalar or a column.
type Object struct {
	Name string `yaml:"name"` // becomes the field or tag; unless given, the descriptor of OID
	OID  OID    `yaml:"oid"`  // without the instance
	Type Type   `yaml:"type"` // unless given, that of OID's syntax

	Tag  bool `yaml:"tag"`  // a tag instead of a field
	Slow bool `yaml:"slow"` // changes seldom: see Target.Structure

	Labels map[int64]string `yaml:"labels"` // of TypeEnum and TypeBits: the names of numbers or bits, where no MIB module says
	Hint   string           `yaml:"hint"`   // of TypeDisplay: the DISPLAY-HINT, where no MIB module says

	// Subtype, of TypeDisplay, is the enumeration of the same row that says what the octets are, as LldpChassisIdSubtype does: a column for a column,
	// an earlier lookup for a lookup.
	Subtype string `yaml:"subtype"`

	// Of numbers that are no counters: what makes them numbers of a unit without a prefix.
	Factor float64 `yaml:"factor"` // they are multiplied by it
	Offset float64 `yaml:"offset"` // and then it is added
	Sensor *Sensor `yaml:"sensor"`

	// Extract makes numbers of parts of a text: for each suffix to Name the first that matches gives a field. There is no field of Name alone then.
	Extract map[string][]Extract `yaml:"extract"`

	// Of counters: see counter.Column.
	Unit    Unit       `yaml:"unit"`
	MaxRate float64    `yaml:"max_rate"` // a second; of a TypeCounter, where it is one of 64 bits
	Twin    string     `yaml:"twin"`
	Packets [][]string `yaml:"packets"`

	PacketsIfServed []string `yaml:"packets_if_served"`

	syntax smi.Syntax
	names  smi.Resolver // of TypeDescriptor
	served snmp.Kind    // of counters: what the agent has in the place of one, Integer or Gauge32; 0 is a counter
}

// Extract is a regular expression that matches the whole of a text, and the number that it then is: a template in which $1 is the first group.
type Extract struct {
	Regex Pattern `yaml:"regex"`
	Value string  `yaml:"value"`
}

// Sensor names the columns that say how a sensor's value is scaled (ENTITY-SENSOR-MIB: EntitySensorDataScale and EntitySensorPrecision).
type Sensor struct {
	Scale     string `yaml:"scale"`
	Precision string `yaml:"precision"`
}

// Type is how the value of an Object is read.
type Type string

// The types.
const (
	TypeInteger     Type = "integer"     // INTEGER; other numbers as well
	TypeGauge       Type = "gauge"       // Gauge32, Unsigned32; other numbers that are not negative as well
	TypeUnsigned    Type = "unsigned"    // as TypeGauge, where agents send what needs all 32 bits as INTEGER, so that it looks negative: AS numbers (RFC 6793)
	TypeTimeTicks   Type = "timeticks"   // hundredths of a second
	TypeCounter     Type = "counter"     // a Counter32 or a Counter64, whichever the agent has
	TypeCounter32   Type = "counter32"   // a Counter32 and nothing else
	TypeCounter64   Type = "counter64"   // a Counter64 and nothing else
	TypeFloat       Type = "float"       // an Opaque float or double; other numbers as well, and numbers in digits
	TypeString      Type = "string"      // the octets as they are
	TypePhysAddress Type = "physaddress" // 00:1b:21:3c:9d:f8
	TypeOID         Type = "oid"         // 1.3.6.1.4.1.9.1.516
	TypeIP          Type = "ip"          // an IpAddress, 192.0.2.1
	TypeEnum        Type = "enum"        // the label of a number: up
	TypeBits        Type = "bits"        // the labels of the bits that are set: bridge,router
	TypeDateAndTime Type = "dateandtime" // 2026-11-21T11:35:00.0+01:00
	TypeInetAddress Type = "inetaddress" // 2001:db8::1
	TypeDisplay     Type = "display"     // octets as the DISPLAY-HINT says, else as text if they are text, else 0x00ff
	TypeDescriptor  Type = "descriptor"  // an OID by its name: hrDeviceProcessor
)

var types = []Type{TypeInteger, TypeGauge, TypeUnsigned, TypeTimeTicks, TypeCounter, TypeCounter32, TypeCounter64, TypeFloat, TypeString, TypePhysAddress, TypeOID, TypeIP,
	TypeEnum, TypeBits, TypeDateAndTime, TypeInetAddress, TypeDisplay, TypeDescriptor}

func (t Type) counter() bool { return t == TypeCounter || t == TypeCounter32 || t == TypeCounter64 }

// number reports whether fields of t are numbers.
func (t Type) number() bool {
	return t.counter() || t == TypeInteger || t == TypeGauge || t == TypeUnsigned || t == TypeTimeTicks || t == TypeFloat
}

// Unit is counter.Unit with its names in YAML: events (which is the default), octets, packets, errors.
type Unit counter.Unit

// UnmarshalYAML reads the name of a unit.
func (u *Unit) UnmarshalYAML(node *yaml.Node) error {
	units := map[string]counter.Unit{"events": counter.Events, "octets": counter.Octets, "packets": counter.Packets, "errors": counter.Errors}
	unit, ok := units[node.Value]
	if !ok {
		return mistake(node, "unknown unit %q; known are events, octets, packets, errors", node.Value)
	}
	*u = Unit(unit)
	return nil
}

// mistake is an error of decoding that keeps its line.
func mistake(node *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", node.Line) + fmt.Sprintf(format, args...)}}
}

// OID is oid.OID; in YAML its dotted form, or a name that ParseProfile resolves.
type OID struct {
	oid.OID
	name string
	line int
}

// UnmarshalYAML reads a dotted OID or a name.
func (o *OID) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Value == "" {
		return mistake(node, "an OID or the name of an object is wanted here, such as 1.3.6.1.2.1.2.2.1.2 or IF-MIB::ifDescr")
	}
	o.line = node.Line
	if first := node.Value[0]; first != '.' && (first < '0' || first > '9') {
		o.name = node.Value
		return nil
	}
	parsed, err := oid.Parse(node.Value)
	if err != nil {
		return mistake(node, "%v", err)
	}
	o.OID = parsed
	return nil
}

// Pattern is a regular expression in YAML (RE2); the zero one is none.
type Pattern struct{ *regexp.Regexp }

// UnmarshalYAML reads an expression.
func (p *Pattern) UnmarshalYAML(node *yaml.Node) error {
	e, err := regexp.Compile(node.Value)
	if err != nil {
		return mistake(node, "%v", err)
	}
	p.Regexp = e
	return nil
}

// Duration is a time.Duration in YAML, with its unit: 5m.
type Duration time.Duration

// UnmarshalYAML reads a duration.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	v, err := duration.NotNegative(node.Value)
	if err != nil {
		return mistake(node, "%v", err)
	}
	*d = Duration(v)
	return nil
}

// Measurements returns the names of what p measures, in its order.
func (p *Profile) Measurements() []string {
	var out []string
	for _, s := range p.Scalars {
		out = append(out, s.Measurement)
	}
	for _, t := range p.Tables {
		out = append(out, t.Measurement)
	}
	return out
}

// uses reports whether samples of p have a tag or field called name.
func (p *Profile) uses(name string) bool {
	named := func(o Object) bool { return o.Name == name }
	for _, s := range p.Scalars {
		if slices.ContainsFunc(s.Objects, named) {
			return true
		}
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		if t.Index.Name == name || slices.ContainsFunc(t.Columns, named) || slices.ContainsFunc(t.derived(), named) || t.VLANs != nil && t.VLANs.Tag == name {
			return true
		}
	}
	return false
}

// derived returns what rows have beside their columns, as objects: the parts of the index, and then the lookups. Tag says that it is a tag; those that
// are dropped have no Name of their own but for lookups and filters.
func (t *Table) derived() []Object {
	var out []Object
	for _, p := range t.Indexes {
		out = append(out, Object{Name: p.Name, Type: p.Type, Tag: !p.Field && !p.Drop, syntax: p.syntax})
	}
	for _, l := range t.Lookups {
		o := l.object
		o.Tag = !l.Field && !l.Drop
		out = append(out, o)
	}
	return out
}
