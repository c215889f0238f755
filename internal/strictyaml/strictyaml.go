// Package strictyaml reads YAML into structs and tells a person every mistake with its line: unknown keys with the nearest
// known one, values of the wrong type, keys given twice.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"walkabout/internal/nearest"
)

// Error is one mistake. Line counts from 1; 0 is unknown.
type Error struct {
	Line int
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Document is a decoded text, for finding where in it something stands.
type Document struct{ root *yaml.Node }

// Decode reads text, one YAML document, into v, a pointer to a struct with yaml tags. It returns every mistake that it finds;
// what was right is in v all the same. An empty text leaves v alone.
func Decode(text []byte, v any) (Document, []*Error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var root yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return Document{}, nil
	} else if err != nil {
		return Document{}, typed(err)
	}
	doc := Document{&root}
	errs := checker{}.unknown(&root, reflect.TypeOf(v))
	var rest yaml.Node
	if err := d.Decode(&rest); !errors.Is(err, io.EOF) {
		errs = append(errs, &Error{rest.Line, errors.New("a second document in the file: remove the line ---")})
	}
	if err := root.Decode(v); err != nil {
		errs = append(errs, typed(err)...)
	}
	return doc, errs
}

// Line returns the line of what path leads to: names of keys (string) and positions in lists (int). Where it leads nowhere,
// the line of the last thing on the way.
func (d Document) Line(path ...any) int {
	n := d.root
	if n == nil {
		return 0
	}
	line := n.Line
	for n = content(n); len(path) > 0 && n != nil; path = path[1:] {
		n, line = step(n, line, path[0])
		n = content(n)
	}
	return line
}

func step(n *yaml.Node, line int, to any) (*yaml.Node, int) {
	switch to := to.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == to {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && to < len(n.Content) {
			return n.Content[to], n.Content[to].Line
		}
	}
	return nil, line
}

// content goes through documents and aliases.
func content(n *yaml.Node) *yaml.Node {
	for n != nil {
		switch {
		case n.Kind == yaml.DocumentNode && len(n.Content) == 1:
			n = n.Content[0]
		case n.Kind == yaml.AliasNode:
			n = n.Alias
		default:
			return n
		}
	}
	return nil
}

// checker is what was looked at, as what: by aliases a document can lead to the same again and again, and to itself.
type checker map[checked]bool

type checked struct {
	node *yaml.Node
	as   reflect.Type
}

// unknown finds the keys below n that t has no field for.
func (c checker) unknown(n *yaml.Node, t reflect.Type) []*Error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	n = content(n)
	if n == nil || c[checked{n, t}] || reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()) {
		return nil
	}
	c[checked{n, t}] = true
	var errs []*Error
	switch {
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Value == "<<" {
				errs = append(errs, c.unknown(n.Content[i+1], t)...)
				continue
			}
			field, ok := fields.types[key.Value]
			if !ok {
				errs = append(errs, &Error{key.Line, unknownKey(key.Value, n, fields)})
				continue
			}
			errs = append(errs, c.unknown(n.Content[i+1], field)...)
		}
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			errs = append(errs, c.unknown(n.Content[i], t.Elem())...)
		}
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			errs = append(errs, c.unknown(item, t.Elem())...)
		}
	}
	return errs
}

// unknownKey returns the error about a key of n, which has no field in f. What stands one level too high is told where it belongs.
func unknownKey(key string, n *yaml.Node, f fields) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		beside := n.Content[i].Value
		t, ok := f.types[beside]
		for ok && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if ok && t.Kind() == reflect.Struct && slices.Contains(fieldsOf(t).names, key) {
			return fmt.Errorf("unknown key %q; write it inside %s: {…}", key, beside)
		}
	}
	if near := nearest.Word(key, f.names); near != "" {
		return fmt.Errorf("unknown key %q; did you mean %q?", key, near)
	}
	return fmt.Errorf("unknown key %q; known here are %s", key, strings.Join(f.names, ", "))
}

type fields struct {
	names []string // in the struct's order
	types map[string]reflect.Type
}

func fieldsOf(t reflect.Type) fields {
	f := fields{types: map[string]reflect.Type{}}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
		case strings.Contains(options, "inline"):
			inner := fieldsOf(field.Type)
			f.names = append(f.names, inner.names...)
			for n, it := range inner.types {
				f.types[n] = it
			}
		default:
			if name == "" {
				name = strings.ToLower(field.Name)
			}
			f.names = append(f.names, name)
			f.types[name] = field.Type
		}
	}
	return f
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// typed takes the line numbers out of the library's messages.
func typed(err error) []*Error {
	var many *yaml.TypeError
	if !errors.As(err, &many) {
		return []*Error{withLine(err.Error(), err)}
	}
	var errs []*Error
	for _, text := range many.Errors {
		e := withLine(text, errors.New(text))
		if m := wrongType.FindStringSubmatch(e.Err.Error()); m != nil {
			e.Err = fmt.Errorf("%s is wanted here, not %s", wanted(m[2]), tags[m[1]])
		}
		errs = append(errs, e)
	}
	return errs
}

// wrongType is the library's complaint about a value; it quotes the value, which may be a secret, and the type as Go has it.
var wrongType = regexp.MustCompile("(?s)^cannot unmarshal !!([a-z]+)(?: `.*`)? into (.+)$")

// tags are YAML's types as a person calls them.
var tags = map[string]string{"str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "null": "nothing", "seq": "a list", "map": "a mapping",
	"timestamp": "a date", "binary": "binary data", "merge": "a merge"}

// wanted calls a Go type what it is in YAML.
func wanted(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["):
		return "a mapping"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "bool":
		return "true or false"
	case goType == "string" || goType == "secret.String":
		return "a text"
	default:
		return "a mapping"
	}
}

func withLine(text string, err error) *Error {
	if strings.Contains(text, "cannot start any token") {
		text += ": YAML is indented with spaces, not tabs, and a text that begins with @, ` or % needs quotes"
		err = errors.New(text)
	}
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return &Error{0, err}
	}
	n, _ := strconv.Atoi(m[1]) // digits, by the expression; too many of them are 0
	return &Error{n, errors.New(strings.TrimPrefix(text, m[0]))}
}
