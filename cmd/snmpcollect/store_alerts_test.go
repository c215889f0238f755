package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/metric"
	"walkabout/store"
	"walkabout/store/promapi"
	"walkabout/store/rules"
)

// told remembers what people are told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (*told) Name() string { return "told" }

func (n *told) Notify(_ context.Context, ts []alert.Transition) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range ts {
		n.lines = append(n.lines, t.Rule+" "+t.State.String()+" "+t.Severity+": "+t.Summary)
	}
	return nil
}

func (n *told) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.lines = nil }()
	return slices.Clone(n.lines)
}

// TestStoreAlerts: an alert of a rule file is one of the collector's: it fires once, over a restart of the rules too, and ends.
func TestStoreAlerts(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "r.yml")
	text := "groups:\n  - name: test\n    interval: 30s\n    rules:\n      - alert: Silent\n        expr: snmp_poll_up == 0\n        for: 1m\n" +
		"        labels: {severity: critical}\n        annotations: {summary: \"{{ $labels.device }} is silent\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(folder, "c.yaml")
	if err := os.WriteFile(yaml, []byte("store: {rules: "+file+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(yaml, collector.BuiltIn(), func(string) string { return "" })
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	synctest.Test(t, func(t *testing.T) {
		silent := slog.New(slog.DiscardHandler)
		db, err := store.Open(store.Options{Dir: filepath.Join(folder, "store"), Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		people := &told{}
		manager, err := alert.Start(alert.Options{Config: cfg.AlertsFor(nil), Notifiers: []alert.Notifier{people}, Log: silent})
		if err != nil {
			t.Fatal(err)
		}
		start := func() *rules.Manager {
			m, err := rules.Start(rules.Options{Store: db, Engine: promapi.NewEngine(0, time.Minute, 1000, silent), Logger: silent}, cfg.Store.Rules)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		p := &parts{alerts: manager, store: &embedded{Store: db, rules: start(), names: cfg.Store.Alerts}, log: silent}
		e := db.Exporter()
		run := func(d time.Duration, up uint64) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(30 * time.Second) {
				sample := metric.Sample{Measurement: metric.PollMeasurement, At: time.Now(), Tags: []metric.Tag{{Name: "device", Value: "core1"}}, Fields: []metric.Field{{Name: "up", Kind: metric.Integer, Num: up}}}
				if err := e.Export(t.Context(), []metric.Sample{sample}); err != nil {
					t.Fatal(err)
				}
				p.alerts.Check(time.Now(), p.storeChecks())
			}
			synctest.Wait()
		}
		expect := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, people.take()); diff != "" {
				t.Errorf("%s: -want +got:\n%s", when, diff)
			}
		}
		run(5*time.Minute, 1)
		expect("all is well")
		run(5*time.Minute, 0)
		expect("it is silent", "Silent firing critical: core1 is silent")
		if a := manager.Alerts(); len(a) != 1 || a[0].Labels["device"] != "core1" || a[0].Values["value"] != "0" {
			t.Errorf("%+v", a)
		}
		p.store.rules.Close()
		p.store.rules = start()
		run(20*time.Minute, 0)
		expect("the rules were started anew")
		run(5*time.Minute, 1)
		expect("it answers", "Silent resolved critical: core1 is silent; recovered after 24m0s")
		if err := p.store.close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := manager.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
