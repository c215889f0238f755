// Package mail has the sender of package notify that speaks SMTP.
package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"walkabout/alert/notify"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
)

// Security is how the connection to the server is kept from others.
type Security string

const (
	StartTLS Security = "starttls" // a server that does not offer it is refused; port 587
	TLS      Security = "tls"      // from the first octet on; port 465
	None     Security = "none"     // port 25; no password goes over it but to this machine
)

const (
	defaultTimeout = 20 * time.Second
	mostTimeout    = 30 * time.Second // what a Dispatcher gives an attempt
	mostSubject    = 200              // characters
	remembered     = 64               // messages of which it is known who has them
)

// Options are what a Mail works with.
type Options struct {
	Server   string   // host or host:port
	Security Security // "" is StartTLS
	TLS      clienttls.Config
	User     string // "": no authentication
	Password secret.String
	From     string   // an address, with a name or without
	To       []string // likewise
	Timeout  time.Duration
	Log      *slog.Logger // for recipients that the server refuses while it takes others; nil: slog.Default
}

// Mail is a notify.Sender that sends mail, plain and HTML.
//
// Its Message-ID is the message's, References and In-Reply-To name the messages that first told of its alerts, and, of a message of one alert, an ID
// made of the fingerprint: readers show what is about one alert as one thread.
type Mail struct {
	host      string
	port      int
	from      *mail.Address
	to        []*mail.Address
	timeout   time.Duration
	tls       *tls.Config // nil: none
	implicit  bool        // TLS from the first octet on
	options   []gomail.Option
	templates *notify.Templates
	log       *slog.Logger

	has   map[string][]string // by message ID: who has it already, of messages that others are yet to be given
	order []string
}

// New checks o and returns a Mail. It sends nothing.
func New(o Options, t *notify.Templates) (*Mail, error) {
	m := &Mail{timeout: cmp.Or(o.Timeout, defaultTimeout), templates: t, log: cmp.Or(o.Log, slog.Default()), has: map[string][]string{}}
	if m.timeout < 0 || m.timeout > mostTimeout {
		return nil, fmt.Errorf("email: timeout is at most %v", mostTimeout)
	}
	var err error
	if m.from, err = mail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("email: from %q is no address such as snmpcollect@example.net", o.From)
	}
	if len(o.To) == 0 {
		return nil, errors.New("email: to names nobody")
	}
	for _, text := range o.To {
		a, err := mail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("email: to: %q is no address such as noc@example.net", text)
		}
		m.to = append(m.to, a)
	}
	return m, m.server(o)
}

// ports are those of RFC 6409, RFC 8314 and RFC 5321.
var ports = map[Security]int{StartTLS: 587, TLS: 465, None: 25}

func (m *Mail) server(o Options) error {
	security := cmp.Or(o.Security, StartTLS)
	port, known := ports[security]
	if !known {
		return fmt.Errorf("email: security %q is none of starttls, tls and none", security)
	}
	m.host = o.Server
	if host, text, err := net.SplitHostPort(o.Server); err == nil {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("email: server %q: the port is not 1 to 65535", o.Server)
		}
		m.host, port = host, int(n)
	}
	m.port = port
	if m.host == "" || strings.ContainsAny(m.host, " /\r\n") {
		return errors.New("email: server is wanted as host or host:port")
	}
	if security == None && o.User != "" && !loopback(m.host) {
		return errors.New("email: a password over an unprotected connection is for this machine only: security: starttls or tls")
	}
	if security != None {
		var err error
		if m.tls, err = o.TLS.TLS(); err != nil {
			return fmt.Errorf("email: tls: %w", err)
		}
		if m.tls == nil {
			m.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if m.tls = m.tls.Clone(); m.tls.ServerName == "" {
			m.tls.ServerName = m.host
		}
	}
	m.implicit = security == TLS
	policy := map[Security]gomail.TLSPolicy{StartTLS: gomail.TLSMandatory, TLS: gomail.TLSOpportunistic, None: gomail.NoTLS}[security]
	m.options = []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(m.timeout), gomail.WithTLSPolicy(policy)}
	if m.tls != nil {
		m.options = append(m.options, gomail.WithTLSConfig(m.tls))
	}
	if o.User != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if security == None {
			auth = gomail.SMTPAuthPlainNoEnc
		}
		m.options = append(m.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(o.User), gomail.WithPassword(o.Password.Reveal()))
	}
	_, err := gomail.NewClient(m.host, m.options...)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// domain is where our Message-IDs are distinct.
func (m *Mail) domain() string {
	_, domain, _ := strings.Cut(m.from.Address, "@")
	return domain
}

// compose makes the mail of n.
func (m *Mail) compose(n *notify.Message) *gomail.Msg {
	msg := gomail.NewMsg()
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(m.to...)
	msg.Subject(notify.Cut(mostSubject, m.templates.Subject(n)))
	msg.SetDateWithValue(n.At)
	msg.SetMessageIDWithValue(m.messageID(n.ID))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence is told to us
	if refs := m.references(n); len(refs) > 0 {
		msg.SetGenHeaderPreformatted(gomail.HeaderReferences, strings.Join(refs, "\r\n "))
		msg.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, refs[len(refs)-1])
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.templates.Text(n))
	msg.AddAlternativeString(gomail.TypeTextHTML, m.templates.HTML(n))
	return msg
}

