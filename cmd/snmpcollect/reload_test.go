package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"walkabout/sim"
)

// running is the program at work in this process.
type running struct {
	t      *testing.T
	log    *buffer
	hangup chan os.Signal
	cancel context.CancelFunc
	ended  chan int
}

// start runs the program until the test ends, at the latest. It looks at its files all the time.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{t: t, log: new(buffer), hangup: make(chan os.Signal), ended: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		r.ended <- process{stdout: new(buffer), stderr: r.log, getenv: os.Getenv, hangup: r.hangup, look: 10 * time.Millisecond}.run(ctx, args)
	}()
	t.Cleanup(r.stop)
	return r
}

// stop ends the program and waits for it.
func (r *running) stop() {
	r.t.Helper()
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	if code := <-r.ended; code != 0 {
		r.t.Errorf("exit code %d:\n%s", code, r.log.String())
	}
}

// await returns the submatches of the first n-th match of pattern in the log.
func (r *running) await(pattern string, n int) []string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if m := re.FindAllStringSubmatch(r.log.String(), -1); len(m) >= n {
			return m[n-1]
		}
		select {
		case code := <-r.ended:
			r.ended <- code
			r.t.Fatalf("ended with %d before %q:\n%s", code, pattern, r.log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	r.t.Fatalf("no %q in the log:\n%s", pattern, r.log.String())
	return nil
}

func TestReload(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9, InRate: 1e6})
	path := filepath.Join(t.TempDir(), "c.yaml")
	state := filepath.Join(t.TempDir(), "state")
	write := func(rest string, names ...string) {
		t.Helper()
		text := fmt.Sprintf("interval: 1s\nstate: %s\nlisten: 127.0.0.1:0\ncredentials: {lab: {version: 2c, community: public}}\n%s\ntargets:\n", state, rest)
		for _, name := range names {
			text += fmt.Sprintf("  - {name: %s, address: %q, credential: lab, collect: [system]}\n", name, address)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("", "stays", "goes")
	r := start(t, "run", "-c", path)
	metrics := "http://" + r.await(`listen=(\S+)`, 1)[1] + "/metrics"
	has := func(want string, yes bool) {
		t.Helper()
		if got := get(t, metrics, 200); strings.Contains(got, want) != yes {
			t.Errorf("%q in /metrics: %v, want %v:\n%s", want, !yes, yes, got)
		}
	}
	has("snmpcollect_config_last_reload_successful 1\n", true)

	write("outputs: [{file: {path: "+filepath.Join(t.TempDir(), "out")+"}}]", "stays", "comes")
	r.hangup <- syscall.SIGHUP
	r.await(`the configuration was read anew" targets=2`, 1)
	r.await(`takes a restart; its old form goes on" section=outputs`, 1)
	has(`snmpcollect_polls_total{device="goes"`, false)
	has(`snmpcollect_polls_total{device="comes"`, true)
	has(`snmpcollect_polls_total{device="stays"`, true)

	// Notifiers change in place.
	has(`snmpcollect_notification_queue{notifier="net"}`, false)
	write("notify: [{log: {name: net}}]", "stays", "comes")
	r.hangup <- syscall.SIGHUP
	r.await(`the configuration was read anew" targets=2`, 2)
	has(`snmpcollect_notification_queue{notifier="net"} 0`, true)

	write("interval: 5", "other")
	r.hangup <- syscall.SIGHUP
	r.await(`c.yaml:5: error: .*already defined`, 1)
	r.await(`the new configuration is refused; the old one goes on`, 1)
	has(`snmpcollect_polls_total{device="stays"`, true)
	has(`snmpcollect_config_reloads_total{result="refused"} 1`, true)
	has("snmpcollect_config_last_reload_successful 0\n", true)

	write("", "stays")
	r.hangup <- syscall.SIGHUP
	r.await(`the configuration was read anew" targets=1`, 1)
	has("snmpcollect_config_last_reload_successful 1\n", true)
	has(`snmpcollect_polls_total{device="comes"`, false)
}

// TestReloadCommand: the file is checked before anybody is told, and somebody must be there. That the signal arrives is tested with the
// built program.
func TestReloadCommand(t *testing.T) {
	folder := t.TempDir()
	good, bad := filepath.Join(folder, "good.yaml"), filepath.Join(folder, "bad.yaml")
	for path, text := range map[string]string{good: "state: " + filepath.Join(folder, "state"), bad: "stat: x"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{good: "no collector runs with the state folder", bad: `unknown key "stat"; did you mean "state"?`} {
		var stdout, stderr buffer
		code := process{stdout: &stdout, stderr: &stderr, getenv: os.Getenv}.run(t.Context(), []string{"reload", "-c", path})
		if code != 1 || !strings.Contains(stderr.String(), want) || stdout.String() != "" {
			t.Errorf("%s: exit code %d, %s%s", path, code, stdout.String(), stderr.String())
		}
	}
}

// TestLists: targets from an included folder, a file and a server, which come, go, and are had no more.
func TestLists(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9})
	var mu sync.Mutex
	status, body := http.StatusOK, fmt.Sprintf(`[{"targets": [%q], "labels": {"device": "served"}}]`, address)
	serve := func(code int, text string) {
		mu.Lock()
		defer mu.Unlock()
		status, body = code, text
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		fresh := filepath.Join(folder, ".new")
		err := errors.Join(os.MkdirAll(filepath.Join(folder, "d"), 0o700), os.WriteFile(fresh, []byte(text), 0o600))
		if err = errors.Join(err, os.Rename(fresh, filepath.Join(folder, name))); err != nil {
			t.Fatal(err)
		}
	}
	included := func(names ...string) string {
		text := "targets:\n"
		for _, name := range names {
			text += fmt.Sprintf("  - {name: %s, address: %q, credential: lab, collect: [system]}\n", name, address)
		}
		return text
	}
	write("d/a.yaml", included("one"))
	write("x.json", fmt.Sprintf(`[{"targets": [%q], "labels": {"device": "filed"}}]`, address))
	write("c.yaml", fmt.Sprintf(`
state: %s
listen: 127.0.0.1:0
credentials: {lab: {version: 2c, community: public}}
include: [d]
file_sd_configs: [{files: [x.json], refresh_interval: 10ms, credential: lab, collect: [system]}]
http_sd_configs: [{url: %q, refresh_interval: 10ms, credential: lab, collect: [system], interval: 1s}]
`, filepath.Join(folder, "state"), server.URL))

	r := start(t, "run", "--watch", "-c", filepath.Join(folder, "c.yaml"))
	r.await(`msg=collecting version=\S+ targets=3`, 1)
	metrics := "http://" + r.await(`listen=(\S+)`, 1)[1] + "/metrics"
	has := func(want string) {
		t.Helper()
		if got := get(t, metrics, 200); !strings.Contains(got, want) {
			t.Errorf("no %q in /metrics:\n%s", want, got)
		}
	}
	has(`snmpcollect_list_targets{source="http_sd"} 1`)
	has(`snmpcollect_polls_total{device="served"`)

	write("d/b.yaml", included("two"))
	r.await(`the configuration was read anew" targets=4`, 1)
	write("d/b.yaml", "targets: [")
	r.await(`(?s)b.yaml:1: error: .*the new configuration is refused`, 1)
	write("d/b.yaml", included("two", "three"))
	r.await(`the configuration was read anew" targets=5`, 1)

	write("x.json", fmt.Sprintf(`[{"targets": [%q], "labels": {"device": "filed"}}, {"targets": [%q], "labels": {"device": "one"}}]`, address, address))
	r.await(`some targets of a list cannot be polled" source=file_sd targets=1 first="target \\"one\\": there is one of this name already`, 1)
	has(`snmpcollect_list_targets_refused{source="file_sd"} 1`)

	serve(http.StatusServiceUnavailable, "")
	r.await(`cannot be had.*source=http_sd targets=1 err="the server answered 503`, 1)
	has(`snmpcollect_polls_total{device="served"`)
	serve(http.StatusOK, "[]")
	r.await(`the lists of targets changed" targets=4`, 1)
	if strings.Contains(get(t, metrics, 200), `snmpcollect_polls_total{device="served"`) {
		t.Error("a target that left its list is still polled")
	}

	serve(http.StatusOK, fmt.Sprintf(`[{"targets": [%q], "labels": {"device": "served"}}]`, address))
	r.await(`the lists of targets changed" targets=5`, 2)
	serve(http.StatusServiceUnavailable, "")
	r.stop()
	kept := filepath.Join(folder, "state", "lists")
	writeText(t, filepath.Join(kept, "of-another-day.json"), "[]")
	r = start(t, "run", "-c", filepath.Join(folder, "c.yaml"))
	r.await(`the list of targets is that of the run before" source=http_sd targets=1`, 1)
	r.await(`msg=collecting version=\S+ targets=5`, 1)
	if entries, err := os.ReadDir(kept); err != nil || len(entries) != 2 {
		t.Errorf("kept are %v, %v; want the two lists that there are", entries, err)
	}
}
