package dashboards

import "fmt"

// titles of the tags that tables have as columns.
var tagTitles = map[string]string{"device": "Device", "ifName": "Interface", "output": "Output", "state": "State", "rule": "Rule",
	"dnsServZoneName": "Zone", "dnsServZoneClass": "Class"}

// tagLinks are where the columns of tags lead.
var tagLinks = map[string]page{"device": devicePage, "ifName": interfacePage}

func tagTitle(tag string) string {
	if t, ok := tagTitles[tag]; ok {
		return t
	}
	return tag
}

// rows fills a table of Rows.
func (m *panelMaker) rows(p *panel, out *grafanaPanel) {
	rename := object{}
	var order []string
	for _, tag := range p.Rows.By {
		order = append(order, promOr(m.kind, p.Rows.From, tag))
		rename[order[len(order)-1]] = tagTitle(tag)
	}
	queries := m.language.rows(p.Rows)
	for i, query := range queries {
		out.Targets = append(out.Targets, m.tableTarget(i, query))
	}
	hidden := object{"Time": true, "time": true}
	values := 0 // of Prometheus: columns that have a query
	for _, c := range p.Rows.Columns {
		name := c.Field
		if m.kind == Prometheus && !c.Label {
			name = fmt.Sprintf("Value #%s", refID(values))
			values++
			if c.Text {
				hidden[name] = true
				name = c.Field
			}
		}
		order = append(order, name)
		rename[name] = c.Title
		m.column(out, c.Title, c.look)
	}
	if m.kind == Prometheus && values == 1 {
		rename["Value"] = rename["Value #A"]
	}
	m.finishTable(p, out, p.Rows.By, hidden, order, rename)
}

// top fills a table of the largest values of a query.
func (m *panelMaker) top(p *panel, out *grafanaPanel) {
	q := &p.Queries[0]
	out.Targets = []target{m.tableTarget(0, m.language.query(q))}
	rename := object{}
	var order []string
	for _, tag := range q.By {
		order = append(order, promOr(m.kind, q.From, tag))
		rename[order[len(order)-1]] = tagTitle(tag)
	}
	for _, name := range []string{"value", "_value", "Value", "Value #A"} {
		rename[name] = p.Sort
	}
	order = append(order, "value", "_value", "Value", "Value #A")
	m.column(out, p.Sort, p.look)
	m.finishTable(p, out, q.By, object{"Time": true, "time": true}, order, rename)
}

func promOr(kind Kind, measurement, tag string) string {
	if kind == Prometheus {
		return promLabel(measurement, tag)
	}
	return tag
}

func (m *panelMaker) tableTarget(i int, query string) target {
	t := target{RefID: refID(i), DataSource: m.source}
	switch m.kind {
	case InfluxQL:
		t.Query, t.RawQuery, t.ResultFormat = query, true, "table"
	case Flux:
		t.Query = query
	case Prometheus:
		t.Expr, t.EditorMode, t.Format, t.Instant = query, "code", "table", true
	}
	return t
}

// column says how the column of a title is shown.
func (m *panelMaker) column(out *grafanaPanel, title string, l look) {
	var all []property
	if l.Unit != "" {
		all = append(all, property{"unit", l.Unit})
	}
	if l.Decimals > 0 {
		all = append(all, property{"decimals", l.Decimals})
	}
	if len(l.Mappings) > 0 {
		all = append(all, property{"mappings", mappings(l.Mappings)})
	}
	if len(l.Thresholds) > 0 {
		all = append(all, property{"thresholds", steps(l.Thresholds)})
	}
	if len(l.Mappings)+len(l.Thresholds) > 0 {
		all = append(all, property{"custom.cellOptions", object{"type": "color-text"}})
	}
	if l.Width > 0 {
		all = append(all, property{"custom.width", l.Width})
	}
	if len(all) > 0 {
		out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, override{matcher{"byName", title}, all})
	}
}

// finishTable joins what several queries brought by their tags, and names and orders the columns.
func (m *panelMaker) finishTable(p *panel, out *grafanaPanel, by []string, hidden object, order []string, rename object) {
	index := object{}
	for i, name := range order {
		index[name] = i
	}
	out.Transformations = []object{
		{"id": "merge", "options": object{}},
		{"id": "organize", "options": object{"excludeByName": hidden, "indexByName": index, "renameByName": rename}},
	}
	for _, tag := range by {
		to, ok := tagLinks[tag]
		if !ok || tag == "device" && m.oneDevice() {
			continue
		}
		links := m.links(to, "__data.fields.Device", "__data.fields.Interface")
		out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, override{matcher{"byName", tagTitle(tag)}, []property{{"links", links}}})
	}
	out.Options = object{"showHeader": true, "cellHeight": "sm"}
	var sortBy []object
	if p.Sort != "" {
		sortBy = append(sortBy, object{"displayName": p.Sort, "desc": true})
	} else {
		if p.Worst != "" {
			sortBy = append(sortBy, object{"displayName": p.Worst, "desc": false})
		}
		for _, tag := range by {
			sortBy = append(sortBy, object{"displayName": tagTitle(tag), "desc": false})
		}
	}
	out.Options["sortBy"] = sortBy
}
