package web_test

import (
	"testing"
	"time"

	"walkabout/metric"
	"walkabout/web"
)

// TestTableThatIsEmptyNow holds that what the agent has nothing of any more is not shown as if it had, and that what a poll did not read is.
func TestTableThatIsEmptyNow(t *testing.T) {
	f := newFixture("sw1").serve()
	peer := []metric.Sample{{Measurement: "bgp_peer", At: at, Tags: []metric.Tag{{Name: "device", Value: "sw1"}, {Name: "peer", Value: "192.0.2.9"}},
		Fields: []metric.Field{{Name: "bgpPeerState", Kind: metric.Integer, Num: 6}}}}
	rows := func() (n int) {
		var v web.DeviceView
		f.get(t, "device?device=sw1", &v)
		for _, x := range v.Tables {
			n += x.Total
		}
		return n
	}
	f.poll("sw1", 0, peer)
	f.poll("sw1", 1, nil)
	if n := rows(); n != 1 {
		t.Errorf("%d rows after a poll that did not read the table, want 1", n)
	}
	f.memory.Poll(web.Poll{Device: "sw1", At: at.Add(time.Minute), Interval: 30 * time.Second, Answered: true, Complete: []string{"bgp_peer"}})
	if n := rows(); n != 0 {
		t.Errorf("%d rows after the table was read to its end and was empty", n)
	}
}
