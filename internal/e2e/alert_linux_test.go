//go:build interop

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/internal/interop"
)

// TestCableToWebhook takes the far end of a link down, of our agent and of Net-SNMP's, and says how long it took until the alert was at the webhook:
// with notifications and `for: 0s`, and by polls alone. `make bench-alert` prints it. Nothing of that is asserted but that it comes once, and ends.
func TestCableToWebhook(t *testing.T) {
	t.Parallel()
	const every = 5 * time.Second
	for _, c := range []struct {
		name         string
		ours, traps  bool
		lasting, say string
	}{
		{"our agent with notifications", true, true, "0s", "2 s at most are wanted"},
		{"our agent polled", true, false, "5s", "interval 5 s + for 5 s + 1 s at most are wanted"},
		{"Net-SNMP polled", false, false, "5s", "interval 5 s + for 5 s + 1 s at most are wanted, and what its cache adds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			near, far := newBox(t), newBox(t)
			cable := near.connect(t, far, "wan0", 10)
			outside := strings.TrimSuffix(near.address, "2") + "1"
			port := interop.FreeUDPPort(t)
			config := "rocommunity public\n"
			if c.traps {
				config += fmt.Sprintf("linkUpDownNotifications yes\ntrap2sink %s:%d public\n", outside, port)
			}
			if c.ours {
				file := filepath.Join(t.TempDir(), "snmpd.conf")
				if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
				path := interop.Build(t, "cmd/snmpd")
				var p *interop.Process
				near.Do(t, func() { p = interop.Start(t, path, "-f", "-c", file, near.address+":161") })
				p.Await("msg=ready")
			} else {
				near.Do(t, func() { interop.StartNetSNMPDAt(t, near.address+":161", config, "public") })
			}
			hook := newReceiver(t)
			text := fmt.Sprintf("interval: %v\nstate: %s\nlisten: 127.0.0.1:0\ncredentials: {lab: {version: 2c, community: public}}\n"+
				"targets: [{name: %s, address: %q, credential: lab, collect: [system, interfaces]}]\n"+
				"alerts: {interface_mismatch: {for: %s}}\nnotify: [{webhook: {url: %q}}]\n", every, filepath.Join(t.TempDir(), "state"), near.name, near.address, c.lasting, hook.URL)
			if c.traps {
				text += fmt.Sprintf("traps: {listen: [\"%s:%d\"], credentials: [lab]}\n", outside, port)
			}
			file := filepath.Join(t.TempDir(), "snmpcollect.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			send(t, far, cable.aAddress, 10, 1000) // a port that never received anything would be never_up
			p := collect(t, file)
			p.awaitPolls(t, near.name, 2)

			down := time.Now()
			far.IP(t, "link", "set", "wan0", "down")
			fired := hook.await(t, 1, near.name, "wan0")
			t.Logf("from the cable to the webhook, %s: %v (%s)", c.name, hook.when(fired.ID).Sub(down).Round(time.Millisecond), c.say)
			if fired.Status != "firing" || fired.Rule != "interface_mismatch" {
				t.Errorf("%+v", fired)
			}
			up := time.Now()
			far.IP(t, "link", "set", "wan0", "up")
			resolved := hook.await(t, 2, near.name, "wan0")
			t.Logf("and its end: %v", hook.when(resolved.ID).Sub(up).Round(time.Millisecond))
			if resolved.Status != "resolved" || resolved.Fingerprint != fired.Fingerprint {
				t.Errorf("%+v", resolved)
			}
			end(t, p.Process)
			if all := hook.about(near.name, "wan0"); len(all) != 2 {
				t.Errorf("told %d times: %+v", len(all), all)
			}
		})
	}
}
