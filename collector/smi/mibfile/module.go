package mibfile

import (
	"fmt"
	"strconv"
	"strings"

	"walkabout/collector/smi"
)

// module is a MIB module as it is written; names are not resolved.
type module struct {
	name    string
	imports map[string]string // the module that a name is from
	types   map[string]syntax
	objects []definition
}

// definition is one name that stands for an OID.
type definition struct {
	name     string
	line     int
	kind     smi.Kind
	parent   string // what the OID begins with: a name, or "" for arcs alone
	arcs     []uint32
	enters   bool // TRAP-TYPE: the OID is the enterprise's, 0 and the number
	syntax   syntax
	index    []indexName
	augments string
	refs     []string
}

type indexName struct {
	name    string
	implied bool
}

// syntax is a type as it is written.
type syntax struct {
	name   string // a base type or the name of a type
	hint   string
	labels []smi.Label
	size   int
	row    bool // SEQUENCE OF
	tc     bool // TEXTUAL-CONVENTION
}

// maxTokens bounds a module; the largest that are known have some 300,000.
const maxTokens = 4 << 20

// parser reads one file, which may hold several modules.
type parser struct {
	lexer lexer
	tok   token
	count int
	err   error
}

// parse reads the modules of a file.
func parse(file string) ([]*module, error) {
	p := &parser{lexer: lexer{rest: file, line: 1}}
	p.next()
	var modules []*module
	for p.err == nil && p.tok.kind != endOfFile {
		modules = append(modules, p.module())
	}
	if p.err != nil {
		return nil, p.err
	}
	return modules, nil
}

// next goes on by one token; after an error there is nothing but endOfFile.
func (p *parser) next() {
	if p.err == nil {
		p.tok, p.err = p.lexer.next()
		if p.count++; p.count > maxTokens {
			p.err = fmt.Errorf("line %d: the file is too long for a MIB module", p.tok.line)
		}
	}
	if p.err != nil {
		p.tok = token{endOfFile, "", p.tok.line}
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.tok.line, fmt.Sprintf(format, args...))
		p.tok = token{endOfFile, "", p.tok.line}
	}
}

// accept goes past s if it comes next.
func (p *parser) accept(s string) bool {
	if !p.tok.is(s) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.fail("%q where %q is expected", p.tok.text, s)
	}
}

// name takes an identifier.
func (p *parser) name() string {
	if p.tok.kind != word {
		p.fail("%q where a name is expected", p.tok.text)
		return ""
	}
	name := p.tok.text
	p.next()
	return name
}

// skipTo goes past the next s that is outside of braces.
func (p *parser) skipTo(s string) {
	for depth := 0; p.tok.kind != endOfFile; p.next() {
		switch {
		case depth == 0 && p.tok.is(s):
			p.next()
			return
		case p.tok.is("{"):
			depth++
		case p.tok.is("}"):
			depth--
		}
	}
	p.fail("the file ends where %q is expected", s)
}

func (p *parser) module() *module {
	m := &module{name: p.name(), imports: map[string]string{}, types: map[string]syntax{}}
	if p.tok.is("{") { // the module's OID, in ASN.1 of later years
		p.skipBraces()
	}
	p.expect("DEFINITIONS")
	if p.accept("IMPLICIT") || p.accept("EXPLICIT") {
		p.expect("TAGS")
	}
	p.expect("::=")
	p.expect("BEGIN")
	for p.err == nil && !p.accept("END") {
		switch {
		case p.accept("IMPORTS"):
			p.imports(m)
		case p.accept("EXPORTS"):
			p.skipTo(";")
		default:
			p.definition(m)
		}
	}
	return m
}

func (p *parser) skipBraces() {
	p.expect("{")
	for depth := 1; depth > 0 && p.tok.kind != endOfFile; p.next() {
		switch {
		case p.tok.is("{"):
			depth++
		case p.tok.is("}"):
			depth--
		}
	}
}

func (p *parser) imports(m *module) {
	var names []string
	for p.err == nil && !p.accept(";") {
		switch {
		case p.accept("FROM"):
			from := p.name()
			for _, name := range names {
				m.imports[name] = from
			}
			names = names[:0]
		case p.accept(","):
		default:
			names = append(names, p.name())
		}
	}
}

func (p *parser) definition(m *module) {
	line := p.tok.line
	name := p.name()
	switch {
	case p.accept("MACRO"):
		p.skipTo("END")
		return
	case p.accept("::="): // a type
		s := p.typeDefinition()
		if s.name != "" {
			m.types[name] = s
		}
		return
	}
	d := definition{name: name, line: line}
	macro := p.name()
	if macro == "OBJECT" {
		p.expect("IDENTIFIER")
	} else {
		p.clauses(&d, macro)
	}
	p.expect("::=")
	if macro == "TRAP-TYPE" {
		d.kind, d.enters = smi.Notification, true
		d.arcs = []uint32{0, p.number()}
	} else {
		p.oid(m, &d)
	}
	if p.err == nil {
		m.objects = append(m.objects, d)
	}
}

// number takes a number from 0 to 2^32-1.
func (p *parser) number() uint32 {
	n, err := strconv.ParseUint(p.tok.text, 10, 32)
	if err != nil || p.tok.kind != word {
		p.fail("%q where a number is expected", p.tok.text)
		return 0
	}
	p.next()
	return uint32(n)
}

