//go:build unix && !linux

package privilege

import (
	"fmt"
	"os"
	"syscall"
)

// Drop makes the process what the Plan says. There are no capabilities here: ports below 1024 cannot be listened on anew later, and files that
// only root may read are not read again.
func Drop(p Plan) (*Rights, error) {
	id := p.Identity
	if os.Geteuid() != 0 {
		if (id.UID == Unchanged || id.UID == os.Geteuid()) && id.GID == os.Getegid() {
			return nil, nil
		}
		return nil, fmt.Errorf("become %s: %w", id.Name, ErrNotRoot)
	}
	err := syscall.Setgroups(id.Groups)
	if err == nil {
		err = syscall.Setgid(id.GID)
	}
	if err == nil && id.UID != Unchanged {
		err = syscall.Setuid(id.UID)
	}
	if err != nil {
		return nil, fmt.Errorf("become %s: %w", id.Name, err)
	}
	return nil, nil
}

// Reading calls f.
func (r *Rights) Reading(f func() error) error { return f() }
