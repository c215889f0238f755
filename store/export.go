package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"walkabout/exporters"
	"walkabout/exporters/series"
	"walkabout/metric"
)

// Exporter writes samples into a Store, as an output does. It is for one goroutine. Make one with Store.Exporter.
type Exporter struct {
	store   *Store
	mapper  *mapper
	builder labels.ScratchBuilder
	scratch labels.Labels
	synced  synced

	described map[string]bool // metrics
	refs      *refs           // of the database that is open
	stale     *staleness      // of it as well
	written   *writtenSeries  // those of the sample that is appended
	appended  uint64          // samples, with those that were not committed
	// unsure is that a write failed half-way: what the log has may not be what the memory has, so that it is read anew before anything is acknowledged.
	unsure bool
	behind time.Time // since when the clock is behind what is stored; zero if it is not
}

// Exporter returns the one Exporter of the Store. Its Close leaves the Store open.
func (s *Store) Exporter() *Exporter {
	return &Exporter{store: s, mapper: newMapper(s.options), builder: labels.NewScratchBuilder(16), synced: unsynced, described: map[string]bool{}, refs: newRefs(),
		stale: newStaleness()}
}

// Close implements exporters.Exporter.
func (e *Exporter) Close() error { return nil }

// Export implements exporters.Exporter: what it returns nil for survives a loss of power. Samples that are older than the newest by more than
// Options.Window, that are more than an hour of the future, that have a series beyond Options.MaxSeries, or another value than the one that is stored
// of their moment, are rejected. One that is stored already is taken.
func (e *Exporter) Export(ctx context.Context, batch []metric.Sample) error {
	if err := e.ready(); err != nil {
		return err
	}
	db, err := e.store.use()
	if err != nil {
		return &exporters.RetryError{Reason: "opening", Err: err}
	}
	defer e.store.done()
	rejects, err := e.write(ctx, db, batch)
	if err != nil {
		return err
	}
	if err := e.synced.sync(e.store.options.Dir); err != nil {
		e.unsure = true // after a failed fsync nobody knows what of the file is on disk
		return e.failed(err)
	}
	return rejects.Partial()
}

// openingRetry is how often it is tried whether the database is there.
const openingRetry = time.Second

// ready prepares the database for the next write.
func (e *Exporter) ready() error {
	select {
	case <-e.store.opened:
	default:
		return &exporters.RetryError{Reason: "opening", After: openingRetry, Usual: true, Err: ErrOpening}
	}
	if _, err := e.store.use(); err == nil {
		e.store.done()
	} else if errors.Is(err, ErrOpening) {
		e.unsure = true // the last attempt failed
	}
	if err := e.store.room(); err != nil { // what is stored can be read on
		return e.failed(err)
	}
	if !e.unsure {
		return e.checkClock()
	}
	if err := e.reopen(nil); err != nil {
		return e.failed(err)
	}
	return e.checkClock()
}

// reopen closes the database, calls change if it is not nil, and opens what is there then.
func (e *Exporter) reopen(change func(db *tsdb.DB) error) error {
	s := e.store
	db := s.seize()
	var err error
	if db != nil {
		if change != nil {
			err = change(db)
		}
		err = errors.Join(err, db.Close())
	}
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended {
		return errors.Join(err, ErrClosed)
	}
	if err != nil {
		s.log.Warn("the database could not be closed cleanly; it is opened anew", "err", err)
	}
	if err := s.open(); err != nil {
		e.unsure = true
		return err
	}
	e.unsure, e.synced, e.refs, e.stale = false, unsynced, newRefs(), newStaleness()
	return nil
}

