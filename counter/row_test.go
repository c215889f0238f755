package counter_test

import (
	"testing"
	"time"

	"walkabout/counter"
)

// Rule 5 beyond T: at 10 Gb/s 32 bits of octets last 3.4 s, and of packets 288 s.
func TestPacketsBoundOctets(t *testing.T) {
	bounded := octets32()
	bounded.Packets = [][]string{{"ifInUcastPkts", "ifInNUcastPkts"}, {"ifInUcastPkts", "ifInMulticastPkts"}}
	columns := []counter.Column{bounded, packets32(), {Name: "ifInMulticastPkts", Bits: 32, Unit: counter.Packets}}
	const (
		full = 1 << 32
		// the most packets that cannot wrap 32 bits, by the frame of an Ethernet, of a greater ifMtu, and of a virtual interface
		ethernet = (full - 1) / 9238
		jumbo    = (full - 1) / (12000 + 22)
		virtual  = (full - 1) / 65549
	)
	octets := func(r *counter.Row, n uint64) { r.Values[0] = uint64(uint32(r.Values[0] + n)) }
	tests := []struct {
		name           string
		change         func(*counter.Row)
		unicast, multi uint64
		octets         uint64
		want           string
	}{
		{"idle", nil, 0, 0, 0, "ok 0"},
		{"up", nil, ethernet, 0, 1000, "ok 100"},
		{"down", nil, ethernet, 0, full - 1000, "wrapped 4.294966296e+08"},
		{"both counters", nil, ethernet - 5, 5, 1000, "ok 100"},
		{"one packet too many", nil, ethernet + 1, 0, 1000, "ambiguous"},
		{"together one too many", nil, ethernet - 5, 6, 1000, "ambiguous"},
		{"great MTU", func(r *counter.Row) { r.MTU = 12000 }, jumbo, 0, 1000, "ok 100"},
		{"great MTU, one too many", func(r *counter.Row) { r.MTU = 12000 }, jumbo + 1, 0, 1000, "ambiguous"},
		{"small MTU may be a lie", func(r *counter.Row) { r.MTU = 1500 }, ethernet + 1, 0, 1000, "ambiguous"},
		{"VLAN", func(r *counter.Row) { r.Type = 135 }, virtual, 0, 1000, "ok 100"},
		{"VLAN, one too many", func(r *counter.Row) { r.Type = 135 }, virtual + 1, 0, 1000, "ambiguous"},
		{"unknown type", func(r *counter.Row) { r.Type = 0 }, virtual + 1, 0, 1000, "ambiguous"},
		{"packets wrap", func(r *counter.Row) { r.Values[1] = full - 50 }, 100, 0, 1000, "ok 100"},
		{"packets implausible", nil, full / 2, 0, 1000, "ambiguous"},
		{"no multicast counter", func(r *counter.Row) { r.Has = 3 }, 5, 0, 1000, "ambiguous"},
		{"first multicast counter", func(r *counter.Row) { r.Has = 3 }, 5, 0, 1000, "ambiguous"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, columns, every, "eth0", "eth1")
			row := &r.rows[0]
			row.Speed, row.Values[0] = 1e10, 1e6
			if tc.change != nil {
				tc.change(row)
			}
			r.poll(0)
			octets(row, tc.octets)
			r.rows[1].Values[0]++ // the table is fresh
			row.Values[1], row.Values[2] = uint64(uint32(row.Values[1]+tc.unicast)), row.Values[2]+tc.multi
			if tc.name == "first multicast counter" {
				row.Has = 7
			}
			r.poll(interval)
			if got := r.words(0)[0]; got != tc.want {
				t.Errorf("%s, want %s (%v)", got, tc.want, row.Verdicts)
			}
		})
	}
	t.Run("over T of the packets too", func(t *testing.T) {
		r := newRig(t, columns, counter.Options{Interval: 5 * time.Minute}, "eth0")
		r.rows[0].Speed = 1e10
		r.poll(0)
		r.add(10)
		r.poll(5 * time.Minute)
		r.want(0, "ambiguous", "ambiguous", "ambiguous")
	})
	t.Run("the row is reset", func(t *testing.T) {
		r := newRig(t, columns, every, "eth0")
		r.rows[0].Speed = 1e10
		r.add(1000)
		r.poll(0)
		clear(r.rows[0].Values)
		r.poll(interval)
		r.want(0, "reset", "reset", "reset")
	})
}

