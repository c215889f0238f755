package trap_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector/trap"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// TestInformsAfterSleep holds that informs are taken from a sender whose idea of our snmpEngineTime went on while our computer was suspended, that a
// clock which was set back does no harm, and that the time of what is taken is that of the usual clock.
func TestInformsAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		var ahead atomic.Int64
		trap.SetWall(b.receiver, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
		sw1 := b.sender("192.0.2.1:1000")
		a, err := usm.NewAccount(usm.AccountOptions{Name: "alice", Auth: usm.SHA256, AuthPassword: "authentication", Priv: usm.AES, PrivPassword: "privacy password"})
		if err != nil {
			t.Fatal(err)
		}
		k, err := usm.NewKeyed(a.User(state.EngineID))
		if err != nil {
			t.Fatal(err)
		}
		began, id := time.Now(), int32(0)
		inform := func(name string, seconds time.Duration, want string) {
			t.Helper()
			id++
			remote, err := usm.NewRemote(state.EngineID, state.Boots, uint32((time.Since(began)+seconds)/time.Second), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			pdu := trapV2(linkDown, index(3))
			pdu.Type, pdu.RequestID = snmp.InformRequest, id
			before := b.outcomes()[want]
			b.send(sw1, remote.Seal(nil, new(usm.Sealer), snmp.MessageV3{ID: id, MaxSize: 1500, Flags: snmp.ReportableFlag}, k, snmp.AuthPriv,
				&snmp.ScopedPDU{ContextEngineID: state.EngineID, PDU: pdu}, time.Now()))
			if b.outcomes()[want] != before+1 {
				t.Errorf("%s: %v; want %s", name, b.outcomes(), want)
			}
		}
		inform("at first", 0, "accepted")
		inform("of an hour ahead", time.Hour, "engine_discovery")
		ahead.Store(int64(time.Hour))
		inform("after an hour of sleep", time.Hour, "accepted")
		inform("of one who knows nothing of it", 0, "engine_discovery")
		ahead.Store(-int64(time.Hour))
		inform("set back", time.Hour, "accepted")
		if n := <-b.got; !n.At.Equal(began) {
			t.Errorf("the time of a notification is %v, not %v", n.At, began)
		}
	})
}
