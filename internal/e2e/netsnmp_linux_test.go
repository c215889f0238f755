//go:build interop

package e2e

import (
	"testing"
	"time"

	"walkabout/internal/interop"
)

// wanPackets is what the test sends a second, each of 1,000 octets and 42 of headers.
const wanPackets = 2000

// TestNetSNMP polls Net-SNMP's daemon, which answers from caches, while traffic flows.
func TestNetSNMP(t *testing.T) {
	t.Parallel()
	const all = "system, interfaces, ip, icmp, tcp, udp, snmp"
	d := newInfluxDB(t)
	c := collection{db: d}
	records := map[string]*recorder{}
	for _, credential := range []string{"lab", "secure"} {
		b := newBox(t)
		b.sink(t)
		cable := b.connect(t, newBox(t), "wan", 10)
		b.Do(t, func() {
			interop.StartNetSNMPDAt(t, b.address+":161", `rocommunity public
createUser monitor SHA-256 "authpassword" AES "privpassword"
rouser monitor priv
sysName theirs`, "public")
		})
		records[credential] = b.record(t)
		flood(t, cable.b, cable.aAddress, wanPackets*1000)
		c.targets = append(c.targets, target{name: credential, address: b.address, credential: credential, collect: all})
	}
	p := collect(t, c.write(t))
	p.awaitPolls(t, "lab", 20)
	for _, x := range c.targets {
		finding := `snmpcollect_findings_total{device="` + x.name + `",finding="interval_too_short"}`
		interop.Eventually(t, x.name+": it is told that the interval is shorter than the agent's cache allows", func() bool { return p.metric(t, finding) > 0 }, p.Log)
	}
	end(t, p.Process)
	for _, x := range c.targets {
		record := records[x.name]
		record.end()
		testCached(t, d, record, x.name)
	}
}

// testCached checks what is known of a device that receives wanPackets a second on its link wan.
func testCached(t *testing.T, d *database, record *recorder, device string) {
	t.Helper()
	s := interfaceSeries(t, d, device, "wan")
	s.audit(t)
	record.hold(t, s, 5*time.Second)
	for _, m := range []string{"interface", "ip", "icmp", "tcp", "udp", "snmp"} {
		all := read(t, d, m, device)
		if m != "interface" && len(all) != 1 {
			t.Errorf("%s: %s has %d series", device, m, len(all))
		}
		for _, s := range all {
			for _, name := range s.counters() {
				for i, v := range s.verdicts(name) {
					if ok := i == 0 && v == "first" || i > 0 && (v == "rate" || v == "stale"); !ok {
						t.Errorf("%s: %s: %v", device, name, s.verdicts(name))
						break
					}
				}
			}
		}
		switch m {
		case "ip", "udp":
			all[0].audit(t)
			record.hold(t, all[0], 6*time.Second)
		case "snmp":
			all[0].audit(t)
		}
	}
}
