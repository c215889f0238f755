//go:build interop

package dns_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/mib/dns"
)

// nobody is whom servers run as where the test is root.
const nobody = 65534

// nameServer is a real name server on ports of loopback.
type nameServer struct {
	kind    string
	dir     string
	address string // where it answers DNS
	access  dns.Access
	program string // and its arguments
	args    []string
	ready   string // the line by which it says that it serves

	process *interop.Process
}

// listenBoth listens on one port of loopback by TCP and UDP.
func listenBoth(t *testing.T) (net.Listener, net.PacketConn) {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u, err := net.ListenPacket("udp4", l.Addr().String())
		if err == nil {
			return l, u
		}
		l.Close()
	}
	t.Fatal("no port is free by UDP and TCP")
	return nil, nil
}

// freePort returns a port of loopback that nobody uses by UDP and TCP.
func freePort(t *testing.T) int {
	t.Helper()
	l, u := listenBoth(t)
	defer l.Close()
	defer u.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// folder returns a new folder that the server may write to. Paths of unix sockets are short, so it is not t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dns")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (s *nameServer) write(t *testing.T, name, format string, a ...any) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), fmt.Appendf(nil, format, a...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts the server, again if it ran before. As root it is started as nobody.
func (s *nameServer) start(t *testing.T) {
	t.Helper()
	path := interop.Find(t, s.kind, s.program)
	args := s.args
	if os.Geteuid() == 0 {
		err := filepath.Walk(s.dir, func(path string, _ os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", path}, args...)
		path = interop.Find(t, "util-linux", "setpriv")
	}
	s.process = interop.Start(t, path, args...)
	s.process.Await(s.ready)
	b, err := dns.Open(s.kind, s.access)
	if err != nil {
		t.Fatal(err)
	}
	await(t, func() string {
		if _, err := b.Read(t.Context()); err != nil {
			return err.Error()
		}
		return ""
	})
}

func (s *nameServer) stop() {
	s.process.Signal(syscall.SIGTERM)
	s.process.Wait()
}

// exampleZone is the zone of the script, with a delegation to nobody.
func exampleZone(name string) string {
	return fmt.Sprintf(`$ORIGIN %s.
$TTL 300
@ SOA ns1 hostmaster 2024010101 3600 900 604800 300
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.1
www A 192.0.2.2
txt TXT "x"
alias CNAME www
sub NS ns.sub
ns.sub A 192.0.2.53
`, name)
}

// servers are how each kind is started; tap is the socket that it sends its dnstap to, if it is not empty; upstream is the address of the server that resolvers forward to, and secondaries transfer from.
var servers = map[string]func(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer{
	"bind": startBIND, "unbound": startUnbound, "nsd": startNSD, "knot": startKnot, "pdns": startPDNS, "pdns-recursor": startRecursor, "dnsmasq": startDnsmasq,
}

// unless returns format of text; nothing if that is empty.
func unless(text, format string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(format, text)
}

func newServer(t *testing.T, kind string) (s *nameServer, port int) {
	t.Helper()
	s = &nameServer{kind: kind, dir: folder(t)}
	port = freePort(t)
	s.address = fmt.Sprintf("127.0.0.1:%d", port)
	s.write(t, "example.zone", "%s", exampleZone("example.test"))
	return s, port
}

func startBIND(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "bind")
	channel, orders := freePort(t), freePort(t)
	s.write(t, "named.conf", `
options {
	directory "%s"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory "."; lock-file none;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
	recursion yes; allow-recursion { 127.0.0.0/8; }; allow-transfer { none; }; dnssec-validation no; empty-zones-enable no; minimal-responses no; allow-new-zones yes;
	zone-statistics full; forward only; forwarders { 127.0.0.1 port %d; };
	%s
};
statistics-channels { inet 127.0.0.1 port %d allow { 127.0.0.1; }; };
key "control" { algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZQ=="; };
controls { inet 127.0.0.1 port %d allow { 127.0.0.1; } keys { "control"; }; };
zone "example.test" { type master; file "example.zone"; };
zone "missing.test" { type master; file "missing.zone"; };
zone "secondary.test" { type slave; masters port %d { 127.0.0.1; }; file "secondary.zone"; };
`, s.dir, port, upstream.Port, unless(tap, `dnstap { auth; client; }; dnstap-output unix "%s";`), channel, orders, upstream.Port)
	key, err := dns.ParseRNDCKey(`key "control" { algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZQ=="; };`)
	if err != nil {
		t.Fatal(err)
	}
	s.access = dns.Access{Address: fmt.Sprintf("127.0.0.1:%d", channel), RNDC: fmt.Sprintf("127.0.0.1:%d", orders), RNDCKey: key, Pattern: `type secondary; file "%s.db";`}
	s.program, s.args, s.ready = "named", []string{"-g", "-c", s.dir + "/named.conf"}, `transfer of 'secondary.test/IN'.*Transfer completed`
	s.start(t)
	s.ready = "running$" // and there is a copy of the zone
	return s
}

func startUnbound(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "unbound")
	s.write(t, "unbound.conf", `
server:
  interface: 127.0.0.1@%d
  chroot: ""
  username: ""
  directory: "%s"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  extended-statistics: yes
  statistics-cumulative: yes
  module-config: "iterator"
  local-zone: "test." nodefault
  qname-minimisation: no
remote-control:
  control-enable: yes
  control-interface: "%s/ctl"
auth-zone:
  name: "example.test."
  zonefile: "%s/example.zone"
  for-upstream: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@%d
%s`, port, s.dir, s.dir, s.dir, upstream.Port, unless(tap, `dnstap:
  dnstap-enable: yes
  dnstap-socket-path: "%s"
  dnstap-log-client-query-messages: yes
  dnstap-log-client-response-messages: yes
`))
	s.access = dns.Access{Address: s.dir + "/ctl"}
	s.program, s.args, s.ready = "unbound", []string{"-d", "-c", s.dir + "/unbound.conf"}, "start of service"
	s.start(t)
	return s
}

func startNSD(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "nsd")
	s.write(t, "nsd.conf", `
server:
  ip-address: 127.0.0.1@%d
  username: ""
  chroot: ""
  zonesdir: "%s"
  database: ""
  pidfile: ""
  xfrdfile: "%s/xfrd.state"
  zonelistfile: "%s/zone.list"
  xfrdir: "%s"
  verbosity: 2
remote-control:
  control-enable: yes
  control-interface: %s/ctl
pattern:
  name: added
  zonefile: %%s.zone
zone:
  name: example.test
  zonefile: example.zone
zone:
  name: secondary.test
  zonefile: secondary.zone
  allow-notify: 127.0.0.1 NOKEY
  request-xfr: AXFR 127.0.0.1@%d NOKEY
%s`, port, s.dir, s.dir, s.dir, s.dir, s.dir, upstream.Port, unless(tap, `dnstap:
  dnstap-enable: yes
  dnstap-socket-path: "%s"
  dnstap-log-auth-query-messages: yes
  dnstap-log-auth-response-messages: yes
`))
	s.access = dns.Access{Address: "unix:" + s.dir + "/ctl", Pattern: "added"}
	s.program, s.args, s.ready = "nsd", []string{"-d", "-c", s.dir + "/nsd.conf"}, "serial .* is updated to|zone secondary.test. .*update"
	s.start(t)
	s.ready = "nsd started"
	return s
}

func startKnot(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "knot")
	s.write(t, "knot.conf", `
server:
  rundir: %[1]s
  listen: 127.0.0.1@%[2]d
control:
  listen: %[1]s/ctl
database:
  storage: %[1]s
log:
  - target: stdout
    any: info
remote:
  - id: upstream
    address: 127.0.0.1@%[3]d
mod-stats:
  - id: all
    response-code: on
    reply-nodata: on
template:
  - id: default
    storage: %[1]s
    global-module: mod-stats/all
  - id: added
    storage: %[1]s
    journal-content: none
zone:
  - domain: example.test
    file: example.zone
  - domain: missing.test
    file: missing.zone
  - domain: secondary.test
    master: upstream
`, s.dir, port, upstream.Port)
	s.access = dns.Access{Address: s.dir + "/ctl", Pattern: "added"}
	s.program, s.args, s.ready = "knotd", []string{"-c", s.dir + "/knot.conf"}, "secondary.test.*zone updated"
	s.start(t)
	s.ready = "server started"
	return s
}

