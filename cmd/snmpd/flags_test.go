package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/agent/snmpdconf"
)

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
			options{log: logStdout, level: slog.LevelWarn}, 3,
		},
		{
			"-LSwd -Lf /dev/null -u Debian-snmp -g Debian-snmp -I -smux,mteTrigger,mteTriggerConf -p /run/snmpd.pid",
			options{level: slog.LevelWarn, pidFile: "/run/snmpd.pid"}, 5,
		},
		{"-Ls d -LS w d -LS wd -LS 4-2 d", options{level: slog.LevelWarn}, 4},
		{"-LF n /var/log/snmpd.log -Lf=/x", options{}, 2},
		{"-LE e-! -f", options{level: slog.LevelError}, 0},
		{"-L o", options{log: logStdout}, 0},
		{"-Ln", options{log: logNowhere}, 0},
		{"-LOw -Dagentx,read_config", options{log: logStdout, level: slog.LevelWarn, debug: true}, 0},
		{"-D -LOd", options{log: logStdout, level: slog.LevelDebug, debug: true}, 0},
		{"-r -U -x /var/agentx/master -V -a -A -d -q -m ALL -M /mibs -n snmpd", options{keepPID: true}, 9},
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
		if diff := cmp.Diff(c.want, *got, cmp.AllowUnexported(options{}), cmpopts.IgnoreFields(options{}, "warnings")); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

func TestParseFlagsErrors(t *testing.T) {
	for _, line := range []string{"-Z", "--no-such", "-f -c", "-L", "-Lx", "-LO", "-LOx", "-LOw-", "-Lf", "-LS w", "-fcC -u"} {
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
		if diff := cmp.Diff(want, o.configFiles(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
}
