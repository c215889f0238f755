package collector

import "context"

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
