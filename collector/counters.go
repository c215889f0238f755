package collector

import (
	"slices"

	"walkabout/snmp"
)

// kind is the only kind of value that a counter has; 0 for what is no counter. A TypeCounter is one of 64 bits until the agent shows that it is not.
func (t Type) kind() snmp.Kind {
	switch t {
	case TypeCounter32:
		return snmp.KindCounter32
	case TypeCounter, TypeCounter64:
		return snmp.KindCounter64
	}
	return 0
}

// kind is what values of o, a counter, are of.
func (o *Object) kind() snmp.Kind {
	if o.served != 0 {
		return o.served
	}
	return o.Type.kind()
}

// counterValue is v, a counter or what is served in the place of one, as a number without a sign.
func counterValue(v snmp.Value) uint64 {
	if v.Kind() == snmp.KindInteger {
		return uint64(uint32(v.Int()))
	}
	return v.Uint()
}

// learnCounters finds out how wide the counters of the part are, by the first rows that tell: a TypeCounter is of 32 bits or of 64, and there are agents
// that serve an object of the one type with the other, more often than not the wider. Such a Counter64 is judged as what it is. What is an INTEGER or a
// Gauge32 in all rows is judged as counter.Column says of Loose ones.
func (p *part) learnCounters(g *grid, rows int) error {
	if p.learned || rows == 0 || p.narrow { // a narrow grid has no counters
		return nil
	}
	p.learned = true
	var objects []Object // nil while nothing was learned
	for _, c := range p.counters {
		o := p.objects[c]
		if o.served != 0 {
			continue // known since another column was waited for
		}
		kind, all := kindOf(g, rows, c)
		if kind == 0 {
			o.served = numberOf(g, rows, c)
		}
		switch {
		case o.served != 0 && o.Type == TypeCounter:
			o.Type, o.MaxRate = TypeCounter32, 0 // as below
		case o.served != 0:
			o.Type = TypeCounter32
		case o.Type == TypeCounter && kind == 0:
			p.learned = false
			continue
		case o.Type == TypeCounter && kind == snmp.KindCounter32:
			o.Type, o.MaxRate = TypeCounter32, 0 // what 64 bits can count would make every fall of 32 a riddle
		case o.Type == TypeCounter, o.Type == TypeCounter32 && kind == snmp.KindCounter64 && all:
			o.Type = TypeCounter64
		default:
			continue
		}
		if objects == nil {
			objects = slices.Clone(p.objects)
		}
		objects[c] = o
	}
	if objects == nil {
		return nil
	}
	learned, err := p.with(objects)
	if err != nil {
		return err
	}
	p.layout = learned
	return p.track()
}

// kindOf returns the kind of counter that the first row which has one has in a column, 0 if none has, and whether all others have the same.
func kindOf(g *grid, rows, c int) (first snmp.Kind, all bool) {
	for r := range rows {
		switch kind := g.values(r)[c].Kind(); {
		case kind != snmp.KindCounter32 && kind != snmp.KindCounter64:
		case first == 0:
			first = kind
		case first != kind:
			return first, false
		}
	}
	return first, true
}

// numberOf returns the kind of number, Integer or Gauge32, that all rows which have something in a column have; 0 if there is none.
func numberOf(g *grid, rows, c int) (all snmp.Kind) {
	for r := range rows {
		switch kind := g.values(r)[c].Kind(); {
		case kind == snmp.KindNull || kind == all:
		case all == 0 && (kind == snmp.KindInteger || kind == snmp.KindGauge32):
			all = kind
		default:
			return 0
		}
	}
	return all
}

// forgetCounters makes the counters be learned anew: the agent is not the one that it was.
func (p *part) forgetCounters() error {
	p.learned = false
	if p.layout == p.declared {
		return nil
	}
	p.layout = p.declared
	return p.track()
}
