package agent_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// sleeper is a source that takes an hour.
type sleeper struct{}

func (*sleeper) View(ctx context.Context, _ *mib.Request) (mib.View, error) {
	select {
	case <-time.After(time.Hour):
	case <-ctx.Done():
	}
	return nil, context.DeadlineExceeded
}

func encode(id int32, name string) []byte {
	m := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: id, VarBinds: names(name)}}
	return m.Append(nil)
}

// Requests to a source that does not answer hold up those to others for a moment at first, then not at all, however few workers there were when they
// came; the 128th occupies the last one that there may be until the first is done. Those that are not needed any more end.
func TestSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		slow := oid.MustParse("1.3.6.1.4.1.6")
		if _, err := m.server.Register(&sleeper{}, agent.Registration{Root: slow}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		goroutines := agents()
		for i := range int32(127) {
			if _, err := m.conn.WriteToAddrPort(encode(i, slow.String()), agentAddr); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			before := time.Now()
			if _, ok := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.2.1.1.3.0")}); !ok {
				t.Fatalf("no answer beside %d slow requests", i+1)
			}
			limit := time.Duration(0)
			if i == 0 {
				limit = 100 * time.Millisecond
			}
			if took := time.Since(before); took > limit {
				t.Errorf("beside %d slow requests an answer took %v, at most %v are allowed", i+1, took, limit)
			}
		}
		if _, err := m.conn.WriteToAddrPort(encode(127, slow.String()), agentAddr); err != nil {
			t.Fatal(err)
		}
		quick := encode(999, "1.3.6.1.2.1.1.3.0")
		if b := m.exchange(quick); b != nil {
			t.Error("an answer beside 128 slow requests: more workers than there should be")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := m.counters.Load(snmp.OutGenErrs); got != 128 {
			t.Errorf("%d slow requests were answered, of 128", got)
		}
		if got := m.counters.Load(snmp.OutGetResponses); got != 127+128+1 {
			t.Errorf("%d answers, of 256", got)
		}
		if got := agents(); got > goroutines+1 { // eight wait beside the one that reads
			t.Errorf("%d goroutines, of %d at first", got, goroutines)
		}
	})
}

// agents counts the goroutines of agents: there are others, of the runtime's own, which come and go.
func agents() (n int) {
	stacks := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "walkabout/agent.(") {
			n++
		}
	}
	return n
}

// announced is a source that takes an hour, and says so.
type announced struct{ sleeper }

func (a *announced) View(ctx context.Context, q *mib.Request) (mib.View, error) {
	q.Slow()
	q.Slow() // the second time says nothing new
	return a.sleeper.View(ctx, q)
}

// Requests to a source that says that it will take long hold up nobody, the first of them neither.
func TestAnnouncedSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		slow := oid.MustParse("1.3.6.1.4.1.6")
		if _, err := m.server.Register(&announced{}, agent.Registration{Root: slow}); err != nil {
			t.Fatal(err)
		}
		for i := range int32(7) {
			if _, err := m.conn.WriteToAddrPort(encode(i, slow.String()), agentAddr); err != nil {
				t.Fatal(err)
			}
			before := time.Now()
			if _, ok := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.2.1.1.3.0")}); !ok {
				t.Fatalf("no answer beside %d slow requests", i+1)
			}
			if took := time.Since(before); took > 0 {
				t.Errorf("beside %d slow requests an answer took %v", i+1, took)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := m.counters.Load(snmp.OutGenErrs); got != 7 {
			t.Errorf("%d slow requests were answered, of 7", got)
		}
	})
}
