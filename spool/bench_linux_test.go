package spool_test

import (
	"math/rand/v2"
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

// BenchmarkAppend appends records of the size of a 48-port switch's poll, 100 of them a commit, and takes them by one reader: cpu-ns/op is
// of one record, with its share of the disk's.
func BenchmarkAppend(b *testing.B) {
	const together, size = 100, 12_600
	s, err := spool.Open(spool.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	r, err := s.Reader(spool.ReaderOptions{Name: "r", Order: spool.NewestFirst})
	if err != nil {
		b.Fatal(err)
	}
	record := make([]byte, size)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range record { // half of it compresses
		if i%2 == 0 {
			record[i] = byte(random.Uint32())
		}
	}
	b.ReportAllocs()
	began := cpu(b)
	for n := 0; n < b.N; n += together {
		var all sync.WaitGroup
		for range min(together, b.N-n) {
			all.Go(func() {
				if err := s.Append(b.Context(), record); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		for c := r.Next(spool.Fresh, 1<<20); len(c.Records) > 0; c = r.Next(spool.Fresh, 1<<20) {
			r.Ack(c)
		}
	}
	b.ReportMetric(float64(cpu(b)-began)/float64(b.N), "cpu-ns/op")
	r.Close()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
