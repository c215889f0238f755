package machine

import (
	"errors"
	"fmt"
	"runtime"
)

// Tells reports whether this package has a source for a part on the system that Go calls os. On Linux it has one for each, by rtnetlink, sock_diag,
// procfs and sysfs; elsewhere it has what gopsutil tells without cgo.
func Tells(os string, p Part) bool {
	if os == "linux" {
		return true
	}
	switch p {
	case PartStats, PartStatsExt, PartStats6, PartLinkStats6, PartIPv4Settings, PartIPv4Routes, PartIPv4Neighbours, PartIPv6Settings, PartIPv6Routes,
		PartIPv6Neighbours, PartIPv4Links, PartIPv6Links, PartSocketOwners, PartLinkGroups, PartSCTPStats, PartSCTPSettings, PartSCTPAssociations,
		PartPackages, PartSensors:
		return false
	case PartProcessors, PartDisks:
		return os != "darwin"
	case PartLoadAverage, PartSessions: // gopsutil makes up a load average there, of a queue that it began to watch when it was asked
		return os != "windows"
	}
	return true
}

// untold returns the error of a part that this system does not tell; nil if it does.
func untold(p Part) error {
	if Tells(runtime.GOOS, p) {
		return nil
	}
	return fmt.Errorf("%v: gopsutil on %s: %w", p, runtime.GOOS, errors.ErrUnsupported)
}
