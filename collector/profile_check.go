package collector

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"walkabout/counter"
	"walkabout/internal/nearest"
	"walkabout/snmp/oid"
)

// maxObjects bounds a table's or group's objects; its counters are bounded to 64 by package counter.
const maxObjects = 128

// maxNamedRows bounds Table.Rows.
const maxNamedRows = 1000

// check finds what is wrong with a profile whose names are resolved.
func (r *profileReader) check(p *Profile) {
	if len(p.Scalars)+len(p.Tables) == 0 {
		r.fail(errors.New("neither scalars nor tables"))
	}
	if p.MaxRepetitions < 0 || p.MaxRepetitions > MaxMaxRepetitions {
		r.fail(fmt.Errorf("max_repetitions %d is not between 1 and %d", p.MaxRepetitions, MaxMaxRepetitions), "max_repetitions")
	}
	measurements := map[string]bool{}
	measurement := func(name string, path ...any) {
		switch {
		case name == "":
			r.fail(errors.New("no measurement"), path...)
		case measurements[name]:
			r.fail(fmt.Errorf("the measurement %q is there twice", name), append(path, "measurement")...)
		}
		measurements[name] = true
	}
	for i := range p.Scalars {
		measurement(p.Scalars[i].Measurement, "scalars", i)
		r.checkScalars(&p.Scalars[i], "scalars", i)
	}
	for i := range p.Tables {
		measurement(p.Tables[i].Measurement, "tables", i)
		r.checkTable(&p.Tables[i], "tables", i)
	}
}

func (r *profileReader) checkScalars(s *Scalars, at ...any) {
	r.checkObjects(s.Objects, nil, nil, append(at, "objects")...)
	r.refers(s.Objects, s.Discontinuity, append(at, "discontinuity")...)
	for i, o := range s.Objects {
		r.refers(s.Objects, o.Subtype, append(at, "objects", i, "subtype")...)
		if o.Tag || o.Slow {
			r.fail(fmt.Errorf("%s: tag and slow are for columns of tables", o.Name), append(at, "objects", i)...)
		}
		if o.Unit != Unit(counter.Events) {
			r.fail(fmt.Errorf("%s: the unit needs an interface, which bounds it", o.Name), append(at, "objects", i)...)
		}
	}
}

func (r *profileReader) checkTable(t *Table, at ...any) {
	in := func(path ...any) []any { return append(slices.Clone(at), path...) }
	derived := t.derived()
	r.checkObjects(t.Columns, append([]string{t.Index.Name}, names(derived)...), derived, in("columns")...)
	r.refers(t.Columns, t.Discontinuity, in("discontinuity")...)
	for _, name := range t.Identity {
		r.refers(t.Columns, name, in("identity")...)
	}
	switch {
	case t.Index.Name != "" && len(t.Indexes) > 0:
		r.fail(errors.New("index is the whole of it, indexes its parts: keep one of them"), in("indexes")...)
	case t.Index.Name == "" && len(t.Indexes) == 0:
		r.fail(errors.New("index needs a name: no MIB module that is known says what the first column's row is indexed by"), at...)
	case t.Index.Field && len(t.Identity) == 0:
		r.fail(errors.New("an index that is no tag needs identity, or rows cannot be told apart"), in("index")...)
	}
	if l := t.Interface; l != nil {
		for _, name := range []string{l.HighSpeed, l.Speed, l.MTU, l.Type} {
			r.refers(t.Columns, name, in("interface")...)
		}
	}
	if len(t.Rows) > maxNamedRows {
		r.fail(fmt.Errorf("%d rows; at most %d can be asked for by name", len(t.Rows), maxNamedRows), in("rows")...)
	}
	for i, o := range t.Changes {
		if o.Len() < 3 {
			r.fail(fmt.Errorf("changes: %v is no object's", o), in("changes", i)...)
		}
	}
	for i, o := range t.Columns {
		r.checkColumn(t, o, in("columns", i)...)
	}
	r.checkDerived(t, at...)
}

