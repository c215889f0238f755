//go:build !linux

package machine

import "context"

func newSource(ctx context.Context, o Options, _ *faults) (source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newPortable(o), nil
}
