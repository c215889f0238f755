package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newFixture is the host of a tree of testdata. Its file systems are all of 1,000 blocks.
func newFixture(t *testing.T, tree string) *linuxHost {
	t.Helper()
	root := filepath.Join("testdata", tree)
	h := newLinuxHost(Options{Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"), Root: root, Now: func() time.Time { return second(0) }})
	h.usage.statfs = func(path string) (Usage, error) {
		if strings.HasPrefix(path, "/srv") {
			return Usage{}, os.ErrPermission
		}
		return Usage{BlockSize: 4096, Blocks: 1000, Free: 600, Available: 500, Files: 10, FilesFree: 7, FilesKnown: true}, nil
	}
	t.Cleanup(h.Close)
	return h
}

// describeHost writes all that h tells.
func describeHost(h *linuxHost) string {
	var b strings.Builder
	at := second(60)
	section := func(name string, err error, text string) {
		fmt.Fprintf(&b, "== %s\n", name)
		if err != nil {
			text = "error: " + err.Error() + "\n"
		}
		b.WriteString(text)
	}
	m, err := h.memory(at)
	section("memory", err, fmt.Sprintf("%+v\n", m))
	p, err := h.processors(at)
	section("processors", err, describeProcessors(p))
	l, err := h.loadAverage(at)
	section("load average", err, fmt.Sprintln(l))
	k, err := h.kernelState(at)
	if k != nil {
		k.Earlier, k.PageSize = nil, Unknown
	}
	section("kernel", err, fmt.Sprintf("%+v\n", k))
	n, err := h.sessions(at)
	section("sessions", err, fmt.Sprintln(n))
	processes, err := h.processes(at)
	section("processes", err, quoted(processes))
	f, err := h.fileSystems(at)
	var text strings.Builder
	for _, f := range f {
		u := f.Usage
		f.Usage = nil
		fmt.Fprintf(&text, "%#v %+v\n", f, u)
	}
	section("file systems", err, text.String())
	d, err := h.disks(at)
	text.Reset()
	for _, d := range d {
		io := d.IO
		d.IO = nil
		fmt.Fprintf(&text, "%+v %+v\n", d, io)
	}
	section("disks", err, text.String())
	s, err := h.sensors(at)
	section("sensors", err, list(s))
	return b.String()
}

func describeProcessors(p *Processors) string {
	if p == nil {
		return ""
	}
	s := fmt.Sprintf("all %v\n", p.Times)
	for _, c := range p.List {
		s += fmt.Sprintf("%d %q %v\n", c.Number, c.Model, c.Times)
	}
	return s
}

func quoted[T any](values []T) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "%#v\n", v)
	}
	return b.String()
}

// TestHostTrees reads machines of all kinds: a present one, an old one, one with strange files, one with none.
func TestHostTrees(t *testing.T) {
	for _, tree := range []string{"linux-6.18", "linux-2.6.18", "odd", "empty"} {
		t.Run(tree, func(t *testing.T) {
			golden(t, tree+"/host.golden", describeHost(newFixture(t, tree)))
		})
	}
}

// TestHungFileSystem holds one file system for ever: the others answer, and nobody waits for it twice.
func TestHungFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := usageReader{statfs: func(path string) (Usage, error) {
			if path == "/hung" {
				<-release
			}
			return Usage{BlockSize: 1, Blocks: 7}, nil
		}}
		read := func() (blocks []uint64, took time.Duration) {
			list := []FileSystem{{MountPoint: "/"}, {MountPoint: "/hung"}, {MountPoint: "/home"}}
			begun := time.Now()
			r.fill(list)
			for _, f := range list {
				if f.Usage == nil {
					blocks = append(blocks, 0)
				} else {
					blocks = append(blocks, f.Usage.Blocks)
				}
			}
			return blocks, time.Since(begun)
		}
		for i, want := range []time.Duration{usageLimit, 0, 0} {
			blocks, took := read()
			if diff := cmp.Diff([]uint64{7, 0, 7}, blocks); diff != "" || took != want {
				t.Errorf("reading %d took %v, want %v (-want +got):\n%s", i, took, want, diff)
			}
		}
		close(release)
		synctest.Wait()
		if blocks, took := read(); blocks[1] != 7 || took != 0 {
			t.Errorf("after it came back: %v in %v", blocks, took)
		}
	})
}

