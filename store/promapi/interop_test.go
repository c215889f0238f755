//go:build interop

package promapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters/prometheus"
	"walkabout/exporters/series"
	"walkabout/internal/interop"
	"walkabout/store/promapi"
)

// queries are asked at one moment and over a span.
var queries = []string{
	`ifHCInOctets`, `ifHCInOctets_rate`, `ifHCInOctets{device="core1"}`, `ifHCInOctets{ifName=~"ge-0/0/[01]"}`, `{__name__=~"if.*Octets.*",device!="core0"}`,
	`rate(ifHCInOctets[5m])`, `irate(ifHCInOctets[5m])`, `increase(ifHCInOctets[10m])`, `delta(ifOperStatus[10m])`, `deriv(ifOperStatus[10m])`, `resets(ifHCInOctets[20m])`,
	`changes(ifOperStatus[20m])`, `idelta(ifOperStatus[5m])`, `predict_linear(ifHCInOctets[10m], 3600)`,
	`sum(rate(ifHCInOctets[5m]))`, `sum by (device) (rate(ifHCInOctets[5m]))`, `sum without (ifName) (ifOperStatus)`, `avg by (ifName) (ifHCInOctets_rate)`, `count(ifOperStatus == 1)`,
	`count_values("state", ifOperStatus)`, `topk(2, ifHCInOctets_rate)`, `bottomk(2, ifHCInOctets_rate)`, `quantile(0.95, ifHCInOctets_rate)`, `stddev(ifHCInOctets_rate)`, `stdvar by (device) (ifHCInOctets_rate)`,
	`group(ifOperStatus)`, `min(ifHCInOctets) by (device)`, `max(ifHCInOctets) by (device)`,
	`8 * ifHCInOctets_rate`, `ifHCInOctets_rate / on (device, ifName, instance, ifAlias) ifOperStatus`, `ifHCInOctets_rate * on (device) group_left () sum by (device) (ifOperStatus)`,
	`ifHCInOctets_rate > 20`, `ifHCInOctets_rate > bool 20`, `ifOperStatus == 1 and ifHCInOctets_rate > 10`, `ifOperStatus == 1 unless ifHCInOctets_rate > 10`, `ifOperStatus == 2 or tiny`,
	`-tiny`, `tiny`, `huge`, `huge ^ 2`, `tiny % 7e-10`, `tiny / 0`, `-tiny / 0`, `0 * (tiny / 0)`, `ln(tiny)`, `sqrt(huge)`, `round(ifHCInOctets_rate, 0.5)`, `clamp(ifHCInOctets_rate, 10, 20)`,
	`avg_over_time(ifHCInOctets_rate[5m])`, `max_over_time(ifHCInOctets_rate[5m])`, `min_over_time(ifHCInOctets_rate[5m])`, `sum_over_time(ifOperStatus[5m])`, `count_over_time(ifOperStatus[5m])`,
	`quantile_over_time(0.95, ifHCInOctets_rate[20m])`, `stddev_over_time(ifHCInOctets_rate[5m])`, `last_over_time(ifOperStatus[20m])`, `present_over_time(ifOperStatus[20m])`, `absent_over_time(ifOperStatus{ifName="ge-0/0/2"}[2m])`,
	`max_over_time(rate(ifHCInOctets[2m])[10m:1m])`, `sum_over_time(ifOperStatus[10m:])`, `ifHCInOctets offset 5m`, `ifHCInOctets offset -2m`, `ifHCInOctets @ end()`, `rate(ifHCInOctets[5m] @ start())`,
	`absent(ifOperStatus)`, `absent(nothing{device="x"})`, `label_replace(ifOperStatus, "port", "$1", "ifName", "ge-(.*)")`, `label_join(ifOperStatus, "where", "/", "device", "ifName")`,
	`sort(ifHCInOctets_rate)`, `sort_desc(ifHCInOctets_rate)`, `time()`, `vector(1)`, `scalar(sum(ifOperStatus))`, `timestamp(ifOperStatus)`, `hour(ifHCInOctets)`, `day_of_week()`, `minute(vector(1e9))`,
	`1 + 2 * 3`, `pi()`, `"text"`, `NaN`, `Inf`, `-Inf`, `1e-7`, `1e21`, `123456789012345678`, `ifOperStatus[2m]`, `histogram_quantile(0.9, ifOperStatus)`, `nothing`,
	`rate(ifOperStatus)`, `sum(`, `ifOperStatus + on (device) tiny`, `rate(ifOperStatus[5m])`, `ifHCInOctets_rate{device="core0"}[1h] offset 1m`, `{job="",__name__!="ifAlias"}`, `sum by (nothing) (ifOperStatus)`,
	`-ifOperStatus ^ 2`, `ifOperStatus atan2 tiny`, `sgn(-ifOperStatus)`, `mad_over_time(ifOperStatus[5m])`, `sum(ifOperStatus) + absent(nothing)`,
}

