package simulated_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/notify"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/collector/trap"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// trapSocket is a socket as the receiver of notifications wants it.
type trapSocket struct{ *packetnet.Conn }

func (s trapSocket) ReadPacket(b []byte) (int, trap.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	return n, trap.Peer{Remote: from}, err
}

func (s trapSocket) WritePacket(b []byte, to trap.Peer) error {
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

// receive runs a receiver at 192.0.2.100:162 of one target, sw1 at 192.0.2.1, until the test ends.
func receive(t *testing.T, network *packetnet.Network, credentials ...trap.Credential) (*trap.Receiver, chan trap.Notification) {
	t.Helper()
	got := make(chan trap.Notification, 100)
	r, err := trap.New(trap.Options{
		Config: trap.Config{Credentials: credentials, Targets: []trap.Target{{Name: "sw1", Host: "192.0.2.1"}}},
		State:  trap.State{EngineID: "\x80\x00\x1f\x88\x80receiver", Boots: 1}, Handle: func(n trap.Notification) { got <- n },
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Listen(netip.AddrPortFrom(here, 162))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Serve(ctx, trapSocket{conn}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r, got
}

// TestAgentsNotifications holds that what our agent sends is received, in every version and by every pair of algorithms, as traps and as informs.
func TestAgentsNotifications(t *testing.T) {
	type sending struct {
		version snmp.Version
		inform  bool
		auth    usm.AuthProtocol
		priv    usm.PrivProtocol
	}
	tests := []sending{{version: snmp.V1}, {version: snmp.V2c}, {version: snmp.V2c, inform: true}}
	for auth := usm.NoAuth; auth <= usm.SHA512; auth++ {
		for priv := usm.NoPriv; priv <= usm.AES256C; priv++ {
			if auth != usm.NoAuth || priv == usm.NoPriv {
				tests = append(tests, sending{snmp.V3, false, auth, priv}, sending{snmp.V3, true, auth, priv})
			}
		}
	}
	for _, tt := range tests {
		name := fmt.Sprintf("%v inform %v %v %v", tt.version, tt.inform, tt.auth, tt.priv)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := packetnet.New(1, packetnet.Faults{Delay: 5 * time.Millisecond})
				credential := session.Credential{Version: tt.version, Community: secret.New("public")}
				target := notify.Target{Name: "r", Network: "udp4", Address: "192.0.2.100:162", Version: tt.version, Inform: tt.inform,
					Community: secret.New("public"), View: vacm.All(), Level: snmp.NoAuthNoPriv, Retries: 2}
				if tt.version == snmp.V3 {
					credential = session.Credential{Version: snmp.V3, User: "alice"}
					o := usm.AccountOptions{Name: "alice", Auth: tt.auth, Priv: tt.priv}
					if tt.auth != usm.NoAuth {
						credential.Auth, credential.AuthPassword, o.AuthPassword = session.AuthProtocol(tt.auth.String()), secret.New("authentication"), "authentication"
						target.Level = snmp.AuthNoPriv
					}
					if tt.priv != usm.NoPriv {
						credential.Priv, credential.PrivPassword, o.PrivPassword = session.PrivProtocol(tt.priv.String()), secret.New("privacy password"), "privacy password"
						target.Level = snmp.AuthPriv
					}
					a, err := usm.NewAccount(o)
					if err != nil {
						t.Fatal(err)
					}
					target.User = func(engineID string) (usm.User, error) { return a.User(engineID), nil }
				}
				r, got := receive(t, network, trap.Credential{Credential: credential})
				engine, err := usm.NewEngine("\x80\x00\x1f\x88\x80switch", 1, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				s := notify.New(notify.Config{Start: time.Now(), Engine: engine, Dial: func(context.Context, string, string, netip.AddrPort) (net.Conn, error) {
					return network.Dial(netip.MustParseAddr("192.0.2.1"), netip.AddrPortFrom(here, 162))
				}})
				if err := s.SetTargets([]notify.Target{target}); err != nil {
					t.Fatal(err)
				}
				index := snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.3"), Value: snmp.Integer(3)}
				for range 3 {
					s.Notify(notify.Notification{TrapOID: notify.LinkDown, VarBinds: []snmp.VarBind{index}})
					time.Sleep(time.Second)
				}
				s.Close(t.Context())
				synctest.Wait()
				if len(got) != 3 {
					t.Fatalf("%d notifications were received of 3: %v", len(got), r.Stats())
				}
				n := <-got
				if n.Name(smi.BuiltIn()) != "linkDown" || n.Target.Name != "sw1" || n.Inform != tt.inform || n.Version != tt.version || n.VarBinds[0] != index {
					t.Errorf("it is %+v", n)
				}
				if want := s.Stats.Sent.Load(); want != 3 || tt.inform && s.Stats.Acknowledged.Load() != 3 {
					t.Errorf("sent %d, acknowledged %d", want, s.Stats.Acknowledged.Load())
				}
				stats := r.Stats()
				delete(stats, "engine_discovery")
				for name, count := range stats {
					if count == 0 {
						delete(stats, name)
					}
				}
				if diff := cmp.Diff(map[string]uint64{"accepted": 3}, stats); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
