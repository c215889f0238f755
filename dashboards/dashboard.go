package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
)

// dashboard is one dashboard, for all kinds of data sources.
type dashboard struct {
	Name      string // of its file, and in its uid
	Title     string
	About     string
	Variables []Variable
	Panels    []panel
	From      string   // of the time span
	Alerts    []string // the tags by which alerts are chosen that are marked in graphs; nil: none are
}

// schemaVersion is that of Grafana 10.4; newer ones bring it up to theirs.
const schemaVersion = 39

func uid(kind Kind, name string) string { return fmt.Sprintf("walkabout-%s-%s", kind, name) }

// sourceType is what Grafana calls the plug-in of a kind.
func sourceType(kind Kind) string {
	if kind == Prometheus {
		return "prometheus"
	}
	return "influxdb"
}

// all returns every dashboard.
func all(o Options) []dashboard {
	return []dashboard{fleet(o), device(o), port(o), mismatches(o), dns(o), health(o)}
}

// languageOf returns what writes queries of a kind.
func languageOf(kind Kind, o Options) language {
	average := max(o.Average, o.Interval)
	switch kind {
	case InfluxQL:
		return influxQL{o.Fresh, average}
	case Flux:
		return flux{o.Fresh, average}
	}
	return promQL{o.Fresh, average, o.Interval}
}

// build returns d for a kind.
func build(d *dashboard, kind Kind, o Options) *grafanaDashboard {
	language := languageOf(kind, o)
	source := dataSourceRef{sourceType(kind), "${datasource}"}
	m := &panelMaker{kind: kind, language: language, source: source, interval: short(2 * o.Interval), label: o.Label, variables: d.Variables}
	tag := "walkabout-" + string(kind)
	out := &grafanaDashboard{UID: uid(kind, d.Name), Title: d.Title, Description: d.About, Tags: []string{"walkabout", tag}, SchemaVersion: schemaVersion, Version: 1,
		Editable: true, GraphTooltip: 1, Timezone: "browser", Refresh: "1m", Time: timeSpan{d.From, "now"}, Timepicker: object{},
		Annotations: list{annotations(d, kind, language, source, m.interval)},
		Links: []dashboardLink{{Title: "Walkabout", Type: "dashboards", Icon: "external link", Tooltip: "the other dashboards, for the same time and devices", Tags: []string{tag},
			IncludeVars: true, KeepTime: true}}}
	out.Templating.List = append(out.Templating.List, sourceVariable(kind))
	for i := range d.Variables {
		v := &d.Variables[i]
		out.Templating.List = append(out.Templating.List, variable(v, kind, language, source))
	}
	x, y, high := 0, 0, 0
	for i := range d.Panels {
		p := &d.Panels[i]
		w, h := p.W, p.H
		if p.Style == row {
			w, h = maxWidth, 1
		}
		if x+w > maxWidth {
			x, y, high = 0, y+high, 0
		}
		made := m.panel(p)
		made.ID, made.GridPos = i+1, gridPos{H: h, W: w, X: x, Y: y}
		out.Panels = append(out.Panels, made)
		x, high = x+w, max(high, h)
	}
	return out
}

// annotations marks alerts in graphs.
func annotations(d *dashboard, kind Kind, l language, source dataSourceRef, step string) []object {
	query := ""
	if d.Alerts != nil {
		query = l.alerts(d.Alerts)
	}
	if query == "" {
		return []object{}
	}
	out := object{"name": "Alerts", "datasource": source, "enable": true, "hide": false, "iconColor": bad}
	switch kind {
	case InfluxQL:
		out["target"] = object{"refId": "Alerts", "name": "Alerts", "query": query, "queryType": "tags", "fromAnnotations": true, "textColumn": "summary", "tagsColumn": "rule,state",
			"timeEndColumn": "", "titleColumn": ""}
	case Flux:
		out["target"] = object{"refId": "Alerts", "query": query}
	case Prometheus:
		out["expr"], out["step"], out["titleFormat"], out["textFormat"], out["tagKeys"] = query, step, "{{rule}} fires", "", "rule"
	}
	return []object{out}
}

// sourceVariable chooses among the data sources of the kind; the one that is provisioned is first.
func sourceVariable(kind Kind) object {
	return object{"type": "datasource", "name": "datasource", "label": "Data source", "query": sourceType(kind), "regex": "", "refresh": 1, "hide": 0, "multi": false,
		"includeAll": false, "skipUrlSync": false, "options": []object{}, "current": object{"selected": true, "text": sourceName(kind), "value": sourceUID(kind)}}
}

func variable(v *Variable, kind Kind, l language, source dataSourceRef) object {
	query := any(l.variable(v))
	if kind == Prometheus {
		query = object{"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
	}
	out := object{"type": "query", "name": v.Tag, "label": v.Label, "datasource": source, "query": query, "regex": "", "refresh": 2, "sort": 7, "hide": 0,
		"multi": v.Multi, "includeAll": v.Multi, "skipUrlSync": false, "options": []object{}}
	if v.Multi {
		out["allValue"] = ".*"
		out["current"] = object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}}
	}
	return out
}

// Files returns the content of every file by its path, with slashes. The error says what is wrong with o.
func Files(o Options) (map[string][]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	out := provisioning(o)
	for _, kind := range Kinds() {
		for _, d := range all(o) {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(build(&d, kind, o)); err != nil {
				return nil, fmt.Errorf("%s for %s: %w", d.Name, kind, err)
			}
			out[path.Join(string(kind), d.Name+".json")] = b.Bytes()
		}
	}
	return out, nil
}
