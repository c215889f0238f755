package machine

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Disk is a block device, or a partition of one.
type Disk struct {
	Name   string // the kernel's: sda, nvme0n1, sda1, dm-0
	Number uint64 // as FileSystem.Device
	// Of is the name of the disk that this is a partition of, and Partition its number there; "" and 0 for a whole disk.
	Of        string
	Partition uint32

	Size      int64 // octets; Unknown if it is not told
	Model     string
	ReadOnly  bool
	Removable bool
	Virtual   bool // made of memory, files or other disks (loop, ram, zram, md, dm), not a device by itself

	IO *DiskIO // nil if it is not counted
	// Busy is the share of time, 0 to 1, that requests were under way in the last 1, 5 and 15 minutes (or since the start of the
	// program, if that was later); Unknown if it cannot be told.
	Busy [3]float64
}

// DiskIO counts since boot what was asked of a disk (Documentation/admin-guide/iostats.rst).
type DiskIO struct {
	Reads, ReadBytes, Writes, WrittenBytes uint64
	BusyTime                               time.Duration // while at least one request was under way
	BusyKnown                              bool
}

// diskSector is the unit of /proc/diskstats and of sysfs, whatever the disk's own sectors are.
const diskSector = 512

// deviceNumber packs a device's major and minor number.
func deviceNumber(major, minor uint64) uint64 { return major<<32 | minor&math.MaxUint32 }

// parseDeviceNumber reads "254:0".
func parseDeviceNumber(b []byte) (uint64, bool) {
	a, c, ok := bytes.Cut(b, []byte(":"))
	major, ok1 := parseNumber(a)
	minor, ok2 := parseNumber(c)
	return deviceNumber(major, minor), ok && ok1 && ok2
}

// parseDiskstats reads /proc/diskstats: "254 0 vda 1460882 191959 53890210 2303429 460215 529610 57958040 612304 0 312744 2975735 …".
// Partitions have four figures on kernels before 2.6.25.
func parseDiskstats(b []byte) ([]Disk, error) {
	var out []Disk
	var line []byte
	empty := len(bytes.TrimSpace(b)) == 0
	for len(b) > 0 {
		line, b = cutLine(b)
		major, ok1 := parseNumber(nextField(&line))
		minor, ok2 := parseNumber(nextField(&line))
		name := nextField(&line)
		if !ok1 || !ok2 || len(name) == 0 {
			continue
		}
		d := newDisk(string(name))
		d.Number = deviceNumber(major, minor)
		var figures []uint64
		for len(figures) < 10 {
			n, ok := parseNumber(nextField(&line))
			if !ok {
				break
			}
			figures = append(figures, n)
		}
		switch {
		case len(figures) >= 10:
			d.IO = &DiskIO{
				Reads: figures[0], ReadBytes: figures[2] * diskSector, Writes: figures[4], WrittenBytes: figures[6] * diskSector,
				BusyTime: milliseconds(figures[9]), BusyKnown: true,
			}
		case len(figures) == 4:
			d.IO = &DiskIO{Reads: figures[0], ReadBytes: figures[1] * diskSector, Writes: figures[2], WrittenBytes: figures[3] * diskSector}
		}
		out = append(out, d)
	}
	if out == nil && !empty {
		return nil, errors.New("no disk in it")
	}
	return out, nil
}

func newDisk(name string) Disk {
	return Disk{Name: name, Size: Unknown, Busy: [3]float64{Unknown, Unknown, Unknown}}
}

// milliseconds is n milliseconds, or the longest time there is.
func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

// describeDisks adds what sysfs says of each disk. What it does not say stays unknown.
func describeDisks(sys string, disks []Disk) {
	for i := range disks {
		d := &disks[i]
		dir := filepath.Join(sys, "class/block", strings.ReplaceAll(d.Name, "/", "!"))
		target, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		if n, ok := readNumber(filepath.Join(target, "size")); ok && n <= math.MaxInt64/diskSector {
			d.Size = int64(n) * diskSector
		}
		ro, _ := readNumber(filepath.Join(target, "ro"))
		d.ReadOnly = ro == 1
		d.Virtual = strings.Contains(filepath.ToSlash(target), "/devices/virtual/")
		whole := target
		if n, ok := readNumber(filepath.Join(target, "partition")); ok && n < 1<<31 {
			whole = filepath.Dir(target)
			d.Partition, d.Of = uint32(n), strings.ReplaceAll(filepath.Base(whole), "!", "/")
		}
		removable, _ := readNumber(filepath.Join(whole, "removable"))
		d.Removable = removable == 1
		vendor := readText(filepath.Join(whole, "device/vendor"))
		if strings.HasPrefix(vendor, "0x") { // of virtio: a number
			vendor = ""
		}
		d.Model = strings.TrimSpace(vendor + " " + readText(filepath.Join(whole, "device/model")))
		if d.Model == "" {
			d.Model = readText(filepath.Join(whole, "dm/name"))
		}
	}
}

// maxSysFile bounds what is read of a file of sysfs, which has a page at most.
const maxSysFile = 4096

// readText returns the first line of a small file without the spaces around it; "" if it cannot be read.
func readText(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b [maxSysFile]byte
	n, err := f.Read(b[:])
	if err != nil {
		return ""
	}
	line, _ := cutLine(b[:n])
	return strings.TrimSpace(string(line))
}

// readNumber returns the number that a small file holds.
func readNumber(path string) (uint64, bool) { return parseNumber([]byte(readText(path))) }
