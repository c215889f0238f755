package ucd_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/mib/ucd"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 5, 7, 12, 0, 5, 0, time.UTC)

var errUnreadable = errors.New("unreadable")

// device is a machine that a test sets up. A nil part cannot be read.
type device struct {
	memory      *machine.Memory
	processors  *machine.Processors
	kernel      *machine.Kernel
	load        *machine.LoadAverage
	processes   []machine.Process
	fileSystems []machine.FileSystem
	disks       []machine.Disk
	sensors     []machine.Sensor
}

func given[T any](there bool, v T) func(time.Time) (T, error) {
	return func(time.Time) (T, error) {
		if !there {
			return v, errUnreadable
		}
		return v, nil
	}
}

func (d *device) mib(t testing.TB, s ucd.Settings) *ucd.MIB {
	t.Helper()
	var load machine.LoadAverage
	if d.load != nil {
		load = *d.load
	}
	m, err := ucd.New(ucd.Options{Version: "1.2.3", Settings: s, Machine: machine.NewGiven(machine.Given{GivenHost: machine.GivenHost{
		Memory: given(d.memory != nil, d.memory), Processors: given(d.processors != nil, d.processors), Kernel: given(d.kernel != nil, d.kernel),
		LoadAverage: given(d.load != nil, load), Processes: given(d.processes != nil, d.processes), FileSystems: given(d.fileSystems != nil, d.fileSystems),
		Disks: given(d.disks != nil, d.disks), Sensors: given(d.sensors != nil, d.sensors),
	}}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const gB, tB = int64(1) << 30, int64(1) << 40

// server is a machine with something of everything.
func server() *device {
	times := map[machine.CPUState]uint64{}
	for s := machine.CPUUser; s <= machine.CPUGuestNice; s++ {
		times[s] = 1<<32 + 100*uint64(s)
	}
	recent := machine.NewCPUTimes(map[machine.CPUState]uint64{
		machine.CPUUser: 150, machine.CPUNice: 50, machine.CPUSystem: 80, machine.CPUIdle: 600, machine.CPUWait: 100, machine.CPUSoftIRQ: 20,
	})
	usage := func(unit int64, blocks, free, available uint64) *machine.Usage {
		return &machine.Usage{BlockSize: unit, Blocks: blocks, Free: free, Available: available, Files: 1000, FilesFree: 250, FilesKnown: true}
	}
	noFiles := usage(4096, 1<<40, 1<<39, 1<<39)
	noFiles.Files = 0
	earlier := machine.Kernel{Interrupts: 1000, ContextSwitches: 2000, PagedIn: 10, PagedOut: 20, SwappedIn: 5, SwappedOut: 50}
	disk := func(name string, io *machine.DiskIO, busy ...float64) machine.Disk {
		d := machine.Disk{Name: name, IO: io, Busy: [3]float64{-1, -1, -1}}
		copy(d.Busy[:], busy)
		return d
	}
	return &device{
		memory: &machine.Memory{
			Total: 8 * tB, Free: 2 * tB, Available: 5 * tB, Buffers: gB, Cached: 3 * gB, Reclaimable: gB, Shared: gB / 2, SwapTotal: gB, SwapFree: gB / 128,
		},
		processors: &machine.Processors{Times: machine.NewCPUTimes(times), Recent: recent, List: make([]machine.Processor, 2)},
		kernel: &machine.Kernel{
			Interrupts: 1<<32 + 1000, ContextSwitches: 8000, PagedIn: 70, PagedOut: 80, SwappedIn: 35, SwappedOut: 50, PageSize: 4096,
			Earlier: &earlier, Span: time.Minute,
		},
		load: &machine.LoadAverage{0.474, 3.999, 250.5},
		processes: []machine.Process{
			{ID: 1, Name: "systemd"}, {ID: 7, Name: "nginx", Path: "nginx: worker process"}, {ID: 8, Name: "nginx"}, {ID: 9, Name: "telnetd"},
			{ID: 10, Name: "a-very-long-nam", Path: "/usr/bin/a-very-long-name"}, {ID: 11, Name: "a-very-long-nam", Path: "/usr/bin/a-very-long-namesake"},
		},
		fileSystems: []machine.FileSystem{
			{Source: "/dev/vda1", MountPoint: "/", Type: "ext4", Usage: usage(4096, 1000, 400, 100)},
			{Source: "/dev/vda1", MountPoint: "/bind", Type: "ext4", Again: true, Usage: usage(4096, 1000, 400, 100)},
			{Source: "tank", MountPoint: "/tank", Type: "zfs", Usage: noFiles},
			{Source: "server:/home", MountPoint: "/home", Type: "nfs4", Remote: true},
			{Source: "/dev/vdb", MountPoint: "/var", Type: "xfs", Usage: usage(1024, 1000000, 900000, 900000)},
			{Source: "none", MountPoint: "/empty", Type: "overlay", Usage: usage(4096, 0, 0, 0)},
		},
		disks: []machine.Disk{
			disk("loop0", &machine.DiskIO{BusyKnown: true}, 0, 0, 0),
			disk("ram0", &machine.DiskIO{BusyKnown: true}, 0, 0, 0),
			disk("fd0", &machine.DiskIO{BusyKnown: true}, 0, 0, 0),
			disk("sda", &machine.DiskIO{Reads: 1<<32 + 1, ReadBytes: 1<<40 + 2, Writes: 3, WrittenBytes: 1<<63 + 4, BusyTime: 90 * time.Second, BusyKnown: true}, .504, 1, .006),
			disk("sda1", &machine.DiskIO{Reads: 1, ReadBytes: 2, Writes: 3, WrittenBytes: 4}),
			disk("sdb", nil),
		},
		sensors: []machine.Sensor{
			{Chip: "coretemp", Device: "coretemp.0", Kind: machine.Temperature, Number: 1, Label: "Package id 0", Value: 45000, Working: true},
			{Chip: "coretemp", Device: "coretemp.0", Kind: machine.Temperature, Number: 2, Value: -5000, Working: true},
			{Chip: "nct", Device: "nct.1", Kind: machine.Temperature, Number: 1},
			{Chip: "nct", Device: "nct.1", Kind: machine.Fan, Number: 1, Value: 1200, Working: true},
			{Chip: "nct", Device: "nct.1", Kind: machine.Voltage, Number: 0, Label: "Vcore", Value: 920, Working: true},
			{Chip: "nct", Device: "nct.1", Kind: machine.Voltage, Number: 1, Value: -12000, Working: true},
			{Chip: "psu", Device: "psu.1", Kind: machine.Current, Number: 1, Value: 1500, Working: true},
			{Chip: "psu", Device: "psu.1", Kind: machine.Power, Number: 1, Value: 65_000_000, Working: true},
		},
	}
}

func allDisks(percent int) *int { return &percent }

func settings() ucd.Settings {
	s := ucd.DefaultSettings()
	s.Load = [3]float64{12, 0, 5}
	s.AllDisks = allDisks(20)
	s.Disks = []ucd.DiskLimit{{Path: "/var", Minimum: 1000000, Percent: -1}, {Path: "/backup", Minimum: -1, Percent: 5}, {Path: "tank", Minimum: -1, Percent: 50}}
	s.Processes = []ucd.ProcessLimit{
		{"sshd", 1, 0}, {"nginx", 3, 0}, {"nginx", 0, 1}, {"telnetd", 0, 0}, {"nginx", 1, 4}, {"a-very-long-name", 1, 1}, {"rlogind", 0, 0},
	}
	return s
}

func walk(t *testing.T, h mib.Handler) []snmp.VarBind {
	t.Helper()
	return mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, ucd.Roots()...)
}

func TestGoldenWalk(t *testing.T) {
	mibtest.Golden(t, "server.walk", mibtest.Lines(walk(t, server().mib(t, settings()))), *update)
}

func TestConformance(t *testing.T) { mibtest.Test(t, server().mib(t, settings()), ucd.Roots()...) }

// untold are the objects that no system tells; the package's comment says why.
var untold = []string{
	"2.1.102", "2.1.103", // prErrFix, prErrFixCmd
	"11.55",                                     // ssCpuRawKernel
	"4.7", "4.8", "4.9", "4.10", "4.16", "4.17", // the texts of memory
	"100.3", "100.5", "100.6", "100.10", "100.11", "100.12", "100.13", "100.20", // of the agent's build, and its control
}

// holes are the columns that rows may lack.
var holes = mibtest.Holes{
	"dskDevice": "of what is not mounted", "dskTotal": "of what is not mounted, or does not answer", "dskAvail": "as dskTotal", "dskUsed": "as dskTotal",
	"dskPercent": "as dskTotal", "dskTotalLow": "as dskTotal", "dskTotalHigh": "as dskTotal", "dskAvailLow": "as dskTotal", "dskAvailHigh": "as dskTotal",
	"dskUsedLow": "as dskTotal", "dskUsedHigh": "as dskTotal", "dskPercentNode": "of file systems without a fixed number of inodes",
	"diskIOLA1": "of a disk that has just come, or whose time is not told", "diskIOLA5": "as diskIOLA1", "diskIOLA15": "as diskIOLA1",
	"diskIOBusyTime":     "not told of every disk",
	"lmTempSensorsValue": "below zero, or not working", "lmTempSensorsTemperature": "not working", "lmFanSensorsValue": "not working",
	"lmVoltSensorsValue": "below zero, or not working", "lmMiscSensorsValue": "below zero, or not working",
}

// TestObjects holds every variable against what the modules say of its object, and looks for objects without one.
func TestObjects(t *testing.T) {
	all := walk(t, server().mib(t, settings()))
	mibtest.Conform(t, all, holes)
	found := map[string]bool{}
	for _, vb := range all {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			found[o.OID] = true
		}
	}
	for _, root := range ucd.Roots() {
		for _, o := range mibtest.Below(root) {
			told := !slices.ContainsFunc(untold, func(below string) bool { return o.OID == "1.3.6.1.4.1.2021."+below })
			if told != found[o.OID] {
				t.Errorf("%s (%s): found is %v", o.Name, o.OID, found[o.OID])
			}
		}
	}
}

// TestThisMachine holds what this machine says against the modules.
func TestThisMachine(t *testing.T) {
	real, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	s := settings()
	s.Disks = nil
	m, err := ucd.New(ucd.Options{Machine: real, Settings: s})
	if err != nil {
		t.Fatal(err)
	}
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, ucd.Roots()...)
	if len(all) < 50 {
		t.Errorf("%d variables", len(all))
	}
	mibtest.Conform(t, all, holes)
}

// TestNothing: a machine of which nothing can be read has nothing but what the agent knows itself.
func TestNothing(t *testing.T) {
	got := mibtest.Lines(walk(t, (&device{}).mib(t, settings())))
	want := []string{
		"1.3.6.1.4.1.2021.11.1.0 = INTEGER: 1", "1.3.6.1.4.1.2021.11.2.0 = OCTET STRING: systemStats",
		"1.3.6.1.4.1.2021.100.1.0 = INTEGER: 1", "1.3.6.1.4.1.2021.100.2.0 = OCTET STRING: 1.2.3",
		"1.3.6.1.4.1.2021.100.4.0 = OCTET STRING: Thu May  7 12:00:05 2026",
		"1.3.6.1.4.1.2021.101.1.0 = INTEGER: 0", "1.3.6.1.4.1.2021.101.2.0 = OCTET STRING: snmp",
		"1.3.6.1.4.1.2021.101.100.0 = INTEGER: 0", "1.3.6.1.4.1.2021.101.101.0 = OCTET STRING: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// column returns the values of a column by its index.
func column(all []snmp.VarBind, below string) map[string]string {
	return mibtest.Column(all, oid.MustParse("1.3.6.1.4.1.2021."+below))
}

func TestDiskIOSettings(t *testing.T) {
	m := server().mib(t, ucd.Settings{})
	for _, test := range []struct {
		settings ucd.DiskIO
		want     string
	}{
		{ucd.DiskIO{}, "map[1:loop0 2:ram0 3:fd0 4:sda 5:sda1]"},
		{ucd.DiskIO{ExcludeLoop: true, ExcludeFloppy: true, ExcludeRAM: true}, "map[4:sda 5:sda1]"},
		{ucd.DiskIO{Only: []string{"/dev/sda1", "loop0"}, ExcludeLoop: true}, "map[1:loop0 5:sda1]"},
	} {
		m.SetSettings(ucd.Settings{DiskIO: test.settings})
		if got := fmt.Sprint(column(walk(t, m), "13.15.1.1.2")); got != test.want {
			t.Errorf("%+v: %s, want %s", test.settings, got, test.want)
		}
	}
}

// TestErrors has the flags and messages of what is over its limit, and of what is not.
func TestErrors(t *testing.T) {
	all := walk(t, server().mib(t, settings()))
	for _, test := range []struct {
		table string
		want  map[string]string
	}{
		{"2.1", map[string]string{
			"1": "No sshd process running", "2": "Too few nginx running (# = 2)", "3": "Too many nginx running (# = 2)",
			"4": "telnetd process should not be running.", "5": "", "6": "", "7": "",
		}},
		{"9.1", map[string]string{
			"1": "/var: less than 1000000 free (= 900000)", "2": "/backup: not mounted", "3": "", "4": "/: less than 20% free (= 10%)",
			"5": "/home: does not answer", "6": "",
		}},
		{"10.1", map[string]string{"1": "", "2": "", "3": "15 min Load Average too high (= 250.50)"}},
		{"4", map[string]string{"0": "Running out of swap space (8192)"}},
	} {
		messages, flags := column(all, test.table+".101"), column(all, test.table+".100")
		if diff := cmp.Diff(test.want, messages); diff != "" {
			t.Errorf("messages of %s (-want +got):\n%s", test.table, diff)
		}
		for index, message := range messages {
			if (message != "") != (flags[index] == "1") {
				t.Errorf("flag of %s.%s is %s: %q", test.table, index, flags[index], message)
			}
		}
	}
}
