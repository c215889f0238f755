package ucd

import (
	"context"
	"fmt"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

const (
	prIndex = 1
	prNames = 2
	prMin   = 3
	prMax   = 4
	prCount = 5
)

func (m *MIB) prTable() mib.Group {
	return mib.Group{
		Entry:   prTable.Append(1),
		Columns: []uint32{prIndex, prNames, prMin, prMax, prCount, errorFlag, errorMessage},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			limits := m.settings.Load().Processes
			if len(limits) == 0 {
				return mib.Snapshot{}
			}
			q.Slow()
			list, err := m.reading(q).Processes(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return mib.Snapshot{Index: numbered(len(limits)), Cell: func(row int, column uint32) (snmp.Value, bool) {
				return processCell(row, limits[row], list, column)
			}}
		},
	}
}

// numbered returns the indexes 1 to n.
func numbered(n int) []oid.OID {
	index := make([]oid.OID, n)
	for i := range index {
		index[i] = oid.New(uint32(i + 1))
	}
	return index
}

// kernelName is how many octets of a process's name Linux keeps (TASK_COMM_LEN, less one).
const kernelName = 15

// count returns how many processes have that name. The kernel's is cut; a longer one is looked for in how a process was called.
func count(list []machine.Process, name string) (n int32) {
	for i := range list {
		p := &list[i]
		if p.Name == name || len(name) > kernelName && p.Name == name[:kernelName] && base(p.Path) == name {
			n++
		}
	}
	return n
}

// base returns what stands behind the last slash, up to a colon: nginx of "nginx: worker process".
func base(path string) string {
	for i := range len(path) {
		if path[i] == ':' || path[i] == ' ' {
			path = path[:i]
			break
		}
	}
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

func processCell(row int, l ProcessLimit, list []machine.Process, column uint32) (snmp.Value, bool) {
	switch column {
	case prIndex:
		return integer(int64(row + 1))
	case prNames:
		return text(l.Name)
	case prMin:
		return integer(int64(l.Min))
	case prMax:
		return integer(int64(l.Max))
	}
	n := count(list, l.Name)
	if column == prCount {
		return integer(int64(n))
	}
	message := ""
	switch {
	case n == 0 && l.Min > 0:
		message = fmt.Sprintf("No %s process running", l.Name)
	case n < l.Min:
		message = fmt.Sprintf("Too few %s running (# = %d)", l.Name, n)
	case l.Max > 0 && n > l.Max:
		message = fmt.Sprintf("Too many %s running (# = %d)", l.Name, n)
	case l.Max == 0 && l.Min == 0 && n > 0:
		message = fmt.Sprintf("%s process should not be running.", l.Name)
	}
	return errorCell(message, column)
}
