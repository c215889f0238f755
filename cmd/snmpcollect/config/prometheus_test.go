package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/exporters/series"
	"walkabout/spool"
)

// prometheusProfiles are the program's, and one with an enumeration.
func prometheusProfiles(t *testing.T) collector.Profiles {
	t.Helper()
	p, err := collector.ParseProfile([]byte("about: x\nscalars:\n- measurement: door\n  objects:\n  - {name: doorState, oid: 1.3.6.1.4.1.99.1, type: enum, labels: {1: open, 2: closed}}\n  - {name: doorTime, oid: 1.3.6.1.4.1.99.2, type: dateandtime}\n"), smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(collector.BuiltIn())
	all["door"] = p
	return all
}

func TestPrometheusOutput(t *testing.T) {
	c, problems := config.Load(write(t, "snmpcollect.yaml", `
credentials: {public: {version: 2c, community_env: INFLUX_TOKEN}}
targets: [{name: a, address: 192.0.2.1, credential: public, collect: [interfaces]}]
outputs:
  - prometheus:
      url: https://tsdb.example/api/v1/write
      version: 2
      user: me
      password_env: INFLUX_TOKEN
      headers: {X-Scope-OrgID: {env: INFLUX_TOKEN}}
      external_labels: {site: a, empty: ""}
      labels: [ifIndex]
      rates: true
      state_sets: [doorState]
  - prometheus: {url: "http://127.0.0.1:9090/api/v1/write", external_labels: {job: other}, backfill: newest}
`, 0o600), prometheusProfiles(t), getenv)
	if len(problems) > 0 || len(c.Outputs) != 2 {
		t.Fatal(problems)
	}
	p := c.Outputs[0].Prometheus
	if c.Outputs[0].Order != spool.InOrder || c.Outputs[1].Order != spool.NewestFirst || p.Version != "2" || p.User != "me" || p.Password.IsZero() || p.Headers["X-Scope-OrgID"].IsZero() {
		t.Errorf("%+v", c.Outputs)
	}
	if diff := cmp.Diff([]series.Label{{Name: "job", Value: "snmp"}, {Name: "site", Value: "a"}}, p.Series.Constant); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]series.Label{{Name: "job", Value: "other"}}, c.Outputs[1].Prometheus.Series.Constant); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(p.Series.Labels, []string{"ifIndex"}) || !p.Series.Rates || c.Outputs[1].Prometheus.Series.Labels != nil {
		t.Errorf("%v %v", p.Series.Labels, p.Series.Rates)
	}
	for name, want := range map[string]series.Object{
		"doorState":    {Help: "1.3.6.1.4.1.99.1", Form: series.StateSet, States: []string{"open", "closed"}},
		"doorTime":     {Help: "1.3.6.1.4.1.99.2", Form: series.Time},
		"ifHCInOctets": {Help: "IF-MIB::ifHCInOctets - 1.3.6.1.2.1.31.1.1.1.6"},
	} {
		if diff := cmp.Diff(want, p.Series.Objects[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if other := c.Outputs[1].Prometheus.Series.Objects["doorState"]; other.Form != series.Info {
		t.Errorf("the other output's: %+v", other)
	}
}

func TestPrometheusOutputProblems(t *testing.T) {
	for keys, want := range map[string]string{
		`{}`:                                                    "url is missing",
		`{url: "http://127.0.0.1:9090"}`:                        "url has no path",
		`{url: "http://h/w", version: "3"}`:                     `version "3"`,
		`{url: "http://h/w", state_sets: [x]}`:                  `no profile has "x"`,
		`{url: "http://h/w", state_sets: [doorStat]}`:           `did you mean "doorState"?`,
		`{url: "http://h/w", external_labels: {a-b: c}}`:        `"a-b" is no label's name`,
		`{url: "http://h/w", tls: {ca: /does/not/exist}}`:       "tls: ca",
		`{url: "http://h/w", user: me, password_env: NOT_SET}`:  "NOT_SET",
		`{url: "http://h/w", token: abc, user: me, labels: []}`: "user and token",
	} {
		_, problems := config.Load(write(t, "snmpcollect.yaml", "outputs:\n  - prometheus: "+keys+"\n", 0o600), prometheusProfiles(t), getenv)
		if !config.Failed(problems) || !strings.Contains(problems[0].String(), want) || !strings.Contains(problems[0].String(), "snmpcollect.yaml:2:") {
			t.Errorf("%s: %v, want %q", keys, problems, want)
		}
	}
}
