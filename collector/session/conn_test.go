package session

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

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
	f.Add(plainReportOf(oid.MustParse("1.3.6.1.6.3.15.1.1.4.0")))
	from := netip.MustParseAddrPort("192.0.2.1:161")
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &request{id: 7, remote: from, version: snmp.V2c, community: []byte("public"), stats: &Stats{}, result: make(chan error, 1)}
		k := &socket{pending: map[int32]*request{7: r}}
		k.deliver(b, netip.MustParseAddrPort("192.0.2.2:161"))
		if len(r.result) > 0 {
			t.Fatal("another address is taken for the agent's")
		}
		k.deliver(b, from)
		h, err := readHeader(b)
		right := err == nil && h.version == snmp.V2c && string(h.community) == "public" && h.tag == byte(snmp.Response) && h.requestID == 7
		taken := false
		select {
		case e := <-r.result:
			if taken = e == nil; !taken && err == nil {
				t.Errorf("%v of a message that can be read", e)
			}
		default:
		}
		if taken != right || taken == (k.pending[7] != nil) {
			t.Errorf("taken %v, pending %v: %+v, %v", taken, k.pending[7] != nil, h, err)
		}
		c := &conn{stats: &Stats{}}
		if c.admit(b) && err == nil && h.version != snmp.V3 {
			t.Errorf("admitted version %v to a session of v3", h.version)
		}
	})
}

func TestReportsInPlainText(t *testing.T) {
	for name, want := range reports {
		m := plainReportOf(name)
		h, err := readHeader(m)
		if err != nil || !errors.Is(h.report, want) {
			t.Errorf("%v: %v, %v; want %v", name, h.report, err, want)
		}
		for n := range m {
			if h, _ := readHeader(m[:n]); h.report != nil {
				t.Errorf("%d octets of %v are a report", n, name)
			}
		}
	}
}

// plainReportOf is a message of v3 (RFC 3412 section 6) that nobody signed, with a Report of one counter.
func plainReportOf(counter oid.OID) []byte {
	in := func(tag byte, parts ...[]byte) []byte {
		content := bytes.Join(parts, nil)
		return append(ber.AppendHeader(nil, tag, len(content)), content...)
	}
	integer := func(n int64) []byte { return ber.AppendInt(nil, ber.TagInteger, n) }
	octets := func(s string) []byte { return ber.AppendString(nil, ber.TagOctetString, s) }
	varbind := in(ber.TagSequence, ber.AppendOID(nil, ber.TagOID, counter), ber.AppendUint(nil, byte(snmp.KindCounter32), 1))
	pdu := in(byte(snmp.Report), integer(0), integer(0), integer(0), in(ber.TagSequence, varbind))
	return in(ber.TagSequence, integer(int64(snmp.V3)),
		in(ber.TagSequence, integer(4711), integer(65507), octets("\x00"), integer(3)),
		octets("security parameters"),
		in(ber.TagSequence, octets("\x80\x00\x1f\x88\x04test"), octets(""), pdu))
}
