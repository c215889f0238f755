package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"walkabout/agent/agenttest"
	"walkabout/alert/notify"
	"walkabout/internal/secret"
	"walkabout/sim"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// device serves a simulated device on loopback for the length of the test and returns its address.
func device(t *testing.T, ports ...sim.Port) netip.AddrPort {
	t.Helper()
	d := sim.New(sim.Options{Name: "switch", Boot: time.Now().Add(-time.Hour), Ports: ports})
	s, err := d.Server(secret.New("public"), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return agenttest.ServeUDP(t, s)
}

// writeConfig writes a configuration for one device with everything on, and returns its path and that of the lines.
func writeConfig(t *testing.T, address netip.AddrPort, hook string) (path, lines string) {
	t.Helper()
	folder := t.TempDir()
	path, lines = filepath.Join(folder, "c.yaml"), filepath.Join(folder, "out.lp")
	text := fmt.Sprintf(`
interval: 1s
state: %s
listen: 127.0.0.1:0
self: true
scrape: {last_values: true, stale_after: 30, allow: [127.0.0.0/8], auths: [lab], modules: [interfaces]}
credentials:
  lab: {version: 2c, community: public}
targets:
  - {name: switch1, address: "%s", credential: lab, collect: [system, interfaces], labels: {site: paris}}
outputs:
  - file: {path: %s}
alerts:
  interface_mismatch: {for: 0s}
notify:
  - webhook: {url: "%s"}
  - log: {}
`, filepath.Join(folder, "state"), address, lines, hook)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, lines
}

func TestRun(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9, InRate: 1e6}, sim.Port{Index: 2, Name: "broken", Speed: 1e9, Down: true, InBase: 1e6})
	bodies := make(chan notify.Document, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b notify.Document
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		bodies <- b
	}))
	defer hook.Close()
	path, lines := writeConfig(t, address, hook.URL)

	var stdout, stderr buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int)
	go func() {
		ended <- process{stdout: &stdout, stderr: &stderr, getenv: os.Getenv}.run(ctx, []string{"run", "-c", path})
	}()
	var body notify.Document
	select {
	case body = <-bodies:
	case code := <-ended:
		t.Fatalf("ended with %d:\n%s", code, stderr.String())
	case <-time.After(time.Minute):
		t.Fatalf("no alert:\n%s", stderr.String())
	}
	if len(body.Alerts) != 1 || body.Alerts[0].Key != "broken" || body.Alerts[0].Status != "firing" || body.Alerts[0].Labels["site"] != "paris" {
		t.Errorf("alert: %+v", body)
	}

	listening := regexp.MustCompile(`listen=(\S+)`).FindStringSubmatch(stderr.String())
	if listening == nil {
		t.Fatalf("the log names no address:\n%s", stderr.String())
	}
	metrics := get(t, "http://"+listening[1]+"/metrics", http.StatusOK)
	for _, want := range []string{`snmpcollect_polls_total{device="switch1",result="ok"} `, `snmpcollect_rates_withheld_total{device="switch1",verdict="first"} `,
		`snmpcollect_spool_dropped_batches_total{output="file"} 0`, `snmpcollect_alerts{rule="interface_mismatch",state="firing"} 1`,
		`snmpcollect_alerts{rule="device_unreachable",state="firing"} 0`, "go_goroutines "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %q in /metrics:\n%s", want, metrics)
		}
	}
	if health := get(t, "http://"+listening[1]+"/healthz", http.StatusOK); !strings.Contains(health, `"status":"ok"`) {
		t.Errorf("health: %s", health)
	}
	last := get(t, "http://"+listening[1]+"/snmp/metrics", http.StatusOK)
	if !regexp.MustCompile(`(?m)^ifHCInOctets\{device="switch1",ifDescr="up",ifIndex="1",ifName="up",instance="127.0.0.1",site="paris"\} \d`).MatchString(last) {
		t.Errorf("last values:\n%s", last)
	}
	asked := get(t, "http://"+listening[1]+"/snmp?auth=lab&module=interfaces&target="+address.String(), http.StatusOK)
	if !regexp.MustCompile(`(?m)^ifHCInOctets\{ifDescr="up",ifIndex="1",ifName="up"\} \d`).MatchString(asked) {
		t.Errorf("on demand:\n%s", asked)
	}
	get(t, "http://"+listening[1]+"/nothing", http.StatusNotFound)
	checkStatus(t, "http://"+listening[1])

	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d:\n%s", code, stderr.String())
	}
	b, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"interface,", "ifName=broken", "site=paris", "ifHCInOctets_rate=", `ifHCInOctets_verdict="first"`, "system,",
		"collector,device=switch1,host=", "snmpcollect_targets=1"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in the lines", want)
		}
	}
	if strings.Contains(stderr.String(), "public") {
		t.Error("the log shows the community")
	}
}