// TestPrometheus: the store answers what the prometheus of the same release answers, which was given the same samples by remote write.
func TestPrometheus(t *testing.T) {
	at := begin()
	theirs := interop.StartPrometheus2(t)
	e, err := prometheus.New(prometheus.Config{URL: theirs.Write(), Series: series.Config{Rates: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range polls(at) {
		for i := range batch { // the store keeps rates so
			for j := range batch[i].Fields {
				f := &batch[i].Fields[j]
				f.Rate = float64(float32(f.Rate))
			}
		}
		if err := e.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	s := filled(t, at)
	ours := serve(t, promapi.Options{Store: s})

	seconds := func(t time.Time) string { return fmt.Sprint(float64(t.UnixMilli()) / 1000) }
	end := at.Add(20*time.Minute + 130*time.Millisecond)
	compared := 0
	compare := func(method, path string, form url.Values) {
		t.Helper()
		wantStatus, want := ask(t, method, theirs.URL, path, form)
		gotStatus, got := ask(t, method, ours, path, form)
		compared++
		if wantStatus != gotStatus {
			t.Errorf("%s %s: %d, Prometheus answers %d", path, form.Encode(), gotStatus, wantStatus)
		}
		ordered := strings.HasPrefix(form.Get("query"), "sort") || strings.HasPrefix(form.Get("query"), "topk") || strings.HasPrefix(form.Get("query"), "bottomk")
		if diff := cmp.Diff(decode(t, want, ordered), decode(t, got, ordered)); diff != "" {
			t.Errorf("%s %s: -Prometheus +store\n%s", path, form.Encode(), diff)
		}
	}
	for _, q := range queries {
		for _, moment := range []time.Time{end, at.Add(11 * time.Minute), at.Add(16 * time.Minute)} {
			compare(http.MethodGet, "/query", url.Values{"query": {q}, "time": {seconds(moment)}})
		}
		compare(http.MethodPost, "/query_range", url.Values{"query": {q}, "start": {seconds(at)}, "end": {seconds(end)}, "step": {"47s"}})
		compare(http.MethodPost, "/format_query", url.Values{"query": {q}})
		compare(http.MethodPost, "/query_range", url.Values{"query": {q}, "start": {at.Format(time.RFC3339)}, "end": {seconds(end)}, "step": {"301.5"}, "limit": {"2"}})
	}
	span := url.Values{"start": {seconds(at)}, "end": {seconds(end)}}
	with := func(name string, values ...string) url.Values {
		out := url.Values{name: values}
		for k, v := range span {
			out[k] = v
		}
		return out
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		compare(method, "/labels", span)
		compare(method, "/labels", with("match[]", `ifOperStatus`, `{device="core1"}`))
		compare(method, "/series", with("match[]", `ifOperStatus{device="core1"}`, `{ifName="ge-0/0/1",__name__!="ifAlias"}`))
		compare(method, "/series", with("match[]", `{`))
	}
	compare(http.MethodGet, "/label/__name__/values", with("match[]", `{__name__!="ifAlias",device!=""}`)) // which the store has as a label only
	compare(http.MethodGet, "/label/ifName/values", with("match[]", `{device="core1"}`))
	compare(http.MethodGet, "/label/ifName/values", with("match[]", `{device="core1"}`, `ifOperStatus`))
	compare(http.MethodGet, "/label/nothing/values", span)
	compare(http.MethodGet, "/label/%ff/values", span)
	compare(http.MethodGet, "/rules", nil)
	compare(http.MethodGet, "/alerts", nil)
	compare(http.MethodGet, "/query_exemplars", with("query", "ifOperStatus"))
	t.Logf("%d answers are the same", compared)
}

// decode returns an answer; its warnings, and unless the query gave them an order its series, are in some order of this test's, as theirs is by chance.
func decode(t *testing.T, text string, ordered bool) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("%v: %.300s", err, text)
	}
	byText := func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	body, ok := v.(map[string]any)
	if warnings, told := body["warnings"].([]any); told {
		slices.SortFunc(warnings, byText)
	}
	if ok && !ordered {
		if data, ok := body["data"].(map[string]any); ok && data["resultType"] != "scalar" && data["resultType"] != "string" {
			if series, ok := data["result"].([]any); ok {
				slices.SortFunc(series, byText)
			}
		}
	}
	return v
}