func (r *profileReader) checkColumn(t *Table, o Object, at ...any) {
	if o.Slow && (o.Type.counter() || o.Tag || o.Name == t.Discontinuity || slices.Contains(t.Identity, o.Name)) {
		r.fail(fmt.Errorf("%s: counters, tags, identity and discontinuity cannot be slow: they must be of one moment", o.Name), at...)
	}
	if slices.Contains(t.Identity, o.Name) && !o.Tag && t.Index.Field {
		r.fail(fmt.Errorf("%s: an identity must be a tag where the index is none", o.Name), at...)
	}
	if o.Unit != Unit(counter.Events) && t.Interface == nil {
		r.fail(fmt.Errorf("%s: the unit needs interface, which bounds it", o.Name), at...)
	}
	r.refers(t.Columns, o.Subtype, append(at, "subtype")...)
	if s := o.Sensor; s != nil {
		r.refers(t.Columns, s.Scale, append(at, "sensor")...)
		r.refers(t.Columns, s.Precision, append(at, "sensor")...)
	}
}

// checkDerived checks the parts of the index, the lookups and the filters.
func (r *profileReader) checkDerived(t *Table, at ...any) {
	in := func(path ...any) []any { return append(slices.Clone(at), path...) }
	for i, p := range t.Indexes {
		switch {
		case p.Name == "" || p.Type == "":
			r.fail(errors.New("a part of an index needs a name and a type, or the oid of an object that is known"), in("indexes", i)...)
		case !slices.Contains(types, p.Type) || p.Type.counter() || p.Type == TypeFloat:
			r.fail(fmt.Errorf("%s: a part of an index is not of the type %q; integer, string, display, oid, ip, physaddress, inetaddress and enum are", p.Name, p.Type), in("indexes", i)...)
		case p.Implied && i < len(t.Indexes)-1:
			r.fail(fmt.Errorf("%s: only the last part of an index is implied", p.Name), in("indexes", i)...)
		}
	}
	known := append(names(t.Columns), names(t.derived()[:len(t.Indexes)])...)
	for i, l := range t.Lookups {
		for _, by := range l.By {
			if !slices.Contains(known, by) {
				r.fail(fmt.Errorf("by: no column, part of the index or earlier lookup is called %q%s", by, meant(by, known)), in("lookups", i)...)
			}
		}
		r.refers(t.derived()[len(t.Indexes):len(t.Indexes)+i], l.Subtype, in("lookups", i, "subtype")...)
		known = append(known, l.Name)
	}
	for i, f := range t.Filters {
		switch {
		case !slices.Contains(known, f.Of):
			r.fail(fmt.Errorf("of: no column, part of the index or lookup is called %q%s", f.Of, meant(f.Of, known)), in("filters", i)...)
		case (len(f.In) > 0) == (f.Match.Regexp != nil):
			r.fail(errors.New("a filter has either in or match"), in("filters", i)...)
		}
	}
	if v := t.VLANs; v != nil && (v.OID.Len() < 3 || slices.Contains(known, v.Tag)) {
		r.fail(errors.New("vlans needs the oid of a column, and a tag that nothing else is called"), in("vlans")...)
	}
}

func names(objects []Object) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, o.Name)
	}
	return out
}

