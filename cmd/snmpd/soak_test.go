package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/internal/forge"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// target is a daemon that takes hostile messages, one at a time, and is asked after each what it counted.
type target struct {
	t        testing.TB
	stop     context.CancelFunc
	code     chan int
	admin    usm.User // may read and write everything, at authPriv alone
	boots    uint32
	start    time.Time // when snmpEngineTime was 0, on our clock
	stream   string    // the address by TCP
	hostile  *net.UDPConn
	answers  chan []byte
	asking   *net.UDPConn
	question []byte // for the counters
	counts   [len(counted)]uint64
	lost     int // datagrams that went somewhere else
}

// counted are the counters of messages that are refused or get no answer, and after them snmpInPkts.
var counted = [...]struct {
	name   string
	object string
	report bool // a message that is reportable gets a report
}{
	{"snmpInBadVersions", "1.3.6.1.2.1.11.3.0", false},
	{"snmpInBadCommunityNames", "1.3.6.1.2.1.11.4.0", false},
	{"snmpInASNParseErrs", "1.3.6.1.2.1.11.6.0", false},
	{"snmpInGetResponses", "1.3.6.1.2.1.11.18.0", false},
	{"snmpInTraps", "1.3.6.1.2.1.11.19.0", false},
	{"snmpSilentDrops", "1.3.6.1.2.1.11.31.0", false},
	{"snmpUnknownSecurityModels", "1.3.6.1.6.3.11.2.1.1.0", false},
	{"snmpInvalidMsgs", "1.3.6.1.6.3.11.2.1.2.0", false},
	{"snmpUnknownPDUHandlers", "1.3.6.1.6.3.11.2.1.3.0", true},
	{"snmpUnknownContexts", "1.3.6.1.6.3.12.1.5.0", true},
	{"snmpTsmInvalidCaches", "1.3.6.1.2.1.190.1.1.1.0", false},
	{"usmStatsUnsupportedSecLevels", "1.3.6.1.6.3.15.1.1.1.0", true},
	{"usmStatsNotInTimeWindows", "1.3.6.1.6.3.15.1.1.2.0", true},
	{"usmStatsUnknownUserNames", "1.3.6.1.6.3.15.1.1.3.0", true},
	{"usmStatsUnknownEngineIDs", "1.3.6.1.6.3.15.1.1.4.0", true},
	{"usmStatsWrongDigests", "1.3.6.1.6.3.15.1.1.5.0", true},
	{"usmStatsDecryptionErrors", "1.3.6.1.6.3.15.1.1.6.0", true},
}

const (
	targetID      = "\x80\x00\x1f\x88\x04soak"
	targetTimeout = 30 * time.Second // far beyond what anything takes
	// A datagram is sent again after a time that is far beyond what one takes, for the loopback of a busy machine loses some
	// (/proc/net/softnet_stat), but not many.
	resendAfter = 5 * time.Second
	maxLost     = 20
)

const targetFile = `
agentAddress udp:127.0.0.1:0,tcp:127.0.0.1:0
engineID soak
rwcommunity ` + hidden + `
createUser admin SHA-256 authpassword AES privpassword
createUser weak SHA-256 authpassword
rwuser admin priv
rouser weak auth
`

// startTarget starts a daemon whose log is not kept: it would be what grows.
func startTarget(t testing.TB) *target { return startTargetOf(t, targetFile) }

func startTargetOf(t testing.TB, file string) *target {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	logs, log := io.Pipe()
	p := process{stdout: io.Discard, stderr: log, env: stateIn(t.TempDir())}
	path := config(t, file)
	go func() {
		code <- p.run(ctx, []string{"-c", path})
		_ = log.Close()
	}()
	t.Cleanup(stop)
	var lines []string
	read := bufio.NewScanner(logs)
	for read.Scan() && !strings.Contains(read.Text(), "msg=ready") {
		lines = append(lines, read.Text()+"\n")
	}
	go func() { _, _ = io.Copy(io.Discard, logs) }() // until the program has ended
	f := aim(t, addressOf(t, lines, "udp4"))
	f.stop, f.code, f.stream = stop, code, addressOf(t, lines, "tcp4")
	return f
}

