package subagents_test

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestHostile: what is no AgentX ends the connection, what cannot be parsed is answered, and the others are served on.
func TestHostile(t *testing.T) {
	start(t, nil, func(f *fixture) {
		good := f.open()
		for _, b := range []string{"\x02" + strings.Repeat("\x00", 19), "\x01\x01\x10\x00" + strings.Repeat("\xff", 16), "GET / HTTP/1.1\r\nHost: here\r\n\r\n"} {
			p := f.dial()
			go func() { _, _ = io.WriteString(p.conn, b) }()
			if _, err := p.read(); err == nil {
				t.Errorf("%q is answered", b)
			}
		}
		p := f.open()
		broken := (&agentx.PDU{Type: agentx.Register, Session: p.session, Packet: 5, ID: root}).Append(nil)
		broken[agentx.HeaderSize+4] = 255 // sub-identifiers that are not there
		if _, err := p.conn.Write(broken); err != nil {
			t.Fatal(err)
		}
		if r, err := p.read(); err != nil || r.Error != agentx.ParseError || r.Packet != 5 {
			t.Errorf("%+v, %v", r, err)
		}
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
		// Half a PDU, and silence.
		half := f.dial()
		if _, err := half.conn.Write(broken[:10]); err != nil {
			t.Fatal(err)
		}
		// Responses that nobody waits for.
		p.write(agentx.PDU{Type: agentx.Response, Session: p.session, Packet: 99})
		good.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
	})
}

// TestHoards: a peer cannot make the master hold whatever it likes by long texts, wide ranges, and index values without end.
func TestHoards(t *testing.T) {
	start(t, nil, func(f *fixture) {
		p, long := f.open(), strings.Repeat("x", 1<<16)
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.AddAgentCaps, ID: root, Descr: long})
		if len(f.modules) != 1 || len(f.modules[0].Descr) != 255 {
			t.Errorf("%d modules, of the first %d octets", len(f.modules), len(f.modules[0].Descr))
		}
		p.wants(agentx.UnsupportedContext, agentx.PDU{Type: agentx.Register, ID: root, Context: long})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root.Append(1, 0), RangeSub: 9, Upper: 1500})
		p.wants(agentx.RequestDenied, agentx.PDU{Type: agentx.Register, ID: root.Append(2, 0), RangeSub: 9, Upper: 1500})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root.Append(2, 0), RangeSub: 9, Upper: 400})

		allocate := func(name oid.OID, v snmp.Value) agentx.Error {
			return p.ask(agentx.PDU{Type: agentx.IndexAllocate, VarBinds: []snmp.VarBind{{Name: name, Value: v}}}).Error
		}
		if e := allocate(root, snmp.OctetString(long)); e != agentx.IndexNoneAvailable {
			t.Errorf("an index of %d octets: %v", len(long), e)
		}
		given := 0
		for i := range int32(20_000) {
			if allocate(root.Append(uint32(i%100)), snmp.Integer(i)) == agentx.NoError {
				given++
			}
		}
		if given != 10_000 {
			t.Errorf("%d values of 100 indexes were given", given)
		}
	})
}

// TestTrickle: a sub-agent that answers with one row at a time, each just in time, ends the request after five time-outs.
func TestTrickle(t *testing.T) {
	start(t, nil, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		whole := table(100)
		p.answers(func(q agentx.PDU) *agentx.PDU {
			if q.Type == agentx.Close {
				return nil
			}
			time.Sleep(900 * time.Millisecond)
			q.MaxRep = 1
			return whole(q)
		})
		at := time.Now()
		if got, err := next(h, 64, mib.Range{Start: root, End: root.SubtreeEnd()}); err == nil || time.Since(at) > 6*time.Second {
			t.Errorf("%d rows, %v, after %v", len(got), err, time.Since(at))
		}
		if got, err := next(h, 3, mib.Range{Start: root, End: root.SubtreeEnd()}); err != nil || len(got) != 3 {
			t.Errorf("three rows: %v, %v", got, err)
		}
	})
}

// TestManySessions: a peer cannot make the master hold whatever it likes.
func TestManySessions(t *testing.T) {
	start(t, nil, func(f *fixture) {
		p := f.open()
		refused := false
		for range 100 {
			refused = refused || p.ask(agentx.PDU{Type: agentx.Open}).Error == agentx.OpenFailed
		}
		if !refused {
			t.Error("a hundred sessions of a connection are opened")
		}
		var e agentx.Error
		for i := range uint32(3000) {
			if e = p.ask(agentx.PDU{Type: agentx.Register, ID: root.Append(i)}).Error; e != agentx.NoError {
				break
			}
		}
		if e != agentx.RequestDenied {
			t.Errorf("three thousand registrations: %v", e)
		}
	})
}