func meant(word string, known []string) string {
	if near := nearest.Word(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; there are " + strings.Join(known, ", ")
}

// refers tells if name is neither empty nor an object.
func (r *profileReader) refers(objects []Object, name string, at ...any) {
	if name == "" || slices.ContainsFunc(objects, func(o Object) bool { return o.Name == name }) {
		return
	}
	r.fail(fmt.Errorf("%v: no column %q", at[len(at)-1], name), at...)
}

// checkObjects checks objects, which may not be called what is taken. derived are checked with them.
func (r *profileReader) checkObjects(objects []Object, taken []string, derived []Object, at ...any) {
	if len(objects) == 0 || len(objects) > maxObjects {
		r.fail(fmt.Errorf("%d objects; there must be 1 to %d", len(objects), maxObjects), at...)
	}
	used, oids := map[string]bool{}, map[oid.OID]bool{}
	for _, name := range taken {
		if name != "" && used[name] {
			r.fail(fmt.Errorf("the name %q is there twice among the parts of the index and the lookups", name), at[:len(at)-1]...)
		}
		used[name] = true
	}
	for i, o := range objects {
		if err := o.check(used, oids); err != nil {
			r.fail(err, append(slices.Clone(at), i)...)
		}
		used[o.Name], oids[o.OID.OID] = true, true
	}
	for _, o := range derived {
		if o.Type != "" && !slices.Contains(types, o.Type) {
			r.fail(unknownType(o), at[:len(at)-1]...)
		}
	}
	if _, err := counter.NewColumns(counterColumns(objects)); err != nil {
		r.fail(err, at...)
	}
}

func unknownType(o Object) error {
	if o.Type == "" {
		return fmt.Errorf("%s: no type: no MIB module that is known says what it is; types are %v", o.Name, types)
	}
	return fmt.Errorf("%s: unknown type %q; known are %v", o.Name, o.Type, types)
}

func (o *Object) check(used map[string]bool, oids map[oid.OID]bool) error {
	switch {
	case o.Name == "?": // was told
		return nil
	case o.Name == "" && !used[""]:
		return fmt.Errorf("no name: no MIB module that is known says what %v is", o.OID)
	case used[o.Name]:
		return fmt.Errorf("name %q is there twice", o.Name)
	case o.OID.Len() < 3 || oids[o.OID.OID]:
		return fmt.Errorf("%s: oid %v is no object's or there twice", o.Name, o.OID)
	case !slices.Contains(types, o.Type):
		return unknownType(*o)
	case o.Tag && o.Type.counter():
		return fmt.Errorf("%s: a counter cannot be a tag", o.Name)
	case !o.Type.counter() && (o.Unit != 0 || o.MaxRate != 0 || o.Twin != "" || o.Packets != nil || o.PacketsIfServed != nil):
		return fmt.Errorf("%s: unit, max_rate, twin and packets are for counters", o.Name)
	case (o.Factor != 0 || o.Offset != 0 || o.Sensor != nil) && (o.Tag || o.Type.counter() || !o.Type.number()):
		return fmt.Errorf("%s: factor and sensor are for fields that are numbers and no counters", o.Name)
	case o.Subtype != "" && o.Type != TypeDisplay:
		return fmt.Errorf("%s: subtype is for the type display", o.Name)
	case len(o.Extract) > 0 && (o.Tag || o.Type.counter()):
		return fmt.Errorf("%s: extract is for fields that are no counters", o.Name)
	case slices.Contains(BuiltInTags(), o.Name) && !o.Tag:
		return fmt.Errorf("%s: must be a tag, as it is elsewhere", o.Name)
	}
	for _, list := range o.Extract {
		if slices.ContainsFunc(list, func(e Extract) bool { return e.Regex.Regexp == nil }) {
			return fmt.Errorf("%s: extract: no regex", o.Name)
		}
	}
	return nil
}

// counterColumns returns the counters among objects, in their order.
func counterColumns(objects []Object) []counter.Column {
	var columns []counter.Column
	for _, o := range objects {
		if !o.Type.counter() {
			continue
		}
		bits := uint8(64)
		if o.Type == TypeCounter32 {
			bits = 32
		}
		columns = append(columns, counter.Column{
			Name: o.Name, Bits: bits, Unit: counter.Unit(o.Unit), MaxRate: o.MaxRate, Twin: o.Twin, Packets: o.Packets, IfServed: o.PacketsIfServed,
			Loose: o.served != 0,
		})
	}
	return columns
}
