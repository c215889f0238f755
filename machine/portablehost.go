package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/process"
)

// portableHost is what gopsutil knows beside the network.
type portableHost struct {
	p       *portable
	root    string
	sampler *sampler
	usage   usageReader
	list    unhurried[[]Process]
	models  func() []cpu.InfoStat
	running sync.WaitGroup
}

func newPortableHost(p *portable, o Options) *portableHost {
	h := &portableHost{p: p, root: o.Root}
	h.usage.statfs = h.statfs
	h.list = unhurried[[]Process]{window: processWindow, limit: portableTimeout, read: h.readProcesses}
	h.models = sync.OnceValue(func() []cpu.InfoStat {
		list, err := ask(p, cpu.InfoWithContext)
		if err != nil {
			return nil
		}
		return list
	})
	h.sampler = newSampler(o.Now(), h.look)
	h.running.Go(func() { h.sampler.run(p.ctx, o.Now) })
	return h
}

// Close waits for what ends with the context of p.
func (h *portableHost) Close() {
	h.running.Wait()
	h.list.wait(hungLimit)
}

func (h *portableHost) look(at time.Time) sampled {
	x := sampled{at: at, busy: map[string]time.Duration{}}
	x.processors, _ = h.readProcessors()
	disks, _ := h.readDisks()
	for _, d := range disks {
		if d.IO.BusyKnown {
			x.busy[d.Name] = d.IO.BusyTime
		}
	}
	return x
}

func (h *portableHost) memory(time.Time) (*Memory, error) {
	v, err := ask(h.p, mem.VirtualMemoryWithContext)
	if err != nil {
		return nil, err
	}
	m := unknownMemory
	m.Total, m.Free, m.Available = int64(v.Total), int64(v.Free), int64(v.Available)
	switch runtime.GOOS {
	case "linux":
		m.Buffers, m.Cached, m.Shared = int64(v.Buffers), int64(v.Cached), int64(v.Shared)
	case "freebsd":
		m.Buffers, m.Cached = int64(v.Buffers), int64(v.Cached)
	}
	if s, err := ask(h.p, mem.SwapMemoryWithContext); err == nil {
		m.SwapTotal, m.SwapFree = int64(s.Total), int64(s.Free)
	}
	return &m, nil
}

// toldStates are those that gopsutil knows of a system; the others are 0 there.
var toldStates = map[string][]CPUState{
	"linux":   {CPUUser, CPUNice, CPUSystem, CPUIdle, CPUWait, CPUInterrupt, CPUSoftIRQ, CPUSteal, CPUGuest, CPUGuestNice},
	"darwin":  {CPUUser, CPUNice, CPUSystem, CPUIdle},
	"freebsd": {CPUUser, CPUNice, CPUSystem, CPUIdle, CPUInterrupt},
	"windows": {CPUUser, CPUSystem, CPUIdle, CPUInterrupt},
}

func portableTimes(x cpu.TimesStat) (t CPUTimes) {
	seconds := [cpuStates]float64{x.User, x.Nice, x.System, x.Idle, x.Iowait, x.Irq, x.Softirq, x.Steal, x.Guest, x.GuestNice}
	for _, s := range toldStates[runtime.GOOS] {
		if v := seconds[s]; v >= 0 && v < 1e15 {
			t.set(s, uint64(v*TicksPerSecond))
		}
	}
	return t
}

func (h *portableHost) readProcessors() (*Processors, error) {
	if err := untold(PartProcessors); err != nil {
		return nil, err
	}
	times := func(each bool) ([]cpu.TimesStat, error) {
		return ask(h.p, func(ctx context.Context) ([]cpu.TimesStat, error) { return cpu.TimesWithContext(ctx, each) })
	}
	list, err := times(true)
	if err != nil {
		return nil, err
	}
	p := &Processors{}
	for i, x := range list {
		p.List = append(p.List, Processor{Number: uint32(i), Times: portableTimes(x)})
	}
	if all, err := times(false); err == nil && len(all) == 1 {
		p.Times = portableTimes(all[0])
	}
	return p, nil
}

func (h *portableHost) processors(at time.Time) (*Processors, error) {
	p, err := h.readProcessors()
	if err != nil {
		return nil, err
	}
	models := h.models()
	for i := range p.List {
		if len(models) > 0 { // one entry a processor, or one a package
			m := models[min(i, len(models)-1)]
			p.List[i].Model = strings.TrimPrefix(m.VendorID+": "+m.ModelName, ": ")
		}
	}
	h.sampler.fillProcessors(p, at)
	return p, nil
}

func (h *portableHost) loadAverage(time.Time) (LoadAverage, error) {
	if err := untold(PartLoadAverage); err != nil {
		return LoadAverage{}, err
	}
	l, err := ask(h.p, load.AvgWithContext)
	if err != nil {
		return LoadAverage{}, err
	}
	return LoadAverage{l.Load1, l.Load5, l.Load15}, nil
}

func (h *portableHost) kernelState(time.Time) (*Kernel, error) {
	ids, err := ask(h.p, process.PidsWithContext)
	if err != nil {
		return nil, err
	}
	k := unknownKernel
	k.Processes = int64(len(ids))
	return &k, nil
}

