package host

import (
	"context"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func (m *MIB) storageScalars() mib.Group {
	const hrMemorySize = 2
	return mib.Group{
		Entry: hrStorage, Columns: []uint32{hrMemorySize},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(uint32) (snmp.Value, bool) {
				memory, err := m.reading(q).Memory(ctx)
				if err != nil {
					return none()
				}
				return kilobytes(memory.Total)
			})
		},
	}
}

// The types of storage: below hrStorageTypes.
const (
	storageOther       = 1
	storageRAM         = 2
	storageVirtual     = 3
	storageFixedDisk   = 4
	storageRemovable   = 5
	storageFloppy      = 6
	storageCompactDisc = 7
	storageRAMDisk     = 8
	storageNetworkDisk = 10
)

// storage is a row of hrStorageTable. The zero units are those of a file system that does not answer.
type storage struct {
	index uint32
	kind  uint32
	descr string
	units int64
	size  int64
	used  int64
}

// The indexes of memory are Net-SNMP's, on which templates of monitoring systems rely; file systems follow from fileSystemBase on.
const (
	physicalMemory  = 1
	virtualMemory   = 3
	memoryBuffers   = 6
	cachedMemory    = 7
	sharedMemory    = 8
	swapSpace       = 10
	availableMemory = 11
	fileSystemBase  = 30
)

const (
	hrStorageIndex           = 1
	hrStorageType            = 2
	hrStorageDescr           = 3
	hrStorageAllocationUnits = 4
	hrStorageSize            = 5
	hrStorageUsed            = 6
)

func (m *MIB) storageTable() mib.Group {
	return mib.Group{
		Entry:   hrStorage.Append(3, 1),
		Columns: []uint32{hrStorageIndex, hrStorageType, hrStorageDescr, hrStorageAllocationUnits, hrStorageSize, hrStorageUsed},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			s := m.settings.Load()
			var rows []storage
			if memory, err := m.reading(q).Memory(ctx); err == nil {
				rows = memoryStorage(memory, s.RealUnits)
			}
			for _, f := range m.mounts(ctx, q) {
				if f.Remote && s.SkipNetwork {
					continue
				}
				rows = append(rows, fileSystemStorage(f, s))
			}
			return mib.NewTable(rows, func(row *storage) oid.OID { return indexOf(row.index) }).Snapshot(storageCell)
		},
	}
}

// memoryStorage returns the rows of memory as Net-SNMP's agent has them: what is free is not used, and buffers and cache have rows of their
// own. A row whose figures are not told is left out.
func memoryStorage(m *machine.Memory, realUnits bool) []storage {
	var rows []storage
	add := func(index, kind uint32, descr string, size, used int64) {
		if size < 0 || used < 0 {
			return
		}
		const unit = 1024
		row := storage{index: index, kind: kind, descr: descr}
		row.units, row.size, row.used = fit(unit, uint64(size)/unit, uint64(used)/unit, realUnits)
		rows = append(rows, row)
	}
	minus := func(a, b int64) int64 {
		if !known(a) || !known(b) {
			return machine.Unknown
		}
		return max(a-b, 0)
	}
	cached := m.Cached
	if known(cached) && known(m.Reclaimable) {
		cached += m.Reclaimable
	}
	virtual, virtualUsed := int64(machine.Unknown), int64(machine.Unknown)
	if known(m.Total) && known(m.SwapTotal) && known(m.Free) && known(m.SwapFree) {
		virtual = m.Total + m.SwapTotal
		virtualUsed = minus(virtual, m.Free+m.SwapFree)
	}
	add(physicalMemory, storageRAM, "Physical memory", m.Total, minus(m.Total, m.Free))
	add(virtualMemory, storageVirtual, "Virtual memory", virtual, virtualUsed)
	add(memoryBuffers, storageOther, "Memory buffers", m.Total, m.Buffers)
	add(cachedMemory, storageOther, "Cached memory", cached, cached)
	add(sharedMemory, storageOther, "Shared memory", m.Shared, m.Shared)
	add(swapSpace, storageVirtual, "Swap space", m.SwapTotal, minus(m.SwapTotal, m.SwapFree))
	add(availableMemory, storageOther, "Available memory", m.Available, 0)
	return rows
}

// mount is a file system with the number that it has here.
type mount struct {
	machine.FileSystem
	number uint32 // hrFSIndex
}

// mounts returns the file systems to show: each once, by its first mount.
func (m *MIB) mounts(ctx context.Context, q *mib.Request) []mount {
	q.Slow()
	list, err := m.reading(q).FileSystems(ctx)
	if err != nil {
		return nil
	}
	var names []string
	var out []mount
	for _, f := range list {
		if !f.Again {
			names = append(names, f.MountPoint)
			out = append(out, mount{FileSystem: f})
		}
	}
	for i, n := range m.fileSystems.Of(names) {
		out[i].number = n
	}
	return out
}

