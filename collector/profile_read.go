package collector

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"walkabout/collector/smi"
	"walkabout/internal/strictyaml"
	"walkabout/snmp/oid"
)

// ParseProfile reads a profile, with the names of objects from names. The error joins a *strictyaml.Error for each mistake, which knows its line.
func ParseProfile(text []byte, names smi.Resolver) (*Profile, error) {
	p := &Profile{}
	doc, mistakes := strictyaml.Decode(text, p)
	r := &profileReader{doc: doc, names: names, errs: mistakes}
	if len(mistakes) == 0 { // else more would be told of what is not there because it was not read
		r.resolve(p)
		r.check(p)
	}
	if len(r.errs) == 0 {
		return p, nil
	}
	slices.SortStableFunc(r.errs, func(a, b *strictyaml.Error) int { return a.Line - b.Line })
	errs := make([]error, 0, len(r.errs))
	for _, e := range r.errs {
		errs = append(errs, e)
	}
	return nil, errors.Join(errs...)
}

// profileReader resolves the names of a profile, gives what was left out its value, and collects what is wrong.
type profileReader struct {
	doc   strictyaml.Document
	names smi.Resolver
	errs  []*strictyaml.Error
}

// fail adds an error at what path leads to.
func (r *profileReader) fail(err error, path ...any) {
	r.errs = append(r.errs, &strictyaml.Error{Line: r.doc.Line(path...), Err: err})
}

func (r *profileReader) resolve(p *Profile) {
	if m := p.Match; m != nil {
		for i := range m.SysObjectID {
			r.oid(&m.SysObjectID[i])
		}
		for i := range m.Answers {
			r.oid(&m.Answers[i])
		}
	}
	for i := range p.Scalars {
		for k := range p.Scalars[i].Objects {
			r.object(&p.Scalars[i].Objects[k], smi.Scalar)
		}
	}
	for i := range p.Tables {
		r.table(&p.Tables[i])
	}
}

// oid resolves o, and returns what is known of it.
func (r *profileReader) oid(o *OID) (smi.Object, bool) {
	if o.name == "" {
		object, ok := r.names.Find(o.OID)
		return object, ok && object.OID == o.OID
	}
	object, err := r.names.Resolve(o.name)
	if err != nil {
		r.errs = append(r.errs, &strictyaml.Error{Line: o.line, Err: err})
		return object, false
	}
	o.OID = object.OID
	return object, true
}

// object resolves o and gives it the name, type and syntax of its definition. kind is what it must be.
func (r *profileReader) object(o *Object, kind smi.Kind) {
	before := len(r.errs)
	known, ok := r.oid(&o.OID)
	switch {
	case len(r.errs) > before:
		o.Name, o.Type = "?", TypeInteger // it was told; nothing more is to be said of it
		o.OID.OID = oid.New(1, 3, uint32(len(r.errs)), uint32(o.OID.line))
		return
	case ok && known.HasValue() && known.Kind != kind:
		r.errs = append(r.errs, &strictyaml.Error{Line: o.OID.line, Err: fmt.Errorf("%s is a %s; a %s is wanted here", known, known.Kind, kind)})
	case ok && !known.HasValue():
		r.errs = append(r.errs, &strictyaml.Error{Line: o.OID.line, Err: fmt.Errorf("%s is a %s, which has no value", known, known.Kind)})
	case ok:
		o.syntax = known.Syntax
		if o.Name == "" {
			o.Name = known.Name
		}
	}
	if o.Type == "" {
		o.Type = typeOf(o.syntax, o.Tag)
	}
	o.complete(r.names)
}

// complete makes the syntax of o what its Type, Labels and Hint say.
func (o *Object) complete(names smi.Resolver) {
	switch o.Type {
	case TypeBits:
		o.syntax.Base = smi.Bits
	case TypeDateAndTime:
		o.syntax = smi.Syntax{Base: smi.OctetString, Convention: "DateAndTime"}
	case TypeInetAddress:
		if !strings.HasPrefix(o.syntax.Convention, "InetAddress") {
			o.syntax = smi.Syntax{Base: smi.OctetString, Convention: "InetAddress"}
		}
	case TypePhysAddress:
		o.syntax.Base, o.syntax.Convention = smi.OctetString, "PhysAddress"
	case TypeString:
		if o.syntax.Base == smi.None {
			o.syntax.Base = smi.OctetString
		}
	case TypeDisplay:
		o.syntax.Base = smi.OctetString
		if o.Hint != "" {
			o.syntax.Hint = o.Hint
		}
	case TypeDescriptor:
		o.names = names
	}
	if len(o.Labels) == 0 {
		return
	}
	o.syntax.Labels = nil
	for n, name := range o.Labels {
		o.syntax.Labels = append(o.syntax.Labels, smi.Label{Number: n, Name: name})
	}
	slices.SortFunc(o.syntax.Labels, func(a, b smi.Label) int { return int(a.Number - b.Number) })
}