// Rule 6.
func TestRowsFallTogether(t *testing.T) {
	columns := []counter.Column{octets32(), packets32(), {Name: "ifOutOctets", Bits: 32, Unit: counter.Octets}, octets64()}
	const full = 1 << 32
	tests := []struct {
		name      string
		prev, cur [4]uint64
		want      [4]string
	}{
		{"both octets wrap", [4]uint64{full - 500, 10, full - 100, 10}, [4]uint64{500, 20, 900, 1010}, [4]string{"wrapped 100", "ok 1", "wrapped 100", "ok 100"}},
		{"packets show that nothing wrapped", [4]uint64{full - 500, 1000, full - 100, 10}, [4]uint64{500, 999, 900, 1010}, [4]string{"reset", "reset", "reset", "reset"}},
		{"and holds for what rose", [4]uint64{10, 1000, 10, 10}, [4]uint64{20, 5, 20, 1010}, [4]string{"reset", "reset", "reset", "reset"}},
		{"octets show it", [4]uint64{1000, 10, 10, 10}, [4]uint64{999, 20, 20, 1010}, [4]string{"reset", "reset", "reset", "reset"}},
		{"a Counter64 shows it", [4]uint64{full - 500, 10, 10, 1000}, [4]uint64{500, 20, 20, 999}, [4]string{"reset", "reset", "reset", "reset"}},
		{"what is implausible does not", [4]uint64{0, 10, 10, 10}, [4]uint64{full - 1, 20, 20, 1010}, [4]string{"implausible", "ok 1", "ok 1", "ok 100"}},
		{"reset is before implausible", [4]uint64{0, 10, 10, 10}, [4]uint64{full - 1, 2, 20, 1010}, [4]string{"reset", "reset", "reset", "reset"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, columns, every, "eth0", "eth1")
			copy(r.rows[0].Values, tc.prev[:])
			r.poll(0)
			copy(r.rows[0].Values, tc.cur[:])
			copy(r.rows[1].Values, []uint64{10, 10, 10, 10})
			r.poll(interval)
			r.want(0, tc.want[:]...)
			r.want(1, "ok 1", "ok 1", "ok 1", "ok 1") // another row is another matter
		})
	}
	t.Run("reset is before gap", func(t *testing.T) {
		r := newRig(t, columns, every, "eth0")
		r.add(1000)
		r.poll(0)
		r.add(1)
		r.rows[0].Values[3] = 5
		r.poll(time.Minute)
		r.want(0, "reset", "reset", "reset", "reset")
	})
	t.Run("a new column stays first", func(t *testing.T) {
		r := newRig(t, columns, every, "eth0")
		r.rows[0].Has = 7
		r.add(1000)
		r.poll(0)
		r.rows[0].Has = 15
		r.rows[0].Values[1] = 2
		r.poll(interval)
		r.want(0, "reset", "reset", "reset", "first")
	})
}

// By the collector's clock the agent may have counted for a round trip longer.
func TestRoundTripLengthensWhatMayWrap(t *testing.T) {
	for _, tc := range []struct {
		roundTrip time.Duration
		want      string
	}{{0, "reset"}, {time.Second, "wrapped 1.5e+08"}} {
		r := newRig(t, []counter.Column{octets32()}, every, "eth0")
		r.rows[0].At.RoundTrip = tc.roundTrip
		r.rows[0].Values[0] = 1<<32 - 1.5e9 // 1.2 times what passes in 10 s
		r.poll(0)
		r.rows[0].Values[0] = 0
		r.poll(interval)
		r.want(0, tc.want)
	}
}

