package extend

import (
	"context"
	"strings"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// displayString is the most octets of a DisplayString. nsExtendOutputFull and the lines have no end there in Net-SNMP's agent either: what monitoring
// systems read there is longer.
const displayString = 255

func (m *MIB) extendScalars() mib.Group {
	const nsExtendNumEntries = 1
	return mib.Group{
		Entry: m.root, Columns: []uint32{nsExtendNumEntries},
		Open: func(context.Context, *mib.Request) mib.Snapshot {
			n := len(m.rows.Load().entries.Rows)
			return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.Integer(int32(n)), true })
		},
	}
}

const (
	nsExtendCommand   = 2
	nsExtendArgs      = 3
	nsExtendInput     = 4
	nsExtendCacheTime = 5
	nsExtendExecType  = 6
	nsExtendRunType   = 7
	nsExtendStorage   = 20
	nsExtendStatus    = 21
)

func (m *MIB) configTable() mib.Group {
	return mib.Group{
		Entry: m.root.Append(2, 1),
		Columns: []uint32{
			nsExtendCommand, nsExtendArgs, nsExtendInput, nsExtendCacheTime, nsExtendExecType, nsExtendRunType, nsExtendStorage, nsExtendStatus,
		},
		Open: func(context.Context, *mib.Request) mib.Snapshot {
			return m.rows.Load().entries.Snapshot(func(row **entry, column uint32) (snmp.Value, bool) { return configCell(*row, column) })
		},
	}
}

func configCell(e *entry, column uint32) (snmp.Value, bool) {
	const exec, runOnRead, permanent, active = 1, 1, 4, 1
	switch column {
	case nsExtendCommand:
		return mib.Text(e.Program.Path, displayString), true
	case nsExtendArgs:
		return mib.Text(strings.Join(e.Program.Args, " "), displayString), true
	case nsExtendInput:
		return snmp.OctetString(""), true
	case nsExtendCacheTime:
		return mib.Integer(int64(e.CacheTime / time.Second)), true
	case nsExtendExecType:
		return snmp.Integer(exec), true
	case nsExtendRunType:
		return snmp.Integer(runOnRead), true
	case nsExtendStorage:
		return snmp.Integer(permanent), true
	case nsExtendStatus:
		return snmp.Integer(active), true
	}
	return none()
}

const (
	nsExtendOutput1Line = 1
	nsExtendOutputFull  = 2
	nsExtendOutNumLines = 3
	nsExtendResult      = 4
)

func (m *MIB) output1Table() mib.Group {
	return mib.Group{
		Entry:   m.root.Append(3, 1),
		Columns: []uint32{nsExtendOutput1Line, nsExtendOutputFull, nsExtendOutNumLines, nsExtendResult},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			a := m.asked(ctx, q)
			return a.rows.entries.Snapshot(func(row **entry, column uint32) (snmp.Value, bool) {
				r := a.result(*row)
				if r == nil {
					return none()
				}
				return outputCell(r, column)
			})
		},
	}
}

func outputCell(r *result, column uint32) (snmp.Value, bool) {
	switch column {
	case nsExtendOutput1Line:
		return mib.Text(r.firstLine(), displayString), true
	case nsExtendOutputFull:
		return snmp.OctetString(r.text), true
	case nsExtendOutNumLines:
		return snmp.Integer(int32(len(r.lines))), true
	case nsExtendResult:
		return mib.Integer(int64(r.code)), true
	}
	return none()
}

func (r *result) firstLine() string {
	if len(r.lines) == 0 {
		return ""
	}
	return r.lines[0]
}

func (m *MIB) output2Table() mib.Group {
	const nsExtendOutLine = 2
	return mib.Group{
		Entry: m.root.Append(4, 1), Columns: []uint32{nsExtendOutLine},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			a := m.asked(ctx, q)
			var index []oid.OID
			var lines []string
			for i, r := range a.all() {
				if r == nil {
					continue
				}
				for n, line := range r.lines {
					index = append(index, a.rows.entries.Index[i].Append(uint32(n+1)))
					lines = append(lines, line)
				}
			}
			return mib.Snapshot{Index: index, Cell: func(row int, _ uint32) (snmp.Value, bool) { return snmp.OctetString(lines[row]), true }}
		},
	}
}

const (
	extIndex     = 1
	extNames     = 2
	extCommand   = 3
	extResult    = 100
	extOutput    = 101
	extErrFix    = 102
	extErrFixCmd = 103
)

func (m *MIB) extTable() mib.Group {
	return mib.Group{
		Entry:   extTable.Append(1),
		Columns: []uint32{extIndex, extNames, extCommand, extResult, extOutput, extErrFix, extErrFixCmd},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			a := m.asked(ctx, q)
			index := make([]oid.OID, len(a.rows.listed))
			for i := range index {
				index[i] = oid.New(uint32(i + 1))
			}
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				return extCell(a, row, a.rows.listed[row], column)
			}}
		},
	}
}

func extCell(a *asked, row int, e *entry, column uint32) (snmp.Value, bool) {
	switch column {
	case extIndex:
		return snmp.Integer(int32(row + 1)), true
	case extNames:
		return mib.Text(e.Name, displayString), true
	case extCommand:
		return mib.Text(strings.TrimSpace(e.Program.Path+" "+strings.Join(e.Program.Args, " ")), displayString), true
	case extErrFix: // nothing is run by SET
		return snmp.Integer(0), true
	case extErrFixCmd:
		return snmp.OctetString(""), true
	}
	r := a.result(e)
	if r == nil {
		return none()
	}
	if column == extResult {
		return mib.Integer(int64(r.code)), true
	}
	return mib.Text(r.firstLine(), displayString), true
}
