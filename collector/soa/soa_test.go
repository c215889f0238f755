package soa_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/soa"
	"walkabout/metric"
)

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		a, b uint32
		want bool
	}{
		{1, 0, true}, {0, 1, false}, {5, 5, false}, {0, 1<<32 - 1, true}, {1<<32 - 1, 0, false}, {1 << 31, 0, false}, {0, 1 << 31, false}, {1<<31 - 1, 0, true},
		{100, 1<<32 - 100, true}, {44, 1<<31 + 45, true},
	} {
		if soa.Newer(test.a, test.b) != test.want {
			t.Errorf("%d after %d: not %v", test.a, test.b, test.want)
		}
	}
}

func sample(measurement string, field string, n uint64, tags ...string) metric.Sample {
	s := metric.Sample{Measurement: measurement, Fields: []metric.Field{{Name: field, Kind: metric.Unsigned, Num: n}}}
	for i := 0; i < len(tags); i += 2 {
		s.Tags = append(s.Tags, metric.Tag{Name: tags[i], Value: tags[i+1]})
	}
	return s
}

// TestSink plays a primary that goes ahead, is followed, and stops answering.
func TestSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log strings.Builder
		primary, refuse, queries := soa.SOA{Serial: 10, Refresh: 600}, false, 0
		ask := func(_ context.Context, a netip.Addr, zone string) (soa.SOA, error) {
			mu.Lock()
			defer mu.Unlock()
			queries++
			if zone != "EXAMPLE.ORG." || refuse || a != netip.MustParseAddr("192.0.2.2") { // the first of its sources is down
				return soa.SOA{}, errors.New("no answer")
			}
			return primary, nil
		}
		var got []metric.Sample
		var complete []string
		current := uint64(1)
		next := collector.SinkFunc(func(_ context.Context, p collector.Poll) { got, complete = p.Samples[3:], p.Complete })
		s := soa.New(next, ask, slog.New(slog.NewTextHandler(&log, nil)))
		poll := func(serial uint64) {
			p := collector.Poll{Device: "ns1", At: time.Now(), Complete: []string{"dns_zone"}, Samples: []metric.Sample{
				sample("dns_zone_source", "dnsServZoneSrcStatus", 1, "dnsServZoneSrcName", "EXAMPLE.ORG.", "dnsServZoneSrcClass", "1", "dnsServZoneSrcAddr", "192.0.2.1"),
				sample("dns_zone_source", "dnsServZoneSrcStatus", 1, "dnsServZoneSrcName", "EXAMPLE.ORG.", "dnsServZoneSrcClass", "1", "dnsServZoneSrcAddr", "192.0.2.2"),
				sample("dns_zone", "dnsServZoneSerial", serial, "dnsServZoneName", "EXAMPLE.ORG.", "dnsServZoneClass", "1"),
			}}
			p.Samples[2].Fields = append(p.Samples[2].Fields, metric.Field{Name: "dnsServZoneCurrent", Kind: metric.Integer, Num: current})
			s.Poll(t.Context(), p)
			synctest.Wait()
		}
		check := func(what string, want ...uint64) { // serial, primarySerial, behindSeconds, refresh
			t.Helper()
			var fields []uint64
			for _, m := range got {
				for _, f := range m.Fields {
					fields = append(fields, f.Num)
				}
			}
			if diff := cmp.Diff(want, fields); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		poll(10)
		check("at first nothing is known")
		time.Sleep(time.Minute)
		poll(10)
		check("level", 10, 10, 0, 600)
		if diff := cmp.Diff([]string{"dns_zone", "dns_zone_primary"}, complete); diff != "" || queries != 2 {
			t.Errorf("%d queries, %s", queries, diff)
		}
		mu.Lock()
		primary.Serial = 11
		mu.Unlock()
		time.Sleep(5 * time.Minute)
		poll(10) // it is asked now
		time.Sleep(time.Minute)
		poll(10)
		check("the primary is ahead", 10, 11, 0, 600)
		time.Sleep(4 * time.Minute)
		poll(10)
		check("for some time", 10, 11, 240, 600)
		time.Sleep(time.Minute)
		poll(11)
		check("it is followed", 11, 11, 0, 600)
		current = 2
		time.Sleep(time.Minute)
		poll(0)
		check("the zone expired")
		if diff := cmp.Diff([]string{"dns_zone", "dns_zone_primary"}, complete); diff != "" {
			t.Error(diff)
		}
		current = 1
		mu.Lock()
		refuse = true
		mu.Unlock()
		time.Sleep(5 * time.Minute)
		poll(11)
		time.Sleep(time.Minute)
		poll(11)
		check("it does not answer")
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, log.String())
		}
		s.Close()
	})
}
