package dashboards_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"walkabout/dashboards"
)

func files(t *testing.T, o dashboards.Options) map[string][]byte {
	t.Helper()
	out, err := dashboards.Files(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCommitted: the files in grafana are those that are generated; make dashboards writes them.
func TestCommitted(t *testing.T) {
	want, got := map[string]string{}, map[string]string{}
	for name, content := range files(t, dashboards.DefaultOptions()) {
		want[name] = string(content)
	}
	tree := os.DirFS("grafana")
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, name)
		got[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run make dashboards (-generated +committed):\n%s", diff)
	}
}

// document is of a dashboard what Grafana demands and what is the same for all kinds.
type document struct {
	ID            *int
	UID, Title    string
	Tags          []string
	SchemaVersion int
	Time          struct{ From, To string }
	Annotations   struct {
		List []struct {
			Name, Expr string
			Enable     bool
			DataSource source
			Target     struct{ RefID, Query string }
		}
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
			DataSource source
		}
	}
	Links []struct {
		Type                  string
		Tags                  []string
		IncludeVars, KeepTime bool
	}
	Panels []panelDocument
}

type panelDocument struct {
	ID          int
	Type, Title string
	GridPos     struct{ H, W, X, Y int }
	DataSource  *source
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Color  struct{ Mode string }
			Custom map[string]any
		}
	}
	Targets []struct {
		RefID, Query, ResultFormat, Expr, Format string
		RawQuery, Instant, Range                 bool
		DataSource                               source
	}
	Transformations []struct{ ID string }
}

type source struct{ Type, UID string }

func read(t *testing.T, content []byte) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func kindOf(name string) (dashboards.Kind, bool) {
	kind := dashboards.Kind(path.Dir(name))
	return kind, slices.Contains(dashboards.Kinds(), kind)
}

// TestSchema: each dashboard has what Grafana demands.
func TestSchema(t *testing.T) {
	uids := map[string]bool{}
	for name, content := range files(t, dashboards.DefaultOptions()) {
		kind, ok := kindOf(name)
		if !ok {
			continue
		}
		d := read(t, content)
		if d.ID != nil || len(d.UID) < 8 || len(d.UID) > 40 || uids[d.UID] || d.Title == "" || d.SchemaVersion < 39 || d.Time.From == "" || d.Time.To != "now" {
			t.Errorf("%s: uid %q, title %q, schema %d", name, d.UID, d.Title, d.SchemaVersion)
		}
		uids[d.UID] = true
		if l := d.Links; len(l) != 1 || l[0].Type != "dashboards" || !l[0].IncludeVars || !l[0].KeepTime || !slices.Contains(d.Tags, l[0].Tags[0]) {
			t.Errorf("%s: links %+v", name, d.Links)
		}
		want := source{map[dashboards.Kind]string{dashboards.InfluxQL: "influxdb", dashboards.Flux: "influxdb", dashboards.Prometheus: "prometheus"}[kind], "${datasource}"}
		variables(t, name, &d, want)
		panels(t, name, &d, kind, want)
	}
	if len(uids) != 18 {
		t.Errorf("%d dashboards", len(uids))
	}
	for name, content := range files(t, dashboards.DefaultOptions()) {
		for _, l := range regexp.MustCompile(`"/d/([^?"]+)\?`).FindAllSubmatch(content, -1) {
			if !uids[string(l[1])] {
				t.Errorf("%s: a link to %s, which there is not", name, l[1])
			}
		}
	}
}