// oid reads "{ parent 1 2 }" with names beside the numbers or without.
func (p *parser) oid(m *module, d *definition) {
	p.expect("{")
	for first := true; p.err == nil && !p.accept("}"); first = false {
		switch {
		case p.tok.kind == word && p.tok.text[0] >= '0' && p.tok.text[0] <= '9':
			d.arcs = append(d.arcs, p.number())
		case first:
			d.parent = p.name()
			if p.accept(".") { // { Module.name 1 }
				d.parent = p.name()
			}
			if p.accept("(") {
				d.parent, d.arcs = "", append(d.arcs, p.number())
				p.expect(")")
			}
		default:
			p.step(m, d)
		}
	}
}

// step reads "name(1)", which defines name on the way.
func (p *parser) step(m *module, d *definition) {
	name, line := p.name(), p.tok.line
	p.expect("(")
	d.arcs = append(d.arcs, p.number())
	p.expect(")")
	if p.err == nil && !p.tok.is("}") {
		m.objects = append(m.objects, definition{name: name, line: line, parent: d.parent, arcs: append([]uint32(nil), d.arcs...)})
	}
}

// clauses reads what stands between a macro's name and "::=".
func (p *parser) clauses(d *definition, macro string) {
	object := macro == "OBJECT-TYPE"
	if macro == "NOTIFICATION-TYPE" {
		d.kind = smi.Notification
	}
	for p.err == nil && !p.tok.is("::=") {
		switch {
		case p.tok.kind == endOfFile:
			p.fail("the file ends within %s", d.name)
		case object && p.accept("SYNTAX"):
			d.syntax = p.syntax()
			if d.kind == smi.Node {
				d.kind = smi.Column // or a scalar: its parent tells
			}
			if d.syntax.row {
				d.kind = smi.Table
			}
		case object && p.accept("INDEX"):
			d.kind = smi.Row
			p.index(d)
		case object && p.accept("AUGMENTS"):
			d.kind = smi.Row
			p.expect("{")
			d.augments = p.name()
			p.expect("}")
		case p.tok.is("OBJECTS") || p.tok.is("VARIABLES"):
			p.next()
			p.expect("{")
			for p.err == nil && !p.accept("}") {
				if !p.accept(",") {
					d.refs = append(d.refs, p.name())
				}
			}
		case macro == "TRAP-TYPE" && p.accept("ENTERPRISE"):
			if braces := p.accept("{"); braces {
				d.parent = p.name()
				p.expect("}")
			} else {
				d.parent = p.name()
			}
		case p.tok.is("{"):
			p.skipBraces()
		default:
			p.next()
		}
	}
}

func (p *parser) index(d *definition) {
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		if p.accept(",") {
			continue
		}
		implied := p.accept("IMPLIED")
		d.index = append(d.index, indexName{p.name(), implied})
		if p.accept("(") { // a type with its range, in modules of SMIv1
			p.skipTo(")")
		}
	}
}

// typeDefinition reads what stands behind "::=" of a type.
func (p *parser) typeDefinition() syntax {
	var hint string
	convention := p.accept("TEXTUAL-CONVENTION")
	for convention && p.err == nil && !p.accept("SYNTAX") {
		switch {
		case p.accept("DISPLAY-HINT"):
			hint = p.tok.text
			p.next()
		case p.tok.kind == endOfFile:
			p.fail("the file ends within a TEXTUAL-CONVENTION")
		default:
			p.next()
		}
	}
	if p.accept("[") { // [APPLICATION 1] IMPLICIT
		p.skipTo("]")
		p.accept("IMPLICIT")
	}
	s := p.syntax()
	s.hint, s.tc = hint, convention
	return s
}

// syntax reads a type as it is used.
func (p *parser) syntax() syntax {
	s := syntax{name: p.name()}
	switch s.name {
	case "SEQUENCE", "CHOICE":
		if p.accept("OF") {
			p.name()
			return syntax{row: true}
		}
		p.skipBraces()
		return syntax{}
	case "OCTET":
		p.expect("STRING")
		s.name = "OCTET STRING"
	case "OBJECT":
		p.expect("IDENTIFIER")
		s.name = "OBJECT IDENTIFIER"
	}
	if p.accept(".") { // Module.Type
		s.name = p.name()
	}
	if p.tok.is("{") {
		s.labels = p.labels()
	}
	if p.accept("(") {
		s.size = p.restriction()
	}
	return s
}

// labels reads "{ up(1), down(2) }".
func (p *parser) labels() []smi.Label {
	p.expect("{")
	var labels []smi.Label
	for p.err == nil && !p.accept("}") {
		if p.accept(",") {
			continue
		}
		name := p.name()
		p.expect("(")
		negative := p.accept("-")
		n := int64(p.number())
		if negative {
			n = -n
		}
		p.expect(")")
		labels = append(labels, smi.Label{Number: n, Name: name})
	}
	return labels
}

// restriction reads the rest of "(SIZE (6))" or "(0..255)", and returns the size if there is one alone.
func (p *parser) restriction() int {
	var words []string
	for depth := 1; depth > 0 && p.tok.kind != endOfFile; p.next() {
		switch {
		case p.tok.is("("):
			depth++
		case p.tok.is(")"):
			depth--
		default:
			words = append(words, p.tok.text)
		}
	}
	if len(words) != 2 || words[0] != "SIZE" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(words[1]))
	if err != nil || n < 0 || n > 65535 {
		return 0
	}
	return n
}
