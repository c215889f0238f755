package snmp_test

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

var equal = cmp.Options{cmp.Comparer(func(a, b snmp.Value) bool { return a == b }), cmp.Comparer(func(a, b oid.OID) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

// everyValue holds each type at its limits.
func everyValue() []snmp.Value {
	return []snmp.Value{
		snmp.Null, snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView,
		snmp.Integer(0), snmp.Integer(-1), snmp.Integer(math.MaxInt32), snmp.Integer(math.MinInt32), snmp.Integer(128),
		snmp.OctetString(""), snmp.OctetString("text"), snmp.OctetString("\x00\xff\n"), snmp.OctetString(strings.Repeat("x", 300)),
		snmp.ObjectID(oid.MustParse("0.0")), snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.8072.3.2.10")), snmp.ObjectID(oid.MustParse("2.999.4294967295")),
		snmp.IPAddress(netip.MustParseAddr("192.0.2.1")), snmp.IPAddress(netip.MustParseAddr("255.255.255.255")),
		snmp.Counter32(0), snmp.Counter32(math.MaxUint32), snmp.Gauge32(math.MaxUint32), snmp.Gauge32(1 << 31),
		snmp.TimeTicks(math.MaxUint32), snmp.Opaque("\x9f\x78\x04\x00\x00\x00\x00"),
		snmp.Counter64(0), snmp.Counter64(math.MaxUint64), snmp.Counter64(1 << 63), snmp.Counter64(1 << 32),
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func everyMessage() []snmp.Message {
	var vbs []snmp.VarBind
	for i, v := range everyValue() {
		vbs = append(vbs, snmp.VarBind{Name: oid.New(1, 3, 6, 1, 4, 1, 4294967295, uint32(i)), Value: v})
	}
	var list []snmp.Message
	for _, version := range []snmp.Version{snmp.V1, snmp.V2c} {
		for t := snmp.GetRequest; t <= snmp.Report; t++ {
			m := snmp.Message{Version: version, Community: "public", PDU: snmp.PDU{Type: t, VarBinds: vbs}}
			if t == snmp.TrapV1 {
				m.PDU.Trap = snmp.TrapV1Header{
					Enterprise: oid.MustParse("1.3.6.1.4.1.8072.3.2.10"), AgentAddr: netip.MustParseAddr("192.0.2.7"), GenericTrap: 6, SpecificTrap: -5, Timestamp: math.MaxUint32,
				}
			} else {
				m.PDU.RequestID, m.PDU.ErrorStatus, m.PDU.ErrorIndex = math.MinInt32, snmp.InconsistentName, math.MaxInt32
			}
			list = append(list, m)
		}
	}
	return append(list,
		snmp.Message{Version: snmp.V2c, Community: "", PDU: snmp.NewGetBulk(1, 2, 50)},
		snmp.Message{Version: snmp.V1, Community: "\x00\xff", PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: -1}})
}

func TestRoundTrip(t *testing.T) {
	var d snmp.Decoder
	var got snmp.Message // used again, as a server does
	for _, m := range everyMessage() {
		b := m.Append(nil)
		if len(b) != m.Size() {
			t.Errorf("%v %v: %d octets, Size says %d", m.Version, m.PDU.Type, len(b), m.Size())
		}
		if err := d.Decode(b, &got); err != nil {
			t.Errorf("%v %v: %v", m.Version, m.PDU.Type, err)
			continue
		}
		if diff := cmp.Diff(m, got, equal); diff != "" {
			t.Errorf("%v %v (-want +got):\n%s", m.Version, m.PDU.Type, diff)
		}
	}
}

func TestEveryTruncatedPrefixIsAnError(t *testing.T) {
	var d snmp.Decoder
	var m snmp.Message
	for _, want := range everyMessage() {
		b := want.Append(nil)
		for n := range b {
			if err := d.Decode(b[:n], &m); !errors.Is(err, snmp.ErrParse) {
				t.Fatalf("%v %v cut to %d of %d octets: %v", want.Version, want.PDU.Type, n, len(b), err)
			}
		}
		if err := d.Decode(append(b, 0), &m); !errors.Is(err, snmp.ErrTrailing) {
			t.Errorf("%v %v with an octet more: %v", want.Version, want.PDU.Type, err)
		}
	}
}

// What was decoded outlives the buffer and the decoder's next message.
func TestDecodedIsKept(t *testing.T) {
	var d snmp.Decoder
	all := everyMessage()
	b := all[0].Append(nil)
	var first, second snmp.Message
	if err := d.Decode(b, &first); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 0xaa
	}
	other := snmp.Message{Version: snmp.V2c, Community: "other", PDU: all[len(all)-2].PDU}
	if err := d.Decode(other.Append(nil), &second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all[0], first, equal); diff != "" {
		t.Errorf("changed by a later decoding (-want +got):\n%s", diff)
	}
}

// wrap puts the parts of a v2c GetRequest together by hand, so that each can be wrong.
func wrap(version, community, pdu string) []byte {
	return []byte(tlv(0x30, version+community+pdu))
}

func tlv(tag byte, content string) string { return string(ber.AppendString(nil, tag, content)) }

func pdu(vbs string) string { return tlv(0xa0, "\x02\x01\x01\x02\x01\x00\x02\x01\x00"+tlv(0x30, vbs)) }

func TestMalformed(t *testing.T) {
	const v2c, community = "\x02\x01\x01", "\x04\x06public"
	name := "\x06\x03\x2b\x06\x01"
	vb := tlv(0x30, name+"\x05\x00")
	var d snmp.Decoder
	var m snmp.Message
	if err := d.Decode(wrap(v2c, community, pdu(vb)), &m); err != nil {
		t.Fatalf("the well-formed one: %v", err)
	}
	tests := []struct {
		name string
		in   []byte
		err  error
	}{
		{"empty", nil, ber.ErrTruncated},
		{"not a sequence", []byte("\x31\x00"), ber.ErrTag},
		{"no version", []byte("\x30\x00"), ber.ErrTruncated},
		{"version 3", wrap("\x02\x01\x03", community, pdu(vb)), snmp.ErrVersion},
		{"version 2", wrap("\x02\x01\x02", community, pdu(vb)), snmp.ErrVersion},
		{"version of 5 octets", wrap("\x02\x05\x01\x00\x00\x00\x01", community, pdu(vb)), ber.ErrRange},
		{"community is an integer", wrap(v2c, "\x02\x01\x00", pdu(vb)), ber.ErrTag},
		{"no PDU", wrap(v2c, community, ""), ber.ErrTruncated},
		{"unknown PDU", wrap(v2c, community, "\xa9\x00"), ber.ErrTag},
		{"primitive PDU", wrap(v2c, community, "\x80\x00"), ber.ErrTag},
		{"behind the PDU", wrap(v2c, community, pdu(vb)+"\x05\x00"), snmp.ErrTrailing},
		{"behind the variable bindings", wrap(v2c, community, tlv(0xa0, "\x02\x01\x01\x02\x01\x00\x02\x01\x00"+tlv(0x30, vb)+"\x05\x00")), snmp.ErrTrailing},
		{"request-id of 5 octets", wrap(v2c, community, tlv(0xa0, "\x02\x05\x01\x00\x00\x00\x00\x02\x01\x00\x02\x01\x00\x30\x00")), ber.ErrRange},
		{"no variable bindings", wrap(v2c, community, tlv(0xa0, "\x02\x01\x01\x02\x01\x00\x02\x01\x00")), ber.ErrTruncated},
		{"name is a string", wrap(v2c, community, pdu(tlv(0x30, "\x04\x01x\x05\x00"))), ber.ErrTag},
		{"no value", wrap(v2c, community, pdu(tlv(0x30, name))), ber.ErrTruncated},
		{"two values", wrap(v2c, community, pdu(tlv(0x30, name+"\x05\x00\x05\x00"))), snmp.ErrTrailing},
		{"NULL with content", wrap(v2c, community, pdu(tlv(0x30, name+"\x05\x01\x00"))), ber.ErrLength},
		{"exception with content", wrap(v2c, community, pdu(tlv(0x30, name+"\x80\x01\x00"))), ber.ErrLength},
		{"INTEGER of 2^31", wrap(v2c, community, pdu(tlv(0x30, name+"\x02\x05\x00\x80\x00\x00\x00"))), ber.ErrRange},
		{"INTEGER of no octets", wrap(v2c, community, pdu(tlv(0x30, name+"\x02\x00"))), ber.ErrLength},
		{"Counter32 of 2^32", wrap(v2c, community, pdu(tlv(0x30, name+"\x41\x05\x01\x00\x00\x00\x00"))), ber.ErrRange},
		{"negative Gauge32", wrap(v2c, community, pdu(tlv(0x30, name+"\x42\x01\xff"))), ber.ErrRange},
		{"Counter64 of 2^64", wrap(v2c, community, pdu(tlv(0x30, name+"\x46\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"))), ber.ErrRange},
		{"IpAddress of 16 octets", wrap(v2c, community, pdu(tlv(0x30, name+"\x40\x10"+strings.Repeat("\x00", 16)))), ber.ErrLength},
		{"constructed OCTET STRING", wrap(v2c, community, pdu(tlv(0x30, name+"\x24\x03\x04\x01x"))), ber.ErrTag},
		{"name of 129 sub-identifiers", wrap(v2c, community, pdu(tlv(0x30, tlv(6, strings.Repeat("\x01", 128))+"\x05\x00"))), oid.ErrTooLong},
	}
	for _, tt := range tests {
		if err := d.Decode(tt.in, &m); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		} else if !errors.Is(tt.err, snmp.ErrVersion) && !errors.Is(err, snmp.ErrParse) {
			t.Errorf("%s: %v does not wrap ErrParse", tt.name, err)
		}
	}
}

// Longer forms of length are legal BER, and some agents use them throughout.
func TestLongForms(t *testing.T) {
	long := func(tag byte, content string) string {
		return string([]byte{tag, 0x83, 0, 0, byte(len(content))}) + content
	}
	b := long(0x30, long(2, "\x01")+long(4, "public")+long(0xa2, long(2, "\x07")+long(2, "\x00")+long(2, "\x00")+
		long(0x30, long(0x30, long(6, "\x2b\x06\x01")+long(0x41, "\x00\x00\x05")))))
	var d snmp.Decoder
	var m snmp.Message
	if err := d.Decode([]byte(b), &m); err != nil {
		t.Fatal(err)
	}
	want := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.Response, RequestID: 7,
		VarBinds: []snmp.VarBind{{Name: oid.New(1, 3, 6, 1), Value: snmp.Counter32(5)}}}}
	if diff := cmp.Diff(want, m, equal); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNegativeBulkFieldsCountAsZero(t *testing.T) {
	p := snmp.NewGetBulk(1, -5, math.MinInt32)
	if p.NonRepeaters() != 0 || p.MaxRepetitions() != 0 {
		t.Errorf("%d, %d", p.NonRepeaters(), p.MaxRepetitions())
	}
}

