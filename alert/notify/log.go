package notify

import (
	"context"
	"log/slog"

	"walkabout/alert"
)

// Log is a Sender that writes one record a transition to a logger: a warning for an alert that fires, an information for its end.
type Log struct{ log *slog.Logger }

// NewLog returns a Log.
func NewLog(log *slog.Logger) *Log { return &Log{log: log} }

// Send implements Sender; it never fails.
func (l *Log) Send(ctx context.Context, m *Message) error {
	for i := range m.Items {
		t := &m.Items[i]
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
		if t.Why != News {
			attrs = append(attrs, slog.String("why", string(t.Why)))
		}
		if m.Test {
			attrs = append(attrs, slog.Bool("test", true))
		}
		l.log.LogAttrs(ctx, level, "alert", attrs...)
	}
	return nil
}

// Preview implements Sender.
func (l *Log) Preview(m *Message) (string, error) {
	text := ""
	for i := range m.Items {
		text += "alert " + m.Items[i].State.String() + ": " + Clean(m.Items[i].Summary) + "\n"
	}
	return text, nil
}

// Close implements Sender.
func (l *Log) Close() {}