func TestGap(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    counter.Options
		hole time.Duration
		want string
	}{
		{"five intervals", every, 5 * interval, "ok 20"},
		{"more", every, 5*interval + 10*time.Millisecond, "gap"},
		{"configured", counter.Options{Interval: interval, MaxGap: time.Hour}, time.Hour, "ok 0.2777777777777778"},
		{"more than configured", counter.Options{Interval: interval, MaxGap: interval}, interval + 10*time.Millisecond, "gap"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, []counter.Column{octets64()}, tc.o, "eth0")
			r.poll(0)
			r.add(1000)
			r.poll(tc.hole)
			r.want(0, tc.want)
			if r.rows[0].Elapsed != tc.hole {
				t.Errorf("Elapsed = %v", r.rows[0].Elapsed)
			}
			r.add(1000)
			r.poll(interval)
			r.want(0, "ok 100")
		})
	}
}

func TestPolledTooSeldom(t *testing.T) {
	const minute = time.Minute // T of octets at 1 Gb/s is 34 s
	finding := counter.Finding{Kind: counter.PolledTooSeldom, Period: counter.WrapTime(32, 1e9/8)}
	cleared := finding
	cleared.Cleared = true

	r := newRig(t, []counter.Column{octets32(), octets64()}, counter.Options{Interval: minute}, "eth0")
	r.rows[0].Has = 1
	r.poll(0)
	r.add(6000)
	r.poll(minute)
	r.want(0, "ambiguous", "none")
	r.wantFound(finding)
	r.add(6000)
	r.poll(minute)
	r.wantFound()
	r.rows[0].Has = 3
	r.add(6000)
	r.poll(minute)
	r.add(6000)
	r.poll(minute)
	r.want(0, "ambiguous", "ok 100") // the twin does its work
	r.wantFound(cleared)

	r = newRig(t, []counter.Column{octets32(), octets64()}, counter.Options{Interval: minute}, "eth0", "eth1")
	r.poll(0)
	r.add(6000)
	r.rows[0].Values[1] = 0
	r.poll(minute)
	r.want(0, "ambiguous", "none")
	r.wantFound(counter.Finding{Kind: counter.Counter64Unused, Column: 1}, finding)

	r = newRig(t, []counter.Column{octets32()}, every, "eth0") // it is the interval that counts, not a lost poll
	r.poll(0)
	r.add(6000)
	r.poll(5 * interval)
	r.want(0, "ambiguous")
	r.wantFound()
}

// A counter that belongs to the packets where it is served: the octets have a number without it only where it is known that the agent has none.
func TestPacketsIfServed(t *testing.T) {
	bounded := octets32()
	bounded.Packets, bounded.IfServed = [][]string{{"ifInUcastPkts"}}, []string{"ifInUnknownProtos"}
	columns := []counter.Column{bounded, packets32(), {Name: "ifInUnknownProtos", Bits: 32, Unit: counter.Errors}}
	for name, tc := range map[string]struct {
		columns       []counter.Column
		before, after func(*counter.Row)
		want          string
	}{
		"served":             {columns, nil, nil, "ok 100"},
		"served, many":       {columns, nil, func(r *counter.Row) { r.Values[2] += 500_000 }, "ambiguous"},
		"not served":         {columns, func(r *counter.Row) { r.Has = 3 }, nil, "ok 100"},
		"not read":           {columns, func(r *counter.Row) { r.Has, r.Broken = 3, 4 }, nil, "ambiguous"},
		"no longer served":   {columns, nil, func(r *counter.Row) { r.Has = 3 }, "ambiguous"},
		"served of late":     {columns, func(r *counter.Row) { r.Has = 3 }, func(r *counter.Row) { r.Has = 7 }, "ambiguous"},
		"not asked for":      {columns[:2], nil, nil, "ambiguous"},
		"not asked, no sets": {[]counter.Column{octets32(), packets32()}, nil, nil, "ambiguous"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.columns, every, "eth0")
			row := &r.rows[0]
			row.Speed = 1e10
			if tc.before != nil {
				tc.before(row)
			}
			r.poll(0)
			row.Values[0] += 1000
			row.Values[1] += 5
			if tc.after != nil {
				tc.after(row)
			}
			r.poll(interval)
			if got := r.words(0)[0]; got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
