package ondemand

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/collector/scrape"
)

// page is metrics in Prometheus' text format, by name.
type page struct {
	families map[string]*family
}

type family struct {
	name, help string
	counter    bool
	lines      []string // without their values, to be sorted
	values     map[string]float64
}

func newPage() *page { return &page{map[string]*family{}} }

// add adds a value. Of two of one series the first counts.
func (p *page) add(name, help string, counter bool, labels []scrape.Label, value float64) {
	f := p.families[name]
	if f == nil {
		f = &family{name: name, help: help, counter: counter, values: map[string]float64{}}
		p.families[name] = f
	}
	slices.SortFunc(labels, func(a, b scrape.Label) int { return strings.Compare(a.Name, b.Name) })
	line := []byte(name)
	for i, l := range labels {
		if i == 0 {
			line = append(line, '{')
		} else {
			line = append(line, ',')
		}
		line = append(append(line, l.Name...), '=', '"')
		line = append(append(line, escape(l.Value, true)...), '"')
	}
	if len(labels) > 0 {
		line = append(line, '}')
	}
	key := string(line)
	if _, twice := f.values[key]; !twice {
		f.values[key] = value
		f.lines = append(f.lines, key)
	}
}

// self adds what snmp_exporter tells of a scrape.
func (p *page) self(module string, walk, all time.Duration, sent, retried uint64, pdus int) {
	for _, m := range []struct {
		name, help string
		value      float64
	}{
		{"snmp_scrape_walk_duration_seconds", "Time SNMP walk/bulkwalk took.", walk.Seconds()},
		{"snmp_scrape_packets_sent", "Packets sent for get, bulkget, and walk; including retries.", float64(sent)},
		{"snmp_scrape_packets_retried", "Packets retried for get, bulkget, and walk.", float64(retried)},
		{"snmp_scrape_pdus_returned", "PDUs returned from get, bulkget, and walk.", float64(pdus)},
		{"snmp_scrape_duration_seconds", "Total SNMP time scrape took (walk and processing).", all.Seconds()},
	} {
		p.add(m.name, m.help, false, []scrape.Label{{Name: "module", Value: module}}, m.value)
	}
}

// text returns the page: families, and their series, in order.
func (p *page) text() []byte {
	names := make([]string, 0, len(p.families))
	for name := range p.families {
		names = append(names, name)
	}
	slices.Sort(names)
	var b []byte
	for _, name := range names {
		f := p.families[name]
		typ := "gauge"
		if f.counter {
			typ = "counter"
		}
		b = append(b, "# HELP "+name+" "+escape(f.help, false)+"\n# TYPE "+name+" "+typ+"\n"...)
		slices.Sort(f.lines)
		for _, line := range f.lines {
			b = append(append(b, line...), ' ')
			b = append(strconv.AppendFloat(b, f.values[line], 'g', -1, 64), '\n')
		}
	}
	return b
}

var (
	inHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	inLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func escape(s string, label bool) string {
	if label {
		return inLabel.Replace(s)
	}
	return inHelp.Replace(s)
}
