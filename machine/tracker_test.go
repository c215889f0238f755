package machine

import (
	"testing"
	"time"
)

func TestExtend(t *testing.T) {
	const gigabit = 1e9 / 8
	tests := []struct {
		name    string
		prev    uint64
		raw     uint32
		elapsed time.Duration
		limit   float64
		want    uint64
		ok      bool
	}{
		{"stands still", 5, 5, time.Second, gigabit, 5, true},
		{"grows", 5, 1000, time.Second, gigabit, 1000, true},
		{"grows after a wrap", 3<<32 + 5, 1000, time.Second, gigabit, 3<<32 + 1000, true},
		{"wraps", 1<<32 - 10, 10, time.Second, gigabit, 1<<32 + 10, true},
		{"wraps again", 2<<32 - 10, 10, time.Second, gigabit, 2<<32 + 10, true},
		{"wraps to 0", 1<<32 - 1, 0, time.Second, gigabit, 1 << 32, true},
		{"went back by itself", 1_000_000, 5, time.Second, gigabit, 5, false},
		{"went back by one", 1_000_000, 999_999, time.Second, gigabit, 999_999, false},
		{"may have wrapped twice", 5, 1000, 40 * time.Second, gigabit, 1000, false},
		{"just in time", 1 << 31, 10, 30 * time.Second, gigabit, 1<<32 + 10, true},
		{"no time at all", 1<<32 - 10, 10, 0, gigabit, 1<<32 + 10, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := extend(test.prev, test.raw, test.elapsed, test.limit)
			if got != test.want || ok != test.ok {
				t.Errorf("got %d, %v; want %d, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

// reading is what a tracker is shown of link 2 at a time, and what it makes of it.
type reading struct {
	at      int // seconds
	octets  uint64
	created int // when the link was made; 0 before all
	absent  bool

	want          uint64
	discontinuity int // 0 for none
	narrow        bool
}

func TestLinkTracker(t *testing.T) {
	tests := []struct {
		name     string
		narrow   bool
		speed    uint64
		readings []reading
	}{
		{"64 bits", false, 1e9, []reading{{at: 1, octets: 7, want: 7}, {at: 2, octets: 1 << 40, want: 1 << 40}}},
		{"goes back", false, 1e9, []reading{
			{at: 1, octets: 700, want: 700},
			{at: 2, octets: 5, want: 5, discontinuity: 2},
			{at: 3, octets: 6, want: 6, discontinuity: 2},
			{at: 4, octets: 0, want: 0, discontinuity: 4},
		}},
		{"never a wrap of 64 bits", false, 1e9, []reading{
			{at: 1, octets: 1<<32 - 1, want: 1<<32 - 1}, {at: 2, octets: 1, want: 1, discontinuity: 2},
		}},
		{"made again between readings", false, 1e9, []reading{
			{at: 1, octets: 700, want: 700},
			{at: 5, octets: 5, created: 3, want: 5, discontinuity: 3},
			{at: 6, octets: 6, created: 3, want: 6, discontinuity: 3},
		}},
		{"made again and already past", false, 1e9, []reading{
			{at: 1, octets: 700, want: 700}, {at: 5, octets: 900, created: 3, want: 900, discontinuity: 3},
		}},
		{"made after the start", false, 1e9, []reading{{at: 5, octets: 5, created: 3, want: 5, discontinuity: 3}}},
		{"away for a while", false, 1e9, []reading{
			{at: 1, octets: 700, want: 700}, {at: 2, absent: true}, {at: 3, octets: 5, created: 3, want: 5, discontinuity: 3},
		}},
		{"requests out of order", false, 1e9, []reading{{at: 5, octets: 7, want: 7}, {at: 4, octets: 8, want: 8}}},

		{"32 bits wrap", true, 1e9, []reading{
			{at: 1, octets: 1<<32 - 5, want: 1<<32 - 5},
			{at: 2, octets: 5, want: 1<<32 + 5},
			{at: 3, octets: 4, want: 4, discontinuity: 3},
			{at: 4, octets: 9, want: 9, discontinuity: 3},
		}},
		{"32 bits unread for too long", true, 1e9, []reading{
			{at: 1, octets: 5, want: 5}, {at: 60, octets: 900, want: 900, discontinuity: 60},
		}},
		{"32 bits too fast to follow", true, 400e9, []reading{{at: 1, octets: 5, want: 5, narrow: true}}},
		{"64 bits on a 32-bit kernel", true, 400e9, []reading{
			{at: 1, octets: 1<<32 - 5, want: 1<<32 - 5, narrow: true},
			{at: 2, octets: 1<<32 + 5, want: 1<<32 + 5},
			{at: 900, octets: 1<<33 + 5, want: 1<<33 + 5},
			{at: 901, octets: 5, want: 5, discontinuity: 901},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := linkTracker{narrow: test.narrow}
			for _, r := range test.readings {
				link := &Link{Index: 2, Speed: test.speed}
				if r.created != 0 {
					link.Created = second(r.created)
				}
				links := &Links{List: []*Link{{Index: 1}, link, {Index: 3}}}
				table, err := tracker.read(links, second(r.at), func() (*LinkCounterTable, error) {
					if r.absent {
						return &LinkCounterTable{List: []LinkCounters{{Index: 1}}}, nil
					}
					c := LinkCounters{Index: 2}
					c.set(RxBytes, r.octets)
					return &LinkCounterTable{List: []LinkCounters{{Index: 1}, c, {Index: 9}}}, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if r.absent {
					continue
				}
				row, ok := table.ByIndex(2)
				if !ok {
					t.Fatal("no row of link 2")
				}
				if got, known := row.Get(RxBytes); !known || got != r.want {
					t.Errorf("at %d: %d octets, %v; want %d", r.at, got, known, r.want)
				}
				var discontinuity time.Time
				if r.discontinuity != 0 {
					discontinuity = second(r.discontinuity)
				}
				if !row.Discontinuity.Equal(discontinuity) {
					t.Errorf("at %d: discontinuity at %v, want %v", r.at, row.Discontinuity, discontinuity)
				}
				if row.Wide == r.narrow {
					t.Errorf("at %d: wide %v", r.at, row.Wide)
				}
			}
		})
	}
}

func TestNextSample(t *testing.T) {
	links := func(speeds ...uint64) *Links {
		l := &Links{}
		for i, s := range speeds {
			l.List = append(l.List, &Link{Index: uint32(i + 1), Speed: s})
		}
		return l
	}
	tests := []struct {
		name     string
		links    *Links
		min, max time.Duration
	}{
		{"none", links(), maxSample, maxSample},
		{"slow", links(10e6), maxSample, maxSample},
		{"a gigabit", links(10e6, 1e9), 8 * time.Second, 9 * time.Second},
		{"unknown", links(0), 800 * time.Millisecond, 900 * time.Millisecond},
		{"too fast does not count", links(400e9, 1e9), 8 * time.Second, 9 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := nextSample(test.links); got < test.min || got > test.max {
				t.Errorf("got %v, want %v to %v", got, test.min, test.max)
			}
		})
	}
}

func TestStatTracker(t *testing.T) {
	show := func(tracker *statTracker, at int, segments, established, forwarded uint64) *Stats {
		s := &Stats{}
		s.set(TCPInSegs, segments)
		s.set(TCPCurrEstab, established)
		s.set(IPForwDatagrams, forwarded)
		tracker.follow(s, second(at))
		return s
	}
	expect := func(s *Stats, which Stat, want uint64, wide bool) {
		t.Helper()
		if got, ok := s.Get(which); !ok || got != want || s.Wide != wide {
			t.Errorf("%v: %d, %v, wide %v; want %d, wide %v", which, got, ok, s.Wide, want, wide)
		}
	}
	var wide statTracker
	show(&wide, 1, 1<<32-1, 0, 0)
	expect(show(&wide, 2, 4, 0, 0), TCPInSegs, 4, true)

	narrow := statTracker{narrow: true}
	show(&narrow, 1, 1<<32-1, 9, 5)
	s := show(&narrow, 2, 4, 3, 1<<40)
	expect(s, TCPInSegs, 1<<32+4, true)
	expect(s, TCPCurrEstab, 3, true)
	expect(s, IPForwDatagrams, 1<<40, true)
	expect(show(&narrow, 3, 5, 3, 1<<40), TCPInSegs, 1<<32+5, true)
	// Unread for longer than a wrap may take: there is no saying what the 64 bits would be.
	expect(show(&narrow, 3000, 6, 3, 1<<40), TCPInSegs, 6, false)
	expect(show(&narrow, 3001, 7, 3, 1<<40), TCPInSegs, 7, false)
}
