package silence

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/teambition/rrule-go"
)

// Window is a maintenance window: a silence for Duration whenever it comes. It comes at Start, or as Rule has it from then on, in local time of
// Start's zone: at 02:00 on the wall in summer and in winter. A start that the clock skips in spring is an hour off; one that comes twice in autumn
// begins with one of them. The end is Duration of real time later.
type Window struct {
	Name     string
	Matchers Matchers
	Start    time.Time
	Rule     string // an RRULE of RFC 5545, section 3.3.10, such as FREQ=WEEKLY;BYDAY=SU; "" comes once
	Duration time.Duration
	Reason   string

	calendar *calendar
}

// maxWindow bounds a Duration.
const maxWindow = 31 * 24 * time.Hour

// earliest keeps the way from Start to now short.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// NewWindow returns w ready for use, or what is wrong with it.
func NewWindow(w Window) (Window, error) {
	switch {
	case w.Name == "":
		return w, errors.New("a maintenance window needs a name")
	case w.Start.IsZero():
		return w, errors.New("a maintenance window needs a start, such as 2026-01-04T02:00")
	case w.Start.Before(earliest):
		return w, errors.New("the start is before the year 2000")
	case w.Duration <= 0 || w.Duration > maxWindow:
		return w, fmt.Errorf("the duration must be above 0 and at most %d days", maxWindow/(24*time.Hour))
	}
	if err := w.Matchers.Validate(); err != nil {
		return w, err
	}
	w.calendar = &calendar{}
	if w.Rule == "" {
		return w, nil
	}
	text := strings.TrimPrefix(w.Rule, "RRULE:")
	if strings.ContainsAny(text, "\r\n:") {
		return w, errors.New("rrule: one RRULE alone; where it begins is start's to say")
	}
	options, err := rrule.StrToROptionInLocation(text, w.Start.Location())
	if err != nil {
		return w, fmt.Errorf("rrule: %w", err)
	}
	if options.Freq > rrule.DAILY {
		return w, errors.New("rrule: FREQ is YEARLY, MONTHLY, WEEKLY or DAILY")
	}
	options.Dtstart = w.Start
	if w.calendar.rule, err = rrule.NewRRule(*options); err != nil {
		return w, fmt.Errorf("rrule: %w", err)
	}
	if _, ok := w.calendar.rule.Iterator()(); !ok {
		return w, errors.New("rrule: it never comes")
	}
	return w, nil
}

// Active reports whether w silences at that time, and until when.
func (w *Window) Active(at time.Time) (until time.Time, ok bool) {
	start := w.calendar.latest(w.Start, at)
	if start.IsZero() || !at.Before(start.Add(w.Duration)) {
		return time.Time{}, false
	}
	return start.Add(w.Duration), true
}

// Next returns when w begins next after that time; false if never again.
func (w *Window) Next(at time.Time) (time.Time, bool) {
	if w.calendar.rule == nil {
		return w.Start, w.Start.After(at)
	}
	next := w.calendar.rule.After(at, false)
	return next, !next.IsZero()
}

// Same reports whether w and o are the same window.
func (w *Window) Same(o *Window) bool {
	return w.Name == o.Name && w.Start.Equal(o.Start) && w.Rule == o.Rule && w.Duration == o.Duration
}

// calendar goes along a rule, and back to its begin when time goes back.
type calendar struct {
	rule *rrule.RRule // nil: there is the start alone

	mu       sync.Mutex
	next     rrule.Next
	last     time.Time // the latest start that was not after the last time that was asked of; zero: none
	upcoming time.Time // the one after it; zero: none
}

// latest returns the last start that is not after at; the zero Time if there is none.
func (c *calendar) latest(start, at time.Time) time.Time {
	if c.rule == nil {
		if at.Before(start) {
			return time.Time{}
		}
		return start
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil || at.Before(c.last) {
		c.next, c.last = c.rule.Iterator(), time.Time{}
		c.upcoming, _ = c.next()
	}
	for !c.upcoming.IsZero() && !at.Before(c.upcoming) {
		c.last = c.upcoming
		c.upcoming, _ = c.next()
	}
	return c.last
}
