// Package notify has the notifiers that alert.Manager delivers to.
package notify

import (
	"context"
	"log/slog"

	"walkabout/alert"
)

// Log is an alert.Notifier that writes one record a transition to a logger: a warning for an alert that fires, an
// information for its end.
type Log struct {
	name string
	log  *slog.Logger
}

// NewLog returns a Log called name in the state file.
func NewLog(name string, log *slog.Logger) *Log { return &Log{name: name, log: log} }

// Name implements alert.Notifier.
func (l *Log) Name() string { return l.name }

// Notify implements alert.Notifier; it never fails.
func (l *Log) Notify(ctx context.Context, ts []alert.Transition) error {
	for _, t := range ts {
		level := slog.LevelInfo
		if t.State == alert.Firing {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{
			slog.String("state", t.State.String()), slog.String("summary", t.Summary), slog.String("device", t.Device),
			slog.String("rule", t.Rule), slog.String("kind", t.Kind), slog.Time("since", t.Since), slog.String("id", t.ID),
		}
		if t.Key != "" {
			attrs = append(attrs, slog.String("key", t.Key))
		}
		if t.Reason != "" {
			attrs = append(attrs, slog.String("reason", string(t.Reason)))
		}
		if t.Flapping {
			attrs = append(attrs, slog.Bool("flapping", true))
		}
		l.log.LogAttrs(ctx, level, "alert", attrs...)
	}
	return nil
}
