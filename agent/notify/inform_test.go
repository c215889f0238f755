package notify_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/notify"
	"walkabout/snmp"
)

func TestInformIsRetriedUntilAcknowledged(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		inform := target("r", receiver, snmp.V2c, true)
		inform.Timeout = 3 * time.Second
		k.targets(inform)
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		first, from, _ := k.message(c)
		second, _, waited := k.message(c)
		if first.PDU.Type != snmp.InformRequest || waited != 3*time.Second {
			t.Errorf("%v, again after %v", first.PDU.Type, waited)
		}
		if diff := cmp.Diff(first.PDU.RequestID, second.PDU.RequestID); diff != "" {
			t.Errorf("request-id of the second: %s", diff)
		}
		k.answer(c, second, from)
		k.silent(c)
		k.stats(1, 1, 0, 0)
		if out := k.counters.Load(snmp.OutTraps); out != 0 {
			t.Errorf("snmpOutTraps %d of an inform", out)
		}
	})
}

func TestInformIsGivenUp(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		k.targets(target("r", receiver, snmp.V2c, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		for range 3 { // the first, and two retries a second apart
			k.message(c)
		}
		k.silent(c)
		k.stats(1, 0, 1, 0)
		if !strings.Contains(k.log.String(), "no acknowledgement") {
			t.Errorf("log: %s", k.log)
		}
	})
}

// Only a Response with the request-id, from where the inform went, acknowledges it.
func TestInformDistrustsAnswers(t *testing.T) {
	run(t, func(k *kit) {
		c, stranger := k.listen(receiver), k.listen(other)
		k.targets(target("r", receiver, snmp.V2c, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		m, from, _ := k.message(c)
		lies := func(change func(*snmp.Message)) {
			lie := m
			lie.PDU.Type = snmp.Response
			change(&lie)
			k.answer(c, lie, from)
		}
		lies(func(m *snmp.Message) { m.PDU.RequestID++ })
		lies(func(m *snmp.Message) { m.PDU.Type = snmp.GetRequest })
		lies(func(m *snmp.Message) { m.PDU.Type = snmp.Report })
		lies(func(m *snmp.Message) { m.Version = snmp.V1 })
		k.answer(stranger, m, from)
		for _, garbage := range []string{"", "x", "0\x82\xff\xff", strings.Repeat("0", 65000)} {
			if _, err := c.WriteToAddrPort([]byte(garbage), from); err != nil {
				t.Fatal(err)
			}
		}
		again, _, waited := k.message(c)
		if waited < 900*time.Millisecond {
			t.Errorf("sent again after %v", waited)
		}
		k.answer(c, again, from)
		k.silent(c)
		k.stats(1, 1, 0, 0)
	})
}

func TestReceiverRefusesInform(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		k.targets(target("r", receiver, snmp.V2c, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		m, from, _ := k.message(c)
		m.PDU.ErrorStatus = snmp.AuthorizationError
		k.answer(c, m, from)
		k.silent(c)
		k.stats(1, 1, 0, 0)
		if !strings.Contains(k.log.String(), "authorizationError") {
			t.Errorf("log: %s", k.log)
		}
	})
}

// lame is a socket whose second message meets with no route, and whose first reading tells that nobody listens.
type lame struct {
	net.Conn
	writes, reads *int
}

func (l lame) Write(b []byte) (int, error) {
	if *l.writes++; *l.writes == 2 {
		return 0, &net.OpError{Op: "write", Err: syscall.EHOSTUNREACH}
	}
	return l.Conn.Write(b)
}

func (l lame) Read(b []byte) (int, error) {
	if *l.reads++; *l.reads == 1 {
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNREFUSED}
	}
	return l.Conn.Read(b)
}

// An inform that had trouble on its way is sent once and acknowledged, and not lost.
func TestInformThroughTrouble(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		config := k.config()
		inner := config.Dial
		var writes, reads int
		config.Dial = func(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
			conn, err := inner(ctx, network, address, source)
			return lame{conn, &writes, &reads}, err
		}
		k.sender = notify.New(config)
		k.targets(target("r", receiver, snmp.V2c, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		k.message(c)
		k.message(c) // after the one that could not be sent
		m, from, _ := k.message(c)
		k.answer(c, m, from)
		k.silent(c)
		k.stats(1, 1, 0, 0)
		if log := k.log.String(); strings.Contains(log, "are lost") {
			t.Error(log)
		}
	})
}

// A flood of answers does not make more be sent.
func TestFloodedInform(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		inform := target("r", receiver, snmp.V2c, true)
		inform.Retries = 0
		k.targets(inform)
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		m, from, _ := k.message(c)
		m.PDU.RequestID ^= 1
		for range 200 {
			k.answer(c, m, from)
		}
		k.silent(c)
		k.stats(1, 0, 1, 0)
	})
}