var (
	discTypes = []string{"iso9660", "udf", "cd9660"}
	ramTypes  = []string{"tmpfs", "mfs"}
)

func fileSystemStorage(f mount, s *Settings) storage {
	row := storage{index: fileSystemBase + f.number, kind: storageFixedDisk, descr: f.MountPoint}
	switch {
	case f.Remote && !s.NetworkAsFixed:
		row.kind = storageNetworkDisk
	case slices.Contains(discTypes, f.Type):
		row.kind = storageCompactDisc
	case slices.Contains(ramTypes, f.Type):
		row.kind = storageRAMDisk
	}
	if u := f.Usage; u != nil {
		row.units, row.size, row.used = fit(u.BlockSize, u.Blocks, u.Blocks-min(u.Free, u.Blocks), s.RealUnits)
	}
	return row
}

func storageCell(row *storage, column uint32) (snmp.Value, bool) {
	switch column {
	case hrStorageIndex:
		return number(int64(row.index))
	case hrStorageType:
		return snmp.ObjectID(hrStorageTypes.Append(row.kind)), true
	case hrStorageDescr:
		return text(row.descr, 255)
	}
	if row.units == 0 {
		return none()
	}
	switch column {
	case hrStorageAllocationUnits:
		return number(row.units)
	case hrStorageSize:
		return number(row.size)
	case hrStorageUsed:
		return number(row.used)
	}
	return none()
}

// The types of file systems: below hrFSTypes.
const (
	fsOther      = 1
	fsLinuxExt2  = 23
	fsFAT        = 5
	fsNTFS       = 9
	fsHFS        = 7
	fsFFS        = 3
	fsISO9660    = 12
	fsNFS        = 14
	fsAFS        = 16
	fsJournaled  = 11
	fsFAT32      = 22
	fsHPFS       = 6
	fsSystemV    = 4
	fsBFS        = 21
	fsMemoryFile = 8
)

var fsTypes = map[string]uint32{
	"ext2": fsLinuxExt2, "ext3": fsLinuxExt2, "ext4": fsLinuxExt2, "msdos": fsFAT, "vfat": fsFAT32, "msdosfs": fsFAT, "fat32": fsFAT32, "FAT32": fsFAT32,
	"exfat": fsOther, "ntfs": fsNTFS, "ntfs3": fsNTFS, "fuseblk": fsOther, "NTFS": fsNTFS, "hfs": fsHFS, "hfsplus": fsHFS, "ufs": fsFFS, "ffs": fsFFS,
	"iso9660": fsISO9660, "cd9660": fsISO9660, "nfs": fsNFS, "nfs4": fsNFS, "afs": fsAFS, "jfs": fsJournaled, "xfs": fsJournaled, "reiserfs": fsJournaled,
	"hpfs": fsHPFS, "sysv": fsSystemV, "bfs": fsBFS, "mfs": fsMemoryFile,
}

const (
	hrFSIndex                 = 1
	hrFSMountPoint            = 2
	hrFSRemoteMountPoint      = 3
	hrFSType                  = 4
	hrFSAccess                = 5
	hrFSBootable              = 6
	hrFSStorageIndex          = 7
	hrFSLastFullBackupDate    = 8
	hrFSLastPartialBackupDate = 9
)

func (m *MIB) fsTable() mib.Group {
	return mib.Group{
		Entry: hrDevice.Append(8, 1),
		Columns: []uint32{
			hrFSIndex, hrFSMountPoint, hrFSRemoteMountPoint, hrFSType, hrFSAccess, hrFSBootable, hrFSStorageIndex, hrFSLastFullBackupDate,
			hrFSLastPartialBackupDate,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			s := m.settings.Load()
			cell := func(row *mount, column uint32) (snmp.Value, bool) { return fsCell(row, s, column) }
			return mib.NewTable(m.mounts(ctx, q), func(row *mount) oid.OID { return indexOf(row.number) }).Snapshot(cell)
		},
	}
}

func fsCell(f *mount, s *Settings, column uint32) (snmp.Value, bool) {
	const size = 128
	switch column {
	case hrFSIndex:
		return number(int64(f.number))
	case hrFSMountPoint:
		return text(f.MountPoint, size)
	case hrFSRemoteMountPoint:
		if !f.Remote {
			return text("", size)
		}
		return text(f.Source, size)
	case hrFSType:
		kind, ok := fsTypes[f.Type]
		if !ok {
			kind = fsOther
		}
		return snmp.ObjectID(hrFSTypes.Append(kind)), true
	case hrFSAccess:
		return access(f.ReadOnly)
	case hrFSBootable:
		return truthValue(f.MountPoint == "/")
	case hrFSStorageIndex:
		if f.Remote && s.SkipNetwork {
			return number(0)
		}
		return number(int64(fileSystemBase + f.number))
	case hrFSLastFullBackupDate, hrFSLastPartialBackupDate:
		return unknownDate, true
	}
	return none()
}
