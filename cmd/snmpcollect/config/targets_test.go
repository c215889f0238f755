package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/sd"
)

// tree writes files into a new folder and returns the path of the one called main.yaml.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "main.yaml")
}

const (
	outputs = "outputs: [{file: {path: \"-\"}}]\n"
	labCred = "credentials: {lab: {version: 2c, community: public}}\n"
)

func TestInclude(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		names string // of the targets
		want  []string
	}{
		{"a folder, a file and a pattern", map[string]string{
			"main.yaml": outputs + "include: [d, secrets.yaml, none/*.yaml]\ntargets: [{name: m, address: a, credential: lab, collect: [system]}]\n",
			"d/2.yml":   "targets: [{name: b, address: b, credential: lab, collect: [system]}]\n", "d/1.yaml": "targets:\n  - {name: a, address: a, credential: lab, collect: [system]}\n",
			"d/.hidden.yaml": "nonsense", "d/README": "nonsense", "secrets.yaml": labCred,
		}, "m a b", nil},
		{"mistakes have their file and line", map[string]string{
			"main.yaml": outputs + "include: [d]\n" + labCred,
			"d/1.yaml":  "targets:\n  - {name: a, address: a, credential: lap, collect: [system]}\n", "d/2.yaml": "interval: 5s\n", "d/3.yaml": "targets: [\n",
		}, "", []string{`1.yaml:2: error: no credential is called "lap"; did you mean "lab"?`, `2.yaml:1: error: unknown key "interval"; known here are credentials, targets`, `3.yaml:1: error: `}},
		{"nothing there", map[string]string{"main.yaml": outputs + "include:\n  - none\n" + labCred}, "", []string{`main.yaml:3: error: include: `}},
		{"the same name", map[string]string{
			"main.yaml": outputs + "include: [d]\n" + labCred + "targets: [{name: a, address: a, credential: lab, collect: [system]}]\n",
			"d/1.yaml":  "targets: [{name: a, address: a, credential: lab, collect: [system]}]\n" + labCred,
		}, "", []string{`1.yaml:1: error: target "a" is there already, in line 4`, `1.yaml:2: error: credential "lab" is there already, in another file`}},
	}
	for _, tt := range tests {
		c, problems := config.Load(tree(t, tt.files), collector.BuiltIn(), getenv)
		if len(problems) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, problems, tt.want)
			continue
		}
		for i, p := range problems {
			if !strings.Contains(p.String(), tt.want[i]) {
				t.Errorf("%s: %v, want %v", tt.name, p, tt.want[i])
			}
		}
		var names []string
		for _, target := range c.Targets {
			names = append(names, target.Name)
		}
		if got := strings.Join(names, " "); tt.names != "" && got != tt.names {
			t.Errorf("%s: targets %s, want %s", tt.name, got, tt.names)
		}
	}
}

func TestStamp(t *testing.T) {
	path := tree(t, map[string]string{"main.yaml": "include: [d]\n", "d/1.yaml": "targets: []\n"})
	c, problems := config.Load(path, collector.BuiltIn(), getenv)
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	if c.Read(true) == 0 || c.Read(true) != c.Stamp(true) || c.Read(false) != c.Stamp(false) {
		t.Error("the stamp moves while nothing does")
	}
	changed := func(what string, main, included bool) {
		t.Helper()
		if got := c.Stamp(true) != c.Read(true); got != main {
			t.Errorf("%s: with the main file: %v", what, got)
		}
		if got := c.Stamp(false) != c.Read(false); got != included {
			t.Errorf("%s: without the main file: %v", what, got)
		}
	}
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	changed("the main file touched", true, false)
	c, _ = config.Load(path, collector.BuiltIn(), getenv)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "d", "2.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	changed("a file added", true, true)
	c, _ = config.Load(path, collector.BuiltIn(), getenv)
	if err := os.RemoveAll(filepath.Join(filepath.Dir(path), "d")); err != nil {
		t.Fatal(err)
	}
	changed("the folder removed", true, true)
	if alone, _ := config.Load(write(t, "x.yaml", "interval: 5s\n", 0o600), collector.BuiltIn(), getenv); alone.Stamp(false) != 0 {
		t.Error("a file that includes nothing has a stamp")
	}
}

