package machine_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/machine"
)

// The benchmarks read the machine, or the namespace, that they run on; bench_interop_test.go makes it a large one.

func BenchmarkCounters(b *testing.B) {
	m := open(b, machine.Options{})
	links, err := m.Reading(time.Now(), true).Links(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(links.List)), "links")
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := m.Reading(time.Now(), true).Counters(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStats(b *testing.B) {
	m := open(b, machine.Options{})
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := m.Reading(time.Now(), true).Stats(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStatsParse leaves out the kernel, which writes the file anew for each reading.
func BenchmarkStatsParse(b *testing.B) {
	m := open(b, machine.Options{Proc: "testdata/linux-6.18/proc"})
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := m.Reading(time.Now(), true).Stats(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTCPSockets(b *testing.B) {
	m := open(b, machine.Options{})
	sockets, err := m.Reading(time.Now(), true).TCPSockets(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(sockets)), "sockets")
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := m.Reading(time.Now(), true).TCPSockets(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReading is what a request pays that finds everything read already.
func BenchmarkReading(b *testing.B) {
	m := open(b, machine.Options{})
	at := time.Now()
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		if _, err := m.Reading(at, false).Counters(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// reportCPU returns what reports the CPU time of the process since, by each round: the figure that other users of the machine disturb
// least.
func reportCPU(b *testing.B) func() {
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// open returns a Machine that the test closes.
func open(t testing.TB, o machine.Options) *machine.Machine {
	t.Helper()
	m, err := machine.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}
