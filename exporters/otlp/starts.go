package otlp

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"walkabout/metric"
)

// valid returns s as Protocol Buffers want texts: with U+FFFD for octets that are no UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// maxDevices bounds what starts remembers.
const maxDevices = 200_000

// starts remembers when agents started. What a poll tells of that differs from poll to poll by the round trip and by how the clocks drift apart, and a
// receiver takes another start for a reset; so it stays what it was until it is certainly another.
type starts struct {
	mu      sync.Mutex
	devices map[string]*start
}

type start struct {
	told   time.Time // what points are given
	latest time.Time // what the last poll told
	at     time.Time // when that was
}

// of returns since when the counters of s count; the zero Time if nobody knows.
func (t *starts) of(s *metric.Sample) time.Time {
	if s.Started.IsZero() {
		return time.Time{}
	}
	began := t.agent(s)
	if f, ok := s.Field(discontinuityField); ok && f.Num > 0 {
		if at := began.Add(time.Duration(f.Num) * 10 * time.Millisecond); at.Before(s.At) {
			return at
		}
	}
	return began
}

func (t *starts) agent(s *metric.Sample) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	device := cmp.Or(s.Tag(deviceTag), s.Tag(agentHostTag)) // the first one may have been renamed
	known, ok := t.devices[device]
	switch {
	case !ok:
		if t.devices == nil || len(t.devices) >= maxDevices {
			t.devices = map[string]*start{}
		}
		t.devices[device] = &start{s.Started, s.Started, s.At}
		return s.Started
	// As counter's rules see it: within 3 s, or 2 % of the time between, it is the same run.
	case s.Started.Sub(known.latest).Abs() <= max(3*time.Second, s.At.Sub(known.at).Abs()/50):
	case s.At.Before(known.at): // of a run before, which comes late
		return s.Started
	default:
		known.told = s.Started
	}
	if s.At.After(known.at) {
		known.latest, known.at = s.Started, s.At
	}
	return known.told
}
