// Storememory says what memory and disk the store takes for switches that are polled each 30 s, and how long a start takes then.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/exporters/filter"
	"walkabout/internal/bench/storeload"
	"walkabout/metric"
	"walkabout/store"
)

func main() {
	devices := flag.Int("devices", 500, "how many switches")
	ports := flag.Int("ports", 48, "ports of each")
	span := flag.Duration("span", 3*time.Hour, "how long they are polled; from three hours on the memory is what it stays")
	raw := flag.Bool("raw", true, "keep the counters beside their rates")
	flag.Parse()
	if err := run(*devices, *ports, *span, *raw); err != nil {
		fmt.Fprintln(os.Stderr, "storememory:", err)
		os.Exit(1)
	}
}

func run(devices, ports int, span time.Duration, raw bool) error {
	dir, err := os.MkdirTemp("", "storememory-")
	if err != nil {
		return err
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	o := store.Options{Dir: dir, NoRaw: !raw, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	s, err := store.Open(o)
	if err != nil {
		return err
	}
	took, err := fill(s, devices, ports, span)
	if err != nil {
		return err
	}
	tell("polled", s, heap())
	fmt.Printf("%d samples in %v: %.0f a second\n", s.Stats().Samples, took.Round(time.Second), float64(s.Stats().Samples)/took.Seconds())
	if err := s.Close(); err != nil {
		return err
	}
	began := time.Now()
	if s, err = store.Open(o); err != nil {
		return err
	}
	took = time.Since(began)
	tell("started again", s, heap())
	fmt.Printf("the start took %v\n", took.Round(time.Millisecond))
	return s.Close()
}

// fill polls the switches and returns how long the writing took.
func fill(s *store.Store, devices, ports int, span time.Duration) (took time.Duration, err error) {
	e := s.Exporter()
	f := filter.New(filter.Config{Drop: config.Unused()})
	end := time.Now()
	var switches []*storeload.Switch
	for i := range devices {
		switches = append(switches, storeload.New(fmt.Sprintf("switch%05d", i), ports, uint64(i)))
	}
	const rows = 1000 // of a batch, as an output's
	var batch []metric.Sample
	for at := end.Add(-span); at.Before(end); at = at.Add(storeload.Interval) {
		for i, sw := range switches {
			// Devices are spread over the interval.
			batch = append(batch, f.Apply(sw.Poll(at.Add(time.Duration(i)*storeload.Interval/time.Duration(devices))))...)
			if len(batch) < rows && i < devices-1 {
				continue
			}
			began := time.Now()
			if err := e.Export(context.Background(), batch); err != nil {
				return took, err
			}
			took += time.Since(began)
			batch = batch[:0]
		}
		if err := s.Compact(context.Background()); err != nil { // as often as it would be
			return took, err
		}
	}
	return took, nil
}

// heap returns the octets that are in use after a collection, and what the process has from the system.
func heap() (m runtime.MemStats) {
	debug.FreeOSMemory()
	runtime.ReadMemStats(&m)
	return m
}

func tell(when string, s *store.Store, m runtime.MemStats) {
	st := s.Stats()
	fmt.Printf("%s: %d series, %.0f MiB of heap (%.0f octets a series), %.0f MiB from the system, %.0f MiB on disk\n", when, st.Series,
		mib(m.HeapInuse), float64(m.HeapInuse)/float64(st.Series), mib(m.Sys-m.HeapReleased), mib(uint64(st.Octets)))
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }
