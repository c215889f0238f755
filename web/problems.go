package web

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// mostProblems is how many are remembered.
const mostProblems = 100

// Problems remembers the last warnings and errors of a log, and hands all of it on.
type Problems struct {
	mu   sync.Mutex
	list []Problem // the oldest first
}

// Handler returns a slog.Handler that notes what goes to next.
func (p *Problems) Handler(next slog.Handler) slog.Handler { return noting{next, p, "", ""} }

// Last returns them, the newest first.
func (p *Problems) Last() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(p.list)
	slices.Reverse(out)
	if out == nil {
		return []Problem{}
	}
	return out
}

func (p *Problems) add(x Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) == mostProblems {
		p.list = slices.Delete(p.list, 0, 1)
	}
	p.list = append(p.list, x)
}

// noting is a slog.Handler.
type noting struct {
	slog.Handler
	problems      *Problems
	group, before string // what WithGroup and WithAttrs have added
}

// Handle implements slog.Handler.
func (h noting) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		var text strings.Builder
		text.WriteString(r.Message + h.before)
		r.Attrs(func(a slog.Attr) bool {
			text.WriteString(attr(h.group, a))
			return true
		})
		h.problems.add(Problem{At: r.Time, Level: r.Level.String(), Text: Text(text.String())})
	}
	return h.Handler.Handle(ctx, r)
}

func attr(group string, a slog.Attr) string { // a secret's LogValue is its mask
	return fmt.Sprintf(" %s%s=%v", group, a.Key, a.Value.Resolve())
}

// WithAttrs implements slog.Handler.
func (h noting) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		h.before += attr(h.group, a)
	}
	return h
}

// WithGroup implements slog.Handler.
func (h noting) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	h.group += name + "."
	return h
}
