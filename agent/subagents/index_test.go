package subagents_test

import (
	"strings"
	"testing"

	"walkabout/agent/subagents"
	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestIndexes(t *testing.T) {
	start(t, nil, func(f *fixture) {
		a, b := f.open(), f.open()
		index := oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 1)
		allocate := func(p *peer, flags uint8, v snmp.Value, want agentx.Error) snmp.Value {
			t.Helper()
			r := p.wants(want, agentx.PDU{Type: agentx.IndexAllocate, Flags: flags, VarBinds: []snmp.VarBind{{Name: index, Value: v}}})
			return r.VarBinds[0].Value
		}
		allocate(a, 0, snmp.Integer(1), agentx.NoError)
		allocate(b, 0, snmp.Integer(1), agentx.IndexAlreadyAllocated)
		allocate(b, 0, snmp.OctetString("x"), agentx.IndexWrongType)
		if v := allocate(b, agentx.NewIndex, snmp.Integer(0), agentx.NoError); v != snmp.Integer(2) {
			t.Errorf("new is %v", v)
		}
		gone := agentx.PDU{Type: agentx.IndexDeallocate, VarBinds: []snmp.VarBind{{Name: index, Value: snmp.Integer(1)}}}
		b.wants(agentx.IndexNotAllocated, gone)
		a.wants(agentx.NoError, gone)
		if v := allocate(b, agentx.NewIndex, snmp.Integer(0), agentx.NoError); v != snmp.Integer(3) {
			t.Errorf("new is %v", v)
		}
		if v := allocate(b, agentx.AnyIndex, snmp.Integer(0), agentx.NoError); v != snmp.Integer(1) {
			t.Errorf("any is %v", v)
		}
		b.wants(agentx.NoError, agentx.PDU{Type: agentx.Close, Reason: agentx.ReasonShutdown})
		allocate(a, 0, snmp.Integer(2), agentx.NoError)

		// What is refused leaves nothing behind: neither a type, nor values that were used.
		index = index.Append(9)
		allocate(a, 0, snmp.OctetString(strings.Repeat("x", 200)), agentx.IndexNoneAvailable)
		allocate(a, agentx.NewIndex, snmp.Integer(0), agentx.NoError)
		two := []snmp.VarBind{{Name: index, Value: snmp.Integer(2)}, {Name: index, Value: snmp.Integer(1)}}
		if r := a.wants(agentx.IndexAlreadyAllocated, agentx.PDU{Type: agentx.IndexAllocate, VarBinds: two}); r.Index != 2 {
			t.Errorf("the second is blamed: %d", r.Index)
		}
		if v := allocate(a, agentx.NewIndex, snmp.Integer(0), agentx.NoError); v != snmp.Integer(2) {
			t.Errorf("new is %v", v)
		}
		// Each context has its own.
		b.session = b.wants(agentx.NoError, agentx.PDU{Type: agentx.Open}).Session
		blue := agentx.PDU{Type: agentx.IndexAllocate, Context: "blue", VarBinds: two[:1]}
		b.wants(agentx.NoError, blue)
		blue.Type, blue.Context = agentx.IndexDeallocate, ""
		b.wants(agentx.IndexNotAllocated, blue)
		blue.Context = "blue"
		b.wants(agentx.NoError, blue)
	})
}

// What sub-agents gave back counts no more, however much it was, and NewIndex never gives it again.
func TestIndexesThatAreGivenBack(t *testing.T) {
	start(t, nil, func(f *fixture) {
		index := oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 1)
		many := make([]snmp.VarBind, 1000)
		for i := range many {
			many[i] = snmp.VarBind{Name: index, Value: snmp.Integer(0)}
		}
		for i := range int32(15) {
			p := f.open()
			for _, vb := range p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexAllocate, Flags: agentx.NewIndex, VarBinds: many}).VarBinds[:1] {
				if vb.Value != snmp.Integer(1000*i+1) {
					t.Fatalf("new is %v after %d", vb.Value, 1000*i)
				}
			}
			if i%2 == 0 {
				p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexDeallocate, VarBinds: []snmp.VarBind{
					{Name: index, Value: snmp.Integer(1000*i + 1)}, {Name: index, Value: snmp.Integer(1000*i + 1)}}})
			}
			p.wants(agentx.NoError, agentx.PDU{Type: agentx.Close, Reason: agentx.ReasonShutdown})
		}
		p := f.open()
		for range 10 {
			p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexAllocate, Flags: agentx.AnyIndex, VarBinds: many})
		}
		p.wants(agentx.IndexNoneAvailable, agentx.PDU{Type: agentx.IndexAllocate, Flags: agentx.AnyIndex, VarBinds: many[:1]})
		last := []snmp.VarBind{{Name: index, Value: snmp.Integer(1<<31 - 1)}}
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexDeallocate, VarBinds: []snmp.VarBind{{Name: index, Value: snmp.Integer(7)}}})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexAllocate, VarBinds: last})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.IndexDeallocate, VarBinds: last})
		p.wants(agentx.IndexNoneAvailable, agentx.PDU{Type: agentx.IndexAllocate, Flags: agentx.NewIndex, VarBinds: many[:1]})
	})
}

// What a session asks for while it is ended is nobody's afterwards: who follows it has its indexes. Chance has it whether they meet, once in some
// thousand rounds.
func TestIndexesOfEndedSessions(t *testing.T) {
	start(t, nil, func(f *fixture) {
		m, err := f.master.MIB()
		if err != nil {
			t.Fatal(err)
		}
		status := subagents.Root().Append(3, 2, 1, 4)
		allocate := agentx.PDU{Type: agentx.IndexAllocate, VarBinds: []snmp.VarBind{{Name: oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 1), Value: snmp.Integer(1)}}}
		for i := range uint32(1000) {
			p := f.open()
			c, err := m.Prepare(t.Context(), &mib.Request{}, []snmp.VarBind{{Name: status.Append(2*i+1, p.session), Value: snmp.Integer(2)}})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- c.Commit(t.Context()) }()
			if q, err := p.read(); err != nil || q.Type != agentx.Close {
				t.Fatal(q, err)
			}
			p.ask(allocate)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			p.conn.Close()
			q := f.open()
			q.wants(agentx.NoError, allocate)
			q.wants(agentx.NoError, agentx.PDU{Type: agentx.Close, Reason: agentx.ReasonShutdown})
			q.conn.Close()
		}
	})
}
