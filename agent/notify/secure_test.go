package notify_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent/notify"
	"walkabout/internal/packetnet"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// byDTLS is a target of the Transport Security Model whose sessions are datagrams of the network.
func (k *kit) byDTLS(name string, to netip.AddrPort, inform bool) notify.Target {
	t := target(name, to, snmp.V3, inform)
	t.Network, t.TSM, t.Level, t.Context = "dtlsudp4", true, snmp.AuthPriv, "bridge1"
	t.Dial = k.config().Dial
	return t
}

// tsm reads a message of TSM.
func (k *kit) tsm(c *packetnet.Conn) (m snmp.MessageV3, p snmp.PDU, from netip.AddrPort, waited time.Duration) {
	k.t.Helper()
	b, from, waited := k.read(c)
	m, err := snmp.ParseV3(b)
	if err != nil {
		k.t.Fatal(err)
	}
	var scoped snmp.ScopedPDU
	if err := new(snmp.Decoder).DecodeScoped(m.Data, &scoped); err != nil {
		k.t.Fatal(err)
	}
	if m.SecurityModel != snmp.TSMSecurityModel || m.Encrypted || len(m.Security) != 0 || scoped.ContextName != "bridge1" || scoped.ContextEngineID != ownID {
		k.t.Errorf("%+v, %+v", m, scoped)
	}
	return m, scoped.PDU, from, waited
}