// aim returns the daemon of targetFile that listens at address, without means to stop it.
func aim(t testing.TB, address string) *target {
	t.Helper()
	f := &target{t: t, answers: make(chan []byte, 100), hostile: dialTarget(t, address), asking: dialTarget(t, address)}
	go f.receive()
	f.admin = usm.User{Name: "admin", Auth: usm.SHA256, Priv: usm.AES}
	auth, err := usm.PasswordToKey(f.admin.Auth, "authpassword")
	if err != nil {
		t.Fatal(err)
	}
	priv, err := usm.PasswordToKey(f.admin.Auth, "privpassword")
	if err != nil {
		t.Fatal(err)
	}
	f.admin.AuthKey, f.admin.PrivKey = usm.Localize(f.admin.Auth, auth, targetID), usm.PrivKey(f.admin.Auth, f.admin.Priv, priv, targetID)
	m := snmp.Message{Version: snmp.V2c, Community: hidden, PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 1}}
	for _, c := range counted {
		m.PDU.VarBinds = append(m.PDU.VarBinds, snmp.VarBind{Name: oid.MustParse(c.object)})
	}
	f.question = m.Append(nil)
	f.boots = uint32(f.get("1.3.6.1.6.3.10.2.1.2.0").Int())
	f.start = time.Now().Add(-time.Duration(f.get("1.3.6.1.6.3.10.2.1.3.0").Int()) * time.Second)
	f.counts = f.count()
	return f
}

func dialTarget(t testing.TB, address string) *net.UDPConn {
	t.Helper()
	conn, err := net.Dial("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.UDPConn)
}

// receive hands on what answers hostile messages, until their socket is closed.
func (f *target) receive() {
	b := make([]byte, snmp.MaxMessageSize)
	for {
		n, err := f.hostile.Read(b)
		if err != nil {
			close(f.answers)
			return
		}
		f.answers <- append([]byte(nil), b[:n]...)
	}
}

// finish ends the daemon, which must have nothing to complain of.
func (f *target) finish() {
	f.t.Helper()
	f.stop()
	if code := <-f.code; code != exitOK {
		f.t.Errorf("exit code %d", code)
	}
	_ = f.hostile.Close()
	for b := range f.answers {
		f.t.Errorf("an answer to nothing: %s", f.meaning(b))
	}
}

// message returns one of the administrator's.
func (f *target) message(p snmp.PDU) forge.Message {
	return forge.To(targetID, f.boots, uint32(time.Since(f.start)/time.Second), f.admin, p)
}

func (f *target) octets(m *forge.Message) []byte {
	b, err := m.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// exchange asks by the community, and returns the answer's variable bindings.
func (f *target) exchange(b []byte) []snmp.VarBind {
	f.t.Helper()
	in := make([]byte, snmp.MaxMessageSize)
	for {
		if err := f.asking.SetDeadline(time.Now().Add(resendAfter)); err != nil {
			f.t.Fatal(err)
		}
		if _, err := f.asking.Write(b); err != nil {
			f.t.Fatal(err)
		}
		n, err := f.asking.Read(in)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			f.lose(b)
			continue
		}
		if err != nil {
			f.t.Fatal(err)
		}
		var m snmp.Message
		if err := new(snmp.Decoder).Decode(in[:n], &m); err != nil || m.PDU.ErrorStatus != snmp.NoError {
			f.t.Fatalf("%v, %v", m.PDU.ErrorStatus, err)
		}
		return m.PDU.VarBinds
	}
}

// lose counts a datagram that did not arrive, or whose answer did not. If they are many, it is the daemon that loses them.
func (f *target) lose(b []byte) {
	f.t.Helper()
	if f.lost++; f.lost <= maxLost {
		return
	}
	stacks := make([]byte, 1<<20)
	f.t.Fatalf("%d datagrams were neither answered nor counted, the last one:\n%s\n%s", f.lost, hex.Dump(b), stacks[:runtime.Stack(stacks, true)])
}

func (f *target) get(name string) snmp.Value {
	f.t.Helper()
	m := snmp.Message{Version: snmp.V2c, Community: hidden, PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: asked(oid.MustParse(name))}}
	return f.exchange(m.Append(nil))[0].Value
}

func (f *target) count() (n [len(counted)]uint64) {
	f.t.Helper()
	for i, vb := range f.exchange(f.question) {
		if vb.Value.Kind() != snmp.KindCounter32 {
			f.t.Fatalf("%s is %v", counted[i].name, vb.Value)
		}
		n[i] = vb.Value.Uint()
	}
	return n
}

// walk hands out all that is served below a root.
func (f *target) walk(root oid.OID, each func(vb snmp.VarBind)) {
	f.t.Helper()
	for at := root; ; {
		p := snmp.NewGetBulk(1, 0, 50)
		p.VarBinds = asked(at)
		m := snmp.Message{Version: snmp.V2c, Community: hidden, PDU: p}
		for _, vb := range f.exchange(m.Append(nil)) {
			if at = vb.Name; !at.HasPrefix(root) || vb.Value == snmp.EndOfMibView {
				return
			}
			each(vb)
		}
	}
}

