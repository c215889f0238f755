package store

import (
	"sync"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

// appender holds the database open until its end.
type appender struct {
	storage.Appender
	done func()
	once sync.Once
}

// Commit writes what was appended.
func (a *appender) Commit() error {
	defer a.once.Do(a.done)
	return a.Appender.Commit()
}

// Rollback drops it.
func (a *appender) Rollback() error {
	defer a.once.Do(a.done)
	return a.Appender.Rollback()
}

// noAppender is that of a Store that is closed.
type noAppender struct{ err error }

func (a noAppender) Append(storage.SeriesRef, labels.Labels, int64, float64) (storage.SeriesRef, error) {
	return 0, a.err
}

func (a noAppender) AppendExemplar(storage.SeriesRef, labels.Labels, exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, a.err
}

func (a noAppender) AppendHistogram(storage.SeriesRef, labels.Labels, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, a.err
}

func (a noAppender) AppendHistogramSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, a.err
}

func (a noAppender) AppendSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64) (storage.SeriesRef, error) {
	return 0, a.err
}

func (a noAppender) UpdateMetadata(storage.SeriesRef, labels.Labels, metadata.Metadata) (storage.SeriesRef, error) {
	return 0, a.err
}

func (noAppender) SetOptions(*storage.AppendOptions) {}

func (a noAppender) Commit() error { return a.err }
func (noAppender) Rollback() error { return nil }
