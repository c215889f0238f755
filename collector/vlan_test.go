package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestVLANs reads a forwarding table that an agent keeps by VLAN, of which one keeps silent.
func TestVLANs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		instance := func(vbs ...snmp.VarBind) *device {
			return &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
				return append([]snmp.VarBind{at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10)))}, vbs...)
			}}
		}
		main := instance(at(t, "vtpVlanState.1.1", snmp.Integer(1)), at(t, "vtpVlanState.1.10", snmp.Integer(1)), at(t, "vtpVlanState.1.11", snmp.Integer(2)), at(t, "vtpVlanState.1.20", snmp.Integer(1)))
		silent := instance()
		silent.silent, silent.timeout = true, 2*time.Second
		main.instances = map[string]*device{
			"public@1":  instance(),
			"public@10": instance(at(t, "dot1dTpFdbPort[00:1b:21:00:00:01]", snmp.Integer(3)), at(t, "dot1dTpFdbStatus[00:1b:21:00:00:01]", snmp.Integer(3)), at(t, "dot1dBasePortIfIndex.3", snmp.Integer(103)), at(t, "ifName.103", snmp.OctetString("Gi1/0/3"))),
			"public@20": silent,
		}
		h := own(t, `
tables:
  - measurement: fdb
    vlans: {oid: CISCO-VTP-MIB::vtpVlanState, in: [operational]}
    columns: [{oid: BRIDGE-MIB::dot1dTpFdbPort}, {oid: BRIDGE-MIB::dot1dTpFdbStatus, type: enum}]
    lookups:
      - {oid: BRIDGE-MIB::dot1dBasePortIfIndex, by: [dot1dTpFdbPort], drop: true}
      - {oid: IF-MIB::ifName, by: [dot1dBasePortIfIndex]}
`, main)
		first := h.next("dev")
		if first.Err == nil || !first.Answered || collector.Reason(first.Err) != "timeout" {
			t.Errorf("a VLAN that keeps silent: %v", first.Err)
		}
		want := []string{"fdb dot1dTpFdbAddress=00:1b:21:00:00:01 ifName=Gi1/0/3 vlan=10 | dot1dTpFdbPort=3 dot1dTpFdbStatus=learned"}
		p := h.next("dev")
		if diff := cmp.Diff(want, lines(p)); diff != "" || p.Err != nil || p.Duration > time.Second {
			t.Errorf("%v in %v %s", p.Err, p.Duration, diff)
		}
	})
}

// TestProfileBulk holds that a profile can be walked with GETNEXT, and with fewer repetitions, whatever its target says.
func TestProfileBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))), at(t, "ifName.1", snmp.OctetString("a"))}
		}}
		h := own(t, "bulk: false\nmax_repetitions: 1\ntables:\n  - {measurement: m, columns: [{oid: ifName, tag: true}, {oid: ifAlias}]}\n", d)
		h.next("dev")
		if p := h.next("dev"); p.Err != nil || d.openedPlain != 1 || d.opened != 2 {
			t.Errorf("%v, %d of %d sessions without GETBULK", p.Err, d.openedPlain, d.opened)
		}
	})
}

// TestNoVLANAnswers holds that an agent which does not keep its bridge by VLAN, and so refuses each, loses nothing else by it, and is not asked for many.
func TestNoVLANAnswers(t *testing.T) {
	for name, refusal := range map[string]error{"silence": nil, "no such context": session.ErrContext, "no access": session.ErrSecurityLevel} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(2)
				refusing := &device{silent: refusal == nil, fault: func([]oid.OID) error { return refusal }, objects: b.objects}
				main := &device{latency: time.Millisecond, instances: map[string]*device{}}
				main.objects = func(now time.Time) []snmp.VarBind {
					vbs := b.objects(now)
					for vlan := range uint32(200) {
						index := fmt.Sprint("vtpVlanState.1.", vlan+1)
						vbs = append(vbs, at(t, index, snmp.Integer(1)))
						main.instances[fmt.Sprint("public@", vlan+1)] = refusing
					}
					return vbs
				}
				h := start(t, map[string]*device{"dev": main}, target("dev", collector.Auto))
				for i := range 3 {
					p := h.next("dev")
					if rowOf(t, p, "interface", "ifName", "Gi0/2"); p.Duration > 10*time.Second {
						t.Errorf("poll %d took %v", i, p.Duration)
					}
					if told := p.Err != nil && strings.Contains(p.Err.Error(), "no VLAN answers (2 of 200 were asked)"); told != (i == 0) {
						t.Errorf("poll %d: %v", i, p.Err)
					}
				}
				if refusing.asked > 4 {
					t.Errorf("%d requests to VLANs", refusing.asked)
				}
			})
		})
	}
}