func startPDNS(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "pdns")
	api := freePort(t)
	s.write(t, "named.conf", `zone "example.test" { type master; file "%[1]s/example.zone"; };
zone "secondary.test" { type slave; masters { 127.0.0.1:%[2]d; }; file "%[1]s/secondary.zone"; };
`, s.dir, upstream.Port)
	s.write(t, "pdns.conf", `launch=bind
bind-config=%[1]s/named.conf
local-address=127.0.0.1
local-port=%[2]d
socket-dir=%[1]s
daemon=no
guardian=no
api=yes
api-key=of the tests alone
webserver=yes
webserver-address=127.0.0.1
webserver-port=%[3]d
webserver-allow-from=127.0.0.1
disable-axfr=yes
secondary=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
xfr-cycle-interval=1
`, s.dir, port, api)
	s.access = dns.Access{Address: fmt.Sprintf("http://127.0.0.1:%d", api), Key: secret.New("of the tests alone")}
	s.program, s.args, s.ready = "pdns_server", []string{"--config-dir=" + s.dir}, "zone committed with serial"
	s.start(t)
	s.ready = "ready to distribute questions"
	return s
}

func startRecursor(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "pdns-recursor")
	api := freePort(t)
	s.write(t, "recursor.conf", `local-address=127.0.0.1
local-port=%[2]d
socket-dir=%[1]s
daemon=no
webserver=yes
webserver-address=127.0.0.1
webserver-port=%[3]d
webserver-allow-from=127.0.0.1
api-key=of the tests alone
forward-zones-recurse=.=127.0.0.1:%[4]d
dnssec=off
dont-query=
threads=1
security-poll-suffix=
hint-file=no
`, s.dir, port, api, upstream.Port)
	s.access = dns.Access{Address: fmt.Sprintf("127.0.0.1:%d", api), Key: secret.New("of the tests alone")}
	s.program, s.args, s.ready = "pdns_recursor", []string{"--config-dir=" + s.dir}, "Enabled multiplexer"
	s.start(t)
	return s
}

func startDnsmasq(t *testing.T, upstream *net.UDPAddr, tap string) *nameServer {
	s, port := newServer(t, "dnsmasq")
	s.access = dns.Access{Address: s.address, PIDFile: s.dir + "/pid"}
	s.program, s.ready = "dnsmasq", "started, version"
	s.args = []string{
		"--keep-in-foreground", "--conf-file=/dev/null", fmt.Sprintf("--port=%d", port), "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
		fmt.Sprintf("--server=127.0.0.1#%d", upstream.Port), "--pid-file=" + s.dir + "/pid", "--log-facility=-", "--user=", "--cache-size=150",
	}
	s.start(t)
	return s
}
