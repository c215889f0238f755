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
	dial := func(subtree oid.OID) (*peer, mib.Handler) {
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{t: t, conn: conn, r: bufio.NewReader(conn)}
		p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open}).Session
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: subtree})
		return p, <-handlers
	}
	want := snmp.VarBind{Name: root.Append(0), Value: snmp.Integer(0)}
	ask := func(h mib.Handler) error {
		vbs, err := next(h, 1, mib.Range{Start: root})
		if err == nil && (len(vbs) != 1 || vbs[0] != want) {
			t.Errorf("answered %v", vbs)
		}
		return err
	}
	p, h := dial(root)
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
		if _, err := next(h, 7, mib.Range{Start: root}); err == nil {
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
	_, h = dial(root.Append(9)) // which does not read
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := ask(h); err == nil {
		t.Error("after the end there is an answer")
	}
}
