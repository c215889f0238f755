// Package backoff says how long to leave alone what fails.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Pause returns how long to wait after so many failures in a row, 1 or more: least after the first, doubled by each further one up to most, and of that
// between half and all, so that those who failed together do not come back together. most is not below least.
func Pause(failures int, least, most time.Duration) time.Duration {
	wait := least
	for i := 1; i < failures && wait < most; i++ {
		wait = min(2*wait, most)
	}
	return wait - rand.N(wait/2+1)
}
