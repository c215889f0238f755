package store

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/storage"

	"walkabout/exporters/series"
)

// refs remembers by which references the database knows the series of rows, so that labels need not be put together and looked up for each sample. A
// reference holds for as long as the database is open, or until its series has had no sample for some hours.
type refs struct {
	rows   map[string]*rowRefs // by the row's labels
	key    []byte              // used again
	names  []string            // those of the last row that was new: most rows have the same
	period uint32              // counts up with each sweep
	swept  time.Time
}

// rowRefs are the references of a row's metrics, in the order in which the mapper shows them.
type rowRefs struct {
	refs  []storage.SeriesRef
	names []string // of the metrics; shared among rows, so that it is not written to
	used  uint32
}

// sweepEvery is how often rows that did not come any more are forgotten.
const sweepEvery = time.Hour

func newRefs() *refs { return &refs{rows: map[string]*rowRefs{}, swept: time.Now()} }

// row returns what is known of the row with these labels.
func (r *refs) row(labels []series.Label) *rowRefs {
	r.key = r.key[:0]
	for _, l := range labels {
		r.key = append(append(append(append(r.key, l.Name...), 0xff), l.Value...), 0xff) // which is in no UTF-8
	}
	known := r.rows[string(r.key)]
	if known == nil {
		known = &rowRefs{}
		r.rows[string(r.key)] = known
	}
	known.used = r.period
	return known
}

// find returns the reference of the row's metric number n, which is of the name; 0 if it is not known.
func (w *rowRefs) find(n int, name string) storage.SeriesRef {
	if n < len(w.refs) && w.names[n] == name {
		return w.refs[n]
	}
	return 0
}

// learn takes note of the reference of the row's metric number n, of which all before are known.
func (r *refs) learn(w *rowRefs, n int, name string, ref storage.SeriesRef) {
	if n < len(w.refs) {
		w.refs[n] = ref
		if w.names[n] != name {
			w.names = slices.Clone(w.names)
			w.names[n] = name
		}
		return
	}
	w.refs = append(w.refs, ref)
	if n < len(r.names) && r.names[n] == name && slices.Equal(w.names, r.names[:n]) {
		w.names = r.names[:n+1]
		return
	}
	w.names = append(slices.Clip(w.names), name)
	r.names = w.names
}

// sweep forgets rows that did not come for an hour or two; false if it was not time yet.
func (r *refs) sweep(now time.Time) bool {
	if now.Sub(r.swept) < sweepEvery {
		return false
	}
	for key, w := range r.rows {
		if w.used+1 < r.period {
			delete(r.rows, key)
		}
	}
	r.swept = now
	r.period++
	return true
}
