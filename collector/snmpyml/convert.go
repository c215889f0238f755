package snmpyml

import (
	"fmt"
	"slices"
	"strings"

	"walkabout/collector"
	"walkabout/counter"
)

// profile is the YAML of a collector.Profile, as far as a module needs it.
type profile struct {
	About          string    `yaml:"about"`
	MaxRepetitions int       `yaml:"max_repetitions,omitempty"`
	Scalars        []scalars `yaml:"scalars,omitempty"`
	Tables         []*table  `yaml:"tables,omitempty"`
}

type scalars struct {
	Measurement string   `yaml:"measurement"`
	Objects     []object `yaml:"objects"`
}

type table struct {
	Measurement string   `yaml:"measurement"`
	Rows        []string `yaml:"rows,omitempty"`
	Indexes     []object `yaml:"indexes"`
	Lookups     []object `yaml:"lookups,omitempty"`
	Columns     []object `yaml:"columns"`
	Filters     []sieve  `yaml:"filters,omitempty"`

	Interface map[string]string `yaml:"interface,omitempty"`

	key    string
	hidden object // a column that is a label already
}

type sieve struct {
	Of    string `yaml:"of"`
	Match string `yaml:"match"`
}

// object is an object, a part of an index or a lookup.
type object struct {
	Name    string               `yaml:"name"`
	OID     string               `yaml:"oid,omitempty"`
	Type    string               `yaml:"type"`
	Size    int                  `yaml:"size,omitempty"`
	Implied bool                 `yaml:"implied,omitempty"`
	Drop    bool                 `yaml:"drop,omitempty"`
	Tag     bool                 `yaml:"tag,omitempty"`
	By      []string             `yaml:"by,omitempty"`
	Labels  map[int64]string     `yaml:"labels,omitempty"`
	Hint    string               `yaml:"hint,omitempty"`
	Factor  float64              `yaml:"factor,omitempty"`
	Offset  float64              `yaml:"offset,omitempty"`
	Extract map[string][]extract `yaml:"extract,omitempty"`
	Unit    string               `yaml:"unit,omitempty"`
	Twin    string               `yaml:"twin,omitempty"`
	MaxRate float64              `yaml:"max_rate,omitempty"`
}

const (
	maxColumns  = 60 // of one table; more are in others beside it
	maxScalars  = 60
	maxRepeated = 255
)

func (m *module) profile(name string) (*profile, error) {
	p := &profile{About: "module " + name + " of an snmp.yml", MaxRepetitions: min(max(m.MaxRepetitions, 0), maxRepeated)}
	taken, seen, named := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var single []object
	for i := range m.Metrics {
		x := &m.Metrics[i]
		o, err := x.object()
		if err != nil {
			return nil, err
		}
		if len(x.Indexes) == 0 {
			if !seen[o.OID] {
				o.Name = unique(o.Name, named)
				single = append(single, o)
			}
			seen[o.OID] = true
			continue
		}
		if err := p.column(m, name, x, o, taken); err != nil {
			return nil, err
		}
	}
	for _, t := range p.Tables {
		if len(t.Columns) == 0 { // what it has is labels only
			t.hidden.Name += "_value"
			t.Columns = append(t.Columns, t.hidden)
		}
		t.bound()
	}
	for part := range slices.Chunk(single, maxScalars) {
		p.Scalars = append(p.Scalars, scalars{unique(name, taken), part})
	}
	return p, nil
}

// unique returns name, with a number if it is taken, and takes it.
func unique(name string, taken map[string]bool) string {
	base := name
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	taken[name] = true
	return name
}

// column adds a metric to the table that has the same index and lookups.
func (p *profile) column(m *module, name string, x *metric, o object, taken map[string]bool) error {
	rows, filters := m.rows(x.OID), m.filtersOf(x.OID)
	key := fmt.Sprint(x.Indexes, x.Lookups, rows, filters)
	i := slices.IndexFunc(p.Tables, func(t *table) bool {
		same := func(c object) bool { return c.OID == o.OID || c.Name == o.Name }
		return t.key == key && len(t.Columns) < maxColumns && !slices.ContainsFunc(t.Columns, same)
	})
	if i < 0 {
		t := &table{key: key, Rows: rows}
		if err := t.rows(x); err != nil {
			return fmt.Errorf("%s: %w", x.Name, err)
		}
		t.filter(filters)
		labels := []string{name}
		for _, i := range x.Indexes {
			labels = append(labels, i.Label)
		}
		t.Measurement = unique(strings.Join(labels, "_"), taken)
		p.Tables, i = append(p.Tables, t), len(p.Tables)
	}
	t := p.Tables[i]
	for _, derived := range append(slices.Clone(t.Indexes), t.Lookups...) {
		if derived.Name == o.Name { // a column that is also a label: the label has it
			t.hidden = o
			return nil
		}
	}
	t.Columns = append(t.Columns, o)
	return nil
}

