package notify_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"walkabout/agent/notify"
	"walkabout/internal/packetnet"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

const (
	ownID      = "\x80\x00\x1f\x88\x80agent"
	receiverID = "\x80\x00\x1f\x88\x80receiver"
)

func ownEngine(t *testing.T) *usm.Engine {
	t.Helper()
	e, err := usm.NewEngine(ownID, 3, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// alice returns the user with keys at the engine.
func alice(auth usm.AuthProtocol, priv usm.PrivProtocol) func(string) (usm.User, error) {
	return func(engineID string) (usm.User, error) {
		u := usm.User{Name: "alice", Auth: auth, Priv: priv}
		if auth == usm.NoAuth {
			return u, nil
		}
		ku, err := usm.PasswordToKey(auth, "open sesame")
		u.AuthKey = usm.Localize(auth, ku, engineID)
		if priv != usm.NoPriv {
			u.PrivKey = usm.PrivKey(auth, priv, ku, engineID)
		}
		return u, err
	}
}

func targetV3(inform bool, auth usm.AuthProtocol, priv usm.PrivProtocol) notify.Target {
	t := target("v3", receiver, snmp.V3, inform)
	t.User, t.Level = alice(auth, priv), snmp.AuthPriv
	switch {
	case auth == usm.NoAuth:
		t.Level = snmp.NoAuthNoPriv
	case priv == usm.NoPriv:
		t.Level = snmp.AuthNoPriv
	}
	return t
}

// receiverV3 is a receiver of informs: an engine that answers as RFC 3412 and RFC 3414 have it.
type receiverV3 struct {
	k      *kit
	c      *packetnet.Conn
	engine *usm.Engine
	mangle func(answer []byte) []byte // nil for none
	level  snmp.SecurityLevel         // of Responses; 0 is that of the request
	got    []snmp.ScopedPDU
	n      int // datagrams
}

func newReceiver(k *kit, id string, boots uint32, user func(string) (usm.User, error)) *receiverV3 {
	k.t.Helper()
	r := &receiverV3{k: k, c: k.listen(receiver)}
	r.restart(id, boots, user)
	return r
}

func (r *receiverV3) restart(id string, boots uint32, user func(string) (usm.User, error)) {
	r.k.t.Helper()
	u, err := user(id)
	if err == nil {
		r.engine, err = usm.NewEngine(id, boots, time.Now().Add(-time.Hour))
	}
	if err == nil {
		err = r.engine.SetUsers([]usm.User{u})
	}
	if err != nil {
		r.k.t.Fatal(err)
	}
}

// serve answers datagrams until none comes for a minute.
func (r *receiverV3) serve() {
	r.k.t.Helper()
	for {
		b, from, _ := r.k.read(r.c)
		if b == nil {
			return
		}
		r.n++
		if answer := r.answer(b); answer != nil {
			if r.mangle != nil {
				answer = r.mangle(answer)
			}
			if _, err := r.c.WriteToAddrPort(answer, from); err != nil {
				r.k.t.Fatal(err)
			}
		}
	}
}

func (r *receiverV3) answer(b []byte) []byte {
	m, err := snmp.ParseV3(b)
	if err != nil {
		r.k.t.Fatal(err)
	}
	now := time.Now()
	var d snmp.Decoder
	s := snmp.ScopedPDU{ContextEngineID: r.engine.ID()}
	o, err := r.engine.Open(b, &m, now)
	var refusal usm.Refusal
	switch {
	case errors.As(err, &refusal):
		if refusal != usm.NotInTimeWindow {
			o.Level = snmp.NoAuthNoPriv
		}
		s.PDU = snmp.PDU{Type: snmp.Report, VarBinds: []snmp.VarBind{{Name: oid.New(1, 3, 6, 1, 6, 3, 15, 1, 1, uint32(refusal), 0), Value: snmp.Counter32(1)}}}
	case err != nil:
		r.k.t.Fatal(err)
	default:
		if err := d.DecodeScoped(o.Content, &s); err != nil {
			r.k.t.Fatal(err)
		}
		r.got = append(r.got, s)
		s.PDU.Type = snmp.Response
		if r.level != 0 {
			o.Level = r.level
		}
	}
	var w usm.Sealer
	return r.engine.Seal(nil, &w, snmp.MessageV3{ID: m.ID, MaxSize: 1500}, &o, &s, now)
}

// protocols calls f with every pair.
func protocols(t *testing.T, f func(t *testing.T, auth usm.AuthProtocol, priv usm.PrivProtocol)) {
	for auth := usm.NoAuth; auth <= usm.SHA512; auth++ {
		for priv := usm.NoPriv; priv <= usm.AES256C; priv++ {
			if auth == usm.NoAuth && priv != usm.NoPriv {
				continue
			}
			t.Run(fmt.Sprint(auth, "/", priv), func(t *testing.T) { f(t, auth, priv) })
		}
	}
}

func TestTrapV3(t *testing.T) {
	protocols(t, func(t *testing.T, auth usm.AuthProtocol, priv usm.PrivProtocol) {
		run(t, func(k *kit) {
			c := k.listen(receiver)
			trap := targetV3(false, auth, priv)
			trap.Context = "bridge1"
			k.targets(trap)
			u, err := alice(auth, priv)(ownID)
			same := ownEngine(t) // what a receiver knows that has a user of this agent's engine
			if err == nil {
				err = same.SetUsers([]usm.User{u})
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart, Context: "its own"})
			b, _, _ := k.read(c)
			m, err := snmp.ParseV3(b)
			if err != nil {
				t.Fatal(err)
			}
			o, err := same.Open(b, &m, time.Now())
			var d snmp.Decoder
			var s snmp.ScopedPDU
			if err == nil {
				err = d.DecodeScoped(o.Content, &s)
			}
			if err != nil || o.Level != trap.Level || s.PDU.Type != snmp.TrapV2 || s.ContextName != "its own" || s.ContextEngineID != ownID {
				t.Errorf("%v, %v, %+v", err, o.Level, s)
			}
			if m.Flags&snmp.ReportableFlag != 0 {
				t.Error("reportable")
			}
			k.stats(1, 0, 0, 0)
		})
	})
}

func TestInformV3(t *testing.T) {
	protocols(t, func(t *testing.T, auth usm.AuthProtocol, priv usm.PrivProtocol) {
		run(t, func(k *kit) {
			r := newReceiver(k, receiverID, 5, alice(auth, priv))
			k.targets(targetV3(true, auth, priv))
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
			r.serve()
			k.stats(1, 1, 0, 0)
			if r.n != 2 { // discovery told the time as well
				t.Errorf("%d datagrams for the first", r.n)
			}
			k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
			r.serve()
			k.stats(2, 2, 0, 0)
			if r.n != 3 || len(r.got) != 2 || r.got[1].PDU.VarBinds[1].Value.OID() != notify.WarmStart {
				t.Errorf("%d datagrams; %+v", r.n, r.got)
			}
		})
	})
}

// A receiver that restarts, with a new time or as another engine, is found again within one inform.
func TestInformV3AfterRestart(t *testing.T) {
	run(t, func(k *kit) {
		user := alice(usm.SHA256, usm.AES)
		r := newReceiver(k, receiverID, 5, user)
		k.targets(targetV3(true, usm.SHA256, usm.AES))
		for i, restart := range []func(){
			func() {},
			func() { r.restart(receiverID, 6, user) },
			func() { r.restart(receiverID+"2", 1, user) },
			func() { time.Sleep(30 * 24 * time.Hour) },
		} {
			restart()
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
			r.serve()
			k.stats(uint64(i+1), uint64(i+1), 0, 0)
		}
	})
}

func TestInformV3ToAKnownEngine(t *testing.T) {
	run(t, func(k *kit) {
		r := newReceiver(k, receiverID, 5, alice(usm.SHA, usm.DES))
		inform := targetV3(true, usm.SHA, usm.DES)
		inform.EngineID = receiverID
		k.targets(inform)
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		r.serve()
		k.stats(1, 1, 0, 0)
		r.restart(receiverID+"2", 1, alice(usm.SHA, usm.DES)) // not the one that is configured
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		r.serve()
		k.stats(2, 1, 1, 0)
		if !strings.Contains(k.log.String(), "configured") {
			t.Errorf("log: %s", k.log)
		}
	})
}

// Answers that are not authentic, or not of the level that was asked, acknowledge nothing, and cost a bounded number of datagrams.
func TestInformV3DistrustsAnswers(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[len(b)+at] ^= 1; return b }
	}
	for name, c := range map[string]struct {
		user   func(string) (usm.User, error)
		mangle func([]byte) []byte
		level  snmp.SecurityLevel
		log    string
	}{
		"another key":          {func(id string) (usm.User, error) { return alice(usm.SHA256, usm.AES)(id + "x") }, nil, 0, "wrong digest"},
		"another user":         {func(string) (usm.User, error) { return usm.User{Name: "bob"}, nil }, nil, 0, "unknown user name"},
		"a level that is less": {alice(usm.SHA256, usm.AES), nil, snmp.AuthNoPriv, "no acknowledgement"},
		"no security":          {alice(usm.SHA256, usm.AES), nil, snmp.NoAuthNoPriv, "another security level"},
		"changed in the end":   {alice(usm.SHA256, usm.AES), flip(-1), 0, "no acknowledgement"},
		"cut short":            {alice(usm.SHA256, usm.AES), func(b []byte) []byte { return b[:len(b)/2] }, 0, "no acknowledgement"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(k *kit) {
				r := newReceiver(k, receiverID, 5, c.user)
				r.mangle, r.level = c.mangle, c.level
				k.targets(targetV3(true, usm.SHA256, usm.AES))
				k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
				r.serve()
				k.stats(1, 0, 1, 0)
				if r.n > 3+4 {
					t.Errorf("%d datagrams", r.n)
				}
				if !strings.Contains(k.log.String(), c.log) {
					t.Errorf("log: %s", k.log)
				}
			})
		})
	}
}

