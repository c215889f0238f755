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

// devColumns names the numbers of a link's line in /proc/net/dev as far as they are used here, by the objects that show them.
var devColumns = map[int]string{
	0: "ifHCInOctets", 2: "ifInErrors", 3: "ifInDiscards", 7: "ifHCInMulticastPkts", 8: "ifHCOutOctets", 9: "ifHCOutUcastPkts", 10: "ifOutErrors", 11: "ifOutDiscards",
}

// recorder reads a box' /proc/net/dev and /proc/net/snmp every few milliseconds for the length of a test.
type recorder struct {
	files    []*os.File
	stop     chan struct{}
	done     chan struct{}
	readings []reading // until done
}

// reading holds counters by the names of their objects; those of links behind the link's name and a blank.
type reading struct {
	began, ended time.Time
	values       map[string]uint64
}

func (b *box) record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{stop: make(chan struct{}), done: make(chan struct{})}
	b.Do(t, func() {
		for _, name := range []string{"dev", "snmp"} {
			f, err := os.Open("/proc/thread-self/net/" + name)
			if err != nil {
				t.Fatal(err)
			}
			r.files = append(r.files, f)
			t.Cleanup(func() { f.Close() })
		}
	})
	go func() {
		defer close(r.done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for stopped := false; ; {
			if err := r.read(); err != nil {
				t.Errorf("the kernel's figures: %v", err)
				return
			}
			if stopped {
				return
			}
			select {
			case <-tick.C:
			case <-r.stop:
				stopped = true
			}
		}
	}()
	t.Cleanup(r.end)
	return r
}

// end reads for the last time; what was read may then be asked for.
func (r *recorder) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	<-r.done
}

func (r *recorder) read() error {
	one := reading{began: time.Now(), values: map[string]uint64{}}
	for _, f := range r.files {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		b, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(b), "Ip:") {
			one.readSNMP(string(b))
		} else {
			one.readDev(string(b))
		}
	}
	one.ended = time.Now()
	r.readings = append(r.readings, one)
	return nil
}

func (x *reading) readDev(text string) {
	for line := range strings.Lines(text) {
		link, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		for i, word := range strings.Fields(rest) {
			if name, ok := devColumns[i]; ok {
				x.values[link+" "+name] = unsigned(word)
			}
		}
	}
}

// readSNMP reads pairs of lines, names and numbers, that begin with the name of a group: ipInReceives is InReceives of Ip.
func (x *reading) readSNMP(text string) {
	var names []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(names) == 0 {
			names = words
			continue
		}
		for i, name := range names[1:] {
			x.values[strings.ToLower(strings.TrimSuffix(names[0], ":"))+name] = unsigned(words[i+1])
		}
		names = nil
	}
}

// unsigned reads a number of the kernel's. Those that are negative, tcpMaxConn say, are no counters.
func unsigned(word string) uint64 {
	n, _ := strconv.ParseUint(word, 10, 64)
	return n
}

// between returns the least and the most that a counter was from one time to another; false if it was not there, or began anew, meanwhile.
func (r *recorder) between(name string, from, to time.Time) (least, most uint64, ok bool) {
	first, _ := slices.BinarySearchFunc(r.readings, from, func(x reading, at time.Time) int { return x.ended.Compare(at) })
	last, _ := slices.BinarySearchFunc(r.readings, to, func(x reading, at time.Time) int { return x.began.Compare(at) })
	if first == 0 || last == len(r.readings) {
		return 0, 0, false
	}
	for _, x := range r.readings[first-1 : last+1] {
		n, there := x.values[name]
		if !there || n < most {
			return 0, 0, false
		}
		most = n
	}
	return r.readings[first-1].values[name], most, true
}

// kernelName returns the name under which a reading has the counter of an object; link is "" for one of no link.
func kernelName(link, object string) string {
	if link == "" {
		return strings.Replace(object, "HC", "", 1)
	}
	switch object {
	case "ifInOctets", "ifOutOctets", "ifOutUcastPkts":
		object = "ifHC" + object[2:]
	}
	return link + " " + object
}

// fits reports whether a value that was read from an agent between two times agrees with what the kernel said meanwhile; held is false if the
// kernel says nothing of it.
func (r *recorder) fits(t *testing.T, link, object string, value uint64, from, to time.Time) (held bool) {
	t.Helper()
	least, most, ok := r.between(kernelName(link, object), from, to)
	if !ok {
		return false
	}
	if narrow(object) {
		least, most = uint64(uint32(least)), uint64(uint32(most))
	}
	if least <= most && (value < least || value > most) {
		t.Errorf("%s %s is %d; the kernel said %d before %v and %d after %v", link, object, value, least, from, most, to)
	}
	return true
}

// hold checks the raw values of a series: each must be what the kernel said within an interval from the start of its poll on, or up to a
// cache's time before. It returns how many it could check.
func (r *recorder) hold(t *testing.T, s series, cache time.Duration) (held int) {
	t.Helper()
	for _, name := range s.counters() {
		for _, p := range s.points {
			if raw, has := p.count(t, name); has && r.fits(t, s.tags["ifName"], name, raw, p.at.Add(-cache), p.at.Add(interval)) {
				held++
			}
		}
	}
	if held == 0 {
		t.Errorf("no value of %v could be held against the kernel's", s.tags)
	}
	return held
}
