package usm_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

const senderID = "\x80\x00\x1f\x88\x80switch"

func accountOf(t *testing.T, o usm.AccountOptions) *usm.Account {
	t.Helper()
	a, err := usm.NewAccount(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// device is an engine that sends traps of one user.
type device struct {
	t      *testing.T
	engine *usm.Engine
	user   *usm.Keyed
	next   int32
}

func newDevice(t *testing.T, id string, boots uint32, start time.Time, a *usm.Account) *device {
	return &device{t: t, engine: engineAt(t, id, boots, start), user: keyed(t, a.User(id)), next: 1}
}

// trap returns a new trap at level.
func (d *device) trap(level snmp.SecurityLevel, now time.Time) []byte {
	s := &snmp.ScopedPDU{ContextEngineID: d.engine.ID(), PDU: snmp.PDU{Type: snmp.TrapV2, RequestID: d.next, VarBinds: []snmp.VarBind{
		{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(1)},
	}}}
	d.next++
	return d.engine.SealNotification(nil, new(usm.Sealer), snmp.MessageV3{ID: d.next, MaxSize: 1500}, d.user, level, s, now)
}

func sendersOf(t *testing.T, known []usm.Clock, accounts ...*usm.Account) *usm.Senders {
	t.Helper()
	s, err := usm.NewSenders(known)
	if err == nil {
		err = s.SetAccounts(accounts)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a copy of b, and checks that what was in it can be read.
func open(t *testing.T, s *usm.Senders, b []byte, now time.Time) error {
	t.Helper()
	b = slices.Clone(b)
	o, err := s.Open(b, parse(t, b), now)
	if err != nil {
		return err
	}
	var d snmp.Decoder
	var scoped snmp.ScopedPDU
	if err := d.DecodeScoped(o.Content, &scoped); err != nil || scoped.PDU.Type != snmp.TrapV2 {
		t.Errorf("what was opened: %v, %v", scoped.PDU.Type, err)
	}
	return nil
}

func full(auth usm.AuthProtocol, priv usm.PrivProtocol) usm.AccountOptions {
	o := usm.AccountOptions{Name: "alice", Auth: auth, AuthPassword: "authentication", Priv: priv}
	if priv != usm.NoPriv {
		o.PrivPassword = "privacy password"
	}
	return o
}

func TestSendersAlgorithms(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for auth := usm.MD5; auth <= usm.SHA512; auth++ {
		for priv := usm.NoPriv; priv <= usm.AES256C; priv++ {
			a := accountOf(t, full(auth, priv))
			d := newDevice(t, senderID, 3, now.Add(-time.Hour), a)
			s := sendersOf(t, nil, a)
			b := d.trap(d.user.Level(), now)
			if err := open(t, s, b, now); err != nil {
				t.Errorf("%v %v: %v", auth, priv, err)
			}
			if err := open(t, s, b, now); !errors.Is(err, usm.ErrReplayed) {
				t.Errorf("%v %v, again: %v", auth, priv, err)
			}
		}
	}
}

// TestSendersWindow holds that what was captured is of no use, within the time window, after it, and after restarts of either side; and that what is
// new is taken.
func TestSendersWindow(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	a := accountOf(t, full(usm.SHA256, usm.AES))
	d := newDevice(t, senderID, 3, start, a)
	s := sendersOf(t, nil, a)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	expect := func(what string, b []byte, now time.Time, want error) {
		t.Helper()
		if err := open(t, s, b, now); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	first, late, lost := d.trap(snmp.AuthPriv, at(100)), d.trap(snmp.AuthPriv, at(110)), d.trap(snmp.AuthPriv, at(120))
	expect("the first", first, at(100), nil)
	expect("the next", d.trap(snmp.AuthPriv, at(200)), at(200), nil)
	expect("one that was under way for long", late, at(201), nil)
	expect("the first again", first, at(202), usm.ErrReplayed)
	expect("one from before the window, by the engine's clock", lost, at(280), usm.NotInTimeWindow)
	expect("new", d.trap(snmp.AuthPriv, at(300)), at(300), nil)

	want := []usm.Clock{{EngineID: senderID, Boots: 3, Time: 300, At: at(300)}}
	if diff := cmp.Diff(want, s.Clocks()); diff != "" {
		t.Error(diff)
	}
	last := d.trap(snmp.AuthPriv, at(301))
	expect("the last before a restart", last, at(301), nil)
	s = sendersOf(t, s.Clocks(), a)
	expect("that one after the restart", last, at(303), usm.NotInTimeWindow)
	expect("new after the restart", d.trap(snmp.AuthPriv, at(303)), at(303), nil)

	reborn := newDevice(t, senderID, 4, at(400), a)
	expect("the device restarted", reborn.trap(snmp.AuthPriv, at(405)), at(405), nil)
	expect("new, but of before its restart", d.trap(snmp.AuthPriv, at(405)), at(405), usm.NotInTimeWindow)
	expect("boots that have come to their end", newDevice(t, senderID, usm.MaxBoots, at(0), a).trap(snmp.AuthPriv, at(410)), at(410), usm.NotInTimeWindow)
}

// TestSendersStorm holds that a replay stays one where more came within the window than is remembered.
func TestSendersStorm(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	a := accountOf(t, full(usm.MD5, usm.NoPriv))
	d := newDevice(t, senderID, 1, start, a)
	s := sendersOf(t, nil, a)
	now := start.Add(time.Second)
	first := d.trap(snmp.AuthNoPriv, now)
	if err := open(t, s, first, now); err != nil {
		t.Fatal(err)
	}
	for i := range 6000 {
		now = start.Add(2*time.Second + time.Duration(i)*time.Millisecond)
		if err := open(t, s, d.trap(snmp.AuthNoPriv, now), now); err != nil {
			t.Fatalf("trap %d: %v", i, err)
		}
	}
	if err := open(t, s, first, now); !errors.Is(err, usm.NotInTimeWindow) {
		t.Errorf("the first again: %v", err)
	}
}

func TestSendersRefuse(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	auth, priv := full(usm.SHA, usm.NoPriv), full(usm.SHA, usm.AES)
	wrongAuth, wrongPriv, elsewhere, other := priv, priv, priv, priv
	wrongAuth.AuthPassword = "another password"
	wrongPriv.PrivPassword = "another password"
	elsewhere.EngineID = "\x80\x00\x1f\x88\x80other"
	other.Name = "bob"
	tests := map[string]struct {
		device, configured usm.AccountOptions
		level              snmp.SecurityLevel
		want               error
		known              int
	}{
		"well":                       {priv, priv, snmp.AuthPriv, nil, 1},
		"noAuthNoPriv":               {usm.AccountOptions{Name: "alice"}, usm.AccountOptions{Name: "alice"}, snmp.NoAuthNoPriv, nil, 0},
		"unknown user":               {priv, other, snmp.AuthPriv, usm.UnknownUserName, 0},
		"a user of another engine":   {priv, elsewhere, snmp.AuthPriv, usm.UnknownUserName, 0},
		"wrong password":             {wrongAuth, priv, snmp.AuthPriv, usm.WrongDigest, 0},
		"wrong privacy password":     {wrongPriv, priv, snmp.AuthPriv, usm.DecryptionError, 1},
		"without the privacy it has": {priv, priv, snmp.AuthNoPriv, usm.UnsupportedSecLevel, 0},
		"without any":                {priv, priv, snmp.NoAuthNoPriv, usm.UnsupportedSecLevel, 0},
		"with more than it has":      {priv, auth, snmp.AuthPriv, usm.UnsupportedSecLevel, 0},
	}
	for name, tt := range tests {
		s := sendersOf(t, nil, accountOf(t, tt.configured))
		d := newDevice(t, senderID, 1, now.Add(-time.Minute), accountOf(t, tt.device))
		if err := open(t, s, d.trap(tt.level, now), now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if s.Len() != tt.known {
			t.Errorf("%s: %d engines are known, want %d", name, s.Len(), tt.known)
		}
	}
}

func TestAccounts(t *testing.T) {
	for _, o := range []usm.AccountOptions{
		{}, {Name: string(make([]byte, 33))}, {Name: "a", EngineID: "abc"}, {Name: "a", Priv: usm.AES, PrivPassword: "long enough"},
		{Name: "a", Auth: usm.SHA, AuthPassword: "short"}, {Name: "a", Auth: usm.SHA, AuthPassword: "long enough", Priv: usm.AES, PrivPassword: "short"},
	} {
		if _, err := usm.NewAccount(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	a := accountOf(t, full(usm.SHA, usm.NoPriv))
	if err := sendersOf(t, nil).SetAccounts([]*usm.Account{a, a}); err == nil {
		t.Error("one user twice is taken")
	}
	if _, err := usm.NewSenders([]usm.Clock{{EngineID: "abc"}}); err == nil {
		t.Error("an engine ID of three octets is taken")
	}
}