// rows returns the rows of a column that the module asks for by name, none if it walks the column.
func (m *module) rows(column string) []string {
	if slices.ContainsFunc(m.Walk, func(walked string) bool { return below(column, walked) || below(walked, column) }) {
		return nil
	}
	var rows []string
	for _, o := range m.Get {
		if below(o, column) && len(o) > len(column) {
			rows = append(rows, o[len(column)+1:])
		}
	}
	return rows
}

// filtersOf returns the filters that hold for a column.
func (m *module) filtersOf(column string) []filter {
	return slices.DeleteFunc(slices.Clone(m.Filters), func(f filter) bool {
		return !slices.ContainsFunc(f.Targets, func(target string) bool { return below(column, target) })
	})
}

// below reports whether an OID is the other or below it.
func below(o, other string) bool { return o == other || strings.HasPrefix(o, other+".") }

// filter lets pass the rows that all filters do.
func (t *table) filter(filters []filter) {
	for i, f := range filters {
		name := fmt.Sprint("#filter", i+1)
		t.Lookups = append(t.Lookups, object{Name: name, OID: f.OID, Type: "display", Drop: true})
		match := "(?:" + strings.Join(f.Values, ")|(?:") + ")"
		if len(f.Values) == 0 {
			match = "[^\\x00-\\x{10FFFF}]" // nothing
		}
		t.Filters = append(t.Filters, sieve{name, match})
	}
}

// Interfaces' columns by which package counter bounds what counters can count, and the keys of a profile's interface.
var limits = map[string]string{"1.3.6.1.2.1.31.1.1.1.15": "high_speed", "1.3.6.1.2.1.2.2.1.5": "speed", "1.3.6.1.2.1.2.2.1.4": "mtu", "1.3.6.1.2.1.2.2.1.3": "type"}

// bound tells counters of interfaces what they count, as the built-in profile does, where the module has an interface's speed.
func (t *table) bound() {
	at := map[string]string{}
	names := map[string]string{} // of the columns, by OID
	for _, c := range t.Columns {
		names[c.OID] = c.Name
		if key, ok := limits[c.OID]; ok && c.Type != "enum" {
			at[key] = c.Name
		}
	}
	if at["speed"]+at["high_speed"] == "" || len(t.Indexes) != 1 {
		return
	}
	t.Interface = at
	columns := collector.BuiltIn()["interfaces"].Tables[0].Columns
	units := map[collector.Unit]string{collector.Unit(counter.Octets): "octets", collector.Unit(counter.Packets): "packets", collector.Unit(counter.Errors): "errors"}
	for i := range t.Columns {
		c := &t.Columns[i]
		k := slices.IndexFunc(columns, func(o collector.Object) bool { return o.OID.String() == c.OID })
		if k < 0 || c.Type != "counter" {
			continue
		}
		known := columns[k]
		c.Type, c.Unit, c.MaxRate = string(known.Type), units[known.Unit], 0
		for _, twin := range columns {
			if twin.Name == known.Twin {
				c.Twin = names[twin.OID.String()]
			}
		}
	}
}

// mostOctets is what no counter of octets counts in a second.
const mostOctets = 1e11

