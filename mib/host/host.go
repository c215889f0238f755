// Package host serves HOST-RESOURCES-MIB (RFC 2790) of the machine that the agent runs on.
//
// An object that the system does not tell is noSuchInstance; no value stands in for it. On no system are told:
//
//   - hrStorageAllocationFailures, hrPrinterTable, and hrSWOSIndex: a kernel is no process;
//   - hrDeviceErrors of anything but network interfaces.
//
// Nothing can be SET: the clock, what the machine starts from, the size of a storage and the state of a process are not for an agent to
// change, and nothing here knows of backups.
package host

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync/atomic"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The groups of HOST-RESOURCES-MIB.
var (
	hostRoot      = oid.New(1, 3, 6, 1, 2, 1, 25)
	hrSystem      = hostRoot.Append(1)
	hrStorage     = hostRoot.Append(2)
	hrDevice      = hostRoot.Append(3)
	hrSWRun       = hostRoot.Append(4)
	hrSWRunPerf   = hostRoot.Append(5)
	hrSWInstalled = hostRoot.Append(6)

	hrStorageTypes = hrStorage.Append(1)
	hrDeviceTypes  = hrDevice.Append(1)
	hrFSTypes      = hrDevice.Append(9)

	zeroDotZero = snmp.ObjectID(oid.New(0, 0)) // a pointer to nothing (RFC 2578 section 3.5)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID { return []oid.OID{hostRoot} }

// ID is what sysORTable calls this module.
func ID() oid.OID { return hostRoot.Append(7, 1) } // hostResourcesMibModule

// Settings are what the administrator says. The zero Settings are of use.
type Settings struct {
	// IgnoredDisks are patterns of path.Match of the files of devices that are not to be shown, such as /dev/sd[a-c].
	IgnoredDisks []string
	// SkipNetwork leaves the file systems of other machines out of hrStorageTable.
	SkipNetwork bool
	// NetworkAsFixed calls them hrStorageFixedDisk there, as Net-SNMP's agent does unless told otherwise, in place of hrStorageNetworkDisk.
	NetworkAsFixed bool
	// RealUnits has hrStorageAllocationUnits be what they are even where hrStorageSize is too large for it and ends at 2^31-1. Without,
	// larger units are taken.
	RealUnits bool
}

// Validate returns what is wrong with s.
func (s Settings) Validate() error {
	for _, p := range s.IgnoredDisks {
		if _, err := path.Match(p, "/dev/sda"); err != nil {
			return fmt.Errorf("host: disks to ignore: %q: %w", p, err)
		}
	}
	return nil
}

// Options are what a MIB serves.
type Options struct {
	Machine  *machine.Machine
	Start    time.Time // when sysUpTime was 0
	Settings Settings
}

// MIB is a mib.Handler for the subtrees of Roots.
type MIB struct {
	tree     *mib.Tree
	machine  *machine.Machine
	start    time.Time
	settings atomic.Pointer[Settings]

	fileSystems, disks mib.Numbers
	deviceRows         deviceCache
	networkRows        mib.Derived[*machine.Link, mib.Table[*machine.Link]]
	processes          mib.Derived[machine.Process, mib.Table[machine.Process]]
	packages           mib.Derived[machine.Package, mib.Table[machine.Package]]
}

// New returns the MIB of o; an error if o.Settings is not valid or something is missing.
func New(o Options) (*MIB, error) {
	if o.Machine == nil || o.Start.IsZero() {
		return nil, errors.New("host: machine and start time are needed")
	}
	m := &MIB{machine: o.Machine, start: o.Start}
	if err := m.SetSettings(o.Settings); err != nil {
		return nil, err
	}
	var err error
	m.tree, err = mib.NewTree(
		m.systemScalars(), m.storageScalars(), m.storageTable(),
		m.deviceTable(), m.processorTable(), m.networkTable(), m.diskStorageTable(), m.partitionTable(), m.fsTable(),
		m.swRunTable(), m.swRunPerfTable(), m.swInstalledScalars(), m.swInstalledTable(),
	)
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	return m, nil
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// SetSettings replaces what the administrator says; an error, and no change, if s is not valid. Requests may be under way.
func (m *MIB) SetSettings(s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	m.settings.Store(&s)
	return nil
}

// reading returns the request's reading of this machine, which all handlers of the request share.
func (m *MIB) reading(q *mib.Request) *machine.Reading {
	return q.Shared(m.machine, func() any { return m.machine.Reading(q.At, q.Fresh) }).(*machine.Reading)
}
