package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
)

// TestTimes: samples are stored with times of whole tenths of a second, never earlier than they were polled.
func TestTimes(t *testing.T) {
	s := open(t, store.Options{})
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	var batch []metric.Sample
	for i, late := range []time.Duration{100 * time.Millisecond, 103 * time.Millisecond, 199*time.Millisecond + 999*time.Microsecond, 0} {
		batch = append(batch, port("ge-0", at.Add(time.Duration(i)*30*time.Second+late), 10, counter.OK))
	}
	mustExport(t, s.Exporter(), batch)
	q, err := s.Querier(at.UnixMilli(), at.Add(time.Hour).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var got []int64
	for set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "ifHCInOctets_rate")); set.Next(); {
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			ms, _ := it.At()
			got = append(got, ms-at.UnixMilli())
		}
	}
	if diff := cmp.Diff([]int64{100, 30_200, 60_200, 90_000}, got); diff != "" {
		t.Errorf("milliseconds (-want +got):\n%s", diff)
	}
}
