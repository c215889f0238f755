package session

import "time"

// leastTimeout is what a retransmission waits at least, however fast the agent was: one that is busy with something else for a moment
// must not be asked twice for it.
const leastTimeout = 250 * time.Millisecond

// roundTrip estimates how long an agent takes to answer, as RFC 6298 section 2 has it. The zero value knows nothing.
type roundTrip struct {
	smoothed, variation time.Duration
	backed              time.Duration // what the next request waits at least, since the last one had to be sent again; 0 if it had not
}

// sample takes the time from a request to its answer. It is not told of requests that were sent again (Karn's rule, section 3): which
// of them was answered is unknown.
func (r *roundTrip) sample(d time.Duration) {
	d, r.backed = max(d, 1), 0
	if r.smoothed == 0 {
		r.smoothed, r.variation = d, d/2
		return
	}
	r.variation += ((r.smoothed - d).Abs() - r.variation) / 4
	r.smoothed += (d - r.smoothed) / 8
}

// backOff takes note that a request was answered after its n-th transmission, of which the first waited for d: the next ones wait as long as that n-th
// did, until a sample can be taken (section 5.7). Else an agent that became slower than its time-out would be asked everything twice, and never be
// known to be slow.
func (r *roundTrip) backOff(d time.Duration, n int, most time.Duration) {
	r.backed = min(d<<min(n, 10), most)
}

// timeout returns how long to wait for an answer to the n-th transmission, counted from 0: most as long as nothing is known of the
// agent, else twice as long each time (section 5.5).
func (r *roundTrip) timeout(n int, most time.Duration) time.Duration {
	if r.smoothed == 0 {
		return most
	}
	d := max(r.smoothed+4*r.variation, leastTimeout, r.backed)
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}
