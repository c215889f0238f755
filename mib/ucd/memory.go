package ucd

import (
	"context"
	"fmt"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	memIndex        = 1
	memErrorName    = 2
	memTotalSwap    = 3
	memAvailSwap    = 4
	memTotalReal    = 5
	memAvailReal    = 6
	memTotalFree    = 11
	memMinimumSwap  = 12
	memShared       = 13
	memBuffer       = 14
	memCached       = 15
	memTotalSwapX   = 18
	memMinimumSwapX = 23
	memSysAvail     = 27
	memSwapError    = 100
	memSwapErrorMsg = 101
)

// wideColumns are the columns of 64 bits, by those of 32 that they are the whole of.
var wideColumns = map[uint32]uint32{
	memTotalSwapX: memTotalSwap, 19: memAvailSwap, 20: memTotalReal, 21: memAvailReal, 22: memTotalFree, memMinimumSwapX: memMinimumSwap,
	24: memShared, 25: memBuffer, 26: memCached,
}

func (m *MIB) memoryScalars() mib.Group {
	columns := []uint32{
		memIndex, memErrorName, memTotalSwap, memAvailSwap, memTotalReal, memAvailReal, memTotalFree, memMinimumSwap, memShared, memBuffer, memCached,
		memSysAvail, memSwapError, memSwapErrorMsg,
	}
	for column := range wideColumns {
		columns = append(columns, column)
	}
	return mib.Group{
		Entry: memory, Columns: columns,
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			x, err := m.reading(q).Memory(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			minimum := m.settings.Load().MinimumSwap
			return mib.Scalars(func(column uint32) (snmp.Value, bool) { return memoryCell(x, minimum, column) })
		},
	}
}

func memoryCell(m *machine.Memory, minimum int64, column uint32) (snmp.Value, bool) {
	switch column {
	case memIndex:
		return integer(0)
	case memErrorName:
		return text("swap")
	case memSwapError, memSwapErrorMsg:
		if m.SwapFree < 0 {
			return none()
		}
		message := ""
		if free := m.SwapFree / 1024; free < minimum {
			message = fmt.Sprintf("Running out of swap space (%d)", free)
		}
		return errorCell(message, column)
	case memSysAvail:
		return wide(m.Available)
	}
	if narrow, ok := wideColumns[column]; ok {
		return wide(memoryOctets(m, minimum, narrow))
	}
	octets := memoryOctets(m, minimum, column)
	if octets < 0 {
		return none()
	}
	return integer(octets / 1024)
}

// wide returns a CounterBasedGauge64 of kB.
func wide(octets int64) (snmp.Value, bool) {
	if octets < 0 {
		return none()
	}
	return snmp.Counter64(uint64(octets / 1024)), true
}

// memoryOctets returns a column's value, or machine.Unknown.
func memoryOctets(m *machine.Memory, minimum int64, column uint32) int64 {
	switch column {
	case memTotalSwap:
		return m.SwapTotal
	case memAvailSwap:
		return m.SwapFree
	case memTotalReal:
		return m.Total
	case memAvailReal:
		return m.Free
	case memTotalFree:
		if m.Free < 0 || m.SwapFree < 0 {
			return machine.Unknown
		}
		return m.Free + m.SwapFree
	case memMinimumSwap:
		return minimum * 1024
	case memShared:
		return m.Shared
	case memBuffer:
		return m.Buffers
	case memCached: // with what the kernel can take back of its own, as free(1) has it
		if m.Cached < 0 {
			return machine.Unknown
		}
		return m.Cached + max(m.Reclaimable, 0)
	}
	return machine.Unknown
}
