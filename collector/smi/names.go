package smi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"walkabout/internal/nearest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Resolver finds objects by their names. Names is one.
type Resolver interface {
	// Resolve returns the object that is called name, "IF-MIB::ifHCInOctets" or "ifHCInOctets"; the error says what is known instead.
	Resolve(name string) (Object, error)

	// Find returns the object that o is, or is an instance of: the one with the longest OID that o begins with.
	Find(o oid.OID) (Object, bool)
}

// ErrUnknown is why no object is found.
var ErrUnknown = errors.New("unknown object")

// Names are the objects of some modules. They do not change, and may be used by several goroutines.
type Names struct {
	objects []Object // by OID; several modules may define one OID: the earlier one is the one that Find returns
	byName  map[string][]int32
	modules map[string]bool
	types   map[string]Syntax
}

// NewNames returns the Names of objects. Where several define the same name or OID the first is preferred.
func NewNames(objects []Object) *Names {
	n := &Names{objects: slices.Clone(objects), byName: make(map[string][]int32, len(objects)), modules: map[string]bool{}, types: map[string]Syntax{}}
	order := make(map[string]int, 64) // modules in the order of their coming
	for _, o := range objects {
		if _, ok := order[o.Module]; !ok {
			order[o.Module] = len(order)
		}
		n.modules[o.Module] = true
		if _, ok := n.types[o.Syntax.Convention]; !ok && o.Syntax.Convention != "" {
			n.types[o.Syntax.Convention] = o.Syntax
		}
	}
	slices.SortStableFunc(n.objects, func(a, b Object) int { return a.OID.Compare(b.OID) })
	for i := range n.objects {
		n.byName[n.objects[i].Name] = append(n.byName[n.objects[i].Name], int32(i))
	}
	for _, at := range n.byName {
		slices.SortStableFunc(at, func(a, b int32) int { return order[n.objects[a].Module] - order[n.objects[b].Module] })
	}
	return n
}

// With returns n and objects; where both define a name or OID, n's is preferred.
func (n *Names) With(objects []Object) *Names {
	all := NewNames(append(slices.Clone(n.objects), objects...))
	maps.Copy(all.types, n.types)
	return all
}

// Convention returns the syntax of a TEXTUAL-CONVENTION.
func (n *Names) Convention(name string) (Syntax, bool) {
	s, ok := n.types[name]
	return s, ok
}

// Objects returns all objects in the order of their OIDs. It must not be changed.
func (n *Names) Objects() []Object { return n.objects }

// HasModule reports whether objects of the module are known.
func (n *Names) HasModule(module string) bool { return n.modules[module] }

// Lookup returns the object that a module defines by a name; of any module if it is "".
func (n *Names) Lookup(module, name string) (Object, bool) {
	for _, i := range n.byName[name] {
		if module == "" || n.objects[i].Module == module {
			return n.objects[i], true
		}
	}
	return Object{}, false
}

// Resolve implements Resolver.
func (n *Names) Resolve(name string) (Object, error) {
	module, descriptor, qualified := strings.Cut(name, "::")
	if !qualified {
		module, descriptor = "", name
	}
	if o, ok := n.Lookup(module, descriptor); ok {
		return o, nil
	}
	switch {
	case qualified && !n.modules[module]:
		return Object{}, fmt.Errorf("%w %s: no module %s is known%s", ErrUnknown, name, module, meant(module, n.moduleNames()))
	case qualified:
		return Object{}, fmt.Errorf("%w %s: module %s has no %s%s", ErrUnknown, name, module, descriptor, meant(descriptor, n.namesOf(module)))
	}
	return Object{}, fmt.Errorf("%w %s%s", ErrUnknown, name, meant(name, n.namesOf("")))
}

