//go:build interop

package dashboards_test

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/agent/agenttest"
	"walkabout/dashboards"
	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/sim"
)

// The collector polls simulated devices and writes to InfluxDB, Prometheus and its own store; then every query of every panel is asked as Grafana asks it.

const interval = time.Second

// Names that mean something in the languages and in regular expressions.
const (
	oddDevice = `odd "1", it's $1`
	oddName   = `ge-0/0/2 "b", it's $1|x.* {ü}`
)

// dataSource is a database and the language in which it is asked.
type dataSource struct {
	name string
	kind dashboards.Kind
	url  string
}

// site is what runs: InfluxDB, asked in InfluxQL, and others that are to show the same.
type site struct {
	influxQL, flux, prometheus, store dataSource
	span                              span
}

// switches, a name server and an agent of odd states, each with its address.
func devices(t *testing.T) map[string]string {
	t.Helper()
	boot := time.Now().Add(-time.Hour)
	log, public := slog.New(slog.NewTextHandler(io.Discard, nil)), secret.New("public")
	out := map[string]string{}
	for n, name := range []string{"core1", "core2"} {
		rate := 1e6 * float64(n+1)
		s, err := sim.New(sim.Options{Name: name, Descr: "a switch", Location: "here", Boot: boot, Ports: []sim.Port{
			{Index: 1, Name: "ge-0/0/1", Alias: "uplink (east)", Speed: 1e9, InRate: rate, OutRate: rate / 2, ErrorRate: 3},
			{Index: 2, Name: oddName, Alias: "desk", Speed: 1e8, InRate: rate / 10, OutRate: rate / 5},
			{Index: 3, Name: "ge-0/0/3", Alias: "broken", Speed: 1e9, Down: true, InBase: 5000},
			{Index: 4, Name: "ge-0/0/4", Alias: "disabled", Speed: 1e9, AdminDown: true},
		}}).Server(public, log)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = agenttest.ServeUDP(t, s).String()
	}
	for name, text := range map[string]string{"ns1": nameServer(), oddDevice: oddPort} {
		r, err := sim.ReadSNMPRec(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.Server(sim.Playing{Name: name, Boot: boot, Rate: 10}, public, log)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = agenttest.ServeUDP(t, s).String()
	}
	return out
}

// oddPort is an agent with an interface that is disabled and up.
const oddPort = `1.3.6.1.2.1.1.3.0|67|123456
1.3.6.1.2.1.1.5.0|4|odd1
1.3.6.1.2.1.2.1.0|2|1
1.3.6.1.2.1.2.2.1.1.1|2|1
1.3.6.1.2.1.2.2.1.2.1|4|eth0
1.3.6.1.2.1.2.2.1.3.1|2|6
1.3.6.1.2.1.2.2.1.7.1|2|2
1.3.6.1.2.1.2.2.1.8.1|2|1
1.3.6.1.2.1.2.2.1.10.1|65|1
1.3.6.1.2.1.2.2.1.16.1|65|1
1.3.6.1.2.1.31.1.1.1.1.1|4|eth0
1.3.6.1.2.1.31.1.1.1.15.1|66|100
1.3.6.1.2.1.31.1.1.1.18.1|4|disabled and up
`

// nameServer is an agent that tells all that the dashboard shows.
func nameServer() string {
	var b strings.Builder
	b.WriteString("1.3.6.1.2.1.1.3.0|67|123456\n1.3.6.1.2.1.1.5.0|4|ns1\n1.3.6.1.2.1.32.1.1.1.1.0|4|bind 9.18.49\n1.3.6.1.2.1.32.1.1.1.3.0|66|3600\n1.3.6.1.2.1.32.1.1.1.5.0|2|4\n")
	for _, object := range []int{2, 3, 4, 5, 6, 7, 8, 10, 11, 12} {
		fmt.Fprintf(&b, "1.3.6.1.2.1.32.1.1.2.%d.0|65|%d\n", object, 100*object)
	}
	const zone = "13.7.69.88.65.77.80.76.69.3.79.82.71.0.1"
	b.WriteString("1.3.6.1.2.1.32.1.1.2.13.1.5.0.1.1.1|65|50\n1.3.6.1.2.1.32.1.1.2.13.1.5.0.1.28.1|65|50\n1.3.6.1.2.1.32.1.1.4.1.1.7." + zone + "|65|2026112101\n1.3.6.1.2.1.32.1.1.4.1.1.8." + zone + "|2|1\n" +
		"1.3.6.1.2.1.32.2.1.1.1.0|4|bind 9.18.49\n1.3.6.1.2.1.32.2.1.1.7.0|2|4\n1.3.6.1.2.1.32.2.1.2.3.1.2.0|65|20\n1.3.6.1.2.1.32.2.1.2.4.1.2.0|65|15\n1.3.6.1.2.1.32.2.1.2.4.1.2.3|65|5\n" +
		"1.3.6.1.2.1.32.2.1.2.7.0|65|1\n1.3.6.1.2.1.32.2.1.2.9.0|65|1\n1.3.6.1.2.1.32.2.1.6.3.0|65|1\n")
	return b.String()
}

// run lets the collector poll for some intervals and returns when all that it polled is in the databases.
func run(t *testing.T) *site {
	t.Helper()
	influx, prom := interop.StartInfluxDB(t, "INFLUXDB_HTTP_FLUX_ENABLED=true"), interop.StartPrometheus2(t)
	influx.Query("", "CREATE DATABASE snmp")
	s := &site{influxQL: dataSource{"InfluxQL", dashboards.InfluxQL, influx.URL}, flux: dataSource{"Flux", dashboards.Flux, influx.URL},
		prometheus: dataSource{"Prometheus", dashboards.Prometheus, prom.URL}}
	folder := t.TempDir()
	var b strings.Builder
	// The store keeps what the dashboards show, which leaves out a little of what is dropped otherwise.
	fmt.Fprintf(&b, "interval: %v\nstate: %s\nlisten: 127.0.0.1:0\nstore: {drop: {fields: {interface: [ifPhysAddress]}}}\n", interval, filepath.Join(folder, "state"))
	alone := b.String()
	b.WriteString("self: true\nping: always\ncredentials:\n  lab: {version: 2c, community: public}\ntargets:\n")
	at := devices(t)
	for name, collect := range map[string]string{"core1": "system, interfaces", "core2": "system, interfaces", oddDevice: "system, interfaces", "ns1": "system, dns"} {
		labels := ", labels: {site: paris}"
		if name == "core2" {
			labels = ""
		}
		fmt.Fprintf(&b, "  - {name: %q, address: %q, credential: lab, collect: [%s]%s}\n", name, at[name], collect, labels)
	}
	// Nobody is there.
	b.WriteString("  - {name: gone, address: \"127.0.0.1:1\", credential: lab, collect: [system], timeout: 200ms, labels: {site: paris}}\n")
	fmt.Fprintf(&b, "outputs:\n  - influxdb: {url: %q, org: noc, bucket: snmp}\n  - prometheus: {url: %q, rates: true}\nalerts:\n  interface_mismatch: {for: 0s}\n", influx.URL, prom.Write())
	program := interop.Build(t, "cmd/snmpcollect")
	begin := time.Now().Truncate(2 * interval)
	p, url := collect(t, program, folder, b.String())
	enough := regexp.MustCompile(`(?m)^snmpcollect_polls_total\{device="core1",result="ok"\} \d{2,}$`)
	interop.Eventually(t, "polls", func() bool {
		body, err := ask(t, http.MethodGet, url+"/metrics", "", "")
		return err == nil && enough.MatchString(body)
	}, p.Log)
	p.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 {
		t.Fatalf("the collector ended with %d:\n%s", code, p.Log())
	}
	s.span = span{from: begin, to: time.Now().Truncate(2 * interval).Add(2 * interval), step: 2 * interval, scrape: interval}
	_, url = collect(t, program, folder, alone) // with nothing to poll
	s.store = dataSource{"the store", dashboards.Prometheus, url}
	return s
}

// collect starts the collector and returns where its pages are.
func collect(t *testing.T, program, folder, config string) (p *interop.Process, url string) {
	t.Helper()
	path := filepath.Join(folder, "snmpcollect.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p = interop.Start(t, program, "run", "-c", path)
	return p, "http://" + p.Await(`msg=collecting .* listen=(\S+)`)[1]
}

func (s *site) ask(t *testing.T, from dataSource, text string, single bool) ([]frame, error) {
	t.Helper()
	switch from.kind {
	case dashboards.InfluxQL:
		return influxQL(t, from.url, text, s.span.step)
	case dashboards.Flux:
		return flux(t, from.url, text)
	}
	return promQL(t, from.url, text, s.span, single)
}

// values is what a panel shows: numbers by what they are called and, in a graph, by the ends of windows.
type values map[string]map[string]float64

// show asks all queries of a panel and returns what it shows.
func (s *site) show(t *testing.T, from dataSource, p *panel, c choice) values {
	t.Helper()
	var answers [][]frame
	out := values{}
	for i := range p.Targets {
		q := &p.Targets[i]
		text := s.span.fill(q.text(), c)
		frames, err := s.ask(t, from, text, q.Instant)
		if err != nil {
			t.Errorf("%s: %s\n%v\n%s", from.name, p.Title, err, text)
			return nil
		}
		answers = append(answers, frames)
		if p.Type == "table" {
			continue
		}
		found := false
		for _, f := range frames {
			name := legend(from.kind, p, q, f.labels)
			for _, r := range f.rows {
				v, ok := value(r)
				if !ok {
					continue
				}
				found = true
				when := "now"
				if p.Type != "stat" {
					when = fmt.Sprint(int(r[at].(float64)) - int(s.span.from.Unix()))
				}
				if out[name] == nil {
					out[name] = map[string]float64{}
				}
				if was, twice := out[name][when]; twice {
					t.Errorf("%s: %s: %q has two values, %v and %v", from.name, p.Title, name, was, v)
				}
				out[name][when] = v
			}
		}
		if !found {
			t.Errorf("%s: %s: no data for\n%s", from.name, p.Title, text)
		}
	}
	if p.Type == "table" {
		out = table(p, answers)
		if len(out) == 0 {
			t.Errorf("%s: %s: no rows for\n%s", from.name, p.Title, s.span.fill(p.Targets[0].text(), c))
		}
	}
	return out
}

// value returns the value of a series' row.
func value(r map[string]any) (float64, bool) {
	for _, name := range []string{"value", "_value", "Value"} {
		if v, ok := r[name].(float64); ok {
			return v, true
		}
	}
	return 0, false
}

// tolerance returns by how much two kinds may differ, as a share.
func tolerance(p *panel) float64 {
	switch text := p.Targets[0].text(); {
	case strings.Contains(text, "quantile"): // InfluxQL does not interpolate, which is much between so few values
		return 0.5
	case strings.Contains(text, "sum_over_time"), strings.Contains(text, "reduce(") && strings.Contains(text, "seconds"): // poll by poll, or all at once
		return 0.1
	}
	return 1e-6
}

// differ lists where two kinds show other values.
func differ(a, b values, share float64) (out []string) {
	for name, series := range a {
		for when, v := range series {
			w, ok := b[name][when]
			if !ok {
				out = append(out, fmt.Sprintf("%q at %s: %v and nothing", name, when, v))
			} else if math.Abs(v-w) > share*max(math.Abs(v), math.Abs(w)) {
				out = append(out, fmt.Sprintf("%q at %s: %v and %v", name, when, v, w))
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestPanels asks every query of every panel, with all that can be chosen and with a choice, and compares what the kinds show.
func TestPanels(t *testing.T) {
	s := run(t)
	o := dashboards.DefaultOptions()
	o.Interval, o.Fresh, o.Average = interval, 10*interval, 4*interval
	loaded := map[dashboards.Kind]map[string]shown{}
	for _, kind := range dashboards.Kinds() {
		loaded[kind] = load(t, o, kind)
	}
	for name := range loaded[dashboards.InfluxQL] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.compare(t, loaded, name, nil, s.flux, s.prometheus, s.store)
		})
	}
	chosen := choice{"site": {"paris"}, "device": {"core1", oddDevice, "ns1"}, "ifName": {"ge-0/0/1", oddName}}
	// Flux, of which each query takes long, reads what is chosen as InfluxQL does.
	t.Run("some/device", func(t *testing.T) {
		t.Parallel()
		s.compare(t, loaded, "device", chosen, s.prometheus)
	})
	t.Run("some/mismatches", func(t *testing.T) {
		t.Parallel()
		s.compare(t, loaded, "mismatches", chosen, s.flux, s.prometheus)
	})
	t.Run("some/interface", func(t *testing.T) {
		t.Parallel()
		s.compare(t, loaded, "interface", choice{"site": {"paris"}, "device": {"core1"}, "ifName": {oddName}}, s.prometheus)
	})
}

// compare compares a dashboard's panels over InfluxQL with those over others. Of what is chosen a variable that cannot have several takes the first; nil is all
// that can be chosen.
func (s *site) compare(t *testing.T, loaded map[dashboards.Kind]map[string]shown, name string, chosen choice, others ...dataSource) {
	first := loaded[dashboards.InfluxQL][name]
	c := choice{}
	single := choice{"device": {"core1"}, "ifName": {"ge-0/0/1"}}
	for _, v := range first.Templating.List {
		if v.Type != "query" {
			continue
		}
		c[v.Name] = chosen[v.Name]
		if !v.Multi && chosen == nil {
			c[v.Name] = single[v.Name]
		} else if !v.Multi {
			c[v.Name] = chosen[v.Name][:1]
		}
	}
	for _, from := range append([]dataSource{s.influxQL}, others...) {
		s.variables(t, from, loaded[from.kind][name], c)
	}
	if len(first.Annotations.List) > 0 {
		s.alerts(t, s.influxQL, first, c)
	}
	for _, from := range others {
		if d := loaded[from.kind][name]; from != s.store && len(d.Annotations.List) > 0 { // the store was asked after the alerts had gone
			s.alerts(t, from, d, c)
		}
	}
	for i := range first.Panels {
		if len(first.Panels[i].Targets) == 0 {
			continue
		}
		want := s.show(t, s.influxQL, &first.Panels[i], c)
		for _, from := range others {
			p := &loaded[from.kind][name].Panels[i]
			if from == s.store && strings.Contains(p.Title, "32-bit") { // of interfaces that have 64-bit ones it does not keep them
				continue
			}
			got := s.show(t, from, p, c)
			if want == nil || got == nil {
				continue
			}
			d := differ(want, got, tolerance(p))
			if !strings.Contains(p.Targets[0].Expr, " or ") { // which has something for windows in which there is no rate
				d = append(d, differ(got, want, tolerance(p))...)
			}
			if len(d) > 0 {
				t.Errorf("%s: InfluxQL and %s, or the other way round, differ in %d of %d: %s", p.Title, from.name, len(d), len(want), strings.Join(d[:min(len(d), 6)], "; "))
			}
		}
	}
}

// alerts asks for the alerts that are marked in graphs, and wants to see some.
func (s *site) alerts(t *testing.T, from dataSource, d shown, c choice) {
	t.Helper()
	a := d.Annotations.List[0]
	text := s.span.fill(a.Expr+a.Target.Query, c)
	frames, err := s.ask(t, from, text, false)
	if err != nil || name(d) != "dns" && len(frames) == 0 {
		t.Errorf("%s: alerts of %s: %d, %v\n%s", from.name, name(d), len(frames), err, text)
	}
}

// variables asks for the values that a dashboard's variables may have, and wants those that are chosen to be among them.
func (s *site) variables(t *testing.T, from dataSource, d shown, c choice) {
	t.Helper()
	labelValues := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		query, _ := v.Query.(string)
		if q, ok := v.Query.(map[string]any); ok {
			query, _ = q["query"].(string)
		}
		text := s.span.fill(query, c)
		var body string
		var err error
		switch from.kind {
		case dashboards.Prometheus:
			m := labelValues.FindStringSubmatch(text)
			body, err = ask(t, http.MethodGet, from.url+"/api/v1/label/"+m[2]+"/values?"+url.Values{"match[]": {m[1]}}.Encode(), "", "")
			body = strings.ReplaceAll(body, `\"`, `"`)
		default:
			var frames []frame
			frames, err = s.ask(t, from, text, false)
			body = fmt.Sprint(frames)
		}
		if err != nil {
			t.Errorf("%s: %s: %v\n%s", from.name, v.Name, err, text)
		}
		want := c[v.Name]
		if want == nil && v.Name == "device" && strings.Contains(text, "dns_server") {
			want = []string{"ns1"}
		} else if want == nil {
			want = map[string][]string{"site": {"paris"}, "device": {"core1", "core2"}}[v.Name]
		}
		for _, w := range want {
			if !strings.Contains(body, w) && !(name(d) == "dns" && w != "ns1") {
				t.Errorf("%s: %s: no %s among %s", from.name, v.Name, w, body)
			}
		}
	}
}

func name(d shown) string { return d.UID[strings.LastIndex(d.UID, "-")+1:] }
