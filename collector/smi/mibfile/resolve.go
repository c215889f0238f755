package mibfile

import (
	"errors"
	"fmt"

	"walkabout/collector/smi"
	"walkabout/snmp/oid"
)

// errUnresolved is that a name is defined nowhere.
var errUnresolved = errors.New("is not defined: neither here nor in what is imported")

// roots are the names that ASN.1 and the SMI define themselves.
var roots = map[string]oid.OID{
	"ccitt": oid.New(0), "zeroDotZero": oid.New(0, 0), "iso": oid.New(1), "joint-iso-ccitt": oid.New(2), "org": oid.New(1, 3), "dod": oid.New(1, 3, 6),
	"internet": oid.New(1, 3, 6, 1), "directory": oid.New(1, 3, 6, 1, 1), "mgmt": oid.New(1, 3, 6, 1, 2), "mib-2": oid.New(1, 3, 6, 1, 2, 1),
	"transmission": oid.New(1, 3, 6, 1, 2, 1, 10), "experimental": oid.New(1, 3, 6, 1, 3), "private": oid.New(1, 3, 6, 1, 4),
	"enterprises": oid.New(1, 3, 6, 1, 4, 1), "security": oid.New(1, 3, 6, 1, 5), "snmpV2": oid.New(1, 3, 6, 1, 6), "snmpModules": oid.New(1, 3, 6, 1, 6, 3),
}

// bases are the types that the SMI defines itself (RFC 2578 section 7.1, RFC 1155 section 3.2).
var bases = map[string]smi.Base{
	"INTEGER": smi.Integer, "Integer32": smi.Integer, "Unsigned32": smi.Unsigned, "Gauge32": smi.Unsigned, "Gauge": smi.Unsigned, "UInteger32": smi.Unsigned,
	"Counter32": smi.Counter32, "Counter": smi.Counter32, "Counter64": smi.Counter64, "TimeTicks": smi.TimeTicks, "OCTET STRING": smi.OctetString,
	"OBJECT IDENTIFIER": smi.ObjectIdentifier, "IpAddress": smi.IPAddress, "NetworkAddress": smi.IPAddress, "Opaque": smi.Opaque, "BITS": smi.Bits,
	"ObjectSyntax": smi.None, "SimpleSyntax": smi.None, "NULL": smi.None,
}

// elsewhere are the types of RMON2-MIB that others import, who seldom come with it.
var elsewhere = map[string]smi.Syntax{
	"ZeroBasedCounter32": {Base: smi.Unsigned, Convention: "ZeroBasedCounter32"},
	"TimeFilter":         {Base: smi.TimeTicks, Convention: "TimeFilter"},
}

// maxDepth bounds how long chains of names may be.
const maxDepth = 64

// objects resolves all that s defines.
func (l *Library) objects(s *source) ([]smi.Object, error) {
	objects := make([]smi.Object, 0, len(s.module.objects))
	at := map[string]int{}
	for i := range s.module.objects {
		d := &s.module.objects[i]
		id, err := l.oidOf(s, d.name, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %s: %w", s.file, d.line, d.name, err)
		}
		o := smi.Object{Module: s.name, Name: d.name, OID: id, Kind: d.kind, Refs: d.refs}
		if d.kind == smi.Column {
			if o.Syntax, err = l.syntaxOf(s, d.syntax, 0); err != nil {
				return nil, fmt.Errorf("%s: line %d: %s: %w", s.file, d.line, d.name, err)
			}
			if row, ok := at[d.parent]; !ok || objects[row].Kind != smi.Row {
				o.Kind = smi.Scalar
			}
		}
		if d.kind == smi.Row {
			if o.Index, err = l.indexOf(s, d, 0); err != nil {
				return nil, fmt.Errorf("%s: line %d: %s: %w", s.file, d.line, d.name, err)
			}
		}
		at[d.name] = len(objects)
		objects = append(objects, o)
	}
	return objects, nil
}

func (s *source) find(name string) *definition {
	if i, ok := s.at[name]; ok {
		return &s.module.objects[i]
	}
	return nil
}

// oidOf returns the OID of name as s sees it.
func (l *Library) oidOf(s *source, name string, depth int) (oid.OID, error) {
	if o, ok := s.oids[name]; ok {
		return o, nil
	}
	if depth > maxDepth || s.trail[name] {
		return oid.OID{}, errors.New("is defined by itself")
	}
	s.trail[name] = true
	defer delete(s.trail, name)
	o, err := l.lookOID(s, name, depth)
	if err == nil {
		s.oids[name] = o
	}
	return o, err
}

