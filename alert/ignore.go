package alert

import (
	"regexp"
	"slices"
	"strings"
	"time"
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
	return fits(m.Device, d.name) && fits(m.Name, r.name) && fits(m.Alias, p.alias) &&
		(m.Descr == nil || m.Descr.MatchString(r.sample.Tag("ifDescr"))) &&
		(len(m.Type) == 0 || slices.Contains(m.Type, int64(p.kind))) &&
		(m.SpeedBelow == 0 || p.linkSpeed > 0 && p.linkSpeed < float64(m.SpeedBelow))
}

// looksAt takes what a port is ignored by from its row r, and reports whether rules look at it. The answer is worked out when something changed.
func (e *Engine) looksAt(d *device, p *port, r *row) bool {
	changed := p.configs != e.configs
	if _, ok := r.get(ifAlias); ok {
		if r.alias != p.alias {
			p.alias, changed = strings.Clone(r.alias), true
		}
		r.alias = p.alias // so that nothing keeps what the poll read
	}
	if f, ok := r.get(ifType); ok && int32(f.Num) != p.kind {
		p.kind, changed = int32(f.Num), true
	}
	if s := r.speed(); s > 0 && s != p.linkSpeed {
		p.linkSpeed, changed = s, true
	}
	if changed {
		p.configs = e.configs
		p.ignored = e.cfg.NoAlert != "" && strings.Contains(strings.ToLower(p.alias), strings.ToLower(e.cfg.NoAlert)) ||
			slices.ContainsFunc(e.cfg.Ignore, func(m InterfaceMatch) bool { return m.fits(d, p, r) })
	}
	return !p.ignored
}

// ignore ends what there is of p.
func (e *Engine) ignore(ts []Transition, d *device, p *port, poll *Poll) []Transition {
	ts = e.quiet(ts, d, p, poll.At, Ignored)
	return e.dropOf(ts, d, poll.At, Ignored, func(k conditionKey, c *condition) bool {
		return k.key == p.key && (c.measurement == interfaceTable || c.measurement == ethernetTable)
	})
}

// quiet ends the mismatch of p, and what is known of how often it came and went.
func (e *Engine) quiet(ts []Transition, d *device, p *port, at time.Time, why Reason) []Transition {
	if p.flaps.kind != "" {
		p.own().flaps = flaps{}
		e.touch(d)
	}
	if p.listedPolls > 0 {
		p.own().listedPolls = 0
	}
	if p.alert != nil {
		ts = e.resolve(ts, &p.own().alert, at, why)
	}
	p.slim()
	return ts
}
