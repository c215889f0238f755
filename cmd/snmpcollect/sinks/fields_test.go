package sinks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/web"
)

// TestPageFields: the modules name numbers, the profiles units of counters, and the rest is written down.
func TestPageFields(t *testing.T) {
	got := sinks.PageFields(collector.BuiltIn())
	for name, want := range map[string]web.FieldInfo{
		"hrProcessorLoad":       {Unit: "%"},
		"hrMemorySize":          {Unit: "B", Factor: 1024},
		"ifHCInOctets":          {Unit: "B"},
		"ifInUcastPkts":         {Unit: "packet"},
		"hrSystemUptime":        {Unit: "s", Factor: 0.01},
		"dot3StatsDuplexStatus": {Labels: map[int64]string{1: "unknown", 2: "halfDuplex", 3: "fullDuplex"}},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
