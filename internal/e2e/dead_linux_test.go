//go:build interop

package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
)

// Agents that do not answer, one of which refuses and one of which is silent, delay no other, are told (of a host that answers ping), and resolve when they
// answer.
func TestDeadDevices(t *testing.T) {
	t.Parallel()
	d, hook := newInfluxDB(t), newReceiver(t)
	silent, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ownAddress())))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := collection{db: d, hook: hook}
	live := []*device{newSwitch(t, "live1"), newSwitch(t, "live2")}
	for i, sw := range live {
		c.targets = append(c.targets, target{name: fmt.Sprintf("live%d", i+1), address: sw.address})
	}
	refusing := &device{Device: newSwitch(t, "refusing").Device}
	stop := refusing.serve(t, "127.0.0.1:0")
	stop()
	c.targets = append(c.targets, target{name: "silent", address: silent.LocalAddr().String()}, target{name: "refusing", address: refusing.address})
	p := collect(t, c.write(t))
	for _, name := range []string{"silent", "refusing"} {
		fired := hook.await(t, 1, name, "")
		if fired.Rule != "snmp_silent" || fired.Status != "firing" || fired.Values["error"] == "" || fired.Values["failedPolls"] != "2" {
			t.Errorf("%s: %+v", name, fired)
		}
	}
	p.awaitPolls(t, "live1", 3)
	silent.Close()
	newSwitch(t, "silent").serve(t, silent.LocalAddr().String())
	refusing.serve(t, refusing.address)
	for _, name := range []string{"silent", "refusing"} {
		if resolved := hook.await(t, 2, name, ""); resolved.Status != "resolved" || resolved.Reason != "recovered" {
			t.Errorf("%s: %+v", name, resolved)
		}
		p.awaitPolls(t, name, 2)
	}
	for _, name := range []string{"live1", "live2"} {
		missed, done := p.metric(t, fmt.Sprintf("snmpcollect_poll_slots_missed_total{device=%q}", name)), p.polls(t, name)
		if missed > 1+done/4 { // some, as a busy machine may have it; what waits for the dead misses half of them
			t.Errorf("%s missed %v polls, and had %v", name, missed, done)
		}
	}
	end(t, p.Process)
	for _, name := range []string{"live1", "live2"} {
		s := interfaceSeries(t, d, name, "ge1")
		s.audit(t)
		s.expect(t, "ifHCInOctets", 1e6)
	}
	for _, name := range []string{"silent", "refusing"} {
		interfaceSeries(t, d, name, "ge1").audit(t)
	}
}
