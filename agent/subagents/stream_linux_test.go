package subagents_test

import (
	"bufio"
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agent/subagents"
	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestSockets is what a real unix socket shows: answers, silence, and ends of either side. The sockets block, unlike those in memory.
func TestSockets(t *testing.T) {
	handlers := make(chan mib.Handler, 1)
	m, err := subagents.New(subagents.Options{
		Start: time.Now(), Timeout: 50 * time.Millisecond, Retries: 100, Notify: func(notify.Notification) {},
		Register: func(h mib.Handler, _ ...agent.Registration) (func(), error) { handlers <- h; return func() {}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "master"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- m.Serve(ctx, l) }()
	register := func(p *peer, subtree oid.OID, seconds uint8) mib.Handler {
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: subtree, Timeout: seconds})
		return <-handlers
	}
	dial := func() *peer {
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{t: t, conn: conn, r: bufio.NewReader(conn)}
		p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open}).Session
		return p
	}
	want := snmp.VarBind{Name: root.Append(0), Value: snmp.Integer(0)}
	ask := func(h mib.Handler) error {
		vbs, err := next(h, 1, mib.Range{Start: root})
		if err == nil && (len(vbs) != 1 || vbs[0] != want) {
			t.Errorf("answered %v", vbs)
		}
		return err
	}
	p, quiet := dial(), oid.New(1, 3, 6, 1, 4, 1, 9, 2)
	h, silent := register(p, root, 60), register(p, quiet, 0)
	asked := make(chan struct{}, 1)
	answer := table(3)
	p.answers(func(q agentx.PDU) *agentx.PDU {
		if q.MaxRep == 7 { // silence
			asked <- struct{}{}
			return nil
		}
		return answer(q)
	})
	for range 100 {
		if err := ask(h); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := next(silent, 7, mib.Range{Start: quiet}); err == nil {
			t.Error("silence is no error")
		}
		<-asked
		if err := ask(h); err != nil {
			t.Errorf("after silence: %v", err)
		}
	}
	_ = p.conn.Close()
	if err := ask(h); err == nil {
		t.Error("a sub-agent that is gone answers")
	}
	h = register(dial(), root.Append(9), 0) // which does not read
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := ask(h); err == nil {
		t.Error("after the end there is an answer")
	}
}
