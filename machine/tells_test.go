package machine

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

// TestTells: the portable source is without the parts that Tells says no system but Linux has, and with the others, as far as this system lets it be
// tried. Statistics are an exception: gopsutil has them on Linux.
func TestTells(t *testing.T) {
	m, err := New(t.Context(), Options{Portable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	system := runtime.GOOS
	if system == "linux" {
		system = "freebsd"
	}
	r := m.Reading(time.Now(), true)
	for p := range PartEvents {
		err := readPart(t, r, p)
		unsupported := errors.Is(err, errors.ErrUnsupported)
		if runtime.GOOS == "linux" && (p == PartStats || p == PartSessions) {
			continue
		}
		if unsupported == Tells(system, p) {
			t.Errorf("%v: %v", p, err)
		}
		if !Tells("linux", p) {
			t.Errorf("%v is not told on Linux", p)
		}
	}
}

// readPart reads one part of r.
func readPart(t *testing.T, r *Reading, p Part) (err error) {
	t.Helper()
	ctx := t.Context()
	switch p {
	case PartHost:
		_, err = r.Host(ctx)
	case PartLinks:
		_, err = r.Links(ctx)
	case PartCounters:
		_, err = r.Counters(ctx)
	case PartStats:
		_, err = r.Stats(ctx)
	case PartSCTPStats:
		_, err = r.SCTPStats(ctx)
	case PartSCTPSettings:
		_, err = r.SCTPSettings(ctx)
	case PartSCTPAssociations:
		_, err = r.SCTPAssociations(ctx)
	case PartStatsExt:
		_, err = r.StatsExt(ctx)
	case PartStats6:
		_, err = r.Stats6(ctx)
	case PartLinkStats6:
		_, err = r.LinkStats6(ctx, 1)
	case PartIPv4Settings:
		_, err = r.IPv4Settings(ctx)
	case PartIPv4Addresses:
		_, err = r.IPv4Addresses(ctx)
	case PartIPv4Routes:
		_, err = r.IPv4Routes(ctx)
	case PartIPv4Neighbours:
		_, err = r.IPv4Neighbours(ctx)
	case PartIPv6Settings:
		_, err = r.IPv6Settings(ctx)
	case PartIPv6Addresses:
		_, err = r.IPv6Addresses(ctx)
	case PartIPv6Routes:
		_, err = r.IPv6Routes(ctx)
	case PartIPv6Neighbours:
		_, err = r.IPv6Neighbours(ctx)
	case PartIPv4Links:
		_, err = r.IPv4Links(ctx)
	case PartIPv6Links:
		_, err = r.IPv6Links(ctx)
	case PartTCPSockets:
		_, err = r.TCPSockets(ctx)
	case PartUDPSockets:
		_, err = r.UDPSockets(ctx)
	case PartSocketOwners:
		_, err = r.SocketOwners(ctx)
	case PartLinkGroups:
		_, err = r.LinkGroups(ctx)
	default:
		return readHostPart(t, r, p)
	}
	return err
}

func readHostPart(t *testing.T, r *Reading, p Part) (err error) {
	t.Helper()
	ctx := t.Context()
	switch p {
	case PartMemory:
		_, err = r.Memory(ctx)
	case PartProcessors:
		_, err = r.Processors(ctx)
	case PartLoadAverage:
		_, err = r.LoadAverage(ctx)
	case PartKernel:
		_, err = r.Kernel(ctx)
	case PartSessions:
		_, err = r.Sessions(ctx)
	case PartProcesses:
		_, err = r.Processes(ctx)
	case PartFileSystems:
		_, err = r.FileSystems(ctx)
	case PartDisks:
		_, err = r.Disks(ctx)
	case PartPackages:
		_, err = r.Packages(ctx)
	case PartSensors:
		_, err = r.Sensors(ctx)
	default:
		t.Fatalf("nobody reads %v here", p)
	}
	return err
}