// rows gives t the index and the lookups of x.
func (t *table) rows(x *metric) error {
	current := map[string]int{} // the part or lookup that a label is at present; lookups are behind the parts
	name := func(i int) *object {
		if i < len(t.Indexes) {
			return &t.Indexes[i]
		}
		return &t.Lookups[i-len(t.Indexes)]
	}
	for _, i := range x.Indexes {
		parts, err := i.parts()
		if err != nil {
			return err
		}
		t.Indexes = append(t.Indexes, parts...)
		current[i.Label] = len(t.Indexes) - 1
	}
	for _, l := range x.Lookups {
		if l.OID == "" { // the label is left out
			if at, ok := current[l.Label]; ok {
				name(at).Drop = true
			}
			continue
		}
		typ, err := valueType(l.Type)
		if err != nil {
			return fmt.Errorf("lookup %s: %w", l.Label, err)
		}
		o := object{Name: l.Label, OID: l.OID, Type: typ, Labels: l.EnumValues}
		for _, label := range l.Labels {
			at, ok := current[label]
			if !ok {
				return fmt.Errorf("lookup %s: nothing is labelled %q before it", l.Label, label)
			}
			o.By = append(o.By, name(at).Name)
		}
		if at, ok := current[l.Label]; ok { // it takes the label's place
			old := name(at)
			old.Name, old.Drop = old.Name+"#", true
			for k := range o.By {
				if o.By[k]+"#" == old.Name {
					o.By[k] = old.Name
				}
			}
		}
		t.Lookups = append(t.Lookups, o)
		current[l.Label] = len(t.Indexes) + len(t.Lookups) - 1
	}
	return nil
}

// parts returns what an index is made of: some types stand for two objects.
func (i *index) parts() ([]object, error) {
	o := object{Name: i.Label, Size: i.FixedSize, Implied: i.Implied, Labels: i.EnumValues}
	number := object{Name: i.Label + "#type", Type: "integer", Drop: true}
	switch i.Type {
	case "Integer", "gauge", "counter", "EnumAsInfo", "EnumAsStateSet", "uint32":
		if o.Type = "gauge"; len(o.Labels) > 0 {
			o.Type = "enum"
		}
	case "OctetString", "Bits", "DateAndTime", "Float", "Double":
		o.Type = "display"
	case "DisplayString":
		o.Type = "string"
	case "PhysAddress48":
		o.Type, o.Size = "physaddress", 6
	case "IpAddr":
		o.Type = "ip"
	case "InetAddressIPv4":
		o.Type, o.Size = "inetaddress", 4
	case "InetAddressIPv6":
		o.Type, o.Size = "inetaddress", 16
	case "InetAddress":
		o.Type = "inetaddress"
		return []object{number, o}, nil
	case "InetAddressMissingSize":
		o.Type, o.Implied = "inetaddress", true
		return []object{number, o}, nil
	case "LldpPortId", "LldpChassisId":
		o.Type = "display"
		return []object{number, o}, nil
	default:
		return nil, fmt.Errorf("index %s: unknown type %q", i.Label, i.Type)
	}
	return []object{o}, nil
}

func (x *metric) object() (object, error) {
	typ, err := valueType(x.Type)
	if err != nil {
		return object{}, fmt.Errorf("%s: %w", x.Name, err)
	}
	o := object{Name: x.Name, OID: x.OID, Type: typ, Labels: x.EnumValues, Factor: x.Scale, Offset: x.Offset, Extract: x.RegexExtracts}
	if x.Type == "gauge" || x.Type == "counter" {
		o.Labels = nil
	}
	if lower := strings.ToLower(x.Name); o.Type == "counter" && (strings.Contains(lower, "octets") || strings.Contains(lower, "bytes")) {
		o.MaxRate = mostOctets
	}
	o.Tag = len(x.Indexes) > 0 && slices.Contains(collector.BuiltInTags(), x.Name)
	if o.Factor != 0 || o.Offset != 0 {
		o.Type = "float"
	}
	return o, nil
}

// valueType returns the type of values of a metric or lookup.
func valueType(t string) (string, error) {
	switch t {
	case "counter":
		return "counter", nil
	case "gauge", "Integer", "uint32":
		return "integer", nil
	case "Float", "Double":
		return "float", nil
	case "OctetString", "NTPTimeStamp", "LldpPortId", "LldpChassisId":
		return "display", nil
	case "DisplayString", "ParseDateAndTime":
		return "string", nil
	case "PhysAddress48":
		return "physaddress", nil
	case "IpAddr", "InetAddress", "InetAddressIPv4", "InetAddressIPv6", "InetAddressMissingSize":
		return "inetaddress", nil
	case "EnumAsInfo", "EnumAsStateSet":
		return "enum", nil
	case "Bits":
		return "bits", nil
	case "DateAndTime":
		return "dateandtime", nil
	}
	return "", fmt.Errorf("unknown type %q", t)
}
