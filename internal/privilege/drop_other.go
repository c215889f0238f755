//go:build !unix

package privilege

import (
	"errors"
	"fmt"
)

// Drop is an error: this system has no such users.
func Drop(p Plan) (*Rights, error) {
	return nil, fmt.Errorf("become %s: %w here", p.Identity.Name, errors.ErrUnsupported)
}

// Reading calls f.
func (r *Rights) Reading(f func() error) error { return f() }
