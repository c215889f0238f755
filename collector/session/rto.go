package session

import "time"

// leastTimeout is what a retransmission waits at least, however fast the agent was: one that is busy with something else for a moment
// must not be asked twice for it.
const leastTimeout = 250 * time.Millisecond

// roundTrip estimates how long an agent takes to answer, as RFC 6298 section 2 has it. The zero value knows nothing.
type roundTrip struct {
	smoothed, variation time.Duration
}

// sample takes the time from a request to its answer. It is not told of requests that were sent again (Karn's rule, section 3): which
// of them was answered is unknown.
func (r *roundTrip) sample(d time.Duration) {
	d = max(d, 1)
	if r.smoothed == 0 {
		r.smoothed, r.variation = d, d/2
		return
	}
	r.variation += ((r.smoothed - d).Abs() - r.variation) / 4
	r.smoothed += (d - r.smoothed) / 8
}

// timeout returns how long to wait for an answer to the n-th transmission, counted from 0: most as long as nothing is known of the
// agent, else twice as long each time (section 5.5).
func (r *roundTrip) timeout(n int, most time.Duration) time.Duration {
	if r.smoothed == 0 {
		return most
	}
	d := max(r.smoothed+4*r.variation, leastTimeout)
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}
