package alert

import (
	"maps"
	"strings"
	"time"

	"walkabout/metric"
)

// gapIntervals is how many intervals may pass between two polls that still observe the time between them. It is the same 5
// after which counters get the verdict gap.
const gapIntervals = 5

// advance begins the poll p of d.
func (d *device) advance(p *Poll) {
	d.at = p.At
	d.poll++
	if !p.Extra {
		d.scheduled++
	}
}

// seen is when something was last observed. A poll between two of the schedule may be of one interface alone: it breaks nothing for the others.
type seen struct {
	at        time.Time // zero: not by this process
	epoch     uint32    // of the device at that time
	scheduled uint32    // likewise
	extra     bool      // by a poll between two of the schedule
}

// observe takes note of an observation in the poll p of d and returns the time since the one before; 0 if that was not observed. Polls are due a whole
// number of intervals apart and begin a little late each; it is the former that counts, or every other `for` of two intervals would take three. longest is
// how far two may be apart.
func (s *seen) observe(d *device, p *Poll, longest time.Duration) time.Duration {
	before := *s
	*s = seen{p.At, d.epoch, d.scheduled, p.Extra}
	elapsed := p.At.Sub(before.at)
	if p.Interval > 0 && !p.Extra && !before.extra {
		if whole := elapsed.Round(p.Interval); (elapsed - whole).Abs() <= p.Interval/4 {
			elapsed = whole
		}
	}
	if before.at.IsZero() || before.epoch != d.epoch || elapsed < 0 || longest > 0 && elapsed > longest {
		return 0
	}
	return elapsed
}

// inEvery reports whether the observation before was in the scheduled poll before p, or later.
func (s *seen) inEvery(d *device, p *Poll) bool {
	if p.Extra {
		return s.scheduled >= d.scheduled
	}
	return s.scheduled+1 >= d.scheduled
}

// held reports whether the device is taken to be rebooting at the time of its last poll.
func (d *device) held() bool { return d.at.Before(d.heldUntil) }

// run is what two sysUpTimes tell about the time between them.
type run uint8

const (
	unknownRun run = iota // one is missing, or they do not fit together
	sameRun               // the agent ran on
	restarted             // the later one is too low
)

// readUpTime compares p's sysUpTime to the one before and takes its place. The tolerance is that of counters: the greater of
// 3 s and 2 % of the time between.
func (d *device) readUpTime(p Poll) run {
	if !p.HasUpTime {
		return unknownRun
	}
	before, at := d.upTime, d.upTimeAt
	d.upTime, d.upTimeAt = p.UpTime, p.At
	if at.IsZero() {
		return unknownRun
	}
	ticks := uint64(max(0, p.At.Sub(at))) / uint64(10*time.Millisecond)
	tolerance := max(300, ticks/50)
	if tolerance >= 1<<31 {
		return unknownRun
	}
	expected := uint32(uint64(before) + ticks) // it wraps after 497 days
	switch behind := expected - p.UpTime; {
	case uint64(behind) <= tolerance || uint64(-behind) <= tolerance:
		return sameRun
	case p.UpTime < expected:
		return restarted
	}
	return unknownRun
}

// frozen says why the alert of p stands still.
func (d *device) frozen(p *port) Freeze {
	switch {
	case d.failed > 0:
		return Unreachable
	case d.held():
		return Rebooting
	case p.seen.scheduled != d.scheduled:
		return NotSeen
	}
	return NotFrozen
}

// learn keeps the names that an alert of the device itself needs when it no longer answers.
func (e *Engine) learn(d *device, s *metric.Sample) {
	e.learnText(d, &d.hostname, s.Tag("hostname"))
	e.learnText(d, &d.agentHost, s.Tag("agent_host"))
}

// learnText keeps text in *to, a copy, as text may be part of all that the poll read.
func (e *Engine) learnText(d *device, to *string, text string) {
	if text != "" && text != *to {
		*to = strings.Clone(text)
		e.touch(d)
	}
}

// learnLocation keeps sysLocation, which no row of another table has.
func (e *Engine) learnLocation(d *device, samples []metric.Sample) {
	for i := range samples {
		if samples[i].Measurement != systemGroup {
			continue
		}
		if f, ok := samples[i].Field("sysLocation"); ok {
			if location := strings.ToValidUTF8(f.Str, "\uFFFD"); location != d.location {
				d.location = strings.Clone(location)
				e.touch(d)
			}
		}
	}
}

// systemGroup is the measurement of the system group of SNMPv2-MIB.
const systemGroup = "system"

// labels returns those of every alert of d.
func (d *device) labels() map[string]string {
	labels := make(map[string]string, len(d.target.Labels)+8)
	maps.Copy(labels, d.target.Labels)
	for _, l := range [...]metric.Tag{
		{Name: "device", Value: d.name}, {Name: "agent_host", Value: d.target.AgentHost},
		{Name: "agent_host", Value: d.agentHost}, {Name: "hostname", Value: d.hostname}, {Name: "sysLocation", Value: d.location},
	} {
		if l.Value != "" {
			labels[l.Name] = l.Value
		}
	}
	return labels
}