func TestV1Status(t *testing.T) { // RFC 3584 section 4.4
	want := map[snmp.ErrorStatus][]snmp.ErrorStatus{
		snmp.NoError: {snmp.NoError}, snmp.TooBig: {snmp.TooBig}, snmp.ReadOnly: {snmp.ReadOnly},
		snmp.NoSuchName: {snmp.NoSuchName, snmp.NoAccess, snmp.NotWritable, snmp.NoCreation, snmp.InconsistentName, snmp.AuthorizationError},
		snmp.BadValue:   {snmp.BadValue, snmp.WrongValue, snmp.WrongEncoding, snmp.WrongType, snmp.WrongLength, snmp.InconsistentValue},
		snmp.GenErr:     {snmp.GenErr, snmp.ResourceUnavailable, snmp.CommitFailed, snmp.UndoFailed},
	}
	seen := 0
	for v1, list := range want {
		for _, s := range list {
			if s.V1() != v1 {
				t.Errorf("%v becomes %v, want %v", s, s.V1(), v1)
			}
			seen++
		}
	}
	if seen != 19 {
		t.Errorf("%d of 19 error-status values tried", seen)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range everyMessage() {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d snmp.Decoder
		var m, again snmp.Message
		if err := d.Decode(b, &m); err != nil {
			if !errors.Is(err, snmp.ErrParse) && !errors.Is(err, snmp.ErrVersion) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		out := m.Append(nil)
		if len(out) != m.Size() {
			t.Fatalf("%d octets, Size says %d", len(out), m.Size())
		}
		if err := d.Decode(out, &again); err != nil {
			t.Fatalf("own encoding: %v", err)
		}
		if !bytes.Equal(out, again.Append(nil)) {
			t.Fatalf("(-first +second):\n%s", cmp.Diff(m, again, equal))
		}
	})
}

func get10() snmp.Message {
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.Response, RequestID: 1 << 30}}
	for i := range uint32(10) {
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: oid.New(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6, i), Value: snmp.Counter64(1 << 40)})
	}
	return m
}

func BenchmarkDecode(b *testing.B) {
	m := get10()
	in := m.Append(nil)
	var d snmp.Decoder
	var out snmp.Message
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(in, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m := get10()
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = m.Append(out[:0])
	}
}

// The promises of one allocation to decode and none to encode are kept by a test: they are counts, not times.
func TestAllocations(t *testing.T) {
	m := get10()
	in := m.Append(nil)
	var d snmp.Decoder
	var out snmp.Message
	buf := make([]byte, 0, 1500)
	if n := testing.AllocsPerRun(100, func() { _ = d.Decode(in, &out) }); n > 1 {
		t.Errorf("decoding allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { buf = m.Append(buf[:0]) }); n > 0 {
		t.Errorf("encoding allocates %v times", n)
	}
}
