package machine

import (
	"context"
	"sync"
	"time"
)

// The sampler's periods: how often it looks, for how long after somebody asked, and how far back it remembers.
const (
	samplePeriod = 15 * time.Second
	sampleIdle   = 5 * time.Minute
	sampleSpan   = 15 * time.Minute
)

// sampled is what the sampler saw at one time.
type sampled struct {
	at         time.Time
	processors *Processors
	kernel     *Kernel
	busy       map[string]time.Duration // DiskIO.BusyTime, by Disk.Name
}

// sampler keeps what processors and disks did before, so that a load can be told: a sample when the program starts, then one every 15 s
// while somebody asked within the last 5 minutes.
type sampler struct {
	look func(at time.Time) sampled

	mu      sync.Mutex
	samples []sampled // ascending by time; none is changed once it is here
	asked   time.Time
	wake    chan struct{} // tells run that somebody asked
}

// newSampler takes the first sample.
func newSampler(now time.Time, look func(at time.Time) sampled) *sampler {
	return &sampler{look: look, samples: []sampled{look(now)}, wake: make(chan struct{}, 1)}
}

// run takes samples until ctx ends.
func (s *sampler) run(ctx context.Context, now func() time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for s.wanted(now()) && sleep(ctx, samplePeriod) == nil {
			s.add(s.look(now()))
		}
	}
}

func (s *sampler) wanted(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.asked) < sampleIdle
}

func (s *sampler) add(x sampled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, x)
	for len(s.samples) > 1 && x.at.Sub(s.samples[1].at) >= sampleSpan {
		s.samples = s.samples[1:]
	}
}

// before returns the newest sample that is at least span older than at, else the oldest there is; false if that is not older than at.
func (s *sampler) before(at time.Time, span time.Duration) (sampled, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.samples[0]
	for _, x := range s.samples[1:] {
		if at.Sub(x.at) >= span {
			found = x
		}
	}
	return found, at.After(found.at)
}

// ask notes that somebody asked at that time.
func (s *sampler) ask(at time.Time) {
	s.mu.Lock()
	s.asked = at
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fillProcessors sets what was done in the last minute.
func (s *sampler) fillProcessors(p *Processors, at time.Time) {
	s.ask(at)
	if x, ok := s.before(at, time.Minute); ok && x.processors != nil {
		p.since(x.processors)
	}
}

// fillKernel sets the counters of a minute before.
func (s *sampler) fillKernel(k *Kernel, at time.Time) {
	s.ask(at)
	if x, ok := s.before(at, time.Minute); ok && x.kernel != nil {
		k.Earlier, k.Span = x.kernel, at.Sub(x.at)
	}
}

// fillDisks sets how busy each disk was.
func (s *sampler) fillDisks(disks []Disk, at time.Time) {
	s.ask(at)
	for i, span := range [3]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute} {
		x, ok := s.before(at, span)
		if !ok {
			continue
		}
		for j := range disks {
			d := &disks[j]
			before, known := x.busy[d.Name]
			if !known || d.IO == nil || d.IO.BusyTime < before {
				continue
			}
			d.Busy[i] = min(1, float64(d.IO.BusyTime-before)/float64(at.Sub(x.at)))
		}
	}
}

// sleep waits for d, or until ctx ends, which is the error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
