//go:build interop

package simulated_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/collector/trap"
	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/snmp"
)

// kernelSocket is a socket of the system as the receiver wants it.
type kernelSocket struct{ *agent.UDP }

func (s kernelSocket) ReadPacket(b []byte) (int, trap.Peer, error) {
	n, from, err := s.UDP.ReadPacket(b)
	return n, trap.Peer(from), err
}

func (s kernelSocket) WritePacket(b []byte, to trap.Peer) error {
	return s.UDP.WritePacket(b, agent.Peer(to))
}

// receiveReal runs a receiver on a free port of loopback until the test ends.
func receiveReal(t *testing.T, credentials ...trap.Credential) (r *trap.Receiver, address string, got chan trap.Notification) {
	t.Helper()
	got = make(chan trap.Notification, 1000)
	r, err := trap.New(trap.Options{
		Config: trap.Config{Credentials: credentials, Targets: []trap.Target{{Name: "this-host", Host: "127.0.0.1"}}},
		State:  trap.State{EngineID: "\x80\x00\x1f\x88\x80receiver", Boots: 1}, Handle: func(n trap.Notification) { got <- n },
	})
	if err != nil {
		t.Fatal(err)
	}
	udp, err := agent.ListenUDP(t.Context(), "udp4", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Serve(ctx, kernelSocket{udp}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r, udp.LocalAddr().String(), got
}

func await(t *testing.T, r *trap.Receiver, got chan trap.Notification) trap.Notification {
	t.Helper()
	select {
	case n := <-got:
		return n
	case <-time.After(time.Minute):
		t.Fatalf("nothing was received: %v", r.Stats())
		return trap.Notification{}
	}
}

// TestNetSNMPsTools holds that what Net-SNMP's snmptrap and snmpinform send is received, in every version and by every pair of algorithms that they know.
func TestNetSNMPsTools(t *testing.T) {
	auths := []string{"MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}
	privs := []string{"", "DES", "AES", "AES-192", "AES-256"}
	credentials := []trap.Credential{{Credential: session.Credential{Version: snmp.V2c, Community: secret.New("public")}},
		{Credential: session.Credential{Version: snmp.V3, User: "plain"}}}
	how := map[string][]string{
		"-v1": {"-v1", "-c", "public"}, "-v2c": {"-v2c", "-c", "public"}, "plain": {"-v3", "-u", "plain", "-l", "noAuthNoPriv"},
	}
	for _, auth := range auths {
		for _, priv := range privs {
			name := strings.ReplaceAll(auth+priv, "-", "")
			c := session.Credential{Version: snmp.V3, User: name, Auth: session.AuthProtocol(auth), AuthPassword: secret.New("authentication")}
			args := []string{"-v3", "-u", name, "-a", auth, "-A", "authentication", "-l", "authNoPriv"}
			if priv != "" {
				c.Priv, c.PrivPassword = session.PrivProtocol(priv), secret.New("privacy password")
				args = append(args, "-x", priv, "-X", "privacy password", "-l", "authPriv")
			}
			credentials = append(credentials, trap.Credential{Credential: c})
			how[name] = args
		}
	}
	r, address, got := receiveReal(t, credentials...)
	i := 0
	for name, args := range how {
		i++
		index := fmt.Sprint(i)
		varBind := []string{".1.3.6.1.2.1.2.2.1.1." + index, "i", index}
		send := func(tool string, more ...string) {
			t.Helper()
			if res := interop.NetSNMP(t, tool, append(append(append([]string(nil), args...), more...), varBind...)...); res.Code != 0 {
				t.Errorf("%s %s: %s", tool, name, res.Err)
				return
			}
			n := await(t, r, got)
			if n.TrapOID != trap.LinkDown || n.Target.Name != "this-host" || n.Inform != (tool == "snmpinform") || n.VarBinds[0].Value != snmp.Integer(int32(i)) {
				t.Errorf("%s %s: %+v", tool, name, n)
			}
		}
		if name == "-v1" {
			send("snmptrap", address, ".1.3.6.1.4.1.9999", "127.0.0.1", "2", "0", "100")
			continue
		}
		send("snmptrap", address, "100", ".1.3.6.1.6.3.1.1.5.3")
		send("snmpinform", address, "100", ".1.3.6.1.6.3.1.1.5.3")
	}
	res := interop.NetSNMP(t, "snmpinform", "-v3", "-u", "SHA", "-a", "SHA", "-A", "another password", "-l", "authNoPriv", "-r", "0", "-t", "1", address, "1", ".1.3.6.1.6.3.1.1.5.3")
	if s := r.Stats(); res.Code == 0 || s["wrong_digest"] != 1 || s["malformed"]+s["replayed"]+s["outside_time_window"] != 0 {
		t.Errorf("a wrong password: %+v; %v", res, s)
	}
}

// TestNetSNMPsDaemon holds that what Net-SNMP's daemon tells of itself is received: its start by a trap of each version, and its end by informs.
func TestNetSNMPsDaemon(t *testing.T) {
	secure := session.Credential{Version: snmp.V3, User: "alice", Auth: session.SHA, AuthPassword: secret.New("authentication"), Priv: session.AES, PrivPassword: secret.New("privacypassword")}
	r, address, got := receiveReal(t, trap.Credential{Credential: session.Credential{Version: snmp.V2c, Community: secret.New("public")}}, trap.Credential{Credential: secure})
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("exactEngineID 0x80001f888001020304\ncreateUser alice SHA authentication AES privacypassword\nrocommunity public\ntrapsink 127.0.0.1 public %[1]s\ntrap2sink 127.0.0.1 public %[1]s\ninformsink 127.0.0.1 public %[1]s\n"+
		"trapsess -v3 -e 0x80001f888001020304 -u alice -a SHA -A authentication -x AES -X privacypassword -l authPriv 127.0.0.1:%[1]s\n", port)
	interop.StartNetSNMPD(t, config, "public")
	seen := map[string]int{}
	for range 4 {
		n := await(t, r, got)
		seen[fmt.Sprintf("%v %v %s", n.Version, n.Inform, n.Name(smi.BuiltIn()))]++
	}
	for _, want := range []string{"1 false coldStart", "2c false coldStart", "2c true coldStart", "3 false coldStart"} {
		if seen[want] != 1 {
			t.Errorf("no %s: %v", want, seen)
		}
	}
}