func TestListProblems(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"right", "file_sd_configs: [{files: [x.json], credential: lab, collect: [system], labels: {site: x}}]", ""},
		{"right, all by labels", "dns_sd_configs: [{names: [_snmp._udp.example.net]}]", ""},
		{"right, by address", "dns_sd_configs: [{names: [all.example.net], type: a, port: 1161}]", ""},
		{"right, with all", "http_sd_configs: [{url: 'https://x/', token: t, headers: {X: y}, http_timeout: 1s, refresh_interval: 5m, name: netbox, interval: 5s}]", ""},
		{"no files", "file_sd_configs: [{}]", "files names none"},
		{"another form", "file_sd_configs: [{files: [x.txt]}]", `files: "x.txt" must end in .json, .yml or .yaml`},
		{"no names", "dns_sd_configs: [{type: SRV}]", "names names none"},
		{"another type", "dns_sd_configs: [{names: [x], type: MX}]", `type "MX"; known are SRV, A, AAAA`},
		{"a port of SRV", "dns_sd_configs: [{names: [x], port: 161}]", "port is of A and AAAA"},
		{"port 0", "dns_sd_configs: [{names: [x], type: A, port: 0}]", "port must be 1 to 65535"},
		{"no URL", "http_sd_configs: [{}]", "url is not of the form"},
		{"a URL that is none", "http_sd_configs: [{url: 'netbox:s3cret'}]", "url is not of the form"},
		{"an unknown credential", "file_sd_configs: [{files: [x.json], credential: lap}]", `no credential is called "lap"; did you mean "lab"?`},
		{"an unknown profile", "file_sd_configs: [{files: [x.json], collect: [sytem]}]", `unknown profile "sytem"`},
		{"a label of our own", "file_sd_configs: [{files: [x.json], labels: {device: x}}]", `label "device"`},
		{"no interval", "file_sd_configs: [{files: [x.json], interval: 1ms}]", "interval 1ms is below the least"},
		{"two of a name", "file_sd_configs: [{name: x, files: [x.json]}, {name: x, files: [y.json]}]", `the name "x" is there already`},
		{"an address", "file_sd_configs: [{files: [x.json], address: x}]", `unknown key "address"`},
	}
	for _, tt := range tests {
		c, problems := config.Load(write(t, "c.yaml", outputs+labCred+tt.text+"\n", 0o600), collector.BuiltIn(), getenv)
		switch {
		case tt.want == "" && (len(problems) > 0 || len(c.Lists) != 1):
			t.Errorf("%s: %v", tt.name, problems)
		case tt.want == "":
			if source, err := c.Lists[0].Source(); err != nil || source == nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if s := c.Summary(); !strings.Contains(s, "and those of "+c.Lists[0].Name) {
				t.Errorf("%s: the summary is silent:\n%s", tt.name, s)
			}
		case len(problems) != 1 || !strings.Contains(problems[0].String(), "c.yaml:3: error: ") || !strings.Contains(problems[0].String(), tt.want):
			t.Errorf("%s: %v, want %q", tt.name, problems, tt.want)
		case strings.Contains(problems[0].String(), "s3cret"):
			t.Errorf("%s: a secret shows: %v", tt.name, problems)
		}
	}
}

func TestListTargets(t *testing.T) {
	const text = outputs + `interval: 20s
credentials: {lab: {version: 2c, community: public}, core: {version: 2c, community: other}}
file_sd_configs: [{files: [x.json], credential: lab, collect: [system], retries: 4, labels: {site: default, row: "1"}}]
http_sd_configs: [{url: "http://x/"}]
`
	c, problems := config.Load(write(t, "c.yaml", text, 0o600), collector.BuiltIn(), getenv)
	if problems != nil {
		t.Fatal(problems)
	}
	type made struct {
		Name, Address, Community, Collect string
		Interval                          time.Duration
		Labels                            map[string]string
	}
	of := func(l config.List, groups ...sd.Group) (out []made, errs string) {
		targets, problems := l.Targets(groups)
		for _, p := range problems {
			errs += p.Error() + "\n"
		}
		for _, t := range targets {
			out = append(out, made{t.Name, t.Address, t.Credential.Community.Reveal(), strings.Join(t.Collect, ","), t.Interval, t.Labels})
		}
		return out, errs
	}
	got, errs := of(c.Lists[0],
		sd.Group{Targets: []string{"192.0.2.1", "sw2:161", "[2001:db8::1]:161", "sw3:1161"}, Labels: map[string]string{"site": "paris", "device": "not these", "__meta_x": "y", "empty": ""}},
		sd.Group{Targets: []string{"192.0.2.9"}, Labels: map[string]string{"instance": "edge", "ifName": "x", "__param_auth": "core", "__param_module": "system,interfaces", "__scrape_interval__": "5s"}},
		sd.Group{Targets: []string{"192.0.2.10"}, Labels: map[string]string{"device": "named", "instance": "edge2", "__param_auth": "public_v2", "__param_module": "if_mib"}},
		sd.Group{Targets: []string{"192.0.2.11"}, Labels: map[string]string{"__scrape_interval__": "often"}},
		sd.Group{Targets: []string{"a b"}})
	paris, plain := map[string]string{"site": "paris", "row": "1"}, map[string]string{"site": "default", "row": "1"}
	want := []made{
		{"192.0.2.1", "192.0.2.1", "public", "system", 20 * time.Second, paris},
		{"sw2", "sw2:161", "public", "system", 20 * time.Second, paris},
		{"2001:db8::1", "[2001:db8::1]:161", "public", "system", 20 * time.Second, paris},
		{"sw3:1161", "sw3:1161", "public", "system", 20 * time.Second, paris},
		{"edge", "192.0.2.9", "other", "system,interfaces", 5 * time.Second, plain},
		{"named", "192.0.2.10", "public", "system", 20 * time.Second, map[string]string{"site": "default", "row": "1", "instance": "edge2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Count(errs, "\n") != 2 || !strings.Contains(errs, `label __scrape_interval__: "often" is no duration`) || !strings.Contains(errs, "no usable host") {
		t.Errorf("errors:\n%s", errs)
	}
	got, errs = of(c.Lists[1], sd.Group{Targets: []string{"a"}, Labels: map[string]string{"__param_auth": "lab", "__param_module": "tcp"}}, sd.Group{Targets: []string{"b"}})
	if len(got) != 1 || got[0].Collect != "tcp" || !strings.Contains(errs, `target "b": neither the list nor the label __param_auth names a credential`) {
		t.Errorf("without an entry's credential: %v\n%s", got, errs)
	}
}
