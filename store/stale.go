package store

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"walkabout/metric"
)

// staleness remembers which series the last poll of each device wrote. One that the next does not bring gets a staleness marker at that poll, as Prometheus
// gives it to what a scrape does not find: else a query of the moment would show it for five minutes more, a renamed interface twice and a silent device
// as if it were there. It is for one goroutine.
//
// Polls that waited and come behind newer ones mark nothing, and neither does the first poll after the database was opened.
type staleness struct{ devices map[string]*polledDevice }

// polledDevice is a device as its last poll left it.
type polledDevice struct {
	at           time.Time                 // of that poll; zero until the first has ended
	begun        time.Time                 // until then, of the one whose series are noted
	measurements map[string]*writtenSeries // by name
}

// writtenSeries are the series of one measurement of a device.
type writtenSeries struct {
	last []storage.SeriesRef // by the last poll that had the measurement whole
	same int                 // so many of last came again in the same order, in the present poll
	more []storage.SeriesRef // that came behind these
}

func newStaleness() *staleness { return &staleness{devices: map[string]*polledDevice{}} }

// of returns what is to be told of the series of s; nil if nothing is: it is of no device, or older than the device's last poll.
func (st *staleness) of(s *metric.Sample) *writtenSeries {
	name := deviceOf(s)
	if name == "" {
		return nil
	}
	d := st.device(name)
	if d.at.IsZero() && !s.At.Equal(d.begun) { // the samples that end polls may be filtered out: no more than one poll is noted
		clear(d.measurements)
		d.begun = s.At
	}
	if !s.At.After(d.at) {
		return nil
	}
	w := d.measurements[s.Measurement]
	if w == nil {
		w = &writtenSeries{}
		d.measurements[strings.Clone(s.Measurement)] = w
	}
	return w
}

// device returns what is known of the device, from now on at least its name.
func (st *staleness) device(name string) *polledDevice {
	d := st.devices[name]
	if d == nil {
		d = &polledDevice{measurements: map[string]*writtenSeries{}}
		st.devices[strings.Clone(name)] = d
	}
	return d
}

// deviceOf returns the tag device; "" if there is none.
func deviceOf(s *metric.Sample) string {
	i, ok := slices.BinarySearchFunc(s.Tags, "device", func(t metric.Tag, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return ""
	}
	return s.Tags[i].Value
}

// polled ends the poll that the sample of metric.PollMeasurement is about, which comes behind all others of its poll: it marks in app what is not there any more;
// all of a device that is no target any more.
func (st *staleness) polled(app storage.Appender, s *metric.Sample) {
	name := deviceOf(s)
	if name == "" {
		return
	}
	d := st.device(name)
	if !s.At.After(d.at) {
		return
	}
	d.at = s.At
	answered, removed, complete := false, false, []string(nil)
	for _, f := range s.Fields {
		switch f.Name {
		case metric.PollUp:
			answered = f.Num != 0
		case metric.PollGone:
			removed = true
		case metric.PollComplete:
			complete = strings.Split(f.Str, "\n")
		}
	}
	for name, w := range d.measurements {
		if removed { // a poll that was under way may have come in part
			w.last, w.same, w.more = append(w.last, w.more...), 0, nil
		}
		gone := w.end(!answered || name == metric.PollMeasurement || slices.Contains(complete, name))
		for _, ref := range gone {
			// A series that the database has forgotten meanwhile needs no marker, and what else fails is not worth a sample's rejection.
			_, _ = app.Append(ref, labels.EmptyLabels(), s.At.UnixMilli(), math.Float64frombits(value.StaleNaN))
		}
	}
	if removed {
		delete(st.devices, name)
	}
}

// forget forgets devices whose last poll is far from now. Their series are not in memory any more.
func (st *staleness) forget(now time.Time) {
	for name, d := range st.devices {
		if now.Sub(d.at).Abs() > 2*sweepEvery {
			delete(st.devices, name)
		}
	}
}

// wrote says that the series got a sample. w may be nil.
func (w *writtenSeries) wrote(ref storage.SeriesRef) {
	switch {
	case w == nil:
	case w.more == nil && w.same < len(w.last) && w.last[w.same] == ref: // as at most polls: nothing to note
		w.same++
	default:
		w.more = append(w.more, ref)
	}
}

// end ends a poll, and returns the series that are gone if it had the measurement whole.
func (w *writtenSeries) end(whole bool) (gone []storage.SeriesRef) {
	if w.same == len(w.last) && w.more == nil {
		w.same = 0
		return nil
	}
	came := make(map[storage.SeriesRef]bool, len(w.more))
	for _, ref := range w.more {
		came[ref] = true
	}
	missed := slices.DeleteFunc(slices.Clone(w.last[w.same:]), func(ref storage.SeriesRef) bool { return came[ref] })
	now := slices.Concat(w.last[:w.same], w.more)
	if !whole {
		now, missed = append(now, missed...), nil
	}
	w.last, w.same, w.more = slices.Clip(now), 0, nil
	return missed
}
