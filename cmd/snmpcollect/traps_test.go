package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/collector/trap"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestTraps holds that a trap reaches the outputs with the target's labels, that what it tells of is polled at once, that a reload changes whose are
// taken, and that a restart counts.
func TestTraps(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up", Speed: 1e9, InRate: 1e6})
	folder := t.TempDir()
	path, state, lines := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "state"), filepath.Join(folder, "lines")
	write := func(community string) {
		t.Helper()
		text := fmt.Sprintf(`interval: 1h
state: %s
listen: 127.0.0.1:0
credentials: {lab: {version: 2c, community: public}, told: {version: 2c, community: %s}}
targets: [{name: sw1, address: %q, credential: lab, collect: [interfaces], labels: {site: paris}}]
traps: {listen: ["127.0.0.1:0"], credentials: [told]}
outputs: [{file: {path: %s}}]
`, state, community, address, lines)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("private")
	r := start(t, "run", "-c", path)
	receiver := r.await(`receiving notifications" listen=(\S+)`, 1)[1]
	metrics := "http://" + r.await(`msg=collecting .*listen=(\S+)`, 1)[1] + "/metrics"
	conn, err := net.Dial("udp4", receiver)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(community string) {
		t.Helper()
		m := snmp.Message{Version: snmp.V2c, Community: community, PDU: snmp.PDU{Type: snmp.TrapV2, RequestID: 1, VarBinds: []snmp.VarBind{
			{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(4711)}, {Name: oid.MustParse("1.3.6.1.6.3.1.1.4.1.0"), Value: snmp.ObjectID(trap.LinkDown)},
			{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.1"), Value: snmp.Integer(1)},
		}}}
		if _, err := conn.Write(m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	await := func(what string, has func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !has(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s is missing:\n%s\n%s", what, get(t, metrics, 200), r.log.String())
			}
		}
	}
	counts := func(line string) func() bool {
		return func() bool { return strings.Contains(get(t, metrics, 200), line+"\n") }
	}
	written := func(part string) func() bool {
		return func() bool { b, _ := os.ReadFile(lines); return strings.Contains(string(b), part) }
	}
	send("private")
	await("the trap", written("snmp_trap,agent_host=127.0.0.1,device=sw1,mib=IF-MIB,name=linkDown,oid=1.3.6.1.6.3.1.1.5.3,site=paris,version=2c sysUpTime=4711i,inform=false,ifIndex=1i "))
	await("the poll", counts(`snmpcollect_polls_extra_total{device="sw1"} 1`))
	await("its state", written("ifOperStatus=1i"))
	send("other")
	await("the refusal", counts(`snmpcollect_traps_total{result="wrong_community"} 1`))

	write("other")
	r.hangup <- syscall.SIGHUP
	r.await("the configuration was read anew", 1)
	send("other")
	await("a trap after the reload", counts(`snmpcollect_traps_total{result="accepted"} 2`))
	r.stop()
	s, err := trap.OpenState(state)
	if err != nil || s.Boots != 2 {
		t.Errorf("after the end: %+v, %v", s, err)
	}
	if strings.Contains(r.log.String(), "private") {
		t.Error("the log tells a community")
	}
}
