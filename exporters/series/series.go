// Package series makes Prometheus' series of samples, with the names and labels of snmp_exporter: ifHCInOctets{device,instance,ifIndex,ifName,…}.
package series

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/metric"
)

// Label is a name and a value that identify a series.
type Label struct{ Name, Value string }

// Type is what Prometheus calls the type of a metric.
type Type uint8

// The types.
const (
	Gauge Type = iota
	Counter
)

func (t Type) String() string {
	if t == Counter {
		return "counter"
	}
	return "gauge"
}

// Form is how a field that is a text becomes series, as the types of snmp_exporter have it.
type Form uint8

// The forms.
const (
	Text     Form = iota // NAME{NAME="text"} 1
	Info                 // NAME_info{NAME="up"} 1: EnumAsInfo
	StateSet             // NAME{NAME="up"} 1, NAME{NAME="down"} 0, …: EnumAsStateSet
	Time                 // NAME in seconds since 1970, of a text in RFC 3339's form: DateAndTime
)

// Object is what is known of a field beside its samples. The zero Object is that nothing is.
type Object struct {
	Help   string
	Form   Form
	States []string // of a StateSet, all of them
}

// Config says which series samples become.
type Config struct {
	// Labels names the fields that become labels of their row; nil is DefaultLabels. Such a field that is a number has no series of its own. When one
	// changes its value, that begins a new series.
	Labels []string
	// Rates gives counters a series NAME_rate too, in units a second, where the collector has a rate.
	Rates bool
	// Constant are labels that every series has that has none of the name.
	Constant []Label
	// Objects tells of fields, by name.
	Objects map[string]Object
}

// DefaultLabels are the fields that snmp_exporter's module if_mib has as labels.
var DefaultLabels = []string{"ifIndex", "ifAlias"}

// Point is one series' value of a row. Its labels are those of its Row, and Label where that has a name.
type Point struct {
	Name  string // [a-zA-Z_][a-zA-Z0-9_]*
	Help  string // may be empty
	Type  Type
	Value float64
	Label Label
}

// Row is what a sample became.
type Row struct {
	Labels []Label // sorted by name, names distinct and of Point.Name's form, values not empty and UTF-8; none is __name__
	Points []Point // each a series of its own
	At     time.Time
}

// Mapper makes Rows. It is for one goroutine. Make one with New.
type Mapper struct {
	config Config
	fields map[string]*known // by name, behind what stands before it in the names of its series
	row    Row
}

// known is what is always so for fields of one name.
type known struct {
	name, rate, info string // of its series
	object           Object
	label            bool // its rows have it as a label
}

// New returns a Mapper.
func New(c Config) *Mapper {
	if c.Labels == nil {
		c.Labels = DefaultLabels
	}
	return &Mapper{config: c, fields: map[string]*known{}}
}

// Event reports whether s is something that happened once, a notification or what became of an alert, and has no series.
func Event(s *metric.Sample) bool { return s.Measurement == "snmp_trap" || s.Measurement == "alert" }

