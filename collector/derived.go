package collector

import (
	"slices"
	"strconv"

	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// source says where a value of a row is: a column, or behind them what is derived of its index and of other tables.
type source int

// link is a Lookup of a part.
type link struct {
	object Object   // the column that it takes
	by     []source // empty: the whole index
	index  []smi.IndexPart
}

// sieve is a Filter of a part.
type sieve struct {
	Filter
	of source
}

// newDerived gives l what its table's rows have beside columns.
func (l *layout) newDerived() {
	t := l.table
	l.derived = t.derived()
	find := func(name string) source {
		for i, o := range l.objects {
			if o.Name == name {
				return source(i)
			}
		}
		for i, o := range l.derived {
			if o.Name == name {
				return source(len(l.objects) + i)
			}
		}
		return -1
	}
	for _, i := range t.Indexes {
		if i.Field || i.Drop {
			l.hidden = append(l.hidden, len(l.index))
		}
		l.index = append(l.index, smi.IndexPart{Name: i.Name, Syntax: i.syntax, Implied: i.Implied})
	}
	for i := range t.Lookups {
		k := link{object: t.Lookups[i].object, index: t.Lookups[i].index}
		for _, name := range t.Lookups[i].By {
			k.by = append(k.by, find(name))
		}
		l.links = append(l.links, k)
	}
	for _, f := range t.Filters {
		l.sieves = append(l.sieves, sieve{f, find(f.Of)})
	}
}

// derive returns the values of p.derived for a row.
func (p *part) derive(index oid.OID, values []snmp.Value) []snmp.Value {
	if len(p.derived) == 0 {
		return nil
	}
	out := make([]snmp.Value, 0, len(p.derived))
	if len(p.index) > 0 {
		parts, err := smi.DecodeIndex(p.index, index)
		if err != nil { // an agent that indexes otherwise: what is left is told apart by the whole
			parts = make([]snmp.Value, len(p.index))
			parts[0] = snmp.OctetString(index.String())
		}
		out = append(out, parts...)
	}
	for i, k := range p.links {
		out = append(out, k.find(p.tables[i], index, values, out))
	}
	return out
}

// find returns what the link leads to in table; NULL if it leads nowhere. derived are the values that come before it.
func (k *link) find(table *lookupTable, index oid.OID, values, derived []snmp.Value) snmp.Value {
	if len(k.by) == 0 {
		return table.get(index)
	}
	var key oid.OID
	for i, by := range k.by {
		v := at(values, derived, by)
		if v.Kind() == snmp.KindNull {
			return v
		}
		var part smi.IndexPart
		if i < len(k.index) {
			part = k.index[i]
		}
		arcs, err := part.Encode(v)
		if err != nil {
			return snmp.Null
		}
		key = key.Join(arcs)
	}
	return table.get(key)
}

func at(values, derived []snmp.Value, s source) snmp.Value {
	if int(s) < len(values) {
		return values[s]
	}
	return derived[int(s)-len(values)]
}

// object returns what s is a value of.
func (p *part) object(s source) *Object {
	if int(s) < len(p.objects) {
		return &p.objects[s]
	}
	return &p.derived[int(s)-len(p.objects)]
}

// derivedName joins what other tables say of a row: with the index it tells whether it is the row that it was.
func (p *part) derivedName(derived []snmp.Value) string {
	name := ""
	for i := len(p.index); i < len(p.derived); i++ {
		if p.derived[i].Tag {
			name += p.derivedText(i, derived) + " "
		}
	}
	return name
}

// passes reports whether a row makes a sample.
func (p *part) passes(values, derived []snmp.Value) bool {
	for i := range p.sieves {
		if !p.sieves[i].passes(p.object(p.sieves[i].of), at(values, derived, p.sieves[i].of)) {
			return false
		}
	}
	return true
}

func (s *sieve) passes(o *Object, v snmp.Value) bool {
	word := ""
	if v.Kind() != snmp.KindNull {
		word = o.syntax.Text(v)
		if o.Type == TypeDescriptor {
			word, _ = text(o, v)
		}
	}
	found := false
	if s.Match.Regexp != nil {
		found = s.Match.MatchString(word) || v.IsNumber() && s.Match.MatchString(strconv.FormatInt(v.Int(), 10))
	} else {
		found = slices.Contains(s.In, word) || v.IsNumber() && slices.Contains(s.In, strconv.FormatInt(v.Int(), 10))
	}
	return found != s.Not
}
