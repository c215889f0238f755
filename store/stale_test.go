package store_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
	"walkabout/store/promapi"
)

// TestStale: a query of the moment shows what the last poll brought, and nothing from before. Columns are polls, half a minute apart.
func TestStale(t *testing.T) {
	const all = "interface\nother"
	type poll struct {
		ports    []string
		packets  counter.Verdict // on those of the ports
		other    bool            // there is a sample of another measurement
		complete string
		down     bool
		late     time.Duration // the poll is of so much before
		extra    bool          // it is none of the schedule
		removed  bool          // the device is no target any more
		second   bool          // there was but one poll before, which gave no rates
	}
	steady := poll{ports: []string{"a", "b"}, packets: counter.OK, other: true, complete: all}
	both := []string{`{__name__="ifInUcastPkts_rate", ifName="a"}`, `{__name__="ifInUcastPkts_rate", ifName="b"}`, `{__name__="ifOperStatus", ifName="a"}`,
		`{__name__="ifOperStatus", ifName="b"}`, `{__name__="other"}`, `{__name__="snmp_poll_up"}`}
	for name, test := range map[string]struct {
		last poll
		want []string
	}{
		"nothing changed":          {steady, both},
		"in another order":         {poll{ports: []string{"b", "a"}, packets: counter.OK, other: true, complete: all}, both},
		"a port was removed":       {poll{ports: []string{"b"}, packets: counter.OK, other: true, complete: all}, []string{both[1], both[3], both[4], both[5]}},
		"all ports were removed":   {poll{other: true, complete: all}, both[4:]},
		"another table is not due": {poll{ports: []string{"a", "b"}, packets: counter.OK, complete: "interface"}, both},
		"the walk broke off":       {poll{ports: []string{"a"}, packets: counter.OK, other: true, complete: "other"}, both},
		"no rate": {poll{ports: []string{"a", "b"}, packets: counter.Reset, other: true, complete: all},
			append(slices.Clone(both[2:]), `{__name__="snmp_rate_absent", counter="ifInUcastPkts", ifName="a", verdict="reset"}`, `{__name__="snmp_rate_absent", counter="ifInUcastPkts", ifName="b", verdict="reset"}`)},
		"the second poll":                       {poll{ports: []string{"a", "b"}, packets: counter.OK, other: true, complete: all, second: true}, both},
		"a port was removed at the second poll": {poll{ports: []string{"b"}, packets: counter.OK, other: true, complete: all, second: true}, []string{both[1], both[3], both[4], both[5]}},
		"no answer":                             {poll{down: true}, both[5:]},
		"the target was removed":                {poll{removed: true}, nil},
		"removed in mid-poll":                   {poll{ports: []string{"b", "c"}, packets: counter.OK, removed: true}, nil},
		"a late poll marks nothing":             {poll{down: true, late: time.Hour}, both},
		"a poll of one port":                    {poll{ports: []string{"a"}, packets: counter.OK, extra: true}, both},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := store.Open(store.Options{Dir: t.TempDir(), Logger: silent})
				if err != nil {
					t.Fatal(err)
				}
				e := s.Exporter()
				before := []poll{steady, steady, steady}
				if test.last.second {
					before = []poll{{ports: []string{"a", "b"}, packets: counter.First, other: true, complete: all}}
				}
				for _, p := range append(before, test.last) {
					time.Sleep(every)
					at := time.Now().Add(-p.late)
					var batch []metric.Sample
					for _, name := range p.ports {
						batch = append(batch, port(name, at, 1, p.packets))
					}
					tags := []metric.Tag{{Name: "device", Value: "core1"}}
					if p.other {
						batch = append(batch, metric.Sample{Measurement: "other", At: at, Tags: tags, Fields: []metric.Field{{Name: "other", Kind: metric.Integer}}})
					}
					up := metric.Field{Name: metric.PollUp, Kind: metric.Integer, Num: 1}
					if p.down {
						up.Num = 0
					}
					if p.removed {
						batch = append(batch, metric.Sample{Measurement: metric.PollMeasurement, At: at.Add(time.Millisecond), Tags: tags,
							Fields: []metric.Field{{Name: metric.PollGone, Kind: metric.Boolean, Num: 1}}})
					} else if !p.extra {
						batch = append(batch, metric.Sample{Measurement: metric.PollMeasurement, At: at, Tags: tags,
							Fields: []metric.Field{up, {Name: metric.PollComplete, Kind: metric.String, Str: p.complete}}})
					}
					for i := range batch { // as the exporter's batches may end anywhere
						mustExport(t, e, batch[i:i+1])
					}
				}
				time.Sleep(time.Second)
				if diff := cmp.Diff(test.want, now(t, s, `sum by (__name__, ifName, verdict, counter) ({__name__=~"ifOperStatus|ifInUcastPkts_rate|other|snmp_.*"})`)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// now returns the labels of what a query finds at this moment, sorted.
func now(t *testing.T, s *store.Store, query string) []string {
	t.Helper()
	q, err := promapi.NewEngine(0, time.Minute, 1000, silent).NewInstantQuery(t.Context(), s, nil, query, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	found, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, sample := range found {
		out = append(out, sample.Metric.String())
	}
	slices.Sort(out)
	return out
}
