package host

import (
	"context"
	"fmt"
	"math"
	"strings"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

const (
	hrDiskStorageAccess    = 1
	hrDiskStorageMedia     = 2
	hrDiskStorageRemoveble = 3
	hrDiskStorageCapacity  = 4
)

func (m *MIB) diskStorageTable() mib.Group {
	return mib.Group{
		Entry:   hrDevice.Append(6, 1),
		Columns: []uint32{hrDiskStorageAccess, hrDiskStorageMedia, hrDiskStorageRemoveble, hrDiskStorageCapacity},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			disks, err := m.shownDisks(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			return mib.NewTable(disks, func(row *disk) oid.OID { return indexOf(row.index) }).Snapshot(diskStorageCell)
		},
	}
}

func diskStorageCell(row *disk, column uint32) (snmp.Value, bool) {
	switch column {
	case hrDiskStorageAccess:
		return access(row.device.ReadOnly)
	case hrDiskStorageMedia:
		return number(media(row.device.Name))
	case hrDiskStorageRemoveble:
		return truthValue(row.device.Removable)
	case hrDiskStorageCapacity: // ends at 2 TiB, the most that KBytes can say
		return kilobytes(row.device.Size)
	}
	return none()
}

// media returns hrDiskStorageMedia by the names that Linux gives.
func media(name string) int64 {
	const hardDisk, floppyDisk, opticalDiskROM = 3, 4, 5
	switch {
	case strings.HasPrefix(name, "sr"):
		return opticalDiskROM
	case strings.HasPrefix(name, "fd"):
		return floppyDisk
	default:
		return hardDisk
	}
}

const (
	hrPartitionIndex   = 1
	hrPartitionLabel   = 2
	hrPartitionID      = 3
	hrPartitionSize    = 4
	hrPartitionFSIndex = 5
)

// partition is a row of hrPartitionTable.
type partition struct {
	disk uint32 // hrDeviceIndex
	part *machine.Disk
}

func (m *MIB) partitionTable() mib.Group {
	return mib.Group{
		Entry:   hrDevice.Append(7, 1),
		Columns: []uint32{hrPartitionIndex, hrPartitionLabel, hrPartitionID, hrPartitionSize, hrPartitionFSIndex},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			disks, err := m.shownDisks(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			var rows []partition
			for _, d := range disks {
				for _, p := range d.partitions {
					rows = append(rows, partition{d.index, p})
				}
			}
			cell := func(row *partition, column uint32) (snmp.Value, bool) {
				if column == hrPartitionFSIndex {
					return m.partitionFS(ctx, q, row.part.Number)
				}
				return partitionCell(row, column)
			}
			return mib.NewTable(rows, func(row *partition) oid.OID { return oid.New(row.disk, row.part.Partition) }).Snapshot(cell)
		},
	}
}

// partitionFS returns the number of the file system that is mounted from a device, 0 if none is.
func (m *MIB) partitionFS(ctx context.Context, q *mib.Request, device uint64) (snmp.Value, bool) {
	for _, f := range m.mounts(ctx, q) {
		if f.Device == device {
			return number(int64(f.number))
		}
	}
	return number(0)
}

func partitionCell(row *partition, column uint32) (snmp.Value, bool) {
	switch column {
	case hrPartitionIndex:
		return number(int64(row.part.Partition))
	case hrPartitionLabel:
		return text(devicePath(row.part), 128)
	case hrPartitionID: // the device's number as Net-SNMP writes it: 0x801
		major, minor := row.part.Number>>32, row.part.Number&math.MaxUint32
		return text(fmt.Sprintf("0x%x", major<<8|minor&0xff|minor&^0xff<<12), 255)
	case hrPartitionSize:
		return kilobytes(row.part.Size)
	}
	return none()
}