// typeOf returns how values of s are read unless a profile says otherwise; "" where s is not known.
func typeOf(s smi.Syntax, tag bool) Type {
	switch s.Base {
	case smi.Integer:
		if tag && len(s.Labels) > 0 {
			return TypeEnum
		}
		return TypeInteger
	case smi.Unsigned:
		return TypeGauge
	case smi.TimeTicks:
		return TypeTimeTicks
	case smi.Counter32:
		return TypeCounter32
	case smi.Counter64:
		return TypeCounter64
	case smi.ObjectIdentifier:
		return TypeOID
	case smi.IPAddress:
		return TypeIP
	case smi.Opaque:
		return TypeFloat
	case smi.Bits:
		return TypeBits
	case smi.OctetString:
		return typeOfOctets(s)
	}
	return ""
}

func typeOfOctets(s smi.Syntax) Type {
	switch {
	case s.Convention == "PhysAddress" || s.Convention == "MacAddress":
		return TypePhysAddress
	case s.Convention == "DateAndTime":
		return TypeDateAndTime
	case strings.HasPrefix(s.Convention, "InetAddress"):
		return TypeInetAddress
	case s.Hint == "255a" || s.Hint == "255t" || s.Convention == "DisplayString" || s.Convention == "SnmpAdminString":
		return TypeString
	}
	return TypeDisplay
}

func (r *profileReader) table(t *Table) {
	for i := range t.Columns {
		r.object(&t.Columns[i], smi.Column)
	}
	for i := range t.Changes {
		r.oid(&t.Changes[i])
	}
	for i := range t.Indexes {
		r.indexPart(&t.Indexes[i])
	}
	if t.Index.Name == "" && len(t.Indexes) == 0 && len(t.Columns) > 0 {
		t.Indexes = r.indexOf(t.Columns[0].OID.OID)
	}
	for i := range t.Lookups {
		l := &t.Lookups[i]
		l.object = Object{Name: l.Name, OID: l.OID, Type: l.Type, Labels: l.Labels, Subtype: l.Subtype, Tag: !l.Field}
		r.object(&l.object, smi.Column)
		l.Name, l.OID, l.Type = l.object.Name, l.object.OID, l.object.Type
		if known, ok := r.names.Find(l.OID.OID); ok && known.OID == l.OID.OID {
			l.index = smi.RowIndex(r.names, known)
		}
	}
	if t.VLANs != nil {
		t.VLANs.object = Object{OID: t.VLANs.OID}
		r.object(&t.VLANs.object, smi.Column)
		t.VLANs.OID = t.VLANs.object.OID
		if t.VLANs.object.Type == "" { // nothing is known of it but its numbers
			t.VLANs.object.Name, t.VLANs.object.Type = "vlan", TypeInteger
		}
		if t.VLANs.Tag == "" {
			t.VLANs.Tag = "vlan"
		}
	}
}

// indexOf returns the parts of the index of the row that a column is of, as tags; nil if it is not known.
func (r *profileReader) indexOf(column oid.OID) []IndexPart {
	object, ok := r.names.Find(column)
	if !ok || object.OID != column {
		return nil
	}
	var parts []IndexPart
	for _, p := range smi.RowIndex(r.names, object) {
		parts = append(parts, IndexPart{Name: p.Name, Type: typeOf(p.Syntax, true), Size: p.Syntax.Size, Implied: p.Implied, syntax: p.Syntax})
	}
	return parts
}

// indexPart gives p the syntax of its object or of its type.
func (r *profileReader) indexPart(p *IndexPart) {
	if p.OID.name != "" || !p.OID.IsEmpty() {
		if known, ok := r.oid(&p.OID); ok {
			p.syntax = known.Syntax
			if p.Name == "" {
				p.Name = known.Name
			}
		}
	}
	if p.Type == "" {
		p.Type = typeOf(p.syntax, true)
	}
	o := Object{Type: p.Type, Labels: p.Labels, syntax: p.syntax}
	o.complete(r.names)
	p.syntax = o.syntax
	if p.syntax.Base == smi.None {
		p.syntax.Base = bases[p.Type]
	}
	if p.Type == TypePhysAddress && p.Size == 0 && !p.Implied && p.OID.IsEmpty() {
		p.Size = 6
	}
	if p.Size > 0 {
		p.syntax.Size = p.Size
	}
}

// bases are what parts of an index are encoded as.
var bases = map[Type]smi.Base{TypeInteger: smi.Integer, TypeGauge: smi.Unsigned, TypeUnsigned: smi.Unsigned, TypeTimeTicks: smi.TimeTicks, TypeEnum: smi.Integer, TypeOID: smi.ObjectIdentifier,
	TypeDescriptor: smi.ObjectIdentifier, TypeIP: smi.IPAddress}
