package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/snmp"
)

// example is what the README shows.
const example = `interval: 30s
state: /var/lib/snmpcollect
listen: 127.0.0.1:8161
credentials:
  lab:    {version: 2c, community: public}
  secure: {version: 3, user: monitor, auth: SHA-256, auth_password_env: MON_AUTH, priv: AES, priv_password_env: MON_PRIV}
targets:
  - name: core1
    address: 192.0.2.1
    credential: lab
    collect: [system, interfaces, ip, tcp]
    labels: {site: paris}
  - {name: core2, address: "[2001:db8::1]:1161", credential: secure, collect: [interfaces], interval: 5s, timeout: 1s, retries: 0, bulk: false}
outputs:
  - influxdb: {url: "http://127.0.0.1:8086", org: noc, bucket: snmp, token_env: INFLUX_TOKEN}
  - file: {path: "-"}
alerts:
  interface_mismatch: {for: 60s, flap_changes: 4, flap_window: 20m}
notify:
  - webhook: {url: "http://127.0.0.1:9000/hook"}
  - log: {}
`

func getenv(name string) string {
	return map[string]string{"MON_AUTH": "authsecret", "MON_PRIV": "privsecret", "INFLUX_TOKEN": "tokensecret"}[name]
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExample(t *testing.T) {
	path := write(t, "snmpcollect.yaml", example, 0o600)
	c, problems := config.Load(path, collector.BuiltIn(), getenv)
	if problems != nil {
		t.Fatal(problems)
	}
	if c.State != "/var/lib/snmpcollect" || c.Listen != "127.0.0.1:8161" || len(c.Targets) != 2 || len(c.Outputs) != 2 || len(c.Notify) != 2 {
		t.Fatalf("%+v", c)
	}
	first, second := c.Targets[0], c.Targets[1]
	if first.Interval != 30*time.Second || first.Credential.Version != snmp.V2c || first.Credential.Community.Reveal() != "public" || first.Labels["site"] != "paris" || first.NoBulk {
		t.Errorf("core1: %+v", first)
	}
	if second.Interval != 5*time.Second || second.Timeout != time.Second || second.Retries != 0 || !second.NoBulk || second.Credential.AuthPassword.Reveal() != "authsecret" ||
		second.Credential.PrivPassword.Reveal() != "privsecret" {
		t.Errorf("core2: %+v", second)
	}
	if c.Outputs[0].Queue.Name != "influxdb" || c.Outputs[0].InfluxDB.Token.Reveal() != "tokensecret" || c.Outputs[1].File.Path != "-" {
		t.Errorf("outputs: %+v", c.Outputs)
	}
	if c.Alerts.InterfaceMismatch.For != time.Minute || !c.Alerts.InterfaceMismatch.Enabled || !reflect.DeepEqual(c.Alerts.DeviceUnreachable, alert.DefaultConfig().DeviceUnreachable) {
		t.Errorf("alerts: %+v", c.Alerts)
	}
	if got := c.AlertsFor(c.Targets).Targets[1]; got.Device != "core2" || cmp.Diff([]string{"interface", "interface_ethernet", "interface_stack"}, got.Collect) != "" {
		t.Errorf("alert target: %+v", got)
	}
	summary := c.Summary()
	for _, want := range []string{"core1 at 192.0.2.1 every 30s by SNMPv2c: system, interfaces, ip, tcp", "core2 at [2001:db8::1]:1161 every 5s by SNMPv3 as monitor (SHA-256/AES)",
		"InfluxDB at http://127.0.0.1:8086, bucket snmp", "standard output", "interface_mismatch after 1m0s; flapping when it comes and goes more than 4 times in 20m0s, until it was well for 5m0s", "notify: 2\n  webhook: webhook\n  log: the log\n", "listen: 127.0.0.1:8161"} {
		if !strings.Contains(summary, want) {
			t.Errorf("no %q in the summary:\n%s", want, summary)
		}
	}
	for _, hidden := range []string{"public", "secret"} {
		if strings.Contains(summary, hidden) {
			t.Errorf("the summary shows %q", hidden)
		}
	}
}

// lab is a file with one target and one output, to which a test adds its mistake.
func lab(credential, target, rest string) string {
	return "credentials:\n  lab: {" + credential + "}\ntargets:\n  - {name: a, address: 192.0.2.1, credential: lab, collect: [system]" + target + "}\noutputs:\n  - file: {path: \"-\"}\n" + rest
}

func TestProblems(t *testing.T) {
	const v2c = "version: 2c, community: public"
	tests := []struct {
		name, text string
		want       []string // each is part of the problem in its place
	}{
		{"right", lab(v2c, "", ""), nil},
		{"unknown key", lab(v2c, "", "intervall: 5s\n"), []string{`:7: error: unknown key "intervall"; did you mean "interval"?`}},
		{"duration without unit", lab(v2c, "", "interval: 30\n"), []string{`:7: error: "30" is no duration; write it with its unit`}},
		{"no interval", lab(v2c, "", "interval: 0s\n"), []string{`:7: error: a time above 0 is wanted here`}},
		{"no batch", lab(v2c, "", "  - file: {path: x, batch_limit: -5}\n"), []string{`:7: error: batch_limit must be at least 1`}},
		{"size without unit", lab(v2c, "", "  - file: {path: x, spool_size: big}\n"), []string{`:7: error: "big" is no size; write it with its unit`}},
		{"unknown order", lab(v2c, "", "  - file: {path: x, backfill: random}\n"), []string{`:7: error: backfill is newest, oldest or in_order`}},
		{"negative duration", lab(v2c, ", timeout: -1s", ""), []string{`:4: error: the duration -1s is negative`}},
		{"a key twice", lab(v2c, ", credential: x", ""), []string{`:4: error: mapping key "credential" already defined`}},
		{"misspelt credential", strings.Replace(lab(v2c, "", ""), "credential: lab", "credential: labs", 1), []string{`:4: error: no credential is called "labs"; did you mean "lab"?`}},
		{"no credential", strings.Replace(lab(v2c, "", ""), "credential: lab, ", "", 1), []string{`:4: error: target "a" names no credential`}},
		{"no version", lab("community: public", "", ""), []string{`:2: error: no version; write 1, 2c or 3`}},
		{"version 4", lab("version: 4, community: public", "", ""), []string{`:2: error: unknown SNMP version "4"`}},
		{"no community", lab("version: 2c", "", ""), []string{`:2: error: credential "lab": version 2c needs a community`}},
		{"two ways", lab(v2c+", community_env: MON_AUTH", "", ""), []string{`:2: error: community, community_file, community_env: given in more than one way`}},
		{"empty environment", lab("version: 2c, community_env: NOT_SET", "", ""), []string{`:2: error: community_env: the environment variable NOT_SET is empty or not set`}},
		{"no such file", lab("version: 2c, community_file: /nonexistent/x", "", ""), []string{`:2: error: community_file: `}},
		{"unknown auth", lab("version: 3, user: u, auth: SHA-3, auth_password: password", "", ""), []string{`:2: error: unknown authentication protocol "SHA-3"`}},
		{"short password", lab("version: 3, user: u, auth: SHA, auth_password: short", "", ""), []string{`:2: error: credential "lab": auth needs a password of at least 8`}},
		{"unknown profile", strings.Replace(lab(v2c, "", ""), "[system]", "[sytem]", 1), []string{`:4: error: target "a": collect: unknown profile "sytem"; did you mean "system"?`}},
		{"label of our own", lab(v2c, ", labels: {device: x}", ""), []string{`:4: error: target "a": label "device"`}},
		{"two mistakes of a target", lab(v2c, ", retries: 99, max_repetitions: 0", ""), []string{`:4: error: target "a": retries 99`, `:4: error: target "a": max_repetitions 0`}},
		{"a secret in the wrong place", strings.Replace(lab(v2c, "", ""), "{version: 2c, community: public}", "s3cret", 1), []string{`:2: error: a mapping is wanted here, not a text`, `:4: error: no credential is called "lab"`}},
		{"same name", lab(v2c, "}\n  - {name: a, address: 192.0.2.2, credential: lab, collect: [system]", ""), []string{`:5: error: target "a" is there already, in line 4`}},
		{"bad URL", lab(v2c, "", "  - influxdb: {url: \"ftp://x\", bucket: b}\n"), []string{`:7: error: influxdb output: `}},
		{"no path", lab(v2c, "", "  - file: {}\n"), []string{`:7: error: file output: path is missing`}},
		{"no certificate", lab(v2c, "", "  - influxdb: {url: \"https://x\", bucket: b, tls: {ca: /nonexistent/x}}\n"), []string{`:7: error: tls: ca: `}},
		{"half a certificate", lab(v2c, "", "  - influxdb:\n      url: https://x\n      bucket: b\n      tls:\n        key: /nonexistent/x\n"), []string{`:10: error: tls: key is given, and certificate is not`}},
		{"an old TLS", lab(v2c, "", "  - influxdb: {url: \"https://x\", bucket: b, tls: {min_version: 1.0}}\n"), []string{`:7: error: tls: min_version "1.0": write 1.2 or 1.3`}},
		{"TLS without https", lab(v2c, "", "  - influxdb: {url: \"http://x\", bucket: b, tls: {server_name: y}}\n"), []string{`:7: error: influxdb output: tls is given, and url is not https`}},
		{"a format", lab(v2c, "", "  - file: {path: x, format: json, rotate_size: 100MB, rotate_every: 24h, rotate_keep: 3, rotate_gzip: true}\n"), nil},
		{"an unknown format", lab(v2c, "", "  - file: {path: x, format: xml}\n"), []string{`:7: error: file output: format "xml": write influx or json`}},
		{"nothing kept", lab(v2c, "", "  - file: {path: x, rotate_size: 1MB, rotate_keep: 0}\n"), []string{`:7: error: rotate_keep must be at least 1`}},
		{"compressed but not rotated", lab(v2c, "", "  - file: {path: x, rotate_gzip: true}\n"), []string{`:7: error: file output: rotate_keep and rotate_gzip need`}},
		{"pipelines", lab(v2c, "", "  - otlp: {url: \"https://x:4317\", headers: {x-token: {env: MON_AUTH}}, tls: {min_version: \"1.3\"}}\n  - kafka: {brokers: [a:9092, b:9092], topic: t, sasl: SCRAM-SHA-512, user: u, password_env: MON_AUTH, tls: {}, format: influx, compression: zstd}\n  - nats: {servers: nats://x, subject: \"a.{device}\", token_env: MON_AUTH}\n"), nil},
		{"no receiver", lab(v2c, "", "  - otlp: {url: x}\n"), []string{`:7: error: otlp output: url is not of the form`}},
		{"a header from nowhere", lab(v2c, "", "  - otlp: {url: \"http://x\", headers: {a: {env: NOT_SET}}}\n"), []string{`:7: error: headers: a_env: the environment variable NOT_SET`}},
		{"another protocol", lab(v2c, "", "  - otlp: {url: \"http://x\", protocol: udp}\n"), []string{`:7: error: otlp output: protocol "udp": write grpc or http`}},
		{"no broker", lab(v2c, "", "  - kafka: {topic: t}\n"), []string{`:7: error: kafka output: brokers are missing`}},
		{"Kafka's TLS", lab(v2c, "", "  - kafka: {brokers: a:9092, topic: t, tls: {ca: /nonexistent/x}}\n"), []string{`:7: error: tls: ca: `}},
		{"Kafka's password", lab(v2c, "", "  - kafka: {brokers: a:9092, topic: t, password_env: NOT_SET}\n"), []string{`:7: error: password_env: the environment variable NOT_SET`}},
		{"no NATS", lab(v2c, "", "  - nats: {}\n"), []string{`:7: error: nats output: servers are missing`}},
		{"a wrong subject", lab(v2c, "", "  - nats: {servers: nats://x, subject: a..b}\n"), []string{`:7: error: nats output: subject "a..b"`}},
		{"core NATS", lab(v2c, "", "  - nats: {servers: nats://x, core: true}\n"), []string{`:7: warning: core NATS keeps nothing`}},
		{"a filter", lab(v2c, "", "  - file: {path: x, keep: {measurements: if*, fields: {interface: [in*, /out.+/]}}, drop: {tags: {ifName: [lo*]}}, rename: {fields: {a: b}}, tags: {region: eu}}\n"), nil},
		{"an expression that is none", lab(v2c, "", "  - file:\n      path: x\n      drop:\n        fields: [a, /(/]\n"), []string{`:10: error: pattern /(/: error parsing regexp`}},
		{"an empty pattern", lab(v2c, "", "  - file: {path: x, keep: {tags: {a: [\"\"]}}}\n"), []string{`:7: error: a pattern is empty`}},
		{"a pattern that is none", lab(v2c, "", "  - file: {path: x, keep: {measurements: [{a: b}]}}\n"), []string{`:7: error: a pattern is a text`}},
		{"an unknown selection", lab(v2c, "", "  - file: {path: x, keep: {measurement: [a]}}\n"), []string{`:7: error: unknown key "measurement"; did you mean "measurements"?`}},
		{"one name for two", lab(v2c, "", "  - file:\n      path: x\n      rename:\n        tags: {a: c, b: c}\n"), []string{`:9: error: rename: tags: a and b would both become c`}},
		{"an empty tag", lab(v2c, "", "  - file:\n      path: x\n      tags:\n        a: \"\"\n"), []string{`:9: error: tags: a tag needs a name and a value`}},
		{"no kind of output", lab(v2c, "", "  - {}\n"), []string{`:7: error: an output is influxdb: {…}`}},
		{"a source", lab(v2c, ", source: 192.0.2.7, any_source: true", ""), nil},
		{"a source that is no address", lab(v2c, ", source: eth0", ""), []string{`:4: error: source "eth0" is no address`}},
		{"context engine ID", lab("version: 3, user: u, context_engine_id: 8000zz", "", ""), []string{`:2: error: "8000zz": write the octets in hexadecimal`}},
		{"a shell's path", lab(v2c, "", "  - file: {path: ~/x}\nstate: \"~/y\"\n"), []string{`:7: error: ~/x: ~ means nothing here`, `:8: error: ~/y: ~ means nothing here`}},
		{"two kinds", lab(v2c, "", "  - file: {path: x}\n    influxdb: {url: \"http://x\", bucket: b}\n"), []string{`:7: error: one entry is one output`}},
		{"no kind", lab(v2c, "", "notify:\n  - {}\n"), []string{`:8: error: a notifier is webhook: {…}, alertmanager: {…}, email: {…}, slack: {…}, teams: {…}, discord: {…}, telegram: {…}, exec: {…} or log: {…}`}},
		{"webhook without URL", lab(v2c, "", "notify:\n  - webhook: {}\n"), []string{`:8: error: `}},
		{"headers", lab(v2c, "", "notify:\n  - webhook: {url: \"http://x/\", headers: {X-A: text, X-B: {env: MON_AUTH}}}\n"), nil},
		{"a header from nowhere", lab(v2c, "", "notify:\n  - webhook: {url: \"http://x/\", headers: {X-B: {env: NOT_SET}}}\n"), []string{`:8: error: headers: X-B_env: the environment variable NOT_SET is empty or not set`}},
		{"a header of another form", lab(v2c, "", "notify:\n  - webhook: {url: \"http://x/\", headers: {X-B: [a]}}\n"), []string{`:8: error: a header is a text, {file: PATH} or {env: NAME}`}},
		{"a name of the spool's own", lab(v2c, "", "  - file: {path: /tmp/x, name: \"alerts:observed\"}\n"), []string{`:7: error: name "alerts:observed": what begins with alerts:`}},
		{"two outputs to a file", lab(v2c, "", "  - file: {path: /tmp/x}\n  - file: {path: /tmp/./x}\n"), []string{`:8: error: path: the output in line 7 writes /tmp/./x already`}},
		{"a size without a unit", lab(v2c, "", "  - file: {path: /tmp/x, spool_size: 4}\n"), []string{`:7: error: "4" is no size; write it with its unit`}},
		{"an output's key beside its kind", lab(v2c, "", "  - file: {path: /tmp/x}\n    name: y\n"), []string{`:8: error: unknown key "name"; write it inside file: {…}`}},
		{"names twice", lab(v2c, "", "notify:\n  - log: {name: x}\n  - log: {name: x}\n"), []string{`:9: error: the name "x" is there already`}},
		{"flapping", lab(v2c, "", "alerts: {interface_mismatch: {flap_changes: 0, flap_window: 1h, flap_hold: 0s}}\n"), nil},
		{"too few changes", lab(v2c, "", "alerts: {interface_mismatch: {flap_changes: -1}}\n"), []string{`:7: error: flap_changes must be 1 to 100, or 0 for never`}},
		{"too many changes", lab(v2c, "", "alerts: {interface_mismatch: {flap_changes: 101}}\n"), []string{`:7: error: flap_changes must be 1 to 100, or 0 for never`}},
		{"no window", lab(v2c, "", "alerts: {interface_mismatch: {flap_window: 0s}}\n"), []string{`:7: error: a time above 0 is wanted here`}},
		{"no polls", lab(v2c, "", "alerts: {device_unreachable: {polls: 0}}\n"), []string{`:7: error: polls must be at least 1`}},
		{"listen", lab(v2c, "", "listen: 8161\n"), []string{`:7: error: "8161" is not host:port`}},
		{"listen to no port", lab(v2c, "", "listen: 127.0.0.1:65536\n"), []string{`:7: error: "127.0.0.1:65536": the port is not between 0 and 65535`}},
		{"listen to all", lab(v2c, "", "listen: \":8161\"\n"), []string{
			`:7: error: other machines reach :8161, so it takes TLS (pages: tls: {certificate: FILE, key: FILE}) and a password (pages: users:, with a hash of`}},
		{"listen off", lab(v2c, "", "listen: \"\"\n"), nil},
		{"empty", "", []string{": warning: no targets"}},
		{"no YAML", "targets: [", []string{":1: error: did not find"}},
	}
	for _, tt := range tests {
		path := write(t, "c.yaml", tt.text, 0o600)
		_, problems := config.Load(path, collector.BuiltIn(), getenv)
		ok := len(problems) == len(tt.want)
		for i := 0; ok && i < len(tt.want); i++ {
			ok = strings.HasPrefix(problems[i].String(), path+tt.want[i])
		}
		if !ok {
			t.Errorf("%s:\n got %v\nwant %q", tt.name, problems, tt.want)
		}
	}
}

func TestSecretsInFiles(t *testing.T) {
	community := write(t, "community", "from a file\r\n", 0o600)
	path := write(t, "c.yaml", lab("version: 2c, community_file: "+community, "", ""), 0o644)
	c, problems := config.Load(path, collector.BuiltIn(), getenv)
	if problems != nil || c.Targets[0].Credential.Community.Reveal() != "from a file" {
		t.Errorf("%v, %+v", problems, c.Targets)
	}
	empty := write(t, "empty", "\n", 0o600)
	_, problems = config.Load(write(t, "c.yaml", lab("version: 2c, community_file: "+empty, "", ""), 0o600), collector.BuiltIn(), getenv)
	if !config.Failed(problems) || !strings.Contains(problems[0].String(), "is empty") {
		t.Errorf("an empty file: %v", problems)
	}
	_, problems = config.Load(write(t, "c.yaml", lab("version: 2c, community_file: "+t.TempDir(), "", ""), 0o600), collector.BuiltIn(), getenv)
	if !config.Failed(problems) || !strings.Contains(problems[0].String(), "is no regular file") {
		t.Errorf("a folder: %v", problems)
	}
}

func TestWarnsOfReadableSecrets(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	path := write(t, "c.yaml", lab("version: 2c, community: public", "", ""), 0o644)
	_, problems := config.Load(path, collector.BuiltIn(), getenv)
	if len(problems) != 1 || !problems[0].Warning || problems[0].Line != 2 || !strings.Contains(problems[0].String(), "chmod o-rwx "+path) {
		t.Errorf("%v", problems)
	}
}

func TestFolder(t *testing.T) {
	_, problems := config.Load(t.TempDir(), collector.BuiltIn(), getenv)
	if !config.Failed(problems) || !strings.Contains(problems[0].String(), "it is a folder: name a file") {
		t.Errorf("%v", problems)
	}
}

func TestMissingFile(t *testing.T) {
	_, problems := config.Load(filepath.Join(t.TempDir(), "none.yaml"), collector.BuiltIn(), getenv)
	if !config.Failed(problems) || !strings.Contains(problems[0].String(), "no such file") && runtime.GOOS != "windows" {
		t.Errorf("%v", problems)
	}
}
