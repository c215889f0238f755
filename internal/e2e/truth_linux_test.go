//go:build interop

package e2e

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The numbers of a link's line in /proc/net/dev.
const (
	devInOctets  = 0
	devOutOctets = 8
)

// recorder reads a box' /proc/net/dev every few milliseconds for the length of a test.
type recorder struct {
	stop     chan struct{}
	done     chan struct{}
	readings []reading // until done
}

type reading struct {
	began, ended time.Time
	links        map[string][]uint64
}

func (b *box) record(t *testing.T) *recorder {
	t.Helper()
	var f *os.File
	b.Do(t, func() {
		var err error
		if f, err = os.Open("/proc/thread-self/net/dev"); err != nil {
			t.Fatal(err)
		}
	})
	r := &recorder{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer f.Close()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := r.read(f); err != nil {
				t.Errorf("/proc/net/dev: %v", err)
				return
			}
			select {
			case <-tick.C:
			case <-r.stop:
				return
			}
		}
	}()
	t.Cleanup(r.end)
	return r
}

// end stops the recording; what was read may then be asked for.
func (r *recorder) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	<-r.done
}

func (r *recorder) read(f *os.File) error {
	one := reading{began: time.Now(), links: map[string][]uint64{}}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	one.ended = time.Now()
	for line := range strings.Lines(string(b)) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		var numbers []uint64
		for _, word := range strings.Fields(rest) {
			n, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				return err
			}
			numbers = append(numbers, n)
		}
		one.links[strings.TrimSpace(name)] = numbers
	}
	r.readings = append(r.readings, one)
	return nil
}

// between returns the least and the most that a number of a link was from one time to another; false if the link was not there, or was made anew,
// meanwhile.
func (r *recorder) between(link string, column int, from, to time.Time) (least, most uint64, ok bool) {
	first, _ := slices.BinarySearchFunc(r.readings, from, func(x reading, at time.Time) int { return x.ended.Compare(at) })
	last, _ := slices.BinarySearchFunc(r.readings, to, func(x reading, at time.Time) int { return x.began.Compare(at) })
	if first == 0 || last == len(r.readings) {
		return 0, 0, false
	}
	for _, x := range r.readings[first-1 : last+1] {
		n, there := x.links[link]
		if !there || n[column] < most {
			return 0, 0, false
		}
		most = n[column]
	}
	return r.readings[first-1].links[link][column], most, true
}

// octets maps the counters of octets to columns of /proc/net/dev.
var octets = map[string]int{"ifHCInOctets": devInOctets, "ifInOctets": devInOctets, "ifHCOutOctets": devOutOctets, "ifOutOctets": devOutOctets}

// hold checks the raw values of a series of a link: each must be what the kernel said within an interval from the start of its poll on, or up to
// a cache's time before.
func (r *recorder) hold(t *testing.T, s series, cache time.Duration) {
	t.Helper()
	held := 0
	for name, column := range octets {
		for _, p := range s.points {
			raw, has := p.count(t, name)
			least, most, ok := r.between(s.tags["ifName"], column, p.at.Add(-cache), p.at.Add(interval))
			if !has || !ok {
				continue
			}
			held++
			if narrow(name) {
				least, most = uint64(uint32(least)), uint64(uint32(most))
			}
			if least <= most && (raw < least || raw > most) {
				t.Errorf("%s %s at %v is %d; /proc/net/dev said %d before and %d after", s.tags["ifName"], name, p.at, raw, least, most)
			}
		}
	}
	if held == 0 {
		t.Errorf("no value of %v could be held against /proc/net/dev", s.tags)
	}
}
