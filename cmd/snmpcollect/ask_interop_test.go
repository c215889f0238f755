//go:build interop

package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

const netSNMPConf = `rocommunity public 127.0.0.1
rouser plain noauth
rouser full priv
createUser plain
createUser full SHA-256 "authpassword" AES "privpassword"
sysName theirs
`

// numbers are lines whose values do not move, and that Net-SNMP writes as we do.
var numbers = regexp.MustCompile(`(?m)^\S+ = (INTEGER|OID|Hex-STRING|IpAddress): .*$`)

// TestAskNetSNMP: Net-SNMP's agent tells us what it tells Net-SNMP's tools, by every version, and each way to fail is told from the others.
func TestAskNetSNMP(t *testing.T) {
	address := interop.StartNetSNMPD(t, netSNMPConf, "public")
	theirs := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-m", "", "-On", address, ".1.3.6.1.2.1.2.2").Out
	want := numbers.FindAllString(theirs, -1)
	if len(want) < 5 {
		t.Fatalf("Net-SNMP's tool says little:\n%s", theirs)
	}
	const full = "-u full -a SHA-256 -A authpassword -x AES -X privpassword"
	for _, how := range []string{"walk -v1 -c public", "walk -c public", "bulkwalk -c public", "bulkwalk -u plain", "bulkwalk -l authPriv " + full} {
		name, rest, _ := strings.Cut(how, " ")
		code, stdout, stderr := command(t.Context(), append([]string{name, address, ".1.3.6.1.2.1.2.2", "-Oen"}, strings.Fields(rest)...)...)
		for _, line := range want {
			line = strings.ReplaceAll(line, "Hex-STRING", "STRING")
			if strings.Contains(line, " STRING: ") {
				continue // we write addresses as addresses
			}
			if !strings.Contains(stdout, line+"\n") {
				t.Errorf("%s: no %q (exit code %d)\n%s", how, line, code, stderr)
			}
		}
	}
	code, stdout, stderr := command(t.Context(), "table", address, "ifTable", "-c", "public", "--columns", "ifDescr,ifOperStatus")
	if code != 0 || !regexp.MustCompile(`(?m)^1 +lo +up$`).MatchString(stdout) {
		t.Errorf("table: exit code %d\n%s%s", code, stdout, stderr)
	}
	for rest, want := range map[string]string{
		"-c wrong -t 0.2 -r 0": "An agent is there: it answers SNMPv3. So the community is wrong",
		"-u nobody":            `has no user "nobody"`,
		"-u full -a SHA-256 -A notherpassword -x AES -X privpassword": "authentication password (-A)",
		"-u full -a SHA-256 -A authpassword -x AES -X notherpassword": "privacy password",
		"-u full -a SHA-256 -A authpassword":                          "does not let it see this",
	} {
		code, stdout, stderr := command(t.Context(), append([]string{"get", address, "sysName"}, strings.Fields(rest)...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d\n%s%s\nwant %q", rest, code, stdout, stderr, want)
		}
	}
}

// TestDiscoverNetSNMP: found by the first credential that it takes, of version 3 as well.
func TestDiscoverNetSNMP(t *testing.T) {
	address := interop.StartNetSNMPD(t, netSNMPConf, "public")
	_, port, _ := strings.Cut(address, ":")
	path := labFile(t, "")
	writeText(t, path, `credentials:
  wrong: {version: 2c, community: not this}
  nobody: {version: 3, user: nobody}
  full: {version: 3, user: full, auth: SHA-256, auth_password: authpassword, priv: AES, priv_password: privpassword}
`)
	found := filepath.Join(t.TempDir(), "found.yaml")
	args := []string{"discover", "127.0.0.1", "-c", path, "--port", port, "--timeout", "300ms", "--retries", "0"}
	code, stdout, stderr := command(t.Context(), append(args, "--credential", "wrong,nobody,full", "-o", found)...)
	if code != 0 || !strings.Contains(stderr, "127.0.0.1       theirs               full") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = command(t.Context(), append(args, "--credential", "wrong,nobody")...)
	if code != 0 || !strings.Contains(stderr, "127.0.0.1 answers and takes no credential: authentication failed: the agent does not know the user") {
		t.Errorf("no credential: exit code %d\n%s%s", code, stdout, stderr)
	}
	writeText(t, path, "include: ["+found+"]\ncredentials: {full: {version: 3, user: full, auth: SHA-256, auth_password: authpassword, priv: AES, priv_password: privpassword}}\n")
	code, stdout, stderr = command(t.Context(), "get", "theirs", "sysName", "-Ov", "--config", path)
	if code != 0 || stdout != "theirs\n" {
		t.Errorf("asked by its new name: exit code %d\n%s%s", code, stdout, stderr)
	}
}
