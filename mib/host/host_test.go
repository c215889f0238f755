package host_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/host"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// start is when the agent of the tests started, and now when it is asked.
var (
	start = time.Date(2026, 5, 17, 12, 0, 0, 0, time.FixedZone("", 2*60*60))
	now   = start.Add(12345670 * time.Millisecond)
)

var errUnreadable = errors.New("unreadable")

// device is a machine that a test sets up. A nil part cannot be read.
type device struct {
	host        *machine.Host
	links       *machine.Links
	counters    []machine.LinkCounters
	memory      *machine.Memory
	processors  *machine.Processors
	kernel      *machine.Kernel
	sessions    *int
	processes   []machine.Process
	fileSystems []machine.FileSystem
	disks       []machine.Disk
	packages    *machine.Packages
}

func pointer[T any](p *T) func(time.Time) (*T, error) {
	return func(time.Time) (*T, error) {
		if p == nil {
			return nil, errUnreadable
		}
		return p, nil
	}
}

func value[T any](p *T) func(time.Time) (T, error) {
	return func(time.Time) (v T, err error) {
		if p == nil {
			return v, errUnreadable
		}
		return *p, nil
	}
}

func list[T any](l []T) func(time.Time) ([]T, error) {
	return func(time.Time) ([]T, error) {
		if l == nil {
			return nil, errUnreadable
		}
		return l, nil
	}
}