// TestIdle: connections that say nothing keep nobody out for longer than it takes to open a session, and those with sessions are never closed for another.
func TestIdle(t *testing.T) {
	start(t, nil, func(f *fixture) {
		good := f.open()
		for range 63 {
			f.dial()
		}
		synctest.Wait()
		if _, err := f.dial().read(); err == nil {
			t.Error("the 65th connection is taken")
		}
		time.Sleep(6 * time.Second)
		for range 63 {
			f.open()
		}
		if _, err := f.dial().read(); err == nil {
			t.Error("a connection beside 64 with sessions is taken")
		}
		good.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
	})
}

// TestRegistrations: what a peer may register it may by all its sessions together, and so may all peers; one that registers and unregisters without end
// is taken no faster than the agent works it out.
func TestRegistrations(t *testing.T) {
	wide := agentx.PDU{Type: agentx.Register, ID: root.Append(1, 0), RangeSub: uint8(root.Len() + 2), Upper: 1999}
	start(t, nil, func(f *fixture) {
		for i := range 6 {
			p := f.open()
			wide.Priority = uint8(i + 1)
			want := agentx.NoError
			if i == 5 {
				want = agentx.RequestDenied
			}
			p.wants(want, wide)
			p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open}).Session
			p.wants(agentx.RequestDenied, agentx.PDU{Type: agentx.Register, ID: root.Append(7)})
		}
	})
	start(t, nil, func(f *fixture) {
		p, at := f.open(), time.Now()
		for range 2100 {
			p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root})
			p.wants(agentx.NoError, agentx.PDU{Type: agentx.Unregister, ID: root})
		}
		if took := time.Since(at); took.Round(time.Second) != 10*time.Second {
			t.Errorf("4200 changes took %v", took)
		}
		for range 5 { // what was unregistered does not count
			p.wants(agentx.NoError, wide)
			wide.Type = agentx.Unregister
			p.wants(agentx.NoError, wide)
			wide.Type = agentx.Register
		}
	})
}

// TestMalformed sends ten thousand PDUs with octets that are not what they were, by sub-agents that are served again if they are cut off: those that
// can be read at all are answered, and another sub-agent never notices.
func TestMalformed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	start(t, nil, func(f *fixture) {
		good := f.open()
		good.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root})
		bad := f.open()
		templates := []agentx.PDU{
			{Type: agentx.Open, ID: root, Descr: "again", Timeout: 3},
			{Type: agentx.Register, ID: root.Append(1), RangeSub: 9, Upper: 5, Context: "c"},
			{Type: agentx.Unregister, ID: root.Append(1)},
			{Type: agentx.GetBulk, MaxRep: 3, Ranges: []mib.Range{{Start: root, End: root.Append(9)}}},
			{Type: agentx.Notify, VarBinds: []snmp.VarBind{{Name: oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value: snmp.ObjectID(root)}, {Name: root, Value: snmp.OctetString("text")}}},
			{Type: agentx.IndexAllocate, Flags: agentx.AnyIndex, VarBinds: []snmp.VarBind{{Name: root, Value: snmp.Integer(0)}}},
			{Type: agentx.AddAgentCaps, ID: root, Descr: "caps"},
			{Type: agentx.Response, Packet: 7, VarBinds: []snmp.VarBind{{Name: root, Value: snmp.Counter64(1)}}},
			{Type: agentx.Ping, Context: "context"},
		}
		for i := range 10_000 {
			p := templates[i%len(templates)]
			p.Session, p.Flags = bad.session, p.Flags|bad.flags
			b := p.Append(nil)
			if i%10 == 0 { // the header, so that nothing can be said of what follows
				b[random.IntN(agentx.HeaderSize)] ^= byte(1 << random.IntN(8))
				if _, err := bad.conn.Write(b); err != nil {
					t.Fatal(err)
				}
				_ = bad.conn.Close()
				synctest.Wait()
				bad = f.open()
				continue
			}
			for range 1 + random.IntN(3) {
				b[agentx.HeaderSize+random.IntN(max(len(b)-agentx.HeaderSize, 1))] = byte(random.Uint32())
			}
			if _, err := bad.conn.Write(b); err != nil {
				t.Fatal(err)
			}
			if p.Type == agentx.Response {
				continue
			}
			if r, err := bad.read(); err != nil || r.Type != agentx.Response {
				t.Fatalf("PDU %d, %v: answered with %v, %v", i, p.Type, r.Type, err)
			}
			if i%1000 == 500 {
				good.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
			}
		}
		_ = bad.conn.Close()
		good.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
		good.wants(agentx.NoError, agentx.PDU{Type: agentx.Unregister, ID: root})
	})
}