// panels wants each panel to have an identifier and a place of its own, and queries.
func panels(t *testing.T, name string, d *document, kind dashboards.Kind, want source) {
	t.Helper()
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID <= 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("%s: panel %d %q", name, p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is || x >= 24 {
					t.Errorf("%s: %q lies over %q or the edge", name, p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.DataSource == nil || *p.DataSource != want || len(p.Targets) == 0 {
			t.Errorf("%s: %q: data source %v, %d targets", name, p.Title, p.DataSource, len(p.Targets))
		}
		if spans, has := p.FieldConfig.Defaults.Custom["spanNulls"]; p.Type == "timeseries" && (!has || spans != false) {
			t.Errorf("%s: %q draws lines over gaps", name, p.Title)
		}
		if mode := p.FieldConfig.Defaults.Color.Mode; p.Type == "state-timeline" && mode != "palette-classic" { // by thresholds Grafana shows no mappings
			t.Errorf("%s: %q is coloured by %s", name, p.Title, mode)
		}
		targets(t, name, &p, kind, want)
	}
}

// targets wants a panel's queries to have the fields that their kind of data source reads.
func targets(t *testing.T, name string, p *panelDocument, kind dashboards.Kind, want source) {
	t.Helper()
	for i, q := range p.Targets {
		good := q.RefID == string(rune('A'+i)) && q.DataSource == want
		switch kind {
		case dashboards.InfluxQL:
			good = good && q.Query != "" && q.RawQuery && q.ResultFormat == map[bool]string{true: "table", false: "time_series"}[p.Type == "table"] && q.Expr == ""
		case dashboards.Flux:
			good = good && q.Query != "" && q.Expr == ""
		default:
			good = good && q.Expr != "" && q.Query == "" && q.Instant != q.Range && q.Instant == (p.Type == "table" || p.Type == "stat")
		}
		if !good {
			t.Errorf("%s: %q: target %+v", name, p.Title, q)
		}
	}
}

// variables wants every variable that queries use to be there, after those that it depends on.
func variables(t *testing.T, name string, d *document, want source) {
	t.Helper()
	known := map[string]bool{"__to": true, "__interval": true, "__rate_interval": true, "__range": true, "timeFilter": true}
	used := regexp.MustCompile(`\$\{?(\w+)(?::regex)?\}?`)
	check := func(where, text string) {
		for _, m := range used.FindAllStringSubmatch(text, -1) {
			if !known[m[1]] {
				t.Errorf("%s: %s: %s is no variable", name, where, m[0])
			}
		}
	}
	for i, v := range d.Templating.List {
		text, _ := v.Query.(string)
		if q, ok := v.Query.(map[string]any); ok {
			text, _ = q["query"].(string)
		}
		if (v.Type == "datasource") != (i == 0) || i > 0 && v.DataSource != want || text == "" {
			t.Errorf("%s: variable %+v", name, v)
		}
		check(v.Name, text)
		known[v.Name] = true
	}
	for _, a := range d.Annotations.List {
		text := a.Expr + a.Target.Query
		if a.Name != "Alerts" || !a.Enable || a.DataSource != want || text == "" {
			t.Errorf("%s: annotation %+v", name, a)
		}
		check(a.Name, text)
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			check(p.Title, q.Query+q.Expr)
		}
	}
}

// TestSame: the kinds have the same panels, in the same places.
func TestSame(t *testing.T) {
	type panel struct {
		ID                int
		Type, Title, Unit string
		Place             struct{ H, W, X, Y int }
		Queries           int
	}
	all := files(t, dashboards.DefaultOptions())
	panels := func(name string) (out []panel) {
		for _, p := range read(t, all[name]).Panels {
			made := panel{p.ID, p.Type, p.Title, p.FieldConfig.Defaults.Unit, p.GridPos, len(p.Targets)}
			if p.Type == "table" { // whose columns take as many as the language needs
				made.Queries = min(1, made.Queries)
			}
			out = append(out, made)
		}
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		kind, ok := kindOf(name)
		if !ok || kind == dashboards.InfluxQL {
			continue
		}
		if diff := cmp.Diff(panels(path.Join(string(dashboards.InfluxQL), path.Base(name))), panels(name)); diff != "" {
			t.Errorf("%s (-InfluxQL +%s):\n%s", name, kind, diff)
		}
	}
}

// TestRates: no query works out a rate from a device's counters.
func TestRates(t *testing.T) {
	differences := regexp.MustCompile(`(?i)\b(derivative|non_negative_derivative|difference|increase|irate|delta|rate)\([^)]{0,30}`)
	for name, content := range files(t, dashboards.DefaultOptions()) {
		for _, m := range differences.FindAll(content, -1) {
			if !bytes.HasPrefix(m, []byte("rate(snmpcollect_")) {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// TestOptions: a site that polls seldom and has another label.
func TestOptions(t *testing.T) {
	for name, content := range files(t, dashboards.Options{Interval: 5 * time.Minute, Fresh: time.Hour, Average: 7 * time.Minute, Label: "pop"}) {
		text := string(content)
		if strings.Contains(text, "site") || strings.Contains(text, "300000000000") || strings.Contains(text, "[300s]") || strings.Contains(text, `"60s"`) {
			t.Errorf("%s is not of that site", name)
		}
		if strings.HasSuffix(name, "fleet.json") && (!strings.Contains(text, `"interval": "600s"`) || !strings.Contains(text, `"name": "pop"`)) {
			t.Errorf("%s lacks its interval or its label", name)
		}
		if strings.HasSuffix(name, "interface.json") && !strings.Contains(text, "420s") {
			t.Errorf("%s lacks the means of its 95th percentile", name)
		}
		if strings.Contains(name, "datasources") && !strings.Contains(text, "timeInterval: 300s") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// TestProvisioning: the files are YAML of the form that Grafana reads, and each kind's data source is the one that its dashboards begin with.
func TestProvisioning(t *testing.T) {
	all := files(t, dashboards.DefaultOptions())
	for _, kind := range dashboards.Kinds() {
		name := "walkabout-" + string(kind)
		var sources struct {
			APIVersion  int `yaml:"apiVersion"`
			DataSources []struct {
				Name, UID, Type, Access, URL, User string
				JSONData                           map[string]any    `yaml:"jsonData"`
				SecureJSONData                     map[string]string `yaml:"secureJsonData"`
			}
		}
		var providers struct {
			APIVersion int `yaml:"apiVersion"`
			Providers  []struct {
				Name, Folder, Type    string
				UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
				AllowUIUpdates        bool `yaml:"allowUiUpdates"`
				Options               struct{ Path string }
			}
		}
		for file, into := range map[string]any{"datasources": &sources, "dashboards": &providers} {
			d := yaml.NewDecoder(bytes.NewReader(all["provisioning/"+string(kind)+"/"+file+"/"+name+".yaml"]))
			d.KnownFields(true)
			if err := d.Decode(into); err != nil {
				t.Fatalf("%s of %s: %v", file, kind, err)
			}
		}
		if s := sources.DataSources; sources.APIVersion != 1 || len(s) != 1 || s[0].UID != name || s[0].JSONData["timeInterval"] != "30s" || s[0].Access != "proxy" {
			t.Errorf("%+v", sources)
		}
		if p := providers.Providers; providers.APIVersion != 1 || len(p) != 1 || p[0].Options.Path != "$WALKABOUT_DASHBOARDS/"+string(kind) || p[0].Type != "file" {
			t.Errorf("%+v", providers)
		}
		if fleet := string(all[string(kind)+"/fleet.json"]); !strings.Contains(fleet, `"value": "`+sources.DataSources[0].UID+`"`) {
			t.Errorf("the dashboards of %s begin with another data source", kind)
		}
	}
}

// TestWrongOptions: what would make dashboards that say nothing is an error.
func TestWrongOptions(t *testing.T) {
	for want, change := range map[string]func(*dashboards.Options){
		"interval 0s": func(o *dashboards.Options) { o.Interval = 0 },
		"fresh 500ms": func(o *dashboards.Options) { o.Fresh = 500 * time.Millisecond },
		"average -1s": func(o *dashboards.Options) { o.Average = -time.Second },
		`label ""`:    func(o *dashboards.Options) { o.Label = "" },
		`label "a-b"`: func(o *dashboards.Options) { o.Label = "a-b" },
	} {
		o := dashboards.DefaultOptions()
		change(&o)
		if _, err := dashboards.Files(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
