package machine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// linuxHost reads what is not of the network, by procfs, sysfs and the files of the distribution.
type linuxHost struct {
	proc, sys, root string
	sampler         *sampler

	meminfo, stat, vmstat, loadavg, mounts, diskstats *procFile

	usage         usageReader
	packageReader packageReader

	processCount recent[int]
	processList  unhurried[[]Process]
	packageList  unhurried[*Packages]
	sensorList   unhurried[[]Sensor]
	userCount    unhurried[int]

	models func() map[uint32]string

	describeMu  sync.Mutex
	describedAt time.Time
	described   map[string]Disk // without what /proc/diskstats tells

	running sync.WaitGroup
}

// newLinuxHost takes the first sample; run goes on.
func newLinuxHost(o Options) *linuxHost {
	file := func(path string) *procFile { return &procFile{path: filepath.Join(o.Proc, path)} }
	h := &linuxHost{
		proc: o.Proc, sys: o.Sys, root: o.Root,
		meminfo: file("meminfo"), stat: file("stat"), vmstat: file("vmstat"), loadavg: file("loadavg"), mounts: file("self/mountinfo"),
		diskstats:     file("diskstats"),
		usage:         usageReader{statfs: statfs},
		packageReader: packageReader{root: o.Root, now: o.Now, rpm: queryRPM},
	}
	h.models = sync.OnceValue(func() map[uint32]string {
		b, err := os.ReadFile(filepath.Join(o.Proc, "cpuinfo"))
		if err != nil {
			return nil
		}
		return parseCPUInfo(b)
	})
	page := int64(os.Getpagesize())
	h.processList = unhurried[[]Process]{window: processWindow, limit: slowLimit, read: func() ([]Process, error) { return readProcesses(o.Proc, page, readAt) }}
	h.packageList = unhurried[*Packages]{window: packageWindow, limit: slowLimit, read: h.packageReader.read}
	h.sensorList = unhurried[[]Sensor]{window: sensorWindow, limit: slowLimit, read: func() ([]Sensor, error) { return readSensors(o.Sys) }}
	h.userCount = unhurried[int]{window: sessionWindow, limit: slowLimit, read: func() (int, error) { return readSessions(o.Root) }}
	h.sampler = newSampler(o.Now(), h.look)
	return h
}

// run takes samples until ctx ends.
func (h *linuxHost) run(ctx context.Context, now func() time.Time) {
	h.running.Go(func() { h.sampler.run(ctx, now) })
}

// Close waits for what run began, whose context has ended, and for readings that end in time.
func (h *linuxHost) Close() {
	h.running.Wait()
	h.processList.wait(hungLimit)
	h.packageList.wait(hungLimit)
	h.sensorList.wait(hungLimit)
	h.userCount.wait(hungLimit)
	for _, f := range []*procFile{h.meminfo, h.stat, h.vmstat, h.loadavg, h.mounts, h.diskstats} {
		f.Close()
	}
}

// look is what the sampler sees. What cannot be read is told to those who ask.
func (h *linuxHost) look(at time.Time) sampled {
	k := unknownKernel
	x := sampled{at: at, kernel: &k, busy: map[string]time.Duration{}}
	x.processors, _ = h.readStat(&k)
	_ = h.vmstat.read(func(b []byte) error { return parseVmstat(b, &k) })
	disks, _ := h.readDisks()
	for _, d := range disks {
		if d.IO != nil && d.IO.BusyKnown {
			x.busy[d.Name] = d.IO.BusyTime
		}
	}
	return x
}

func (h *linuxHost) memory(time.Time) (m *Memory, err error) {
	err = h.meminfo.read(func(b []byte) error {
		m, err = parseMeminfo(b)
		return err
	})
	return m, err
}

func (h *linuxHost) readStat(k *Kernel) (p *Processors, err error) {
	err = h.stat.read(func(b []byte) error {
		p, err = parseStat(b, k)
		return err
	})
	return p, err
}

