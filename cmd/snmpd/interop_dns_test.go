//go:build interop

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// TestNameServerWithinFence has the released snmpd, fenced in, read a real NSD by its control socket and listen to its dnstap.
func TestNameServerWithinFence(t *testing.T) {
	dir, err := os.MkdirTemp("", "dns")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.LocalAddr().(*net.UDPAddr).Port
	l.Close()
	write(t, filepath.Join(dir, "nsd.conf"), fmt.Sprintf(`
server:
  ip-address: 127.0.0.1@%[2]d
  username: ""
  chroot: ""
  zonesdir: "%[1]s"
  database: ""
  pidfile: ""
  xfrdfile: "%[1]s/xfrd.state"
  zonelistfile: "%[1]s/zone.list"
  xfrdir: "%[1]s"
remote-control:
  control-enable: yes
  control-interface: %[1]s/ctl
`, dir, port))
	interop.Start(t, interop.Find(t, "nsd", "nsd"), "-d", "-c", dir+"/nsd.conf").Await("nsd started")
	conf := config(t, fmt.Sprintf("agentAddress 127.0.0.1:0\nrocommunity %s\ncom2sec -Cn zones there default there\ngroup g v2c there\nview all included .1\naccess g zones v2c noauth exact all none none\n"+
		"dnsServer zones nsd %s/ctl\ndnstap zones %s/tap\n", hidden, dir, dir))
	p := interop.Start(t, interop.Build(t, "cmd/snmpd"), "-c", conf, "-Le")
	port161 := p.Await(`msg=listening transport=udp4 address=(\S+)`)[1]
	p.Await("msg=ready")
	for community, name := range map[string]string{hidden: ".1.3.6.1.2.1.32.1.1.1.1.0", "there": ".1.3.6.1.2.1.32.1.1.1.1.0"} {
		r := interop.Run(t, "snmp", "snmpget", "-v2c", "-c", community, "-On", port161, name)
		if !strings.Contains(r.Out, `"nsd `) {
			t.Errorf("%+v\n%s", r, p.Log())
		}
	}
	info, err := os.Stat(dir + "/tap")
	if err != nil || info.Mode().Perm() != 0o660 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("the socket of dnstap: %v, %v", info, err)
	}
	if strings.Contains(p.Log(), "no fence") {
		t.Logf("this kernel has no Landlock:\n%s", p.Log())
	}
}