// tables returns all that the SETs of hostile messages might change.
func (f *target) tables() string {
	f.t.Helper()
	var out strings.Builder
	for _, root := range []string{"1.3.6.1.2.1.1.4", "1.3.6.1.2.1.1.5", "1.3.6.1.2.1.1.6", "1.3.6.1.3", "1.3.6.1.6.3"} {
		f.walk(oid.MustParse(root), func(vb snmp.VarBind) {
			if k := vb.Value.Kind(); k != snmp.KindCounter32 && vb.Name != oid.MustParse("1.3.6.1.6.3.10.2.1.3.0") { // snmpEngineTime
				fmt.Fprintln(&out, vb.Name, vb.Value)
			}
		})
	}
	return out.String()
}

// send sends one message as a datagram and returns what became of it: "silence" and the counter, "report", the counter and the level, or
// the error-status and error-index of a response. One that is neither answered nor counted is lost, and sent again.
func (f *target) send(b []byte) string {
	f.t.Helper()
	reportable := false
	if m, err := snmp.ParseV3(b); err == nil {
		reportable = m.Flags&snmp.ReportableFlag != 0 && (m.Encrypted || wantsAnswer(m.Data))
	}
	for {
		if _, err := f.hostile.Write(b); err != nil {
			f.t.Fatal(err)
		}
		for end := time.Now().Add(resendAfter); time.Now().Before(end); {
			if got, ok := f.outcome(reportable); ok {
				return got
			}
		}
		f.lose(b)
	}
}

// wantsAnswer reports whether the PDU in the content of a ScopedPDU may be answered with a report: it is a request, or cannot be read.
func wantsAnswer(content []byte) bool {
	kind, _, err := snmp.PeekScoped(content)
	return err != nil || !slices.Contains([]snmp.PDUType{snmp.Response, snmp.Report, snmp.TrapV1, snmp.TrapV2}, kind)
}

// outcome returns what became of the message that was sent last, if that is known by now.
func (f *target) outcome(reportable bool) (string, bool) {
	f.t.Helper()
	select {
	case a := <-f.answers:
		f.counts = f.count()
		return f.meaning(a), true
	default:
	}
	now := f.count()
	for i, c := range counted {
		if now[i] != f.counts[i] && !(c.report && reportable) {
			f.counts = now
			return "silence " + c.name, true
		}
	}
	return "", false
}

// sendStream sends one message by a connection of its own, and returns what meaning says of the answer, "" without one.
func (f *target) sendStream(b []byte) string {
	f.t.Helper()
	conn, err := net.Dial("tcp4", f.stream)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(targetTimeout)); err != nil {
		f.t.Fatal(err)
	}
	// The daemon may close a connection that carries no message before it has read all of it: then these fail, and nothing is wrong.
	_, _ = conn.Write(b)
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		f.t.Fatalf("the connection stays open after\n%s", hex.Dump(b))
	}
	f.counts = f.count()
	if len(answer) == 0 {
		return ""
	}
	return f.meaning(answer)
}

// meaning says what an answer is. A report must tell one counter, and nothing else.
func (f *target) meaning(b []byte) string {
	if version, err := snmp.PeekVersion(b); err == nil && version != snmp.V3 {
		var m snmp.Message
		if err := new(snmp.Decoder).Decode(b, &m); err != nil || m.PDU.Type != snmp.Response {
			return fmt.Sprintf("%v, %v", m.PDU.Type, err)
		}
		return fmt.Sprintf("%v %d", m.PDU.ErrorStatus, m.PDU.ErrorIndex)
	}
	a, err := forge.Open(f.admin, b)
	if err != nil {
		return err.Error()
	}
	p := &a.Scoped.PDU
	switch {
	case string(a.Security.EngineID) != targetID || uint32(a.Security.Boots) != f.boots:
		return fmt.Sprintf("an answer by engine %x, boots %d", a.Security.EngineID, a.Security.Boots)
	case p.Type == snmp.Response:
		return fmt.Sprintf("%v %d", p.ErrorStatus, p.ErrorIndex)
	case p.Type != snmp.Report || len(p.VarBinds) != 1 || p.ErrorStatus != 0 || p.ErrorIndex != 0 || a.Scoped.ContextEngineID != targetID:
		return fmt.Sprintf("%+v", a.Scoped)
	}
	level, _ := a.Flags.Level()
	for _, c := range counted {
		if p.VarBinds[0].Name == oid.MustParse(c.object) && p.VarBinds[0].Value.Kind() == snmp.KindCounter32 {
			return fmt.Sprintf("report %s %v", c.name, level)
		}
	}
	return fmt.Sprintf("a report of %v", p.VarBinds)
}

