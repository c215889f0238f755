package collector_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/metric"
	"walkabout/snmp"
)

// target is polled every 10 s.
func target(name string, collect ...string) collector.Target {
	t := collector.DefaultTarget()
	t.Name, t.Address, t.Collect, t.Interval = name, name+".example", collect, 10*time.Second
	t.Credential = session.Credential{Version: snmp.V2c, Community: secret.New("public")}
	return t
}

// harness runs a Collector inside a synctest bubble.
type harness struct {
	t       *testing.T
	c       *collector.Collector
	devices map[string]*device // by host
	log     bytes.Buffer
	slow    time.Duration // of the sink

	mu    sync.Mutex
	polls map[string][]collector.Poll
}

func (h *harness) dial(ctx context.Context, o session.Options) (session.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[o.Host]
	if d == nil {
		h.t.Errorf("nobody is at %s", o.Host)
	}
	return d.dial(ctx, o)
}

func (h *harness) Poll(_ context.Context, p collector.Poll) {
	h.mu.Lock()
	h.polls[p.Device] = append(h.polls[p.Device], p.Clone())
	slow := h.slow
	h.mu.Unlock()
	time.Sleep(slow) // of the bubble's clock
}

// of returns the polls of a device up to now.
func (h *harness) of(name string) []collector.Poll {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]collector.Poll(nil), h.polls[name]...)
}

// next waits for the device's next poll to reach the sink, for at most two intervals.
func (h *harness) next(name string) collector.Poll {
	h.t.Helper()
	before := len(h.of(name))
	for range 2000 {
		time.Sleep(10 * time.Millisecond)
		if polls := h.of(name); len(polls) > before {
			return polls[before]
		}
	}
	h.t.Fatalf("no poll of %s in two intervals", name)
	return collector.Poll{}
}

// start runs a collector of targets, each with a device of its name, until the test ends.
func start(t *testing.T, devices map[string]*device, targets ...collector.Target) *harness {
	t.Helper()
	h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{}}
	for name, d := range devices {
		h.devices[name+".example"] = d
	}
	h.run(collector.Options{Targets: targets})
	return h
}

// run runs a collector until the test ends.
func (h *harness) run(o collector.Options) {
	h.t.Helper()
	o.Sinks, o.Dial, o.Logger = []collector.Sink{h}, h.dial, slog.New(slog.NewTextHandler(&h.log, nil))
	var err error
	if h.c, err = collector.New(o); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error)
	go func() { done <- h.c.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
}

// one is start with one device that answers as b does.
func one(t *testing.T, b *box, d *device, collect ...string) *harness {
	t.Helper()
	d.objects = b.objects
	return start(t, map[string]*device{"dev": d}, target("dev", collect...))
}

// rowOf returns the sample of measurement whose tag has the value; the test fails if there is not exactly one.
func rowOf(t *testing.T, p collector.Poll, measurement, tag, value string) metric.Sample {
	t.Helper()
	var found []metric.Sample
	for _, s := range p.Samples {
		if s.Measurement == measurement && s.Tag(tag) == value {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d samples of %s with %s=%s, want 1 (poll's error: %v)", len(found), measurement, tag, value, p.Err)
	}
	return found[0]
}

func fieldOf(t *testing.T, s metric.Sample, name string) metric.Field {
	t.Helper()
	f, ok := s.Field(name)
	if !ok {
		t.Fatalf("%s has no field %s", s.Measurement, name)
	}
	return f
}
