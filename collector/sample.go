package collector

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
)

// tag is a tag that samples of a part have: a value of the target's, or one of the row's.
type tag struct {
	name  string
	value string
	from  int // the column; fixed: value; fromIndex: the row's index
}

const (
	fixed     = -1
	fromIndex = -2
)

// template appends the tags that rows of part may have, in the order of their names. A label gives way to a tag of the same name.
func (p *poller) template(dst []tag, part *part) []tag {
	dst = append(dst, tag{"agent_host", p.host, fixed}, tag{"device", p.target.Name, fixed}, tag{"hostname", p.hostname, fixed})
	for _, c := range part.tags {
		dst = append(dst, tag{part.objects[c].Name, "", c})
	}
	for i, o := range part.derived {
		if o.Tag {
			dst = append(dst, tag{o.Name, "", len(part.objects) + i})
		}
	}
	for _, i := range part.hidden {
		dst = append(dst, tag{part.derived[i].Name, "", len(part.objects) + i})
	}
	if part.vlan.name != "" {
		dst = append(dst, part.vlan)
	}
	if part.table != nil && part.table.Index.Name != "" {
		dst = append(dst, tag{part.table.Index.Name, "", fromIndex})
	}
	for _, name := range slices.Sorted(maps.Keys(p.target.Labels)) {
		if !slices.ContainsFunc(dst, func(t tag) bool { return t.name == name }) {
			dst = append(dst, tag{name, p.target.Labels[name], fixed})
		}
	}
	slices.SortFunc(dst, func(a, b tag) int { return cmp.Compare(a.name, b.name) })
	return dst
}

// appendTags appends the tags of a row. Empty ones are left out: most stores cannot tell them from absent ones.
func (p *part) appendTags(dst []metric.Tag, template []tag, g *grid, r row) []metric.Tag {
	for _, t := range template {
		value := t.value
		switch {
		case t.from >= len(p.objects):
			i := t.from - len(p.objects)
			if !p.derived[i].Tag && !r.twin {
				continue
			}
			value = p.derivedText(i, r.derived)
		case t.from >= 0:
			value = p.text(&p.objects[t.from], g.values(r.at)[t.from], g.values(r.at))
		case t.from == fromIndex:
			if p.table.Index.Field && !r.twin {
				continue
			}
			value = g.index[r.at].String()
		}
		if value != "" {
			dst = append(dst, metric.Tag{Name: t.name, Value: value})
		}
	}
	return dst
}

// rateSeconds is the field with the time that all rates of a sample span.
const rateSeconds = "rate_seconds"

// appendFields appends the fields of row r. A value of the wrong type is left out, and so is a counter that was not judged.
func (p *poller) appendFields(dst []metric.Field, part *part, g *grid, r row, counted []counter.Row) []metric.Field {
	start := len(dst)
	k := -1 // the position among the counters
	for c, v := range g.values(r.at) {
		o := &part.objects[c]
		if o.Type.counter() {
			k++
		}
		if v.Kind() == snmp.KindNull || o.Tag {
			continue
		}
		f := metric.Field{Name: o.Name}
		if o.Type.counter() {
			if v.Kind() != o.kind() {
				p.wrongType(part, c, v)
				continue
			}
			if r.judged < 0 || counted[r.judged].Verdicts[k] == counter.None {
				if o.served != 0 {
					p.wrongType(part, c, v)
				}
				continue
			}
			f.Kind, f.Num, f.Rate, f.Verdict = metric.Counter32, counterValue(v), counted[r.judged].Rates[k], counted[r.judged].Verdicts[k]
			if v.Kind() == snmp.KindCounter64 {
				f.Kind = metric.Counter64
			}
			dst = append(dst, f)
			continue
		}
		if len(o.Extract) > 0 {
			dst = extract(dst, o, v)
			continue
		}
		ok := field(&f, o, v)
		switch {
		case o.beyond(v):
			continue
		case !ok:
			p.wrongType(part, c, v)
			continue
		case !part.scale(&f, o, g.values(r.at)):
			p.unscaled(part, c)
			continue
		case o.Subtype != "":
			f.Str = part.text(o, v, g.values(r.at))
		}
		dst = append(dst, f)
	}
	for i := range part.derived {
		o := &part.derived[i]
		f := metric.Field{Name: o.Name}
		if v := r.derived[i]; part.derivedField(i) && v.Kind() != snmp.KindNull && field(&f, o, v) {
			dst = append(dst, f)
		}
	}
	if len(dst) > start && part.table != nil && part.table.Index.Field {
		dst = append(dst, metric.Field{Name: part.table.Index.Name, Kind: metric.Integer, Num: uint64(r.index)})
	}
	if r.judged >= 0 && slices.ContainsFunc(counted[r.judged].Verdicts, counter.Verdict.HasRate) {
		dst = append(dst, metric.Field{Name: rateSeconds, Kind: metric.Float, Num: math.Float64bits(counted[r.judged].Elapsed.Seconds())})
	}
	return dst
}

// wrongType counts a value whose type is not its object's, and logs the first of each object.
func (p *poller) wrongType(part *part, c int, v snmp.Value) {
	p.stats.wrongType()
	if part.warn(c) {
		text := "the agent serves an object with a wrong type; it is left out"
		if part.objects[c].served != 0 {
			text = "the agent serves a counter as another number; it is left out until it was seen to count"
		}
		p.log.Warn(text, "object", part.objects[c].Name, "type", v.Kind().String(), "expected", string(part.objects[c].Type))
	}
}

// unscaled counts a sensor's value of which the agent does not say what it is to be multiplied by, and logs the first.
func (p *poller) unscaled(part *part, c int) {
	p.stats.wrongType()
	if part.warn(c) {
		p.log.Warn("the agent does not say how a sensor's value is scaled; it is left out", "object", part.objects[c].Name)
	}
}

// warn reports whether what is wrong with object c has not been logged yet.
func (p *part) warn(c int) bool {
	if p.warned == nil {
		p.warned = map[int]bool{}
	}
	was := p.warned[c]
	p.warned[c] = true
	return !was
}

// report logs what the tracker found, one line for each kind, and counts it.
func (p *poller) report(part *part, rows []counter.Row, findings []counter.Finding) {
	type kind struct {
		kind    counter.FindingKind
		cleared bool
	}
	first, count := map[kind]counter.Finding{}, map[kind]int{}
	for _, f := range findings {
		k := kind{f.Kind, f.Cleared}
		if _, ok := first[k]; !ok {
			first[k] = f
		}
		count[k]++
		if !f.Cleared {
			p.stats.finding(f.Kind)
		}
	}
	for k, f := range first {
		args := []any{"measurement", part.measurement, "finding", k.kind.String()}
		if f.Row >= 0 {
			args = append(args, "row", rows[f.Row].Name, "rows", count[k])
		}
		if f.Column >= 0 {
			args = append(args, "object", part.objects[part.counters[f.Column]].Name)
		}
		if f.Period > 0 {
			args = append(args, "period", f.Period)
		}
		switch {
		case k.cleared:
			p.log.Info("no longer so", args...)
		case k.kind == counter.SpeedAssumed:
			p.log.Info("the speed of interfaces is assumed", args...)
		default:
			p.log.Warn("some rates cannot be had, or only with doubt", args...)
		}
	}
}
