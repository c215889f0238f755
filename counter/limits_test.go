package counter_test

import (
	"math"
	"testing"

	"walkabout/counter"
)

// Rules 5 to 7: the limit of each unit, and which speed gives it.
func TestLimits(t *testing.T) {
	const mostPackets = 22_321_428 // 1.5 × 1 Gb/s / 672 bits × 10 s
	tests := []struct {
		name   string
		column counter.Column
		change func(*counter.Row)
		diff   uint64 // modulo 2^32 or 2^64, over 10 s
		want   string
	}{
		{"octets: most", octets32(), nil, 1.875e9, "ok 1.875e+08"},
		{"octets: over", octets32(), nil, 1.875e9 + 1, "implausible"},
		{"packets: most", packets32(), nil, mostPackets, "ok 2.2321428e+06"},
		{"packets: over", packets32(), nil, mostPackets + 1, "implausible"},
		{"errors: as packets at 1 Gb/s", errors32(), nil, mostPackets + 1, "implausible"},
		{"errors: 1.5 M/s however fast", errors32(), func(r *counter.Row) { r.Speed = 1e11 }, 22_500_000, "ok 2.25e+06"},
		{"errors: and no more", errors32(), func(r *counter.Row) { r.Speed = 1e11 }, 22_500_001, "implausible"},
		{"events: 10 M/s", events32(), nil, 150_000_000, "ok 1.5e+07"},
		{"events: over", events32(), nil, 150_000_001, "implausible"},
		{"events: as given", counter.Column{Name: "a", Bits: 32, MaxRate: 100}, nil, 1500, "ok 150"},
		{"events: over what was given", counter.Column{Name: "a", Bits: 32, MaxRate: 100}, nil, 1501, "implausible"},
		{"events of 64 bits: given", counter.Column{Name: "a", Bits: 64, MaxRate: 100}, nil, 1501, "implausible"},
		{"events of 64 bits: not given", counter.Column{Name: "a", Bits: 64}, nil, 1e13, "ok 1e+12"},
		{"events of 64 bits: 2^62", counter.Column{Name: "a", Bits: 64}, nil, 1 << 62, "implausible"},
		{"64: most", octets64(), nil, 1.875e9, "ok 1.875e+08"},
		{"64: over", octets64(), nil, 1.875e9 + 1, "implausible"},
		{"64: assumed", octets64(), func(r *counter.Row) { r.Speed = 0 }, 1e13, "ok 1e+12"},
		{"64: assumed, 2^62", octets64(), func(r *counter.Row) { r.Speed = 0 }, 1 << 62, "implausible"},
		{"32: assumed", octets32(), func(r *counter.Row) { r.Speed = 0 }, 1.875e9 + 1, "implausible"},
		{"loopback of 10 Mb/s", octets32(), func(r *counter.Row) { r.Speed, r.Type = 1e7, 24 }, 1e9, "ok 1e+08"},
		{"tunnel of 9 kb/s", octets64(), func(r *counter.Row) { r.Speed, r.Type = 9000, 131 }, 1e12, "ok 1e+11"},
		{"propVirtual of 10 Gb/s", octets32(), func(r *counter.Row) { r.Speed, r.Type = 1e10, 53 }, 1, "ambiguous"},
		{"other", octets64(), func(r *counter.Row) { r.Speed, r.Type = 9000, 1 }, 1e12, "ok 1e+11"},
		{"ifSpeed says only: faster", octets32(), func(r *counter.Row) { r.Speed = math.MaxUint32 }, 1, "ambiguous"},
		{"ifSpeed says only: faster, 64", octets64(), func(r *counter.Row) { r.Speed = math.MaxUint32 }, 1e11, "ok 1e+10"},
		{"back by 1000", octets32(), nil, 1<<32 - 1000, "reset"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, []counter.Column{tc.column}, every, "eth0")
			if tc.change != nil {
				tc.change(&r.rows[0])
			}
			r.rows[0].Values[0] = 2000
			r.poll(0)
			v := 2000 + tc.diff
			if tc.column.Bits == 32 {
				v = uint64(uint32(v))
			}
			r.rows[0].Values[0] = v
			r.poll(interval)
			r.want(0, tc.want)
		})
	}
	t.Run("the faster of two speeds", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets64()}, every, "eth0")
		r.poll(0)
		for _, speed := range []uint64{1e8, 1e9, 1e8} { // the first slows down just before it is read
			r.rows[0].Speed = speed
			r.add(1e9)
			r.poll(interval)
			r.want(0, "ok 1e+08")
		}
		r.add(1e9)
		r.poll(interval)
		r.want(0, "implausible")
	})
	t.Run("assume_speed", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets32()}, counter.Options{Interval: interval, AssumeSpeed: 1e10}, "eth0")
		r.rows[0].Speed = 0
		r.poll(0)
		r.wantFound(counter.Finding{Kind: counter.SpeedAssumed, Column: -1})
		r.add(1)
		r.poll(interval)
		r.want(0, "ambiguous")
		r.wantFound(counter.Finding{Kind: counter.PolledTooSeldom, Period: counter.WrapTime(32, 1e10/8)})
		r.rows[0].Speed = 1e9
		r.add(1)
		r.poll(interval) // the pair began at an unknown speed
		r.wantFound(counter.Finding{Kind: counter.SpeedAssumed, Column: -1, Cleared: true})
		r.add(1)
		r.poll(interval)
		r.want(0, "ok 0.1")
		r.wantFound(counter.Finding{Kind: counter.PolledTooSeldom, Cleared: true, Period: counter.WrapTime(32, 1e9/8)})
	})
	t.Run("no speed without a counter of an interface", func(t *testing.T) {
		r := newRig(t, []counter.Column{events32(), octets32()}, every, "tcp")
		r.rows[0].Speed, r.rows[0].Has = 0, 1
		r.poll(0)
		r.wantFound()
	})
}