func (h *portableHost) sessions(time.Time) (int, error) {
	if runtime.GOOS == "linux" {
		return readSessions(h.root)
	}
	if err := untold(PartSessions); err != nil {
		return 0, err
	}
	users, err := ask(h.p, host.UsersWithContext)
	return len(users), err
}

// states are the letters of ps(1) for gopsutil's words.
var states = map[string]byte{
	process.Running: 'R', process.Sleep: 'S', process.Stop: 'T', process.Zombie: 'Z', process.Idle: 'I', process.Blocked: 'D', process.Lock: 'L', process.Wait: 'W',
}

func (h *portableHost) processes(at time.Time) ([]Process, error) { return h.list.get(at) }

func (h *portableHost) readProcesses() ([]Process, error) {
	list, err := ask(h.p, process.ProcessesWithContext)
	if err != nil {
		return nil, err
	}
	var out []Process
	for _, x := range list {
		p, err := ask(h.p, func(ctx context.Context) (Process, error) { return portableProcess(ctx, x) })
		if err == nil {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, errNoProcess
	}
	slices.SortFunc(out, func(a, b Process) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func portableProcess(ctx context.Context, x *process.Process) (Process, error) {
	p := Process{ID: uint32(x.Pid), Memory: Unknown}
	if x.Pid <= 0 {
		return p, os.ErrNotExist
	}
	var err error
	if p.Name, err = x.NameWithContext(ctx); err != nil {
		return p, err
	}
	if args, err := x.CmdlineSliceWithContext(ctx); err == nil && len(args) > 0 {
		p.Path, p.Arguments = args[0], strings.Join(args[1:], " ")
	}
	if words, err := x.StatusWithContext(ctx); err == nil && len(words) > 0 {
		p.State = states[words[0]]
	}
	if t, err := x.TimesWithContext(ctx); err == nil {
		p.CPUTime = time.Duration((t.User + t.System) * float64(time.Second))
	}
	if m, err := x.MemoryInfoWithContext(ctx); err == nil && m != nil {
		p.Memory = int64(m.RSS)
	}
	return p, nil
}

func (h *portableHost) statfs(path string) (Usage, error) {
	u, err := ask(h.p, func(ctx context.Context) (*disk.UsageStat, error) { return disk.UsageWithContext(ctx, path) })
	if err != nil {
		return Usage{}, err
	}
	const block = 1024 // gopsutil tells octets
	return Usage{
		BlockSize: block, Blocks: u.Total / block, Free: (u.Total - min(u.Used, u.Total)) / block, Available: u.Free / block,
		Files: u.InodesTotal, FilesFree: u.InodesFree, FilesKnown: u.InodesTotal > 0,
	}, nil
}

func (h *portableHost) fileSystems(time.Time) ([]FileSystem, error) {
	list, err := ask(h.p, func(ctx context.Context) ([]disk.PartitionStat, error) { return disk.PartitionsWithContext(ctx, true) })
	if err != nil {
		return nil, err
	}
	var out []FileSystem
	for _, x := range list {
		f := FileSystem{Source: x.Device, MountPoint: x.Mountpoint, Type: x.Fstype, ReadOnly: slices.Contains(x.Opts, "ro")}
		if f.MountPoint == "" || slices.Contains(noStorage, f.Type) {
			continue
		}
		f.Remote = slices.Contains(remoteTypes, f.Type)
		out = append(out, f)
	}
	h.usage.fill(out)
	return out, nil
}

func (h *portableHost) readDisks() ([]Disk, error) {
	if err := untold(PartDisks); err != nil {
		return nil, err
	}
	counters, err := ask(h.p, func(ctx context.Context) (map[string]disk.IOCountersStat, error) {
		return disk.IOCountersWithContext(ctx)
	})
	if err != nil {
		return nil, err
	}
	var out []Disk
	for name, x := range counters {
		d := newDisk(name)
		d.IO = &DiskIO{
			Reads: x.ReadCount, ReadBytes: x.ReadBytes, Writes: x.WriteCount, WrittenBytes: x.WriteBytes,
			BusyTime: milliseconds(x.IoTime), BusyKnown: runtime.GOOS == "linux" || runtime.GOOS == "freebsd",
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Disk) int { return cmp.Compare(diskOrder(a.Name), diskOrder(b.Name)) })
	return out, nil
}

// diskOrder makes disk10 stand behind disk9.
func diskOrder(name string) string {
	stem := strings.TrimRight(name, "0123456789")
	if n, err := strconv.ParseUint(name[len(stem):], 10, 32); err == nil {
		return fmt.Sprintf("%s%010d", stem, n)
	}
	return name
}

func (h *portableHost) disks(at time.Time) ([]Disk, error) {
	list, err := h.readDisks()
	if err != nil {
		return nil, err
	}
	h.sampler.fillDisks(list, at)
	return list, nil
}

func (h *portableHost) packages(time.Time) (*Packages, error) {
	return nil, fmt.Errorf("packages: %w", errors.ErrUnsupported)
}

func (h *portableHost) sensors(time.Time) ([]Sensor, error) {
	return nil, fmt.Errorf("sensors: %w", errors.ErrUnsupported)
}
