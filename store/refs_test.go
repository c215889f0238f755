package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
)

// TestChangingRows: each value is in its own series, whatever rows have from poll to poll.
func TestChangingRows(t *testing.T) {
	s := open(t, store.Options{})
	e := s.Exporter()
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]bool{}
	for i := range 50 {
		at := begin.Add(time.Duration(i) * time.Second)
		var batch []metric.Sample
		for r := range 4 {
			sample := metric.Sample{Measurement: "m", At: at, Tags: []metric.Tag{{Name: "device", Value: fmt.Sprint("d", r/2)}, {Name: "row", Value: fmt.Sprint(r)}}}
			for f := range 6 {
				if random.IntN(3) > 0 {
					n := random.Uint64N(1000)
					sample.Fields = append(sample.Fields, metric.Field{Name: fmt.Sprint("f", f), Kind: metric.Integer, Num: n})
					want[fmt.Sprintf(`{__name__="f%d", device="d%d", row="%d"} %d@%d`, f, r/2, r, n, i)] = true
				}
			}
			if len(sample.Fields) > 0 {
				batch = append(batch, sample)
			}
		}
		mustExport(t, e, batch)
	}
	got := stored(t, s, begin, begin.Add(time.Hour))
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestReturn: a row that comes again after hours, of which the database knows nothing in memory any more, goes on.
func TestReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: t.TempDir(), Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		want := 0
		for i := range 60 {
			batch := []metric.Sample{port("stays", time.Now(), 1, counter.OK)}
			if i == 0 || i%21 == 0 {
				batch = append(batch, port("returns", time.Now(), 2, counter.OK))
			}
			mustExport(t, e, batch)
			want += len(batch)
			time.Sleep(11 * time.Minute)
		}
		if n := len(states(t, s)); n != want {
			t.Errorf("%d samples, want %d", n, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
