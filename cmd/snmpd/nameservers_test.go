package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"walkabout/agent/snmpdconf"
	"walkabout/mib/dns"
)

func TestNameServerKinds(t *testing.T) {
	if diff := cmp.Diff(dns.Kinds(), snmpdconf.NameServerKinds()); diff != "" {
		t.Errorf("(-package +directive):\n%s", diff)
	}
}

// controlled is the control socket of an NSD that a test plays.
type controlled struct {
	path     string
	listener net.Listener
	done     sync.WaitGroup
	nxdomain atomic.Int64
	reloads  atomic.Int64
}

func playNSD(t *testing.T, nxdomain int64) *controlled {
	t.Helper()
	dir, err := os.MkdirTemp("", "nsd")
	if err != nil {
		t.Fatal(err)
	}
	c := &controlled{path: filepath.Join(dir, "ctl")}
	c.nxdomain.Store(nxdomain)
	if c.listener, err = net.Listen("unix", c.path); err != nil {
		t.Fatal(err)
	}
	c.done.Go(func() {
		for {
			conn, err := c.listener.Accept()
			if err != nil {
				return
			}
			c.answer(conn)
		}
	})
	t.Cleanup(func() {
		c.listener.Close()
		c.done.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *controlled) answer(conn net.Conn) {
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	text := "error unknown command\n"
	switch strings.TrimSpace(line) {
	case "NSDCT1 stats_noreset":
		text = fmt.Sprintf("time.boot=100.5\nnum.rcode.NOERROR=1\nnum.rcode.NXDOMAIN=%d\nnum.rcode.REFUSED=2\n", c.nxdomain.Load())
	case "NSDCT1 status":
		text = "version: 4.6.1\n"
	case "NSDCT1 zonestatus":
		text = "zone:\texample.org\n\tstate: ok\n\tserved-serial: \"7 since 2026-01-02T15:04:05\"\n"
	case "NSDCT1 reconfig":
		text = "ok\n"
	case "NSDCT1 reload":
		c.reloads.Add(1)
		text = "ok\n"
	}
	_, _ = io.WriteString(conn, text)
}

const (
	identOID    = ".1.3.6.1.2.1.32.1.1.1.1.0"
	resetOID    = ".1.3.6.1.2.1.32.1.1.1.5.0"
	nxdomainOID = ".1.3.6.1.2.1.32.1.1.2.3.0"
	serialOID   = ".1.3.6.1.2.1.32.1.1.4.1.1.7.13.7.69.88.65.77.80.76.69.3.79.82.71.0.1"
)

// inContext asks as the user of the test, in a context.
func inContext(t *testing.T, address, context string) *gosnmp.GoSNMP {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var n uint16
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	g := &gosnmp.GoSNMP{
		Target: host, Port: n, Version: gosnmp.Version3, Timeout: 10 * time.Second, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthNoPriv, ContextName: context,
		SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "dns", AuthenticationProtocol: gosnmp.SHA256, AuthenticationPassphrase: hidden},
	}
	if err := g.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Conn.Close() })
	return g
}

func valueOf(t *testing.T, g *gosnmp.GoSNMP, name string) string {
	t.Helper()
	p, err := g.Get([]string{name})
	if err != nil {
		return err.Error()
	}
	if b, ok := p.Variables[0].Value.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(p.Variables[0].Value)
}

// TestNameServers: the first is in the default context, each is in its own, a reload keeps the counters, and rw lets it be told to reload.
func TestNameServers(t *testing.T) {
	one, two := playNSD(t, 100), playNSD(t, 200)
	const head = "agentAddress 127.0.0.1:0\ncreateUser dns SHA-256 " + hidden + "\nrwuser dns auth\n"
	path := config(t, head+"dnsServer one nsd "+one.path+"\ndnsServer two nsd "+two.path+" rw\n")
	d := start(t, nil, "-c", path)
	address := d.ready()[0]
	get := func(context, name, want string) {
		t.Helper()
		if got := valueOf(t, inContext(t, address, context), name); got != want {
			t.Errorf("%q: %s is %s, want %s", context, name, got, want)
		}
	}
	get("", nxdomainOID, "100")
	get("one", nxdomainOID, "100")
	get("two", nxdomainOID, "200")
	get("two", identOID, "nsd 4.6.1")
	get("two", serialOID, "7")
	get("three", nxdomainOID, "unknown report pdu") // unknownContext
	if up := valueOf(t, inContext(t, address, "two"), ".1.3.6.1.2.1.1.3.0"); up == "<nil>" {
		t.Error("the context has no sysUpTime")
	}
	set := func(context string) gosnmp.SNMPError {
		t.Helper()
		p, err := inContext(t, address, context).Set([]gosnmp.SnmpPDU{{Name: resetOID, Type: gosnmp.Integer, Value: 2}})
		if err != nil {
			t.Fatal(err)
		}
		return p.Error
	}
	if got := set("one"); got != gosnmp.NotWritable || one.reloads.Load() != 0 {
		t.Errorf("without rw: %v", got)
	}
	if got := set("two"); got != gosnmp.NoError || two.reloads.Load() != 1 {
		t.Errorf("with rw: %v, %d reloads", got, two.reloads.Load())
	}

	two.nxdomain.Store(5) // another server, in the place of the one before
	write(t, path, head+"dnsServer two nsd unix:"+two.path+"\n")
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	get("", nxdomainOID, "205")
	get("two", nxdomainOID, "205")
	get("one", nxdomainOID, "unknown report pdu")
	write(t, path, head)
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	get("", resetOID, "<nil>")
	d.finish()
}

