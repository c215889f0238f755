// Package rules makes conditions of expressions over the fields of a measurement's rows (github.com/expr-lang/expr).
//
// An expression has no loops and sees one row, so that what it costs is bounded by its length. The built-in functions that go over
// lists are off.
package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"walkabout/alert"
	"walkabout/internal/nearest"
	"walkabout/metric"
)

// Type is what a name in an expression is.
type Type uint8

// The types.
const (
	Number Type = iota + 1
	Text
	Bool
)

// Schema has the names that rows may have, by measurement.
type Schema map[string]map[string]Type

const (
	// RateSuffix makes the name of a counter that of its rate, a second.
	RateSuffix = "_rate"
	maxLength  = 4096
	maxNodes   = 500
	maxMemory  = 10_000 // elements that an evaluation may make
)

// functions are the built-in functions that an expression may use.
var functions = []string{"abs", "ceil", "floor", "round", "max", "min", "len", "lower", "upper", "trim", "hasPrefix", "hasSuffix", "indexOf", "int", "float", "string"}

// everywhere are names that every row has.
var everywhere = map[string]Type{"device": Text, "agent_host": Text, "hostname": Text, "interval": Number}

// Error is a mistake in an expression. Line counts from 1; Column from 0.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string { return fmt.Sprintf("expr: column %d: %s", e.Column+1, e.Message) }

// condition is an expression, and what is said about a row.
type condition struct {
	text, summary string
	program       *vm.Program
	names         []string        // that are used
	optional      map[string]bool // left of ??, so that they may be missing
	said          []string        // names in summary

	vm  vm.VM
	env map[string]any
}

// Compile returns the condition of an expression over a measurement. summary is a line for people, in which {name} stands for a value; "" makes one.
// Errors about the expression are *Error.
func Compile(measurement, text, summary string, schema Schema) (alert.Condition, error) {
	fields, ok := schema[measurement]
	if !ok {
		known := slices.Sorted(maps.Keys(schema))
		if near := nearest.Word(measurement, known); near != "" {
			return nil, fmt.Errorf("no profile measures %q; did you mean %q?", measurement, near)
		}
		return nil, fmt.Errorf("no profile measures %q; known are %s", measurement, strings.Join(known, ", "))
	}
	if strings.TrimSpace(text) == "" || len(text) > maxLength {
		return nil, &Error{1, 0, fmt.Sprintf("an expression of 1 to %d octets is wanted", maxLength)}
	}
	types := map[string]any{"labels": map[string]string{}}
	for _, set := range []map[string]Type{fields, everywhere} {
		for name, t := range set {
			types[name] = map[Type]any{Number: 0.0, Text: "", Bool: false}[t]
		}
	}
	c := &condition{text: text, summary: summary, optional: map[string]bool{}, env: map[string]any{}}
	if err := c.compile(types); err != nil {
		return nil, err
	}
	if err := c.checkSummary(types); err != nil {
		return nil, err
	}
	c.vm.MemoryBudget = maxMemory
	return c, nil
}

func (c *condition) compile(types map[string]any) error {
	tree, err := parser.Parse(c.text)
	if err != nil {
		return mistake(err, types)
	}
	names := &collect{types: types, optional: c.optional}
	ast.Walk(&tree.Node, names)
	if names.refused != "" {
		return &Error{1, 0, fmt.Sprintf("there is no function %q here; there are %s", names.refused, strings.Join(functions, ", "))}
	}
	c.names = slices.Compact(slices.Sorted(slices.Values(names.used)))
	options := []expr.Option{expr.Env(types), expr.AsBool(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for _, f := range functions {
		options = append(options, expr.EnableBuiltin(f))
	}
	if c.program, err = expr.Compile(c.text, options...); err != nil {
		return mistake(err, types)
	}
	return nil
}

// mistake makes an error of the library's ours, with the nearest of the names there are for one that is not.
func mistake(err error, types map[string]any) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return &Error{1, 0, err.Error()}
	}
	text := at.Message
	if name, ok := strings.CutPrefix(text, "unknown name "); ok {
		text = fmt.Sprintf("rows have no field or tag %q", name)
		if near := nearest.Word(name, slices.Sorted(maps.Keys(types))); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
	}
	return &Error{max(1, at.Line), at.Column, text}
}

// collect finds the names that an expression uses, and functions that it may not.
type collect struct {
	types    map[string]any
	used     []string
	optional map[string]bool
	refused  string
}

// Visit implements ast.Visitor.
func (v *collect) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, ok := v.types[n.Value]; ok {
			v.used = append(v.used, n.Value)
		}
	case *ast.BinaryNode:
		if left, ok := n.Left.(*ast.IdentifierNode); ok && n.Operator == "??" {
			v.optional[left.Value] = true
		}
	case *ast.BuiltinNode: // some of them, which go over lists, the library does not turn off
		if !slices.Contains(functions, n.Name) {
			v.refused = n.Name
		}
	}
}

func (c *condition) checkSummary(types map[string]any) error {
	rest := c.summary
	for {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return nil
		}
		name, after, ok := strings.Cut(after, "}")
		if _, known := types[name]; !ok || !known {
			return fmt.Errorf("summary: {%s} is no field or tag of the rows", name)
		}
		c.said = append(c.said, name)
		rest = after
	}
}

// Eval implements alert.Condition.
func (c *condition) Eval(r *alert.Row) (holds, known bool) {
	clear(c.env)
	for _, name := range c.names {
		v := value(r, name)
		if v == nil && !c.optional[name] {
			return false, false
		}
		c.env[name] = v
	}
	out, err := c.vm.Run(c.program, c.env)
	if err != nil {
		return false, false // both sides of a ?? are missing, say: nothing can be told of this row
	}
	holds, known = out.(bool)
	return holds, known
}

// value returns what a name is in r; nil if it is missing, as a rate without a number is.
func value(r *alert.Row, name string) any {
	switch name {
	case "device":
		return r.Device
	case "interval":
		return r.Interval.Seconds()
	case "labels":
		return r.Labels
	}
	rate, isRate := strings.CutSuffix(name, RateSuffix)
	for i := range r.Sample.Fields {
		f := &r.Sample.Fields[i]
		if f.Name == name {
			switch f.Kind {
			case metric.String:
				return f.Str
			case metric.Boolean:
				return f.Num != 0
			}
			return f.Float64()
		}
		if isRate && f.Name == rate && (f.Kind == metric.Counter32 || f.Kind == metric.Counter64) {
			if f.Verdict.HasRate() {
				return f.Rate
			}
			return nil
		}
	}
	for _, t := range r.Sample.Tags {
		if t.Name == name {
			return t.Value
		}
	}
	return nil
}

// Values implements alert.Condition.
func (c *condition) Values(r *alert.Row) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Concat(c.names, c.said) {
		if v := value(r, name); v != nil && name != "labels" {
			out[name] = text(v)
		}
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64)
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Summary implements alert.Condition.
func (c *condition) Summary(r *alert.Row) string {
	if c.summary == "" {
		values := c.Values(r)
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(values)) {
			parts = append(parts, name+" "+values[name])
		}
		return strings.Join(strings.Fields(c.text), " ") + " (" + strings.Join(parts, ", ") + ")"
	}
	out := c.summary
	for _, name := range c.said {
		v := "?"
		if x := value(r, name); x != nil {
			v = text(x)
		}
		out = strings.ReplaceAll(out, "{"+name+"}", v)
	}
	return out
}

// Same implements alert.Condition.
func (c *condition) Same(other alert.Condition) bool {
	o, ok := other.(*condition)
	return ok && o.text == c.text
}
