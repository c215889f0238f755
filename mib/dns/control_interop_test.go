//go:build interop

package dns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/mib/dns"
)

// The values of dnsServCounterTransport.
const (
	transportUDP = 1
	transportTCP = 2
)

// TestDNSTap: without load a server's dnstap counts the script exactly.
func TestDNSTap(t *testing.T) {
	for _, kind := range []string{"bind", "unbound", "nsd"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			tap, _ := newTap()
			path := folder(t) + "/tap"
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			for name, mode := range map[string]os.FileMode{filepath.Dir(path): 0o755, path: 0o777} {
				if err := os.Chmod(name, mode); err != nil {
					t.Fatal(err)
				}
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- tap.Serve(ctx, l) }()
			defer func() {
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}()
			_, addr := startUpstream(t)
			s := servers[kind](t, addr, path)
			b, err := dns.Open(s.kind, s.access)
			if err != nil {
				t.Fatal(err)
			}
			m, err := dns.New(dns.Options{Name: kind, Backend: b, Tap: tap})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			await(t, func() string { // it connects when it likes
				script[0].ask(t, s.address)
				return cmp.Diff(true, tap.Stats().Frames > 0)
			})
			frames, quiet := uint64(0), 0
			await(t, func() string { // and keeps frames for a second or two
				now := tap.Stats().Frames
				if quiet++; now != frames {
					frames, quiet = now, 0
				}
				return cmp.Diff(true, quiet > 30)
			})
			before := names(walk(t, m), "dnsServ")
			asked, rows := map[string]int{}, map[string]int{}
			for _, q := range append(slices.Clone(script), query{name: "wpad.", kind: mdns.TypeA, noRD: true}) {
				if q.raw != "" || q.opcode != mdns.OpcodeQuery { // which are answered without a frame, or without the question
					continue
				}
				count(asked, q.ask(t, s.address))
				transport := transportUDP
				if q.tcp {
					transport = transportTCP
				}
				rows[fmt.Sprintf(".%d.1.%d.%d", q.opcode, q.kind, transport)]++
			}
			asked["dnsServCounterRelNames"] = 1
			await(t, func() string {
				got, want := map[string]int{}, map[string]int{}
				all := names(walk(t, m), "dnsServ")
				for name, n := range asked {
					self := "dnsServOptCounterSelf" + strings.TrimPrefix(name, "dnsServCounter")
					want[self] = n
					got[self] = difference(all, before, self+".0")
				}
				for _, object := range []string{"dnsServCounterRequests", "dnsServCounterResponses"} {
					for row, n := range rows {
						want[object+row], got[object+row] = n, difference(all, before, object+row)
					}
				}
				return cmp.Diff(want, got)
			})
			if s := tap.Stats(); s.Malformed > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func difference(after, before map[string]string, name string) int {
	a, _ := strconv.Atoi(after[name])
	b, _ := strconv.Atoi(before[name])
	return a - b
}

// TestControlByTLS speaks to Unbound's control channel with the certificates that unbound-control-setup makes, and to nobody else's.
func TestControlByTLS(t *testing.T) {
	_, addr := startUpstream(t)
	s, port := newServer(t, "unbound")
	channel := freePort(t)
	interop.Run(t, "unbound", "unbound-control-setup", "-d", s.dir)
	s.write(t, "unbound.conf", `
server:
  interface: 127.0.0.1@%[2]d
  chroot: ""
  username: ""
  directory: "%[1]s"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
remote-control:
  control-enable: yes
  control-interface: 127.0.0.1
  control-port: %[3]d
  control-use-cert: yes
  server-key-file: "%[1]s/unbound_server.key"
  server-cert-file: "%[1]s/unbound_server.pem"
  control-key-file: "%[1]s/unbound_control.key"
  control-cert-file: "%[1]s/unbound_control.pem"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@%[4]d
`, s.dir, port, channel, addr.Port)
	s.access = dns.Access{Address: fmt.Sprintf("127.0.0.1:%d", channel), Certificates: dns.Certificates{
		CA: s.dir + "/unbound_server.pem", Cert: s.dir + "/unbound_control.pem", Key: s.dir + "/unbound_control.key",
	}}
	s.program, s.args, s.ready = "unbound", []string{"-d", "-c", s.dir + "/unbound.conf"}, "start of service"
	s.start(t)
	if got := names(walkOf(t, s), "dnsServConfigImplementIdent"); !strings.HasPrefix(got["dnsServConfigImplementIdent.0"], "unbound 1.") {
		t.Errorf("%v", got)
	}
	other := folder(t)
	interop.Run(t, "unbound", "unbound-control-setup", "-d", other)
	for what, c := range map[string]dns.Certificates{
		"another server's": {CA: other + "/unbound_server.pem", Cert: s.access.Certificates.Cert, Key: s.access.Certificates.Key},
		"another client's": {CA: s.access.Certificates.CA, Cert: other + "/unbound_control.pem", Key: other + "/unbound_control.key"},
	} {
		b, err := dns.Open("unbound", dns.Access{Address: s.access.Address, Certificates: c})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(t.Context()); err == nil {
			t.Errorf("%s certificate is good enough", what)
		}
	}
}

// TestReload: a SET of dnsServConfigReset has each server that takes orders reload.
func TestReload(t *testing.T) {
	for _, kind := range []string{"bind", "unbound", "nsd", "knot"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, addr := startUpstream(t)
			s := servers[kind](t, addr, "")
			s.write(t, "example.zone", "%s", strings.ReplaceAll(exampleZone("example.test"), "2024010101", "2024010102"))
			b, err := dns.Open(s.kind, s.access)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.(dns.Reloader).Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			await(t, func() string {
				a := query{name: "example.test.", kind: mdns.TypeSOA}.ask(t, s.address)
				if a == nil || len(a.Answer) != 1 {
					return "no answer"
				}
				return cmp.Diff(uint32(2024010102), a.Answer[0].(*mdns.SOA).Serial)
			})
		})
	}
}

// TestWrongRNDCKey: BIND takes no order that is signed with another key.
func TestWrongRNDCKey(t *testing.T) {
	_, addr := startUpstream(t)
	s := startBIND(t, addr, "")
	s.access.RNDCKey.Secret = secret.New("another")
	b, err := dns.Open(s.kind, s.access)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.(dns.Reloader).Reload(t.Context()); !errors.Is(err, dns.ErrAnswer) {
		t.Errorf("%v", err)
	}
}
