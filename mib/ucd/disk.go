package ucd

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

const (
	dskIndex       = 1
	dskPath        = 2
	dskDevice      = 3
	dskMinimum     = 4
	dskMinPercent  = 5
	dskTotal       = 6
	dskAvail       = 7
	dskUsed        = 8
	dskPercent     = 9
	dskPercentNode = 10
	dskTotalLow    = 11
	dskTotalHigh   = 12
	dskAvailLow    = 13
	dskAvailHigh   = 14
	dskUsedLow     = 15
	dskUsedHigh    = 16
)

// watched is a row of dskTable. system is nil if it is not mounted.
type watched struct {
	limit  DiskLimit
	system *machine.FileSystem
	number uint32
}

func (m *MIB) dskTable() mib.Group {
	return mib.Group{
		Entry: dskTable.Append(1),
		Columns: []uint32{
			dskIndex, dskPath, dskDevice, dskMinimum, dskMinPercent, dskTotal, dskAvail, dskUsed, dskPercent, dskPercentNode, dskTotalLow, dskTotalHigh,
			dskAvailLow, dskAvailHigh, dskUsedLow, dskUsedHigh, errorFlag, errorMessage,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			s := m.settings.Load()
			if len(s.Disks) == 0 && s.AllDisks == nil {
				return mib.Snapshot{}
			}
			q.Slow()
			list, err := m.reading(q).FileSystems(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return mib.NewTable(m.watched(s, list), func(row *watched) oid.OID { return oid.New(row.number) }).Snapshot(diskCell)
		},
	}
}

// watched returns the rows of the settings: first those that have a line of their own, mounted or not.
func (m *MIB) watched(s *Settings, list []machine.FileSystem) []watched {
	var rows []watched
	var names []string
	for _, l := range s.Disks {
		i := slices.IndexFunc(list, func(f machine.FileSystem) bool { return f.MountPoint == l.Path })
		if i < 0 {
			i = slices.IndexFunc(list, func(f machine.FileSystem) bool { return f.Source == l.Path })
		}
		row := watched{limit: l}
		if i >= 0 {
			row.system = &list[i]
		}
		rows, names = append(rows, row), append(names, l.Path)
	}
	if s.AllDisks != nil {
		for i := range list {
			f := &list[i]
			if f.Again || slices.ContainsFunc(rows, func(r watched) bool { return r.system != nil && r.system.MountPoint == f.MountPoint }) {
				continue
			}
			rows = append(rows, watched{limit: DiskLimit{Path: f.MountPoint, Minimum: -1, Percent: *s.AllDisks}, system: f})
			names = append(names, f.MountPoint)
		}
	}
	for i, n := range m.mounts.Of(names) {
		rows[i].number = n
	}
	return rows
}

func diskCell(row *watched, column uint32) (snmp.Value, bool) {
	switch column {
	case dskIndex:
		return integer(int64(row.number))
	case dskPath:
		if row.system != nil {
			return text(row.system.MountPoint)
		}
		return text(row.limit.Path)
	case dskMinimum:
		return integer(row.limit.Minimum)
	case dskMinPercent:
		return integer(int64(row.limit.Percent))
	case errorFlag, errorMessage:
		return errorCell(row.problem(), column)
	}
	if row.system == nil {
		return none()
	}
	if column == dskDevice {
		return text(row.system.Source)
	}
	if row.system.Usage == nil {
		return none()
	}
	return usageCell(row.system.Usage, column)
}

func usageCell(u *machine.Usage, column uint32) (snmp.Value, bool) {
	total, avail, used := kilobytes(u, u.Blocks), kilobytes(u, u.Available), kilobytes(u, u.Blocks-min(u.Free, u.Blocks))
	switch column {
	case dskTotal:
		return clamped(total)
	case dskAvail:
		return clamped(avail)
	case dskUsed:
		return clamped(used)
	case dskPercent:
		return integer(percent(used, total))
	case dskPercentNode:
		if !u.FilesKnown || u.Files == 0 {
			return none()
		}
		return integer(percent(u.Files-min(u.FilesFree, u.Files), u.Files))
	case dskTotalLow:
		return snmp.Gauge32(uint32(total)), true
	case dskTotalHigh:
		return snmp.Gauge32(uint32(total >> 32)), true
	case dskAvailLow:
		return snmp.Gauge32(uint32(avail)), true
	case dskAvailHigh:
		return snmp.Gauge32(uint32(avail >> 32)), true
	case dskUsedLow:
		return snmp.Gauge32(uint32(used)), true
	case dskUsedHigh:
		return snmp.Gauge32(uint32(used >> 32)), true
	}
	return none()
}

// clamped returns an amount as an Integer32, or the largest there is; those of 64 bits have it whole.
func clamped(n uint64) (snmp.Value, bool) { return integer(int64(min(n, 1<<62))) }

// kilobytes returns what blocks are, of any number and size.
func kilobytes(u *machine.Usage, blocks uint64) uint64 {
	hi, lo := bits.Mul64(blocks, uint64(u.BlockSize))
	if hi >= 1024 {
		return 1<<64 - 1
	}
	return hi<<54 | lo>>10
}

// percent returns what part is of whole, rounded; an empty whole is used up to nothing.
func percent(part, whole uint64) int64 {
	if whole == 0 {
		return 0
	}
	return int64(float64(part)/float64(whole)*100 + 0.5)
}

// problem returns what is wrong with a file system; "" if nothing is.
func (w *watched) problem() string {
	switch {
	case w.system == nil:
		return w.limit.Path + ": not mounted"
	case w.system.Usage == nil:
		return w.system.MountPoint + ": does not answer"
	}
	u := w.system.Usage
	total, avail := kilobytes(u, u.Blocks), kilobytes(u, u.Available)
	switch {
	case w.limit.Minimum >= 0 && avail < uint64(w.limit.Minimum):
		return fmt.Sprintf("%s: less than %d free (= %d)", w.system.MountPoint, w.limit.Minimum, avail)
	case w.limit.Minimum < 0 && total > 0 && percent(avail, total) < int64(w.limit.Percent): // rounded, as Net-SNMP has it and the message shows it
		return fmt.Sprintf("%s: less than %d%% free (= %d%%)", w.system.MountPoint, w.limit.Percent, percent(avail, total))
	}
	return ""
}

const (
	diskIOIndex     = 1
	diskIODevice    = 2
	diskIONRead     = 3
	diskIONWritten  = 4
	diskIOReads     = 5
	diskIOWrites    = 6
	diskIOLA1       = 9
	diskIOLA5       = 10
	diskIOLA15      = 11
	diskIONReadX    = 12
	diskIONWrittenX = 13
	diskIOBusyTime  = 14
)

// counted is a row of diskIOTable.
type counted struct {
	*machine.Disk
	number uint32
}

func (m *MIB) diskIOTable() mib.Group {
	return mib.Group{
		Entry: diskIOTable.Append(1),
		Columns: []uint32{
			diskIOIndex, diskIODevice, diskIONRead, diskIONWritten, diskIOReads, diskIOWrites, diskIOLA1, diskIOLA5, diskIOLA15, diskIONReadX, diskIONWrittenX,
			diskIOBusyTime,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			q.Slow()
			list, err := m.reading(q).Disks(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			s := m.settings.Load().DiskIO
			var rows []counted
			var names []string
			for i := range list {
				if d := &list[i]; d.IO != nil && s.shows(d.Name) {
					rows, names = append(rows, counted{Disk: d}), append(names, d.Name)
				}
			}
			for i, n := range m.disks.Of(names) {
				rows[i].number = n
			}
			return mib.NewTable(rows, func(row *counted) oid.OID { return oid.New(row.number) }).Snapshot(diskIOCell)
		},
	}
}

func (s *DiskIO) shows(name string) bool {
	if len(s.Only) > 0 {
		return slices.Contains(s.Only, name) || slices.Contains(s.Only, "/dev/"+name)
	}
	return (!s.ExcludeFloppy || !strings.HasPrefix(name, "fd")) && (!s.ExcludeLoop || !strings.HasPrefix(name, "loop")) &&
		(!s.ExcludeRAM || !strings.HasPrefix(name, "ram"))
}

func diskIOCell(row *counted, column uint32) (snmp.Value, bool) {
	io := row.IO
	switch column {
	case diskIOIndex:
		return integer(int64(row.number))
	case diskIODevice:
		return text(row.Name)
	case diskIONRead:
		return snmp.Counter32(uint32(io.ReadBytes)), true
	case diskIONWritten:
		return snmp.Counter32(uint32(io.WrittenBytes)), true
	case diskIOReads:
		return snmp.Counter32(uint32(io.Reads)), true
	case diskIOWrites:
		return snmp.Counter32(uint32(io.Writes)), true
	case diskIOLA1, diskIOLA5, diskIOLA15:
		busy := row.Busy[column-diskIOLA1]
		if busy < 0 {
			return none()
		}
		return integer(int64(busy*100 + 0.5))
	case diskIONReadX:
		return snmp.Counter64(io.ReadBytes), true
	case diskIONWrittenX:
		return snmp.Counter64(io.WrittenBytes), true
	case diskIOBusyTime:
		return snmp.Counter64(uint64(io.BusyTime.Microseconds())), io.BusyKnown
	}
	return none()
}
