package rules_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"walkabout/metric"
	"walkabout/store"
	"walkabout/store/promapi"
	"walkabout/store/rules"
)

var silent = slog.New(slog.DiscardHandler)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCheck: every mistake has its line.
func TestCheck(t *testing.T) {
	head := "groups:\n  - name: a\n    rules:\n"
	for name, test := range map[string]struct {
		text  string
		rules int
		want  []string
	}{
		"right":              {head + "      - record: x\n        expr: sum(up)\n      - alert: y\n        expr: up == 0\n        for: 5m\n", 2, nil},
		"empty":              {"", 0, nil},
		"an expression":      {head + "      - record: x\n        expr: sum(rate(foo[5m])\n", 1, []string{`5: group "a", rule 1, "x": could not parse expression: 1:18: parse error: unclosed left parenthesis`}},
		"a template":         {head + "      - record: x\n        expr: up\n      - alert: w\n        expr: up\n        annotations:\n          summary: \"{{ $labels.x \"\n", 2, []string{`6: group "a", rule 2, "w": annotation "summary": template: __alert_w:1: unclosed action`}},
		"a group twice":      {head + "      - record: x\n        expr: up\n  - name: a\n    rules: []\n", 1, []string{`6: groupname: "a" is repeated in the same file`}},
		"an unknown key":     {head + "      - record: x\n        exprr: up\n", 0, []string{`5: field exprr not found in type rulefmt.Rule`}},
		"a duration":         {head + "      - alert: x\n        expr: up\n        for: 5x\n", 0, []string{`6: unknown unit "x" in duration "5x"`}},
		"no YAML":            {"groups: [\n", 0, []string{`1: did not find expected node content`}},
		"a label for a name": {head + "      - record: x-\n        expr: up\n        labels: {__name__: y}\n", 1, []string{`4: group "a", rule 1, "x-": invalid label name: __name__`}},
	} {
		t.Run(name, func(t *testing.T) {
			file, problems := rules.Check(write(t, filepath.Join(t.TempDir(), "r.yml"), test.text))
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%d: %v", p.Line, p.Err))
			}
			if diff := cmp.Diff(test.want, got); diff != "" || file.Rules != test.rules {
				t.Errorf("%+v, -want +got:\n%s", file, diff)
			}
		})
	}
	if _, problems := rules.Check(filepath.Join(t.TempDir(), "nothing")); len(problems) != 1 {
		t.Errorf("no file: %v", problems)
	}
}

// TestManager: rules record and fire, a reload changes them, and closing leaves nothing running.
func TestManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		db, err := store.Open(store.Options{Dir: dir, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		file := write(t, filepath.Join(dir, "r.yml"), `groups:
  - name: test
    interval: 30s
    rules:
      - record: up:sum
        expr: sum(snmp_poll_up)
      - alert: Silent
        expr: snmp_poll_up == 0
        for: 1m
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.device }} is silent"}
`)
		m, err := rules.Start(rules.Options{Store: db, Engine: promapi.NewEngine(0, time.Minute, 1000, silent), Logger: silent}, []string{file})
		if err != nil {
			t.Fatal(err)
		}
		e := db.Exporter()
		began := time.Now()
		for range 10 {
			sample := metric.Sample{Measurement: metric.PollMeasurement, At: time.Now(), Tags: []metric.Tag{{Name: "device", Value: "core1"}},
				Fields: []metric.Field{{Name: "up", Kind: metric.Integer}}}
			if err := e.Export(t.Context(), []metric.Sample{sample}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
		}
		firing, unknown := m.Active()
		if len(unknown) != 0 {
			t.Errorf("not evaluated: %v", unknown)
		}
		if len(firing) != 1 || firing[0].FiredAt.Sub(firing[0].Since) < time.Minute || firing[0].Since.Before(began) {
			t.Fatalf("%+v", firing)
		}
		firing[0].Since, firing[0].FiredAt = time.Time{}, time.Time{}
		want := []rules.Alert{{Firing: true, Name: "Silent", Labels: map[string]string{"alertname": "Silent", "device": "core1", "severity": "critical"}, Annotations: map[string]string{"summary": "core1 is silent"}}}
		if diff := cmp.Diff(want, firing); diff != "" {
			t.Error(diff)
		}
		if n := count(t, db, "up:sum"); n < 8 {
			t.Errorf("%d samples were recorded", n)
		}
		write(t, file, "groups: [\n")
		if err := m.Update([]string{file}); err == nil || active(m) != 1 {
			t.Errorf("a bad file: %v, %d firing", err, active(m))
		}
		if err := m.Update(nil); err != nil || active(m) != 0 {
			t.Errorf("no files: %v, %d firing", err, active(m))
		}
		m.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func active(m *rules.Manager) int {
	alerts, _ := m.Active()
	return len(alerts)
}

func count(t *testing.T, db *store.Store, name string) (n int) {
	t.Helper()
	q, err := db.Querier(0, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(context.Background(), false, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() != 0; {
			n++
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return n
}
