package agent_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/mib"
	"walkabout/snmp"
)

// hanging is an independent Setter that takes an hour to prepare.
type hanging struct{ *cell }

func (hanging) Independent() {}

func (h hanging) Prepare(ctx context.Context, q *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	time.Sleep(time.Hour)
	return h.cell.Prepare(ctx, q, vbs)
}

// A SET that waits for an independent source holds up SETs to it and none to others, and the saving is for what is kept only.
func TestIndependentSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var journal, slowly strings.Builder
		m := serve(t, agent.Config{Save: func(context.Context) error { journal.WriteString("save "); return nil }})
		defer m.stop()
		m.server.SetCommunities([]agent.Community{{Name: private, Principal: "writer", Write: true}})
		slow, quick := hanging{&cell{name: "slow", journal: &slowly, value: new(int64)}}, &cell{name: "quick", journal: &journal, value: new(int64)}
		for root, h := range map[string]mib.Handler{"1.3.6.1.4.1.1": slow, "1.3.6.1.4.1.2": quick} {
			if _, err := m.server.Register(h, agent.Registration{Root: names(root)[0].Name}); err != nil {
				t.Fatal(err)
			}
		}
		set := func(id int32, name string) []byte {
			v := snmp.Message{Version: snmp.V2c, Community: "private", PDU: snmp.PDU{Type: snmp.SetRequest, RequestID: id, VarBinds: names(name)}}
			v.PDU.VarBinds[0].Value = snmp.Integer(id)
			return v.Append(nil)
		}
		at := time.Now()
		for id := range int32(2) {
			if _, err := m.conn.WriteToAddrPort(set(id, "1.3.6.1.4.1.1.1.0"), agentAddr); err != nil {
				t.Fatal(err)
			}
		}
		if m.exchange(set(9, "1.3.6.1.4.1.2.1.0")) == nil || time.Since(at) > time.Second {
			t.Errorf("no answer, after %v", time.Since(at))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got, want := journal.String(), "quick.prepare(1) quick.commit save quick.close "; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := slowly.String(), strings.Repeat("slow.prepare(1) slow.commit slow.close ", 2); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
