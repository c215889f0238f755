package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// point is a stored sample: milliseconds since 1970, and the value.
type point struct {
	t int64
	v float64
}

// read shows the series that matchers select, from and to included, with their points in order of time.
func (s *Store) read(ctx context.Context, from, to time.Time, show func(labels.Labels, []point), matchers ...*labels.Matcher) error {
	q, err := s.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return err
	}
	defer q.Close()
	hints := &storage.SelectHints{Start: from.UnixMilli(), End: to.UnixMilli(), DisableTrimming: true}
	set := q.Select(ctx, false, hints, matchers...)
	var it chunkenc.Iterator
	most := 0 // of one series; the others have about as many
	for set.Next() {
		it = set.At().Iterator(it)
		points := make([]point, 0, most)
		for it.Next() == chunkenc.ValFloat {
			t, v := it.At()
			if t >= hints.Start && t <= hints.End && !value.IsStaleNaN(v) {
				points = append(points, point{t, v})
			}
		}
		if err := it.Err(); err != nil {
			return fmt.Errorf("store: reading %s: %w", set.At().Labels(), err)
		}
		most = max(most, len(points))
		show(set.At().Labels(), points)
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("store: reading: %w", err)
	}
	return ctx.Err()
}

// merged adds more to points and returns them in order of time, of each moment the first.
func merged(points, more []point) []point {
	if len(points) == 0 {
		return more
	}
	points = append(points, more...)
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.t, b.t) })
	return slices.CompactFunc(points, func(a, b point) bool { return a.t == b.t })
}

func equal(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, name, value)
}

// named selects metrics of the names, which need no quoting.
func named(names []string) *labels.Matcher {
	expression := ""
	for i, n := range names {
		if i > 0 {
			expression += "|"
		}
		expression += n
	}
	return labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, expression)
}

// interfaceOf returns what GraphQuery.Interface says of a series' interface.
func interfaceOf(l labels.Labels) string { return cmp.Or(l.Get("ifName"), l.Get("ifDescr")) }

// ofInterface selects the series of an interface of a device, or of all if it has neither name nor index. Those with the name as ifDescr are among them
// whatever their ifName is.
func ofInterface(device, name string, index int64) [][]*labels.Matcher {
	if name == "" && index == 0 {
		return [][]*labels.Matcher{{equal("device", device)}}
	}
	of := [][]*labels.Matcher{{equal("device", device), equal("ifName", ""), equal("ifDescr", name)}}
	if name != "" {
		of = slices.Insert(of, 0, []*labels.Matcher{equal("device", device), equal("ifName", name)})
	}
	if index != 0 {
		for i := range of {
			of[i] = append(of[i], equal("ifIndex", strconv.FormatInt(index, 10)))
		}
	}
	return of
}

// typical returns the median of what consecutive times are apart, in milliseconds; 0 of fewer than two.
func typical(times []int64) int64 {
	if len(times) < 2 {
		return 0
	}
	apart := make([]int64, 0, len(times)-1)
	for i := 1; i < len(times); i++ {
		apart = append(apart, times[i]-times[i-1])
	}
	return median(apart)
}

// median returns the middle one of values, which it sorts; 0 if there are none.
func median(values []int64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