// A receiver that calls itself another engine each time is not followed for ever.
func TestInformV3EndlessDiscovery(t *testing.T) {
	run(t, func(k *kit) {
		r := newReceiver(k, receiverID, 5, alice(usm.MD5, usm.NoPriv))
		k.targets(targetV3(true, usm.MD5, usm.NoPriv))
		i := 0
		r.mangle = func(b []byte) []byte {
			i++
			r.restart(receiverID+fmt.Sprint(i), 5, alice(usm.MD5, usm.NoPriv))
			return b
		}
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		r.serve()
		k.stats(1, 0, 1, 0)
		if r.n > 3+4 {
			t.Errorf("%d datagrams", r.n)
		}
	})
}

func TestV3WithoutKeys(t *testing.T) {
	run(t, func(k *kit) {
		k.listen(receiver)
		gone := targetV3(false, usm.SHA, usm.AES)
		gone.User = func(string) (usm.User, error) { return usm.User{}, errors.New("no such user") }
		low := targetV3(false, usm.SHA, usm.NoPriv)
		low.Name, low.Level, low.Address = "low", snmp.AuthPriv, netip.AddrPortFrom(receiver.Addr(), 1).String()
		k.targets(gone, low)
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		k.stats(0, 0, 0, 2)
		if s := k.log.String(); !strings.Contains(s, "no such user") || !strings.Contains(s, "no keys for authPriv") {
			t.Errorf("log: %s", s)
		}
	})
}
