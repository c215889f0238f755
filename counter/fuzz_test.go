package counter_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"walkabout/counter"
)

// FuzzRate holds each number against what its inputs allow.
func FuzzRate(f *testing.F) {
	f.Add(int64(10e9), false, uint64(1<<32-500), uint64(500), uint8(32), 125e6)
	f.Add(int64(10e9), true, uint64(100), uint64(1100), uint8(64), 0.0)
	f.Add(int64(35e9), false, uint64(1), uint64(2), uint8(32), 125e6)
	f.Add(int64(-1), false, uint64(1), uint64(2), uint8(1), math.Inf(1))
	f.Fuzz(func(t *testing.T, elapsed int64, gap bool, prev, cur uint64, bits uint8, limit float64) {
		iv := counter.Interval{Elapsed: time.Duration(elapsed), Verdict: counter.OK}
		if gap {
			iv.Verdict = counter.Gap
		}
		rate, v := counter.Rate(iv, prev, cur, bits, limit)
		seconds := iv.Elapsed.Seconds()
		switch {
		case !v.HasRate():
			if rate != 0 || v == counter.None {
				t.Fatalf("%v with %v", v, rate)
			}
			return
		case gap, elapsed <= 0, bits == 0, bits > 64:
			t.Fatalf("%v", v)
		case rate < 0, math.IsNaN(rate), math.IsInf(rate, 0), limit > 0 && rate > 1.5*limit*(1+1e-9):
			t.Fatalf("%v %v at a limit of %v", v, rate, limit)
		case (v == counter.Wrapped) != (cur < prev):
			t.Fatalf("%v from %d to %d", v, prev, cur)
		case bits < 64 && !(limit*seconds < math.Ldexp(1, int(bits))):
			t.Fatalf("%v although %d bits may have wrapped unseen", v, bits)
		}
		truth := float64(cur - prev)
		if v == counter.Wrapped {
			truth = float64(cur + 1<<bits - prev)
		}
		if math.Abs(rate*seconds-truth) > truth*1e-9 {
			t.Fatalf("%v/s over %v s for a difference of %v", rate, seconds, truth)
		}
	})
}

// bytesSource lets a fuzzer decide: each octet is the highest of one random number, the rest of it and what follows them comes from a generator.
type bytesSource struct {
	octets []byte
	rest   *rand.PCG
}

func (s *bytesSource) Uint64() uint64 {
	v := s.rest.Uint64()
	if len(s.octets) > 0 {
		v = v>>8 | uint64(s.octets[0])<<56
		s.octets = s.octets[1:]
	}
	return v
}

// FuzzNumbersAreTrue is TestNumbersAreTrue with a fuzzer for fate.
func FuzzNumbersAreTrue(f *testing.F) {
	f.Add(uint64(1), []byte(nil))
	f.Add(uint64(2), []byte("\x80\x00\xff\x10\x20\x30\x40\x50\x60\x70"))
	f.Fuzz(func(t *testing.T, seed uint64, octets []byte) {
		newDevice(rand.New(&bytesSource{octets, rand.NewPCG(seed, 2)})).check(t, 40, new(tally))
	})
}

// FuzzPoll gives a Table rows that no agent would: nothing may panic, and every result must be one that a Row can have.
func FuzzPoll(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(make([]byte, 200))
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		take := func() uint64 {
			var b [8]byte
			octets = octets[copy(b[:], octets):]
			return binary.LittleEndian.Uint64(b[:])
		}
		columns := ifColumns()
		table, err := newTable(columns, counter.Options{Interval: time.Duration(take()%1e12) + 1})
		if err != nil {
			t.Fatal(err)
		}
		for len(octets) > 0 {
			rows := make([]counter.Row, 1+take()%4)
			for i := range rows {
				r := &rows[i]
				x := take()
				r.Name, r.Index, r.Type, r.MTU, r.Has = string(rune('a'+x%3)), uint32(x>>2%3), int(int8(x>>8)), int(int32(x>>16)), x>>50
				r.At = counter.Instant{At: time.Unix(0, int64(take()%1e13)), RoundTrip: time.Duration(take()), UpTime: uint32(take()), HasUpTime: x>>48&3 != 0,
					EngineTime: uint32(x), HasEngineTime: x>>49&1 == 0, Discontinuity: uint32(x >> 30), Engine: x >> 62}
				r.Speed = take()
				r.Values, r.Rates, r.Verdicts = make([]uint64, len(columns)), make([]float64, len(columns)), make([]counter.Verdict, len(columns))
				for c := range r.Values {
					r.Values[c] = take()
				}
			}
			for _, found := range table.Poll(rows[0].At.At, len(octets)%2 == 0, rows, nil) {
				if found.Kind.String() == "invalid" || found.Row >= len(rows) || found.Column >= len(columns) || found.Row < -1 || found.Column < -1 {
					t.Fatalf("%+v", found)
				}
			}
			for _, r := range rows {
				for c, v := range r.Verdicts {
					switch rate := r.Rates[c]; {
					case v > counter.Gap, (v == counter.None) && r.Has>>c&1 != 0 && r.Values[c] != 0 && columns[c].Bits == 64:
						t.Fatalf("verdict %v", v)
					case !v.HasRate() && rate != 0, rate < 0, math.IsNaN(rate), math.IsInf(rate, 0):
						t.Fatalf("%v %v", v, rate)
					}
				}
			}
		}
	})
}
