package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"walkabout/internal/privilege"
	"walkabout/internal/statedir"
)

// hidden is the community of every test: no output may hold it.
const hidden = "zq-hidden-zq"

const (
	sysNameOID     = ".1.3.6.1.2.1.1.5.0"
	sysLocationOID = ".1.3.6.1.2.1.1.6.0"
)

// daemon is a run of the program within the test.
type daemon struct {
	t      *testing.T
	hangup chan os.Signal
	stop   context.CancelFunc
	stdout strings.Builder
	stderr lines
	code   chan int
	plans  chan privilege.Plan  // what -u and its kin would have done
	fences chan privilege.Fence // that would have been put up
}

// lines is a Writer that hands out what is written, a line at a time.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	next chan string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	l.next <- string(b) // slog writes a line at a time
	return len(b), nil
}

// start runs the program. Names are resolved by hosts.
func start(t *testing.T, hosts map[string]string, args ...string) *daemon {
	t.Helper()
	return startAs(t, hosts, func(*process) {}, args...)
}

// startAs is start, after change.
func startAs(t *testing.T, hosts map[string]string, change func(*process), args ...string) *daemon {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	d := &daemon{t: t, hangup: make(chan os.Signal, 1), stop: stop, stderr: lines{next: make(chan string, 1000)}, code: make(chan int, 1), plans: make(chan privilege.Plan, 1), fences: make(chan privilege.Fence, 1)}
	p := process{stdout: &d.stdout, stderr: &d.stderr, hangup: d.hangup, env: stateIn(t.TempDir()), lookup: func(_ context.Context, network, host string) ([]netip.Addr, error) {
		if a, ok := hosts[network+" "+host]; ok {
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}}
	change(&p)
	p.account.drop = func(plan privilege.Plan) (*privilege.Rights, error) {
		d.plans <- plan
		return nil, nil
	}
	p.account.enforce = func(f privilege.Fence) (io.Closer, error) {
		d.fences <- f
		return io.NopCloser(nil), nil
	}
	go func() {
		d.code <- p.run(ctx, args)
		close(d.stderr.next)
	}()
	t.Cleanup(stop)
	return d
}

// stateIn is an environment whose only state folder is dir.
func stateIn(dir string) statedir.Env {
	return statedir.Env{GOOS: runtime.GOOS, Getenv: func(name string) string {
		if name == "SNMP_PERSISTENT_DIR" {
			return dir
		}
		return ""
	}}
}

// until returns the lines of the log up to one that holds text; the test fails if the program ends before.
func (d *daemon) until(text string) []string {
	d.t.Helper()
	var seen []string
	for line := range d.stderr.next {
		seen = append(seen, line)
		if strings.Contains(line, text) {
			return seen
		}
	}
	d.t.Fatalf("the program ended without %q:\n%s", text, d.stderr.text.String())
	return nil
}

// ready waits until the program serves and returns its addresses.
func (d *daemon) ready() []string {
	d.t.Helper()
	return listening(d.until("msg=ready"))
}

// addressOf returns the address that the log gives of a transport.
func addressOf(t testing.TB, log []string, transport string) string {
	t.Helper()
	for _, line := range log {
		if _, rest, ok := strings.Cut(line, "msg=listening transport="+transport+" address="); ok {
			return strings.Fields(rest)[0]
		}
	}
	t.Fatalf("not listening by %s:\n%s", transport, strings.Join(log, ""))
	return ""
}

func listening(log []string) []string {
	var out []string
	for _, line := range log {
		if _, address, ok := strings.Cut(line, "msg=listening transport=udp4 address="); ok {
			out = append(out, strings.TrimSpace(address))
		}
	}
	return out
}

// end waits for the program's end, demands the exit code, and returns all that it printed.
func (d *daemon) end(want int) string {
	d.t.Helper()
	if got := <-d.code; got != want {
		d.t.Errorf("exit code %d, want %d", got, want)
	}
	all := d.stdout.String() + d.stderr.text.String()
	if strings.Contains(all, hidden) {
		d.t.Errorf("a community was printed:\n%s", all)
	}
	return all
}

// finish ends the program as SIGTERM does.
func (d *daemon) finish() string {
	d.t.Helper()
	d.stop()
	return d.end(exitOK)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func config(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snmpd.conf")
	write(t, path, text)
	return path
}

// ask gets one text over v2c.
func ask(t *testing.T, address, name string) string {
	t.Helper()
	a := netip.MustParseAddrPort(address)
	c := gosnmp.GoSNMP{Target: a.Addr().String(), Port: a.Port(), Version: gosnmp.Version2c, Community: hidden, Timeout: gosnmp.Default.Timeout}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Conn.Close() }()
	answer, err := c.Get([]string{name})
	if err != nil || len(answer.Variables) != 1 {
		t.Fatalf("get %s from %s: %v, %+v", name, address, err, answer)
	}
	text, ok := answer.Variables[0].Value.([]byte)
	if !ok {
		t.Fatalf("get %s from %s: %+v", name, address, answer.Variables[0])
	}
	return string(text)
}

func TestServe(t *testing.T) {
	d := start(t, map[string]string{"ip4 nms": "127.0.0.1", "ip4 here": "127.0.0.1"}, "-f", "-c", config(t, `
agentAddress here:0,127.0.0.1:0
rocommunity `+hidden+` nms
rocommunity `+hidden+`2 unknown.example
sysName     the name
sysLocation "the place"
`))
	addresses := d.ready()
	if len(addresses) != 2 {
		t.Fatalf("listening on %q, want the host's address and the given one", addresses)
	}
	for _, a := range addresses {
		if name, place := ask(t, a, sysNameOID), ask(t, a, sysLocationOID); name != "the name" || place != `"the place"` {
			t.Errorf("%s: %q, %q", a, name, place)
		}
	}
	if out := d.finish(); !strings.Contains(out, "its source cannot be resolved") || !strings.Contains(out, "line=4") || !strings.Contains(out, "communities=1") {
		t.Errorf("the log says nothing of the source that has no address:\n%s", out)
	}
}

func TestAddressesOfTheCommandLineComeFirst(t *testing.T) {
	d := start(t, nil, "-c", config(t, "agentAddress 192.0.2.1:161\nrocommunity "+hidden), "127.0.0.1:0")
	ask(t, d.ready()[0], sysNameOID)
	d.finish()
}

func TestNoCommunity(t *testing.T) {
	d := start(t, nil, "-C", "127.0.0.1:0")
	d.ready()
	if out := d.finish(); !strings.Contains(out, "every request is refused") || !strings.Contains(out, "rocommunity COMMUNITY 127.0.0.1") {
		t.Errorf("no word of how to let somebody in:\n%s", out)
	}
}

func TestPIDFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	d := start(t, nil, "-C", "-p", path, "127.0.0.1:0")
	d.ready()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("the file holds %q, %v", text, err)
	}
	d.finish()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestReload(t *testing.T) {
	path := config(t, "agentAddress 127.0.0.1:0\nsysLocation one\nrocommunity "+hidden)
	d := start(t, nil, "-c", path)
	address := d.ready()[0]
	port := netip.MustParseAddrPort(address).Port()

	write(t, path, "agentAddress 127.0.0.1:0,0\nsysLocation two\nrocommunity "+hidden)
	d.hangup <- syscall.SIGHUP
	added := listening(d.until("msg=reloaded"))
	if got := ask(t, address, sysLocationOID); got != "two" {
		t.Errorf("sysLocation %q after a reload", got)
	}
	if len(added) != 1 || !strings.HasPrefix(added[0], "0.0.0.0:") {
		t.Fatalf("listening anew on %q", added)
	}
	ask(t, strings.Replace(added[0], "0.0.0.0", "127.0.0.1", 1), sysNameOID)

	write(t, path, "agentAddress 0\nsysLocation three\nrocommunity "+hidden)
	d.hangup <- syscall.SIGHUP
	if log := strings.Join(d.until("msg=reloaded"), ""); !strings.Contains(log, `"no longer listening" transport=udp4 address=`+address) {
		t.Errorf("the old address is not given up:\n%s", log)
	}
	if free, err := net.ListenPacket("udp4", address); err != nil {
		t.Errorf("the port is not free: %v", err)
	} else if err := free.Close(); err != nil {
		t.Error(err)
	}

	// The wildcard's socket stands in the way of the one address', and the other way round.
	for _, a := range []string{fmt.Sprintf("%d", port), address} {
		write(t, path, "agentAddress "+a+"\nrocommunity "+hidden)
		d.hangup <- syscall.SIGHUP
		d.until("msg=reloaded")
		ask(t, address, sysNameOID)
	}
	d.finish()
}

