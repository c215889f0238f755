package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/sim"
	"walkabout/store"
	"walkabout/store/promapi"
	"walkabout/store/rules"
)

// endlessLog makes a store's log in dir that is a pipe: it is being read until end is called.
func endlessLog(t *testing.T, dir string) (end func()) {
	t.Helper()
	segment := filepath.Join(dir, "wal", "00000000")
	if err := os.MkdirAll(filepath.Dir(segment), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(segment, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		pipe, err := os.OpenFile(segment, os.O_WRONLY, 0)
		if err == nil {
			err = pipe.Close()
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestStoreOpening: while the store reads its log, devices are polled, another output is fed, and the pages say what is going on; what was polled meanwhile
// is in the store once it is open.
func TestStoreOpening(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "wan", Speed: 1e9, InRate: 1e6})
	folder := t.TempDir()
	path, lines, state := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "lines"), filepath.Join(folder, "state")
	endLog := endlessLog(t, filepath.Join(state, storeFolder))
	writeText(t, path, fmt.Sprintf(`interval: 1s
listen: 127.0.0.1:0
state: %s
store: {}
credentials: {lab: {version: 2c, community: public}}
targets: [{name: switch1, address: %q, credential: lab, collect: [interfaces]}]
outputs: [{file: {path: %s}}]
`, state, address, lines))
	r := start(t, "run", "-c", path)
	base := "http://" + r.await(`listen=(\S+)`, 1)[1]
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s:\n%s", what, r.log.String())
			}
		}
	}
	until("the other output is not fed", func() bool {
		text, err := os.ReadFile(lines)
		return err == nil && strings.Contains(string(text), "ifHCInOctets_rate")
	})
	query := base + "/api/v1/query?query=" + url.QueryEscape(`ifHCInOctets{ifName="wan"}[1h]`)
	for _, tt := range []struct {
		url    string
		status int
		want   string
	}{
		{base + "/api/ui/fleet", http.StatusOK, `"state":"up"`}, {base + "/api/ui/collector", http.StatusOK, `"reading":0`}, {base + "/healthz", http.StatusOK, `"status":"ok"`},
		{base + "/api/ui/graph?device=switch1&interface=wan", http.StatusOK, sinks.BeingRead}, {query, http.StatusServiceUnavailable, "reads its log"},
	} {
		if text := get(t, tt.url, tt.status); !strings.Contains(text, tt.want) {
			t.Errorf("%s has no %q:\n%.2000s", tt.url, tt.want, text)
		}
	}

	opened := time.Now()
	endLog()
	until("what waited is not stored", func() bool {
		first := firstOf(t, query)
		return !first.IsZero() && first.Before(opened)
	})
	if text := get(t, base+"/api/ui/collector", http.StatusOK); strings.Contains(text, `"reading"`) {
		t.Errorf("it is still being read: %s", text)
	}
}

// firstOf returns the time of the first sample that a query answers with; zero if it cannot be answered, or with none.
func firstOf(t *testing.T, query string) time.Time {
	t.Helper()
	answer, err := http.Get(query)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if len(body.Data.Result) == 0 || len(body.Data.Result[0].Values) == 0 {
		return time.Time{}
	}
	seconds, _ := body.Data.Result[0].Values[0][0].(float64)
	return time.UnixMilli(int64(seconds * 1000))
}

// TestStoreOpeningEnds: the end of the collector waits for the log no longer than it may.
func TestStoreOpeningEnds(t *testing.T) {
	dir := t.TempDir()
	endLog := endlessLog(t, dir)
	db := store.Start(store.Options{Dir: dir})
	e := &embedded{Store: db}
	var err error
	if e.rules, err = rules.Start(rules.Options{Store: db, Ready: db.Opened(), Engine: promapi.NewEngine(0, time.Second, 10, nil)}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.close(ctx); err != nil || db.Opening() == nil {
		t.Errorf("%v; being read: %v", err, db.Opening())
	}
	endLog()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