func (d *device) mib(t testing.TB, s host.Settings) *host.MIB {
	t.Helper()
	m, err := host.New(host.Options{Start: start, Settings: s, Machine: machine.NewGiven(machine.Given{
		Host: value(d.host), Links: pointer(d.links),
		Counters: func(time.Time) (*machine.LinkCounterTable, error) {
			if d.counters == nil {
				return nil, errUnreadable
			}
			return &machine.LinkCounterTable{List: d.counters}, nil
		},
		GivenHost: machine.GivenHost{
			Memory: pointer(d.memory), Processors: pointer(d.processors), Kernel: pointer(d.kernel), Sessions: value(d.sessions),
			Processes: list(d.processes), FileSystems: list(d.fileSystems), Disks: list(d.disks), Packages: pointer(d.packages),
		},
	}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const kB, mB, gB, tB = int64(1) << 10, int64(1) << 20, int64(1) << 30, int64(1) << 40

func busy(user, idle, wait uint64) machine.CPUTimes {
	return machine.NewCPUTimes(map[machine.CPUState]uint64{machine.CPUUser: user, machine.CPUIdle: idle, machine.CPUWait: wait})
}

// server is a machine with something of everything.
func server() *device {
	usage := func(unit int64, blocks, free uint64) *machine.Usage {
		return &machine.Usage{BlockSize: unit, Blocks: blocks, Free: free, Available: free}
	}
	users := 3
	vda := uint64(254) << 32
	return &device{
		host: &machine.Host{BootTime: start.Add(-time.Hour)},
		links: &machine.Links{List: []*machine.Link{
			{Index: 1, Name: "lo", Flags: machine.FlagUp | machine.FlagRunning | machine.FlagLoopback},
			{Index: 2, Name: "eth0", Flags: machine.FlagUp},
			{Index: 70000, Name: "veth70000", Flags: machine.FlagUp | machine.FlagRunning},
		}},
		counters: []machine.LinkCounters{
			machine.NewLinkCounters(1, true, map[machine.LinkStat]uint64{machine.RxErrors: 0, machine.TxErrors: 0}),
			machine.NewLinkCounters(2, true, map[machine.LinkStat]uint64{machine.RxErrors: 1<<32 + 4, machine.TxErrors: 3}),
			machine.NewLinkCounters(70000, true, map[machine.LinkStat]uint64{machine.RxErrors: 1, machine.TxErrors: 1}),
		},
		memory: &machine.Memory{
			Total: 8 * tB, Free: 2 * tB, Available: 5 * tB, Buffers: 100 * mB, Cached: 3 * tB, Reclaimable: mB, Shared: 8 * mB, SwapTotal: gB, SwapFree: gB / 2,
		},
		processors: &machine.Processors{List: []machine.Processor{
			{Number: 0, Model: "AuthenticAMD: AMD EPYC", Recent: busy(1, 198, 1)}, {Number: 1, Recent: busy(997, 2, 1)},
			{Number: 64, Model: strings.Repeat("long name ", 10)},
		}},
		kernel:   &machine.Kernel{Processes: 4, Parameters: "root=/dev/vda1 " + strings.Repeat("é", 80), RootDevice: vda + 1},
		sessions: &users,
		processes: []machine.Process{
			{ID: 1, Name: "systemd", Path: "/sbin/init", Arguments: "splash", State: 'S', CPUTime: 76800 * time.Millisecond, Memory: 13 * mB},
			{ID: 2, Name: "kthreadd", Kernel: true, State: 'I', Memory: 0},
			{ID: 300, Name: "stuck", Path: "\xff\xfe strange", Arguments: strings.Repeat("x", 200), State: 'D', CPUTime: 300 * 24 * time.Hour, Memory: 4 * tB},
			{ID: 4194304, Name: "dead", State: 'Z', Memory: 0},
		},
		fileSystems: []machine.FileSystem{
			{Source: "/dev/vda1", MountPoint: "/", Type: "ext4", Device: vda + 1, Usage: usage(4096, 1000, 400)},
			{Source: "/dev/vda1", MountPoint: "/bind", Type: "ext4", Device: vda + 1, Again: true, Usage: usage(4096, 1000, 400)},
			{Source: "tmpfs", MountPoint: "/dev/shm", Type: "tmpfs", Device: 30, Usage: usage(4096, 10, 10)},
			{Source: "/dev/md0", MountPoint: "/srv/" + strings.Repeat("big", 60), Type: "xfs", Device: 9 << 32, Usage: usage(4096, 1<<33, 1<<32)},
			{Source: "server:/home", MountPoint: "/home", Type: "nfs4", Device: 40, Remote: true},
			{Source: "/dev/sr0", MountPoint: "/media/cd", Type: "iso9660", Device: 11 << 32, ReadOnly: true, Usage: usage(2048, 300, 0)},
			{Source: "pool", MountPoint: "/zfs", Type: "zfs", Device: 41, Usage: usage(131072, 1<<63, 5)},
		},
		disks: []machine.Disk{
			{Name: "loop0", Number: 7 << 32, Virtual: true, Size: gB},
			{Name: "vda", Number: vda, Size: 40 * gB},
			{Name: "vda1", Number: vda + 1, Of: "vda", Partition: 1, Size: 30 * gB},
			{Name: "vda5", Number: vda + 5, Of: "vda", Partition: 5, Size: 10 * gB},
			{Name: "sdz", Number: 65<<32 + 4095, Size: 16 * tB, Model: "ATA ST16000NM", Removable: true},
			{Name: "sr0", Number: 11 << 32, Size: machine.Unknown, ReadOnly: true},
			{Name: "sdy", Number: 65 << 32, Size: 0},
			{Name: "md0", Number: 9 << 32, Virtual: true, Size: 32 * tB},
		},
		packages: &machine.Packages{Changed: start.Add(time.Minute), Read: start.Add(2 * time.Minute), List: []machine.Package{
			{Name: "bash", Version: "5.2", Arch: "amd64", By: "dpkg", System: true, Installed: start},
			{Name: "kernel", Version: "6.1-1", Arch: "x86_64", By: "rpm"},
			{Name: "strange"},
		}},
	}
}

func walk(t *testing.T, h mib.Handler) []snmp.VarBind {
	t.Helper()
	return mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, host.Roots()...)
}

// untold are the objects that no system tells; the package's comment says why.
var untold = []string{"2.3.1.7", "3.5", "4.1"} // hrStorageAllocationFailures, hrPrinterTable, hrSWOSIndex

// holes are the columns that rows may lack.
var holes = mibtest.Holes{
	"hrStorageAllocationUnits": "of a file system that does not answer",
	"hrStorageSize":            "as hrStorageAllocationUnits",
	"hrStorageUsed":            "as hrStorageAllocationUnits",
	"hrDeviceErrors":           "only network interfaces count them",
	"hrProcessorLoad":          "no time has passed since a processor came",
	"hrDiskStorageCapacity":    "unknown of a drive without a medium",
	"hrSWRunStatus":            "not told by every system",
	"hrSWRunPerfMem":           "not told by every system",
}

func TestGoldenWalk(t *testing.T) {
	mibtest.Golden(t, "server.walk", mibtest.Lines(walk(t, server().mib(t, host.Settings{}))), *update)
}

func TestConformance(t *testing.T) {
	mibtest.Test(t, server().mib(t, host.Settings{}), host.Roots()...)
}

// TestObjects holds every variable against what the module says of its object, and looks for objects without one.
func TestObjects(t *testing.T) {
	all := walk(t, server().mib(t, host.Settings{}))
	mibtest.Conform(t, all, holes)
	found := map[string]bool{}
	for _, vb := range all {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			found[o.OID] = true
		}
	}
	for _, o := range mibtest.Below(host.Roots()[0]) {
		told := !slices.ContainsFunc(untold, func(below string) bool {
			return oid.MustParse(o.OID).HasPrefix(oid.MustParse("1.3.6.1.2.1.25." + below))
		})
		if told != found[o.OID] {
			t.Errorf("%s (%s): found is %v", o.Name, o.OID, found[o.OID])
		}
	}
}

// TestThisMachine holds what this machine says against the module.
func TestThisMachine(t *testing.T) {
	real, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	m, err := host.New(host.Options{Machine: real, Start: time.Now().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, host.Roots()...)
	if len(all) < 50 {
		t.Errorf("%d variables", len(all))
	}
	mibtest.Conform(t, all, holes)
}

// TestUnreadable takes the parts of a machine away one by one: their objects are gone, and the walk goes on to the end.
func TestUnreadable(t *testing.T) {
	all := mibtest.Lines(walk(t, server().mib(t, host.Settings{})))
	processors := []string{"3.2.1.1.19", "3.2.1.2.19", "3.2.1.3.19", "3.2.1.4.19", "3.2.1.5.19"}
	tests := []struct {
		name string
		take func(d *device)
		gone []string // prefixes below host
	}{
		{"host", func(d *device) { d.host = nil }, []string{"1.1."}},
		{"kernel", func(d *device) { d.kernel = nil }, []string{"1.3.", "1.4.", "1.6."}},
		{"sessions", func(d *device) { d.sessions = nil }, []string{"1.5."}},
		{"memory", func(d *device) { d.memory = nil }, []string{
			"2.2.", "2.3.1.1.1 ", "2.3.1.1.3 ", "2.3.1.1.6 ", "2.3.1.1.7 ", "2.3.1.1.8 ", "2.3.1.1.10 ", "2.3.1.1.11 ",
			"2.3.1.2.1 ", "2.3.1.2.3 ", "2.3.1.2.6 ", "2.3.1.2.7 ", "2.3.1.2.8 ", "2.3.1.2.10 ", "2.3.1.2.11 ",
			"2.3.1.3.1 ", "2.3.1.3.3 ", "2.3.1.3.6 ", "2.3.1.3.7 ", "2.3.1.3.8 ", "2.3.1.3.10 ", "2.3.1.3.11 ",
			"2.3.1.4.1 ", "2.3.1.4.3 ", "2.3.1.4.6 ", "2.3.1.4.7 ", "2.3.1.4.8 ", "2.3.1.4.10 ", "2.3.1.4.11 ",
			"2.3.1.5.1 ", "2.3.1.5.3 ", "2.3.1.5.6 ", "2.3.1.5.7 ", "2.3.1.5.8 ", "2.3.1.5.10 ", "2.3.1.5.11 ",
			"2.3.1.6.1 ", "2.3.1.6.3 ", "2.3.1.6.6 ", "2.3.1.6.7 ", "2.3.1.6.8 ", "2.3.1.6.10 ", "2.3.1.6.11 ",
		}},
		{"processors", func(d *device) { d.processors = nil }, append(processors, "3.3.")},
		{"counters", func(d *device) { d.counters = nil }, []string{"3.2.1.6."}},
		{"processes", func(d *device) { d.processes = nil }, []string{"4.", "5."}},
		{"packages", func(d *device) { d.packages = nil }, []string{"6."}},
		{"nothing but the clock", func(d *device) { *d = device{} }, []string{"1.1.", "1.3.", "1.4.", "1.5.", "1.6.", "2.", "3.", "4.", "5.", "6."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := server()
			test.take(d)
			want := slices.DeleteFunc(slices.Clone(all), func(line string) bool {
				return slices.ContainsFunc(test.gone, func(p string) bool { return strings.HasPrefix(line, "1.3.6.1.2.1.25."+p) })
			})
			if diff := cmp.Diff(want, mibtest.Lines(walk(t, d.mib(t, host.Settings{})))); diff != "" {
				t.Errorf("walk (-want +got):\n%s", diff)
			}
		})
	}
}

// column returns the values of a column by its index.
func column(all []snmp.VarBind, below string) map[string]string {
	return mibtest.Column(all, oid.MustParse("1.3.6.1.2.1.25."+below))
}

func TestSettings(t *testing.T) {
	d := server()
	m := d.mib(t, host.Settings{})
	storage := func() (kinds, units, sizes, indexes map[string]string) {
		all := walk(t, m)
		return column(all, "2.3.1.2"), column(all, "2.3.1.4"), column(all, "2.3.1.5"), column(all, "3.8.1.7")
	}
	const nfs, big = "34", "33"
	kinds, units, sizes, _ := storage()
	if kinds[nfs] != "1.3.6.1.2.1.25.2.1.10" || units[big] != "32768" || sizes[big] != "1073741824" {
		t.Errorf("by default: type %s, units %s, size %s", kinds[nfs], units[big], sizes[big])
	}
	set := func(s host.Settings) {
		t.Helper()
		if err := m.SetSettings(s); err != nil {
			t.Fatal(err)
		}
	}
	set(host.Settings{NetworkAsFixed: true, RealUnits: true})
	if kinds, units, sizes, _ = storage(); kinds[nfs] != "1.3.6.1.2.1.25.2.1.4" || units[big] != "4096" || sizes[big] != "2147483647" {
		t.Errorf("as Net-SNMP: type %s, units %s, size %s", kinds[nfs], units[big], sizes[big])
	}
	set(host.Settings{SkipNetwork: true})
	if kinds, _, _, indexes := storage(); kinds[nfs] != "" || indexes["4"] != "0" || indexes["1"] != "31" {
		t.Errorf("network file systems skipped: type %q, storage indexes %v", kinds[nfs], indexes)
	}
	set(host.Settings{IgnoredDisks: []string{"/dev/sd[a-z]", "/dev/vda5"}})
	all := walk(t, m)
	if got := column(all, "3.6.1.1"); len(got) != 3 {
		t.Errorf("disks with some ignored: %v", got)
	}
	if got := column(all, "3.7.1.2"); len(got) != 1 {
		t.Errorf("partitions with some ignored: %v", got)
	}
	if err := m.SetSettings(host.Settings{IgnoredDisks: []string{"/dev/[a"}}); err == nil {
		t.Error("a pattern that cannot be is taken")
	}
}

// TestFileSystemKeepsNumber: what goes and comes back has the number that it had.
func TestFileSystemKeepsNumber(t *testing.T) {
	d := server()
	all := d.fileSystems
	m, err := host.New(host.Options{Start: start, Machine: machine.NewGiven(machine.Given{GivenHost: machine.GivenHost{
		FileSystems: func(time.Time) ([]machine.FileSystem, error) { return d.fileSystems, nil },
	}}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	points := func() string { return fmt.Sprint(column(walk(t, m), "3.8.1.2")) }
	whole := points()
	d.fileSystems = all[3:]
	if part := points(); !strings.Contains(part, "4:/home") || strings.Contains(part, "1:/") {
		t.Errorf("with the first gone: %s", part)
	}
	d.fileSystems = all
	if again := points(); again != whole {
		t.Errorf("%s, before it was %s", again, whole)
	}
}

func BenchmarkWalkProcesses(b *testing.B) {
	d := server()
	for i := range 1000 {
		d.processes = append(d.processes, machine.Process{ID: uint32(5000000 + i), Name: "worker", Path: "/usr/sbin/worker", Arguments: "-x", State: 'S'})
	}
	m := d.mib(b, host.Settings{})
	root := oid.MustParse("1.3.6.1.2.1.25.4")
	b.ReportAllocs()
	for b.Loop() {
		r := mib.Range{Start: root, End: oid.MustParse("1.3.6.1.2.1.25.5")}
		for n := 0; ; {
			view, err := m.View(b.Context(), &mib.Request{Version: snmp.V2c, At: now})
			if err != nil {
				b.Fatal(err)
			}
			vbs, err := view.Next(b.Context(), nil, []mib.Range{r}, 25)
			if err != nil {
				b.Fatal(err)
			}
			n += len(vbs)
			if vbs[len(vbs)-1].Value == snmp.EndOfMibView {
				if n < 7000 {
					b.Fatal(n)
				}
				break
			}
			r.Start = vbs[len(vbs)-1].Name
		}
	}
}
