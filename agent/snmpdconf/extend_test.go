package snmpdconf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
	"walkabout/snmp/oid"
)

func TestExtend(t *testing.T) {
	const text = `
extend distro /usr/bin/distro
extend -cacheTime 60 -execType exec raid /usr/bin/check_raid "-p 1" two # three
exec ups /usr/bin/upsc ups@localhost
extend .1.3.6.1.4.1.2021.7890.1 distro /usr/bin/distro
pass .1.3.6.1.4.1.99999.1 /usr/local/bin/passtest a
pass_persist -p 10 1.3.6.1.4.1.99999.2 /usr/local/bin/persist
allowedPrograms /usr/bin/* /usr/local/bin/*
`
	config, diagnostics := snmpdconf.Parse("f", []byte(text))
	want := snmpdconf.Extend{
		Programs: []snmpdconf.ExtendedProgram{
			{Name: "distro", Path: "/usr/bin/distro", Args: []string{}, CacheTime: 5 * time.Second},
			{Name: "raid", Path: "/usr/bin/check_raid", Args: []string{"-p 1", "two"}, CacheTime: time.Minute},
			{Name: "ups", Path: "/usr/bin/upsc", Args: []string{"ups@localhost"}, CacheTime: 5 * time.Second, Table: true},
			{Root: oid.MustParse("1.3.6.1.4.1.2021.7890.1"), Name: "distro", Path: "/usr/bin/distro", Args: []string{}, CacheTime: 5 * time.Second},
		},
		Passes: []snmpdconf.Pass{
			{Root: oid.MustParse("1.3.6.1.4.1.99999.1"), Priority: 127, Path: "/usr/local/bin/passtest", Args: []string{"a"}},
			{Root: oid.MustParse("1.3.6.1.4.1.99999.2"), Priority: 10, Path: "/usr/local/bin/persist", Args: []string{}, Persist: true},
		},
		Allowed: []string{"/usr/bin/*", "/usr/local/bin/*"},
	}
	if diff := cmp.Diff(want, config.Extend, cmp.Comparer(func(a, b oid.OID) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string(nil), messages(diagnostics)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestExtendErrors(t *testing.T) {
	for text, want := range map[string]string{
		"extend a":                                        "f:1: error: extend: write extend NAME PROGRAM ARGUMENTS",
		"extend a b":                                      `f:1: error: extend: "b" is no whole path, such as /usr/bin/true`,
		"extend a /b\nexec a /c":                          `f:2: error: exec: there is another program called "a"`,
		"extend -cacheTime x a /b":                        `f:1: error: extend: -cacheTime: "x" is no number of seconds`,
		"extend -other x a /b":                            `f:1: error: extend: "-other" is not known`,
		"extend -execType sh a /b":                        `f:1: warning: extend: -execType "sh": no shell is run; write the program and its arguments. The line is ignored`,
		"exec .1.3.6.1.4.1.8072.9 a /b":                   "f:1: warning: exec: an OID of its own is not supported; write exec NAME PROGRAM ARGUMENTS. The line is ignored",
		"extend .1.3.6.1.4.1.8072.9 a":                    "f:1: error: extend: write extend NAME PROGRAM ARGUMENTS",
		"extend 1.3" + strings.Repeat(".9", 22) + " a /b": "f:1: error: extend: an OID of its own has at most 23 sub-identifiers",
		"sh a /bin/true":                                  "f:1: warning: sh has no effect: no shell is run: write exec or extend, with the whole path of a program",
		`extend "" /b`:                                    "f:1: error: extend: a name has 1 to 100 octets",
		`extend "a /b`:                                    "f:1: error: extend: a quote is opened and not closed",
		"pass .1.3.6.1 b":                                 `f:1: error: pass: "b" is no whole path, such as /usr/bin/true`,
		"pass -p 300 .1.3.6.1 /b":                         `f:1: error: pass: -p: "300" is no priority from 1 to 255`,
		"pass_persist .1.3.6.1":                           "f:1: error: pass_persist: write pass_persist [-p PRIORITY] OID PROGRAM ARGUMENTS",
		"pass UCD-SNMP-MIB::prTable /b":                   `f:1: error: pass: "UCD-SNMP-MIB::prTable" is no numeric OID, such as .1.3.6.1.4.1.8072.2.255`,
		"allowedPrograms bin/*":                           `f:1: error: allowedPrograms: "bin/*" is no pattern of whole paths, such as /usr/lib/nagios/plugins/*`,
		"allowedPrograms /usr/bin/* /bin[":                `f:1: error: allowedPrograms: "/bin[" is no pattern of whole paths, such as /usr/lib/nagios/plugins/*`,
	} {
		_, diagnostics := snmpdconf.Parse("f", []byte(text))
		if diff := cmp.Diff([]string{want}, messages(diagnostics)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
