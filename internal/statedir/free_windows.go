package statedir

import (
	"fmt"
	"math"

	"golang.org/x/sys/windows"
)

// Free returns how many octets this user may still put on the disk that path is on.
func Free(path string) (int64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("room on the disk of %s: %w", path, err)
	}
	return int64(min(free, math.MaxInt64)), nil
}
