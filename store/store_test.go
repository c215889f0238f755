package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
)

var silent = slog.New(slog.DiscardHandler)

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Logger == nil {
		o.Logger = silent
	}
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// port is what a poll brings of one port of core1: octets with a rate of n a second and packets that have the verdict.
func port(name string, at time.Time, n uint64, packets counter.Verdict) metric.Sample {
	return metric.Sample{Measurement: "interface", At: at,
		Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example"}, {Name: "ifDescr", Value: "Port " + name}, {Name: "ifName", Value: name}},
		Fields: []metric.Field{
			{Name: "ifIndex", Kind: metric.Integer, Num: 7},
			{Name: "ifHCInOctets", Kind: metric.Counter64, Num: n * uint64(at.Unix()), Rate: float64(n), Verdict: counter.OK},
			{Name: "ifInOctets", Kind: metric.Counter32, Num: uint64(uint32(n * uint64(at.Unix()))), Verdict: counter.Ambiguous},
			{Name: "ifInUcastPkts", Kind: metric.Counter32, Num: 5, Rate: 3, Verdict: packets},
			{Name: "ifOperStatus", Kind: metric.Integer, Num: 1},
			{Name: "ifHighSpeed", Kind: metric.Unsigned, Num: 1000},
			{Name: "ifSpeed", Kind: metric.Unsigned, Num: 1e9},
			{Name: "rate_seconds", Kind: metric.Float, Num: 0x403e000000000000}, // 30
		}}
}

// stored returns all samples from before until after, as "series value@seconds".
func stored(t testing.TB, q storage.Queryable, from, to time.Time, matchers ...*labels.Matcher) []string {
	t.Helper()
	querier, err := q.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer querier.Close()
	if len(matchers) == 0 {
		matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")}
	}
	var out []string
	for set := querier.Select(context.Background(), true, nil, matchers...); ; {
		if !set.Next() {
			if set.Err() != nil {
				t.Fatal(set.Err())
			}
			return out
		}
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			out = append(out, fmt.Sprintf("%s %v@%d", set.At().Labels(), v, at/1000-from.Unix()))
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
}

// TestSeries: what a row becomes.
func TestSeries(t *testing.T) {
	s := open(t, store.Options{})
	at := time.Now().Truncate(time.Second)
	if err := s.Exporter().Export(t.Context(), []metric.Sample{port("ge-0", at, 10, counter.Reset)}); err != nil {
		t.Fatal(err)
	}
	of := `device="core1", ifDescr="Port ge-0", ifIndex="7", ifName="ge-0", instance="192.0.2.1"`
	want := []string{
		`{__name__="ifHCInOctets", ` + of + `} ` + fmt.Sprint(float64(10*at.Unix())) + `@0`,
		`{__name__="ifHCInOctets_rate", ` + of + `} 10@0`,
		`{__name__="ifHighSpeed", ` + of + `} 1000@0`,
		`{__name__="ifInUcastPkts", ` + of + `} 5@0`,
		`{__name__="ifOperStatus", ` + of + `} 1@0`,
		`{__name__="rate_seconds", ` + of + `} 30@0`,
		`{__name__="snmp_rate_absent", counter="ifInUcastPkts", ` + of + `, verdict="reset"} 1@0`,
	}
	if diff := cmp.Diff(want, stored(t, s, at, at)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
