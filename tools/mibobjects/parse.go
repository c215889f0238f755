package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Object is an object type, as mib/mibtest reads it.
type Object struct {
	Name    string           `json:"name"`
	Module  string           `json:"module"`
	OID     string           `json:"oid"`
	Group   string           `json:"group"`             // the table of a column, else the node that it hangs below
	Syntax  string           `json:"syntax"`            // Integer32, OCTET STRING, Counter64, BITS, …; INTEGER where it has an enumeration
	TC      string           `json:"tc,omitempty"`      // the textual convention
	Ranges  [][2]int64       `json:"ranges,omitempty"`  // of the number, or of the count of octets; none is all that the syntax allows
	Enum    map[string]int64 `json:"enum,omitempty"`    // or the numbers of the bits
	Access  string           `json:"access"`            // MAX-ACCESS; read-create in rows that can be created
	Index   []string         `json:"index,omitempty"`   // of a column's row: names of objects, which are in the list too
	Implied bool             `json:"implied,omitempty"` // the last of Index has no length in front
	Status  string           `json:"status,omitempty"`  // unless it is current or mandatory
}

// parse returns the objects that text, of snmptranslate -Td, defines, in the order of their OIDs.
func parse(text string) ([]Object, error) {
	entries := map[string]*definition{} // rows, by OID
	names := map[string]*definition{}
	var leaves []*definition
	var d *definition // whose lines these are
	described := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n ")
		name, begins := strings.CutSuffix(line, " OBJECT-TYPE")
		switch {
		case begins && d == nil:
			d = &definition{Object: Object{Name: name}}
		case d == nil:
		case strings.HasPrefix(line, "::= { iso(1)"):
			d.OID, d.path = dotted(line), nodes(line)
			if d.Syntax != "" {
				leaves = append(leaves, d)
			} else {
				entries[d.OID], names[d.Name] = d, d
			}
			d, described = nil, false
		case strings.HasPrefix(line, "  DESCRIPTION"):
			described = true
		case !described:
			if err := d.field(line); err != nil {
				return nil, fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	var out []Object
	for _, d := range leaves {
		d.Group = d.path[len(d.path)-1]
		if row := entries[d.OID[:strings.LastIndexByte(d.OID, '.')]]; row != nil {
			if row.augments != "" {
				if row = names[row.augments]; row == nil {
					return nil, fmt.Errorf("%s: the row that its row augments is missing", d.Name)
				}
			}
			d.Index, d.Implied = row.Index, row.Implied
			if len(d.Index) > 0 {
				d.Group = d.path[len(d.path)-2]
			}
		}
		out = append(out, d.Object)
	}
	slices.SortFunc(out, func(a, b Object) int { return slices.Compare(arcs(a.OID), arcs(b.OID)) })
	return out, check(out)
}

// definition is a node and what only its neighbours need of it.
type definition struct {
	Object
	augments string   // the row that this one augments
	path     []string // the names of the nodes that it is below
}

var (
	arc   = regexp.MustCompile(`\((\d+)\)|(\d+) \}`)
	value = regexp.MustCompile(`([\w-]+)\((-?\d+)\)`)
	span  = regexp.MustCompile(`(-?\d+)(?:\.\.(-?\d+))?`)
)

// dotted returns the OID of ::= { iso(1) org(3) … 8 }.
func dotted(line string) string {
	var parts []string
	for _, m := range arc.FindAllStringSubmatch(line, -1) {
		parts = append(parts, m[1]+m[2])
	}
	return strings.Join(parts, ".")
}

// nodes returns the names of ::= { iso(1) org(3) … 8 }.
func nodes(line string) []string {
	var names []string
	for _, m := range value.FindAllStringSubmatch(line, -1) {
		names = append(names, m[1])
	}
	return names
}

// field reads one line of d.
func (d *definition) field(line string) error {
	key, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
	text = strings.TrimSpace(text)
	switch {
	case key == "-- FROM":
		d.Module, _, _ = strings.Cut(text, ",")
	case strings.HasPrefix(key, "-- TEXTUAL CONVENTION "):
		d.TC = strings.TrimPrefix(key, "-- TEXTUAL CONVENTION ")
	case key == "SYNTAX":
		return d.syntax(text)
	case key == "MAX-ACCESS":
		d.Access = text
	case key == "STATUS" && text != "current" && text != "mandatory":
		d.Status = text
	case key == "INDEX":
		for word := range strings.SplitSeq(strings.Trim(text, "{ }"), ",") {
			word = strings.TrimSpace(word)
			name, implied := strings.CutPrefix(word, "IMPLIED ")
			d.Index, d.Implied = append(d.Index, name), implied
		}
	case key == "AUGMENTS":
		d.augments = strings.Trim(text, "{ }")
	}
	return nil
}

// syntax reads INTEGER {up(1), down(2)}, OCTET STRING (8 | 11), Unsigned32 (1..10) and Counter64.
func (d *definition) syntax(text string) error {
	at := strings.IndexAny(text, "({")
	if at < 0 {
		at = len(text)
	}
	rest := text[at:]
	d.Syntax = strings.TrimSpace(text[:at])
	switch d.Syntax {
	case "NetworkAddress": // RFC 1155: a choice of one
		d.Syntax, d.TC = "IpAddress", "NetworkAddress"
	case "Opaque": // a module's name follows
		return nil
	case "INTEGER":
		if !strings.HasPrefix(rest, "{") {
			d.Syntax = "Integer32"
		}
	}
	if strings.HasPrefix(rest, "{") {
		d.Enum = map[string]int64{}
		for _, m := range value.FindAllStringSubmatch(rest, -1) {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				return err
			}
			d.Enum[m[1]] = n
		}
		return nil
	}
	for _, m := range span.FindAllStringSubmatch(rest, -1) {
		if m[2] == "" {
			m[2] = m[1]
		}
		low, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return err
		}
		high, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return err
		}
		d.Ranges = append(d.Ranges, [2]int64{low, high})
	}
	return nil
}

// known are the types that SNMP has (RFC 2578 section 7.1).
var known = []string{"Integer32", "INTEGER", "Unsigned32", "Gauge32", "Counter32", "Counter64", "TimeTicks", "IpAddress", "OCTET STRING", "OBJECT IDENTIFIER", "BITS", "Opaque"}

// check makes sure that nothing was misread: types are SNMP's, and every object that an index names is there.
func check(list []Object) error {
	names := map[string]bool{}
	for _, o := range list {
		names[o.Name] = true
	}
	for _, o := range list {
		switch {
		case !slices.Contains(known, o.Syntax):
			return fmt.Errorf("%s: the syntax %q is none of SNMP's", o.Name, o.Syntax)
		case o.OID == "" || o.Access == "":
			return fmt.Errorf("%s: the OID is %q, the access %q", o.Name, o.OID, o.Access)
		}
		for _, i := range o.Index {
			if !names[i] {
				return fmt.Errorf("%s: nobody defines its index %s", o.Name, i)
			}
		}
	}
	return nil
}

func arcs(dotted string) []uint64 {
	var out []uint64
	for part := range strings.SplitSeq(dotted, ".") {
		n, _ := strconv.ParseUint(part, 10, 32) // it was made of digits
		out = append(out, n)
	}
	return out
}

// write writes an object a line, so that changes can be read.
func write(w io.Writer, list []Object) error {
	text := []byte("[\n")
	for i, o := range list {
		line, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Name, err)
		}
		text = append(text, line...)
		if i < len(list)-1 {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	_, err := w.Write(append(text, "]\n"...))
	return err
}