// write commits what of the batch can be stored.
func (e *Exporter) write(ctx context.Context, db *tsdb.DB, batch []metric.Sample) (rejects exporters.Rejects, err error) {
	app := db.Appender(ctx)
	now := time.Now()
	if e.refs.sweep(now) {
		e.stale.forget(now)
	}
	latest := now.Add(aheadMost)
	before := e.appended
	for i := range batch {
		if batch[i].At.After(latest) {
			rejects.Add(i, fmt.Errorf("store: %v is in the future", batch[i].At))
			continue
		}
		if err := e.append(app, &batch[i]); err != nil {
			rejects.Add(i, fmt.Errorf("store: %w", err))
		}
		if batch[i].Measurement == metric.PollMeasurement {
			e.stale.polled(app, &batch[i])
		}
	}
	if err := ctx.Err(); err != nil {
		e.stale = newStaleness() // the polls come again
		return rejects, errors.Join(err, app.Rollback())
	}
	if err := app.Commit(); err != nil {
		e.unsure = true
		return rejects, e.failed(err)
	}
	e.store.samples.Add(e.appended - before)
	return rejects, nil
}

// append adds the points of s; the error is about the first that cannot be stored, the others are.
func (e *Exporter) append(app storage.Appender, s *metric.Sample) error {
	var first error
	var row *rowRefs
	e.written = e.stale.of(s)
	n := 0 // of the points that have no label of their own
	e.mapper.each(s, func(r *series.Row, p *series.Point) {
		if p.Label.Name != "" {
			if _, err := e.appendNamed(app, r, p); err != nil && first == nil {
				first = err
			}
			return
		}
		if row == nil {
			row = e.refs.row(r.Labels)
		}
		number := n
		n++
		if ref := row.find(number, p.Name); ref != 0 {
			if _, err := app.Append(ref, labels.EmptyLabels(), r.At.UnixMilli(), p.Value); err == nil {
				e.appended++
				e.written.wrote(ref)
				return
			}
		}
		ref, err := e.appendNamed(app, r, p)
		switch {
		case err != nil && first == nil:
			first = err
		case err == nil && number <= len(row.refs):
			e.refs.learn(row, number, p.Name, ref)
		}
	})
	return first
}

// appendNamed adds a point by its labels, and returns the reference of its series.
func (e *Exporter) appendNamed(app storage.Appender, row *series.Row, p *series.Point) (storage.SeriesRef, error) {
	e.describe(p)
	e.labels(row, p)
	var ref storage.SeriesRef
	lset := e.scratch
	if find, ok := app.(storage.GetRef); ok {
		ref, lset = find.GetRef(e.scratch, e.scratch.Hash())
	}
	if ref == 0 {
		lset = e.scratch.Copy() // the database keeps it
	}
	ref, err := app.Append(ref, lset, row.At.UnixMilli(), p.Value)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", lset, err)
	}
	e.appended++
	e.written.wrote(ref)
	return ref, nil
}

// maxMetrics bounds what is remembered of metrics. There are some hundreds; profiles decide on them, not devices.
const maxMetrics = 10_000

// describe remembers what is known of a metric.
func (e *Exporter) describe(p *series.Point) {
	if e.described[p.Name] || len(e.described) >= maxMetrics {
		return
	}
	name := strings.Clone(p.Name)
	e.described[name] = true
	e.store.metaMu.Lock()
	defer e.store.metaMu.Unlock()
	e.store.meta[name] = Metadata{p.Type, p.Help}
}

// labels makes e.scratch the labels of p.
func (e *Exporter) labels(row *series.Row, p *series.Point) {
	b := &e.builder
	b.Reset()
	b.Add(model.MetricNameLabel, p.Name)
	for _, l := range row.Labels {
		b.Add(l.Name, l.Value)
	}
	if p.Label.Name != "" {
		b.Add(p.Label.Name, p.Label.Value)
	}
	b.Sort()
	b.Overwrite(&e.scratch)
}

// failed says that the disk, or what is on it, is at fault.
func (e *Exporter) failed(err error) error {
	return &exporters.RetryError{Reason: "disk", Err: fmt.Errorf("store: writing to %s: %w", e.store.options.Dir, err)}
}
