//go:build interop

package e2e

import (
	"syscall"
	"testing"

	"walkabout/sim"
)

// A collector that is killed while an alert fires neither repeats nor forgets it, and its series begin anew.
func TestKilledCollector(t *testing.T) {
	t.Parallel()
	d, hook := newInfluxDB(t), newReceiver(t)
	sw := newDevice(t, "sw", false, sim.Port{Index: 1, Name: "broken", InBase: 1e6, Down: true}, sim.Port{Index: 2, Name: "good", InRate: 1e6, Speed: 1e9})
	path := (&collection{targets: []target{{name: "sw", address: sw.address}}, db: d, hook: hook}).write(t)
	p := collect(t, path)
	fired := hook.await(t, 1, "sw", "broken")
	p.awaitPolls(t, "sw", 2)
	p.Signal(syscall.SIGKILL)
	if code := p.Wait(); code != -1 {
		t.Errorf("exit code %d of a collector that was killed", code)
	}

	p = collect(t, path)
	p.awaitPolls(t, "sw", 4)
	if all := hook.about("sw", "broken"); len(all) != 1 {
		t.Errorf("told %d times: %+v", len(all), all)
	}
	sw.set(t, "broken", func(p *sim.Port) { p.Down = false })
	resolved := hook.await(t, 2, "sw", "broken")
	if resolved.Status != "resolved" || resolved.Reason != "recovered" || resolved.Fingerprint != fired.Fingerprint || !resolved.FiredAt.Equal(fired.FiredAt) {
		t.Errorf("fired %+v, resolved %+v", fired, resolved)
	}
	end(t, p.Process)
	if all := hook.about("sw", "broken"); len(all) != 2 {
		t.Errorf("told %d times: %+v", len(all), all)
	}
	s := interfaceSeries(t, d, "sw", "good")
	s.audit(t)
	s.expect(t, "ifHCInOctets", 1e6)
	if got := s.verdicts("ifHCInOctets"); len(got) != 4 || got[2] != "first" {
		t.Errorf("verdicts %v: a collector that starts has no reading from before", got)
	}
}
