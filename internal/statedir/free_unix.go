//go:build unix

package statedir

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns how many octets somebody who is not root may still put on the disk that path is on.
func Free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("room on the disk of %s: %w", path, err)
	}
	return max(int64(s.Bavail), 0) * int64(s.Bsize), nil //nolint:unconvert // their types are others on other systems
}
