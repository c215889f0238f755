package session

import (
	"net/netip"
	"testing"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// FuzzDeliver feeds a shared socket with a datagram from an address that was asked. Whatever is taken for the answer is a Response to
// the request, of its version and community.
func FuzzDeliver(f *testing.F) {
	vbs := []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(5)}}
	for _, m := range []snmp.Message{
		{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.Response, RequestID: 7, VarBinds: vbs}},
		{Version: snmp.V2c, Community: "private", PDU: snmp.PDU{Type: snmp.Response, RequestID: 7, VarBinds: vbs}},
		{Version: snmp.V1, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 0}},
	} {
		b := m.Append(nil)
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	from := netip.MustParseAddrPort("192.0.2.1:161")
	f.Fuzz(func(t *testing.T, b []byte) {
		k := newSocket(nil)
		c := &client{sockets: NewSocketsOn(nil), socket: k, remote: from, options: Options{Stats: &Stats{}}, wire: &community{version: snmp.V2c, name: "public"}}
		x := newExchange()
		asked := &single{}
		x.c, x.requests, x.depth = c, asked, 1
		s := &x.slots[0]
		s.id, s.remote, s.stats, s.busy, s.tries = 7, from, c.options.Stats, true, 1
		asked.asked = true
		k.pending[7] = s
		now := arrival{time.Now(), time.Now()}

		k.deliver(b, netip.MustParseAddrPort("192.0.2.2:161"), now, nil)
		if !s.busy {
			t.Fatal("another address is taken for the agent's")
		}
		k.deliver(b, from, now, nil)
		var err error
		over := false
		select {
		case err = <-x.done:
			over = true
		default:
		}
		if over && err == nil && !responds(b) {
			t.Errorf("taken for an answer: %x", b)
		}
		if over && err == nil && s.busy || s.busy != (k.pending[7] != nil) {
			t.Errorf("over: %v, %v; busy %v, pending %v", over, err, s.busy, k.pending[7] != nil)
		}
	})
}

// responds reports whether b begins as a Response of v2c and the community public to the request 7 does.
func responds(b []byte) bool {
	c := ber.NewCursor(b)
	m, err := c.Enter(ber.TagSequence)
	if err != nil {
		return false
	}
	version, _ := m.Int32()
	community, _ := m.Read(ber.TagOctetString)
	pdu, _ := m.Enter(byte(snmp.Response))
	id, err := pdu.Int32()
	return err == nil && version == int32(snmp.V2c) && string(community) == "public" && id == 7
}
