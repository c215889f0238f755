package agent_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/internal/forge"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// What is not properly authenticated is told once a minute and source, and only while snmpEnableAuthenTraps says so.
func TestAuthenticationFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := keyed(t, "m", usm.SHA256, usm.AES)
		e := engine(t, u)
		var enabled atomic.Bool
		var told atomic.Int32
		m := serve(t, agent.Config{Engine: e, AuthenTraps: enabled.Load, AuthenticationFailed: func() { told.Add(1) }})
		defer m.stop()
		expect := func(what string, want int32) {
			t.Helper()
			synctest.Wait()
			if got := told.Swap(0); got != want {
				t.Errorf("%s: told %d times, want %d", what, got, want)
			}
			time.Sleep(time.Minute)
		}
		get := snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.2.1.1.1.0")}
		m.ask(snmp.V2c, "wrong", get)
		expect("while it is disabled", 0)
		enabled.Store(true)
		m.ask(snmp.V2c, "public", get)
		expect("a good community", 0)
		for range 5 {
			m.ask(snmp.V1, "wrong", get)
		}
		expect("wrong communities", 1)
		m.ask(snmp.V2c, "far", get)
		expect("a community from elsewhere", 1)
		for name, c := range map[string]struct {
			edit func(q *forge.Message)
			want int32
		}{
			"right":           {func(*forge.Message) {}, 0},
			"wrong digest":    {func(q *forge.Message) { q.User.AuthKey = make([]byte, 32) }, 1},
			"unknown user":    {func(q *forge.Message) { q.User.Name = "nobody" }, 1},
			"discovery":       {func(q *forge.Message) { q.EngineID, q.User.Name, q.Flags = "", "", snmp.ReportableFlag }, 0},
			"not in the time": {func(q *forge.Message) { q.Time -= 1000 }, 0},
		} {
			q := question(u, e)
			c.edit(&q)
			m.exchange(octets(t, q))
			expect(name, c.want)
		}
	})
}
