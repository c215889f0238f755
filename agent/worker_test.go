package agent

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"testing"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var loopback = origin{addr: netip.MustParseAddr("127.0.0.1")}

// newWorker serves a table of 48 rows and 22 columns like ifTable: the cost of the agent's own part of a request.
func newWorker(tb testing.TB) *worker {
	var index []oid.OID
	for i := range uint32(48) {
		index = append(index, oid.New(i+1))
	}
	var columns []uint32
	for c := range uint32(22) {
		columns = append(columns, c+1)
	}
	cell := func(row int, column uint32) (snmp.Value, bool) { return snmp.Counter32(uint32(row)<<16 | column), true }
	tree, err := mib.NewTree(mib.Group{Entry: oid.MustParse("1.3.6.1.2.1.2.2.1"), Columns: columns,
		Open: func(context.Context, *mib.Request) mib.Snapshot { return mib.Snapshot{Index: index, Cell: cell} }})
	if err != nil {
		tb.Fatal(err)
	}
	s := New(Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	s.SetCommunities([]Community{{Name: secret.New("public"), Principal: "reader"}, {Name: secret.New("private"), Principal: "writer", Write: true}})
	if _, err := s.Register(tree, Registration{Root: oid.MustParse("1.3.6.1.2.1")}); err != nil {
		tb.Fatal(err)
	}
	return &worker{server: s}
}

func request(kind snmp.PDUType, repetitions int32, names ...string) []byte {
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: kind, RequestID: 1 << 20, ErrorIndex: repetitions}}
	for _, n := range names {
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: oid.MustParse(n)})
	}
	return m.Append(nil)
}

func get10() []byte {
	var names []string
	for i := range uint32(10) {
		names = append(names, oid.MustParse("1.3.6.1.2.1.2.2.1").Append(10+i, 3).String())
	}
	return request(snmp.GetRequest, 0, names...)
}

func BenchmarkRequest(b *testing.B) {
	for _, bb := range []struct {
		name string
		in   []byte
	}{
		{"Get10", get10()},
		{"GetNext", request(snmp.GetNextRequest, 0, "1.3.6.1.2.1.2.2.1.10.7")},
		{"GetBulk25", request(snmp.GetBulkRequest, 25, "1.3.6.1.2.1.2.2.1.10")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			w := newWorker(b)
			b.ReportAllocs()
			for b.Loop() {
				if w.answer(b.Context(), bb.in, loopback) == nil {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// FuzzAnswer sends anything at all through the whole request path: no panic, no answer larger than allowed, and what is
// answered is a message.
func FuzzAnswer(f *testing.F) {
	f.Add(get10())
	f.Add(request(snmp.GetNextRequest, 0, "1.3", "1.3.6.1.2.1.2.2.1.22.48", "2.5"))
	f.Add(request(snmp.GetBulkRequest, 1<<31-1, "1.3.6.1.2.1.2.2.1.10", "1.3.6.1.2.1.2.2.1.11.48"))
	f.Add(request(snmp.SetRequest, 0, "1.3.6.1.2.1.2.2.1.7.1"))
	f.Add(request(snmp.Response, 0, "1.3"))
	w := newWorker(f)
	var d snmp.Decoder
	f.Fuzz(func(t *testing.T, b []byte) {
		out := w.answer(t.Context(), b, loopback)
		if out == nil {
			return
		}
		var m snmp.Message
		if err := d.Decode(out, &m); err != nil || m.PDU.Type != snmp.Response || len(out) > snmp.MaxMessageSize {
			t.Fatalf("answer of %d octets: %v, %v", len(out), m.PDU.Type, err)
		}
	})
}
