//go:build interop

package collector_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// netSNMP is Net-SNMP's snmpd on a loopback port, with its state in a temporary folder.
type netSNMP struct {
	t    *testing.T
	dir  string
	port uint16
	cmd  *exec.Cmd
}

const users = `rocommunity public 127.0.0.1
sysName testbox
createUser sha1 SHA "authpassword" AES "privpassword"
createUser sha256 SHA-256 "authpassword" AES "privpassword"
createUser noauth
rouser sha1 priv
rouser sha256 priv
rouser noauth noauth
`

func startNetSNMP(t *testing.T) *netSNMP {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &netSNMP{t: t, dir: t.TempDir(), port: conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()}
	_ = conn.Close()
	if err := os.WriteFile(filepath.Join(s.dir, "snmpd.conf"), []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *netSNMP) start() {
	s.t.Helper()
	s.cmd = exec.Command("snmpd", "-f", "-Lf", filepath.Join(s.dir, "log"), "-I", "-smux,-mteTrigger,-mteTriggerConf", fmt.Sprintf("udp:127.0.0.1:%d", s.port))
	s.cmd.Env = append(os.Environ(), "SNMPCONFPATH="+s.dir+":"+filepath.Join(s.dir, "state"), "SNMP_PERSISTENT_DIR="+filepath.Join(s.dir, "state"), "MIBS=")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c := s.session(session.Credential{Version: snmp.V2c, Community: secret.New("public")})
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := c.Get(ctx, nil, []oid.OID{system.Append(3, 0)})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("snmpd does not answer: %v\n%s", err, log)
		}
	}
}

