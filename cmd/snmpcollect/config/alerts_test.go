package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

const alertsExample = `external_url: https://collector.example.net/
api_token: s3cret
alerts:
  noalert: "(quiet)"
  remember: 24h
  interface_mismatch: {for: 30s, polls: 3, keep_firing_for: 2m, also: [testing, dormant], reverse: false, severity: warning, labels: {team: net}}
  device_unreachable: {polls: 5}
  snmp_silent: {enabled: false}
  interface_utilisation: {enabled: true, above_percent: 80, for: 10m}
  interface_errors: {least_per_second: 2}
  interface_speed_duplex: {accept_after: 1h}
  spool_filling: {for: 1m}
  ignore:
    - {name: "^Vl", type: [l3ipvlan, 6], speed_below: 100MB, labels: {site: lab}}
  rules:
    - {name: load_high, measurement: ucd_load, expr: "laLoad > 8", for: 5m, summary: "load {laLoad}"}
    - name: disk_full
      measurement: host_storage
      expr: hrStorageUsed / hrStorageSize > 0.9 and hrStorageType == "hrStorageFixedDisk"
      severity: critical
      labels: {team: unix}
      summary: "{hrStorageDescr} is full: {hrStorageUsed} of {hrStorageSize}"
    - {name: busy, measurement: interface, expr: 'ifHCInOctets_rate * 8 > ifHighSpeed * 1e6 * 0.5 && ifName startsWith "Gi" && labels["site"] == "paris"'}
  maintenance:
    - {name: patch day, match: ["site=paris"], start: 2026-01-04T02:00, timezone: Europe/Paris, rrule: FREQ=WEEKLY;BYDAY=SU, duration: 2h}
`

func TestAlerts(t *testing.T) {
	c, problems := config.Load(write(t, "snmpcollect.yaml", alertsExample, 0o600), collector.BuiltIn(), getenv)
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	a := c.Alerts
	m := a.InterfaceMismatch
	if m.For != 30*time.Second || m.Polls != 3 || m.KeepFiringFor != 2*time.Minute || cmp.Diff([]int64{3, 5}, m.Also) != "" || !m.NoReverse || m.Severity != alert.Warning || m.Labels["team"] != "net" {
		t.Errorf("%+v", m)
	}
	if a.DeviceUnreachable.Polls != 5 || a.SNMPSilent.Enabled || !a.AuthenticationFailed.Enabled || !a.InterfaceUtilisation.Enabled || a.InterfaceUtilisation.Above != 0.8 ||
		a.InterfaceUtilisation.KeepFiringFor != 10*time.Minute || a.InterfaceErrors.KeepFiringFor != 5*time.Minute || a.InterfaceErrors.Least != 2 || a.InterfaceErrors.Above != 0.01 || a.InterfaceSpeedDuplex.AcceptAfter != time.Hour || a.SpoolFilling.For != time.Minute ||
		a.NoAlert != "(quiet)" || a.Remember != 24*time.Hour || a.ExternalURL != "https://collector.example.net" || c.APIToken.Reveal() != "s3cret" {
		t.Errorf("%+v", a)
	}
	if len(a.Ignore) != 1 || cmp.Diff([]int64{136, 6}, a.Ignore[0].Type) != "" || a.Ignore[0].SpeedBelow != 100e6 || !a.Ignore[0].Labels["site"].MatchString("lab1") {
		t.Errorf("%+v", a.Ignore)
	}
	if len(a.Rules) != 3 || a.Rules[0].Name != "load_high" || a.Rules[0].For != 5*time.Minute || a.Rules[0].Severity != alert.Warning || a.Rules[1].Severity != alert.Critical {
		t.Errorf("%+v", a.Rules)
	}
	if len(a.Maintenance) != 1 || a.Maintenance[0].Start.UTC().Format(time.RFC3339) != "2026-01-04T01:00:00Z" {
		t.Errorf("%+v", a.Maintenance)
	}
	for _, want := range []string{"interface_mismatch after 30s", "interface_utilisation after 10m0s above 80 %", "load_high after 5m0s over ucd_load", "maintenance patch day: next at "} {
		if !strings.Contains(c.Summary(), want) {
			t.Errorf("no %q in\n%s", want, c.Summary())
		}
	}
}

func TestAlertMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"alerts: {interface_mismatch: {also: [dormnt]}}", `:1: error: also: "dormnt" is none of testing, unknown and dormant`},
		{"alerts: {snmp_silent: {polls: 0}}", `:1: error: polls must be at least 1`},
		{"alerts:\n  interface_errors: {above_percent: 101}", `:2: error: above_percent must be`},
		{"alerts:\n  interface_errors: {least_per_second: -1}", `:2: error: least_per_second must not`},
		{"alerts:\n  device_rebooted: {labels: {device: x}}", `:2: error: label "device": alerts have`},
		{"alerts:\n  device_rebooted: {for: 1m}", `:2: error: unknown key "for"`},
		{"alerts:\n  ignore:\n    - {type: [l2vln]}", `:3: error: type: nothing is called "l2vln"; did you mean "l2vlan"?`},
		{"alerts:\n  ignore:\n    - {}", `:3: error: an entry that says nothing`},
		{"alerts:\n  rules:\n    - {name: interface_errors, measurement: interface, expr: \"true\"}", `:3: error: there is a rule "interface_errors" already`},
		{"alerts:\n  rules:\n    - {measurement: interface, expr: \"true\"}", `:3: error: a rule needs a name`},
		{"alerts:\n  rules:\n    - {name: a, measurement: interfce, expr: \"true\"}", `:3: error: no profile measures "interfce"; did you mean "interface"?`},
		{"alerts:\n  rules:\n    - name: a\n      measurement: interface\n      expr: ifOperStats == 2", `:5: error: expr: column 1: rows have no field or tag "ifOperStats"; did you mean "ifOperStatus"?`},
		{"alerts:\n  rules:\n    - name: a\n      measurement: interface\n      expr: ifOperStatus\n", `:5: error: expr: column`},
		{"alerts:\n  rules:\n    - name: a\n      measurement: interface\n      expr: \"true\"\n      summary: \"{x}\"", `:6: error: summary: {x} is no field`},
		{"alerts:\n  maintenance:\n    - {name: a, match: [device=x], start: soon, duration: 1h}", `:3: error: start: "soon" is no local time`},
		{"alerts:\n  maintenance:\n    - {name: a, match: [device], start: 2026-01-01T00:00, duration: 1h}", `:3: error: matcher "device"`},
		{"alerts:\n  maintenance:\n    - {name: a, match: [device=x], start: 2026-01-01, timezone: Paris, duration: 1h}", `:3: error: timezone: unknown time zone Paris`},
		{"alerts:\n  maintenance:\n    - {name: a, match: [device=x], start: 2026-01-01, rrule: FREQ=SECONDLY, duration: 1h}", `:3: error: rrule: FREQ is`},
		{"external_url: collector.example.net", `:1: error: external_url "collector.example.net"`},
		{"external_url: https://nms.example/a/../b", `:1: error: external_url: the path "/a/../b" cannot be served`},
		{"external_url: https://nms.example/alerts/", `:1: error: external_url: the path "/alerts/" is one that the pages have themselves`},
		{"targets:\n  - {name: a, address: 192.0.2.1, credential: c, collect: system, labels: {parent: b}}\ncredentials: {c: {version: 2c, community: public}}", `warning: target "a": its label parent names "b"`},
	} {
		_, problems := config.Load(write(t, "snmpcollect.yaml", c.text+"\n", 0o600), collector.BuiltIn(), getenv)
		found := false
		for _, p := range problems {
			found = found || strings.Contains(p.String(), c.want)
		}
		if !found {
			t.Errorf("%s\n%v", c.text, problems)
		}
	}
}
