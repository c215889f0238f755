package nats_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"walkabout/exporters"
	"walkabout/exporters/lineprotocol"
	"walkabout/exporters/lines"
	ours "walkabout/exporters/nats"
	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Tests against nats-server, in the test's own process.

var _ exporters.Omitter = (*ours.Exporter)(nil)

// newServer starts a server with JetStream on a free port, or that of o, and returns its URL.
func newServer(t *testing.T, o server.Options) (*server.Server, string) {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return s, "nats://" + s.Addr().String()
}

// newStream makes a stream of snmp.> and returns it.
func newStream(t *testing.T, url string, change func(*jetstream.StreamConfig), options ...nats.Option) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	c := jetstream.StreamConfig{Name: "snmp", Subjects: []string{"snmp.>"}}
	if change != nil {
		change(&c)
	}
	s, err := js.CreateStream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newExporter(t *testing.T, c ours.Config) *ours.Exporter {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	e, err := ours.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// samples makes samples of two devices in turn, numbered from up to, but without, to.
func samples(from, to int) (batch []metric.Sample) {
	for i := from; i < to; i++ {
		batch = append(batch, metric.Sample{Measurement: "m", At: time.Unix(0, int64(i)),
			Tags: []metric.Tag{{Name: "device", Value: fmt.Sprint("core", i%2)}}, Fields: []metric.Field{{Name: "f", Kind: metric.Integer, Num: uint64(i)}}})
	}
	return batch
}

// held returns the messages of a stream, with their subjects before them.
func held(t *testing.T, s jetstream.Stream) (out []string) {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := info.State.FirstSeq; n <= info.State.LastSeq && info.State.Msgs > 0; n++ {
		m, err := s.GetMsg(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m.Subject+" "+string(m.Data))
	}
	return out
}

func line(i int) string {
	return fmt.Sprintf("snmp.m.core%d m,device=core%d f=%di %d", i%2, i%2, i, i)
}

// judge wants a RetryError of the reason, or a ConfigError if that is "".
func judge(t *testing.T, err error, reason, words string) {
	t.Helper()
	var retry *exporters.RetryError
	var config *exporters.ConfigError
	switch {
	case reason == "" && !errors.As(err, &config):
		t.Errorf("%v, want a ConfigError", err)
	case reason != "" && (!errors.As(err, &retry) || retry.Reason != reason):
		t.Errorf("%v, want a RetryError of %s", err, reason)
	case !strings.Contains(err.Error(), words):
		t.Errorf("%v, want %q in it", err, words)
	}
}

// TestPublishes: what comes again within the stream's window is in it once.
func TestPublishes(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true})
	s := newStream(t, url, nil)
	e := newExporter(t, ours.Config{Servers: []string{url}, Format: lines.Influx})
	var want []string
	for i := range 10 {
		want = append(want, line(i))
	}
	for _, batch := range [][]metric.Sample{samples(0, 6), samples(0, 6), samples(3, 10)} {
		if err := e.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, held(t, s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Samples that differ in one thing are different messages.
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := info.State.Msgs
	batch := append(samples(0, 1), samples(0, 1)...)
	batch[0].Measurement, batch[1].Tags = "m2", []metric.Tag{{Name: "device", Value: "core0"}, {Name: "ifName", Value: "eth0"}}
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if info, err = s.Info(t.Context()); err != nil || info.State.Msgs != before+2 {
		t.Errorf("%d messages, then %d, %v", before, info.State.Msgs, err)
	}
}

func TestSubjects(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true})
	s := newStream(t, url, func(c *jetstream.StreamConfig) { c.Subjects = []string{"noc.>"} })
	e := newExporter(t, ours.Config{Servers: []string{url}, Subject: "noc.{device}.if-{ifName}.{measurement}"})
	batch := samples(0, 3)
	batch[0].Tags = []metric.Tag{{Name: "device", Value: "a.b c*>\n"}, {Name: "ifName", Value: "Gi1/0/1"}}
	batch[1].Tags = []metric.Tag{{Name: "device", Value: "é\xff"}}
	batch[2].Tags = nil
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for _, m := range held(t, s) {
		subject, _, _ := strings.Cut(m, " ")
		subjects = append(subjects, subject)
	}
	if diff := cmp.Diff([]string{"noc.a_b_c___.if-Gi1/0/1.m", "noc.__.if-_.m", "noc._.if-_.m"}, subjects); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRejects(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true, MaxPayload: 4000, MaxPending: 1 << 20})
	s := newStream(t, url, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 500 })
	e := newExporter(t, ours.Config{Servers: []string{url}, Format: lines.Influx})
	batch := samples(0, 6)
	batch[1].Fields = nil
	for i, n := range map[int]int{2: 5000, 4: 600} { // for the server, for the stream
		batch[i].Fields = append(batch[i].Fields, metric.Field{Name: "s", Kind: metric.String, Str: strings.Repeat("x", n)})
	}
	batch[5].Fields = append(batch[5].Fields, metric.Field{Name: "c", Kind: metric.Counter64, Num: 1 << 63})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, lineprotocol.ErrNoFields) || cmp.Diff([]int{1, 2, 4}, partial.Rejected) != "" {
		t.Fatalf("%v %+v", err, partial)
	}
	if diff := cmp.Diff([]string{line(0), line(3), line(5)}, held(t, s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := e.Omitted()["overflow"]; got != 1 {
		t.Errorf("%d fields counted as overflow, want 1", got)
	}
	if err := e.Export(t.Context(), batch[1:2]); !errors.As(err, &partial) || cmp.Diff([]int{0}, partial.Rejected) != "" {
		t.Errorf("%v", err)
	}
}

func TestNoStream(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true})
	e := newExporter(t, ours.Config{Servers: []string{url}})
	judge(t, e.Export(t.Context(), samples(0, 2)), "", "create it with: nats stream add snmp --subjects 'snmp.*.*' --defaults")
	s := newStream(t, url, nil)
	if err := e.Export(t.Context(), samples(0, 2)); err != nil || len(held(t, s)) != 2 {
		t.Errorf("%v", err)
	}
}

