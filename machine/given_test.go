package machine_test

import (
	"errors"
	"testing"
	"time"

	"walkabout/machine"
)

func TestGiven(t *testing.T) {
	asked := 0
	m := machine.NewGiven(machine.Given{
		Stats: func(time.Time) (*machine.Stats, error) {
			asked++
			return machine.NewStats(true, map[machine.Stat]uint64{machine.TCPInSegs: 7}), nil
		},
		Counters: func(time.Time) (*machine.LinkCounterTable, error) {
			return &machine.LinkCounterTable{List: []machine.LinkCounters{
				machine.NewLinkCounters(3, true, map[machine.LinkStat]uint64{machine.RxBytes: 9}),
			}}, nil
		},
	}, nil)
	defer m.Close()

	at := time.Unix(1000, 0)
	for range 2 {
		stats, err := m.Reading(at, false).Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := stats.Get(machine.TCPInSegs); n != 7 || !ok {
			t.Errorf("TCPInSegs = %d, %v", n, ok)
		}
		if _, ok := stats.Get(machine.TCPOutSegs); ok {
			t.Error("TCPOutSegs is known")
		}
	}
	if asked != 1 {
		t.Errorf("two requests of one moment read the statistics %d times", asked)
	}
	counters, err := m.Reading(at, true).Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, ok := counters.ByIndex(3)
	if !ok {
		t.Fatal("link 3 has no counters")
	}
	if n, ok := row.Get(machine.RxBytes); n != 9 || !ok {
		t.Errorf("RxBytes = %d, %v", n, ok)
	}
	if _, ok := row.Get(machine.TxBytes); ok {
		t.Error("TxBytes is known")
	}
	if _, err := m.Reading(at, true).Links(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("links that were not given: error %v", err)
	}
}

// TestStatNames finds figures that no file could be read for, since files are read by these names.
func TestStatNames(t *testing.T) {
	seen := make(map[string]machine.Stat)
	for s := machine.IPForwarding; s.String() != "invalid"; s++ {
		name := s.String()
		if other, twice := seen[name]; twice || name == "" {
			t.Errorf("figure %d is called %q, as %d is", s, name, other)
		}
		seen[name] = s
	}
	if len(seen) != int(machine.SCTPInSCTPPacks)+1 {
		t.Errorf("%d figures have a name of %d", len(seen), machine.SCTPInSCTPPacks+1)
	}
}
