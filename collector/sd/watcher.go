package sd

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"walkabout/internal/statedir"
)

// fetchTimeout bounds a fetch, of whatever kind.
const fetchTimeout = 30 * time.Second

// Options of a Watcher.
type Options struct {
	Name    string // for logs and metrics
	Source  Source
	Refresh time.Duration // from one fetch to the next; above 0
	Path    string        // where the last list is kept over a restart; "" is nowhere
	Logger  *slog.Logger
	Changed func() // called by Run when Groups are others than before; it must not block
}

// Watcher fetches a source's list again and again, and keeps the last one that was right.
type Watcher struct {
	options Options
	fetched time.Time // the last fetch, of Prime or Run

	mu     sync.Mutex
	groups []Group // nil: never known
	stats  Stats
}

// Stats is what happened to a source.
type Stats struct {
	Source            string
	Targets           int // in its list
	Fetches, Failures uint64
	LastSuccess       time.Time // zero: never by this process
	Err               string    // of the last fetch
}

// NewWatcher returns a Watcher that knows nothing yet.
func NewWatcher(o Options) *Watcher {
	return &Watcher{options: o, stats: Stats{Source: o.Name}}
}

// Prime fetches once, before Run. Where that fails, the list of the run before is taken, if one was kept.
func (w *Watcher) Prime(ctx context.Context) {
	w.fetch(ctx)
	if w.Groups() != nil {
		return
	}
	groups, err := w.restore()
	if err != nil {
		w.options.Logger.Warn("the kept list of targets cannot be read", "source", w.options.Name, "err", err)
		return
	}
	if groups != nil {
		w.options.Logger.Warn("the list of targets is that of the run before", "source", w.options.Name, "targets", count(groups))
		w.set(groups)
	}
}

// Run fetches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	timer := time.NewTimer(max(0, w.options.Refresh-time.Since(w.fetched)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if w.fetch(ctx) {
			w.options.Changed()
		}
		timer.Reset(w.options.Refresh)
	}
}

// Groups returns the last list that was right, nil if there never was one. It is nobody's to change.
func (w *Watcher) Groups() []Group {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.groups
}

// Stats returns what happened since the Watcher was made.
func (w *Watcher) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Targets = count(w.groups)
	return s
}

// fetch reports whether the list is another than before.
func (w *Watcher) fetch(ctx context.Context) (changed bool) {
	limited, cancel := context.WithTimeout(ctx, fetchTimeout)
	groups, err := w.options.Source.Fetch(limited)
	cancel()
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	w.fetched = time.Now()
	w.note(err)
	if groups == nil || equal(groups, w.Groups()) {
		return false
	}
	w.set(groups)
	if err := w.keep(groups); err != nil {
		w.options.Logger.Warn("the list of targets cannot be kept for the next start", "source", w.options.Name, "err", err)
	}
	return true
}

// note counts a fetch. A failure is logged when it is another than that before, and so is its end.
func (w *Watcher) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.stats.Err
	w.stats.Fetches++
	w.stats.Err = ""
	if err != nil {
		w.stats.Failures++
		w.stats.Err = err.Error()
	} else {
		w.stats.LastSuccess = time.Now()
	}
	switch {
	case w.stats.Err == before:
	case err == nil:
		w.options.Logger.Info("the list of targets is had again", "source", w.options.Name)
	default:
		w.options.Logger.Warn("the list of targets cannot be had, at least in part; the last one goes on", "source", w.options.Name, "targets", count(w.groups), "err", err)
	}
}

func (w *Watcher) set(groups []Group) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups = groups
}

// restore returns the list that keep has written, nil if there is none.
func (w *Watcher) restore() ([]Group, error) {
	if w.options.Path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(w.options.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseJSON(text)
}

// keep writes the list so that there is always a whole one.
func (w *Watcher) keep(groups []Group) error {
	if w.options.Path == "" {
		return nil
	}
	text, err := json.Marshal(groups)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.options.Path), 0o700); err != nil {
		return err
	}
	return statedir.Replace(w.options.Path, text)
}
