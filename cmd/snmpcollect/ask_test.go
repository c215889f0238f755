package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/sim"
)

func TestAsk(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9}, sim.Port{Index: 2, Name: "broken", Speed: 1e9, Down: true}).String()
	path := labFile(t, fmt.Sprintf("targets: [{name: core1, address: %q, credential: lab, collect: [system]}, {name: lost, address: %q, credential: wrong, collect: [system], timeout: 100ms, retries: 0}]\nfile_sd_configs: [{files: [x.json], credential: lab, collect: [system]}]\n", address, address))
	writeText(t, filepath.Join(filepath.Dir(path), "x.json"), fmt.Sprintf(`[{"targets": [%q], "labels": {"device": "listed"}}]`, address))
	for _, tt := range []struct {
		name, args string
		want       string // of standard output, or part of the error
	}{
		{"by the target's name", "get core1 sysName ifOperStatus.2 --config " + path, "SNMPv2-MIB::sysName.0 = STRING: switch\nIF-MIB::ifOperStatus.2 = INTEGER: down(2)\n"},
		{"by address and credential", "get " + address + " sysName -Oqs --credential lab --config " + path, "sysName.0 switch\n"},
		{"by address and community", "get " + address + " sysName -On -c public", ".1.3.6.1.2.1.1.5.0 = STRING: switch\n"},
		{"with version 1", "get udp:" + address + " sysName.0 ifName.9 -v 1 -c public -t 1 -r 0 -O v", "switch\nNo Such Object available on this agent at this OID\n"},
		{"another credential than the target's", "get lost sysName --credential lab -Ov --config " + path, "switch\n"},
		{"another community than the target's", "get lost sysName -c public -Ov --config " + path, "switch\n"},
		{"of a list", "get listed sysName -Ov --config " + path, "switch\n"},
		{"walk", "walk core1 ifName -Oq --config " + path, "IF-MIB::ifName.1 up\nIF-MIB::ifName.2 broken\n"},
		{"bulkwalk", "bulkwalk core1 ifName ifOperStatus -Oq --config " + path, "IF-MIB::ifName.1 up\nIF-MIB::ifName.2 broken\nIF-MIB::ifOperStatus.1 up\nIF-MIB::ifOperStatus.2 down\n"},
		{"table", "table core1 ifXTable --columns ifName,ifHighSpeed --config " + path, "ifIndex  ifName  ifHighSpeed\n1        up      1000\n2        broken  1000\n"},
		{"table in JSON", "table core1 ifTable --columns ifOperStatus --json --config " + path, `{"ifIndex":"1","ifOperStatus":"up"}` + "\n" + `{"ifIndex":"2","ifOperStatus":"down"}` + "\n"},

		{"a wrong community", "get lost sysName --config " + path, "or the agent does not take this community"},
		{"a name that is none", "get core1 sysNam --config " + path, "did you mean sysName?"},
		{"a target that is none", "get core2 sysName --config " + path, `called "core2"; did you mean "core1"?`},
		{"an address alone", "get 192.0.2.1 sysName --config " + path, `is called "192.0.2.1"; for an address add --credential NAME, or -c COMMUNITY`},
		{"no such credential", "get core1 sysName --credential lob --config " + path, `no credential is called "lob"; did you mean "lab"?`},
		{"two credentials", "get core1 sysName --credential lab -c public", "give one of them"},
		{"no such file", "get core1 sysName --config /nonexistent.yaml", "/nonexistent.yaml: error: "},
		{"a target without a configuration", "get core1 sysName --config /nonexistent.yaml", `no configuration tells who "core1" is (`},
		{"a configuration as a community", "get core1 sysName -c " + path, "the configuration is --config " + path},
		{"a flag that is none", "get core1 sysName --comunity x", "snmpcollect get --help lists the flags"},
		{"a letter that is none", "get core1 sysName -O x", "-O x: 'x' is not known"},
		{"a time that is none", "get core1 sysName -t soon", "a time above 0 and up to 10m"},
		{"no password", "get 192.0.2.1 sysName -u me -a SHA", "auth needs a password of at least 8"},
		{"a protocol that is none", "get 192.0.2.1 sysName -u me -a SHA3 -A password", `-a: unknown authentication protocol "SHA3"`},
		{"a level that is none", "get 192.0.2.1 sysName -u me -l high", "it is noAuthNoPriv, authNoPriv or authPriv"},
		{"a level without privacy", "get 192.0.2.1 sysName -u me -a SHA -A password -l authPriv", "needs -x and -X"},
		{"no community", "get 192.0.2.1 sysName -v 2c", "version 2c needs -c COMMUNITY"},
		{"an address that is none", "get a/b sysName -c public", "no usable host"},
		{"a MIB that is none", "get 192.0.2.1 sysName -c public -M /nonexistent -m NO-MIB", "/nonexistent"},
		{"nothing to get", "get core1", "requires at least 2 arg(s), only received 1\nUsage: snmpcollect get TARGET NAME..."},
		{"columns in place of --columns", "table core1 ifTable ifDescr ifMtu", "--columns ifDescr,ifMtu"},
	} {
		code, stdout, stderr := command(t.Context(), strings.Fields(tt.args)...)
		switch {
		case code == 0 && (stdout != tt.want || stderr != ""):
			t.Errorf("%s:\n%s%s\nwant\n%s", tt.name, stdout, stderr, tt.want)
		case code != 0 && (strings.HasSuffix(tt.want, "\n") || !strings.Contains(stderr, tt.want)):
			t.Errorf("%s: exit code %d\n%s%s\nwant %q", tt.name, code, stdout, stderr, tt.want)
		}
	}
}

// TestCompletion: a shell is told the names of targets.
func TestCompletion(t *testing.T) {
	path := labFile(t, "targets: [{name: core1, address: 192.0.2.1, credential: lab, collect: [system]}, {name: edge, address: 192.0.2.2, credential: lab, collect: [system]}]\n")
	if code, stdout, stderr := command(t.Context(), "__completeNoDesc", "get", "--config", path, ""); code != 0 || stdout != "core1\nedge\n:4\n" {
		t.Errorf("exit code %d: %q\n%s", code, stdout, stderr)
	}
	if code, stdout, _ := command(t.Context(), "completion", "bash"); code != 0 || !strings.Contains(stdout, "complete -o default") {
		t.Errorf("bash: exit code %d, %d octets", code, len(stdout))
	}
}
