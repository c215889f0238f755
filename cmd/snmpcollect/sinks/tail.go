package sinks

import (
	"context"
	"maps"
	"slices"
	"sync"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/metric"
	"walkabout/spool"
)

// TailName is the name of the Tail's place in the spool, beside those of the outputs.
const TailName = "alerts:observed"

// tailBounds are what may wait in the spool to be observed again. It is a minute's polls unless the state of alerts cannot be written.
var tailBounds = spool.Bounds{Size: 1 << 30}

// Tail is a spool with the place up to which the rules have observed its polls and what came of that is on disk: what is behind it is observed again
// after a crash. It implements alert.Tail.
type Tail struct {
	spool  *spool.Spool
	dir    string
	reader *spool.Reader
	known  bool // the run before had one

	mu       sync.Mutex
	inFlight map[*uint64]struct{} // for each poll on its way a number below or at that of its record
}

// NewTail returns the Tail of s, which is open in dir. Close ends it.
func NewTail(s *spool.Spool, dir string) (*Tail, error) {
	known := slices.ContainsFunc(s.Stats().Readers, func(r spool.ReaderStats) bool { return r.Name == TailName })
	r, err := s.Reader(spool.ReaderOptions{Name: TailName, Bounds: tailBounds, Cold: true})
	if err != nil {
		return nil, err
	}
	return &Tail{spool: s, dir: dir, reader: r, known: known, inFlight: map[*uint64]struct{}{}}, nil
}

// keep puts p into the spool, with what polls says of it unless that is nil, and returns the number of its record; 0 if there is nothing to put there.
// observed is to be called when the rules have seen it.
func (t *Tail) keep(ctx context.Context, p *collector.Poll, polls *Polls) (record uint64, observed func()) {
	samples := p.Samples
	if polls != nil {
		if about, ok := polls.sample(p); ok {
			samples = append(slices.Clip(samples), about)
		}
	}
	if len(samples) == 0 {
		return 0, func() {}
	}
	data := metric.Append(nil, metric.Batch{Device: p.Device, At: p.At, Interval: p.Interval, Samples: samples, Complete: p.Complete,
		Reset: p.Reset, UpTime: p.UpTime, HasUpTime: p.HasUpTime, Answered: p.Answered, Extra: p.Extra})
	low := new(uint64)
	t.mu.Lock()
	*low = t.spool.End()
	t.inFlight[low] = struct{}{}
	t.mu.Unlock()
	record, _ = t.spool.AppendNumbered(ctx, data) // it is taken even if ctx ends; the spool tells of a disk that fails
	return record, func() {
		t.mu.Lock()
		delete(t.inFlight, low)
		t.mu.Unlock()
	}
}

// Replay implements alert.Tail.
func (t *Tail) Replay(observe func(alert.Poll)) error {
	if !t.known {
		return nil
	}
	return spool.Scan(t.dir, TailName, func(r spool.Record) error {
		// Of what does not decode the outputs tell.
		if b, err := metric.Decode(r.Data()); err == nil && b.Answered {
			observe(again(&b, r.Number))
		}
		return nil
	})
}

// again returns a poll that keep put into the spool, as the rules saw it, or would have.
func again(b *metric.Batch, record uint64) alert.Poll {
	samples := slices.DeleteFunc(b.Samples, func(s metric.Sample) bool { return s.Measurement == metric.PollMeasurement })
	return alert.Poll{Device: b.Device, At: b.At, Interval: b.Interval, Samples: samples, Complete: b.Complete,
		Reset: b.Reset, Extra: b.Extra, UpTime: b.UpTime, HasUpTime: b.HasUpTime, Record: record}
}

// Low implements alert.Tail.
func (t *Tail) Low() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	low := t.spool.End()
	for n := range maps.Keys(t.inFlight) {
		low = min(low, *n)
	}
	return low
}

// Mark implements alert.Tail.
func (t *Tail) Mark(low uint64) { t.reader.AckBelow(low) }

// Close ends it. What is behind the mark waits for the next start.
func (t *Tail) Close() { t.reader.Close() }
