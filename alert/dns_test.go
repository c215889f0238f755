package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/metric"
)

// TestDNS: a name server that its agent cannot read, a zone that is not current, and one that is older than its primary's for too long.
func TestDNS(t *testing.T) {
	sample := func(measurement, zone string, fields ...metric.Field) metric.Sample {
		s := metric.Sample{Measurement: measurement, Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "ns1"}}, Fields: fields}
		if zone != "" {
			s.Tags = append(s.Tags, metric.Tag{Name: "dnsServZoneName", Value: zone})
		}
		return s
	}
	field := func(name string, n uint64) metric.Field {
		return metric.Field{Name: name, Kind: metric.Integer, Num: n}
	}
	primary := func(behind uint64) metric.Sample {
		return sample("dns_zone_primary", "B.", field("serial", 7), field("primarySerial", 9), field("behindSeconds", behind), field("refresh", 3600))
	}
	up, down := sample("dns_server", "", field("dnsServConfigReset", 4)), sample("dns_server", "", field("dnsServConfigReset", 1))
	good := []metric.Sample{up, sample("dns_zone", "A.", field("dnsServZoneCurrent", 1), field("dnsServZoneSerial", 5)), primary(0)}
	bad := []metric.Sample{down, sample("dns_zone", "A.", field("dnsServZoneCurrent", 2), field("dnsServZoneSerial", 0)), primary(3601)}
	e := alert.NewEngine()
	c := alert.DefaultConfig()
	c.Targets = []alert.Target{{Device: "ns1", Collect: []string{"dns_server", "dns_zone"}}}
	e.Configure(start, c)
	observe := func(seconds int, samples []metric.Sample, want ...string) {
		t.Helper()
		at := start.Add(time.Duration(seconds) * time.Second)
		var got []string
		for _, tr := range e.Observe(alert.Poll{Device: "ns1", At: at, Interval: time.Minute, Samples: samples, Complete: []string{"dns_zone", "dns_zone_primary"}}) {
			got = append(got, fmt.Sprintf("%s %s>%s: %s", tr.Alert.Rule, tr.From, tr.Alert.State, tr.Alert.Summary))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at %d s (-want +got):\n%s", seconds, diff)
		}
	}
	observe(0, good)
	observe(60, []metric.Sample{primary(3600)})
	observe(120, bad, "dns_server_down inactive>pending: ns1: the name server cannot be read by its agent",
		"dns_zone_stale inactive>pending: ns1 A.: the zone was never loaded or has expired",
		"dns_zone_stale inactive>pending: ns1 B.: the zone has serial 7, its primary 9, for 1h0m1s, longer than its refresh of 3600 s")
	observe(180, bad, "dns_server_down pending>firing: ns1: the name server cannot be read by its agent, seen for 1m0s",
		"dns_zone_stale pending>firing: ns1 A.: the zone was never loaded or has expired, seen for 1m0s",
		"dns_zone_stale pending>firing: ns1 B.: the zone has serial 7, its primary 9, for 1h0m1s, longer than its refresh of 3600 s, seen for 1m0s")
	if ts := e.Configure(start.Add(200*time.Second), c); len(ts) > 0 {
		t.Errorf("the same configuration: %v", ts)
	}
	observe(240, []metric.Sample{sample("dns_server", "")}) // nothing is known
	observe(300, good, "dns_server_down firing>resolved: ns1: the name server is read again; recovered after 3m0s", "dns_zone_stale firing>resolved: ns1 A.: the zone is current; recovered after 3m0s",
		"dns_zone_stale firing>resolved: ns1 B.: the zone is as new as the primary's, or its refresh is not over; recovered after 3m0s")
}
