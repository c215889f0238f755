package collector_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"walkabout/collector"
	"walkabout/collector/ping"
	"walkabout/collector/session"
	"walkabout/metric"
	"walkabout/snmp/oid"
)

// pinger answers with what it was told to.
type pinger struct {
	mu     sync.Mutex
	result ping.Result
	err    error
	takes  time.Duration
	asked  int
	host   netip.Addr
	first  bool
}

func (p *pinger) Ping(ctx context.Context, host netip.Addr, _ int, first bool) (ping.Result, error) {
	p.mu.Lock()
	p.asked++
	p.host, p.first = host, first
	result := p.result
	p.mu.Unlock()
	select {
	case <-time.After(p.takes):
		return result, p.err
	case <-ctx.Done():
		return ping.Result{}, ctx.Err()
	}
}

// probed runs a collector of one device at 192.0.2.1, and a pinger.
func probed(t *testing.T, d *device, p *pinger, mode collector.PingMode) *harness {
	t.Helper()
	d.objects = switchOf(2).objects
	h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{"192.0.2.1": d}}
	target := target("dev", "system")
	target.Address, target.Ping = "192.0.2.1", mode
	target.Labels = map[string]string{"site": "paris"}
	h.run(collector.Options{Targets: []collector.Target{target}, Pinger: p})
	return h
}

var (
	answers = ping.Result{Sent: 3, Received: 3, Min: time.Millisecond, Avg: 2 * time.Millisecond, Max: 3 * time.Millisecond}
	silence = ping.Result{Sent: 3}
)

// TestFindings holds that a host that is down, SNMP that is silent and an authentication that failed are three different findings: in the poll, the log and
// the metrics.
func TestFindings(t *testing.T) {
	refused := func([]oid.OID) error { return session.ErrWrongDigest }
	tests := map[string]struct {
		silent bool
		fault  func([]oid.OID) error
		ping   *pinger
		state  string
		log    string
		is     error
		asked  int // pings of two polls
	}{
		"well":           {false, nil, &pinger{result: silence}, "up", "", nil, 0},
		"host down":      {true, nil, &pinger{result: silence}, "host_down", "host down: it answers neither ping nor SNMP", collector.ErrHostDown, 2},
		"SNMP silent":    {true, nil, &pinger{result: answers}, "snmp_silent", "SNMP silent: the host answers ping, but not SNMP", collector.ErrSNMPSilent, 2},
		"authentication": {false, refused, &pinger{result: answers}, "authentication", "authentication failed: wrong authentication password", session.ErrAuthentication, 0},
		"no ICMP socket": {true, nil, &pinger{err: ping.ErrUnavailable}, "timeout", "no answer", session.ErrTimeout, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := probed(t, &device{silent: tt.silent, fault: tt.fault}, tt.ping, collector.PingSilent)
				h.next("dev")
				p := h.next("dev")
				if p.State() != tt.state || tt.is != nil && !errors.Is(p.Err, tt.is) || tt.silent && !errors.Is(p.Err, session.ErrTimeout) {
					t.Errorf("the poll is %s: %v; want %s", p.State(), p.Err, tt.state)
				}
				if !strings.Contains(h.log.String(), tt.log) || strings.Count(h.log.String(), "does not answer") > 1 {
					t.Errorf("the log:\n%s", h.log.String())
				}
				if tt.ping.asked != tt.asked || tt.asked > 0 && (tt.ping.host.String() != "192.0.2.1" || !tt.ping.first) {
					t.Errorf("%d pings of %v (the first is enough: %v), want %d", tt.ping.asked, tt.ping.host, tt.ping.first, tt.asked)
				}
				want := `# HELP snmpcollect_target_state 1 for how the last poll found the target: up, host_down, snmp_silent, authentication, timeout, …
# TYPE snmpcollect_target_state gauge
snmpcollect_target_state{device="dev",state="` + tt.state + `"} 1
`
				if err := testutil.CollectAndCompare(h.c.Metrics(), strings.NewReader(want), "snmpcollect_target_state"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestPingAlways holds that each poll brings a sample, whether the agent answers or not, and that ping and poll go on side by side.
func TestPingAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Second}
		pings := &pinger{result: answers, takes: time.Second}
		h := probed(t, d, pings, collector.PingAlways)
		p := h.next("dev")
		row := rowOf(t, p, "ping", "device", "dev")
		tags := []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "dev"}, {Name: "hostname", Value: row.Tag("hostname")}, {Name: "site", Value: "paris"}}
		if diff := cmp.Diff(tags, row.Tags); diff != "" || row.Tag("hostname") == "" || !row.At.Equal(p.At) {
			t.Errorf("tags: %s", diff)
		}
		got := map[string]any{}
		for _, f := range row.Fields {
			got[f.Name] = f.Float64()
			if f.Kind == metric.String {
				got[f.Name] = f.Str
			}
		}
		want := map[string]any{"packets_transmitted": 3.0, "packets_received": 3.0, "percent_packet_loss": 0.0, "state": "up",
			"minimum_response_ms": 1.0, "average_response_ms": 2.0, "maximum_response_ms": 3.0}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		d.change(func() { d.silent = true })
		pings.mu.Lock()
		pings.result = silence
		pings.mu.Unlock()
		p = h.next("dev")
		down := rowOf(t, p, "ping", "device", "dev")
		if f := fieldOf(t, down, "state"); f.Str != "host_down" || len(p.Samples) != 1 || fieldOf(t, down, "percent_packet_loss").Float64() != 100 {
			t.Errorf("when it is down: %+v", down)
		}
		if _, ok := down.Field("average_response_ms"); ok {
			t.Error("nothing came back, and there is a round trip")
		}
		if s := h.c.Stats()[0]; s.PingsSent != 6 || s.PingsLost != 3 {
			t.Errorf("%d echo requests, %d lost; want 6 and 3", s.PingsSent, s.PingsLost)
		}
	})
}

func TestPingNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pings := &pinger{result: silence}
		h := probed(t, &device{silent: true}, pings, collector.PingNever)
		if p := h.next("dev"); p.State() != "timeout" || pings.asked != 0 || p.Ping != nil {
			t.Errorf("the poll is %s after %d pings", p.State(), pings.asked)
		}
	})
}
