package main

import (
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

// receiver is a receiver of notifications by SNMPv1 and SNMPv2c.
type receiver struct {
	*net.UDPConn
	t       *testing.T
	decoder snmp.Decoder
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &receiver{UDPConn: c, t: t}
}

// next returns the next notification, which it acknowledges if it is an inform.
func (r *receiver) next() snmp.Message {
	r.t.Helper()
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		r.t.Fatal(err)
	}
	b := make([]byte, snmp.MaxMessageSize)
	n, from, err := r.ReadFromUDPAddrPort(b)
	var m snmp.Message
	if err == nil {
		err = r.decoder.Decode(b[:n], &m)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if m.PDU.Type == snmp.InformRequest {
		answer := m
		answer.PDU.Type = snmp.Response
		if _, err := r.WriteToUDPAddrPort(answer.Append(nil), from); err != nil {
			r.t.Fatal(err)
		}
	}
	return m
}

// sendWrong asks an agent with a community that nobody has.
func (r *receiver) sendWrong(address string) {
	r.t.Helper()
	m := snmp.Message{Version: snmp.V2c, Community: "wrong", PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 1}}
	if _, err := r.WriteToUDPAddrPort(m.Append(nil), netip.MustParseAddrPort(address)); err != nil {
		r.t.Fatal(err)
	}
}

// The life of a daemon as its receivers are told of it, also when the receivers change.
func TestNotifications(t *testing.T) {
	one, two := newReceiver(t), newReceiver(t)
	file := config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+" 127.0.0.1\nauthtrapenable 1\ntrapcommunity "+hidden+"\n"+
		"informsink "+one.LocalAddr().String()+"\ntrap2sink nowhere.example\ntrap2sink -name later 127.0.0.1:9\n")
	d := start(t, nil, "-f", "-c", file)
	address := d.ready()[0]
	var got []string
	note := func(r *receiver) {
		m := r.next()
		if m.Community != hidden {
			t.Errorf("community %q", m.Community)
		}
		if m.PDU.Type == snmp.TrapV1 {
			got = append(got, strings.Join([]string{m.PDU.Trap.Enterprise.String(), m.PDU.Trap.AgentAddr.String(), snmp.Integer(m.PDU.Trap.GenericTrap).String()}, " "))
			return
		}
		got = append(got, m.PDU.Type.String()+" "+m.PDU.VarBinds[1].Value.String())
	}
	note(one)
	one.sendWrong(address)
	note(one)
	write(t, file, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+" 127.0.0.1\nsysObjectID .1.3.6.1.4.1.99\ntrapcommunity "+hidden+"\nv1trapaddress 192.0.2.7\n"+
		"trapsess -v 1 "+two.LocalAddr().String()+"\nnotificationFilter f .1.3.6.1.6.3 0x00 included\ntrap2sink -profile f "+one.LocalAddr().String()+"\n")
	d.hangup <- syscall.SIGHUP
	note(one)
	note(two)
	note(two)
	out := d.finish()
	note(two)
	want := []string{
		"InformRequest " + notify.ColdStart.String(), "InformRequest " + notify.AuthenticationFailure.String(),
		"SNMPv2-Trap " + notify.WarmStart.String(),
		"1.3.6.1.4.1.8072.4 192.0.2.7 6", "1.3.6.1.4.1.99 192.0.2.7 1", "1.3.6.1.4.1.8072.4 192.0.2.7 6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, out)
	}
}

func TestCheckShowsReceivers(t *testing.T) {
	file := config(t, "trapcommunity "+hidden+"\ninformsink 192.0.2.1\ncreateUser alice SHA "+hidden+"\ntrapsess -u alice -l auth -A "+hidden+" -a SHA udp6:[2001:db8::1]:1162\n")
	d := start(t, nil, "check", "-c", file)
	out := d.end(exitOK)
	for _, want := range []string{
		"notify internal0: informs v2c to udp:192.0.2.1:162, community <secret>, again 5 times after 1s each (" + file + ":2)",
		"notify internal1: traps v3 to udp6:[2001:db8::1]:1162, user alice, authNoPriv (" + file + ":4)",
		"linkUpDownNotifications yes",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}
