package collector

import (
	"context"
	"time"
)

// PollOnce returns a function that polls t once, for benchmarks.
func PollOnce(t Target, dial Dial) (func(ctx context.Context) Poll, error) {
	p, err := newPoller(t, BuiltIn(), dial, discard, newWorkspace())
	if err != nil {
		return nil, err
	}
	return p.poll, nil
}

// Identity is identity.
func Identity(engineID, context string) uint64 { return identity(engineID, context) }

// SetWall gives c another clock than time.Now to see by how long the computer was suspended. It is for before Run.
func SetWall(c *Collector, wall func() time.Time) { c.shared.wall = wall }
