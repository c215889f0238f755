package agentx_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	sysDescr = oid.New(1, 3, 6, 1, 2, 1, 1, 1)
	odd      = oid.New(2, 999, 4294967295)
)

// values is one of each type.
func values() []snmp.VarBind {
	var out []snmp.VarBind
	for i, v := range []snmp.Value{
		snmp.Integer(-5), snmp.OctetString(""), snmp.OctetString("five5"), snmp.Null, snmp.ObjectID(oid.New(0, 0)), snmp.ObjectID(sysDescr),
		snmp.IPAddress(netip.MustParseAddr("192.0.2.1")), snmp.Counter32(1<<32 - 1), snmp.Gauge32(7), snmp.TimeTicks(8), snmp.Opaque("\x9f\x78\x04"),
		snmp.Counter64(1<<64 - 1), snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView,
	} {
		out = append(out, snmp.VarBind{Name: sysDescr.Append(uint32(i)), Value: v})
	}
	return out
}

func pdus() []agentx.PDU {
	return []agentx.PDU{
		{Type: agentx.Open, Timeout: 5, ID: odd, Descr: "a sub-agent"},
		{Type: agentx.Close, Session: 1, Reason: agentx.ReasonShutdown},
		{Type: agentx.Register, Session: 1, Timeout: 2, Priority: 127, RangeSub: 8, ID: sysDescr, Upper: 9, Context: "ctx", Flags: agentx.InstanceRegistration},
		{Type: agentx.Unregister, Session: 1, Priority: 3, ID: oid.New(1, 3, 6, 1)},
		{Type: agentx.Get, Ranges: []mib.Range{{Start: sysDescr}, {Start: odd}}},
		{Type: agentx.GetNext, Context: "four", Ranges: []mib.Range{{Start: sysDescr, Include: true, End: sysDescr.SubtreeEnd()}}},
		{Type: agentx.GetBulk, NonRep: 1, MaxRep: 1000, Ranges: []mib.Range{{Start: sysDescr}, {Start: oid.New(1), End: oid.New(2)}}},
		{Type: agentx.TestSet, VarBinds: values()},
		{Type: agentx.CommitSet, Session: 1, Transaction: 2, Packet: 3},
		{Type: agentx.UndoSet}, {Type: agentx.CleanupSet}, {Type: agentx.Ping, Context: "x"},
		{Type: agentx.Notify, VarBinds: values()[:2]},
		{Type: agentx.IndexAllocate, Flags: agentx.NewIndex, VarBinds: values()[:1]},
		{Type: agentx.IndexDeallocate, VarBinds: values()[:1]},
		{Type: agentx.AddAgentCaps, ID: odd, Descr: "caps"}, {Type: agentx.RemoveAgentCaps, ID: odd},
		{Type: agentx.Response, Session: 4294967295, UpTime: 1, Error: agentx.NotOpen, Index: 2, VarBinds: values()},
	}
}

func TestRoundTrip(t *testing.T) {
	compare := cmp.Options{cmp.Comparer(func(a, b oid.OID) bool { return a == b }), cmp.Comparer(func(a, b snmp.Value) bool { return a == b })}
	for _, order := range []uint8{0, agentx.NetworkByteOrder} {
		for _, p := range pdus() {
			p.Flags |= order
			b := p.Append([]byte("before"))[len("before"):]
			var got agentx.PDU
			if err := got.Decode(b); err != nil {
				t.Errorf("%v: %v", p.Type, err)
				continue
			}
			want := p
			if p.Context != "" {
				want.Flags |= agentx.NonDefaultContext
			}
			if diff := cmp.Diff(want, got, compare); diff != "" {
				t.Errorf("%v:\n%s", p.Type, diff)
			}
			if again := got.Append(nil); !bytes.Equal(again, b) {
				t.Errorf("%v: % x, and again % x", p.Type, b, again)
			}
			for n := range b {
				if err := got.Decode(b[:n]); !errors.Is(err, agentx.ErrMalformed) {
					t.Errorf("%v cut at %d: %v", p.Type, n, err)
				}
			}
		}
	}
}

// TestExample is the Open-PDU of RFC 2741's wire format, octet by octet.
func TestExample(t *testing.T) {
	p := agentx.PDU{Type: agentx.Open, Flags: agentx.NetworkByteOrder, Packet: 9, Timeout: 3, ID: oid.New(1, 3, 6, 1, 4, 1, 8072), Descr: "ab"}
	want := "01011000 00000000 00000000 00000009 00000018 03000000 02040000 00000001 00001f88 00000002 61620000"
	got := ""
	for i, c := range p.Append(nil) {
		if i > 0 && i%4 == 0 {
			got += " "
		}
		got += fmt.Sprintf("%02x", c)
	}
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestUnencodable: an OID that no message of SNMP can hold would spoil all of the message that it gets into. As the end of a range it does not get there.
func TestUnencodable(t *testing.T) {
	for _, bad := range []oid.OID{oid.New(7), oid.New(3, 1<<32-1), oid.New(1, 40)} {
		for _, p := range []agentx.PDU{
			{Type: agentx.Open, ID: bad}, {Type: agentx.Register, ID: bad}, {Type: agentx.AddAgentCaps, ID: bad},
			{Type: agentx.Response, VarBinds: []snmp.VarBind{{Name: bad}}},
			{Type: agentx.Response, VarBinds: []snmp.VarBind{{Name: sysDescr, Value: snmp.ObjectID(bad)}}},
			{Type: agentx.Notify, VarBinds: []snmp.VarBind{{Name: bad}}},
		} {
			var got agentx.PDU
			if err := got.Decode(p.Append(nil)); !errors.Is(err, agentx.ErrMalformed) {
				t.Errorf("%v of %v: %v", p.Type, bad, err)
			}
		}
		p := agentx.PDU{Type: agentx.GetNext, Ranges: []mib.Range{{Start: sysDescr, End: bad}}}
		if err := p.Decode(p.Append(nil)); err != nil {
			t.Errorf("a range that ends with %v: %v", bad, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range pdus() {
		f.Add(p.Append(nil))
		p.Flags |= agentx.NetworkByteOrder
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p agentx.PDU
		if err := p.Decode(b); err != nil {
			if !errors.Is(err, agentx.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		once := p.Append(nil)
		var again agentx.PDU
		if err := again.Decode(once); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if twice := again.Append(nil); !bytes.Equal(once, twice) {
			t.Errorf("% x, and again % x", once, twice)
		}
	})
}
