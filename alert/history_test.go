package alert_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
)

// TestHistory: every transition is kept and handed on once, over a restart and a line that a crash tore, and the newest come first.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "alerts.journal")
		var events []alert.Transition
		open := func() *alert.Manager {
			cfg := quick()
			m, err := alert.Start(alert.Options{Config: cfg, Path: path, Events: func(ts []alert.Transition) { events = append(events, ts...) }})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		observe := func(m *alert.Manager, row string) {
			m.Observe(parsePoll(t, "| p1 "+row, time.Now()))
			time.Sleep(30 * time.Second)
			synctest.Wait()
		}
		m := open()
		observe(m, "up/down")
		observe(m, "up/down")
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(filepath.Dir(path), "alerts-history.jsonl")
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"id":"torn`); err != nil {
			t.Fatal(err)
		}
		f.Close()
		m = open()
		middle := time.Now()
		observe(m, "up/up")
		all, err := m.History(alert.HistoryQuery{})
		if diff := cmp.Diff(one(recovered, firing, pending), brief(all)); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if all[1].Values["ifOperStatus"] != "down" {
			t.Errorf("the values that decided: %v", all[1].Values)
		}
		gone := func(t *alert.Transition) bool { return t.State == alert.Resolved }
		for name, q := range map[string]alert.HistoryQuery{"since": {Since: middle}, "limit": {Limit: 1}, "fingerprint": {Fingerprint: all[0].Fingerprint, Since: middle},
			"match": {Match: gone}, "words": {Words: []string{"admin", "recovered"}, Match: gone}, "a word that JSON writes otherwise": {Words: []string{"<é"}, Match: gone}} {
			got, err := m.History(q)
			if diff := cmp.Diff(one(recovered), brief(got)); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
		for name, q := range map[string]alert.HistoryQuery{"until": {Until: middle.Add(-time.Hour)}, "device": {Device: "other"}, "before": {Before: all[2].Number}, "words": {Words: []string{"nowhere"}}} {
			if got, err := m.History(q); err != nil || len(got) > 0 {
				t.Errorf("%s: %v, %v", name, brief(got), err)
			}
		}
		if diff := cmp.Diff(one(pending, firing, recovered), brief(events)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || strings.Count(string(data), "\n") != 3 || strings.Contains(string(data), "torn") {
			t.Errorf("%v\n%s", err, data)
		}
	})
}

// TestHistoryIsBounded: what is old makes room.
func TestHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cfg := quick()
		cfg.InterfaceMismatch.FlapChanges = 0
		m, err := alert.Start(alert.Options{Config: cfg, Path: filepath.Join(dir, "alerts.journal")})
		if err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("x", 200_000)
		for i := range 60 {
			m.Observe(parsePoll(t, "| p1 up/"+[]string{"down", "up"}[i%2]+" alias="+long, time.Now()))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		all, err := m.History(alert.HistoryQuery{})
		if err != nil || len(all) < 20 {
			t.Errorf("%d, %v", len(all), err)
		}
		for i, x := range all { // over both files
			if i > 0 && x.Number != all[i-1].Number-1 {
				t.Errorf("%d comes after %d", x.Number, all[i-1].Number)
			}
		}
		if older, err := m.History(alert.HistoryQuery{Before: all[9].Number, Limit: 5}); err != nil || len(older) != 5 || older[0].Number != all[10].Number {
			t.Errorf("%v, %d", err, len(older))
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		size := int64(0)
		for _, name := range []string{"alerts-history.jsonl", "alerts-history.jsonl.old"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if size > 16<<20 {
			t.Errorf("%d octets", size)
		}
	})
}
