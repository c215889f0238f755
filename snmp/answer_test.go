package snmp_test

import (
	"errors"
	"math"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// response has a value of every kind.
func response() snmp.Message {
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.Response, RequestID: -77, ErrorStatus: snmp.GenErr, ErrorIndex: 3}}
	for i, v := range []snmp.Value{
		snmp.Integer(-5), snmp.OctetString("eth0"), snmp.OctetString(""), snmp.Null, snmp.ObjectID(oid.New(1, 3, 6, 1, 4)), snmp.Counter32(math.MaxUint32),
		snmp.Gauge32(7), snmp.TimeTicks(8), snmp.Opaque("\x9f"), snmp.Counter64(math.MaxUint64), snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView,
	} {
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: oid.New(1, 3, 6, 1, uint32(i)<<20), Value: v})
	}
	return m
}

// read reads an Answer to its end.
func read(b []byte) (snmp.Message, error) {
	a, err := snmp.ReadAnswer(b)
	m := snmp.Message{Version: a.Version, Community: string(a.Community), PDU: snmp.PDU{
		Type: snmp.Response, RequestID: a.RequestID, ErrorStatus: a.ErrorStatus, ErrorIndex: a.ErrorIndex,
	}}
	for err == nil && a.Len() > 0 {
		var vb snmp.RawVarBind
		if vb, err = a.Next(); err != nil {
			break
		}
		var packed []byte
		if packed, err = ber.AppendPacked(nil, vb.Name); err != nil {
			break
		}
		name, _ := oid.FromPacked(string(packed))
		value, _ := vb.Value()
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: name, Value: value})
	}
	return m, err
}

func TestAnswer(t *testing.T) {
	m := response()
	whole := m.Append(nil)
	got, err := read(whole)
	if diff := cmp.Diff(m, got, cmp.Comparer(func(a, b snmp.VarBind) bool { return a == b }), cmp.Comparer(func(a, b oid.OID) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for n := range whole {
		if _, err := read(whole[:n]); !errors.Is(err, snmp.ErrParse) {
			t.Errorf("the first %d octets: %v", n, err)
		}
	}
}

// FuzzAnswer holds that what a lenient Decoder reads, an Answer reads alike.
func FuzzAnswer(f *testing.F) {
	m := response()
	f.Add(m.Append(nil))
	f.Add([]byte{0x30, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		var want snmp.Message
		d := snmp.Decoder{Lenient: true}
		got, err := read(b)
		if d.Decode(b, &want) != nil || want.PDU.Type != snmp.Response {
			return
		}
		if err != nil || len(got.PDU.VarBinds) != len(want.PDU.VarBinds) || got.PDU.RequestID != want.PDU.RequestID {
			t.Fatalf("%v: %v, want %v", err, got, want)
		}
		for i := range got.PDU.VarBinds {
			if got.PDU.VarBinds[i] != want.PDU.VarBinds[i] {
				t.Errorf("variable %d: %v, want %v", i, got.PDU.VarBinds[i], want.PDU.VarBinds[i])
			}
		}
	})
}

// TestExpect holds that Expect takes what Next takes, if its name is the one expected, and leaves everything else to Next.
func TestExpect(t *testing.T) {
	want := response()
	b := want.Append(nil)
	column := ber.AppendOIDContent(nil, oid.New(1, 3, 6, 1))
	for n := range b {
		if diff := cmp.Diff(readBy(b[:n], nil), readBy(b[:n], column)); diff != "" {
			t.Fatalf("%d octets: %s", n, diff)
		}
	}
	if got := len(readBy(b, column)); got != len(want.PDU.VarBinds) {
		t.Errorf("%d variables, want %d", got, len(want.PDU.VarBinds))
	}
	a, _ := snmp.ReadAnswer(b)
	if _, ok := a.Expect(column, []byte("\x01")); ok || a.Len() == 0 {
		t.Error("another name is taken for the one expected")
	}
}

// readBy reads the values of b, by Expect if column is not nil, as texts, until one cannot be read.
func readBy(b, column []byte) (values []string) {
	a, err := snmp.ReadAnswer(b)
	for i := 0; err == nil && a.Len() > 0; i++ {
		var vb snmp.RawVarBind
		ok := false
		if column != nil {
			vb, ok = a.Expect(column, ber.AppendOIDContent(nil, oid.New(1, 3, 6, 1, uint32(i)<<20))[len(column):])
		}
		if !ok {
			if vb, err = a.Next(); err != nil {
				break
			}
		}
		v, _ := vb.Value()
		values = append(values, v.Kind().String()+v.String())
	}
	return values
}

func TestAppendRequest(t *testing.T) {
	column, index := oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 10), oid.New(70000, 2)
	var list []byte
	want := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.NewGetBulk(math.MaxInt32, 1, 25)}
	for range 30 { // lengths of the long form too
		whole := ber.AppendOIDContent(nil, column.Join(index))
		list = snmp.AppendName(list, whole[:10], whole[10:])
		want.PDU.VarBinds = append(want.PDU.VarBinds, snmp.VarBind{Name: column.Join(index)})
	}
	if diff := cmp.Diff(want.Append(nil), snmp.AppendRequest(nil, snmp.V2c, "public", snmp.RequestHead{Type: snmp.GetBulkRequest, RequestID: math.MaxInt32, NonRepeaters: 1, Repetitions: 25}, list)); diff != "" {
		t.Error(diff)
	}
}
