package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/spool"
)

const selfCheckEvery = 30 * time.Second

// checkSelf shows the rules what the collector knows of itself.
func (p *parts) checkSelf(now time.Time) {
	if now.Sub(p.checked) < selfCheckEvery {
		return
	}
	p.checked = now
	checks := spoolChecks(p.spool.Stats())
	late := p.late(now)
	c := alert.Check{Rule: alert.RuleCollectorLate, Kind: alert.KindLate, Holds: len(late) > 0, Values: map[string]string{"targets": strconv.Itoa(len(late))},
		Summary: "all targets are polled in time"}
	if len(late) > 0 {
		c.Values["first"] = late[0]
		c.Summary = fmt.Sprintf("%d targets are polled late, %s among them: the collector has too much to do", len(late), late[0])
	}
	p.alerts.Check(now, append(append(checks, c), p.storeChecks()...))
}

// spoolChecks says of each output whether what waits for it is near a limit, the disk's end among them, or cannot be put on disk at all.
func spoolChecks(s spool.Stats) (checks []alert.Check) {
	for _, r := range s.Readers {
		if !r.Present || r.Name == sinks.TailName {
			continue
		}
		summary := fmt.Sprintf("output %s: %d polls wait in the spool, %s of %s, the oldest for %v of %v; the disk has %s free", r.Name, r.Records,
			humanize.IBytes(uint64(r.Octets)), humanize.IBytes(uint64(r.Bounds.Size)), r.Oldest.Round(time.Second), r.Bounds.Age, humanize.IBytes(uint64(s.Free)))
		if s.Unsaved > 0 {
			summary += fmt.Sprintf(", and takes nothing: %d polls are in memory only", s.Unsaved)
		}
		checks = append(checks, alert.Check{Rule: alert.RuleSpoolFilling, Kind: alert.KindFilling, Key: r.Name, Holds: r.Filling || s.Unsaved > 0,
			Labels: map[string]string{"output": r.Name},
			Values: map[string]string{"batches": strconv.FormatUint(r.Records, 10), "octets": strconv.FormatInt(r.Octets, 10),
				"limit": strconv.FormatInt(r.Bounds.Size, 10), "oldest": r.Oldest.Round(time.Second).String(), "limitAge": r.Bounds.Age.String(),
				"dropped": strconv.FormatUint(r.Dropped, 10), "diskFree": strconv.FormatInt(s.Free, 10), "unsaved": strconv.Itoa(s.Unsaved)},
			Summary: summary})
	}
	return checks
}

// late returns the targets that have missed more than three of their slots in a row.
func (p *parts) late(now time.Time) (names []string) {
	for _, s := range p.polls.Stats() {
		if !s.Last.IsZero() && now.Sub(s.Last) > 4*s.Interval {
			names = append(names, s.Device)
		}
	}
	return names
}
