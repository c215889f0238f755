package host

import (
	"context"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The kinds of software: hrSWRunType and hrSWInstalledType.
const (
	operatingSystem = 2
	application     = 4
)

const (
	hrSWRunIndex      = 1
	hrSWRunName       = 2
	hrSWRunID         = 3
	hrSWRunPath       = 4
	hrSWRunParameters = 5
	hrSWRunType       = 6
	hrSWRunStatus     = 7
)

// processTable returns the processes of a request with cells that cell computes.
func (m *MIB) processTable(ctx context.Context, q *mib.Request, cell func(p *machine.Process, column uint32) (snmp.Value, bool)) mib.Snapshot {
	q.Slow()
	list, err := m.reading(q).Processes(ctx)
	if err != nil {
		return mib.Snapshot{}
	}
	t := m.processes.Of(list, func(list []machine.Process) *mib.Table[machine.Process] {
		return mib.NewTable(list, func(p *machine.Process) oid.OID { return indexOf(p.ID) })
	})
	return t.Snapshot(cell)
}

func (m *MIB) swRunTable() mib.Group {
	return mib.Group{
		Entry:   hrSWRun.Append(2, 1),
		Columns: []uint32{hrSWRunIndex, hrSWRunName, hrSWRunID, hrSWRunPath, hrSWRunParameters, hrSWRunType, hrSWRunStatus},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return m.processTable(ctx, q, swRunCell)
		},
	}
}

func swRunCell(p *machine.Process, column uint32) (snmp.Value, bool) {
	switch column {
	case hrSWRunIndex:
		return number(int64(p.ID))
	case hrSWRunName:
		return text(p.Name, 64)
	case hrSWRunID:
		return zeroDotZero, true
	case hrSWRunPath:
		return text(p.Path, 128)
	case hrSWRunParameters:
		return text(p.Arguments, 128)
	case hrSWRunType:
		if p.Kernel {
			return number(operatingSystem)
		}
		return number(application)
	case hrSWRunStatus:
		s := runStatus(p.State)
		return snmp.Integer(s), s != 0
	}
	return none()
}

// runStatus returns hrSWRunStatus for a state of ps(1), as Net-SNMP has it: what sleeps is runnable, for plug-ins that count what is alive
// look for running and runnable. 0 if the state is not told.
func runStatus(state byte) int32 {
	const running, runnable, notRunnable, invalid = 1, 2, 3, 4
	switch state {
	case 'R':
		return running
	case 'S', 'I', 'L', 'W':
		return runnable
	case 'D', 'T', 't':
		return notRunnable
	case 0:
		return 0
	default:
		return invalid
	}
}

const (
	hrSWRunPerfCPU = 1
	hrSWRunPerfMem = 2
)

func (m *MIB) swRunPerfTable() mib.Group {
	return mib.Group{
		Entry: hrSWRunPerf.Append(1, 1), Columns: []uint32{hrSWRunPerfCPU, hrSWRunPerfMem},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return m.processTable(ctx, q, func(p *machine.Process, column uint32) (snmp.Value, bool) {
				if column == hrSWRunPerfCPU {
					return number(int64(p.CPUTime / (10 * time.Millisecond)))
				}
				return kilobytes(p.Memory)
			})
		},
	}
}

const (
	hrSWInstalledLastChange     = 1
	hrSWInstalledLastUpdateTime = 2
)

func (m *MIB) swInstalledScalars() mib.Group {
	return mib.Group{
		Entry: hrSWInstalled, Columns: []uint32{hrSWInstalledLastChange, hrSWInstalledLastUpdateTime},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				q.Slow()
				p, err := m.reading(q).Packages(ctx)
				switch {
				case err != nil:
					return none()
				case column == hrSWInstalledLastChange:
					return m.ticks(p.Changed)
				default:
					return m.ticks(p.Read)
				}
			})
		},
	}
}

const (
	hrSWInstalledIndex = 1
	hrSWInstalledName  = 2
	hrSWInstalledID    = 3
	hrSWInstalledType  = 4
	hrSWInstalledDate  = 5
)

// swInstalledTable numbers packages from 1 on by their names (RFC 2790: no number is above the count of packages); the numbers change
// only when hrSWInstalledLastChange does.
func (m *MIB) swInstalledTable() mib.Group {
	return mib.Group{
		Entry:   hrSWInstalled.Append(3, 1),
		Columns: []uint32{hrSWInstalledIndex, hrSWInstalledName, hrSWInstalledID, hrSWInstalledType, hrSWInstalledDate},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			q.Slow()
			p, err := m.reading(q).Packages(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			t := m.packages.Of(p.List, func(list []machine.Package) *mib.Table[machine.Package] {
				t := &mib.Table[machine.Package]{Rows: list}
				for i := range list {
					t.Index = append(t.Index, indexOf(uint32(i+1)))
				}
				return t
			})
			return mib.Snapshot{Index: t.Index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				if column == hrSWInstalledIndex {
					return number(int64(row + 1))
				}
				return swInstalledCell(&t.Rows[row], column)
			}}
		},
	}
}

func swInstalledCell(p *machine.Package, column uint32) (snmp.Value, bool) {
	switch column {
	case hrSWInstalledName:
		return text(packageName(p), 64)
	case hrSWInstalledID:
		return zeroDotZero, true
	case hrSWInstalledType:
		if p.System {
			return number(operatingSystem)
		}
		return number(application)
	case hrSWInstalledDate:
		return dateAndTime(p.Installed)
	}
	return none()
}

// packageName returns a package's name as Net-SNMP has it: bash_5.2-3_amd64 of dpkg, bash-5.2-3.el9.x86_64 of rpm.
func packageName(p *machine.Package) string {
	name := p.Name
	between, before := "_", "_"
	if p.By == "rpm" {
		between, before = "-", "."
	}
	if p.Version != "" {
		name += between + p.Version
	}
	if p.Arch != "" {
		name += before + p.Arch
	}
	return name
}