func meant(word string, known []string) string {
	if near := nearest.Word(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

func (n *Names) moduleNames() []string {
	names := make([]string, 0, len(n.modules))
	for m := range n.modules {
		names = append(names, m)
	}
	slices.Sort(names)
	return names
}

func (n *Names) namesOf(module string) []string {
	var names []string
	for i := range n.objects {
		if module == "" || n.objects[i].Module == module {
			names = append(names, n.objects[i].Name)
		}
	}
	return names
}

// Find implements Resolver.
func (n *Names) Find(o oid.OID) (Object, bool) {
	for ; o.Len() > 0; o = o.Slice(0, o.Len()-1) {
		i, found := slices.BinarySearchFunc(n.objects, o, func(a Object, o oid.OID) int { return a.OID.Compare(o) })
		if found {
			return n.objects[i], true
		}
	}
	return Object{}, false
}

// ParseName reads what people write for an object or an instance of one: a name, "IF-MIB::ifDescr" or "ifDescr", or an OID with or without a dot
// before it; behind a name, the numbers of an index ("ifDescr.3"), or its parts in brackets, of which texts may be quoted
// ("ifDescr[3]", `usmUserStatus["engine"]["me"]`). What Net-SNMP's tools write of an OID is read too: "iso.3.6.1.2.1.1.5.0", and the way to an object
// from there, ".iso.org.dod.internet.mgmt.mib-2.system.sysName.0". It returns the whole OID, and the object that this is of if it is known.
func ParseName(r Resolver, name string) (oid.OID, Object, error) {
	name = fromRoot(name)
	if name == "" {
		return oid.OID{}, Object{}, fmt.Errorf("%w: the name is empty", ErrUnknown)
	}
	if isDigit(name[0]) {
		o, err := oid.Parse(name)
		if err != nil {
			return oid.OID{}, Object{}, err
		}
		if first := o.Arc(0); first > 2 || first < 2 && o.Len() > 1 && o.Arc(1) > 39 { // X.660
			return oid.OID{}, Object{}, fmt.Errorf("%q is no OID: it begins with 0, 1 or 2, and behind 0 and 1 is at most 39", name)
		}
		object, _ := r.Find(o)
		return o, object, nil
	}
	base, index := name, ""
	if i := strings.IndexAny(name, ".["); i >= 0 {
		base, index = name[:i], name[i:]
	}
	object, err := r.Resolve(base)
	if err != nil || index == "" {
		return object.OID, object, err
	}
	if index[0] == '.' {
		rest, err := parseArcs(index[1:])
		if err != nil {
			return oid.OID{}, object, fmt.Errorf("%s: %w", name, err)
		}
		return object.OID.Append(rest...), object, nil
	}
	rest, err := parseBrackets(RowIndex(r, object), index)
	if err != nil {
		return oid.OID{}, object, fmt.Errorf("%s: %w", name, err)
	}
	return object.OID.Join(rest), object, nil
}

// fromRoot returns name without a dot before it; one that begins at iso begins at its last label, or with iso's number.
func fromRoot(name string) string {
	name = strings.TrimPrefix(name, ".")
	if name != "iso" && !strings.HasPrefix(name, "iso.") {
		return name
	}
	rest := len(name) // where the numbers at the end begin
	for {
		dot := strings.LastIndexByte(name[:rest], '.')
		if label := name[dot+1 : rest]; label != "" && !isDigit(label[0]) {
			if dot < 0 {
				return "1" + name[rest:]
			}
			return name[dot+1:]
		}
		if dot < 0 {
			return name
		}
		rest = dot
	}
}

func parseArcs(text string) ([]uint32, error) {
	var arcs []uint32
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("index %q: %q is no number from 0 to 4294967295", text, part)
		}
		arcs = append(arcs, uint32(n))
	}
	return arcs, nil
}

// RowIndex returns the parts of the index of o, which is a column or a row; nil if its row is not known.
func RowIndex(r Resolver, o Object) []IndexPart {
	row := o
	if o.Kind == Column {
		var ok bool
		if row, ok = r.Find(o.OID.Slice(0, o.OID.Len()-1)); !ok {
			return nil
		}
	}
	if row.Kind != Row {
		return nil
	}
	return row.Index
}

// Format writes o as people read it: "IF-MIB::ifDescr.3", "SNMPv2-SMI::enterprises.99.1"; one of which nothing is known in its dotted form.
func Format(r Resolver, o oid.OID) string {
	object, ok := r.Find(o)
	if !ok {
		return o.String()
	}
	if rest := o.From(object.OID.Len()); rest.Len() > 0 {
		return object.String() + "." + rest.String()
	}
	return object.String()
}

// Text returns v, a value of o, as a person reads it: as Syntax.Text, and OIDs by name.
func Text(r Resolver, o Object, v snmp.Value) string {
	if v.Kind() == snmp.KindOID {
		return Format(r, v.OID())
	}
	return o.Syntax.Text(v)
}