// checkStatus asks a running collector for the state of its targets, as a person does.
func checkStatus(t *testing.T, url string) {
	t.Helper()
	for want, args := range map[string][]string{
		"switch1  up ":             nil,
		"with GETBULK of at most ": {"switch1"},
	} {
		var out, errs buffer
		if code := (process{stdout: &out, stderr: &errs, getenv: os.Getenv}).run(t.Context(), append([]string{"status", "--url", url}, args...)); code != 0 {
			t.Errorf("status %v ended with %d: %s", args, code, errs.String())
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("status %v has no %q:\n%s", args, want, out.String())
		}
	}
	var out, errs buffer
	if code := (process{stdout: &out, stderr: &errs, getenv: os.Getenv}).run(t.Context(), []string{"status", "--url", url, "nobody"}); code == 0 ||
		!strings.Contains(errs.String(), `no target "nobody"`) {
		t.Errorf("status of nobody ended with %d: %s", code, errs.String())
	}
}

func get(t *testing.T, url string, status int) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status {
		t.Errorf("%s: %s, %v", url, r.Status, err)
	}
	return string(b)
}

func TestCheckAndErrors(t *testing.T) {
	path, _ := writeConfig(t, netip.MustParseAddrPort("192.0.2.1:161"), "http://127.0.0.1:1/")
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("intervall: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"check", []string{"check", "-c", path}, 0, "switch1 at 192.0.2.1:161 every 1s", ""},
		{"check of a bad file", []string{"check", "-c", broken}, 1, `broken.yaml:1: error: unknown key "intervall"; did you mean "interval"?`, ""},
		{"run of a bad file", []string{"run", "-c", broken}, 1, "", `broken.yaml:1: error: unknown key "intervall"`},
		{"no file", []string{"run", "-c", "/nonexistent.yaml"}, 1, "", "/nonexistent.yaml: error: "},
		{"unknown command", []string{"frobnicate"}, 1, "", `unknown command "frobnicate"`},
		{"unknown flag", []string{"run", "--frob"}, 1, "", "unknown flag: --frob"},
		{"version", []string{"--version"}, 0, "snmpcollect ", ""},
		{"help", []string{"--help"}, 0, "The collector:", ""},
	}
	for _, tt := range tests {
		var stdout, stderr buffer
		code := process{stdout: &stdout, stderr: &stderr, getenv: os.Getenv}.run(t.Context(), tt.args)
		if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: exit code %d\nstdout: %s\nstderr: %s", tt.name, code, stdout.String(), stderr.String())
		}
	}
}

// A second collector on the same state folder is refused, and so is an address in use.
func TestOneProcessAStateFolder(t *testing.T) {
	path, _ := writeConfig(t, netip.MustParseAddrPort("127.0.0.1:9"), "http://127.0.0.1:1/")
	var stdout, stderr buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	started := make(chan struct{})
	go func() {
		w := &signalWriter{w: &stderr, want: "msg=collecting", seen: started}
		ended <- process{stdout: &stdout, stderr: w, getenv: os.Getenv}.run(ctx, []string{"run", "-c", path})
	}()
	<-started
	var second buffer
	if code := (process{stdout: &stdout, stderr: &second, getenv: os.Getenv}).run(t.Context(), []string{"run", "-c", path}); code != 1 || !strings.Contains(second.String(), "in use by another process") {
		t.Errorf("a second one: exit code %d, %s", code, second.String())
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("the first: exit code %d, %s", code, stderr.String())
	}
}

// signalWriter closes seen when want is written.
type signalWriter struct {
	w    io.Writer
	want string
	seen chan struct{}
	once sync.Once
}

func (s *signalWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.want) {
		s.once.Do(func() { close(s.seen) })
	}
	return s.w.Write(p)
}

// TestHangup: after a hangup the lines go into a new file of the same name.
func TestHangup(t *testing.T) {
	path, lines := writeConfig(t, device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9, InRate: 1e6}), "http://127.0.0.1:1/")
	var stdout, stderr buffer
	hangup := make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	reopened := make(chan struct{})
	go func() {
		w := &signalWriter{w: &stderr, want: "opened anew", seen: reopened}
		ended <- process{stdout: &stdout, stderr: w, getenv: os.Getenv, hangup: hangup}.run(ctx, []string{"run", "-c", path})
	}()
	hangup <- syscall.SIGHUP // taken once all is open
	<-reopened
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d:\n%s", code, stderr.String())
	}
	if _, err := os.Stat(lines); err != nil {
		t.Error(err)
	}
}
