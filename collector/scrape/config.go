// Package scrape reads an agent as Prometheus' snmp_exporter does when it is scraped: by a module of an snmp.yml, with that program's metrics, labels, types
// and helps, and without anything that is remembered from one time to the next.
package scrape

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"walkabout/collector/session"
	"walkabout/collector/snmpyml"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Config is an snmp.yml.
type Config struct {
	Auths   map[string]session.Credential
	Modules map[string]*Module
}

// Module says what to read and which metrics it becomes.
type Module struct {
	Walk    []OID     `yaml:"walk"`
	Get     []OID     `yaml:"get"`
	Metrics []*Metric `yaml:"metrics"`
	Filters []Filter  `yaml:"filters"`

	MaxRepetitions int           `yaml:"max_repetitions"`
	Retries        int           `yaml:"retries"`
	Timeout        time.Duration `yaml:"timeout"`
	NonIncreasing  bool          `yaml:"allow_nonincreasing_oids"`

	// Credential is the module's own, which it has in the layout of before version 0.23; nil in the present one.
	Credential *session.Credential `yaml:"-"`

	byOID map[oid.OID]*Metric
}

// Metric is an object, and what it becomes.
type Metric struct {
	Name       string               `yaml:"name"`
	OID        OID                  `yaml:"oid"`
	Type       string               `yaml:"type"`
	Help       string               `yaml:"help"`
	Indexes    []Index              `yaml:"indexes"`
	Lookups    []Lookup             `yaml:"lookups"`
	Extracts   map[string][]Extract `yaml:"regex_extracts"`
	EnumValues map[int]string       `yaml:"enum_values"`
	Pattern    string               `yaml:"datetime_pattern"`
	Offset     float64              `yaml:"offset"`
	Scale      float64              `yaml:"scale"`

	layout string // Pattern as package time has it
}

// Index is a part of a row's index, and the label that it becomes.
type Index struct {
	Label      string         `yaml:"labelname"`
	Type       string         `yaml:"type"`
	FixedSize  int            `yaml:"fixed_size"`
	Implied    bool           `yaml:"implied"`
	EnumValues map[int]string `yaml:"enum_values"`
}

// Lookup is a label whose value is another object of the row; without Labels the label is left out.
type Lookup struct {
	Labels     []string       `yaml:"labels"`
	Label      string         `yaml:"labelname"`
	OID        OID            `yaml:"oid"`
	Type       string         `yaml:"type"`
	EnumValues map[int]string `yaml:"enum_values"`
}

// Extract makes a number of a text that Regex matches as a whole.
type Extract struct {
	Regex Pattern `yaml:"regex"`
	Value string  `yaml:"value"`
}

// Filter has objects read only of the rows of which another matches one of Values.
type Filter struct {
	OID     OID       `yaml:"oid"`
	Targets []OID     `yaml:"targets"`
	Values  []Matcher `yaml:"values"`
}

// OID is an oid.OID in YAML.
type OID struct{ oid.OID }

// UnmarshalYAML reads the dotted form.
func (o *OID) UnmarshalYAML(n *yaml.Node) (err error) {
	o.OID, err = oid.Parse(n.Value)
	return err
}

// Pattern is a regular expression in YAML that matches a text as a whole.
type Pattern struct{ *regexp.Regexp }

// UnmarshalYAML compiles it.
func (p *Pattern) UnmarshalYAML(n *yaml.Node) (err error) {
	p.Regexp, err = regexp.Compile("^(?:" + n.Value + ")$")
	return err
}

// Matcher is a regular expression in YAML that matches a part of a text.
type Matcher struct{ *regexp.Regexp }

// UnmarshalYAML compiles it.
func (m *Matcher) UnmarshalYAML(n *yaml.Node) (err error) {
	m.Regexp, err = regexp.Compile(n.Value)
	return err
}

// snmp_exporter's defaults, and the most repetitions that fit a datagram.
const (
	defaultRepetitions = 25
	mostRepetitions    = 255
	defaultRetries     = 3
	defaultTimeout     = 5 * time.Second
)

// UnmarshalYAML reads a module, with the defaults of snmp_exporter.
func (m *Module) UnmarshalYAML(n *yaml.Node) error {
	type plain Module
	*m = Module{MaxRepetitions: defaultRepetitions, Retries: defaultRetries, Timeout: defaultTimeout}
	if err := n.Decode((*plain)(m)); err != nil {
		return err
	}
	m.MaxRepetitions = min(max(m.MaxRepetitions, 1), mostRepetitions)
	m.byOID = make(map[oid.OID]*Metric, len(m.Metrics))
	for _, x := range m.Metrics {
		if x == nil || x.Name == "" || x.OID.IsEmpty() {
			return errors.New("a metric needs a name and an oid")
		}
		for _, i := range x.Indexes {
			if !indexTypes[i.Type] {
				return fmt.Errorf("metric %s: unknown type %q of the index %s", x.Name, i.Type, i.Label)
			}
			if i.FixedSize < 0 || i.FixedSize > oid.MaxLen {
				return fmt.Errorf("metric %s: fixed_size %d of the index %s", x.Name, i.FixedSize, i.Label)
			}
		}
		for _, extracts := range x.Extracts {
			for _, e := range extracts {
				if e.Regex.Regexp == nil {
					return fmt.Errorf("metric %s: an extract without a regex", x.Name)
				}
			}
		}
		if x.Type == "ParseDateAndTime" {
			if x.layout = directives.Replace(x.Pattern); strings.Contains(x.layout, "%") || x.layout == "" {
				return fmt.Errorf("metric %s: datetime_pattern %q has directives that are not known here", x.Name, x.Pattern)
			}
		}
		m.byOID[x.OID.OID] = x
	}
	return nil
}

