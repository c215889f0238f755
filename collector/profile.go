package collector

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"walkabout/counter"
	"walkabout/snmp/oid"
)

// Profiles are the profiles that Target.Collect may name, by name.
type Profiles map[string]*Profile

// Names returns the names in order.
func (p Profiles) Names() []string { return slices.Sorted(maps.Keys(p)) }

//go:embed profiles/*.yaml
var profileFiles embed.FS

// BuiltIn returns the profiles that come with the program. It panics if one of them is wrong, which a test excludes.
func BuiltIn() Profiles {
	names, err := fs.Glob(profileFiles, "profiles/*.yaml")
	if err != nil {
		panic(err)
	}
	profiles := Profiles{}
	for _, file := range names {
		text, err := profileFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		p, err := ParseProfile(text)
		if err != nil {
			panic(fmt.Sprintf("collector: %s: %v", file, err))
		}
		profiles[strings.TrimSuffix(path.Base(file), ".yaml")] = p
	}
	return profiles
}

// BuiltInText returns the YAML of the profile called name that comes with the program.
func BuiltInText(name string) ([]byte, error) {
	text, err := profileFiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("unknown profile %q; known are %s", name, strings.Join(BuiltIn().Names(), ", "))
	}
	return text, nil
}

// Profile says what to ask an agent for, and what becomes of the answers. In YAML:
//
//	scalars:
//	  - measurement: tcp
//	    objects:
//	      - {name: tcpActiveOpens, oid: 1.3.6.1.2.1.6.5, type: counter32}
//	tables:
//	  - measurement: interface
//	    index: {name: ifIndex, field: true}
//	    identity: [ifName, ifDescr]
//	    discontinuity: ifCounterDiscontinuityTime
//	    interface: {high_speed: ifHighSpeed, speed: ifSpeed, mtu: ifMtu, type: ifType}
//	    changes: [1.3.6.1.2.1.2.1, 1.3.6.1.2.1.31.1.5]
//	    columns:
//	      - {name: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: string, tag: true}
//	      - {name: ifHCInOctets, oid: 1.3.6.1.2.1.31.1.1.1.6, type: counter64, unit: octets, twin: ifInOctets}
type Profile struct {
	Scalars []Scalars `yaml:"scalars"`
	Tables  []Table   `yaml:"tables"`
}

// Scalars are objects of which an agent has one instance each; together they make one sample.
type Scalars struct {
	Measurement   string   `yaml:"measurement"`
	Discontinuity string   `yaml:"discontinuity"` // as in Table
	Objects       []Object `yaml:"objects"`
}

// Table is a conceptual table, or several with the same index; each row makes a sample.
type Table struct {
	Measurement string   `yaml:"measurement"`
	Index       Index    `yaml:"index"`
	Columns     []Object `yaml:"columns"`

	// Identity names the columns of which the first that a row has says what the row is of, however it is numbered today. Without
	// any it is the index.
	Identity []string `yaml:"identity"`

	// Discontinuity names the column that tells when the row's counters last lost their continuity.
	Discontinuity string `yaml:"discontinuity"`

	// Interface names the columns that bound what an interface's counters can count; nil if rows are no interfaces.
	Interface *Limits `yaml:"interface"`

	// Changes are scalars, such as ifNumber and ifTableLastChange, of which one is another when the table's rows or slow columns are.
	Changes []OID `yaml:"changes"`
}

// Index says what becomes of a row's index: a tag, or with Field a field. The index of a table with Interface is one number.
type Index struct {
	Name  string `yaml:"name"`
	Field bool   `yaml:"field"`
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
	Name string `yaml:"name"` // the object's descriptor, which becomes the field or tag
	OID  OID    `yaml:"oid"`  // without the instance
	Type Type   `yaml:"type"`

	Tag  bool `yaml:"tag"`  // a tag instead of a field
	Slow bool `yaml:"slow"` // changes seldom: see Target.Structure

	// Of counters: see counter.Column.
	Unit    Unit       `yaml:"unit"`
	MaxRate float64    `yaml:"max_rate"` // a second
	Twin    string     `yaml:"twin"`
	Packets [][]string `yaml:"packets"`
}

