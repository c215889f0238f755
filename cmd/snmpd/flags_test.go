package main

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/agent/snmpdconf"
	"walkabout/snmp/oid"
)

var debianModules = modules{names: []string{"smux", "mteTrigger", "mteTriggerConf"}}

func TestParseFlags(t *testing.T) {
	for _, c := range []struct {
		line     string
		want     options
		warnings int
	}{
		{"", options{}, 0},
		{"-f -c a.conf", options{files: []string{"a.conf"}}, 0},
		{"-fC -ca.conf,b.conf -c c.conf", options{files: []string{"a.conf", "b.conf", "c.conf"}, noDefault: true}, 0},
		{"127.0.0.1:1161 -f udp6:[::1]:1161,1162", options{listen: []snmpdconf.Address{
			{Network: "udp4", Host: "127.0.0.1", Port: 1161}, {Network: "udp6", Host: "::1", Port: 1161}, {Network: "udp4", Port: 1162},
		}}, 0},
		{"-f -- 1161", options{listen: []snmpdconf.Address{{Network: "udp4", Port: 1161}}}, 0},
		// Debian's: of its service unit, and of its older start-up script.
		{
			"-LOw -u Debian-snmp -g Debian-snmp -I -smux,mteTrigger,mteTriggerConf -f",
			options{logs: []logTo{{kind: logStdout, level: slog.LevelWarn}}, modules: debianModules, user: "Debian-snmp", group: "Debian-snmp"}, 0,
		},
		{
			"-LSwd -Lf /dev/null -u Debian-snmp -g Debian-snmp -I -smux,mteTrigger,mteTriggerConf -p /run/snmpd.pid",
			options{
				logs:    []logTo{{kind: logSyslog, to: "d", level: slog.LevelWarn}, {kind: logFile, to: "/dev/null"}},
				modules: debianModules, pidFile: "/run/snmpd.pid", user: "Debian-snmp", group: "Debian-snmp",
			}, 0,
		},
		// Red Hat's, and one of long ago.
		{"-LS0-6d -f", options{logs: []logTo{{kind: logSyslog, to: "d", level: slog.LevelInfo}}}, 0},
		{"-Lsd -Lf /dev/null -p /var/run/snmpd.pid -a", options{logs: []logTo{{kind: logSyslog, to: "d"}, {kind: logFile, to: "/dev/null"}}, pidFile: "/var/run/snmpd.pid"}, 1},
		{"-s -l /x -P /y -S d", options{logs: []logTo{{kind: logSyslog, to: "d"}, {kind: logFile, to: "/x"}, {kind: logSyslog, to: "d"}}, pidFile: "/y"}, 0},
		{"-Ls d -LS w 3 -LS wu -LS 4-2 d", options{logs: []logTo{
			{kind: logSyslog, to: "d"}, {kind: logSyslog, to: "3", level: slog.LevelWarn}, {kind: logSyslog, to: "u", level: slog.LevelWarn}, {kind: logSyslog, to: "d", level: slog.LevelWarn},
		}}, 0},
		{"-LF n /var/log/snmpd.log -Lf=/x -A", options{logs: []logTo{{kind: logFile, to: "/var/log/snmpd.log"}, {kind: logFile, to: "/x"}}, appendLog: true}, 0},
		{"-LE e-! -f", options{logs: []logTo{{kind: logStderr, level: slog.LevelError}}}, 0},
		{"-L o", options{logs: []logTo{{kind: logStdout}}}, 0},
		{"-Ln", options{logs: []logTo{{kind: logNowhere}}}, 0},
		{"-LOw -Dagentx,read_config", options{logs: []logTo{{kind: logStdout, level: slog.LevelWarn}}, debug: true}, 0},
		{"-D -LOd", options{logs: []logTo{{kind: logStdout, level: slog.LevelDebug}}, debug: true}, 0},
		{"-r -U -x /var/agentx/master -V -a -d -q -t -m ALL -M /mibs -n snmpd", options{keepPID: true, agentXSocket: "/var/agentx/master"}, 8},
		{"-I ifTable,tcp -I udp", options{modules: modules{names: []string{"ifTable", "tcp", "udp"}, only: true}}, 0},
		{"-I -ifTable -I -tcp,udp", options{modules: modules{names: []string{"ifTable", "tcp", "udp"}}}, 0},
		{"-I ifTable -I -tcp,iftable,nothing-like-it", options{modules: modules{names: []string{"tcp"}}}, 2},
		{"-I smux", options{modules: modules{names: []string{"smux"}, only: true}}, 1},
		{"--rocommunity=public --sysLocation= -H", options{lines: []string{"rocommunity public", "sysLocation "}, directives: true}, 0},
		{"-h", options{help: true}, 0},
		{"--version", options{version: true}, 0},
		{"-v", options{version: true}, 0},
	} {
		got, err := parseFlags(strings.Fields(c.line))
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if len(got.warnings) != c.warnings {
			t.Errorf("%s: %d warnings, want %d: %q", c.line, len(got.warnings), c.warnings, got.warnings)
		}
		if diff := cmp.Diff(c.want, *got, cmp.AllowUnexported(options{}, logTo{}, modules{}), cmpopts.IgnoreFields(options{}, "warnings")); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

func TestParseFlagsErrors(t *testing.T) {
	for _, line := range []string{"-Z", "--no-such", "-f -c", "-L", "-Lx", "-LO", "-LOx", "-LOw-", "-Lf", "-LS w", "-fcC -u", "-Ls x", "-Ls dd", "-S", "-X", "--rocommunity public"} {
		if _, err := parseFlags(strings.Fields(line)); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := parseFlags([]string{"-L", ""}); !errors.Is(err, errUsage) {
		t.Errorf("empty -L: %v", err)
	}
	for line, want := range map[string]error{"ssh:host:22": snmpdconf.ErrTransport, "a:b": snmpdconf.ErrAddress, "161,": snmpdconf.ErrAddress} {
		if _, err := parseFlags(strings.Fields(line)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

func TestConfigFiles(t *testing.T) {
	for line, want := range map[string][]string{"": {defaultFile}, "-C": nil, "-c x": {"x"}, "-C -c x": {"x"}} {
		o, err := parseFlags(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		got := o.configFiles()
		if len(want) == 1 && want[0] == defaultFile { // what else this machine has
			got = slices.DeleteFunc(got, func(s string) bool { return slices.Contains(optionalFiles, s) })
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
}

// TestLeftOut says what of the tree -I leaves out.
func TestLeftOut(t *testing.T) {
	for line, c := range map[string]struct{ in, out []string }{
		"":                             {in: []string{"1.3.6.1.2.1.2.2.1.2.1"}},
		"-I -smux,mteTrigger":          {in: []string{"1.3.6.1.2.1.2.2.1.2.1"}},
		"-I -ifTable,ipCidrRouteTable": {in: []string{"1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.4.1.0"}, out: []string{"1.3.6.1.2.1.2.2.1.2.1", "1.3.6.1.2.1.4.24.4.1.1"}},
		"-I -hr_system":                {in: []string{"1.3.6.1.2.1.25.2.2.0"}, out: []string{"1.3.6.1.2.1.25.1.1.0"}},
		"-I system_mib,ipAddressTable": {
			in:  []string{"1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.4.34.1.3"},
			out: []string{"1.3.6.1.2.1.1.8.0", "1.3.6.1.2.1.2.1.0", "1.3.6.1.2.1.4.24.4.1.1", "1.3.6.1.2.1.4.1.0", "1.3.6.1.2.1.25.1.1.0", "1.3.6.1.6.3.15.1.2.2.1.3"},
		},
	} {
		o, err := parseFlags(strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		left := o.modules.leftOut()
		covered := func(name string) bool {
			return slices.ContainsFunc(left, func(root oid.OID) bool { return oid.MustParse(name).HasPrefix(root) })
		}
		for _, name := range c.in {
			if covered(name) {
				t.Errorf("%q leaves out %s", line, name)
			}
		}
		for _, name := range c.out {
			if !covered(name) {
				t.Errorf("%q does not leave out %s", line, name)
			}
		}
	}
}
