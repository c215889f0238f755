package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// Part names what a Reading is made of, and the event listener: everything that can fail by itself.
type Part uint8

const (
	PartHost Part = iota
	PartLinks
	PartCounters
	PartStats
	PartStatsExt
	PartStats6
	PartIPv4Settings
	PartIPv4Addresses
	PartIPv4Routes
	PartIPv4Neighbours
	PartIPv6Settings
	PartIPv6Addresses
	PartIPv6Routes
	PartIPv6Neighbours
	PartIPv4Links
	PartIPv6Links
	PartLinkStats6
	PartTCPSockets
	PartUDPSockets
	PartSocketOwners
	PartLinkGroups
	PartSCTPStats
	PartSCTPSettings
	PartSCTPAssociations
	PartMemory
	PartProcessors
	PartLoadAverage
	PartKernel
	PartSessions
	PartProcesses
	PartFileSystems
	PartDisks
	PartPackages
	PartSensors
	PartEvents // the listener for changes of links; while it is at fault Links may be out of date

	partCount
)

var partNames = [partCount]string{
	"host", "links", "counters", "stats", "stats_ext", "stats6", "ipv4_settings", "ipv4_addresses", "ipv4_routes", "ipv4_neighbours",
	"ipv6_settings", "ipv6_addresses", "ipv6_routes", "ipv6_neighbours",
	"ipv4_links", "ipv6_links", "link_stats6", "tcp_sockets", "udp_sockets", "socket_owners", "link_groups",
	PartSCTPStats: "sctp_stats", PartSCTPSettings: "sctp_settings", PartSCTPAssociations: "sctp_associations",
	PartMemory: "memory", PartProcessors: "processors", PartLoadAverage: "load_average", PartKernel: "kernel", PartSessions: "sessions",
	PartProcesses: "processes", PartFileSystems: "file_systems", PartDisks: "disks", PartPackages: "packages", PartSensors: "sensors",
	PartEvents: "events",
}

// String returns the word that logs and metrics use, such as "ipv4_routes".
func (p Part) String() string {
	if p < partCount {
		return partNames[p]
	}
	return "invalid"
}

// PartError says which part could not be read. Errors of the system stay visible to errors.Is; errors.ErrUnsupported means that
// this system has no such part at all.
type PartError struct {
	Part Part
	Err  error
}

func (e *PartError) Error() string { return fmt.Sprintf("read %s of this machine: %v", e.Part, e.Err) }

func (e *PartError) Unwrap() error { return e.Err }

// Fault is the record of one part's failures.
type Fault struct {
	Part  Part
	Count uint64 // readings that failed since New
	Err   error  // of the latest reading; nil if that succeeded
}

// faults remembers which parts are at fault, so that each fault is logged when it begins and when it ends and not between.
type faults struct {
	log *slog.Logger

	mu    sync.Mutex
	parts [partCount]Fault
}

// note records how a reading of p ended and returns err as a *PartError.
func (f *faults) note(p Part, err error) error {
	f.mu.Lock()
	fault := &f.parts[p]
	before := fault.Err
	fault.Err = err
	unsupported := errors.Is(err, errors.ErrUnsupported)
	if err != nil && !unsupported {
		fault.Count++
	}
	f.mu.Unlock()

	switch {
	case err == nil && before != nil:
		f.log.Info("part of this machine is readable again", "part", p.String())
	case unsupported && before == nil:
		f.log.Info("this system does not tell a part", "part", p.String(), "reason", err)
	case err != nil && before == nil:
		f.log.Error("cannot read a part of this machine", "part", p.String(), "err", err)
	}
	if err == nil {
		return nil
	}
	return &PartError{Part: p, Err: err}
}

// list returns the parts that ever failed. What this system does not have is no failure.
func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Fault
	for p, fault := range f.parts {
		if fault.Count > 0 {
			fault.Part = Part(p)
			out = append(out, fault)
		}
	}
	return out
}
