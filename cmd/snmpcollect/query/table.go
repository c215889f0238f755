package query

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// grid is a table as it was read.
type grid struct {
	columns []smi.Object // in the order of their OIDs
	rows    []oid.OID    // indexes, in order
	cells   map[cell]snmp.Value
	seen    map[oid.OID]bool // rows
}

type cell struct {
	column int
	row    oid.OID
}

// Table writes the table, or the columns, that name and more name: a line a row. width is that of the terminal, 0 for none: a table that is wider is
// written in blocks of columns.
func (q *Query) Table(ctx context.Context, name string, columns []string, width int) error {
	root, object, err := smi.ParseName(q.Names, name)
	if err != nil {
		return err
	}
	if root != object.OID || object.Kind != smi.Table && object.Kind != smi.Row && object.Kind != smi.Column {
		return fmt.Errorf("%s is no table, row or column that is known; use walk", name)
	}
	roots := []oid.OID{root}
	if len(columns) > 0 {
		if roots, err = q.columnsOf(object, columns); err != nil {
			return err
		}
	}
	g := grid{cells: map[cell]snmp.Value{}, seen: map[oid.OID]bool{}}
	for _, root := range roots {
		if err := q.walk(ctx, root, g.add(q.Names)); err != nil {
			return err
		}
	}
	if len(g.rows) == 0 {
		if !q.Style.JSON {
			fmt.Fprintf(q.Out, "%s has no rows\n", object)
		}
		return nil
	}
	slices.SortFunc(g.rows, oid.OID.Compare)
	if q.Style.JSON {
		return q.tableJSON(&g)
	}
	return q.tableText(&g, width)
}

// columnsOf returns the columns of the table object that are called names.
func (q *Query) columnsOf(object smi.Object, names []string) ([]oid.OID, error) {
	var out []oid.OID
	for _, name := range names {
		o, column, err := smi.ParseName(q.Names, name)
		if err != nil {
			return nil, err
		}
		if column.Kind != smi.Column || o != column.OID || !o.HasPrefix(object.OID) {
			return nil, fmt.Errorf("%s is no column of %s", name, object)
		}
		out = append(out, o)
	}
	return out, nil
}

// add returns what puts a variable into the grid.
func (g *grid) add(names smi.Resolver) func(snmp.VarBind) error {
	return func(vb snmp.VarBind) error {
		object, ok := names.Find(vb.Name)
		if !ok || object.Kind != smi.Column {
			return nil // below the table, and of no column that is known
		}
		c := slices.IndexFunc(g.columns, func(o smi.Object) bool { return o.OID == object.OID })
		if c < 0 {
			c = len(g.columns)
			g.columns = append(g.columns, object)
		}
		row := vb.Name.From(object.OID.Len())
		if !g.seen[row] {
			g.seen[row] = true
			g.rows = append(g.rows, row)
		}
		g.cells[cell{c, row}] = vb.Value
		return nil
	}
}

// index returns the names and the texts of a row's index: its parts if they are known and the index is of their form, else in one.
func (q *Query) index(parts []smi.IndexPart, row oid.OID) []string {
	values, err := smi.DecodeIndex(parts, row)
	if err != nil || len(parts) == 0 {
		out := make([]string, max(1, len(parts)))
		out[0] = row.String()
		return out
	}
	var out []string
	for i, v := range values {
		out = append(out, safe(smi.Text(q.Names, smi.Object{Syntax: parts[i].Syntax}, v)))
	}
	return out
}

// head returns the parts of the index, and their names without those that are columns too.
func (q *Query) head(g *grid) (parts []smi.IndexPart, names []string) {
	parts = smi.RowIndex(q.Names, g.columns[0])
	for _, p := range parts {
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		names = []string{"index"}
	}
	return parts, names
}

func (q *Query) tableJSON(g *grid) error {
	parts, names := q.head(g)
	for _, row := range g.rows {
		var b strings.Builder
		b.WriteByte('{')
		field := func(name string, v any) error {
			text, err := json.Marshal(v)
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%s", name, text)
			return err
		}
		index := q.index(parts, row)
		for i, name := range names {
			if slices.ContainsFunc(g.columns, func(o smi.Object) bool { return o.Name == name }) {
				continue
			}
			if err := field(name, index[i]); err != nil {
				return err
			}
		}
		for c, o := range g.columns {
			v, ok := g.cells[cell{c, row}]
			if !ok {
				continue
			}
			value, _ := raw(v)
			if _, isText := value.(string); isText || o.Syntax.Labels != nil {
				value = smi.Text(q.Names, o, v)
			}
			if err := field(o.Name, value); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(q.Out, b.String()+"}"); err != nil {
			return err
		}
	}
	return nil
}

// tableText writes the grid in blocks of columns that fit width, each with the index.
func (q *Query) tableText(g *grid, width int) error {
	parts, names := q.head(g)
	index := make([][]string, len(names)) // columns of texts, the name first
	for i, name := range names {
		index[i] = append(index[i], name)
	}
	for _, row := range g.rows {
		for i, text := range q.index(parts, row) {
			index[i] = append(index[i], text)
		}
	}
	style := q.Style
	style.Quick = true
	var columns [][]string
	for c, o := range g.columns {
		if slices.Contains(names, o.Name) {
			continue // it is in the index
		}
		column := []string{o.Name}
		for _, row := range g.rows {
			text := "-"
			if v, ok := g.cells[cell{c, row}]; ok {
				_, text = style.value(q.Names, o, v)
			}
			column = append(column, text)
		}
		columns = append(columns, column)
	}
	for first := true; first || len(columns) > 0; first = false {
		block := slices.Clone(index)
		used := widthOf(block)
		for len(columns) > 0 && (width == 0 || len(block) == len(index) || used+2+widthOf(columns[:1]) <= width) {
			used += 2 + widthOf(columns[:1])
			block, columns = append(block, columns[0]), columns[1:]
		}
		if !first {
			fmt.Fprintln(q.Out)
		}
		if err := q.block(block); err != nil {
			return err
		}
	}
	return nil
}

// widthOf is how many cells columns take beside each other.
func widthOf(columns [][]string) int {
	sum := 0
	for _, c := range columns {
		most := 0
		for _, text := range c {
			most = max(most, utf8.RuneCountInString(text))
		}
		sum += most + 2
	}
	return sum - 2
}

func (q *Query) block(columns [][]string) error {
	widths := make([]int, len(columns))
	for c := range columns {
		widths[c] = widthOf(columns[c : c+1])
	}
	for r := range columns[0] {
		var line strings.Builder
		for c, column := range columns {
			line.WriteString(column[r])
			line.WriteString(strings.Repeat(" ", widths[c]-utf8.RuneCountInString(column[r])+2))
		}
		if _, err := fmt.Fprintln(q.Out, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
