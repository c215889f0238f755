package lograte_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/internal/lograte"
)

func TestSourcesDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s lograte.Sources
		source := netip.MustParseAddr("192.0.2.1")
		first := s.Due(source)
		time.Sleep(lograte.Interval - time.Second)
		second := s.Due(source)
		time.Sleep(time.Second)
		if third := s.Due(source); !first || second || !third {
			t.Errorf("not once a minute: %t, %t, %t", first, second, third)
		}
		time.Sleep(lograte.Interval)
		said := 0
		for i := range 1000 {
			if s.Due(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})) {
				said++
			}
		}
		if said != lograte.MaxSources {
			t.Errorf("%d of 1000 sources", said)
		}
	})
}

func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k lograte.Kind
		said := 0
		for range 181 { // three minutes and the moment at their begin
			if k.Due() {
				said++
			}
			time.Sleep(time.Second)
		}
		if said != 4 {
			t.Errorf("said %d times in three minutes", said)
		}
		if k = (lograte.Kind{}); !k.Due() {
			t.Error("what was never said is not due")
		}
	})
}