// TestManyHungFileSystems: no more threads are lost than maxHung.
func TestManyHungFileSystems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var begun []string
		begin := make(chan string)
		go func() {
			for path := range begin {
				begun = append(begun, path)
			}
		}()
		r := usageReader{statfs: func(path string) (Usage, error) {
			begin <- path
			<-release
			return Usage{BlockSize: 1}, nil
		}}
		for i := range 3 * maxHung {
			r.fill([]FileSystem{{MountPoint: fmt.Sprint("/", i)}})
		}
		close(release)
		synctest.Wait()
		close(begin)
		if len(begun) != maxHung {
			t.Errorf("%d calls, want %d", len(begun), maxHung)
		}
	})
}

// TestSampler: the load is that of the last minute, of the time since the start before, and of longer after an idle time, in which no
// samples are taken.
func TestSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		begun := time.Now()
		var looks atomic.Int32
		processors := func(at time.Time) *Processors { // 1 tick a second busy, from the third minute on 99
			s := uint64(at.Sub(begun) / time.Second)
			busy := s
			if s > 180 {
				busy = 180 + 99*(s-180)
			}
			times := NewCPUTimes(map[CPUState]uint64{CPUUser: busy, CPUIdle: 100*s - busy})
			return &Processors{Times: times, List: []Processor{{Number: 3, Times: times}}}
		}
		s := newSampler(begun, func(at time.Time) sampled {
			looks.Add(1)
			return sampled{at: at, processors: processors(at), busy: map[string]time.Duration{"sda": at.Sub(begun) / 2}}
		})
		done := make(chan struct{})
		go func() { s.run(ctx, time.Now); close(done) }()

		load := func() (user, idle uint64) {
			p := processors(time.Now())
			s.fillProcessors(p, time.Now())
			if diff := cmp.Diff(p.Recent, p.List[0].Recent, cmp.AllowUnexported(CPUTimes{})); diff != "" {
				t.Errorf("all and the one differ: %s", diff)
			}
			user, _ = p.Recent.Get(CPUUser)
			idle, _ = p.Recent.Get(CPUIdle)
			return user, idle
		}
		check := func(after time.Duration, user, idle uint64) {
			t.Helper()
			time.Sleep(after)
			if u, i := load(); u != user || i != idle {
				t.Errorf("after %v user %d and idle %d, want %d and %d", time.Since(begun), u, i, user, idle)
			}
		}
		check(0, 0, 0)
		check(30*time.Second, 30, 2970)
		check(60*time.Second, 60, 5940)
		check(91*time.Second, 60+99, 61*100-60-99) // 61 s: the sample of 120
		check(59*time.Second, 60*99, 60*100-60*99)
		disks := []Disk{newDisk("sda"), newDisk("sdb")}
		disks[0].IO = &DiskIO{BusyTime: time.Since(begun) / 2, BusyKnown: true}
		s.fillDisks(disks, time.Now())
		if diff := cmp.Diff([][3]float64{{.5, .5, .5}, {-1, -1, -1}}, [][3]float64{disks[0].Busy, disks[1].Busy}); diff != "" {
			t.Errorf("busy (-want +got):\n%s", diff)
		}

		before := looks.Load()
		time.Sleep(time.Hour)
		if n := looks.Load() - before; n > 21 {
			t.Errorf("%d samples in an idle hour", n)
		}
		if u, i := load(); u == 0 || u+i < 55*60*100 {
			t.Errorf("after an idle hour user %d, idle %d", u, i)
		}
		stop()
		<-done
	})
}

// TestSamplerForgets: what is older than the longest span is not kept.
func TestSamplerForgets(t *testing.T) {
	s := newSampler(second(0), func(at time.Time) sampled { return sampled{at: at} })
	for i := 15; i <= 7200; i += 15 {
		s.add(sampled{at: second(i)})
	}
	if n := len(s.samples); n != 61 {
		t.Errorf("%d samples", n)
	}
}

// TestUnhurried: one reads for all, nobody waits longer than the limit, and what was read late is there for the next.
func TestUnhurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, takes := 0, time.Second
		u := unhurried[int]{window: time.Minute, limit: 2 * time.Second, read: func() (int, error) {
			reads++
			time.Sleep(takes)
			return reads, nil
		}}
		results := make(chan int, 10)
		for range 10 {
			go func() {
				n, err := u.get(time.Now())
				if err != nil {
					t.Error(err)
				}
				results <- n
			}()
		}
		for range 10 {
			if n := <-results; n != 1 {
				t.Errorf("reading %d", n)
			}
		}
		takes = 5 * time.Second
		time.Sleep(2 * time.Minute)
		begun := time.Now()
		if _, err := u.get(begun); !errors.Is(err, errSlow) || time.Since(begun) != u.limit {
			t.Errorf("error %v after %v", err, time.Since(begun))
		}
		time.Sleep(4 * time.Second)
		if n, err := u.get(time.Now()); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		takes = time.Hour
		time.Sleep(2 * time.Minute)
		if _, err := u.get(time.Now()); !errors.Is(err, errSlow) {
			t.Error(err)
		}
		begun = time.Now()
		u.wait(time.Second)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("waited %v", took)
		}
		time.Sleep(time.Hour)
	})
}

