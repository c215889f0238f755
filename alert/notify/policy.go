package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/alert/silence"
)

// Policy is when a receiver is told, and of what.
type Policy struct {
	// Feeds are what it is told of; an alert that several fit is told once for each distinct After.
	Feeds []Feed
	// GroupBy are the properties (those of a matcher) that alerts of one message have in common.
	GroupBy []string
	// GroupWait is how long the first alert of a group waits for others, GroupInterval the least time between two messages of a group.
	GroupWait, GroupInterval time.Duration
	// RepeatEvery is when it is reminded of what still fires and nobody has acknowledged; 0 is never.
	RepeatEvery time.Duration
	// NoResolved: it is not told of ends.
	NoResolved bool
	Rate       Rate
	// Most is how many transitions may wait; then the oldest are dropped. Less than 1 is 10,000.
	Most int
}

// Rate bounds the messages of a receiver: Messages at once, which come back within Per. The last of them, if more are due, is a digest of all
// that are. The zero Rate bounds nothing.
type Rate struct {
	Messages int
	Per      time.Duration
}

// Feed is alerts that a receiver is told of.
type Feed struct {
	Match silence.Matchers // none: all
	After time.Duration    // above 0: only what has fired for so long, and nobody has acknowledged by then
}

const defaultMost = 10000

func (p *Policy) most() int {
	if p.Most < 1 {
		return defaultMost
	}
	return p.Most
}

// feeds returns whether a is told at once, and after which times if nobody acknowledges it.
func (p *Policy) feeds(a *alert.Alert) (direct bool, after []time.Duration) {
	for i := range p.Feeds {
		f := &p.Feeds[i]
		if !f.Match.Match(a.Property) {
			continue
		}
		if f.After <= 0 {
			direct = true
		} else if !slices.Contains(after, f.After) {
			after = append(after, f.After)
		}
	}
	slices.Sort(after)
	return direct, after
}

// group returns what tells the group of a from others, and its name for people.
func (p *Policy) group(a *alert.Alert) (key, name string) {
	var values, said []string
	for _, property := range p.GroupBy {
		v := a.Property(property)
		values = append(values, fmt.Sprintf("%s=%q", property, v))
		if v != "" {
			said = append(said, v)
		}
	}
	return strings.Join(values, ","), strings.Join(said, ", ")
}

// Step says whom else to tell when nobody has acknowledged an alert for a time.
type Step struct {
	After time.Duration
	To    []string // names of receivers
}

// Route is what a receiver's configuration says of who is told.
type Route struct {
	Name  string
	Match silence.Matchers
	Steps []Step
}

// ErrEscalation is wrapped by errors about escalations that lead nowhere, or round in a circle.
var ErrEscalation = errors.New("escalation")

// Feeds returns the feeds of the receivers that have these routes, in their order. A receiver that others escalate to and that has no matchers of
// its own is told of nothing else. Steps add up: who is told after 15 minutes, and escalates after 30, escalates after 45.
func Feeds(routes []Route) ([][]Feed, error) {
	feeds := make([][]Feed, len(routes))
	index := map[string]int{}
	target := map[string]bool{}
	for i, r := range routes {
		index[r.Name] = i
		for _, s := range r.Steps {
			for _, to := range s.To {
				target[to] = true
			}
		}
	}
	var follow func(from int, f Feed, path []int) error
	follow = func(from int, f Feed, path []int) error {
		if slices.Contains(path, from) {
			return fmt.Errorf("%w: %q leads back to itself", ErrEscalation, routes[from].Name)
		}
		feeds[from] = append(feeds[from], f)
		for _, s := range routes[from].Steps {
			for _, to := range s.To {
				next, ok := index[to]
				if !ok {
					return fmt.Errorf("%w: %q names %q, which is no notifier", ErrEscalation, routes[from].Name, to)
				}
				if err := follow(next, Feed{Match: f.Match, After: f.After + s.After}, append(slices.Clone(path), from)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for i, r := range routes {
		if target[r.Name] && len(r.Match) == 0 {
			continue
		}
		if err := follow(i, Feed{Match: r.Match}, nil); err != nil {
			return nil, err
		}
	}
	for i, r := range routes {
		if len(feeds[i]) == 0 { // only in a circle that nobody outside leads into
			return nil, fmt.Errorf("%w: nothing leads to %q but itself", ErrEscalation, r.Name)
		}
	}
	return feeds, nil
}
