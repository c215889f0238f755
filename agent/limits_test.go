package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/internal/forge"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

func TestSetRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		ask := func() bool {
			_, ok := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names(upTime)})
			return ok
		}
		flood := func() (answered int) { // ask waits for a second when there is no answer
			for ask() {
				if answered++; answered == 100 {
					break
				}
			}
			return answered
		}
		if n := flood(); n != 100 {
			t.Errorf("without a limit %d answers, want 100", n)
		}
		m.server.SetRateLimit(agent.RateLimit{PerSecond: 20})
		if n := flood(); n != 20 {
			t.Errorf("%d answers at once, want 20", n)
		}
		m.server.SetRateLimit(agent.RateLimit{PerSecond: 20}) // by a reload
		if n := flood(); n != 20 {
			t.Errorf("%d answers a second later, want 20", n)
		}
		m.server.SetRateLimit(agent.RateLimit{PerSecond: 20, Burst: 50})
		if n := flood(); n != 50 {
			t.Errorf("%d answers, want the burst of 50", n)
		}
		if got := m.server.Stats().RateLimited; got != 3 {
			t.Errorf("%d counted, want 3", got)
		}
		m.server.SetRateLimit(agent.RateLimit{})
		if n := flood(); n != 100 {
			t.Errorf("after the limit was taken back %d answers, want 100", n)
		}
	})
}

// By each way to ask, the octets of the answers to a GetBulk, and to a Get of 1,800 octets.
func TestUnauthenticatedSize(t *testing.T) {
	none, auth := keyed(t, "none", usm.NoAuth, usm.NoPriv), keyed(t, "auth", usm.SHA, usm.NoPriv)
	const tooBig = -1
	community := func(v snmp.Version) func(snmp.PDU) []byte {
		return func(p snmp.PDU) []byte {
			q := snmp.Message{Version: v, Community: "public", PDU: p}
			return q.Append(nil)
		}
	}
	by := func(u usm.User) func(snmp.PDU) []byte {
		return func(p snmp.PDU) []byte {
			q := forge.To(engineID, 7, 3600, u, p)
			b, err := q.Encode()
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	access := agent.CommunityAccess(agent.Community{Name: secret.New("public"), Principal: "none"})
	access.Policy = vacm.NewPolicy([]vacm.Member{{Model: vacm.USM, Name: "none", Group: "all"}, {Model: vacm.USM, Name: "auth", Group: "all"}, {Model: vacm.V2c, Name: "none", Group: "all"}},
		[]vacm.Entry{{Group: "all", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: "all"}}}, map[string][]vacm.Family{"all": {{}}})
	for _, tt := range []struct {
		name      string
		set       int
		request   func(snmp.PDU) []byte
		bulk, get int // of at most so many octets; tooBig
	}{
		{"v2c", 0, community(snmp.V2c), 1472, tooBig},
		{"noAuthNoPriv", 0, by(none), 1472, tooBig},
		{"authNoPriv", 0, by(auth), 1472, 2000},
		{"v2c, 484", 484, community(snmp.V2c), 484, tooBig},
		{"noAuthNoPriv, 484", 484, by(none), 484, tooBig},
		{"authNoPriv, 484", 484, by(auth), 1472, 2000},
		{"v2c, 60000", 60000, community(snmp.V2c), 1472, 2000},
		{"noAuthNoPriv, 60000", 60000, by(none), 1472, 2000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serve(t, agent.Config{Engine: engine(t, none, auth)})
				defer m.stop()
				m.server.SetAccess(access)
				m.server.SetMaxUnauthenticatedSize(tt.set)
				if _, err := m.server.Register(&bigHandler{first: 1800}, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.1")}); err != nil {
					t.Fatal(err)
				}
				bulk := snmp.NewGetBulk(1, 0, 1000)
				bulk.VarBinds = names("1.3.6.1.4.1.1.5")
				if n := len(m.exchange(tt.request(bulk))); n > tt.bulk || n < tt.bulk-150 {
					t.Errorf("an answer to GetBulk of %d octets, want nearly %d", n, tt.bulk)
				}
				n := len(m.exchange(tt.request(snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.4.1.1.0")})))
				if tt.get == tooBig && (n == 0 || n > 200) || tt.get != tooBig && n < 1800 {
					t.Errorf("an answer to Get of %d octets, want %d", n, tt.get)
				}
				if got := m.server.Stats().AnswersCapped; got > 0 != (tt.get == tooBig) {
					t.Errorf("%d counted", got)
				}
			})
		})
	}
}

// A Get of many objects may have an answer that is longer than the bound, as long as it is not much longer than the request.
func TestUnauthenticatedGetOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		var many []snmp.VarBind
		for range 100 {
			many = append(many, snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.10.1")})
		}
		q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: many}}
		request := q.Append(nil)
		if b := m.exchange(request); len(b) <= 1472 || len(b) > 2*len(request) || m.counters.Load(snmp.OutTooBigs) != 0 {
			t.Errorf("an answer of %d octets to a request of %d", len(b), len(request))
		}
	})
}

func TestStatsSub(t *testing.T) {
	a := agent.Stats{RateLimited: 1, AnswersCapped: 2, SocketDrops: 3, ConnectionsRefused: 4, ConnectionsTimedOut: 5}
	b := agent.Stats{RateLimited: 11, AnswersCapped: 22, SocketDrops: 33, ConnectionsRefused: 44, ConnectionsTimedOut: 55}
	if diff := cmp.Diff(agent.Stats{RateLimited: 10, AnswersCapped: 20, SocketDrops: 30, ConnectionsRefused: 40, ConnectionsTimedOut: 50}, b.Sub(a)); diff != "" {
		t.Error(diff)
	}
}

// Limits that are set while a connection is open hold for the next.
func TestSetStreamLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, _, stop := streamAgent(t, agent.StreamLimits{Connections: 1})
		defer stop()
		first := p.dial("192.0.2.1:1")
		defer first.Close()
		synctest.Wait()
		s.SetStreamLimits(agent.StreamLimits{Connections: 2, Idle: time.Minute})
		second, begin := p.dial("192.0.2.1:2"), time.Now()
		closes(t, second)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("the second was closed after %v", took)
		}
	})
}
