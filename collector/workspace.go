package collector

import (
	"context"
	"sync"
	"time"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
)

// scratch is the memory that a poll needs only while it reads tables; so a fleet needs as much of it as polls do so at a time.
type scratch struct {
	grid     grid
	walker   walker
	rows     []row
	counted  []counter.Row
	values   []uint64
	rates    []float64
	verdicts []counter.Verdict
	findings []counter.Finding
	template []tag
	signals  []snmp.Value
}

// buffers are the memory in which the samples of a poll stand, from when it reads tables until all Sinks have taken them.
type buffers struct {
	samples []metric.Sample
	tags    []metric.Tag
	fields  []metric.Field
}

// maxReading is how many polls of a Collector read tables at a time. Each needs some 300 kB for it, more for larger devices.
const maxReading = 256

// workspace is the memory that the polls of a Collector share.
type workspace struct {
	askings   sync.Pool     // of *asking
	scratches sync.Pool     // of *scratch
	buffers   sync.Pool     // of *buffers
	reading   chan struct{} // a token for each scratch that is in use
	engines   engines
	layouts   layouts
	wall      func() time.Time // time.Now, but in tests of computers that sleep
}

func newWorkspace() *workspace {
	return &workspace{
		askings:   sync.Pool{New: func() any { return new(asking) }},
		scratches: sync.Pool{New: func() any { return new(scratch) }},
		buffers:   sync.Pool{New: func() any { return new(buffers) }},
		reading:   make(chan struct{}, maxReading),
		wall:      time.Now,
	}
}

// scratch waits for a scratch that is free; false if ctx ends before there is one.
func (w *workspace) scratch(ctx context.Context) (*scratch, bool) {
	select {
	case w.reading <- struct{}{}:
		return w.scratches.Get().(*scratch), true
	case <-ctx.Done():
		return nil, false
	}
}

func (w *workspace) put(s *scratch) {
	w.scratches.Put(s)
	<-w.reading
}

// lend gives p memory for its samples.
func (w *workspace) lend(p *Poll) {
	p.buffers = w.buffers.Get().(*buffers)
	b := p.buffers
	p.Samples, b.tags, b.fields = b.samples[:0], b.tags[:0], b.fields[:0]
}

// takeBack takes the memory of p's samples back, which nobody uses any more.
func (w *workspace) takeBack(p *Poll) {
	if p.buffers == nil {
		return
	}
	p.buffers.samples = p.Samples
	w.buffers.Put(p.buffers)
	p.Samples, p.buffers = nil, nil
}