// TestNameServerFiles: what a reload reads again is within the fence, and a file that is not good is an error of its line.
func TestNameServerFiles(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, hidden+"\n")
	d := start(t, nil, "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+"\ndnsServer a pdns 127.0.0.1:1 apiKeyFile="+key))
	d.ready()
	if f := <-d.fences; !slices.Contains(f.Read, filepath.Dir(key)) {
		t.Errorf("%q", f.Read)
	}
	d.finish()

	for line, want := range map[string]string{
		"a pdns 127.0.0.1:1 apiKeyFile=/does/not/exist": "no such file", "a nsd nowhere": "nowhere: write the path of a unix socket or HOST:PORT",
		"a pdns ftp://x": "write HOST:PORT or http://HOST:PORT", "a dnsmasq 127.0.0.1": "write HOST:PORT", "a unbound 127.0.0.1:1 ca=/x cert=/y key=/z": "the certificate of the control channel",
	} {
		path := config(t, "dnsServer "+line)
		d := start(t, nil, "check", "-c", path)
		if code := <-d.code; code != 1 || !strings.Contains(d.stdout.String(), path+":1: error: dnsServer: ") || !strings.Contains(d.stdout.String(), want) {
			t.Errorf("%s: code %d\n%s", line, code, d.stdout.String())
		}
	}
	path := config(t, "dnsServer a dnsmasq 127.0.0.1:53 rw")
	d = start(t, nil, "check", "-c", path)
	if code := <-d.code; code != 0 || !strings.Contains(d.stdout.String(), path+":1: warning: dnsServer: rw has no effect: dnsmasq takes no order as its line is written") {
		t.Errorf("code %d\n%s", code, d.stdout.String())
	}
	d = start(t, nil, "check", "-c", config(t, "rocommunity "+hidden+"\ndnsServer a pdns 127.0.0.1:1 apiKeyFile="+key+"\ndnsServer b nsd /x rw"))
	if code := <-d.code; code != 0 || !strings.Contains(d.stdout.String(), "name server a: pdns at 127.0.0.1:1, in the context a and the default one (") ||
		!strings.Contains(d.stdout.String(), "name server b: nsd at /x, in the context b, takes orders (") {
		t.Errorf("code %d\n%s", code, d.stdout.String())
	}
}

// TestSlowNameServer: while a server does not answer, requests for the rest of the agent, another server's objects among it, are answered.
func TestSlowNameServer(t *testing.T) {
	good := playNSD(t, 100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, release := make(chan net.Conn, 100), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked <- conn
			done.Go(func() {
				<-release
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		close(release)
		l.Close()
		done.Wait()
	})
	d := start(t, nil, "-c", config(t, "agentAddress 127.0.0.1:0\ncreateUser dns SHA-256 "+hidden+"\nrwuser dns auth\ndnsServer good nsd "+good.path+"\ndnsServer slow nsd "+l.Addr().String()+"\n"))
	address := d.ready()[0]
	var waiting sync.WaitGroup
	for range 5 {
		g := inContext(t, address, "slow")
		waiting.Go(func() {
			if got := valueOf(t, g, resetOID); got != "1" {
				t.Errorf("dnsServConfigReset of a server that does not answer is %s", got)
			}
		})
	}
	<-asked // and it is not answered before the end of the test
	for name, want := range map[string]string{nxdomainOID: "100", identOID: "nsd 4.6.1"} {
		if got := valueOf(t, inContext(t, address, ""), name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	waiting.Wait()
	if got := valueOf(t, inContext(t, address, "slow"), nxdomainOID); got != "<nil>" {
		t.Errorf("a counter of it is %s", got)
	}
	d.finish()
}
