package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"walkabout/alert/notify"
	"walkabout/alert/notify/mail"
	"walkabout/alert/notify/notifytest"
	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
	"walkabout/internal/secret"
)

var start = time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC)

// server is an SMTP server; answer decides what becomes of a recipient, or of the text ("").
type server struct {
	address string
	cas     string // the file of the CA of its certificate

	mu     sync.Mutex
	answer func(to string) error
	mails  []received
	users  []string
}

type received struct {
	from string
	to   []string
	text []byte
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

type session struct {
	s  *server
	in received
}

func (c *session) Reset()        { c.in = received{} }
func (c *session) Logout() error { return nil }
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.in = received{from: from}
	return nil
}
func (c *session) ask(to string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.answer == nil {
		return nil
	}
	return c.s.answer(to)
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := c.ask(to); err != nil {
		return err
	}
	c.in.to = append(c.in.to, to)
	return nil
}

func (c *session) Data(r io.Reader) (err error) {
	if c.in.text, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := c.ask(""); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mails = append(c.s.mails, c.in)
	return nil
}

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.users = append(c.s.users, user)
		if password != "hunter2" {
			return errors.New("no such user")
		}
		return nil
	}), nil
}

// serve starts a server that speaks TLS as security says.
func serve(t *testing.T, security mail.Security) *server {
	t.Helper()
	s := &server{}
	b := smtp.NewServer(s)
	b.Domain, b.AllowInsecureAuth, b.ErrorLog = "mail.example.net", security == mail.None, quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	if security != mail.None {
		ca := tlstest.NewCA(t)
		b.TLSConfig, s.cas = ca.Server(nil, "127.0.0.1"), ca.File
	}
	if security == mail.TLS {
		l = tls.NewListener(l, b.TLSConfig)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = b.Serve(l) }()
	t.Cleanup(func() { _ = b.Close(); <-served })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func options(s *server, security mail.Security) mail.Options {
	return mail.Options{Server: s.address, Security: security, TLS: clienttls.Config{CA: s.cas}, From: "Collector <collector@example.net>",
		To: []string{"NOC <noc@example.net>", "ann@example.org"}, Log: slog.New(slog.DiscardHandler)}
}

func newMail(t *testing.T, o mail.Options) *mail.Mail {
	t.Helper()
	m, err := mail.New(o, notifytest.Templates(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parts returns the header of a mail and its parts by their types.
func parts(t *testing.T, text []byte) (netmail.Header, map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for r := multipart.NewReader(m.Body, p["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, out
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = string(body)
	}
}

func TestSecurities(t *testing.T) {
	for _, security := range []mail.Security{mail.StartTLS, mail.TLS, mail.None} {
		t.Run(string(security), func(t *testing.T) {
			s := serve(t, security)
			o := options(s, security)
			o.User, o.Password = "collector", secret.New("hunter2")
			if err := newMail(t, o).Send(t.Context(), notify.Example(start, true)); err != nil {
				t.Fatal(err)
			}
			if len(s.mails) != 1 || cmp.Diff([]string{"noc@example.net", "ann@example.org"}, s.mails[0].to) != "" || s.mails[0].from != "collector@example.net" || len(s.users) != 1 {
				t.Errorf("%+v, authenticated %v", s.mails, s.users)
			}
			o.Password = secret.New("wr0ng")
			err := newMail(t, o).Send(t.Context(), notify.Example(start, false))
			var rejected *notify.RejectedError
			if err == nil || errors.As(err, &rejected) || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
	t.Run("no STARTTLS", func(t *testing.T) { // it is not done without
		s := serve(t, mail.None)
		if err := newMail(t, options(s, mail.StartTLS)).Send(t.Context(), notify.Example(start, false)); err == nil || !strings.Contains(err.Error(), "STARTTLS") || len(s.mails) > 0 {
			t.Errorf("%v, %d mails", err, len(s.mails))
		}
	})
	t.Run("unknown certificate", func(t *testing.T) {
		s := serve(t, mail.TLS)
		o := options(s, mail.TLS)
		o.TLS.CA = ""
		if err := newMail(t, o).Send(t.Context(), notify.Example(start, false)); !clienttls.Untrusted(err) || len(s.mails) > 0 {
			t.Errorf("%v, %d mails", err, len(s.mails))
		}
	})
}

// What is sent of an alert, its end and a repetition: two parts, and one thread by headers alone.
func TestThread(t *testing.T) {
	s := serve(t, mail.None)
	m := newMail(t, options(s, mail.None))
	first := notify.Example(start, false)
	first.ID, first.Test = strings.Repeat("a", 32), false
	end := notify.Example(start.Add(time.Minute), false)
	end.ID, end.Follows = strings.Repeat("b", 32), []string{first.ID}
	for _, n := range []*notify.Message{first, first, end} {
		if err := m.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	header, body := parts(t, s.mails[0].text)
	root := "<alert." + first.Items[0].Fingerprint + "@example.net>"
	want := map[string]string{"Message-Id": "<walkabout." + first.ID + "@example.net>", "References": root, "In-Reply-To": root, "Auto-Submitted": "auto-generated",
		"Date": "Sun, 01 Mar 2026 12:01:00 +0000", "To": `"NOC" <noc@example.net>, <ann@example.org>`, "From": `"Collector" <collector@example.net>`}
	for name, value := range want {
		if header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, header.Get(name), value)
		}
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if subject != "CRITICAL core1 Gi0/3 (uplink <Lyon>): admin up, oper down, seen for 1m0s" {
		t.Errorf("subject %q", subject)
	}
	if !strings.Contains(body["text/plain"], "uplink <Lyon>") || !strings.Contains(body["text/html"], "uplink &lt;Lyon&gt;") || len(body) != 2 {
		t.Errorf("parts %v", body)
	}
	again, _ := parts(t, s.mails[1].text)
	if again.Get("Message-Id") != header.Get("Message-Id") {
		t.Errorf("a repetition has the Message-ID %s", again.Get("Message-Id"))
	}
	ended, _ := parts(t, s.mails[2].text)
	if got, want := ended.Get("References"), root+" "+want["Message-Id"]; got != want || ended.Get("In-Reply-To") != "<walkabout."+first.ID+"@example.net>" {
		t.Errorf("the end refers to %q, want %q", got, want)
	}
}

// Nothing that a device says of itself becomes a header, another part or a command.
func TestHostileDevice(t *testing.T) {
	s := serve(t, mail.None)
	n := notify.Example(start, false)
	evil := "x\r\nBcc: evil@example.com\r\n\r\n.\r\nRCPT TO:<evil@example.com>\r\n<script>alert(1)</script>\x00\u2028"
	it := &n.Items[0]
	it.Summary, it.Device, n.Group = evil, evil, evil
	it.Labels, it.Values = map[string]string{"ifAlias": evil, "sysLocation": evil}, map[string]string{"x": evil}
	if err := newMail(t, options(s, mail.None)).Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	header, body := parts(t, s.mails[0].text)
	if header.Get("Bcc") != "" || slices.Contains(s.mails[0].to, "evil@example.com") || len(s.mails) != 1 || strings.Contains(body["text/html"], "<script>") || len(body) != 2 {
		t.Errorf("to %v, header %v, parts %v", s.mails[0].to, header, body)
	}
}

// A recipient who is refused keeps nobody else from the mail; one who is not taken yet is tried again, alone.
func TestRecipients(t *testing.T) {
	code := func(n int) error { return &smtp.SMTPError{Code: n, Message: "no"} }
	s := serve(t, mail.None)
	var log bytes.Buffer
	o := options(s, mail.None)
	o.To, o.Log = []string{"good@example.net", "gone@example.net", "full@example.net"}, slog.New(slog.NewTextHandler(&log, nil))
	m := newMail(t, o)
	full := true
	s.answer = func(to string) error {
		switch {
		case to == "gone@example.net":
			return code(550)
		case to == "full@example.net" && full:
			return code(452)
		}
		return nil
	}
	n := notify.Example(start, false)
	var rejected *notify.RejectedError
	if err := m.Send(t.Context(), n); err == nil || errors.As(err, &rejected) {
		t.Errorf("one waits, and the error is %v", err)
	}
	s.mu.Lock()
	full = false
	s.mu.Unlock()
	if err := m.Send(t.Context(), n); err != nil {
		t.Error(err)
	}
	var to [][]string
	for _, got := range s.mails {
		to = append(to, got.to)
	}
	if diff := cmp.Diff([][]string{{"good@example.net"}, {"full@example.net"}}, to); diff != "" || !strings.Contains(log.String(), "gone@example.net") {
		t.Errorf("%s%s", diff, log.String())
	}
	s.answer = func(string) error { return code(550) }
	if err := m.Send(t.Context(), notify.Example(start, true)); err == nil || errors.As(err, &rejected) {
		t.Errorf("all recipients are refused, which people can mend: %v", err)
	}
	s.answer = func(to string) error {
		if to == "" {
			return code(554)
		}
		return nil
	}
	if err := m.Send(t.Context(), notify.Example(start, true)); !errors.As(err, &rejected) {
		t.Errorf("the text is refused: %v", err)
	}
	s.answer = func(to string) error {
		if to == "" {
			return code(451)
		}
		return nil
	}
	if err := m.Send(t.Context(), notify.Example(start, true)); err == nil || errors.As(err, &rejected) {
		t.Errorf("the text is refused for now: %v", err)
	}
}

// A server that says nothing is given up when the context ends, and no connection is left.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			closed <- err
			return
		}
		cancel()
		_, err = io.ReadAll(c)
		closed <- err
	}()
	o := mail.Options{Server: l.Addr().String(), Security: mail.None, From: "a@example.net", To: []string{"b@example.net"}}
	if err := newMail(t, o).Send(ctx, notify.Example(start, false)); err == nil {
		t.Error("no error")
	}
	if err := <-closed; err != nil {
		t.Errorf("the connection: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := mail.Options{Server: "mail.example.net", From: "a@example.net", To: []string{"b@example.net"}}
	for name, change := range map[string]func(*mail.Options){
		"no server":      func(o *mail.Options) { o.Server = "" },
		"port":           func(o *mail.Options) { o.Server = "mail:99999" },
		"from":           func(o *mail.Options) { o.From = "a@b\r\nBcc: x" },
		"to":             func(o *mail.Options) { o.To = []string{"nobody"} },
		"nobody":         func(o *mail.Options) { o.To = nil },
		"security":       func(o *mail.Options) { o.Security = "ssl" },
		"plain password": func(o *mail.Options) { o.Security, o.User, o.Password = mail.None, "u", secret.New("hunter2") },
		"timeout":        func(o *mail.Options) { o.Timeout = time.Hour },
		"certificate":    func(o *mail.Options) { o.TLS.CA = "/nowhere" },
	} {
		o := good
		change(&o)
		if _, err := mail.New(o, notifytest.Templates(t)); err == nil || !strings.HasPrefix(err.Error(), "email: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := mail.New(good, notifytest.Templates(t)); err != nil {
		t.Error(err)
	}
}

// An address of IPv6 is dialled as such. Nobody listens there.
func TestServerByIPv6(t *testing.T) {
	o := options(&server{address: "[::1]:1"}, mail.None)
	if err := newMail(t, o).Send(t.Context(), notify.Example(start, false)); err == nil || !strings.Contains(err.Error(), "dial tcp [::1]:1") {
		t.Errorf("error %v, want one about a connection to [::1]:1", err)
	}
}