// TestUnhurriedStale: who asks while a reading takes long has the one before it, unless that is old, and what took long is good for longer.
func TestUnhurriedStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		var takes atomic.Int64
		u := unhurried[int]{window: time.Second, limit: 2 * time.Second, read: func() (int, error) {
			reads++
			time.Sleep(time.Duration(takes.Load()))
			return reads, nil
		}}
		for _, step := range []struct {
			after, takes time.Duration
			want         int
			wait         time.Duration
		}{
			{0, 300 * time.Millisecond, 1, 300 * time.Millisecond},
			{2 * time.Second, 0, 1, 0}, // 300 ms are good for 3 s
			{2 * time.Second, 400 * time.Millisecond, 2, 400 * time.Millisecond},
			{10 * time.Second, 90 * time.Second, 2, patience},
			{40 * time.Second, 0, 2, patience},
			{20 * time.Second, 0, 0, u.limit}, // too old by now
			{30 * time.Second, 0, 3, 0},
		} {
			time.Sleep(step.after)
			takes.Store(int64(step.takes))
			begun := time.Now()
			got, err := u.get(begun)
			if took := time.Since(begun); got != step.want || (err == nil) != (step.want != 0) || took != step.wait {
				t.Errorf("%+v: %d, %v after %v", step, got, err, took)
			}
		}
	})
}

// TestHiddenProcesses: where procfs hides processes there is neither a list nor a number of them.
func TestHiddenProcesses(t *testing.T) {
	for name, files := range map[string][]string{"invisible": {"77/stat"}, "closed": {"1/stat", "77/stat"}} {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			for _, file := range files {
				if err := os.MkdirAll(filepath.Join(proc, filepath.Dir(file)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(proc, file), []byte(filepath.Dir(file)+" (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 5 4096 7\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			closed := func(dir int, name string, b []byte) (int, error) {
				if name == "1/stat" {
					return 0, os.ErrPermission
				}
				return readAt(dir, name, b)
			}
			if list, err := readProcesses(proc, 4096, closed); !errors.Is(err, errHidden) {
				t.Errorf("%+v, %v", list, err)
			}
			h := newLinuxHost(Options{Proc: proc, Sys: proc, Root: proc, Now: func() time.Time { return second(0) }})
			defer h.Close()
			if k, err := h.kernelState(second(1)); name == "invisible" && (k != nil || !errors.Is(err, errHidden)) || name == "closed" && (err != nil || k.Processes != 2) {
				t.Errorf("%+v, %v", k, err)
			}
		})
	}
}

// TestThisHost reads the machine that the test runs on, whichever it is, until it is closed.
func TestThisHost(t *testing.T) {
	m, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := m.Reading(time.Now(), true)
	processes, err := r.Processes(t.Context())
	if err != nil {
		t.Error(err)
	}
	found := false
	for _, p := range processes {
		if p.ID == uint32(os.Getpid()) {
			found = p.Memory > 1<<20 && p.Path == os.Args[0] && strings.ContainsRune("RS", rune(p.State)) && !p.Kernel
			if !found {
				t.Errorf("this process is %+v", p)
			}
		}
	}
	if !found {
		t.Error("this process is not in the list")
	}
	if memory, err := r.Memory(t.Context()); err != nil || memory.Free <= 0 || memory.Free >= memory.Total {
		t.Errorf("memory %+v, %v", memory, err)
	}
	if list, err := r.FileSystems(t.Context()); err != nil || len(list) == 0 {
		t.Errorf("file systems %+v, %v", list, err)
	}
	if p, err := r.Processors(t.Context()); err != nil || len(p.List) == 0 || p.Times.Total() == 0 {
		t.Errorf("processors %+v, %v", p, err)
	}
	if k, err := r.Kernel(t.Context()); err != nil || k.Processes < 1 || k.ContextSwitches <= 0 {
		t.Errorf("kernel %+v, %v", k, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Reading(time.Now(), true).Memory(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
