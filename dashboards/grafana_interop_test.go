//go:build interop

package dashboards_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/dashboards"
)

// Grafana's part of a query, as far as these dashboards need it: what it puts in the place of variables, how it makes rows and series of
// answers, and its transformations.

// shown is a dashboard's file as Grafana reads it.
type shown struct {
	UID         string
	Annotations struct {
		List []struct {
			Expr   string
			Target struct{ Query string }
		}
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any // in itself, or as the query of an object
			Multi      bool
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	Targets     []target
	FieldConfig struct {
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			RenameByName  map[string]string
		}
	}
}

type target struct {
	RefID, Query, ResultFormat, Alias, Expr, LegendFormat, Format string
	Instant                                                       bool
}

func (t target) text() string { return t.Query + t.Expr }

func load(t *testing.T, o dashboards.Options, kind dashboards.Kind) map[string]shown {
	t.Helper()
	files, err := dashboards.Files(o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]shown{}
	for name, content := range files {
		if folder, file, _ := strings.Cut(name, "/"); folder == string(kind) {
			var d shown
			if err := json.Unmarshal(content, &d); err != nil {
				t.Fatal(err)
			}
			out[strings.TrimSuffix(file, ".json")] = d
		}
	}
	return out
}

// span is the time span shown.
type span struct {
	from, to time.Time
	step     time.Duration // $__interval
	scrape   time.Duration // of the data source
}

// choice is what variables are set to; nil is All.
type choice map[string][]string

var (
	regexOctets = regexp.MustCompile(`[\\^$*+?.()|\[\]{}/]`)
	withFormat  = regexp.MustCompile(`\$\{(\w+):regex\}`)
)

// either joins values as Grafana's format "regex" does.
func either(values []string, escape func(string) string) string {
	var all []string
	for _, v := range values {
		all = append(all, escape(v))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, "|") + ")"
}

// fill puts values in the place of variables.
func (s span) fill(text string, c choice) string {
	milliseconds := func(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }
	text = strings.NewReplacer(
		"$timeFilter", fmt.Sprintf("time >= %sms and time <= %sms", milliseconds(s.from), milliseconds(s.to)),
		"${__to}", milliseconds(s.to),
		"$__interval", fmt.Sprintf("%ds", int(s.step.Seconds())),
		"$__rate_interval", fmt.Sprintf("%ds", int(max(s.step+s.scrape, 4*s.scrape).Seconds())),
		"$__range", fmt.Sprintf("%ds", int(s.to.Sub(s.from).Seconds())),
		"v.timeRangeStart", s.from.UTC().Format(time.RFC3339Nano), "v.timeRangeStop", s.to.UTC().Format(time.RFC3339Nano),
		"v.windowPeriod", s.step.String(), "v.defaultBucket", `"snmp/autogen"`,
	).Replace(text)
	return withFormat.ReplaceAllStringFunc(text, func(m string) string {
		values, ok := c[withFormat.FindStringSubmatch(m)[1]]
		switch {
		case !ok:
			return m
		case values == nil:
			return ".*"
		}
		return either(values, func(v string) string { return regexOctets.ReplaceAllString(v, `\$0`) })
	})
}

// frame is one series or table of an answer: rows by the names of columns, and the labels of a series.
type frame struct {
	labels map[string]string
	rows   []map[string]any // numbers are float64; null is absent
}

// at is the column of a row's time, the end of its window, in seconds since 1970.
const at = "\x00at"

// legend returns how a series is called.
func legend(kind dashboards.Kind, p *panel, t *target, labels map[string]string) string {
	form, tag := t.LegendFormat, func(name string) string { return "{{" + name + "}}" }
	switch kind {
	case dashboards.InfluxQL:
		form, tag = t.Alias, func(name string) string { return "$tag_" + name }
	case dashboards.Flux:
		tag = func(name string) string { return "${__field.labels." + name + "}" }
		for _, o := range p.FieldConfig.Overrides {
			if o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == t.RefID && o.Properties[0].ID == "displayName" {
				form, _ = o.Properties[0].Value.(string)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		form = strings.ReplaceAll(form, tag(name), labels[name])
	}
	return form
}

// table joins the rows of a table's targets as the transformations merge and organize do; the key of a row is what of it is text.
func table(p *panel, answers [][]frame) map[string]map[string]float64 {
	organize := p.Transformations[1].Options
	out := map[string]map[string]float64{}
	texts := map[string]map[string]string{}
	for i, frames := range answers {
		for _, f := range frames {
			for _, r := range f.rows {
				row, named, shared := map[string]float64{}, map[string]string{}, []string{}
				for name, v := range r {
					if name == "Value" && len(p.Targets) > 1 {
						name = "Value #" + p.Targets[i].RefID
					}
					if name == at || organize.ExcludeByName[name] {
						continue
					}
					title, ok := organize.RenameByName[name]
					if !ok {
						title = "? " + name
					}
					switch v := v.(type) {
					case float64:
						row[title] = v
					case string:
						named[title] = v
						if title == "Device" || title == "Interface" || title == "Output" || title == "Zone" {
							shared = append(shared, title+"="+v)
						}
					}
				}
				slices.Sort(shared)
				key := strings.Join(shared, " ")
				if out[key] == nil {
					out[key], texts[key] = map[string]float64{}, map[string]string{}
				}
				maps.Copy(out[key], row)
				maps.Copy(texts[key], named)
			}
		}
	}
	whole := map[string]map[string]float64{}
	for key, row := range out {
		var all []string
		for title, v := range texts[key] {
			all = append(all, title+"="+v)
		}
		slices.Sort(all)
		whole[strings.Join(all, " ")] = row
	}
	return whole
}
