package host

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The types of devices, below hrDeviceTypes. As in Net-SNMP's agent a device's index is its type × 65536 + a number of its own.
const (
	deviceProcessor = 3
	deviceNetwork   = 4
	deviceDisk      = 6
	deviceShift     = 16
	// manyBase is added to an ifIndex that would reach into the indexes of another type.
	manyBase = 1 << 30
)

// disk is a disk that is shown, with its partitions.
type disk struct {
	device     *machine.Disk
	partitions []*machine.Disk
	index      uint32 // hrDeviceIndex
}

// shownDisks returns the disks of a machine, without those that are made of files, memory or other disks (but for arrays, whose names begin
// with md), and without those that the settings ignore.
func (m *MIB) shownDisks(ctx context.Context, q *mib.Request) ([]disk, error) {
	q.Slow()
	list, err := m.reading(q).Disks(ctx)
	if err != nil {
		return nil, err
	}
	s := m.settings.Load()
	var names []string
	var out []disk
	for i := range list {
		d := &list[i]
		if d.Of == "" && d.Size != 0 && (!d.Virtual || strings.HasPrefix(d.Name, "md")) && !s.ignores(d) {
			names = append(names, d.Name)
			out = append(out, disk{device: d})
		}
	}
	for i, n := range m.disks.Of(names) {
		out[i].index = deviceDisk<<deviceShift + n
	}
	for i := range list {
		p := &list[i]
		if j := slices.Index(names, p.Of); p.Of != "" && j >= 0 && !s.ignores(p) {
			out[j].partitions = append(out[j].partitions, p)
		}
	}
	return out, nil
}

func (s *Settings) ignores(d *machine.Disk) bool {
	return slices.ContainsFunc(s.IgnoredDisks, func(p string) bool {
		match, _ := path.Match(p, devicePath(d)) // Validate has seen to its syntax
		return match
	})
}

func devicePath(d *machine.Disk) string { return "/dev/" + d.Name }

// device is a row of hrDeviceTable: one of the processors, links or disks of a request.
type device struct {
	index uint32
	kind  uint32
	at    int // in the list of its kind
}

// devices is what one request sees of the devices. Each list is nil if it cannot be read.
type devices struct {
	processors *machine.Processors
	links      *machine.Links
	counters   *machine.LinkCounterTable
	disks      []disk
}

// deviceCache keeps the rows of the latest request: a walk of many devices asks for the same ones again and again.
type deviceCache struct {
	mu          sync.Mutex
	links       *machine.Links
	cpus, disks []uint32 // their indexes
	table       *mib.Table[device]
}

// of returns the table of d's lists.
func (c *deviceCache) of(d *devices) *mib.Table[device] {
	var cpus, disks []uint32
	if d.processors != nil {
		for _, p := range d.processors.List {
			cpus = append(cpus, deviceProcessor<<deviceShift+p.Number)
		}
	}
	for _, x := range d.disks {
		disks = append(disks, x.index)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.table != nil && c.links == d.links && slices.Equal(c.cpus, cpus) && slices.Equal(c.disks, disks) {
		return c.table
	}
	var rows []device
	for i, index := range cpus {
		rows = append(rows, device{index, deviceProcessor, i})
	}
	if d.links != nil {
		for i := range d.links.List {
			rows = append(rows, device{networkIndex(d.links.List[i].Index), deviceNetwork, i})
		}
	}
	for i, index := range disks {
		rows = append(rows, device{index, deviceDisk, i})
	}
	c.links, c.cpus, c.disks = d.links, cpus, disks
	c.table = mib.NewTable(rows, func(row *device) oid.OID { return indexOf(row.index) })
	return c.table
}

// networkIndex returns hrDeviceIndex of a link.
func networkIndex(ifIndex uint32) uint32 {
	if ifIndex < 1<<deviceShift {
		return deviceNetwork<<deviceShift + ifIndex
	}
	return manyBase | ifIndex
}

const (
	hrDeviceIndex  = 1
	hrDeviceType   = 2
	hrDeviceDescr  = 3
	hrDeviceID     = 4
	hrDeviceStatus = 5
	hrDeviceErrors = 6
)

func (m *MIB) deviceTable() mib.Group {
	return mib.Group{
		Entry:   hrDevice.Append(2, 1),
		Columns: []uint32{hrDeviceIndex, hrDeviceType, hrDeviceDescr, hrDeviceID, hrDeviceStatus, hrDeviceErrors},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			d := &devices{}
			d.processors, _ = r.Processors(ctx)
			d.links, _ = r.Links(ctx)
			d.counters, _ = r.Counters(ctx)
			d.disks, _ = m.shownDisks(ctx, q)
			return m.deviceRows.of(d).Snapshot(d.cell)
		},
	}
}

