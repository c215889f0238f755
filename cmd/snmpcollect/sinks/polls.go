package sinks

import (
	"math"
	"strings"
	"sync"
	"time"

	"walkabout/collector"
	"walkabout/metric"
)

// Polls makes samples of polls themselves: whether the device answered, and how long it took. Make one with NewPolls.
type Polls struct {
	mu   sync.Mutex
	tags map[string][]metric.Tag // by device, sorted
}

// NewPolls returns Polls of the targets.
func NewPolls(targets []collector.Target) *Polls {
	p := &Polls{}
	p.Keep(targets)
	return p
}

// Keep makes these the targets, and returns samples that say of each device that it is none any more. Nobody changes the old tags, which samples may have.
func (p *Polls) Keep(targets []collector.Target) (gone []metric.Sample) {
	tags := make(map[string][]metric.Tag, len(targets))
	for _, t := range targets {
		own := []metric.Tag{{Name: "device", Value: t.Name}}
		if host, _, err := collector.SplitAddress(t.Address); err == nil {
			own = append(own, metric.Tag{Name: "agent_host", Value: host})
		}
		for name, value := range t.Labels {
			own = append(own, metric.Tag{Name: name, Value: value})
		}
		metric.SortTags(own)
		tags[t.Name] = own
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, old := range p.tags {
		if tags[name] == nil {
			gone = append(gone, metric.Sample{Measurement: metric.PollMeasurement, At: time.Now(), Tags: old, Fields: []metric.Field{{Name: metric.PollGone, Kind: metric.Boolean, Num: 1}}})
		}
	}
	p.tags = tags
	return gone
}

// sample returns the sample of a poll; false if it was none of the schedule, or its device is no target any more.
func (p *Polls) sample(poll *collector.Poll) (metric.Sample, bool) {
	p.mu.Lock()
	tags := p.tags[poll.Device]
	p.mu.Unlock()
	if poll.Extra || tags == nil {
		return metric.Sample{}, false
	}
	s := metric.Sample{Measurement: metric.PollMeasurement, At: poll.At, Tags: tags}
	up := metric.Field{Name: metric.PollUp, Kind: metric.Integer}
	if poll.Answered {
		up.Num = 1
	}
	s.Fields = append(s.Fields, up, metric.Field{Name: "duration_seconds", Kind: metric.Float, Num: math.Float64bits(poll.Duration.Seconds())})
	if poll.Err != nil {
		s.Fields = append(s.Fields, metric.Field{Name: "error", Kind: metric.String, Str: collector.Reason(poll.Err)})
	}
	if len(poll.Complete) > 0 {
		s.Fields = append(s.Fields, metric.Field{Name: metric.PollComplete, Kind: metric.String, Str: strings.Join(poll.Complete, "\n")})
	}
	return s, true
}
