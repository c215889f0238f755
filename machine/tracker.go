package machine

import (
	"sync"
	"time"
)

const (
	// minFrameBits are what the least Ethernet frame takes on the wire: 84 octets with preamble and gap.
	minFrameBits = 672
	// assumedSpeed bounds a link that does not tell its speed, in bits a second. Too high only costs more frequent readings.
	assumedSpeed = 10e9
	// slack is how far above its limit a 32-bit counter may seem to run: readings are not exactly timed.
	slack = 1.5
	wrap  = 1 << 32
)

// extend returns the 64-bit value of a 32-bit counter which read raw now, and whose value was prev a time elapsed ago. It is false if
// that cannot be told: the counter may have wrapped more than once at limit (units a second), or went back by itself.
func extend(prev uint64, raw uint32, elapsed time.Duration, limit float64) (uint64, bool) {
	possible := limit * (elapsed + 2*Reuse).Seconds() // a part may be read that much later than the time of its Reading
	if possible >= wrap {
		return uint64(raw), false
	}
	difference := raw - uint32(prev) // modulo 2^32
	if raw < uint32(prev) && float64(difference) > possible*slack {
		return uint64(raw), false
	}
	return prev + uint64(difference), true
}

// linkTracker follows the counters of links from one reading to the next: it sees them go back, and counts the wraps of those
// that are 32 bits wide.
type linkTracker struct {
	// narrow says that the kernel's counters may be 32 bits wide (a 32-bit kernel, and a driver that has no 64-bit ones).
	narrow bool

	mu     sync.Mutex
	at     time.Time // of latest
	latest *LinkCounterTable
}

// read returns what dump read, followed from the reading before. Dumps are made one at a time, so that their order is known. links is
// the structure that belongs to them.
func (t *linkTracker) read(links *Links, at time.Time, dump func() (*LinkCounterTable, error)) (*LinkCounterTable, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	table, err := dump()
	if err != nil {
		return nil, err
	}
	if at.Before(t.at) {
		at = t.at // a request that is older than the one before it, and was served after it
	}
	t.follow(table.List, links.List, at)
	t.at, t.latest = at, table
	return table, nil
}

// follow completes rows, ascending by Index as links are. The caller holds mu.
func (t *linkTracker) follow(rows []LinkCounters, links []*Link, at time.Time) {
	var before []LinkCounters
	if t.latest != nil {
		before = t.latest.List
	}
	for i := range rows {
		row := &rows[i]
		for len(links) > 0 && links[0].Index < row.Index {
			links = links[1:]
		}
		for len(before) > 0 && before[0].Index < row.Index {
			before = before[1:]
		}
		var link *Link
		if len(links) > 0 && links[0].Index == row.Index {
			link = links[0]
			row.Discontinuity = link.Created
		}
		var prev *LinkCounters
		if len(before) > 0 && before[0].Index == row.Index && !row.Discontinuity.After(t.at) {
			prev = &before[0]
			if prev.Discontinuity.After(row.Discontinuity) {
				row.Discontinuity = prev.Discontinuity
			}
		}
		if !t.widen(row, prev, speedOf(link), at) {
			row.Discontinuity = at
		}
	}
}

// widen extends row's counters by those of prev, the reading before; nil if there is none. It is false if they do not follow from
// prev, and then leaves them as they were read.
func (t *linkTracker) widen(row, prev *LinkCounters, speed float64, at time.Time) bool {
	row.Wide = true
	if !t.narrow {
		return prev == nil || !fell(row, prev)
	}
	row.native = prev != nil && prev.native
	for _, v := range &row.values {
		row.native = row.native || v >= wrap
	}
	if row.native {
		return prev == nil || !fell(row, prev)
	}
	row.Wide = sampleEvery(speed) >= minSample
	if prev == nil {
		return true
	}
	extended := row.values
	for s := range linkStatCount {
		limit := speed / minFrameBits
		if s == RxBytes || s == TxBytes {
			limit = speed / 8
		}
		v, ok := extend(prev.values[s], uint32(row.values[s]), at.Sub(t.at), limit)
		if !ok {
			return false
		}
		extended[s] = v
	}
	row.values = extended
	return true
}

// fell reports whether a counter that both readings have went down.
func fell(row, prev *LinkCounters) bool {
	both := row.known & prev.known
	for s, v := range &row.values {
		if v < prev.values[s] && both&(1<<s) != 0 {
			return true
		}
	}
	return false
}

// Bounds of the time between two readings of 32-bit counters that nobody asked for.
const (
	minSample = 250 * time.Millisecond
	maxSample = time.Minute
)

// sampleEvery is how often the octets of a link of that speed must be read: four times while they can wrap once.
func sampleEvery(speed float64) time.Duration {
	return time.Duration(wrap / (speed / 8) / 4 * float64(time.Second))
}

func speedOf(l *Link) float64 {
	if l == nil || l.Speed == 0 {
		return assumedSpeed
	}
	return float64(l.Speed)
}

// nextSample is how long 32-bit counters of these links may go unread. A link that is too fast even for the shortest time has no
// 64-bit counters, and does not make the others' readings more frequent.
func nextSample(links *Links) time.Duration {
	next := maxSample
	for _, l := range links.List {
		if every := sampleEvery(speedOf(l)); every >= minSample {
			next = min(next, every)
		}
	}
	return next
}
