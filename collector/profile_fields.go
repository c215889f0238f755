package collector

// FieldKind is how the value of a field of a measurement is held: as a number, or as a text.
type FieldKind uint8

// The kinds.
const (
	NumberField  FieldKind = iota + 1
	CounterField           // a number, and a rate beside it
	TextField
	TagField // a text that identifies the row
)

// RowFields returns the fields and tags that samples of p may have, by measurement and name, without those that all samples have (BuiltInTags).
func (p *Profile) RowFields() map[string]map[string]FieldKind {
	out := map[string]map[string]FieldKind{}
	add := func(measurement string, o Object) {
		fields := out[measurement]
		if fields == nil {
			fields = map[string]FieldKind{}
			out[measurement] = fields
		}
		kind := TextField
		switch {
		case o.Name == "":
			return
		case o.Tag:
			kind = TagField
		case o.Type.counter():
			kind = CounterField
		case o.Type.number():
			kind = NumberField
		}
		if len(o.Extract) == 0 {
			fields[o.Name] = kind
		}
		for suffix := range o.Extract {
			fields[o.Name+suffix] = NumberField
		}
	}
	for _, s := range p.Scalars {
		for _, o := range s.Objects {
			add(s.Measurement, o)
		}
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		for _, o := range append(t.derived(), t.Columns...) {
			add(t.Measurement, o)
		}
		if t.Index.Name != "" {
			add(t.Measurement, Object{Name: t.Index.Name, Type: TypeInteger, Tag: !t.Index.Field})
		}
		if t.VLANs != nil && t.VLANs.Tag != "" {
			add(t.Measurement, Object{Name: t.VLANs.Tag, Tag: true})
		}
	}
	return out
}
