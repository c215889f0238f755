//go:build interop

package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/series"
	"walkabout/internal/interop"
	"walkabout/metric"
	"walkabout/spool"
)

// Tests against real servers: Debian's prometheus and victoria-metrics, which know 1.0, and the prometheus of go.mod, which knows 2.0.

type server struct {
	name    string
	start   func(t *testing.T) *interop.Prometheus
	version Version
	speaks  wire // after the first request
}

func servers() []server {
	prometheus1 := func(t *testing.T) *interop.Prometheus { return interop.StartPrometheus(t) }
	prometheus2 := func(t *testing.T) *interop.Prometheus { return interop.StartPrometheus2(t) }
	return []server{
		{"prometheus 2.42", prometheus1, Auto, version1},
		{"victoria-metrics", func(t *testing.T) *interop.Prometheus { return interop.StartVictoriaMetrics(t) }, Auto, version1},
		{"prometheus of go.mod", prometheus2, Auto, version2},
		{"prometheus of go.mod by 1.0", prometheus2, Version1, version1},
	}
}

// now is a time that servers take, to the millisecond that they keep.
func now() time.Time { return time.Now().Add(-20 * time.Minute).Truncate(time.Millisecond).UTC() }

// count returns how many samples of the selector are stored, and fails the test where two are of one series and time.
func count(t *testing.T, p *interop.Prometheus, selector string) int {
	t.Helper()
	n := 0
	for _, s := range p.Stored(selector, time.Now()) {
		last := time.Time{}
		for _, v := range s.Samples {
			if !v.At.After(last) {
				t.Errorf("%v: %v after %v", s.Labels, v.At, last)
			}
			last = v.At
			n++
		}
	}
	return n
}

// await waits until the server shows n samples of the selector: VictoriaMetrics shows what it took about a second later.
func await(t *testing.T, p *interop.Prometheus, selector string, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		got := count(t, p, selector)
		if got == n {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: %d samples are stored, want %d", selector, got, n)
		}
	}
}

// TestRead writes two polls of a switch, and wants to read back just those, with the polls' times.
func TestRead(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			config := series.Config{Rates: true, Constant: []series.Label{{Name: "job", Value: "snmp"}}}
			e := newExporter(t, Config{URL: p.Write(), Version: s.version, Series: config})
			polls := []time.Time{now(), now().Add(30 * time.Second)}
			type stored struct{ Value, At string }
			want, got := map[string][]stored{}, map[string][]stored{}
			for _, at := range polls {
				batch := ports(3, at)
				if err := e.Export(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				for _, x := range expected(config, batch, version1) {
					want[x.Labels] = append(want[x.Labels], stored{fmt.Sprint(x.Value), at.String()})
				}
			}
			if e.speak != s.speaks {
				t.Errorf("version %d is spoken", e.speak)
			}
			await(t, p, `{device="core1"}`, 2*len(want))
			for _, found := range p.Stored(`{device="core1"}`, time.Now()) {
				var labels []series.Label
				for name, value := range found.Labels {
					labels = append(labels, series.Label{Name: name, Value: value})
				}
				for _, v := range found.Samples {
					value, err := strconv.ParseFloat(v.Value, 64)
					if err != nil {
						t.Error(err)
					}
					key := sorted(labels)
					got[key] = append(got[key], stored{fmt.Sprint(value), v.At.String()})
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadSamples: what is out of order, too old or there already with another value is rejected; what stands beside it is written, and the same
// again does no harm.
func TestBadSamples(t *testing.T) {
	for _, s := range servers() {
		if s.name == "victoria-metrics" {
			continue // it takes samples in any order
		}
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			e := newExporter(t, Config{URL: p.Write(), Version: s.version})
			at := now()
			must := func(batch []metric.Sample) {
				t.Helper()
				if err := e.Export(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
			rejects := func(batch []metric.Sample, want []int, words string) {
				t.Helper()
				var partial *exporters.PartialError
				err := e.Export(t.Context(), batch)
				if !errors.As(err, &partial) || !strings.Contains(err.Error(), words) {
					t.Fatalf("%v, want %q", err, words)
				}
				if diff := cmp.Diff(want, partial.Rejected); diff != "" {
					t.Errorf("rejected with %v (-want +got):\n%s", err, diff)
				}
			}
			must(ports(4, at))
			must(ports(4, at)) // as after a crash
			await(t, p, `{device="core1"}`, 4*perPort)
			batch := ports(6, at.Add(time.Minute))
			for _, old := range []int{1, 3} {
				batch[old].At = at.Add(-time.Minute)
			}
			rejects(batch, []int{1, 3}, "out of order sample")
			await(t, p, `{device="core1"}`, 8*perPort)
			batch = ports(2, at)
			batch[1].Fields[0].Num = 12345
			batch[1].At = at.Add(time.Minute)
			batch[0].At = at.Add(2 * time.Minute)
			batch[1].Tags[5].Value = "ge-0/0/0"
			batch[1].Tags[4].Value = "GigabitEthernet0/0"
			batch[1].Fields[len(batch[1].Fields)-1].Num = 1 // it is port 0, which has this time with another value
			rejects(batch[1:], []int{0}, "duplicate sample for timestamp")
			must(batch[:1])
			batch = ports(5, at.Add(3*time.Minute))
			for i := range 3 {
				batch[i].At = at.Add(-30 * time.Hour)
			}
			rejects(batch, []int{0, 1, 2}, "out of bounds")
			await(t, p, `{device="core1"}`, 11*perPort)
			// A backlog from before the newest, of new series: the server takes no more than its head block spans.
			for i := range batch {
				batch[i].Tags[2].Value = "core2"
				batch[i].At = at.Add(time.Duration(i) * time.Second)
			}
			must(batch)
			await(t, p, `{device="core2"}`, 5*perPort)
		})
	}
}

// TestRestarts lets a Runner write while its server is stopped, killed and started again, and the Runner too, and wants each point once.
func TestRestarts(t *testing.T) {
	const rounds, each = 3, 20
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			dir := t.TempDir()
			begin := now()
			poll := 0
			for round := range rounds {
				queue, err := spool.Open(spool.Options{Dir: dir, GroupDelay: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				source, err := queue.Reader(spool.ReaderOptions{Name: "test", Order: spool.InOrder})
				if err != nil {
					t.Fatal(err)
				}
				r := exporters.Start(newExporter(t, Config{URL: p.Write(), Version: s.version, Timeout: 5 * time.Second}), source,
					exporters.Config{Name: "test", FlushInterval: 10 * time.Millisecond, MinBackoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
				for i := range each {
					at := begin.Add(time.Duration(poll) * time.Second)
					if err := queue.Append(t.Context(), metric.Append(nil, metric.Batch{At: at, Samples: ports(2, at)})); err != nil {
						t.Fatal(err)
					}
					poll++
					switch {
					case i == each/2 && round == 1 && s.name != "victoria-metrics": // which loses its last second when it is killed
						p.Kill()
					case i == each/2:
						p.Stop()
					case i == each-2:
						p.Start()
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				for queue.Sync(ctx) == nil && queue.Stats().Readers[0].Records > 0 && ctx.Err() == nil {
					time.Sleep(10 * time.Millisecond)
				}
				if err := errors.Join(r.Close(ctx), queue.Close()); err != nil {
					t.Error(err)
				}
				cancel()
				if stats := r.Stats(); stats.Written != 2*each || stats.Rejected != 0 || stats.Unread != 0 {
					t.Errorf("%+v, want all %d written", stats, 2*each)
				}
			}
			await(t, p, `{device="core1"}`, rounds*each*2*perPort)
		})
	}
}