func (h *linuxHost) processors(at time.Time) (*Processors, error) {
	p, err := h.readStat(&Kernel{})
	if err != nil {
		return nil, err
	}
	models := h.models()
	for i := range p.List {
		p.List[i].Model = models[p.List[i].Number]
	}
	h.sampler.fillProcessors(p, at)
	return p, nil
}

func (h *linuxHost) loadAverage(time.Time) (l LoadAverage, err error) {
	err = h.loadavg.read(func(b []byte) error {
		l, err = parseLoadAverage(b)
		return err
	})
	return l, err
}

func (h *linuxHost) kernelState(at time.Time) (*Kernel, error) {
	k := unknownKernel
	k.PageSize = int64(os.Getpagesize())
	_, err1 := h.readStat(&k)
	err2 := h.vmstat.read(func(b []byte) error { return parseVmstat(b, &k) })
	n, err3 := h.processCount.of(func() (int, error) {
		ids, err := listProcesses(h.proc)
		return len(ids), err
	})
	if err3 == nil && n > 0 {
		k.Processes = int64(n)
	}
	k.Parameters = readText(filepath.Join(h.proc, "cmdline"))
	list, err4 := h.mountList()
	for _, f := range list {
		if f.MountPoint == "/" {
			k.RootDevice = f.Device
		}
	}
	if err1 != nil && err2 != nil && err3 != nil && err4 != nil {
		return nil, errors.Join(err1, err2, err3, err4)
	}
	h.sampler.fillKernel(&k, at)
	return &k, nil
}

func (h *linuxHost) sessions(at time.Time) (int, error) { return h.userCount.get(at) }

func (h *linuxHost) processes(at time.Time) ([]Process, error) { return h.processList.get(at) }

func (h *linuxHost) packages(at time.Time) (*Packages, error) { return h.packageList.get(at) }

func (h *linuxHost) sensors(at time.Time) ([]Sensor, error) { return h.sensorList.get(at) }

func (h *linuxHost) mountList() (list []FileSystem, err error) {
	err = h.mounts.read(func(b []byte) error {
		list, err = parseMountinfo(b)
		return err
	})
	return list, err
}

func (h *linuxHost) fileSystems(time.Time) ([]FileSystem, error) {
	list, err := h.mountList()
	if err != nil {
		return nil, err
	}
	h.usage.fill(list)
	return list, nil
}

func (h *linuxHost) readDisks() (list []Disk, err error) {
	err = h.diskstats.read(func(b []byte) error {
		list, err = parseDiskstats(b)
		return err
	})
	return list, err
}

func (h *linuxHost) disks(at time.Time) ([]Disk, error) {
	list, err := h.readDisks()
	if err != nil {
		return nil, err
	}
	h.describe(list, at)
	h.sampler.fillDisks(list, at)
	return list, nil
}

// describe adds what sysfs says, which is read anew after diskWindow, or when there is another disk: it takes six files a disk.
func (h *linuxHost) describe(list []Disk, at time.Time) {
	h.describeMu.Lock()
	defer h.describeMu.Unlock()
	age := at.Sub(h.describedAt)
	same := len(list) == len(h.described) && age >= 0 && age < diskWindow
	for i := range list {
		d, known := h.described[list[i].Name]
		same = same && known && d.Number == list[i].Number
	}
	if !same {
		describeDisks(h.sys, list)
		h.describedAt, h.described = at, make(map[string]Disk, len(list))
		for _, d := range list {
			d.IO = nil
			h.described[d.Name] = d
		}
		return
	}
	for i := range list {
		d := h.described[list[i].Name]
		d.IO = list[i].IO
		list[i] = d
	}
}

// statfs asks a file system how full it is.
func statfs(path string) (Usage, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Usage{}, err
	}
	u := Usage{
		BlockSize: wide(s.Frsize), Blocks: s.Blocks, Free: s.Bfree, Available: min(s.Bavail, s.Bfree), Files: s.Files, FilesFree: s.Ffree, FilesKnown: true,
	}
	if u.BlockSize == 0 {
		u.BlockSize = wide(s.Bsize)
	}
	return u, nil
}

// wide converts what has another width on each architecture.
func wide[T int32 | int64 | uint32](n T) int64 { return int64(n) }