var soakCases = flag.Int("soak.cases", 20_000, "how many hostile messages TestSoak sends")

// mutate returns a message that chance spoiled, and whether its answer may be a response.
func (f *target) mutate(r *rand.Rand) (b []byte, response bool) {
	next := snmp.NewGetBulk(1, 1, 5)
	next.VarBinds = asked(oid.MustParse("1.3.6.1.2.1.1"), oid.MustParse("1.3.6.1.6.3.16.1.4.1"))
	m := f.message(next)
	switch r.IntN(5) {
	case 0: // on its way
		b = f.octets(&m)
		b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
	case 1: // cut off
		b = f.octets(&m)
		b = b[:r.IntN(len(b))]
	case 2: // by the community of nobody
		plain := snmp.Message{Version: snmp.V2c, Community: "public", PDU: next}
		b = plain.Append(nil)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	case 3: // by chance
		b = make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		copy(b, []byte{0x30, byte(max(len(b)-2, 0)), 2, 1, 3})
	default: // by someone who has the keys
		m.Content = m.Scoped.Append(nil)
		for range 1 + r.IntN(5) {
			m.Content[r.IntN(len(m.Content))] ^= 1 << r.IntN(8)
		}
		m.Flags &^= snmp.ReportableFlag // a response or a report gets none, whatever its flags say
		b, response = f.octets(&m), true
	}
	return b, response
}

// level is what a long run must not use more and more of.
type level struct {
	heap        uint64
	goroutines  int
	descriptors int
}

func measure() level {
	runtime.GC()
	runtime.GC() // what finalizers and pools kept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, _ := os.ReadDir("/dev/fd") // none where the system has no such folder
	return level{m.HeapAlloc, runtime.NumGoroutine(), len(open)}
}

// soakSlack is how much more heap the end may have than the beginning: a leak of 100 octets in a message is more in CI already.
const soakSlack = 2 << 20

// TestSoak sends the cases of TestHostile and messages that chance spoils, in turn, and some by connections. Memory, goroutines and
// descriptors are at the end what they were when everything had happened once. `make soak` sends a million.
func TestSoak(t *testing.T) {
	f := startTarget(t)
	r := rand.New(rand.NewPCG(1, 2))
	cases := hostileCases()
	before := f.tables()
	f.walk(oid.New(1, 3), func(snmp.VarBind) {}) // what is opened when it is first asked for is open then
	var from level
	for i := range max(*soakCases, 3*len(cases)) {
		if i == 2*len(cases) {
			from = measure()
		}
		byStream := i%50 < 2
		if i%2 == 0 {
			c, lost := &cases[i/2%len(cases)], f.lost
			got := f.deliver(c.make(f), byStream)
			again := f.lost > lost // it may have been carried out before
			if !c.allows(got) && !again && !(byStream && got == "" && strings.HasPrefix(c.want, "silence")) {
				t.Fatalf("message %d: %s: %q, want %s", i, c.name, got, c.want)
			}
			continue
		}
		b, response := f.mutate(r)
		if got := f.deliver(b, byStream); !refused.MatchString(got) && !(response && responded.MatchString(got)) {
			t.Fatalf("message %d: %q is what becomes of\n%s", i, got, hex.Dump(b))
		}
	}
	if after := f.tables(); after != before {
		t.Errorf("the tables are changed:\n%s\nwere\n%s", after, before)
	}
	f.levels(from)
	f.finish()
}

var (
	refused   = regexp.MustCompile(`^$|^silence \w+$|^report usmStats\w+ (noAuthNoPriv|authNoPriv)$`)
	responded = regexp.MustCompile(`^[a-z]\w+ \d+$`)
)

// deliver sends b by its own connection or as a datagram.
func (f *target) deliver(b []byte, byStream bool) string {
	f.t.Helper()
	if byStream {
		return f.sendStream(b)
	}
	return f.send(b)
}

// levels demands that the present level is not above from; connections may take a moment to go.
func (f *target) levels(from level) {
	f.t.Helper()
	now := measure()
	for end := time.Now().Add(targetTimeout); time.Now().Before(end) && (now.goroutines > from.goroutines || now.descriptors > from.descriptors); now = measure() {
		runtime.Gosched()
	}
	f.t.Logf("from %+v to %+v; %d datagrams were lost", from, now, f.lost)
	if now.heap > from.heap+soakSlack || now.goroutines > from.goroutines || now.descriptors > from.descriptors {
		f.t.Errorf("%+v after all, %+v after each kind had come once", now, from)
	}
}