// A trap, and an inform that is sent again until a Response in its session has its msgID and its request-id.
func TestTSM(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		k.targets(k.byDTLS("r", receiver, false))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		if m, p, _, _ := k.tsm(c); p.Type != snmp.TrapV2 || m.Flags != snmp.AuthFlag|snmp.PrivFlag {
			t.Errorf("%v, flags %d", p.Type, m.Flags)
		}
		k.targets(k.byDTLS("r", receiver, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
		m, p, from, _ := k.tsm(c)
		if p.Type != snmp.InformRequest || m.Flags != snmp.AuthFlag|snmp.PrivFlag|snmp.ReportableFlag {
			t.Errorf("%v, flags %d", p.Type, m.Flags)
		}
		p.Type = snmp.Response
		send := func(change func(m *snmp.MessageV3, p *snmp.PDU)) {
			m, p := m, p
			m.Flags &^= snmp.ReportableFlag
			change(&m, &p)
			if m.Data == nil {
				scoped := snmp.ScopedPDU{ContextEngineID: ownID, PDU: p}
				m.Data = scoped.AppendContent(nil)
			}
			b, _ := m.Append(nil)
			if _, err := c.WriteToAddrPort(b, from); err != nil {
				t.Fatal(err)
			}
		}
		m.Data = nil
		send(func(m *snmp.MessageV3, _ *snmp.PDU) { m.ID-- })
		send(func(m *snmp.MessageV3, _ *snmp.PDU) { m.ID++ })
		send(func(_ *snmp.MessageV3, p *snmp.PDU) { p.RequestID++ })
		send(func(_ *snmp.MessageV3, p *snmp.PDU) { p.Type = snmp.GetRequest })
		send(func(m *snmp.MessageV3, _ *snmp.PDU) { m.SecurityModel = snmp.USMSecurityModel })
		send(func(m *snmp.MessageV3, _ *snmp.PDU) { m.Security = []byte("x") })
		send(func(m *snmp.MessageV3, _ *snmp.PDU) { m.Data = []byte("x") })
		send(func(_ *snmp.MessageV3, p *snmp.PDU) { p.Type, p.VarBinds = snmp.Report, nil })
		send(func(_ *snmp.MessageV3, p *snmp.PDU) {
			p.Type, p.VarBinds = snmp.Report, []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.190.1.1.2.0"), Value: snmp.Counter32(1)}}
		})
		again, q, _, waited := k.tsm(c)
		if again.ID == m.ID || q.RequestID != p.RequestID || waited > notify.DefaultTimeout {
			t.Errorf("sent again with msgID %d after %v: %+v", again.ID, waited, q)
		}
		send(func(*snmp.MessageV3, *snmp.PDU) {}) // to the first of the two
		k.stats(2, 0, 0, 0)
		time.Sleep(time.Millisecond)
		k.stats(2, 1, 0, 0)
		k.silent(c)

		k.sender.Notify(notify.Notification{TrapOID: notify.LinkUp}) // whose receiver says why it will not have it, and nothing else
		for range k.byDTLS("r", receiver, true).Retries + 1 {
			m, p, from, _ = k.tsm(c)
			m.Data = nil
			send(func(_ *snmp.MessageV3, p *snmp.PDU) {
				p.Type, p.VarBinds = snmp.Report, []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.190.1.1.2.0"), Value: snmp.Counter32(1)}}
			})
		}
		k.silent(c)
		k.stats(3, 1, 1, 0)
		if log := k.log.String(); !strings.Contains(log, "the receiver reports 1.3.6.1.2.1.190.1.1.2.0") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// Receivers whose certificates are refused: the others are told once of each, and never they of each other.
func TestRefusedCertificates(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		var dials atomic.Int32
		var refuse atomic.Bool
		refuse.Store(true)
		bad := func(name string, trap oid.OID) notify.Target {
			t := k.byDTLS(name, other, false)
			dial := t.Dial
			t.Dial = func(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
				if dials.Add(1); refuse.Load() {
					return nil, &notify.CertificateError{Err: errors.New("a stranger"), Notification: notify.Notification{TrapOID: trap}}
				}
				return dial(ctx, network, address, source)
			}
			return t
		}
		k.targets(bad("a", notify.ServerCertificateUnknown), bad("b", notify.ServerInvalidCertificate), target("good", receiver, snmp.V2c, false))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		told := map[string]int{}
		next := func(n int) {
			t.Helper()
			for range n {
				m, _, _ := k.message(c)
				told[m.PDU.VarBinds[1].Value.String()]++
			}
		}
		next(3)
		k.silent(c) // for a minute, in which they are tried again and again
		for _, trap := range []oid.OID{notify.ColdStart, notify.ServerCertificateUnknown, notify.ServerInvalidCertificate} {
			if told[trap.String()] != 1 {
				t.Errorf("told %d times of %v", told[trap.String()], trap)
			}
		}
		if n := dials.Load(); n < 4 {
			t.Errorf("tried %d times", n)
		}
		refuse.Store(false)
		far := k.listen(other)
		got := 0
		for b, _, _ := k.read(far); b != nil; b, _, _ = k.read(far) {
			got++
		}
		if got != 2 { // coldStart to each, and of no certificate: that would be to one that has triggered it
			t.Errorf("%d were sent to the receivers that were refused", got)
		}
		refuse.Store(true)
		k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
		next(3)
		if n := told[notify.ServerCertificateUnknown.String()]; n != 2 {
			t.Errorf("told %d times in all", n)
		}
		synctest.Wait()
	})
}

// A security name without the prefix that is asked for is sent nothing, which is counted; and what can be no target is none.
func TestSecureTargets(t *testing.T) {
	run(t, func(k *kit) {
		c, stats := k.listen(receiver), new(snmp.TSMStats)
		config := k.config()
		config.TSM = stats
		k.sender = notify.New(config)
		tab := tables()
		tab.Policy = vacm.NewPolicy([]vacm.Member{{Model: vacm.TSM, Name: "joe", Group: "g"}, {Model: vacm.TSM, Name: "dtls:joe", Group: "g"}, {Model: vacm.TSM, Name: "tls:joe", Group: "g"}},
			[]vacm.Entry{{Group: "g", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Notify: "v"}}}, map[string][]vacm.Family{"v": {{}}})
		tab.Addrs = []notify.TargetAddr{{Name: "far", TDomain: oid.MustParse("1.3.6.1.6.1.9"), TAddress: receiver.String(), TagList: "all", Params: "joe"}}
		tab.Notify, tab.Prefix = tab.Notify[:1], true
		dialled := ""
		tab.Dial = func(addr, params string) notify.DialFunc {
			dialled = addr + " " + params
			return config.Dial
		}
		for name, sent := range map[string]bool{"joe": false, "tls:joe": false, "dtls:joe": true} {
			tab.Params = []notify.TargetParams{{Name: "joe", MPModel: 3, SecurityModel: vacm.TSM, SecurityName: name, SecurityLevel: snmp.AuthPriv}}
			list, err := tab.Targets()
			if err != nil || len(list) != 1 || dialled != "far joe" {
				t.Fatalf("%s: %d, %v, %q", name, len(list), err, dialled)
			}
			k.targets(list...)
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
			if b, _, _ := k.read(c); (b != nil) != sent {
				t.Errorf("%s: %x", name, b)
			}
		}
		if n := stats.InvalidPrefixes.Load(); n != 2 {
			t.Errorf("%d counted", n)
		}
		k.stats(1, 0, 0, 2)
		for what, change := range map[string]func(*notify.Target){
			"TSM by UDP":             func(t *notify.Target) { t.Network = "udp4" },
			"TSM by v2c":             func(t *notify.Target) { t.Version = snmp.V2c },
			"without certificates":   func(t *notify.Target) { t.Dial = nil },
			"USM without a user":     func(t *notify.Target) { t.TSM = false },
			"an unknown network":     func(t *notify.Target) { t.Network = "tls" },
			"no such security level": func(t *notify.Target) { t.Level = 0 },
		} {
			bad := k.byDTLS("r", receiver, false)
			change(&bad)
			if err := k.sender.SetTargets([]notify.Target{bad}); !errors.Is(err, notify.ErrTarget) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
