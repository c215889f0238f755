// Package ucd serves UCD-SNMP-MIB, UCD-DISKIO-MIB and LM-SENSORS-MIB of the machine that the agent runs on, as Net-SNMP's agent does.
//
// An object that the system does not tell is noSuchInstance; no value stands in for it. On no system are told the objects of memory whose names
// end in TXT, what the MIB has for the agent's own log and for its control (versionClearCache and its kin), and prErrFix, which can only be
// SET to run something.
package ucd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The groups of UCD-SNMP-MIB and what hangs below them.
var (
	ucdavis     = oid.New(1, 3, 6, 1, 4, 1, 2021)
	prTable     = ucdavis.Append(2)
	memory      = ucdavis.Append(4)
	dskTable    = ucdavis.Append(9)
	laTable     = ucdavis.Append(10)
	systemStats = ucdavis.Append(11)
	diskIOTable = ucdavis.Append(13, 15, 1)
	lmSensors   = ucdavis.Append(13, 16)
	version     = ucdavis.Append(100)
	snmperrs    = ucdavis.Append(101)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID {
	return []oid.OID{prTable, memory, dskTable, laTable, systemStats, diskIOTable, lmSensors, version, snmperrs}
}

// Modules is what sysORTable says.
func Modules() []mib.Module {
	return []mib.Module{
		{ID: ucdavis, Descr: "UCD-SNMP-MIB: processes, memory, disks, load, systemStats, version"},
		{ID: ucdavis.Append(13, 15), Descr: "UCD-DISKIO-MIB"},
		{ID: lmSensors, Descr: "LM-SENSORS-MIB"},
	}
}

// The thresholds that hold where none is configured: those of Net-SNMP's agent.
const (
	DefaultLoad        = 12.0
	DefaultMinimumSwap = 16000  // kB
	DefaultMinimumDisk = 100000 // kB
)

// Settings are what the administrator wants to be told of. The zero Settings watch no processes and no disks.
type Settings struct {
	Processes   []ProcessLimit
	Disks       []DiskLimit
	AllDisks    *int       // watch all file systems, for that percentage of free space; nil if not
	Load        [3]float64 // the most that the load averages of 1, 5 and 15 minutes should be; 0 is no limit
	MinimumSwap int64      // kB
	DiskIO      DiskIO
}

// DefaultSettings are those of a file without directives.
func DefaultSettings() Settings {
	return Settings{Load: [3]float64{DefaultLoad, DefaultLoad, DefaultLoad}, MinimumSwap: DefaultMinimumSwap}
}

// ProcessLimit is how many processes of a name should run. With Max 0 there may be any number, unless Min is 0 too: then there should be none.
type ProcessLimit struct {
	Name     string
	Min, Max int32
}

// DiskLimit is how much of a file system should be free. Just one of Minimum and Percent is 0 or more, the other -1.
type DiskLimit struct {
	Path    string // where it is mounted, or the device
	Minimum int64  // kB
	Percent int
}

// DiskIO is which disks diskIOTable shows.
type DiskIO struct {
	Only                                   []string // these alone, unless it is empty
	ExcludeFloppy, ExcludeLoop, ExcludeRAM bool
}

// Options are what a MIB serves.
type Options struct {
	Machine  *machine.Machine
	Version  string // versionTag
	Settings Settings
}

// MIB is a mib.Handler for the subtrees of Roots.
type MIB struct {
	tree     *mib.Tree
	machine  *machine.Machine
	version  string
	settings atomic.Pointer[Settings]

	mounts, disks mib.Numbers
	sensors       [lmMiscSensors + 1]mib.Numbers // by table
}

// New returns the MIB of o; an error if something is missing.
func New(o Options) (*MIB, error) {
	if o.Machine == nil {
		return nil, errors.New("ucd: a machine is needed")
	}
	m := &MIB{machine: o.Machine, version: o.Version}
	m.SetSettings(o.Settings)
	groups := append([]mib.Group{
		m.prTable(), m.memoryScalars(), m.dskTable(), m.laTable(), m.systemStatsScalars(), m.diskIOTable(), m.versionScalars(), snmperrScalars(),
	}, m.sensorTables()...)
	var err error
	if m.tree, err = mib.NewTree(groups...); err != nil {
		return nil, fmt.Errorf("ucd: %w", err)
	}
	return m, nil
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// SetSettings replaces what the administrator wants. Requests may be under way.
func (m *MIB) SetSettings(s Settings) { m.settings.Store(&s) }

// reading returns the request's reading of this machine, which all handlers of the request share.
func (m *MIB) reading(q *mib.Request) *machine.Reading {
	return q.Shared(m.machine, func() any { return m.machine.Reading(q.At, q.Fresh) }).(*machine.Reading)
}

// none is what a cell gives that does not exist.
func none() (snmp.Value, bool) { return snmp.Value{}, false }

func text(s string) (snmp.Value, bool) { return mib.Text(s, 255), true }

func integer(n int64) (snmp.Value, bool) { return mib.Integer(n), true }

// flag returns a UCDErrorFlag.
func flag(err bool) (snmp.Value, bool) {
	if err {
		return integer(1)
	}
	return integer(0)
}

// errorColumns are the flag and the message that every table of UCD-SNMP-MIB ends with. No message is no error.
const (
	errorFlag    = 100
	errorMessage = 101
)

func errorCell(message string, column uint32) (snmp.Value, bool) {
	if column == errorFlag {
		return flag(message != "")
	}
	return text(message)
}

func (m *MIB) versionScalars() mib.Group {
	const (
		versionIndex = 1
		versionTag   = 2
		versionCDate = 4
	)
	return mib.Group{
		Entry: version, Columns: []uint32{versionIndex, versionTag, versionCDate},
		Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch column {
				case versionIndex:
					return integer(1)
				case versionTag:
					return text(m.version)
				default: // the present time, as ctime(3) writes it
					return text(q.At.Format("Mon Jan _2 15:04:05 2006"))
				}
			})
		},
	}
}

// snmperrScalars say that the agent has no error to tell.
func snmperrScalars() mib.Group {
	return mib.Group{
		Entry: snmperrs, Columns: []uint32{1, 2, errorFlag, errorMessage},
		Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch column {
				case 1:
					return integer(0)
				case 2:
					return text("snmp")
				}
				return errorCell("", column)
			})
		},
	}
}
