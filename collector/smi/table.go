package smi

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"walkabout/snmp/oid"
)

//go:embed names.txt
var standardText string

//go:embed vendors.txt
var vendorText string

// BuiltIn returns the objects of the modules that come with the program: those of the IETF and of Net-SNMP that agents serve, and what the built-in
// profiles need of vendors'.
func BuiltIn() *Names { return builtIn() }

var builtIn = sync.OnceValue(func() *Names {
	r := &tableReader{types: map[string]Syntax{}, rows: map[string]int{}}
	for _, text := range []string{standardText, vendorText} {
		if err := r.read(text); err != nil {
			panic("smi: " + err.Error()) // a test excludes it
		}
	}
	if err := r.resolve(); err != nil {
		panic("smi: " + err.Error())
	}
	names := NewNames(r.objects)
	names.types = r.types
	return names
})

// ReadTable reads a table of objects as WriteTable writes it. Each line is one definition:
//
//	module IF-MIB
//	type PhysAddress OCTETS hint "1x:"
//	node interfaces 1.3.6.1.2.1.2
//	row ifEntry 1.3.6.1.2.1.2.2.1 ifIndex          (the index; ! before a name is IMPLIED)
//	row ifXEntry 1.3.6.1.2.1.31.1.1.1 +ifEntry     (AUGMENTS)
//	column ifAdminStatus 1.3.6.1.2.1.2.2.1.7 INTEGER{up=1,down=2,testing=3}
//	notification linkDown 1.3.6.1.6.3.1.1.5.3 ifIndex,ifAdminStatus
//
// A syntax is a base type or a type's name, with labels in braces and the size of strings of one size in parentheses.
func ReadTable(text string) ([]Object, error) {
	r := &tableReader{types: map[string]Syntax{}, rows: map[string]int{}}
	if err := r.read(text); err != nil {
		return nil, err
	}
	return r.objects, r.resolve()
}

type tableReader struct {
	module  string
	types   map[string]Syntax
	objects []Object
	indexes []rowIndex
	rows    map[string]int // of rows and columns, in objects; by name, the first of each, and by module and name
}

// rowIndex is the index of a row as it is written.
type rowIndex struct {
	at   int // in objects
	text string
}