func (s *netSNMP) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *netSNMP) session(c session.Credential) session.Client {
	s.t.Helper()
	sockets := session.NewSockets()
	s.t.Cleanup(func() { _ = sockets.Close() })
	client, err := sockets.Open(s.t.Context(), session.Options{
		Host: "127.0.0.1", Port: s.port, Credential: c, Timeout: 500 * time.Millisecond, Retries: 2, Stats: &session.Stats{},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

func (s *netSNMP) target(name string, c session.Credential) collector.Target {
	t := target(name, "system", "interfaces", "ip", "icmp", "tcp", "udp", "snmp")
	t.Address, t.Credential, t.Interval = fmt.Sprintf("127.0.0.1:%d", s.port), c, 2*time.Second
	return t
}

func user(name string, auth session.AuthProtocol) session.Credential {
	return session.Credential{
		Version: snmp.V3, User: name, Auth: auth, AuthPassword: secret.New("authpassword"), Priv: session.AES, PrivPassword: secret.New("privpassword"),
	}
}

// loopback returns the octets that the kernel has received on lo.
func loopback(t *testing.T) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if name, rest, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "lo" {
			n, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no lo in /proc/net/dev")
	return 0
}

// TestNetSNMP polls the daemon of every day with v1, v2c and v3, and holds its loopback interface against the kernel's own count.
func TestNetSNMP(t *testing.T) {
	s := startNetSNMP(t)
	community := secret.New("public")
	targets := []collector.Target{
		s.target("v1", session.Credential{Version: snmp.V1, Community: community}),
		s.target("v2c", session.Credential{Version: snmp.V2c, Community: community}),
		s.target("sha1", user("sha1", session.SHA)),
		s.target("sha256", user("sha256", session.SHA256)),
	}
	type seen struct {
		collector.Poll
		loopback uint64
	}
	polls := make(chan seen, 100)
	c, err := collector.New(collector.Options{Targets: targets, Sinks: []collector.Sink{collector.SinkFunc(func(_ context.Context, p collector.Poll) {
		polls <- seen{p.Clone(), loopback(t)}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	start := loopback(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	got := map[string]int{}
	rates := map[string]int{}
	for n := 0; n < 10*len(targets); n++ {
		p := <-polls
		got[p.Device]++
		if p.Err != nil {
			t.Errorf("%s: %v", p.Device, p.Err)
			continue
		}
		for _, m := range []string{"system", "interface", "ip", "icmp", "tcp", "udp", "snmp"} { // of the tables beside interface, an agent may have none
			if !slices.Contains(p.Complete, m) {
				t.Errorf("%s: complete are %v", p.Device, p.Complete)
			}
		}
		lo := rowOf(t, p.Poll, "interface", "ifDescr", "lo")
		if lo.Tag("hostname") != "testbox" || lo.Tag("ifName") != "lo" {
			t.Errorf("%s: tags %v", p.Device, lo.Tags)
		}
		name := "ifHCInOctets"
		if p.Device == "v1" {
			name = "ifInOctets"
			if _, ok := lo.Field("ifHCInOctets"); ok {
				t.Error("v1 has a Counter64")
			}
		}
		f := fieldOf(t, lo, name)
		if p.Device != "v1" && (f.Num > p.loopback || f.Num+1<<30 < start) {
			t.Errorf("%s: ifHCInOctets of lo is %d, the kernel says %d before and %d after", p.Device, f.Num, start, p.loopback)
		}
		if f.Verdict == counter.OK {
			rates[p.Device]++
		}
		for _, m := range []string{"ip", "tcp", "udp", "snmp"} {
			for _, f := range rowOf(t, p.Poll, m, "device", p.Device).Fields {
				// Reset may come: an agent as young as this one could have started again since the last fresh reading.
				if f.Verdict == counter.Implausible || f.Rate < 0 {
					t.Errorf("%s: %s is %v, %v", p.Device, f.Name, f.Verdict, f.Rate)
				}
			}
		}
		if in := fieldOf(t, rowOf(t, p.Poll, "snmp", "device", p.Device), "snmpInPkts"); in.Num == 0 {
			t.Errorf("%s: snmpInPkts is 0", p.Device)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, tg := range targets {
		if got[tg.Name] < 8 || rates[tg.Name] < 2 {
			t.Errorf("%s: %d polls, %d rates of lo", tg.Name, got[tg.Name], rates[tg.Name])
		}
	}
	t.Logf("polls %v, rates of lo %v", got, rates)
	for _, st := range c.Stats() {
		t.Logf("%s: %d requests, %d retries, %v, verdicts %v, findings %v", st.Device, st.Requests, st.Retries, st.Duration, st.Verdicts, st.Findings)
	}
}

func TestNetSNMPRefusesUsers(t *testing.T) {
	s := startNetSNMP(t)
	wrongAuth, wrongPriv, level := user("sha1", session.SHA), user("sha1", session.SHA), user("sha1", session.SHA)
	wrongAuth.AuthPassword, wrongPriv.PrivPassword = secret.New("something else"), secret.New("something else")
	level.Priv, level.PrivPassword = "", secret.String{}
	tests := map[string]struct {
		credential session.Credential
		want       error
	}{
		"unknown user":      {user("nobody", session.SHA), session.ErrUnknownUser},
		"wrong password":    {wrongAuth, session.ErrWrongDigest},
		"wrong protocol":    {user("sha1", session.SHA512), session.ErrWrongDigest},
		"wrong key of priv": {wrongPriv, session.ErrTimeout}, // AES makes garbage of it, which is dropped
		"wrong community":   {session.Credential{Version: snmp.V2c, Community: secret.New("private")}, session.ErrTimeout},
		"good":              {user("sha1", session.SHA), nil},
		"noAuthNoPriv":      {session.Credential{Version: snmp.V3, User: "noauth"}, nil},
	}
	for name, test := range tests {
		c := s.session(test.credential)
		_, err := c.Get(t.Context(), nil, []oid.OID{system.Append(3, 0)})
		_ = c.Close()
		if !isOrNil(err, test.want) {
			t.Errorf("%s: %v (%s), want %v", name, err, session.Reason(err), test.want)
		}
	}
	// Without the level that its access needs a user is let in and sees nothing: authorizationError.
	c := s.session(level)
	defer func() { _ = c.Close() }()
	if _, err := c.Get(t.Context(), nil, []oid.OID{system.Append(3, 0)}); session.Reason(err) != "authorizationError" {
		t.Errorf("too low a level: %v (%s)", err, session.Reason(err))
	}
}

// TestNetSNMPRestarts holds that a session of v3 survives a restart of the agent, whose snmpEngineBoots is then another, and its being
// replaced by one of another snmpEngineID.
func TestNetSNMPRestarts(t *testing.T) {
	s := startNetSNMP(t)
	c := s.session(user("sha256", session.SHA256))
	defer func() { _ = c.Close() }()
	name := func(c session.Client) error {
		got, err := c.Get(t.Context(), nil, []oid.OID{system.Append(5, 0)})
		if err == nil && got[0].Value.Octets() != "testbox" {
			t.Errorf("sysName is %v", got)
		}
		return err
	}
	for i := range 3 {
		if err := name(c); err != nil {
			t.Errorf("after %d restarts: %v", i, err)
		}
		s.stop()
		if err := name(c); session.Reason(err) != "unreachable" {
			t.Errorf("while it is down: %v", err)
		}
		s.start()
	}
	s.stop()
	if err := os.RemoveAll(filepath.Join(s.dir, "state")); err != nil {
		t.Fatal(err)
	}
	s.start()
	if err := name(c); err != nil {
		t.Errorf("another engine: %v", err)
	}
}

func isOrNil(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}