func TestReloadThatFailsChangesNothing(t *testing.T) {
	busy, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	path := config(t, "agentAddress 127.0.0.1:0\nsysLocation one\nrocommunity "+hidden)
	d := start(t, nil, "-c", path)
	free := d.ready()[0]
	port := netip.MustParseAddrPort(free).Port()

	for what, text := range map[string]string{
		"line=2": "agentAddress 127.0.0.1:0\nsysServices many\nsysLocation two",
		"snmpd.conf:3: the source of a community": "agentAddress 127.0.0.1:0\nsysLocation two\nrocommunity other nosuch.invalid",
		"in use":    fmt.Sprintf("agentAddress 127.0.0.1:0,%s\nsysLocation two", busy.LocalAddr()),
		"is in use": fmt.Sprintf("agentAddress %d,%s\nsysLocation two", port, busy.LocalAddr()),
		"no such":   "agentAddress gone.example\nsysLocation two",
	} {
		write(t, path, text)
		d.hangup <- syscall.SIGHUP
		if log := strings.Join(d.until("not reloaded"), ""); !strings.Contains(log, what) {
			t.Errorf("%q: the log does not say %q:\n%s", text, what, log)
		}
		if got := ask(t, free, sysLocationOID); got != "one" {
			t.Errorf("%q: sysLocation is %q", text, got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.hangup <- syscall.SIGHUP
	d.until("not reloaded")
	ask(t, free, sysNameOID)
	d.finish()
}

func TestStartFails(t *testing.T) {
	busy, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	missing := filepath.Join(t.TempDir(), "none.conf")
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"-c", missing}, exitError, []string{missing}},
		{[]string{"-c", config(t, "sysName x\nrocommunity\nrocommunity "+hidden+" 10.0.0.1/8")}, exitError, []string{"line=2", "line=3", "write 10.0.0.0/8"}},
		{[]string{"-C", busy.LocalAddr().String()}, exitError, []string{"in use by another program"}},
		{[]string{"-C", "192.0.2.1:0"}, exitError, []string{"no such address"}},
		{[]string{"-C", "-p", t.TempDir(), "127.0.0.1:0"}, exitError, []string{"flag -p"}},
		{[]string{"-Z"}, exitUsage, []string{"unknown flag -Z"}},
		{[]string{"-C", "chekc"}, exitError, []string{"listen on udp:chekc:161"}},
		{[]string{"check", "-Z"}, exitError, []string{"unknown shorthand flag"}},
	} {
		out := start(t, nil, c.args...).end(c.code)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: no %q in:\n%s", c.args, want, out)
			}
		}
	}
}