// directives are those of strptime as package time has them.
var directives = strings.NewReplacer("%a", "Mon", "%A", "Monday", "%b", "Jan", "%B", "January", "%d", "2", "%e", "_2", "%H", "15", "%I", "3", "%m", "1", "%M", "4", "%p", "PM",
	"%S", "5", "%y", "06", "%Y", "2006", "%z", "-0700", "%Z", "MST", "%T", "15:4:5", "%D", "1/2/06", "%F", "2006-1-2")

// auth is an entry of auths, and in the older layout what a module and its key auth say together.
type auth struct {
	Version       int           `yaml:"version"`
	Community     secret.String `yaml:"community"`
	SecurityLevel string        `yaml:"security_level"`
	Username      string        `yaml:"username"`
	Password      secret.String `yaml:"password"`
	AuthProtocol  string        `yaml:"auth_protocol"`
	PrivProtocol  string        `yaml:"priv_protocol"`
	PrivPassword  secret.String `yaml:"priv_password"`
	ContextName   string        `yaml:"context_name"`
}

func (a auth) credential() (session.Credential, error) {
	var c session.Credential
	switch a.Version {
	case 0, 2:
		c.Version = snmp.V2c
	case 1:
		c.Version = snmp.V1
	case 3:
		c.Version = snmp.V3
	default:
		return c, fmt.Errorf("version %d: write 1, 2 or 3", a.Version)
	}
	if c.Version != snmp.V3 {
		if c.Community = a.Community; c.Community.IsZero() {
			c.Community = secret.New("public")
		}
		return c, c.Validate()
	}
	c.User, c.Context = a.Username, a.ContextName
	var err1, err2 error
	switch a.SecurityLevel {
	case "", "noAuthNoPriv":
	case "authPriv":
		c.PrivPassword = a.PrivPassword
		c.Priv, err2 = session.ParsePrivProtocol(cmp.Or(a.PrivProtocol, "DES"))
		fallthrough
	case "authNoPriv":
		c.AuthPassword = a.Password
		c.Auth, err1 = session.ParseAuthProtocol(cmp.Or(a.AuthProtocol, "MD5"))
	default:
		return c, fmt.Errorf("security_level %q: write noAuthNoPriv, authNoPriv or authPriv", a.SecurityLevel)
	}
	return c, errors.Join(err1, err2, c.Validate())
}

// Parse reads an snmp.yml: the layout with auths and modules, and the older one whose top level is the modules. A file with a mistake in a part that is
// not used is no error: modules that cannot be read are in broken, with why.
func Parse(text []byte) (c Config, broken map[string]error, err error) {
	modules, authNode, old, err := snmpyml.Split(text)
	if err != nil {
		return c, nil, err
	}
	c = Config{Auths: map[string]session.Credential{}, Modules: map[string]*Module{}}
	broken = map[string]error{}
	if !authNode.IsZero() {
		var auths map[string]auth
		if err := authNode.Decode(&auths); err != nil {
			return c, nil, errors.New("auths: they are not of snmp_exporter's form") // the words might show a secret
		}
		for name, a := range auths {
			if c.Auths[name], err = a.credential(); err != nil {
				delete(c.Auths, name)
				broken[name] = fmt.Errorf("auth %s: %w", name, err)
			}
		}
	}
	for name, node := range modules {
		m := &Module{}
		if err := node.Decode(m); err != nil {
			broken[name] = fmt.Errorf("module %s: %w", name, err)
			continue
		}
		if old {
			if m.Credential, err = oldCredential(&node); err != nil {
				broken[name] = fmt.Errorf("module %s: %w", name, err)
				continue
			}
		}
		c.Modules[name] = m
	}
	return c, broken, nil
}

// oldCredential reads the credential of a module of the older layout.
func oldCredential(n *yaml.Node) (*session.Credential, error) {
	var m struct {
		Version int  `yaml:"version"`
		Auth    auth `yaml:"auth"`
	}
	if n.Decode(&m) != nil {
		return nil, errors.New("auth: it is not of snmp_exporter's form")
	}
	m.Auth.Version = m.Version
	c, err := m.Auth.credential()
	return &c, err
}