func (m *Mail) messageID(id string) string { return "walkabout." + id + "@" + m.domain() }

// references returns what n follows, oldest first.
func (m *Mail) references(n *notify.Message) []string {
	var refs []string
	one := n.Items[0].Fingerprint
	if !slices.ContainsFunc(n.Items, func(it notify.Item) bool { return it.Fingerprint != one }) {
		refs = append(refs, "<alert."+one+"@"+m.domain()+">")
	}
	for _, id := range n.Follows {
		refs = append(refs, "<"+m.messageID(id)+">")
	}
	return refs
}

// Preview implements notify.Sender: the mail as it would be sent.
func (m *Mail) Preview(n *notify.Message) (string, error) {
	msg := m.compose(n)
	msg.SetEncoding(gomail.NoEncoding)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return "", fmt.Errorf("email: %w", err)
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n"), nil
}

// Close implements notify.Sender.
func (m *Mail) Close() {}

// Send implements notify.Sender. A recipient whom the server refuses keeps nobody else from the mail. If it refuses some for now, they alone are
// tried again; after a restart of the program all are, under the same Message-ID.
func (m *Mail) Send(ctx context.Context, n *notify.Message) error {
	msg := m.compose(n)
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	c, end, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("email: %s: %w", m.host, err)
	}
	defer end()
	later, err := m.deliver(c, msg, n.ID)
	if err != nil {
		return err
	}
	if len(later) > 0 {
		return fmt.Errorf("email: %s takes it for some and not yet for others: %w", m.host, errors.Join(later...))
	}
	m.forget(n.ID)
	_ = c.Quit() // it has the mail
	return nil
}

// dial returns a connection that is ready for mail, and what ends it. The library heeds a context only while it dials, and leaves a connection open
// on which something failed.
func (m *Mail) dial(ctx context.Context) (*smtp.Client, func(), error) {
	end := func() {}
	dial := func(dialing context.Context, network, _ string) (conn net.Conn, err error) { // the library's address has no brackets around an IPv6 host
		address := net.JoinHostPort(m.host, strconv.Itoa(m.port))
		if m.implicit {
			conn, err = (&tls.Dialer{Config: m.tls}).DialContext(dialing, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(dialing, network, address)
		}
		if err != nil {
			return nil, err
		}
		release := context.AfterFunc(ctx, func() { _ = conn.Close() })
		end = func() { release(); _ = conn.Close() }
		return conn, nil
	}
	client, err := gomail.NewClient(m.host, append(slices.Clone(m.options), gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return nil, nil, err
	}
	c, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		end()
		return nil, nil, err
	}
	return c, end, nil
}

// deliver gives msg to those who do not have it. later are the recipients that the server does not take yet.
func (m *Mail) deliver(c *smtp.Client, msg *gomail.Msg, id string) (later []error, err error) {
	if err := c.Mail(m.from.Address); err != nil {
		return nil, fmt.Errorf("email: %s: from %s: %w", m.host, m.from.Address, err)
	}
	var taken []string
	var refused []error
	for _, to := range m.to {
		if slices.Contains(m.has[id], to.Address) {
			continue
		}
		switch err := c.Rcpt(to.Address); {
		case err == nil:
			taken = append(taken, to.Address)
		case permanent(err):
			refused = append(refused, fmt.Errorf("to %s: %w", to.Address, err))
		default:
			later = append(later, fmt.Errorf("to %s: %w", to.Address, err))
		}
	}
	if len(taken) == 0 {
		if len(later) == 0 && len(m.has[id]) > 0 { // the others have it
			m.tellRefused(refused)
			return nil, nil
		}
		return nil, fmt.Errorf("email: %s: %w", m.host, errors.Join(append(refused, later...)...))
	}
	w, err := c.Data()
	if err == nil {
		if _, err = msg.WriteTo(w); err == nil {
			err = w.Close()
		}
	}
	if permanent(err) {
		return nil, &notify.RejectedError{Err: fmt.Errorf("email: %s: %w", m.host, err)}
	}
	if err != nil {
		return nil, fmt.Errorf("email: %s: %w", m.host, err)
	}
	m.tellRefused(refused)
	m.remember(id, taken)
	return later, nil
}

// permanent reports whether the server says that it will never do it (RFC 5321, section 4.2.1).
func permanent(err error) bool {
	var e *textproto.Error
	return errors.As(err, &e) && e.Code >= 500
}

func (m *Mail) tellRefused(refused []error) {
	for _, err := range refused {
		m.log.Error("a recipient of notifications is refused by the mail server; others have it", "err", err)
	}
}

func (m *Mail) remember(id string, has []string) {
	if m.has[id] == nil {
		if m.order = append(m.order, id); len(m.order) > remembered {
			delete(m.has, m.order[0])
			m.order = m.order[1:]
		}
	}
	m.has[id] = append(m.has[id], has...)
}

func (m *Mail) forget(id string) {
	delete(m.has, id)
	m.order = slices.DeleteFunc(m.order, func(other string) bool { return other == id })
}
