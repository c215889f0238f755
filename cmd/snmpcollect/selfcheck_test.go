package main

import (
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/spool"
)

func TestSpoolChecks(t *testing.T) {
	readers := []spool.ReaderStats{{Name: sinks.TailName, Present: true, Filling: true}, {Name: "gone", Filling: true}, {Name: "influxdb", Present: true, Records: 7}}
	filling := []spool.ReaderStats{{Name: "influxdb", Present: true, Filling: true}}
	for _, test := range []struct {
		name  string
		stats spool.Stats
		holds bool
		words string
	}{
		{"quiet", spool.Stats{Readers: readers, Free: 3 << 30}, false, "7 polls wait in the spool, 0 B of 0 B, the oldest for 0s of 0s; the disk has 3.0 GiB free"},
		{"near a limit", spool.Stats{Readers: filling}, true, "the disk has 0 B free"},
		{"in memory", spool.Stats{Readers: readers, Unsaved: 5}, true, "takes nothing: 5 polls are in memory only"},
	} {
		checks := spoolChecks(test.stats)
		if len(checks) != 1 || checks[0].Key != "influxdb" || checks[0].Holds != test.holds || !strings.Contains(checks[0].Summary, test.words) {
			t.Errorf("%s: %+v", test.name, checks)
		}
	}
}
