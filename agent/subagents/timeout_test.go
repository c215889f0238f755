package subagents_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent/subagents"
	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp/oid"
)

// TestSilence: a sub-agent that does not answer costs its time-out, and is cut off after some.
func TestSilence(t *testing.T) {
	start(t, func(o *subagents.Options) { o.Retries = 2 }, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root.Append(4), Priority: 1, Timeout: 7})
		closing := make(chan agentx.PDU, 1)
		p.answers(func(q agentx.PDU) *agentx.PDU {
			if q.Type == agentx.Close {
				closing <- q
			}
			return nil
		})
		for i, seconds := range []int{1, 7, 1} {
			from := root
			if i == 1 {
				from = root.Append(4, 0)
			}
			at := time.Now()
			if got, err := next(h, 1, mib.Range{Start: from}); err == nil || time.Since(at) != time.Duration(seconds)*time.Second {
				t.Errorf("%v, %v after %v", got, err, time.Since(at))
			}
		}
		if q := <-closing; q.Reason != agentx.ReasonTimeouts {
			t.Errorf("%+v", q)
		}
		synctest.Wait()
		if len(f.registered) != 0 {
			t.Errorf("still there: %v", f.registered)
		}
		if _, err := next(h, 1, mib.Range{Start: root}); err == nil {
			t.Error("a session that is closed answers")
		}
	})
}

// TestTimeouts: what a registration says of its time holds for all of its range, and of several times the longest; without it the session's holds.
func TestTimeouts(t *testing.T) {
	start(t, func(o *subagents.Options) { o.Retries = 9 }, func(f *fixture) {
		p := f.dial()
		p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open, Timeout: 2}).Session
		h := f.serves(p)
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root.Append(1, 9), RangeSub: uint8(root.Len() + 1), Upper: 4, Timeout: 7})
		p.answers(func(agentx.PDU) *agentx.PDU { return nil })
		for _, tt := range []struct {
			names []oid.OID
			want  time.Duration
		}{
			{[]oid.OID{root.Append(1, 9, 0)}, 7 * time.Second},
			{[]oid.OID{root.Append(4, 9, 0)}, 7 * time.Second},
			{[]oid.OID{root.Append(5, 9, 0)}, 2 * time.Second},
			{[]oid.OID{root.Append(4, 8, 0)}, 2 * time.Second},
			{[]oid.OID{root.Append(4)}, 2 * time.Second},
			{[]oid.OID{root.Append(8), root.Append(3, 9)}, 7 * time.Second},
		} {
			v, err := h.View(f.t.Context(), &mib.Request{})
			if err != nil {
				t.Fatal(err)
			}
			at := time.Now()
			if _, err := v.Get(f.t.Context(), nil, tt.names); err == nil || time.Since(at) != tt.want {
				t.Errorf("%v: %v after %v, want %v", tt.names, err, time.Since(at), tt.want)
			}
		}
	})
}

// TestBusy: many who ask at once a sub-agent that is busy for a moment do not end it, and those that are too many are told at once.
func TestBusy(t *testing.T) {
	start(t, func(o *subagents.Options) { o.Retries = 1 }, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		var busy atomic.Bool
		busy.Store(true)
		whole := table(3)
		p.answers(func(q agentx.PDU) *agentx.PDU {
			if busy.Load() {
				return nil
			}
			return whole(q)
		})
		at, atOnce := time.Now(), atomic.Int32{}
		var asking sync.WaitGroup
		for range 40 {
			asking.Go(func() {
				if _, err := next(h, 1, mib.Range{Start: root}); err == nil {
					t.Error("an answer")
				}
				if time.Since(at) == 0 {
					atOnce.Add(1)
				}
			})
		}
		asking.Wait()
		if n := atOnce.Load(); n != 8 || time.Since(at) != time.Second {
			t.Errorf("%d of 40 failed at once, the others after %v", n, time.Since(at))
		}
		busy.Store(false)
		if _, err := next(h, 1, mib.Range{Start: root}); err != nil || len(f.registered) == 0 {
			t.Errorf("%v, and there is %v", err, f.registered)
		}
	})
}

// TestGone: who waits for a sub-agent that goes away waits no longer.
func TestGone(t *testing.T) {
	start(t, nil, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		p.answers(func(agentx.PDU) *agentx.PDU { _ = p.conn.Close(); return nil })
		at := time.Now()
		if _, err := next(h, 1, mib.Range{Start: root}); err == nil || time.Since(at) != 0 {
			t.Errorf("%v after %v", err, time.Since(at))
		}
	})
}

// TestDeaf: a sub-agent that asks and asks, and does not read the answers, costs who asks it no more than its time-out.
func TestDeaf(t *testing.T) {
	start(t, func(o *subagents.Options) { o.Retries = 9 }, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		p.write(agentx.PDU{Type: agentx.Ping, Session: p.session}) // whose answer nobody reads
		synctest.Wait()
		at := time.Now()
		if _, err := next(h, 1, mib.Range{Start: root}); err == nil || time.Since(at) != time.Second {
			t.Errorf("%v after %v", err, time.Since(at))
		}
	})
}
