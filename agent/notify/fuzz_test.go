package notify

import (
	"log/slog"
	"testing"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// FuzzAnswer gives informs of both versions whatever may come back. Nothing that has not the keys acknowledges one of SNMPv3.
func FuzzAnswer(f *testing.F) {
	const id = "\x80\x00\x1f\x88\x80receiver"
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	own, err := usm.NewEngine("\x80\x00\x1f\x88\x80own", 1, now)
	if err != nil {
		f.Fatal(err)
	}
	user := usm.User{Name: "alice", Auth: usm.SHA, AuthKey: make([]byte, 20), Priv: usm.AES, PrivKey: make([]byte, 16)}
	receiver, err := usm.NewEngine(id, 5, now)
	if err == nil {
		err = receiver.SetUsers([]usm.User{user})
	}
	if err != nil {
		f.Fatal(err)
	}
	m := newMessage(Notification{TrapOID: ColdStart, At: now}, now)
	var sealer usm.Sealer
	report := snmp.ScopedPDU{ContextEngineID: id, PDU: snmp.PDU{Type: snmp.Report, VarBinds: []snmp.VarBind{{Name: usmStats.Append(4, 0), Value: snmp.Counter32(1)}}}}
	for _, refusal := range []uint32{2, 4, 5} {
		report.PDU.VarBinds[0].Name = usmStats.Append(refusal, 0)
		discovery := usm.SealDiscovery(nil, &sealer, snmp.MessageV3{ID: 1, MaxSize: 1500}, 1)
		asked, err := snmp.ParseV3(discovery)
		if err != nil {
			f.Fatal(err)
		}
		o, _ := receiver.Open(discovery, &asked, now)
		f.Add(receiver.Seal(nil, &sealer, snmp.MessageV3{ID: 1, MaxSize: 1500}, &o, &report, now))
	}
	response := snmp.Message{Version: snmp.V2c, Community: "public", PDU: m.pdu(snmp.Response, 1)}
	f.Add(response.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(Config{Start: now, Engine: own, Log: slog.New(slog.DiscardHandler)})
		for _, target := range []Target{
			{Version: snmp.V2c, Inform: true},
			{Version: snmp.V3, Inform: true, Level: snmp.AuthPriv, User: func(string) (usm.User, error) { return user, nil }},
			{Version: snmp.V3, Inform: true, Level: snmp.AuthPriv, User: func(string) (usm.User, error) { return user, nil }, EngineID: id},
		} {
			w := &worker{sender: s, current: &target}
			var c conversation = &informV2c{w: w, message: m, requestID: 1}
			if target.Version == snmp.V3 {
				v3, err := w.newInformV3(m)
				if err != nil {
					t.Fatal(err)
				}
				v3.firstID, v3.requestID = 1, 1
				c = v3
			}
			for range 2 { // the second after what the first may have told
				if _, err := c.request(nil, now); err != nil {
					t.Fatal(err)
				}
				v, _ := c.judge(append([]byte(nil), b...), now)
				if v == acknowledged && target.Version == snmp.V3 {
					t.Fatalf("acknowledged by % x", b)
				}
			}
		}
	})
}
