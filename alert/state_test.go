package alert_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
)

// busy returns an engine with something in every part of its snapshot.
func busy(t testing.TB) *alert.Engine {
	t.Helper()
	e := alert.NewEngine()
	cfg := alert.DefaultConfig()
	cfg.Targets = []alert.Target{{Device: "sw1"}, {Device: "sw2"}}
	cfg.InterfaceMismatch.KeepFiringFor = 0
	e.Configure(start, cfg)
	tt, ok := t.(*testing.T)
	if !ok {
		tt = &testing.T{}
	}
	for i, text := range []string{
		"up=5000 | p1 up/down | p2 up/down in=0 last=0 | p3 up/up | p4 up/down",
		"up=11000 | p1 up/down | p2 up/down in=0 last=0 | p4 up/down",
		"up=17000 | p1 down/up | p2 up/down in=0 last=0 | p4 up/down",
		"reset up=100 | p1 down/up",
	} {
		e.Observe(parsePoll(tt, text, start.Add(time.Duration(i)*time.Minute)))
	}
	for i := range 3 {
		e.Failed(start.Add(time.Duration(4+i)*time.Minute), "sw2", bytes.ErrTooLarge)
	}
	return e
}

func TestSnapshotRoundTrip(t *testing.T) {
	now := start.Add(time.Hour)
	want := busy(t).Snapshot(now)
	if len(want.Resolved) == 0 || want.Devices[1].Unreachable == nil || want.Devices[0].Interfaces[0].Mismatch == nil ||
		want.Devices[0].Interfaces[1].NeverUp.IsZero() || want.Devices[0].HeldUntil.IsZero() {
		t.Fatalf("the example lacks something: %+v", want)
	}
	e := alert.NewEngine()
	e.Restore(want)
	if diff := cmp.Diff(want, e.Snapshot(now)); diff != "" {
		t.Errorf("after Restore (-want +got):\n%s", diff)
	}
	data, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := alert.DecodeSnapshot(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
}

func TestDecodeSnapshotRefuses(t *testing.T) {
	data, err := busy(t).Snapshot(start).Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	for name, c := range map[string]struct{ old, new, want string }{
		"another version":       {`"version":1`, `"version":2`, "version 2"},
		"a device twice":        {`{"device":"sw2",`, `{"device":"sw1",`, `device "sw1" is there twice`},
		"an interface twice":    {`"key":"p3"`, `"key":"p2"`, `interface "p2" is there twice`},
		"a listed state":        {`"state":"firing"`, `"state":"listed"`, "is listed"},
		"an unknown state":      {`"state":"firing"`, `"state":"burning"`, "no such state"},
		"an unknown rule":       {`"rule":"device_unreachable"`, `"rule":"x"`, `rule "x"`},
		"a wrong fingerprint":   {`"fingerprint":"`, `"fingerprint":"0`, "fingerprint"},
		"a time out of range":   {`"since":"2026`, `"since":"9999`, "out of range"},
		"a missing time":        {`"fired_at"`, `"x_fired_at"`, "lacks a time"},
		"negative polls":        {`"polls":`, `"polls":-`, "polls"},
		"negative failures":     {`"failed":3`, `"failed":-3`, "failed polls"},
		"a number for a device": {`"device":"sw2"`, `"device":5`, "does not decode"},
		"a flapping beginning":  {`"state":"pending"`, `"state":"pending","flapping":true`, "is flapping while pending"},
		"a change out of range": {`"flaps":["2026`, `"flaps":["9999`, "out of range"},
		"nothing":               {good, "", "not JSON"},
		"cut off":               {good, good[:len(good)/2], "not JSON"},
		"something behind":      {good, good + "x", "not JSON"},
		"octets of zero":        {good, strings.Repeat("\x00", 512), "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(good, c.old, c.new, 1)
			if bad == good {
				t.Fatalf("%q is not in %s", c.old, good)
			}
			_, err := alert.DecodeSnapshot([]byte(bad))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestEveryPrefixOfASnapshotIsAnError(t *testing.T) {
	data, err := busy(t).Snapshot(start).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		if _, err := alert.DecodeSnapshot(data[:i]); err == nil {
			t.Fatalf("the first %d of %d octets decode", i, len(data))
		}
	}
}

// Whatever DecodeSnapshot accepts, an engine can go on from, and can write again.
func FuzzRestore(f *testing.F) {
	data, err := busy(f).Snapshot(start).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"saved_at":"2026-03-01T12:00:00Z","devices":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := alert.DecodeSnapshot(data)
		if err != nil {
			return
		}
		e := alert.NewEngine()
		e.Restore(s)
		cfg := config()
		for _, d := range s.Devices {
			cfg.Targets = append(cfg.Targets, alert.Target{Device: d.Device})
		}
		e.Configure(start, cfg)
		e.Alerts(start)
		e.Advance(start)
		for i, text := range []string{"up=100 | p1 up/down | p2 up/up", "up=6100 | p1 up/up", "up=12100 | p1 down/up", "up=0"} {
			e.Observe(parsePoll(t, text, start.Add(time.Duration(i)*time.Minute)))
		}
		again, err := e.Snapshot(start).Encode()
		if err != nil {
			t.Fatalf("state does not encode: %v", err)
		}
		if _, err := alert.DecodeSnapshot(again); err != nil {
			t.Fatalf("what was written is not readable: %v\n%s", err, again)
		}
	})
}