func TestFullStream(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true})
	s := newStream(t, url, func(c *jetstream.StreamConfig) { c.MaxMsgs, c.Discard = 3, jetstream.DiscardNew })
	e := newExporter(t, ours.Config{Servers: []string{url}, Format: lines.Influx})
	judge(t, e.Export(t.Context(), samples(0, 5)), "full", "maximum messages exceeded")
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(t.Context(), samples(3, 5)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{line(3), line(4)}, held(t, s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWithoutJetStream(t *testing.T) {
	_, url := newServer(t, server.Options{})
	judge(t, newExporter(t, ours.Config{Servers: []string{url}}).Export(t.Context(), samples(0, 1)), "", "no stream takes such messages")
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sub, err := conn.SubscribeSync("snmp.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	e := newExporter(t, ours.Config{Servers: []string{url}, Format: lines.Influx, Core: true})
	if err := e.Export(t.Context(), samples(0, 2)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		m, err := sub.NextMsg(time.Minute)
		if err != nil || m.Subject+" "+string(m.Data) != line(i) {
			t.Errorf("%v, %v; want %s", m, err, line(i))
		}
	}
}

// TestRestart: a server that went away and came back has everything once.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	first, url := newServer(t, server.Options{JetStream: true, StoreDir: dir})
	newStream(t, url, nil)
	e := newExporter(t, ours.Config{Servers: []string{url}, Format: lines.Influx})
	if err := e.Export(t.Context(), samples(0, 2)); err != nil {
		t.Fatal(err)
	}
	port := first.Addr().(*net.TCPAddr).Port
	first.Shutdown()
	first.WaitForShutdown()
	for range 2 {
		judge(t, e.Export(t.Context(), samples(2, 4)), "unreachable", "")
	}
	_, url = newServer(t, server.Options{JetStream: true, StoreDir: dir, Port: port})
	if err := e.Export(t.Context(), samples(1, 4)); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "snmp")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{line(0), line(1), line(2), line(3)}, held(t, s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // accepts, and says nothing
	judge(t, newExporter(t, ours.Config{Servers: []string{"nats://" + l.Addr().String()}, Timeout: 200 * time.Millisecond}).Export(t.Context(), samples(0, 1)), "timeout", "")
}

func TestPasswordAndPermissions(t *testing.T) {
	may := func(subjects ...string) *server.Permissions {
		return &server.Permissions{Publish: &server.SubjectPermission{Allow: subjects}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}
	}
	_, url := newServer(t, server.Options{JetStream: true, Users: []*server.User{
		{Username: "admin", Password: "root"}, {Username: "bob", Password: "hunter2", Permissions: may("snmp.>")}, {Username: "eve", Password: "hunter2", Permissions: may("other.>")}}})
	s := newStream(t, url, nil, nats.UserInfo("admin", "root"))
	config := func(user, password string) ours.Config {
		return ours.Config{Servers: []string{url}, User: user, Password: secret.New(password), Timeout: 2 * time.Second}
	}
	if err := newExporter(t, config("bob", "hunter2")).Export(t.Context(), samples(0, 2)); err != nil || len(held(t, s)) != 2 {
		t.Errorf("%v", err)
	}
	wrong := config("bob", "hunter3")
	err := newExporter(t, wrong).Export(t.Context(), samples(0, 2))
	judge(t, err, "", "the server refuses us")
	if strings.Contains(fmt.Sprintf("%v %+v", err, wrong), "hunter") {
		t.Error("the password shows")
	}
	judge(t, newExporter(t, config("eve", "hunter2")).Export(t.Context(), samples(0, 2)), "", `Permissions Violation for Publish to "snmp.m.core`)
	core := config("eve", "hunter2")
	core.Core = true
	judge(t, newExporter(t, core).Export(t.Context(), samples(0, 2)), "", "Permissions Violation")
}

func TestToken(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true, Authorization: "hunter2"})
	newStream(t, url, nil, nats.Token("hunter2"))
	if err := newExporter(t, ours.Config{Servers: []string{url}, Token: secret.New("hunter2")}).Export(t.Context(), samples(0, 2)); err != nil {
		t.Error(err)
	}
	judge(t, newExporter(t, ours.Config{Servers: []string{url}, Token: secret.New("hunter3")}).Export(t.Context(), samples(0, 2)), "", "refuses us")
	judge(t, newExporter(t, ours.Config{Servers: []string{url}}).Export(t.Context(), samples(0, 2)), "", "refuses us")
}