// Map returns what s becomes; a Row without Points if that is nothing. The Row is good until the next Map.
func (m *Mapper) Map(s *metric.Sample) *Row {
	r := &m.row
	r.Labels, r.Points, r.At = r.Labels[:0], r.Points[:0], s.At
	if Event(s) {
		return r
	}
	for _, t := range s.Tags {
		switch {
		case t.Name == "hostname": // sysName, which may change and is not known at first: it would break series
		case t.Name == "agent_host", t.Name == "host" && s.Measurement == "collector": // what was asked: a device, or the collector itself
			m.label("instance", t.Value)
		default:
			m.label(t.Name, t.Value)
		}
	}
	for i := range s.Fields {
		if f := &s.Fields[i]; slices.Contains(m.config.Labels, f.Name) {
			m.label(f.Name, text(f))
		}
	}
	for _, l := range m.config.Constant {
		m.label(l.Name, l.Value)
	}
	slices.SortFunc(r.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	prefix := ""
	if s.Measurement == "ping" || s.Measurement == metric.PollMeasurement { // their fields are no objects of a MIB, and have names that others may have
		prefix = s.Measurement + "_"
	}
	for i := range s.Fields {
		m.field(prefix, &s.Fields[i])
	}
	return r
}

// label adds a label, unless there is one of the name already.
func (m *Mapper) label(name, value string) {
	if !good(name) {
		name = m.known("", name).name
	}
	if value == "" || slices.ContainsFunc(m.row.Labels, func(l Label) bool { return l.Name == name }) {
		return
	}
	m.row.Labels = append(m.row.Labels, Label{name, valid(value)})
}

// field adds the points of f.
func (m *Mapper) field(prefix string, f *metric.Field) {
	k := m.known(prefix, f.Name)
	p := Point{Name: k.name, Help: k.object.Help}
	switch f.Kind {
	case metric.String:
		m.text(p, k, f.Str)
		return
	case metric.Boolean:
		p.Value = float64(min(f.Num, 1))
	case metric.Counter32, metric.Counter64:
		p.Type, p.Value = Counter, float64(f.Num)
	default:
		p.Value = f.Float64()
	}
	if k.label || f.Name == "rate_seconds" && !m.config.Rates {
		return
	}
	m.row.Points = append(m.row.Points, p)
	if p.Type == Counter && m.config.Rates && f.Verdict.HasRate() {
		m.row.Points = append(m.row.Points, Point{Name: k.rate, Help: p.Help, Value: f.Rate})
	}
}

// text adds the points of a field that is a text.
func (m *Mapper) text(p Point, k *known, text string) {
	p.Value = 1
	switch k.object.Form {
	case Time:
		at, err := time.Parse("2006-01-02T15:04:05.9Z07:00", text)
		if err != nil {
			at, err = time.Parse("2006-01-02T15:04:05.9", text)
		}
		if err != nil {
			return
		}
		p.Value = float64(at.Unix())
		m.row.Points = append(m.row.Points, p)
		return
	case StateSet:
		m.states(p, k.object, text)
		return
	case Info:
		p.Label = Label{p.Name, text}
		p.Name = k.info
	default:
		p.Label = Label{p.Name, text}
	}
	if p.Label.Value == "" || slices.ContainsFunc(m.row.Labels, func(l Label) bool { return l.Name == p.Label.Name }) {
		p.Label = Label{}
	}
	p.Label.Value = valid(p.Label.Value)
	m.row.Points = append(m.row.Points, p)
}

// states adds a point for each state, and one for the present state if it is none of them.
func (m *Mapper) states(p Point, o Object, text string) {
	name := p.Name
	known := false
	for _, state := range o.States {
		p.Label, p.Value = Label{name, state}, 0
		if state == text {
			p.Value, known = 1, true
		}
		m.row.Points = append(m.row.Points, p)
	}
	if !known {
		p.Label, p.Value = Label{name, valid(cmp.Or(text, "unknown"))}, 1
		m.row.Points = append(m.row.Points, p)
	}
}

// text returns the value of a field as that of a label.
func text(f *metric.Field) string {
	switch f.Kind {
	case metric.String:
		return f.Str
	case metric.Integer:
		return strconv.FormatInt(int64(f.Num), 10)
	case metric.Float:
		return strconv.FormatFloat(math.Float64frombits(f.Num), 'f', -1, 64)
	default:
		return strconv.FormatUint(f.Num, 10)
	}
}

// maxNames bounds what is remembered of names. There are some hundreds; profiles decide on them, not devices.
const maxNames = 10_000

// known returns what is so for fields of the name.
func (m *Mapper) known(prefix, name string) *known {
	key := name
	if prefix != "" {
		key = prefix + name
	}
	if k, ok := m.fields[key]; ok {
		return k
	}
	key = strings.Clone(key) // it may be a part of a whole batch
	made := Name(key)
	k := &known{made, made + "_rate", made + "_info", m.config.Objects[name], slices.Contains(m.config.Labels, name)}
	if len(m.fields) < maxNames {
		m.fields[key] = k
	}
	return k
}

// Name returns name with an underscore in the place of what the name of a metric or label must not have, as snmp_exporter's generator does.
func Name(name string) string {
	if good(name) {
		return name
	}
	made := []byte(name)
	for i, c := range made {
		if !letter(c) && (c < '0' || c > '9') {
			made[i] = '_'
		}
	}
	if len(made) == 0 || !letter(made[0]) {
		made = append([]byte{'_'}, made...)
	}
	return string(made)
}

func good(name string) bool {
	if name == "" || !letter(name[0]) {
		return false
	}
	for i := 1; i < len(name); i++ {
		if c := name[i]; !letter(c) && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// valid returns value in UTF-8.
func valid(value string) string { return strings.ToValidUTF8(value, "\uFFFD") }
