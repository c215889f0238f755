package collector

import (
	"context"
	"slices"
	"time"

	"walkabout/collector/ping"
	"walkabout/metric"
)

// Sink takes what polls bring. A Collector calls Poll for one device after another poll of it has returned, and for
// several devices at once; the device's next poll waits until every Sink has returned. Then the memory of p.Samples serves another poll: who keeps them
// keeps a p.Clone(). It deals with its own errors. ctx ends when the Collector or the target is stopped; what was polled must
// be taken nevertheless.
type Sink interface {
	Poll(ctx context.Context, p Poll)
}

// SinkFunc is a function that is a Sink.
type SinkFunc func(ctx context.Context, p Poll)

// Poll calls f.
func (f SinkFunc) Poll(ctx context.Context, p Poll) { f(ctx, p) }

// Poll is what one poll of one device brought.
type Poll struct {
	Device   string    // the target's name
	At       time.Time // when the poll began; every sample has it
	Interval time.Duration
	Duration time.Duration // from At until the last answer

	// Answered is false if the device answered nothing at all; then Err says why and there are no samples but that of ping. Err with Answered is a
	// partial poll: it joins one *PartError for each part that is missing.
	Answered bool
	Err      error

	Ping     *ping.Result // nil: the target was not pinged
	Samples  []metric.Sample
	Complete []string // the measurements that were answered to their end, all columns of them

	UpTime    uint32 // sysUpTime.0 of the poll's first answer, in hundredths of a second
	HasUpTime bool
	Reset     bool // the agent restarted or was replaced since its last poll

	// Extra is a poll between two of the schedule (Collector.PollNow). It has no counters and no Complete, and was answered.
	Extra bool

	buffers *buffers // nil: Samples are nobody else's
}

// Clone returns p with samples of its own.
func (p Poll) Clone() Poll {
	p.Samples = slices.Clone(p.Samples)
	for i := range p.Samples {
		s := &p.Samples[i]
		s.Tags, s.Fields = slices.Clone(s.Tags), slices.Clone(s.Fields)
	}
	p.buffers = nil
	return p
}

// PartError says which part of a poll is missing. Part is the measurement, and behind a "/" the columns where some are
// missing.
type PartError struct {
	Part string
	Err  error
}

func (e *PartError) Error() string { return e.Part + ": " + e.Err.Error() }
func (e *PartError) Unwrap() error { return e.Err }