func TestExplainListen(t *testing.T) {
	low := endpoint{network: "udp4", addr: netip.MustParseAddrPort("127.0.0.1:161")}
	got := explainListen(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}, low).Error()
	for _, want := range []string{"port 161", "run as root", "setcap cap_net_bind_service=+ep", "agentAddress udp:127.0.0.1:1161"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestCheck(t *testing.T) {
	text := strings.ReplaceAll(`agentAddress 161,udp6:[::1]:1161,tcp:161
rocommunity HIDDEN
rwcommunity HIDDEN2 10.0.0.0/8 .1.3.6.1.2.1.1
rocommunity6 "HIDDEN 3" nms.example.org
view sys included system
view sys excluded .1.3.6.1.2.1.1.9 0xfd
com2sec other default "HIDDEN 4"
group G v1 other
access G "" any noauth exact sys none none
createUser joe SHA-256 HIDDEN-a AES HIDDEN-p
rouser joe priv -V sys
rwuser joe auth .1.3.6.1 ctx
createUser idle MD5 HIDDEN
rocomunity x
rouser far
`, "HIDDEN", hidden)
	path := config(t, text)
	got := strings.ReplaceAll(start(t, nil, "check", "-c", path).end(exitOK), path, "snmpd.conf")
	want := `snmpd.conf:14: warning: unknown directive "rocomunity"; did you mean rocommunity? The line is ignored
snmpd.conf:13: warning: createUser: the user "idle" may do nothing: add rouser idle
listen udp:161
listen udp6:[::1]:1161
listen tcp:161
community comm1 <secret> from default (IPv4): read everything (snmpd.conf:2)
community comm2 <secret> from 10.0.0.0/8: read and write .1.3.6.1.2.1.1 (snmpd.conf:3)
community comm3 <secret> from nms.example.org: read everything (snmpd.conf:4)
community other <secret> from default (IPv4): by v1 read view sys; by v2c nothing (snmpd.conf:7)
user joe (SHA-256, AES): read view sys with authPriv; read and write .1.3.6.1 in context "ctx" with authNoPriv (snmpd.conf:10)
user idle (MD5): nothing (snmpd.conf:13)
user far (not created here, but over SNMP, or by Net-SNMP's agent at the first start): read everything with authNoPriv (snmpd.conf:15)
view sys: .1.3.6.1.2.1.1, not .1.3.6.1.2.1.1.9 mask fd
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	path = config(t, "sysServices none")
	got = strings.ReplaceAll(start(t, nil, "check", "-c", path).end(exitError), path, "snmpd.conf")
	want = `snmpd.conf:1: error: sysServices must be one number from 0 to 127
listen udp:127.0.0.1:161 (by default)
listen udp6:[::1]:161 (by default)
neither a community nor a user: every request is refused
snmpd: the configuration has errors
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHelpAndVersion(t *testing.T) {
	if out := start(t, nil, "-h").end(exitOK); !strings.Contains(out, "-c FILE") || !strings.Contains(out, "-Lf FILE") || !strings.Contains(out, "snmpd check") {
		t.Errorf("help:\n%s", out)
	}
	if out := start(t, nil, "-H").end(exitOK); !strings.Contains(out, "\ncreateUser\n") {
		t.Errorf("directives: %s", out)
	}
	if out := start(t, nil, "--version").end(exitOK); !strings.HasPrefix(out, "snmpd ") {
		t.Errorf("version: %s", out)
	}
}
