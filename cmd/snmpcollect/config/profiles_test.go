package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

const localMIB = "LOCAL-MIB DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; localThing OBJECT-TYPE SYNTAX INTEGER ::= { enterprises 99999 1 } END"

// TestProfiles reads profiles of a user's own, MIB files and modules of an snmp.yml, all from beside the configuration.
func TestProfiles(t *testing.T) {
	files := map[string]string{
		"mibs/LOCAL-MIB.txt": localMIB,
		"profiles/rack.yaml": "scalars:\n  - measurement: rack\n    objects: [{oid: LOCAL-MIB::localThing}]\n",
		"profiles/tcp.yaml":  "scalars:\n  - measurement: tcp\n    objects: [{oid: tcpCurrEstab}]\n",
		"snmp.yml":           "modules: {m: {metrics: [{name: x, oid: 1.3.6.1.4.1.9.1, type: gauge}]}}\n",
	}
	head := "credentials:\n  lab: {version: 2c, community: public}\noutputs:\n  - file: {path: \"-\"}\n"
	target := func(rest string) string {
		return "targets:\n  - {name: a, address: 192.0.2.1, credential: lab, " + rest + "}\n"
	}
	for _, tt := range []struct{ name, text, want string }{
		{"all", "profiles: profiles\nmibs: [mibs]\nmib_modules: LOCAL-MIB\n" + target("collect: [rack, tcp, auto], module: \"snmp.yml#m\""), ""},
		{"auto alone", target("collect: auto"), ""},
		{"interfaces", target("collect: interfaces, interfaces: {include: [{name: \"^Gi\", type: ethernetCsmacd}], exclude: [{admin: [down], alias: x, descr: y, oper: down}]}"), ""},
		{"an interface's type", target("collect: interfaces, interfaces: {exclude: [{type: ethernet}]}"), `type: nothing is called "ethernet"`},
		{"an interface's key", target("collect: interfaces, interfaces: {exclude: [{status: up}]}"), `unknown key "status"`},
		{"no expression", target("collect: interfaces, interfaces: {exclude: [{name: \"(\"}]}"), `:6: error: error parsing regexp`},
		{"a module alone", target("module: [\"snmp.yml#m\"]"), ""},
		{"no MIB", "profiles: profiles\n" + target("collect: rack"), "rack.yaml:3: error: unknown object LOCAL-MIB::localThing: no module LOCAL-MIB is known"},
		{"no such folder", "profiles: nowhere\n" + target("collect: system"), ":5: error: profiles: "},
		{"no such module", "mibs: mibs\nmib_modules: [NO-MIB]\n" + target("collect: system"), ":6: error: module NO-MIB: no file"},
		{"no such module of snmp.yml", target("module: \"snmp.yml#n\""), `:6: error: `},
		{"no #", target("module: snmp.yml"), "is not FILE#MODULE"},
		{"no such snmp.yml", target("module: \"nowhere.yml#m\""), "nowhere.yml"},
	} {
		dir := t.TempDir()
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "snmpcollect.yaml")
		if err := os.WriteFile(path, []byte(head+tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := len(collector.BuiltIn())
		c, problems := config.Load(path, collector.BuiltIn(), getenv)
		var found []string
		for _, p := range problems {
			if strings.Contains(p.String(), "unknown profile") {
				t.Errorf("%s: the mistake of a profile is told where it is collected, too: %v", tt.name, p)
			}
			found = append(found, p.String())
		}
		if tt.want == "" && problems != nil || tt.want != "" && !strings.Contains(strings.Join(found, "\n"), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, found, tt.want)
		}
		if len(collector.BuiltIn()) != before {
			t.Errorf("%s: the program's own profiles changed", tt.name)
		}
		if tt.name != "all" || problems != nil {
			continue
		}
		if p := c.Profiles["rack"]; p == nil || p.Scalars[0].Objects[0].Name != "localThing" || len(c.Profiles["tcp"].Scalars[0].Objects) != 1 {
			t.Errorf("profiles: %+v", c.Profiles["rack"])
		}
		if got := strings.Join(c.Targets[0].Collect, " "); got != "rack tcp auto snmp.yml#m" {
			t.Errorf("collect: %s", got)
		}
		if _, err := c.Names.Resolve("LOCAL-MIB::localThing"); err != nil {
			t.Error(err)
		}
		stamp := c.Stamp(false)
		if err := os.WriteFile(filepath.Join(dir, "profiles/rack.yaml"), []byte(files["profiles/rack.yaml"]+"# changed\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if c.Stamp(false) == stamp {
			t.Error("a profile that changed goes unnoticed")
		}
	}
}
