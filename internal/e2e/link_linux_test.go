//go:build interop

package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// A link whose far end goes down is told with the second poll that sees it so, and its return as soon.
func TestLinkDown(t *testing.T) {
	t.Parallel()
	for lasting, resolvedBy := range map[string]int{"0s": 1, "1s": 2} { // what must last is held for as long
		t.Run("for "+lasting, func(t *testing.T) {
			t.Parallel()
			testLinkDown(t, lasting, resolvedBy)
		})
	}
}

// testLinkDown wants the end told with the poll of that number that sees the link up.
func testLinkDown(t *testing.T, lasting string, resolvedBy int) {
	near, far := newBox(t), newBox(t)
	c := near.connect(t, far, "wan0", 10)
	agent := near.agent(t)
	d, hook := newInfluxDB(t), newReceiver(t)
	send(t, far, c.aAddress, 10, 1000) // a port that never received anything would be never_up
	p := collect(t, (&collection{targets: []target{{name: near.name, address: near.address}}, db: d, hook: hook, lasting: lasting}).write(t))
	p.awaitPolls(t, near.name, 2)

	far.IP(t, "link", "set", "wan0", "down")
	fired := hook.await(t, 1, near.name, "wan0")
	if fired.Status != "firing" || fired.Rule != "interface_mismatch" || fired.Values["ifOperStatus"] != "down" || fired.Values["ifAdminStatus"] != "up" {
		t.Errorf("fired: %+v", fired)
	}
	p.awaitPolls(t, near.name, 2)
	far.IP(t, "link", "set", "wan0", "up")
	resolved := hook.await(t, 2, near.name, "wan0")
	if resolved.Status != "resolved" || resolved.Reason != "recovered" || resolved.Fingerprint != fired.Fingerprint || resolved.Values["ifOperStatus"] != "up" {
		t.Errorf("resolved: %+v", resolved)
	}
	end(t, p.Process)
	end(t, agent)
	if all := hook.about(near.name, "wan0"); len(all) != 2 {
		t.Errorf("told %d times: %+v", len(all), all)
	}

	s := interfaceSeries(t, d, near.name, "wan0")
	if n := s.pollsThatSaw(ifOperDown, time.Time{}, fired.At); n != 2 {
		t.Errorf("it fired with poll %d that saw the link down, want the second", n)
	}
	if n := s.pollsThatSaw(ifOperUp, fired.At, resolved.At); n != resolvedBy {
		t.Errorf("it resolved with poll %d that saw the link up again, want %d", n, resolvedBy)
	}
	for _, a := range hook.about(near.name, "wan0") {
		t.Logf("%s reached the webhook %v after its poll", a.Status, hook.when(a.ID).Sub(a.At).Round(time.Millisecond))
	}
}

// Values of ifOperStatus.
const ifOperUp, ifOperDown = "1", "2"

// pollsThatSaw counts the points with that ifOperStatus, after one time up to another.
func (s series) pollsThatSaw(ifOperStatus string, after, to time.Time) (n int) {
	for _, p := range s.points {
		if p.at.After(after) && !p.at.After(to) && p.fields["ifOperStatus"] == json.Number(ifOperStatus) {
			n++
		}
	}
	return n
}