// Type is how the value of an Object is read.
type Type string

// The types.
const (
	TypeInteger     Type = "integer"     // INTEGER; other numbers as well
	TypeGauge       Type = "gauge"       // Gauge32, Unsigned32; other numbers that are not negative as well
	TypeTimeTicks   Type = "timeticks"   // hundredths of a second
	TypeCounter32   Type = "counter32"   // a Counter32 and nothing else
	TypeCounter64   Type = "counter64"   // a Counter64 and nothing else
	TypeFloat       Type = "float"       // an Opaque float or double; other numbers as well
	TypeString      Type = "string"      // the octets as they are
	TypePhysAddress Type = "physaddress" // 00:1b:21:3c:9d:f8
	TypeOID         Type = "oid"         // 1.3.6.1.4.1.9.1.516
	TypeIP          Type = "ip"          // an IpAddress, 192.0.2.1
)

var types = []Type{TypeInteger, TypeGauge, TypeTimeTicks, TypeCounter32, TypeCounter64, TypeFloat, TypeString, TypePhysAddress, TypeOID, TypeIP}

func (t Type) counter() bool { return t == TypeCounter32 || t == TypeCounter64 }

// Unit is counter.Unit with its names in YAML: events (which is the default), octets, packets, errors.
type Unit counter.Unit

// UnmarshalYAML reads the name of a unit.
func (u *Unit) UnmarshalYAML(node *yaml.Node) error {
	units := map[string]counter.Unit{"events": counter.Events, "octets": counter.Octets, "packets": counter.Packets, "errors": counter.Errors}
	unit, ok := units[node.Value]
	if !ok {
		return fmt.Errorf("line %d: unknown unit %q; known are events, octets, packets, errors", node.Line, node.Value)
	}
	*u = Unit(unit)
	return nil
}

// OID is oid.OID in its dotted form in YAML.
type OID struct{ oid.OID }