func (r *tableReader) read(text string) error {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.line(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

func (r *tableReader) line(line string) error {
	what, rest, _ := strings.Cut(line, " ")
	name, rest, _ := strings.Cut(rest, " ")
	switch what {
	case "module":
		r.module = name
		return nil
	case "type":
		definition, hint, _ := strings.Cut(rest, " hint ")
		s, err := r.syntax(definition)
		if err != nil {
			return err
		}
		if hint != "" {
			if s.Hint, err = strconv.Unquote(hint); err != nil {
				return fmt.Errorf("hint %s: %w", hint, err)
			}
		}
		s.Convention = name
		r.types[name] = s
		return nil
	}
	kind := slices.Index(kindNames[:], what)
	number, rest, _ := strings.Cut(rest, " ")
	id, err := oid.Parse(number)
	if kind < 0 || err != nil {
		return fmt.Errorf("%q is no definition: %w", line, err)
	}
	o := Object{Module: r.module, Name: name, OID: id, Kind: Kind(kind)}
	switch o.Kind {
	case Scalar, Column:
		if o.Syntax, err = r.syntax(rest); err != nil {
			return err
		}
		r.define(name)
	case Row:
		r.indexes = append(r.indexes, rowIndex{len(r.objects), rest})
		r.define(name)
	case Notification:
		if rest != "" {
			o.Refs = strings.Split(rest, ",")
		}
	}
	r.objects = append(r.objects, o)
	return nil
}

func (r *tableReader) define(name string) {
	if _, ok := r.rows[name]; !ok {
		r.rows[name] = len(r.objects)
	}
	r.rows[r.module+"::"+name] = len(r.objects)
}

// find returns what a module means by name: its own, else the first.
func (r *tableReader) find(module, name string) (int, bool) {
	at, ok := r.rows[module+"::"+name]
	if !ok {
		at, ok = r.rows[name]
	}
	return at, ok
}

// syntax reads "Base{a=1,b=2}(6)".
func (r *tableReader) syntax(text string) (Syntax, error) {
	name := text
	if i := strings.IndexAny(text, "{("); i >= 0 {
		name = text[:i]
	}
	s, known := r.types[name]
	if base := slices.Index(baseNames[:], name); base >= 0 {
		s, known = Syntax{Base: Base(base)}, true
	}
	if !known {
		return s, fmt.Errorf("unknown type %q", name)
	}
	rest := text[len(name):]
	if labels, after, ok := strings.Cut(rest, "}"); ok {
		s.Labels = nil
		for label := range strings.SplitSeq(labels[1:], ",") {
			name, number, _ := strings.Cut(label, "=")
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return s, fmt.Errorf("label %q: %w", label, err)
			}
			s.Labels = append(s.Labels, Label{n, name})
		}
		rest = after
	}
	if rest != "" {
		n, err := strconv.Atoi(strings.Trim(rest, "()"))
		if err != nil {
			return s, fmt.Errorf("size %q: %w", rest, err)
		}
		s.Size = n
	}
	return s, nil
}

// resolve gives rows their indexes.
func (r *tableReader) resolve() error {
	for augments := range 2 {
		for _, i := range r.indexes {
			row := &r.objects[i.at]
			base, augmented := strings.CutPrefix(i.text, "+")
			if augmented != (augments == 1) || i.text == "" {
				continue
			}
			if augmented {
				at, ok := r.find(row.Module, base)
				if !ok {
					return fmt.Errorf("%s augments %s, which is not there", row.Name, base)
				}
				row.Index = r.objects[at].Index
				continue
			}
			for name := range strings.SplitSeq(i.text, ",") {
				name, implied := strings.CutPrefix(name, "!")
				at, ok := r.find(row.Module, name)
				if !ok {
					return fmt.Errorf("the index of %s is %s, which is not there", row.Name, name)
				}
				row.Index = append(row.Index, IndexPart{Name: name, Syntax: r.objects[at].Syntax, Implied: implied})
			}
		}
	}
	return nil
}

// WriteTable writes objects, all of one module after another, as ReadTable reads them.
func WriteTable(w io.Writer, objects []Object) error {
	var b strings.Builder
	types, module := map[string]Syntax{}, ""
	for _, o := range objects {
		if o.Module != module {
			module = o.Module
			fmt.Fprintf(&b, "module %s\n", module)
		}
		syntaxes := []Syntax{o.Syntax}
		for _, p := range o.Index {
			syntaxes = append(syntaxes, p.Syntax)
		}
		for _, s := range syntaxes {
			if s.Convention == "" {
				continue
			}
			if _, ok := types[s.Convention]; !ok {
				types[s.Convention] = s
				fmt.Fprintf(&b, "type %s %s", s.Convention, s.definition())
				if s.Hint != "" {
					fmt.Fprintf(&b, " hint %q", s.Hint)
				}
				b.WriteByte('\n')
			}
		}
		fmt.Fprintf(&b, "%s %s %s", o.Kind, o.Name, o.OID)
		switch {
		case o.HasValue():
			b.WriteByte(' ')
			b.WriteString(o.Syntax.written(types))
		case o.Kind == Row:
			b.WriteByte(' ')
			for i, p := range o.Index {
				if i > 0 {
					b.WriteByte(',')
				}
				if p.Implied {
					b.WriteByte('!')
				}
				b.WriteString(p.Name)
			}
		case len(o.Refs) > 0:
			b.WriteString(" " + strings.Join(o.Refs, ","))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// written returns how s is written where types are known.
func (s *Syntax) written(types map[string]Syntax) string {
	known, ok := types[s.Convention]
	if s.Convention == "" || !ok || known.Base != s.Base || known.Hint != s.Hint {
		return s.definition()
	}
	text := s.Convention
	if !slices.Equal(known.Labels, s.Labels) {
		text += s.labels()
	}
	if known.Size != s.Size {
		text += fmt.Sprintf("(%d)", s.Size)
	}
	return text
}

func (s *Syntax) definition() string {
	text := s.Base.String() + s.labels()
	if s.Size > 0 {
		text += fmt.Sprintf("(%d)", s.Size)
	}
	return text
}

func (s *Syntax) labels() string {
	if len(s.Labels) == 0 {
		return ""
	}
	parts := make([]string, 0, len(s.Labels))
	for _, l := range s.Labels {
		parts = append(parts, fmt.Sprintf("%s=%d", l.Name, l.Number))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
