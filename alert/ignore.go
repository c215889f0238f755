package alert

import (
	"regexp"
	"slices"
	"strings"
)

// InterfaceMatch fits an interface of which all holds that is given. Regular expressions match the whole value.
type InterfaceMatch struct {
	Device     *regexp.Regexp            // of the target's name
	Name       *regexp.Regexp            // of ifName; of ifDescr where there is no ifName
	Descr      *regexp.Regexp            // of ifDescr
	Alias      *regexp.Regexp            // of ifAlias
	Type       []int64                   // of ifType: IANAifType
	SpeedBelow uint64                    // bits per second, 0: any
	Labels     map[string]*regexp.Regexp // of the target's labels
}

func fits(re *regexp.Regexp, text string) bool { return re == nil || re.MatchString(text) }

func (m *InterfaceMatch) fits(d *device, p *port, r *row) bool {
	for name, re := range m.Labels {
		if !fits(re, d.target.Labels[name]) {
			return false
		}
	}
	return fits(m.Device, d.name) && fits(m.Name, r.name) && fits(m.Alias, p.traits.alias) &&
		(m.Descr == nil || m.Descr.MatchString(r.sample.Tag("ifDescr"))) &&
		(len(m.Type) == 0 || slices.Contains(m.Type, p.traits.kind)) &&
		(m.SpeedBelow == 0 || p.traits.speed > 0 && p.traits.speed < float64(m.SpeedBelow))
}

// traits are what an interface is ignored by, as it was last told.
type traits struct {
	alias  string
	kind   int64   // ifType
	speed  float64 // bits per second
	config uint64  // Engine.configs
}

// ignored reports whether no rule of interfaces looks at p, of which r is a row. The answer is worked out when something changed.
func (e *Engine) ignored(d *device, p *port, r *row) bool {
	now := p.traits
	now.config = e.configs
	if _, ok := r.get(ifAlias); ok {
		now.alias = r.alias
	}
	if f, ok := r.get(ifType); ok {
		now.kind = int64(f.Num)
	}
	if s := r.speed(); s > 0 {
		now.speed = s
	}
	if now == p.traits {
		return p.ignored
	}
	p.traits = now
	p.ignored = e.cfg.NoAlert != "" && strings.Contains(strings.ToLower(now.alias), strings.ToLower(e.cfg.NoAlert)) ||
		slices.ContainsFunc(e.cfg.Ignore, func(m InterfaceMatch) bool { return m.fits(d, p, r) })
	return p.ignored
}

// ignore ends what there is of p.
func (e *Engine) ignore(ts []Transition, d *device, p *port, poll *Poll) []Transition {
	if p.flaps.kind != "" {
		e.touch(d)
	}
	p.listed, p.flaps = nil, flaps{}
	if p.alert != nil {
		ts = e.resolve(ts, &p.alert, poll.At, Ignored)
	}
	return e.dropOf(ts, d, poll.At, Ignored, func(k conditionKey, c *condition) bool {
		return k.key == p.key && (c.measurement == interfaceTable || c.measurement == ethernetTable)
	})
}
