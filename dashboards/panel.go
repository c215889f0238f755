package dashboards

import (
	"fmt"
	"strings"
)

// look is how values are shown.
type look struct {
	Unit       string // Grafana's name of it
	Decimals   int    // shown; 0: as Grafana likes
	Mappings   []mapped
	Thresholds []threshold // ascending; below the first one values are green
	Link       page
	Width      int
}

// mapped is what is shown in place of a number.
type mapped struct {
	Value int
	Text  string
	Color string
}

type threshold struct {
	From  float64
	Color string
}

// page is a dashboard that a link leads to.
type page string

const (
	noPage        page = ""
	devicePage    page = "device"
	interfacePage page = "interface"
)

// style is a kind of panel.
type style string

const (
	graph    style = "timeseries"
	stat     style = "stat"
	table    style = "table"
	timeline style = "state-timeline"
	row      style = "row"
)

// panel is one panel, for all kinds of data sources.
type panel struct {
	Style   style
	Title   string
	About   string // what it shows, in Markdown
	W, H    int    // of a width of 24
	Queries []Query
	Rows    *Rows
	Sort    string // of a table: the column's title; largest first
	Worst   string // of a table of Rows, which is in the order of its tags: a column's title before them; smallest first
	Whole   bool   // of a graph: over all interfaces of a fleet
	look
	First   []mapped // of a time line: Mappings of the first query, if they are others
	Below   bool     // of a graph: the second query is drawn below the axis
	Stack   bool
	Reach   float64 // up to where a graph's axis goes at least
	NoValue string
}

const maxWidth = 24

// wholePoints is how many windows a graph over a whole fleet has at most. A PromQL engine holds all windows of all series before it adds them up: of
// 20,000 interfaces 2 million samples at a time, of the 10 million that the store allows.
const wholePoints = 100

// target letters, as Grafana gives them.
func refID(i int) string { return string(rune('A' + i)) }

// panelMaker makes panels of one dashboard and kind.
type panelMaker struct {
	kind      Kind
	language  language
	source    dataSourceRef
	interval  string // the least window
	label     string // Options.Label
	variables []Variable
}

// variable returns the dashboard's variable for a tag; nil if there is none.
func (m *panelMaker) variable(tag string) *Variable {
	for i := range m.variables {
		if m.variables[i].Tag == tag {
			return &m.variables[i]
		}
	}
	return nil
}

// oneDevice reports whether the dashboard is about one device.
func (m *panelMaker) oneDevice() bool {
	v := m.variable("device")
	return v != nil && !v.Multi
}

func (m *panelMaker) panel(p *panel) *grafanaPanel {
	out := &grafanaPanel{Type: string(p.Style), Title: p.Title, Description: p.About}
	if p.Style == row {
		out.Collapsed, out.Panels = new(bool), &[]object{}
		return out
	}
	source := m.source
	out.DataSource = &source
	out.FieldConfig = &fieldConfig{Defaults: m.defaults(p), Overrides: []override{}}
	switch {
	case p.Rows != nil:
		m.rows(p, out)
	case p.Style == table:
		m.top(p, out)
	default:
		m.series(p, out)
	}
	return out
}

// defaults is how all fields of a panel are shown.
func (m *panelMaker) defaults(p *panel) fieldDefaults {
	d := fieldDefaults{Unit: p.Unit, NoValue: p.NoValue, Thresholds: steps(p.Thresholds), Mappings: mappings(p.Mappings), Color: object{"mode": "palette-classic"}}
	if p.Decimals > 0 {
		d.Decimals = &p.Decimals
	}
	if p.NoValue != "" { // in a colour that is neither good nor bad; without this it has that of the lowest values
		d.Mappings = append(d.Mappings, object{"type": "special", "options": object{"match": "null", "result": object{"text": p.NoValue, "color": idle, "index": len(p.Mappings)}}})
	}
	if p.Link != noPage {
		d.Links = m.links(p.Link, "__field.labels.device", "__field.labels.ifName")
	}
	if p.Style == stat || p.Style == table { // by thresholds a time line has bands of values, and not the colours of Mappings
		d.Color = object{"mode": "thresholds"}
	}
	switch p.Style {
	case graph:
		stacking, fill := "none", 10
		if p.Stack {
			stacking, fill = "normal", 30
		}
		// spanNulls false: what was not measured is a gap, and no line leads over it.
		d.Custom = object{"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": fill, "showPoints": "auto", "pointSize": 4,
			"spanNulls": false, "stacking": object{"mode": stacking, "group": "A"}, "axisPlacement": "auto", "axisSoftMin": 0, "thresholdsStyle": object{"mode": "off"}}
		if p.Below {
			delete(d.Custom, "axisSoftMin")
		}
		if p.Reach > 0 {
			d.Custom["axisSoftMax"] = p.Reach
		}
	case timeline:
		d.Custom = object{"lineWidth": 0, "fillOpacity": 80}
	case table:
		d.Custom = object{"align": "auto", "filterable": true, "cellOptions": object{"type": "auto"}}
	}
	return d
}

