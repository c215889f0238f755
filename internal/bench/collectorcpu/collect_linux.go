package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/exporters/lineprotocol"
	"walkabout/internal/secret"
	"walkabout/snmp"
)

// collect polls by the plan that it reads, and writes its figures.
func collect(ctx context.Context, r io.Reader, w io.Writer) error {
	var p plan
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return err
	}
	var targets []collector.Target
	for i, port := range p.Ports {
		t := collector.DefaultTarget()
		t.Name, t.Address, t.Collect, t.Interval = fmt.Sprintf("switch%d", i), "127.0.0.1:"+strconv.Itoa(int(port)), []string{"interfaces"}, p.Interval
		t.Timeout = min(t.Timeout, p.Interval)
		t.Credential = session.Credential{Version: snmp.V2c, Community: secret.New(community)}
		if p.V3 {
			t.Credential = session.Credential{Version: snmp.V3, User: user, Auth: session.SHA, AuthPassword: secret.New(password),
				Priv: session.AES, PrivPassword: secret.New(password)}
		}
		targets = append(targets, t)
	}
	s := &sink{}
	c, err := collector.New(collector.Options{Targets: targets, Sinks: []collector.Sink{s}, Profiles: interfaceTables()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	err = observe(ctx, w, p, s.reset, func(f *figures) {
		s.mu.Lock()
		defer s.mu.Unlock()
		*f = s.figures
		for _, t := range c.Stats() {
			f.Retries += int(t.Retries)
			f.Requests += int(t.Effort.Requests)
		}
	})
	cancel()
	return errors.Join(err, <-done)
}

// interfaceTables returns the profile interfaces with ifTable and ifXTable alone, as the other clients walk them.
func interfaceTables() collector.Profiles {
	p := *collector.BuiltIn()["interfaces"]
	p.Tables = slices.DeleteFunc(slices.Clone(p.Tables), func(t collector.Table) bool { return t.Measurement != "interface" })
	return collector.Profiles{"interfaces": &p}
}

// observe writes the figures of this process over the plan's time: from reset, when it has warmed up, until read takes what was done since.
func observe(ctx context.Context, w io.Writer, p plan, reset func(), read func(*figures)) error {
	if err := wait(ctx, 2*p.Interval); err != nil {
		return err
	}
	reset()
	stop, err := profile(p.Profile)
	if err != nil {
		return err
	}
	before := cpu()
	err = wait(ctx, p.For)
	used := cpu() - before
	stop()
	if err != nil {
		return err
	}
	f := figures{}
	read(&f)
	f.CPU = used
	f.Goroutines = runtime.NumGoroutine()
	f.RSS, f.Files = usage("self")
	return json.NewEncoder(w).Encode(f)
}

// profile begins a CPU profile in the file called name, if it has a name; stop ends it, and writes what memory is in use to name.heap.
func profile(name string) (stop func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // pprof says if it is broken
		if heap, err := os.Create(name + ".heap"); err == nil {
			runtime.GC()
			_ = pprof.Lookup("heap").WriteTo(heap, 0)
			_ = heap.Close()
		}
	}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// sink encodes every poll's samples and forgets them.
type sink struct {
	mu      sync.Mutex
	figures figures
	encoder lineprotocol.Encoder
	out     []byte
}

func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures = figures{}
}

// Poll implements collector.Sink.
func (s *sink) Poll(_ context.Context, p collector.Poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures.Polls++
	if p.Err != nil {
		if s.figures.Failed++; s.figures.Failed == 1 {
			fmt.Fprintln(os.Stderr, "the first poll that failed:", p.Err)
		}
	}
	s.figures.Samples += len(p.Samples)
	s.out = s.out[:0]
	for i := range p.Samples {
		s.out, _ = s.encoder.Append(s.out, &p.Samples[i]) // what cannot be encoded is not there
	}
	s.figures.Octets += len(s.out)
}

// cpu returns the CPU time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// usage returns the resident memory, garbage included, and the open descriptors of a process, by its name in /proc.
func usage(process string) (rss int64, files int) {
	text, err := os.ReadFile("/proc/" + process + "/statm")
	if err == nil {
		var size, pages int64
		if _, err := fmt.Sscan(string(text), &size, &pages); err == nil {
			rss = pages * int64(os.Getpagesize())
		}
	}
	list, err := os.ReadDir("/proc/" + process + "/fd")
	if err != nil {
		return rss, 0
	}
	return rss, len(list)
}
