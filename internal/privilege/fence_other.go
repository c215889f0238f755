//go:build !linux

package privilege

import (
	"errors"
	"fmt"
	"io"
)

// Enforce is an error that wraps errors.ErrUnsupported.
func (Fence) Enforce() (io.Closer, error) {
	return nil, fmt.Errorf("a fence: %w on this system", errors.ErrUnsupported)
}