func (d *devices) cell(row *device, column uint32) (snmp.Value, bool) {
	switch column {
	case hrDeviceIndex:
		return number(int64(row.index))
	case hrDeviceType:
		return snmp.ObjectID(hrDeviceTypes.Append(row.kind)), true
	case hrDeviceDescr:
		return text(d.descr(row), 64)
	case hrDeviceID:
		return zeroDotZero, true
	case hrDeviceStatus:
		const running, down = 2, 5
		if row.kind == deviceNetwork && d.links.List[row.at].Flags&(machine.FlagUp|machine.FlagRunning) != machine.FlagUp|machine.FlagRunning {
			return number(down)
		}
		return number(running)
	case hrDeviceErrors:
		if row.kind == deviceNetwork {
			return d.networkErrors(d.links.List[row.at].Index)
		}
	}
	return none()
}

func (d *devices) descr(row *device) string {
	switch row.kind {
	case deviceProcessor:
		p := &d.processors.List[row.at]
		if p.Model == "" {
			return fmt.Sprintf("processor %d", p.Number)
		}
		return p.Model
	case deviceNetwork:
		return "network interface " + d.links.List[row.at].Name
	default:
		x := d.disks[row.at].device
		if x.Model == "" {
			return devicePath(x)
		}
		return x.Model + " (" + devicePath(x) + ")"
	}
}

func (d *devices) networkErrors(ifIndex uint32) (snmp.Value, bool) {
	if d.counters == nil {
		return none()
	}
	c, ok := d.counters.ByIndex(ifIndex)
	if !ok {
		return none()
	}
	in, ok1 := c.Get(machine.RxErrors)
	out, ok2 := c.Get(machine.TxErrors)
	return snmp.Counter32(uint32(in + out)), ok1 && ok2
}

const (
	hrProcessorFrwID = 1
	hrProcessorLoad  = 2
)

func (m *MIB) processorTable() mib.Group {
	return mib.Group{
		Entry: hrDevice.Append(3, 1), Columns: []uint32{hrProcessorFrwID, hrProcessorLoad},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			p, err := m.reading(q).Processors(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			cell := func(row *machine.Processor, column uint32) (snmp.Value, bool) {
				if column == hrProcessorFrwID {
					return zeroDotZero, true
				}
				return load(&row.Recent)
			}
			index := func(row *machine.Processor) oid.OID { return indexOf(deviceProcessor<<deviceShift + row.Number) }
			return mib.NewTable(p.List, index).Snapshot(cell)
		},
	}
}

// load returns the percentage of time that was not idle; false before any time has passed. Waiting for a disk is idle.
func load(t *machine.CPUTimes) (snmp.Value, bool) {
	total := t.Total()
	if total == 0 {
		return none()
	}
	idle, _ := t.Get(machine.CPUIdle)
	wait, _ := t.Get(machine.CPUWait)
	return number(int64((100*(total-min(idle+wait, total)) + total/2) / total))
}

func (m *MIB) networkTable() mib.Group {
	const hrNetworkIfIndex = 1
	return mib.Group{
		Entry: hrDevice.Append(4, 1), Columns: []uint32{hrNetworkIfIndex},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			links, err := m.reading(q).Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			t := m.networkRows.Of(links.List, func(list []*machine.Link) *mib.Table[*machine.Link] {
				return mib.NewTable(list, func(row **machine.Link) oid.OID { return indexOf(networkIndex((*row).Index)) })
			})
			return t.Snapshot(func(row **machine.Link, _ uint32) (snmp.Value, bool) { return number(int64((*row).Index)) })
		},
	}
}
