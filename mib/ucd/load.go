package ucd

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

const (
	laIndex     = 1
	laNames     = 2
	laLoad      = 3
	laConfig    = 4
	laLoadInt   = 5
	laLoadFloat = 6
)

// loadMinutes are the spans of the load averages.
var loadMinutes = [3]int{1, 5, 15}

func (m *MIB) laTable() mib.Group {
	index := []oid.OID{oid.New(1), oid.New(2), oid.New(3)}
	return mib.Group{
		Entry:   laTable.Append(1),
		Columns: []uint32{laIndex, laNames, laLoad, laConfig, laLoadInt, laLoadFloat, errorFlag, errorMessage},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			load, err := m.reading(q).LoadAverage(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			limits := m.settings.Load().Load
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				return loadCell(row, load[row], limits[row], column)
			}}
		},
	}
}

func loadCell(row int, load, limit float64, column uint32) (snmp.Value, bool) {
	switch column {
	case laIndex:
		return integer(int64(row + 1))
	case laNames:
		return text(fmt.Sprintf("Load-%d", loadMinutes[row]))
	case laLoad:
		return text(fmt.Sprintf("%.2f", load))
	case laConfig:
		return text(fmt.Sprintf("%.2f", limit))
	case laLoadInt:
		return integer(int64(math.Round(load * 100)))
	case laLoadFloat:
		return float(load), true
	}
	message := ""
	if limit != 0 && load >= limit {
		message = fmt.Sprintf("%d min Load Average too high (= %.2f)", loadMinutes[row], load)
	}
	return errorCell(message, column)
}

// float returns an Opaque of UCD-SNMP-MIB's Float: the tag of its ASN.1 type, the length, and the octets of IEEE 754.
func float(f float64) snmp.Value {
	return snmp.Opaque(string(binary.BigEndian.AppendUint32([]byte{0x9f, 0x78, 4}, math.Float32bits(float32(f)))))
}

const (
	ssIndex         = 1
	ssErrorName     = 2
	ssSwapIn        = 3
	ssSwapOut       = 4
	ssIOSent        = 5
	ssIOReceive     = 6
	ssSysInterrupts = 7
	ssSysContext    = 8
	ssCpuUser       = 9
	ssCpuSystem     = 10
	ssCpuIdle       = 11
	ssIORawSent     = 57
	ssIORawReceived = 58
	ssRawInterrupts = 59
	ssRawContexts   = 60
	ssRawSwapIn     = 62
	ssRawSwapOut    = 63
	ssCpuNumCpus    = 67
)

// rawStates are the states of the processors that a column counts. Pollers add the columns up, so no time is in two of them: what might be
// ssCpuRawKernel is all in ssCpuRawSystem.
var rawStates = map[uint32][]machine.CPUState{
	50: {machine.CPUUser}, 51: {machine.CPUNice}, 52: {machine.CPUSystem}, 53: {machine.CPUIdle},
	54: {machine.CPUWait}, 56: {machine.CPUInterrupt}, 61: {machine.CPUSoftIRQ}, 64: {machine.CPUSteal},
	65: {machine.CPUGuest}, 66: {machine.CPUGuestNice},
}

// recentStates are those whose share of the last minute a column tells, in percent.
var recentStates = map[uint32][]machine.CPUState{
	ssCpuUser:   {machine.CPUUser, machine.CPUNice},
	ssCpuSystem: {machine.CPUSystem, machine.CPUInterrupt, machine.CPUSoftIRQ},
	ssCpuIdle:   {machine.CPUIdle},
}

func (m *MIB) systemStatsScalars() mib.Group {
	columns := []uint32{
		ssIndex, ssErrorName, ssSwapIn, ssSwapOut, ssIOSent, ssIOReceive, ssSysInterrupts, ssSysContext, ssIORawSent, ssIORawReceived, ssRawInterrupts,
		ssRawContexts, ssRawSwapIn, ssRawSwapOut, ssCpuNumCpus,
	}
	columns = slices.Concat(columns, slices.Collect(maps.Keys(rawStates)), slices.Collect(maps.Keys(recentStates)))
	return mib.Group{
		Entry: systemStats, Columns: columns,
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch {
				case column == ssIndex:
					return integer(1)
				case column == ssErrorName:
					return text("systemStats")
				case rawStates[column] != nil || recentStates[column] != nil || column == ssCpuNumCpus:
					p, err := r.Processors(ctx)
					if err != nil {
						return none()
					}
					return processorStat(p, column)
				default:
					q.Slow()
					k, err := r.Kernel(ctx)
					if err != nil {
						return none()
					}
					return kernelStat(k, column)
				}
			})
		},
	}
}

func processorStat(p *machine.Processors, column uint32) (snmp.Value, bool) {
	if column == ssCpuNumCpus {
		return integer(int64(len(p.List)))
	}
	if states := rawStates[column]; states != nil {
		ticks, ok := sum(&p.Times, states)
		return snmp.Counter32(uint32(ticks)), ok
	}
	ticks, ok := sum(&p.Recent, recentStates[column])
	total := p.Recent.Total()
	if !ok || total == 0 {
		return none()
	}
	return integer(int64(100 * ticks / total))
}

// sum adds up the states that are told; false if the first is not.
func sum(t *machine.CPUTimes, states []machine.CPUState) (ticks uint64, ok bool) {
	for i, s := range states {
		n, known := t.Get(s)
		if i == 0 && !known {
			return 0, false
		}
		ticks += n
	}
	return ticks, true
}

// perKilobyte is how many blocks of 512 octets, the unit of ssIORawSent, are a kilobyte.
const perKilobyte = 2

func kernelStat(k *machine.Kernel, column uint32) (snmp.Value, bool) {
	counter := func(n int64, unit int64) (snmp.Value, bool) {
		return snmp.Counter32(uint32(uint64(n) * uint64(unit))), n >= 0
	}
	rate := func(of func(k *machine.Kernel) int64, unit float64) (snmp.Value, bool) {
		if k.Earlier == nil || k.Span <= 0 || of(k) < 0 || of(k.Earlier) < 0 {
			return none()
		}
		return integer(int64(float64(max(of(k)-of(k.Earlier), 0)) * unit / k.Span.Seconds()))
	}
	page := float64(k.PageSize) / 1024
	switch column {
	case ssSwapIn:
		return rate(func(k *machine.Kernel) int64 { return k.SwappedIn }, page)
	case ssSwapOut:
		return rate(func(k *machine.Kernel) int64 { return k.SwappedOut }, page)
	case ssIOSent:
		return rate(func(k *machine.Kernel) int64 { return k.PagedOut }, perKilobyte)
	case ssIOReceive:
		return rate(func(k *machine.Kernel) int64 { return k.PagedIn }, perKilobyte)
	case ssSysInterrupts:
		return rate(func(k *machine.Kernel) int64 { return k.Interrupts }, 1)
	case ssSysContext:
		return rate(func(k *machine.Kernel) int64 { return k.ContextSwitches }, 1)
	case ssIORawSent:
		return counter(k.PagedOut, perKilobyte)
	case ssIORawReceived:
		return counter(k.PagedIn, perKilobyte)
	case ssRawInterrupts:
		return counter(k.Interrupts, 1)
	case ssRawContexts:
		return counter(k.ContextSwitches, 1)
	case ssRawSwapIn:
		return counter(k.SwappedIn, 1)
	case ssRawSwapOut:
		return counter(k.SwappedOut, 1)
	}
	return none()
}
