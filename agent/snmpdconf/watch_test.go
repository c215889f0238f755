package snmpdconf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

func messages(diagnostics []snmpdconf.Diagnostic) []string {
	var list []string
	for _, d := range diagnostics {
		list = append(list, d.String())
	}
	return list
}

func TestWatch(t *testing.T) {
	const text = `
proc sshd
proc nginx 4 # most
proc httpd 10 2
proc telnetd 0 0
proc cron 0 1
disk /
disk /var/ 500000
disk "/a b" 5%
includeAllDisks 10%
includeAllDisks 20%
load 12 10
swap 8000
diskio /dev/sda
diskio vdb
diskio_exclude_fd yes
diskio_exclude_loop true
diskio_exclude_ram no
`
	config, diagnostics := snmpdconf.Parse("f", []byte(text))
	ten, swap := 10, int64(8000)
	want := snmpdconf.Watch{
		Processes: []snmpdconf.WatchedProcess{{Name: "sshd", Min: 1}, {Name: "nginx", Max: 4}, {Name: "httpd", Min: 2, Max: 10}, {Name: "telnetd"}, {Name: "cron", Min: 1}},
		Disks:     []snmpdconf.WatchedDisk{{"/", 100000, -1}, {"/var", 500000, -1}, {"/a b", -1, 5}},
		AllDisks:  &ten, Load: &[3]float64{12, 10, 10}, Swap: &swap,
		DiskIO: snmpdconf.DiskIO{Only: []string{"/dev/sda", "vdb"}, ExcludeFloppy: true, ExcludeLoop: true},
	}
	if diff := cmp.Diff(want, config.Watch); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"f:11: warning: includeAllDisks has been said before; the line is ignored"}, messages(diagnostics)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestWatchErrors(t *testing.T) {
	for text, want := range map[string]string{
		"proc a 1 2":             "f:1: error: proc: the most, 1, is less than the least, 2",
		"proc a b":               `f:1: error: proc: "b" is no number of processes`,
		"proc a 1 2 3":           "f:1: error: proc: write proc NAME [MAX [MIN]]",
		"proc # a":               "f:1: error: proc has no value",
		"disk / 5 %":             "f:1: error: disk: write disk PATH [KILOBYTES | PERCENT%]",
		"disk / 101%":            `f:1: error: disk: "101" is no percentage`,
		"disk / -5":              `f:1: error: disk: "-5" is neither a number of kilobytes nor a percentage such as 10%`,
		"disk /a/\ndisk /a":      `f:2: error: disk: "/a" has a line already`,
		"includeAllDisks many":   `f:1: error: includeAllDisks: "many" is no percentage`,
		"load 1 2 3 4":           "f:1: error: load: write load MAX1 [MAX5 [MAX15]]",
		"load NaN":               `f:1: error: load: "NaN" is no load average`,
		"load -1":                `f:1: error: load: "-1" is no load average`,
		"swap 10MB":              `f:1: error: swap: "10MB" is no number of kilobytes`,
		"diskio a b":             "f:1: error: diskio: write diskio DEVICE",
		"diskio_exclude_ram off": "f:1: error: diskio_exclude_ram must be true or false",
	} {
		_, diagnostics := snmpdconf.Parse("f", []byte(text))
		if diff := cmp.Diff([]string{want}, messages(diagnostics)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
