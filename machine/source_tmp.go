package machine

import (
	"context"
	"errors"
)

func newSource(context.Context, Options, *faults) (source, error) { return nil, errors.ErrUnsupported }
