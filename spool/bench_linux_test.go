package spool_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"walkabout/spool"
)

// cpu returns the CPU time of this process, in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// together is how many records a commit has: what a fleet polls within one.
const together = 100

// poll is a record of the size of a 48-port switch's poll, of which half compresses.
func poll() []byte {
	record := make([]byte, 12_600)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range record {
		if i%2 == 0 {
			record[i] = byte(random.Uint32())
		}
	}
	return record
}

func openBench(b *testing.B, options spool.Options) (*spool.Spool, *spool.Reader) {
	b.Helper()
	s, err := spool.Open(options)
	if err != nil {
		b.Fatal(err)
	}
	r, err := s.Reader(spool.ReaderOptions{Name: "r", Order: spool.NewestFirst})
	if err != nil {
		b.Fatal(err)
	}
	return s, r
}

func appendTogether(b *testing.B, s *spool.Spool, record []byte, n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := s.Append(b.Context(), record); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

func drainBench(r *spool.Reader, lane spool.Lane) (records int) {
	for c := r.Next(lane, 1<<20); len(c.Records) > 0; c = r.Next(lane, 1<<20) {
		records += len(c.Records)
		r.Ack(c)
	}
	return records
}

// BenchmarkAppend appends polls, 100 of them a commit, and takes them by one reader: cpu-ns/op is of one record, with its share of the disk's.
func BenchmarkAppend(b *testing.B) {
	s, r := openBench(b, spool.Options{Dir: b.TempDir()})
	record := poll()
	b.ReportAllocs()
	began := cpu(b)
	for n := 0; n < b.N; n += together {
		appendTogether(b, s, record, min(together, b.N-n))
		drainBench(r, spool.Fresh)
	}
	b.ReportMetric(float64(cpu(b)-began)/float64(b.N), "cpu-ns/op")
	r.Close()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOutage appends polls that nobody takes, as in an outage of b.N polls (an hour of 5,000 devices a minute: -benchtime 300000x), then
// takes them all, and then appends 10,000 more: what memory the outage holds, and what a record costs during and after it.
func BenchmarkOutage(b *testing.B) {
	before := heap()
	s, r := openBench(b, spool.Options{Dir: b.TempDir()})
	record := poll()
	began := cpu(b)
	for n := 0; n < b.N; n += together {
		appendTogether(b, s, record, min(together, b.N-n))
	}
	b.ReportMetric(float64(cpu(b)-began)/float64(b.N), "outage-cpu-ns/record")
	b.ReportMetric(float64(heap()-before)/1e6, "outage-heap-MB")
	if n := drainBench(r, spool.Backlog) + drainBench(r, spool.Fresh); n != b.N {
		b.Errorf("%d records of %d", n, b.N)
	}
	const after = 10_000
	began = cpu(b)
	for range after / together {
		appendTogether(b, s, record, together)
		drainBench(r, spool.Fresh)
	}
	b.ReportMetric(float64(cpu(b)-began)/after, "after-cpu-ns/record")
	r.Close()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// heap is what memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
