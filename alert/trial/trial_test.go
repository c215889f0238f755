package trial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/rules"
	"walkabout/alert/trial"
)

// tag says what of the interface table is a tag.
func tag(measurement, name string) bool {
	return measurement == "interface" && (name == "ifName" || name == "ifDescr") || measurement == "ucd_load" && name == "laNames"
}

func config(t *testing.T) alert.Config {
	t.Helper()
	cfg := alert.DefaultConfig()
	schema := rules.Schema{"ucd_load": {"laLoad": rules.Number, "laNames": rules.Text}}
	c, err := rules.Compile("ucd_load", "laLoad > 8", "load {laLoad}", schema)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Rules = []alert.Rule{{Name: "load_high", Measurement: "ucd_load", Condition: c, RuleOptions: alert.RuleOptions{Enabled: true, Polls: 1}}}
	return cfg
}

const up, down = `{ifName: p1, ifIndex: 1, ifAdminStatus: up, ifOperStatus: up, ifInOctets: 5}`, `{ifName: p1, ifIndex: 1, ifAdminStatus: up, ifOperStatus: down, ifInOctets: 5}`

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a mismatch fires and ends, held for as long as it had to last": {`
    steps:
      - {at: 0s, until: 60s, samples: {interface: [` + down + `]}}
      - {at: 90s, until: 150s, samples: {interface: [` + up + `]}}
    expect:
      - {at: 60s, rule: interface_mismatch, key: p1, state: firing}
      - {at: 150s, rule: interface_mismatch, key: p1, state: resolved, reason: recovered}`, nil},
		"what is only pending is not told": {`
    steps: [{at: 0s, samples: {interface: [` + down + `]}}]`, nil},
		"unless the case asks for it": {`
    pending: true
    steps: [{at: 0s, samples: {interface: [` + down + `]}}]`, []string{"not expected: at 0s device interface_mismatch p1 pending"}},
		"a linkDown stands for a poll, and the interval for the time": {`
    interval: 60s
    steps:
      - {at: 0s, samples: {interface: [` + up + `]}}
      - {at: 50s, linkdown: 1}
      - {at: 60s, until: 120s, samples: {interface: [` + down + `]}}
    expect: [{at: 120s, rule: interface_mismatch, key: p1, state: firing}]`, nil},
		"polls that fail, and one that is behind": {`
    devices: {core: {}, acc: {labels: {parent: core}}}
    steps:
      - {at: 0s, until: 30s, device: core, fail: host_down}
      - {at: 1s, until: 91s, device: acc, fail: snmp_silent}
    expect: [{at: 30s, device: core, rule: device_unreachable, state: firing}]`, nil},
		"why it does not answer": {`
    steps: [{at: 0s, until: 30s, fail: authentication}]
    expect: [{at: 30s, rule: device_unreachable, state: firing}]`,
			[]string{"missing: at 30s device device_unreachable firing", "not expected: at 30s device authentication_failed firing"}},
		"a reset freezes, and part of a walk removes nothing": {`
    steps:
      - {at: 0s, until: 60s, samples: {interface: [` + down + `]}}
      - {at: 90s, until: 600s, samples: {interface: []}, complete: []}
      - {at: 630s, reset: true, samples: {interface: [` + up + `]}}
      - {at: 660s, samples: {interface: [` + up + `]}}
    expect:
      - {at: 60s, rule: interface_mismatch, key: p1, state: firing}
      - {at: 630s, rule: device_rebooted, state: firing}`, nil},
		"rows that are gone": {`
    steps:
      - {at: 0s, until: 60s, samples: {interface: [` + down + `]}}
      - {at: 90s, until: 120s, samples: {interface: []}}
    expect:
      - {at: 60s, rule: interface_mismatch, key: p1, state: firing}
      - {at: 120s, rule: interface_mismatch, key: p1, state: resolved, reason: removed}`, nil},
		"errors by their rates": {`
    steps:
      - {at: 0s, until: 300s, samples: {interface: [{ifName: p1, ifIndex: 1, ifAdminStatus: up, ifOperStatus: up, ifInErrors_rate: 5, ifHCInUcastPkts_rate: 10,
          ifHCInMulticastPkts_rate: 0, ifHCInBroadcastPkts_rate: 0}]}}
    expect: [{at: 300s, rule: interface_errors, key: p1, state: firing}]`, nil},
		"a rule of the site's own": {`
    steps: [{at: 0s, samples: {ucd_load: [{laNames: Load-1, laLoad: 9.5}, {laNames: Load-5, laLoad: 8}]}}]
    expect: [{at: 0s, rule: load_high, key: Load-1, state: firing}]`, nil},
		"another reason": {`
    steps: [{at: 0s, samples: {ucd_load: [{laNames: Load-1, laLoad: 9.5}]}}, {at: 30s, samples: {ucd_load: [{laNames: Load-1, laLoad: 1}]}}]
    expect: [{at: 0s, rule: load_high, key: Load-1, state: firing}, {at: 30s, rule: load_high, key: Load-1, state: resolved, reason: removed}]`,
			[]string{"missing: at 30s device load_high Load-1 resolved (removed)", "not expected: at 30s device load_high Load-1 resolved (recovered)"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, mistakes := trial.Read([]byte("cases:\n  - name: x" + c.text + "\n"))
			if len(mistakes) > 0 || len(f.Cases) != 1 {
				t.Fatal(mistakes)
			}
			got, err := trial.Run(&f.Cases[0], config(t), tag)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	for row, want := range map[string]string{
		"{ifName: p1, ifAdminStatus: upp}":           `at 0s: interface: ifAdminStatus: "upp" is no status`,
		"{ifName: p1, ifHCInOctets_rate: plenty}":    `at 0s: interface: ifHCInOctets_rate: plenty is no number`,
		"{ifName: p1, ifHCInOctets_rate: [1, 2, 3]}": `at 0s: interface: ifHCInOctets_rate: [1 2 3] is no number`,
	} {
		f, mistakes := trial.Read([]byte("cases:\n  - name: x\n    steps: [{at: 0s, samples: {interface: [" + row + "]}}]\n"))
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		if got, err := trial.Run(&f.Cases[0], config(t), tag); err == nil || err.Error() != want {
			t.Errorf("%s: %v, %v", row, got, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"cases: [{steps: []}]":                                                         "1: a case needs a name",
		"cases:\n  - name: x\n    steps: [{at: 5}]":                                    `"5" is no duration`,
		"cases:\n  - name: x\n    steps: [{at: -5s}]":                                  `the duration -5s is negative`,
		"cases:\n  - name: x\n    steps: [{at: 0s, device: core}]":                     `3: there is no device "core" in the case`,
		"cases:\n  - name: x\n    devices: {a: {}, b: {}}\n    steps: [{at: 0s}]":      `4: there is no device ""`,
		"cases:\n  - name: x\n    steps: [{at: 60s, until: 30s}]":                      "3: until is before at",
		"cases:\n  - name: x\n    interval: 1ns\n    steps: [{at: 0s, until: 1s}]":     "more than 100000 intervals",
		"cases:\n  - name: x\n    steps: [{at: 0s, fail: timeout, samples: {ip: []}}]": "3: a poll fails or brings samples",
		"cases:\n  - name: x\n    expect: [{at: 0s, rule: r, state: fires}]":           `3: state: "fires" is none of pending, firing, resolved`,
		"cases:\n  - name: x\n    expct: []":                                           `3: unknown key "expct"; did you mean "expect"?`,
		"cases: 5":                                                                     "a list is wanted",
	} {
		_, mistakes := trial.Read([]byte(text + "\n"))
		var all []string
		for _, m := range mistakes {
			all = append(all, m.Error())
		}
		if len(mistakes) == 0 || !strings.Contains(strings.Join(all, "\n"), strings.TrimLeft(want, "0123456789: ")) {
			t.Errorf("%s\n%q", text, all)
		}
		if n := want[0]; n >= '0' && n <= '9' && len(mistakes) > 0 && mistakes[0].Line != int(n-'0') {
			t.Errorf("%s\nline %d, want %c", text, mistakes[0].Line, n)
		}
	}
}
