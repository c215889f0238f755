package agent

import (
	"net/netip"
	"testing"
	"time"
)

func TestRefusalsAreToldSeldom(t *testing.T) {
	var r refusals
	now := time.Unix(1e9, 0)
	source := netip.MustParseAddr("192.0.2.1")
	if !r.tell(source, now) || r.tell(source, now.Add(59*time.Second)) || !r.tell(source, now.Add(time.Minute)) {
		t.Error("not once a minute")
	}
	now = now.Add(time.Hour)
	told := 0
	for i := range 1000 {
		if r.tell(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now) {
			told++
		}
	}
	if told != maxRefusals || len(r.told) > maxRefusals {
		t.Errorf("%d of 1000 sources told, %d remembered", told, len(r.told))
	}
}