func (l *Library) lookOID(s *source, name string, depth int) (oid.OID, error) {
	if d := s.find(name); d != nil {
		var base oid.OID
		if d.parent != "" {
			var err error
			if base, err = l.oidOf(s, d.parent, depth+1); err != nil {
				return base, err
			}
		}
		arcs := d.arcs
		if d.enters && base == snmpTraps { // the generic traps of RFC 1215 (RFC 3584 section 3.1)
			return snmpTrapsV2.Append(arcs[1] + 1), nil
		}
		if base.Len()+len(arcs) > oid.MaxLen {
			return base, oid.ErrTooLong
		}
		return base.Append(arcs...), nil
	}
	if from, ok := s.imports[name]; ok {
		if o, ok := l.names.Lookup(from, name); ok {
			return o.OID, nil
		}
		if o, ok := roots[name]; ok {
			return o, nil
		}
		other, err := l.source(from)
		if err == nil && other != s {
			var o oid.OID
			if o, err = l.oidOf(other, name, depth+1); err == nil {
				return o, nil
			}
		}
		if o, ok := l.names.Lookup("", name); ok { // names moved between modules
			return o.OID, nil
		}
		if err == nil {
			err = fmt.Errorf("%s %w", name, errUnresolved)
		}
		return oid.OID{}, fmt.Errorf("imported from %s: %w", from, err)
	}
	if o, ok := roots[name]; ok {
		return o, nil
	}
	return oid.OID{}, fmt.Errorf("%s %w", name, errUnresolved)
}

var (
	snmpTraps   = oid.MustParse("1.3.6.1.2.1.11") // snmp, the enterprise of the generic traps
	snmpTrapsV2 = oid.MustParse("1.3.6.1.6.3.1.1.5")
)

// syntaxOf resolves a type as s sees it.
func (l *Library) syntaxOf(s *source, t syntax, depth int) (smi.Syntax, error) {
	if depth > maxDepth {
		return smi.Syntax{}, fmt.Errorf("type %s: is defined by itself", t.name)
	}
	base, err := l.typeOf(s, t.name, depth)
	if err != nil {
		return base, err
	}
	if t.hint != "" {
		base.Hint = t.hint
	}
	if len(t.labels) > 0 {
		base.Labels = t.labels
	}
	if t.size > 0 {
		base.Size = t.size
	}
	return base, nil
}

// typeOf resolves a type by its name: s defines it, or imports it, or it is known beforehand.
func (l *Library) typeOf(s *source, name string, depth int) (smi.Syntax, error) {
	if depth > maxDepth { // modules may import it from each other
		return smi.Syntax{}, fmt.Errorf("type %s is defined by itself", name)
	}
	if t, ok := s.types[name]; ok && t.name != name {
		syntax, err := l.syntaxOf(s, t, depth+1)
		if t.tc || syntax.Convention == "" && bases[name] == smi.None {
			syntax.Convention = name
		}
		return syntax, err
	}
	if base, ok := bases[name]; ok {
		return smi.Syntax{Base: base}, nil
	}
	missing := fmt.Errorf("type %s %w", name, errUnresolved)
	if from, ok := s.imports[name]; ok {
		other, err := l.source(from)
		if err == nil && other != s {
			return l.typeOf(other, name, depth+1)
		}
		if err != nil {
			missing = fmt.Errorf("type %s, imported from %s: %w", name, from, err)
		}
	}
	if known, ok := l.names.Convention(name); ok {
		return known, nil
	}
	if known, ok := elsewhere[name]; ok {
		return known, nil
	}
	return smi.Syntax{}, missing
}

// indexOf returns the parts of a row's index.
func (l *Library) indexOf(s *source, d *definition, depth int) ([]smi.IndexPart, error) {
	if depth > maxDepth {
		return nil, errors.New("is augmented by itself")
	}
	if d.augments != "" {
		return l.augmented(s, d.augments, depth)
	}
	parts := make([]smi.IndexPart, 0, len(d.index))
	for _, i := range d.index {
		part := smi.IndexPart{Name: i.name, Implied: i.implied}
		var err error
		if part.Syntax, err = l.indexSyntax(s, i.name, depth); err != nil {
			return nil, fmt.Errorf("index %s: %w", i.name, err)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func (l *Library) indexSyntax(s *source, name string, depth int) (smi.Syntax, error) {
	if d := s.find(name); d != nil {
		return l.syntaxOf(s, d.syntax, depth)
	}
	if from, ok := s.imports[name]; ok && depth <= maxDepth {
		if o, ok := l.names.Lookup(from, name); ok {
			return o.Syntax, nil
		}
		other, err := l.source(from)
		if err != nil {
			return smi.Syntax{}, err
		}
		if other != s {
			return l.indexSyntax(other, name, depth+1)
		}
	}
	return l.typeOf(s, name, depth) // SMIv1 allows a type there
}

// augmented returns the parts of the index of a row that s defines or imports.
func (l *Library) augmented(s *source, row string, depth int) ([]smi.IndexPart, error) {
	if depth > maxDepth { // modules may import it from each other
		return nil, fmt.Errorf("%s is augmented by itself", row)
	}
	if d := s.find(row); d != nil {
		return l.indexOf(s, d, depth+1)
	}
	from, ok := s.imports[row]
	if !ok {
		return nil, fmt.Errorf("%s %w", row, errUnresolved)
	}
	if o, ok := l.names.Lookup(from, row); ok {
		return o.Index, nil
	}
	other, err := l.source(from)
	if err != nil {
		return nil, err
	}
	return l.augmented(other, row, depth+1)
}
