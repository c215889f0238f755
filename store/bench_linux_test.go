package store_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/exporters/filter"
	"walkabout/internal/bench/storeload"
	"walkabout/metric"
	"walkabout/store"
)

// fed makes of samples what the store's runner would give it.
func fed() func([]metric.Sample) []metric.Sample {
	f := filter.New(filter.Config{Drop: config.Unused()})
	return f.Apply
}

// cpu returns the processor time that the process took, which says more than the time that passed where others work too.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report tells of the samples that were written in so much processor time.
func report(b *testing.B, samples float64, took time.Duration) {
	b.ReportMetric(samples/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(float64(took.Nanoseconds())/samples, "cpu-ns/sample")
}

// BenchmarkExport writes polls of 20 switches of 48 ports, fsynced: 960 rows at a time.
func BenchmarkExport(b *testing.B) {
	s := open(b, store.Options{})
	e := s.Exporter()
	var switches []*storeload.Switch
	for i := range 20 {
		switches = append(switches, storeload.New(fmt.Sprint("switch", i), 48, uint64(i)))
	}
	at := time.Now().Add(-5 * time.Hour)
	f := fed()
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		var batch []metric.Sample
		at = at.Add(storeload.Interval)
		for _, s := range switches {
			batch = append(batch, f(s.Poll(at))...)
		}
		b.StartTimer()
		began := cpu(b)
		if err := e.Export(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		took += cpu(b) - began
	}
	report(b, float64(s.Stats().Samples), took)
}

// BenchmarkLibrary writes as many series into tsdb alone, by references, without a name to look up and without fsync.
func BenchmarkLibrary(b *testing.B) {
	db, err := tsdb.Open(b.TempDir(), nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const series = 20 * 48 * 30
	refs := make([]storage.SeriesRef, series)
	at := time.Now().Add(-5 * time.Hour).UnixMilli()
	b.ReportAllocs()
	began := cpu(b)
	for b.Loop() {
		at += 30_000
		app := db.Appender(context.Background())
		for i := range refs {
			lset := labels.EmptyLabels()
			if refs[i] == 0 {
				lset = labels.FromStrings("__name__", "x", "n", fmt.Sprint(i))
			}
			if refs[i], err = app.Append(refs[i], lset, at, float64(at)*float64(i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	report(b, float64(b.N)*series, cpu(b)-began)
}

// BenchmarkDay draws a day of one interface of a switch of 48: traffic, packets and errors, in 1,000 buckets. The day is in the database's memory and log,
// not in blocks, which are quicker.
func BenchmarkDay(b *testing.B) {
	s := open(b, store.Options{})
	e, sw, f := s.Exporter(), storeload.New("core1", 48, 1), fed()
	end := time.Now()
	for at := end.Add(-24 * time.Hour); at.Before(end); {
		var batch []metric.Sample
		for ; len(batch) < 1000 && at.Before(end); at = at.Add(storeload.Interval) {
			batch = append(batch, f(sw.Poll(at))...)
		}
		if err := e.Export(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	q := store.GraphQuery{Device: "core1", From: end.Add(-24 * time.Hour), To: end,
		Counters: []string{"ifHCInOctets", "ifHCOutOctets", "ifHCInUcastPkts", "ifHCOutUcastPkts", "ifInErrors", "ifOutErrors", "ifInDiscards", "ifOutDiscards"}}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		q.Interface = "Gi1/0/7"
		began := cpu(b)
		for b.Loop() {
			if g, err := s.Graph(context.Background(), q); err != nil || g.Lines[0].Covered < 23*time.Hour {
				b.Fatal(err, g.Lines[0].Summary)
			}
		}
		b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
	})
	b.Run("sparklines", func(b *testing.B) { // in and out of all ports, 60 points
		b.ReportAllocs()
		q.Counters, q.Points = q.Counters[:2], 60
		began := cpu(b)
		for b.Loop() {
			if g, err := s.Graphs(context.Background(), q); err != nil || len(g) != 48 {
				b.Fatal(err, len(g))
			}
		}
		b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
	})
}

// BenchmarkOctets reports how much of the disk a sample takes in blocks and in the log: twelve hours of ten switches.
func BenchmarkOctets(b *testing.B) {
	for b.Loop() {
		dir := b.TempDir()
		s := open(b, store.Options{Dir: dir})
		e, f := s.Exporter(), fed()
		var switches []*storeload.Switch
		for i := range 10 {
			switches = append(switches, storeload.New(fmt.Sprint("switch", i), 48, uint64(i)))
		}
		end := time.Now()
		var log float64
		for at := end.Add(-12 * time.Hour); at.Before(end); at = at.Add(storeload.Interval) {
			var batch []metric.Sample
			for _, sw := range switches {
				batch = append(batch, f(sw.Poll(at))...)
			}
			if err := e.Export(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		}
		log = octets(b, filepath.Join(dir, "wal"))
		if err := s.Compact(context.Background()); err != nil {
			b.Fatal(err)
		}
		stats := s.Stats()
		b.ReportMetric(log/float64(stats.Samples), "logged-octets/sample")
		b.ReportMetric(s.OctetsPerSample(), "octets/sample")
	}
}

func octets(b *testing.B, dir string) (n float64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += float64(info.Size())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
