package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/internal/statedir"
	"walkabout/metric"
	"walkabout/spool"
)

// TestSpoolCommands looks after the spool of a collector that ended with two outputs, one of which took nothing.
func TestSpoolCommands(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.yaml")
	err := os.WriteFile(path, []byte("state: "+filepath.Join(dir, "state")+"\nspool: {keep: 1h}\ncredentials: {lab: {version: 2c, community: public}}\n"+
		"targets: [{name: a, address: 192.0.2.1, credential: lab, collect: [system]}]\noutputs: [file: {path: \"-\"}]\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (code int, stdout, stderr string) {
		return command(t.Context(), append(append([]string{"spool"}, args...), "-c", path)...)
	}
	if code, _, stderr := run("status"); code != 1 || !strings.Contains(stderr, "was a collector ever run with this state folder?") {
		t.Errorf("status of nothing: %d, %s", code, stderr)
	}

	folder := filepath.Join(dir, "state", spoolFolder)
	s, err := spool.Open(spool.Options{Dir: folder, Keep: spool.Bounds{Age: time.Hour, Size: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "old"} {
		r, err := s.Reader(spool.ReaderOptions{Name: name, Bounds: spool.Bounds{Size: 1 << 30, Age: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
	}
	now := time.Now()
	for i := range 3 {
		at := now.Add(time.Duration(i-2) * time.Hour)
		err := s.Append(t.Context(), metric.Append(nil, metric.Batch{Device: "a", At: at, Samples: []metric.Sample{
			{Measurement: "m", At: at, Tags: []metric.Tag{{Name: "device", Value: "a"}}, Fields: []metric.Field{{Name: "n", Kind: metric.Integer, Num: uint64(i)}}}}}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	contains := func(what string, code, wantCode int, out string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if code != wantCode || !strings.Contains(out, part) {
				t.Errorf("%s: %d, no %q in:\n%s", what, code, part, out)
			}
		}
	}
	code, stdout, _ := run("status")
	contains("status", code, 0, stdout, "polls 1 to 3; no collector runs", "\nfile    3 ", "\nold     3 ", "1.0 GiB, 1h0m0s")
	code, stdout, _ = run("export", "--since", "90m")
	contains("export", code, 0, stdout, "m,device=a n=1i ", "m,device=a n=2i ")
	if strings.Contains(stdout, "n=0i") {
		t.Errorf("export goes back too far:\n%s", stdout)
	}
	code, _, stderr := run("export", "--since", "yesterday")
	contains("export", code, 1, stderr, `"yesterday" is no time; write how long ago`)
	code, _, stderr = run("export", "--output", "fil")
	contains("export", code, 1, stderr, `nothing waits for "fil"`)
	code, _, stderr = run("replay", "fil")
	contains("replay", code, 1, stderr, `knows no output "fil"; it knows ["file" "old"]`)
	code, _, stderr = run("replay", "file", "--since", now.Add(time.Hour).Format(time.RFC3339))
	contains("replay", code, 1, stderr, "keep: 24h")
	code, stdout, _ = run("replay", "file", "--since", "10m")
	contains("replay", code, 0, stdout, "about 1 polls for file: the next start of the collector does it")
	code, _, stderr = run("forget", "file")
	contains("forget", code, 1, stderr, "is configured")
	code, stdout, _ = run("forget", "old")
	contains("forget", code, 0, stdout, "what waits for old")

	if err := os.Remove(filepath.Join(folder, "marks.json")); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ = run("status")
	contains("status without marks", code, 0, stdout, "polls 1 to 3; no collector runs", "marks.json is missing")
}

// TestSpoolForgetOfACollectorThatRuns: it is told whether what was asked for was done.
func TestSpoolForgetOfACollectorThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "c.yaml")
		writeText(t, path, "state: "+filepath.Join(dir, "state")+"\ncredentials: {lab: {version: 2c, community: public}}\n"+
			"targets: [{name: a, address: 192.0.2.1, credential: lab, collect: [system]}]\noutputs: [file: {path: \"-\"}]\n")
		state, err := statedir.Open(filepath.Join(dir, "state"))
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		s, err := spool.Open(spool.Options{Dir: filepath.Join(state.Path(), spoolFolder)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		old, err := s.Reader(spool.ReaderOptions{Name: "old", Bounds: spool.Bounds{Size: 1 << 30, Age: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // its marks are on disk
		if code, _, stderr := command(t.Context(), "spool", "forget", "old", "-c", path); code != 1 || !strings.Contains(stderr, "runs until it is restarted") {
			t.Errorf("while the output runs: %d, %s", code, stderr)
		}
		old.Close()
		if code, stdout, stderr := command(t.Context(), "spool", "forget", "old", "-c", path); code != 0 || !strings.Contains(stdout, "has dropped it") {
			t.Errorf("while no output runs: %d, %s%s", code, stdout, stderr)
		}
	})
}