// UnmarshalYAML reads a dotted OID.
func (o *OID) UnmarshalYAML(node *yaml.Node) error {
	parsed, err := oid.Parse(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	o.OID = parsed
	return nil
}

// ParseProfile reads a profile. Unknown keys are errors.
func ParseProfile(text []byte) (*Profile, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	p := &Profile{}
	if err := d.Decode(p); err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	return p, nil
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
	for _, t := range p.Tables {
		if t.Index.Name == name || slices.ContainsFunc(t.Columns, named) {
			return true
		}
	}
	return false
}

// maxObjects bounds a table's or group's objects; its counters are bounded to 64 by package counter.
const maxObjects = 128

func (p *Profile) validate() error {
	var errs []error
	if len(p.Scalars)+len(p.Tables) == 0 {
		errs = append(errs, errors.New("neither scalars nor tables"))
	}
	measurements := map[string]bool{}
	part := func(measurement string, err error) {
		if measurement == "" {
			err = errors.Join(errors.New("no measurement"), err)
		}
		if measurements[measurement] {
			err = errors.Join(errors.New("the measurement is there twice"), err)
		}
		measurements[measurement] = true
		if err != nil {
			errs = append(errs, fmt.Errorf("measurement %q: %w", measurement, err))
		}
	}
	for i := range p.Scalars {
		part(p.Scalars[i].Measurement, p.Scalars[i].validate())
	}
	for i := range p.Tables {
		part(p.Tables[i].Measurement, p.Tables[i].validate())
	}
	return errors.Join(errs...)
}

func (s *Scalars) validate() error {
	errs := validateObjects(s.Objects, "")
	errs = append(errs, refers(s.Objects, "discontinuity", s.Discontinuity))
	for _, o := range s.Objects {
		if o.Tag || o.Slow {
			errs = append(errs, fmt.Errorf("%s: tag and slow are for columns of tables", o.Name))
		}
		if o.Unit != Unit(counter.Events) {
			errs = append(errs, fmt.Errorf("%s: the unit needs an interface, which bounds it", o.Name))
		}
	}
	return errors.Join(errs...)
}

func (t *Table) validate() error {
	errs := validateObjects(t.Columns, t.Index.Name)
	errs = append(errs, refers(t.Columns, "discontinuity", t.Discontinuity))
	for _, name := range t.Identity {
		errs = append(errs, refers(t.Columns, "identity", name))
	}
	if t.Index.Name == "" {
		errs = append(errs, errors.New("index needs a name"))
	}
	if t.Index.Field && len(t.Identity) == 0 {
		errs = append(errs, errors.New("an index that is no tag needs identity, or rows cannot be told apart"))
	}
	if l := t.Interface; l != nil {
		for _, name := range []string{l.HighSpeed, l.Speed, l.MTU, l.Type} {
			errs = append(errs, refers(t.Columns, "interface", name))
		}
	}
	for _, o := range t.Changes {
		if o.Len() < 3 {
			errs = append(errs, fmt.Errorf("changes: %v is no object's", o))
		}
	}
	for _, o := range t.Columns {
		if o.Slow && (o.Type.counter() || o.Tag || o.Name == t.Discontinuity || slices.Contains(t.Identity, o.Name)) {
			errs = append(errs, fmt.Errorf("%s: counters, tags, identity and discontinuity cannot be slow: they must be of one moment", o.Name))
		}
		if slices.Contains(t.Identity, o.Name) && !o.Tag && t.Index.Field {
			errs = append(errs, fmt.Errorf("%s: an identity must be a tag where the index is none", o.Name))
		}
		if o.Unit != Unit(counter.Events) && t.Interface == nil {
			errs = append(errs, fmt.Errorf("%s: the unit needs interface, which bounds it", o.Name))
		}
	}
	return errors.Join(errs...)
}

// refers returns an error if name is neither empty nor an object.
func refers(objects []Object, key, name string) error {
	if name == "" || slices.ContainsFunc(objects, func(o Object) bool { return o.Name == name }) {
		return nil
	}
	return fmt.Errorf("%s: no column %q", key, name)
}

func validateObjects(objects []Object, index string) []error {
	var errs []error
	if len(objects) == 0 || len(objects) > maxObjects {
		errs = append(errs, fmt.Errorf("%d objects; there must be 1 to %d", len(objects), maxObjects))
	}
	names, oids := map[string]bool{index: true}, map[oid.OID]bool{}
	for _, o := range objects {
		switch {
		case o.Name == "" || names[o.Name]:
			errs = append(errs, fmt.Errorf("name %q is empty or there twice", o.Name))
		case o.OID.Len() < 3 || oids[o.OID.OID]:
			errs = append(errs, fmt.Errorf("%s: oid %v is no object's or there twice", o.Name, o.OID))
		case !slices.Contains(types, o.Type):
			errs = append(errs, fmt.Errorf("%s: unknown type %q; known are %v", o.Name, o.Type, types))
		case o.Tag && o.Type.counter():
			errs = append(errs, fmt.Errorf("%s: a counter cannot be a tag", o.Name))
		case !o.Type.counter() && (o.Unit != 0 || o.MaxRate != 0 || o.Twin != "" || o.Packets != nil):
			errs = append(errs, fmt.Errorf("%s: unit, max_rate, twin and packets are for counters", o.Name))
		case slices.Contains(BuiltInTags(), o.Name) && !o.Tag:
			errs = append(errs, fmt.Errorf("%s: must be a tag, as it is elsewhere", o.Name))
		}
		names[o.Name], oids[o.OID.OID] = true, true
	}
	if _, err := counter.NewTable(counterColumns(objects), counter.Options{Interval: 1}); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// counterColumns returns the counters among objects, in their order.
func counterColumns(objects []Object) []counter.Column {
	var columns []counter.Column
	for _, o := range objects {
		if !o.Type.counter() {
			continue
		}
		bits := uint8(32)
		if o.Type == TypeCounter64 {
			bits = 64
		}
		columns = append(columns, counter.Column{
			Name: o.Name, Bits: bits, Unit: counter.Unit(o.Unit), MaxRate: o.MaxRate, Twin: o.Twin, Packets: o.Packets,
		})
	}
	return columns
}
