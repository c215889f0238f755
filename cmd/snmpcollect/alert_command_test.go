package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/api"
)

// TestAlertCommands: what a person does at a terminal, against a collector that has an alert.
func TestAlertCommands(t *testing.T) {
	cfg := alert.DefaultConfig()
	cfg.DeviceUnreachable.Polls = 1
	cfg.Targets = []alert.Target{{Device: "sw1"}}
	recorded := make(chan []alert.Transition, 10)
	m, err := alert.Start(alert.Options{Config: cfg, Path: filepath.Join(t.TempDir(), "alerts.journal"), Log: slog.New(slog.DiscardHandler),
		Events: func(ts []alert.Transition) { recorded <- ts }})
	if err != nil {
		t.Fatal(err)
	}
	m.Failed(time.Now(), "sw1", errors.New("request timeout"))
	mux := http.NewServeMux()
	api.Handle(mux, m, api.Options{Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(mux)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "snmpcollect.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-recorded
	id := m.Alerts()[0].Fingerprint[:8]
	run := func(args ...string) (string, int) {
		var out bytes.Buffer
		p := process{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
		code := p.run(t.Context(), append(append([]string{"alert"}, args...), "--url", server.URL, "-c", file))
		return out.String(), code
	}
	silenceID := ""
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list"}, 0, id + ` +firing +critical .* sw1: no answer to 1 poll: request timeout`},
		{[]string{"list", "device=other"}, 0, `SUMMARY\n$`},
		{[]string{"list", "--json"}, 0, `"fingerprint": "` + id},
		{[]string{"ack", id, "--reason", "looking", "--author", "ann"}, 0, id + ` +ack ann +sw1`},
		{[]string{"ack", "zz"}, 1, `no alert begins with "zz"`},
		{[]string{"unack", id}, 0, id + ` +- +sw1`},
		{[]string{"silence", "device=sw1"}, 1, `--for and --reason`},
		{[]string{"silence", "--for", "1h", "--reason", "work", "--author", "ann", "device=sw1"}, 0, `^\w+ until 20`},
		{[]string{"silences"}, 0, ` ann +device=sw1 +work`},
		{[]string{"list"}, 0, `silenced `},
		{[]string{"expire", "SILENCE"}, 0, `is over`},
		{[]string{"expire", "SILENCE"}, 1, `is over already`},
		{[]string{"history", id}, 0, `firing +yes +sw1: no answer`},
		{[]string{"history", "--device", "other"}, 0, `SUMMARY\n$`},
	} {
		for i := range c.args {
			if c.args[i] == "SILENCE" {
				c.args[i] = silenceID
			}
		}
		out, code := run(c.args...)
		if code != c.code || !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("%v: %d\n%s", c.args, code, out)
		}
		if c.args[0] == "silence" && code == 0 {
			silenceID, _, _ = strings.Cut(out, " ")
		}
	}
	if err := m.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

const trialRules = `alerts:
  rules:
    - name: load_high
      measurement: ucd_load
      expr: laLoad > 8
      for: 60s
`

const trialCases = `cases:
  - name: a cable comes out
    steps:
      - at: 0s
        samples: {interface: [{ifName: Gi0/3, ifIndex: 3, ifAdminStatus: up, ifOperStatus: up, ifHCInOctets: 5, ifHCInOctets_rate: 1000}]}
      - at: 30s
        until: 120s
        samples: {interface: [{ifName: Gi0/3, ifIndex: 3, ifAdminStatus: up, ifOperStatus: down, ifHCInOctets: 5}]}
      - {at: 150s, fail: host_down}
    expect:
      - {at: 90s, rule: interface_mismatch, key: Gi0/3, state: firing}
  - name: load
    pending: true
    steps:
      - {at: 0s, until: 90s, samples: {ucd_load: [{laNames: Load-1, laLoad: 9.5}, {laNames: Load-5, laLoad: 7}]}}
      - {at: 120s, until: 180s, samples: {ucd_load: [{laNames: Load-1, laLoad: 1.5}]}}
    expect:
      - {at: 0s, rule: load_high, key: Load-1, state: pending}
      - {at: 60s, rule: load_high, key: Load-1, state: firing}
      - {at: 180s, rule: load_high, key: Load-1, state: resolved, reason: recovered}
`

func TestAlertTest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rules, cases := write("rules.yaml", trialRules), write("cases.yaml", trialCases)
	wrong := write("wrong.yaml", strings.ReplaceAll(trialCases, "at: 60s, rule: load_high", "at: 90s, rule: load_high"))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{rules, cases}, 0, "Alert tests: " + cases + "\n  SUCCESS: 2 cases\n"},
		{[]string{rules, cases, wrong}, 1, "Alert tests: " + cases + "\n  SUCCESS: 2 cases\nAlert tests: " + wrong +
			"\n  FAILED: load\n    missing: at 1m30s device load_high Load-1 firing\n    not expected: at 1m0s device load_high Load-1 firing\n  1 of 2 cases failed\n"},
		{[]string{write("mistake.yaml", strings.ReplaceAll(trialRules, "laLoad >", "laLod >")), cases}, 1,
			filepath.Join(dir, "mistake.yaml") + ":5: error: expr: column 1: rows have no field or tag \"laLod\"; did you mean \"laLoad\"?\n"},
		{[]string{write("block.yaml", strings.ReplaceAll(trialRules, "laLoad > 8", "|\n        laLoad > 8 and\n        laLod < 100\n        or false")), cases}, 1,
			filepath.Join(dir, "block.yaml") + ":7: error: expr: column 1: rows have no field or tag \"laLod\"; did you mean \"laLoad\"?\n"},
		{[]string{rules, write("table.yaml", "cases:\n  - name: x\n    steps: [{at: 0s, samples: {interfaces: []}}]\n")}, 1, "Alert tests: " + filepath.Join(dir, "table.yaml") +
			"\n  FAILED: x\n    no profile measures \"interfaces\"; did you mean \"interface\"?\n  1 of 1 cases failed\n"},
		{[]string{rules, write("unknown.yaml", "cases:\n  - name: x\n    step: []\n")}, 1, filepath.Join(dir, "unknown.yaml") + ":3: error: unknown key \"step\"; did you mean \"steps\"?\n"},
	} {
		var out bytes.Buffer
		p := process{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
		code := p.run(t.Context(), append([]string{"alert", "test"}, c.args...))
		if diff := cmp.Diff(c.want, out.String()); code != c.code || diff != "" {
			t.Errorf("%v: %d (-want +got)\n%s", c.args, code, diff)
		}
	}
}
