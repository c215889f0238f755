package simulated_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"walkabout/collector"
)

// TestNamesKeepLittleAlive holds that whoever keeps a name out of a poll does not keep the messages alive that the poll was read from.
func TestNamesKeepLittleAlive(t *testing.T) {
	const devices, count = 20, 48
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		var targets []collector.Target
		for i := range devices {
			_, target := l.device(fmt.Sprintf("192.0.2.%d:161", i+1), fmt.Sprint("sw", i), count, well)
			targets = append(targets, target)
		}
		l.collect(targets...)
		l.next("sw0")
		var names []string
		for _, target := range targets {
			for len(l.polls[target.Name]) == 0 {
				l.next(target.Name)
			}
			for _, s := range l.polls[target.Name][0].Samples { // which were walked
				names = append(names, s.Tag("ifName"))
			}
		}
		clear(l.polls)
		heap := func() int64 {
			runtime.GC()
			runtime.GC() // pools let go in two
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		with := heap()
		if len(names) != devices*count {
			t.Errorf("%d names", len(names))
		}
		clear(names)
		if each := (with - heap()) / (devices * count); each > 200 {
			t.Errorf("a name keeps %d octets alive", each)
		}
	})
}
