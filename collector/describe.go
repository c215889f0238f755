package collector

import (
	"time"

	"walkabout/counter"
	"walkabout/snmp/oid"
)

// FieldInfo is what a profile says of a field, beside its values.
type FieldInfo struct {
	Name   string
	OID    oid.OID
	Type   Type
	Labels []string // of a TypeEnum, in the order of their numbers; empty if no module names them
	// Numbers are the names of an enumeration's numbers, of a TypeInteger as well.
	Numbers map[int64]string
	Unit    counter.Unit // of counters
}

// Fields returns what p says of the fields of its measurements, in its order.
func (p *Profile) Fields() []FieldInfo {
	var out []FieldInfo
	add := func(o *Object) {
		if o.Tag || o.Name == "" {
			return
		}
		f := FieldInfo{Name: o.Name, OID: o.OID.OID, Type: o.Type, Unit: counter.Unit(o.Unit)}
		if len(o.syntax.Labels) > 0 && o.Type.number() {
			f.Numbers = make(map[int64]string, len(o.syntax.Labels))
			for _, l := range o.syntax.Labels {
				f.Numbers[l.Number] = l.Name
			}
		}
		if o.Type == TypeEnum {
			for _, l := range o.syntax.Labels {
				f.Labels = append(f.Labels, l.Name)
			}
		}
		out = append(out, f)
	}
	for i := range p.Scalars {
		for k := range p.Scalars[i].Objects {
			add(&p.Scalars[i].Objects[k])
		}
	}
	for i := range p.Tables {
		for k := range p.Tables[i].Columns {
			add(&p.Tables[i].Columns[k])
		}
	}
	return out
}

// Intervals returns how often each measurement of p is read of a target that is polled every interval.
func (p *Profile) Intervals(interval time.Duration) map[string]time.Duration {
	out := map[string]time.Duration{}
	every := max(interval, time.Duration(p.Interval))
	for _, s := range p.Scalars {
		out[s.Measurement] = every
	}
	for i := range p.Tables {
		out[p.Tables[i].Measurement] = max(every, time.Duration(p.Tables[i].Interval))
	}
	return out
}
