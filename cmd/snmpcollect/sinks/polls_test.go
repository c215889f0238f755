package sinks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/metric"
)

// TestPollsKeep: of devices that are no targets any more there is a last sample, with the tags that those of their polls had.
func TestPollsKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := collector.Target{Name: "core1", Address: "192.0.2.1", Labels: map[string]string{"site": "paris"}}
		p := sinks.NewPolls([]collector.Target{core, {Name: "core2", Address: "192.0.2.2"}})
		core.Address = "192.0.2.3" // it is still the same device
		if gone := p.Keep([]collector.Target{core, {Name: "core2"}, {Name: "core3"}}); len(gone) > 0 {
			t.Errorf("gone: %v", gone)
		}
		want := []metric.Sample{{Measurement: metric.PollMeasurement, At: time.Now(), Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.3"}, {Name: "device", Value: "core1"}, {Name: "site", Value: "paris"}},
			Fields: []metric.Field{{Name: metric.PollGone, Kind: metric.Boolean, Num: 1}}}}
		if diff := cmp.Diff(want, p.Keep([]collector.Target{{Name: "core2"}, {Name: "core3"}})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