// series fills a panel of time series or of single numbers.
func (m *panelMaker) series(p *panel, out *grafanaPanel) {
	single := p.Style == stat
	for i := range p.Queries {
		q := &p.Queries[i]
		t := target{RefID: refID(i), DataSource: m.source}
		switch m.kind {
		case InfluxQL:
			t.Query, t.RawQuery, t.ResultFormat, t.Alias = m.language.query(q), true, "time_series", legend(q, "$tag_%s")
		case Flux:
			t.Query = m.language.query(q)
			// The data source has no legends of its own.
			out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, override{matcher{"byFrameRefID", t.RefID}, []property{{"displayName", legend(q, "${__field.labels.%s}")}}})
		case Prometheus:
			t.Expr, t.EditorMode, t.Format, t.LegendFormat = m.language.query(q), "code", "time_series", promLegend(q)
			t.Instant, t.Range = single, !single
		}
		out.Targets = append(out.Targets, t)
	}
	legendOptions := object{"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []string{}}
	tooltip := object{"mode": "multi", "sort": "desc"}
	switch p.Style {
	case stat:
		out.Options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}, "colorMode": "value", "graphMode": "none",
			"textMode": "auto", "orientation": "auto", "justifyMode": "auto", "wideLayout": true}
	case timeline:
		out.Interval = m.interval
		out.Options = object{"mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "legend": legendOptions, "tooltip": object{"mode": "single", "sort": "none"}}
	default:
		out.Interval = m.interval
		if p.Whole {
			out.MaxDataPoints = wholePoints
		}
		legendOptions["displayMode"], legendOptions["calcs"] = "table", []string{"mean", "max", "lastNotNull"}
		out.Options = object{"legend": legendOptions, "tooltip": tooltip}
	}
	if len(p.First) > 0 {
		out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, override{matcher{"byFrameRefID", "A"}, []property{{"mappings", mappings(p.First)}}})
	}
	if p.Below {
		out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, override{matcher{"byFrameRefID", "B"}, []property{{"custom.transform", "negative-Y"}}})
	}
}

// legend writes q's legend with each {{tag}} in a form.
func legend(q *Query, form string) string {
	out := q.Legend
	for _, tag := range q.By {
		out = strings.ReplaceAll(out, "{{"+tag+"}}", fmt.Sprintf(form, tag))
	}
	return out
}

func promLegend(q *Query) string {
	out := q.Legend
	for _, tag := range q.By {
		out = strings.ReplaceAll(out, "{{"+tag+"}}", "{{"+promLabel(q.From, tag)+"}}")
	}
	return out
}

// steps returns thresholds as Grafana has them.
func steps(all []threshold) thresholds {
	base := "green"
	if len(all) == 0 {
		base = "text"
	}
	out := thresholds{Mode: "absolute", Steps: []step{{Color: base}}}
	for _, t := range all {
		out.Steps = append(out.Steps, step{t.Color, &t.From})
	}
	return out
}

func mappings(all []mapped) []object {
	if len(all) == 0 {
		return []object{}
	}
	options := object{}
	for i, v := range all {
		options[fmt.Sprint(v.Value)] = object{"text": v.Text, "color": v.Color, "index": i}
	}
	return []object{{"type": "value", "options": options}}
}

// links returns a link to a page for the device and the interface that two expressions of Grafana's name.
func (m *panelMaker) links(to page, device, port string) []dataLink {
	if m.oneDevice() {
		device = "device"
	}
	url := fmt.Sprintf("/d/%s?${__url_time_range}&${datasource:queryparam}&var-device=${%s:percentencode}", uid(m.kind, string(to)), device)
	if m.variable(m.label) != nil {
		url += fmt.Sprintf("&${%s:queryparam}", m.label)
	}
	if to == interfacePage {
		url += fmt.Sprintf("&var-ifName=${%s:percentencode}", port)
	}
	return []dataLink{{Title: "This " + string(to), URL: url}}
}