// write returns the name of a new file.
func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNKey(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	_, url := newServer(t, server.Options{JetStream: true, Nkeys: []*server.NkeyUser{{Nkey: public}}})
	newStream(t, url, nil, nats.Nkey(public, user.Sign))
	if err := newExporter(t, ours.Config{Servers: []string{url}, NKeyFile: write(t, seed)}).Export(t.Context(), samples(0, 2)); err != nil {
		t.Error(err)
	}
}

// TestCreds logs in by a JWT, to an account without JetStream.
func TestCreds(t *testing.T) {
	key := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		k, err := create()
		if err != nil {
			t.Fatal(err)
		}
		public, err := k.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return k, public
	}
	operator, operatorKey := key(nkeys.CreateOperator)
	account, accountKey := key(nkeys.CreateAccount)
	user, userKey := key(nkeys.CreateUser)
	encode := func(c interface {
		Encode(nkeys.KeyPair) (string, error)
	}, by nkeys.KeyPair) string {
		s, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	claims, err := jwt.DecodeOperatorClaims(encode(jwt.NewOperatorClaims(operatorKey), operator))
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountKey, encode(jwt.NewAccountClaims(accountKey), operator)); err != nil {
		t.Fatal(err)
	}
	_, url := newServer(t, server.Options{TrustedOperators: []*jwt.OperatorClaims{claims}, AccountResolver: resolver})
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(encode(jwt.NewUserClaims(userKey), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := newExporter(t, ours.Config{Servers: []string{url}, CredsFile: write(t, creds), Core: true}).Export(t.Context(), samples(0, 2)); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	ca, clients := tlstest.NewCA(t), tlstest.NewCA(t)
	_, url := newServer(t, server.Options{TLSConfig: ca.Server(clients, "127.0.0.1"), TLSTimeout: 60})
	url = strings.Replace(url, "nats:", "tls:", 1)
	cert, key := clients.Client(t, "walkabout")
	good := clienttls.Config{CA: ca.File, Certificate: cert, Key: key}
	if err := newExporter(t, ours.Config{Servers: []string{url}, TLS: good, Core: true}).Export(t.Context(), samples(0, 2)); err != nil {
		t.Error(err)
	}
	judge(t, newExporter(t, ours.Config{Servers: []string{url}, TLS: clienttls.Config{CA: clients.File}, Core: true}).Export(t.Context(), samples(0, 2)), "", "check servers and tls")
	judge(t, newExporter(t, ours.Config{Servers: []string{strings.Replace(url, "tls:", "nats:", 1)}, Core: true}).Export(t.Context(), samples(0, 2)), "", "")
	_, plain := newServer(t, server.Options{})
	judge(t, newExporter(t, ours.Config{Servers: []string{strings.Replace(plain, "nats:", "tls:", 1)}, TLS: good, Core: true}).Export(t.Context(), samples(0, 2)), "", "check servers and tls")
}

func TestConfigErrors(t *testing.T) {
	good := ours.Config{Servers: []string{"nats://127.0.0.1:4222"}}
	tests := []struct {
		name   string
		change func(*ours.Config)
		want   string
	}{
		{"no server", func(c *ours.Config) { c.Servers = nil }, "servers are missing"},
		{"no scheme", func(c *ours.Config) { c.Servers = []string{"127.0.0.1:4222"} }, "not of the form"},
		{"port", func(c *ours.Config) { c.Servers = []string{"nats://h:0"} }, "the port is not between 1 and 65535"},
		{"user in the URL", func(c *ours.Config) { c.Servers = []string{"nats://bob:hunter2@h"} }, "give user and password, or token"},
		{"broken URL", func(c *ours.Config) { c.Servers = []string{"nats://bob:hunter2@[::1"} }, "not of the form"},
		{"no end of a name", func(c *ours.Config) { c.Subject = "snmp.{device" }, "not closed"},
		{"no name", func(c *ours.Config) { c.Subject = "snmp.{}" }, "not closed, or empty"},
		{"wildcard", func(c *ours.Config) { c.Subject = "snmp.>" }, "must not be empty, nor hold"},
		{"blank", func(c *ours.Config) { c.Subject = "sn mp.{device}" }, "must not be empty, nor hold"},
		{"empty part", func(c *ours.Config) { c.Subject = "snmp..{device}" }, "must not be empty, nor hold"},
		{"the server's own", func(c *ours.Config) { c.Subject = "$JS.API" }, "begins with $"},
		{"format", func(c *ours.Config) { c.Format = "xml" }, `format "xml"`},
		{"unsigned JSON", func(c *ours.Config) { c.Unsigned = true }, "unsigned is of the format influx"},
		{"two ways in", func(c *ours.Config) { c.Token, c.CredsFile = secret.New("hunter2"), "x" }, "give one of"},
		{"no password", func(c *ours.Config) { c.User = "bob" }, "go together"},
		{"no nkey", func(c *ours.Config) { c.NKeyFile = "/nonexistent/x" }, "nkey_file: "},
		{"no creds", func(c *ours.Config) { c.CredsFile = "/nonexistent/x" }, "creds_file: "},
		{"TLS for no server", func(c *ours.Config) { c.TLS.ServerName = "x" }, "no server is tls://"},
		{"TLS", func(c *ours.Config) { c.Servers, c.TLS.MinVersion = []string{"tls://h"}, "1" }, "min_version"},
	}
	for _, tt := range tests {
		c := good
		tt.change(&c)
		_, err := ours.New(c)
		var config *exporters.ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want a ConfigError with %q", tt.name, err, tt.want)
		}
	}
}

// TestLongSubject: a tag of any length makes a subject that servers take, which end the connection at 4 KiB.
func TestLongSubject(t *testing.T) {
	_, url := newServer(t, server.Options{JetStream: true})
	s := newStream(t, url, func(c *jetstream.StreamConfig) { c.Subjects = []string{"noc.>"} })
	e := newExporter(t, ours.Config{Servers: []string{url}, Subject: "noc.{device}.{a}.{b}.{c}", Timeout: 3 * time.Second})
	batch := samples(0, 2)
	for _, name := range []string{"a", "b", "c"} {
		batch[0].Tags = append(batch[0].Tags, metric.Tag{Name: name, Value: strings.Repeat(name, 5000)})
	}
	slices.SortFunc(batch[0].Tags, func(a, b metric.Tag) int { return strings.Compare(a.Name, b.Name) })
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := held(t, s); len(got) != 2 {
		t.Errorf("%d messages", len(got))
	}
}
