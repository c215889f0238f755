package usm_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

const receiverID = "\x80\x00\x1f\x88\x80receiver"

func userAt(t *testing.T, engineID string, auth usm.AuthProtocol, priv usm.PrivProtocol) usm.User {
	t.Helper()
	u := usm.User{Name: "alice", Auth: auth, Priv: priv}
	ku, err := usm.PasswordToKey(auth, "authentication")
	if err != nil {
		t.Fatal(err)
	}
	u.AuthKey = usm.Localize(auth, ku, engineID)
	if priv != usm.NoPriv {
		u.PrivKey = usm.PrivKey(auth, priv, ku, engineID)
	}
	return u
}

func keyed(t *testing.T, u usm.User) *usm.Keyed {
	t.Helper()
	k, err := usm.NewKeyed(u)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func engineAt(t *testing.T, id string, boots uint32, start time.Time, users ...usm.User) *usm.Engine {
	t.Helper()
	e, err := usm.NewEngine(id, boots, start)
	if err == nil {
		err = e.SetUsers(users)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func parse(t *testing.T, b []byte) *snmp.MessageV3 {
	t.Helper()
	m, err := snmp.ParseV3(b)
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

func scoped(requestID int32) *snmp.ScopedPDU {
	return &snmp.ScopedPDU{ContextEngineID: receiverID, PDU: snmp.PDU{Type: snmp.InformRequest, RequestID: requestID,
		VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(1)}}}}
}

// exchange sends one message from r to e and opens the answer or the report.
func exchange(t *testing.T, r *usm.Remote, e *usm.Engine, k *usm.Keyed, level snmp.SecurityLevel, now time.Time) (refusal error, got snmp.SecurityLevel, opening error) {
	t.Helper()
	var w usm.Sealer
	b := r.Seal(nil, &w, snmp.MessageV3{ID: 1, MaxSize: 1500, Flags: snmp.ReportableFlag}, k, level, scoped(7), now)
	o, refusal := e.Open(b, parse(t, b), now)
	var c usm.Refusal
	if refusal != nil && !errors.As(refusal, &c) {
		t.Fatal(refusal)
	}
	answer := e.Seal(nil, &w, snmp.MessageV3{ID: 1, MaxSize: 1500}, &o, scoped(7), now)
	got, content, opening := r.Open(answer, parse(t, answer), k, now)
	if opening == nil {
		var d snmp.Decoder
		var s snmp.ScopedPDU
		if err := d.DecodeScoped(content, &s); err != nil || s.PDU.RequestID != 7 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	return refusal, got, opening
}

// RFC 3414 section 4: the first authenticated message tells the clock, every later one is in the window.
func TestRemoteSynchronises(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for auth := usm.MD5; auth <= usm.SHA512; auth++ {
		for priv := usm.NoPriv; priv <= usm.AES256C; priv++ {
			t.Run(fmt.Sprint(auth, "/", priv), func(t *testing.T) {
				u := userAt(t, receiverID, auth, priv)
				e, k := engineAt(t, receiverID, 5, now.Add(-time.Hour), u), keyed(t, u)
				r, err := usm.NewRemote(receiverID, 0, 0, now)
				if err != nil {
					t.Fatal(err)
				}
				refusal, level, err := exchange(t, r, e, k, k.Level(), now)
				if !errors.Is(refusal, usm.NotInTimeWindow) || level != snmp.AuthNoPriv || err != nil {
					t.Fatalf("first: refusal %v, level %v, %v", refusal, level, err)
				}
				for _, later := range []time.Duration{0, time.Second, time.Hour} {
					refusal, level, err = exchange(t, r, e, k, k.Level(), now.Add(later))
					if refusal != nil || level != k.Level() || err != nil {
						t.Fatalf("%v later: refusal %v, level %v, %v", later, refusal, level, err)
					}
				}
			})
		}
	}
}

// What an unauthenticated report told of the clock is tried, and corrected in both directions.
func TestRemoteDistrustsTheGuess(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	u := userAt(t, receiverID, usm.SHA, usm.AES)
	e, k := engineAt(t, receiverID, 5, now.Add(-time.Hour), u), keyed(t, u)
	for name, c := range map[string]struct {
		boots, seconds uint32
		refusal        error
	}{
		"true":       {5, 3600, nil},
		"far ahead":  {1<<31 - 1, 1<<31 - 1, usm.NotInTimeWindow},
		"far behind": {1, 1, usm.NotInTimeWindow},
	} {
		r, err := usm.NewRemote(receiverID, c.boots, c.seconds, now)
		if err != nil {
			t.Fatal(err)
		}
		if refusal, _, err := exchange(t, r, e, k, snmp.AuthPriv, now); !errors.Is(refusal, c.refusal) || err != nil {
			t.Errorf("%s: refusal %v, %v", name, refusal, err)
		}
		if refusal, _, err := exchange(t, r, e, k, snmp.AuthPriv, now); refusal != nil || err != nil {
			t.Errorf("%s, again: refusal %v, %v", name, refusal, err)
		}
	}
}

func TestRemoteRefuses(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	u := userAt(t, receiverID, usm.SHA256, usm.AES)
	e, k := engineAt(t, receiverID, 5, now.Add(-time.Hour), u), keyed(t, u)
	r, err := usm.NewRemote(receiverID, 5, 3600, now)
	if err != nil {
		t.Fatal(err)
	}
	var w usm.Sealer
	answer := func(level snmp.SecurityLevel, at time.Time) []byte {
		b := r.Seal(nil, &w, snmp.MessageV3{ID: 1, MaxSize: 1500}, k, level, scoped(7), at)
		o, _ := e.Open(b, parse(t, b), at)
		return e.Seal(nil, &w, snmp.MessageV3{ID: 1, MaxSize: 1500}, &o, scoped(7), at)
	}
	old := answer(snmp.AuthPriv, now)
	recent := answer(snmp.AuthPriv, now.Add(time.Hour))
	if _, _, err := r.Open(recent, parse(t, recent), k, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Open(old, parse(t, old), k, now.Add(time.Hour)); !errors.Is(err, usm.ErrNotTimely) {
		t.Errorf("a replay: %v", err)
	}
	for i := range recent { // no octet may be changed unseen
		b := append([]byte(nil), recent...)
		b[i] ^= 0x40
		m, err := snmp.ParseV3(b)
		if err != nil {
			continue
		}
		if level, _, err := r.Open(b, &m, k, now.Add(time.Hour)); err == nil && level != snmp.NoAuthNoPriv {
			t.Errorf("octet %d changed: taken as %v", i, level)
		}
	}
	other := userAt(t, "\x80\x00\x1f\x88\x80another", usm.SHA256, usm.AES)
	if _, _, err := r.Open(recent, parse(t, recent), keyed(t, other), now.Add(time.Hour)); !errors.Is(err, usm.ErrNotAuthentic) {
		t.Errorf("another engine's keys: %v", err)
	}
}

// A trap is sealed by its sender, which is authoritative: a receiver that knows the sender's engine and user opens it.
func TestSealNotification(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const id = "\x80\x00\x1f\x88\x80sender"
	u := userAt(t, id, usm.SHA512, usm.AES256)
	e := engineAt(t, id, 9, now.Add(-time.Minute)) // the user need not be one of the engine's
	var w usm.Sealer
	b := e.SealNotification(nil, &w, snmp.MessageV3{ID: 3, MaxSize: 1500, Flags: snmp.ReportableFlag}, keyed(t, u), snmp.AuthPriv, scoped(7), now)
	m := parse(t, b)
	if m.Flags != snmp.AuthFlag|snmp.PrivFlag {
		t.Errorf("msgFlags %b", m.Flags)
	}
	p, err := usm.Parse(m.Security)
	if err != nil || string(p.EngineID) != id || p.Boots != 9 || p.Time != 60 {
		t.Errorf("%+v, %v", p, err)
	}
	same := engineAt(t, id, 9, now.Add(-time.Minute), u)
	o, err := same.Open(b, m, now)
	if err != nil || o.Level != snmp.AuthPriv {
		t.Errorf("%v, %v", o.Level, err)
	}
}

func TestSealDiscovery(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := engineAt(t, receiverID, 5, now)
	var w usm.Sealer
	b := usm.SealDiscovery(nil, &w, snmp.MessageV3{ID: 3, MaxSize: 1500}, 4)
	m := parse(t, b)
	if _, err := e.Open(b, m, now); !errors.Is(err, usm.UnknownEngineID) || m.Flags != snmp.ReportableFlag {
		t.Errorf("%v, msgFlags %b", err, m.Flags)
	}
}

func TestEngineUser(t *testing.T) {
	u := userAt(t, receiverID, usm.SHA, usm.AES)
	e := engineAt(t, receiverID, 1, time.Now(), u)
	if got, ok := e.User("alice"); !ok || got.Priv != usm.AES || string(got.AuthKey) != string(u.AuthKey) {
		t.Errorf("%v, %t", got.Name, ok)
	}
	if _, ok := e.User("bob"); ok {
		t.Error("bob is nobody")
	}
}
