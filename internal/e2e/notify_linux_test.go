//go:build interop

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"

	"walkabout/alert/notify"
	"walkabout/internal/interop"
	"walkabout/sim"
)

// mailServer is an SMTP server. While hold is open it takes each mail in, and does not answer.
type mailServer struct {
	address string
	hold    chan struct{}

	mu    sync.Mutex
	seen  []string // Message-IDs of all that came
	mails []mail.Header
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	s := &mailServer{hold: make(chan struct{})}
	b := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{s}, nil }))
	b.Domain = "mail.example.net"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	served := make(chan struct{})
	go func() { defer close(served); _ = b.Serve(l) }()
	t.Cleanup(func() { _ = b.Close(); <-served })
	return s
}

type mailSession struct{ s *mailServer }

func (*mailSession) Reset()                               {}
func (*mailSession) Logout() error                        { return nil }
func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (*mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (c *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	c.s.seen = append(c.s.seen, m.Header.Get("Message-Id"))
	hold := c.s.hold
	c.s.mu.Unlock()
	<-hold
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mails = append(c.s.mails, m.Header)
	return nil
}

// heldHook is a webhook that takes each request in, and does not answer while hold is open.
type heldHook struct {
	*httptest.Server
	hold chan struct{}

	mu   sync.Mutex
	seen []notify.Document
}

func newHeldHook(t *testing.T) *heldHook {
	t.Helper()
	h := &heldHook{hold: make(chan struct{})}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var d notify.Document
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.seen = append(h.seen, d)
		h.mu.Unlock()
		select {
		case <-h.hold:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// A collector that is killed while a webhook and a mail server have a message and did not answer sends both again, under the same ID and Message-ID;
// one that still waited for its group is told after the restart. Debian's Alertmanager shows the alert before and after, and its end.
func TestKilledWhileNotifying(t *testing.T) {
	t.Parallel()
	am, smtpd, hook, late := interop.StartAlertmanager(t), newMailServer(t), newHeldHook(t), newReceiver(t)
	sw := newDevice(t, "sw", false, sim.Port{Index: 1, Name: "broken", InBase: 1e6, Down: true}, sim.Port{Index: 2, Name: "good", InRate: 1e6, Speed: 1e9})
	folder := t.TempDir()
	text := fmt.Sprintf(`interval: %v
state: %s
listen: 127.0.0.1:0
external_url: https://collector.example.net
credentials: {lab: {version: 2c, community: public}}
targets: [{name: sw, address: %q, credential: lab, collect: [system, interfaces], labels: {site: paris}}]
alerts: {interface_mismatch: {for: 0s}}
notify:
  - alertmanager: {urls: [%q], every: 1s}
  - email: {server: %q, security: none, from: collector@example.net, to: [noc@example.net], group_wait: 0s, group_interval: 0s}
  - webhook: {url: %q}
  - webhook: {name: late, url: %q, group_wait: 1h}
`, interval, filepath.Join(folder, "state"), sw.address, am.URL, smtpd.address, hook.URL, late.URL)
	path := filepath.Join(folder, "snmpcollect.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := collect(t, path)
	shown := func() bool {
		list := am.Active()
		return len(list) == 1 && list[0].Labels["device"] == "sw" && list[0].Labels["interface"] == "broken" && list[0].Labels["site"] == "paris" &&
			strings.HasPrefix(list[0].GeneratorURL, "https://collector.example.net/alerts/")
	}
	eventually(t, "Alertmanager shows the alert", shown)
	eventually(t, "both have the message", func() bool {
		smtpd.mu.Lock()
		defer smtpd.mu.Unlock()
		hook.mu.Lock()
		defer hook.mu.Unlock()
		return len(smtpd.seen) == 1 && len(hook.seen) == 1
	})
	p.Signal(syscall.SIGKILL)
	p.Wait()
	close(hook.hold)
	close(smtpd.hold)

	text = strings.Replace(text, "group_wait: 1h", "group_wait: 0s", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = collect(t, path)
	eventually(t, "both have it again", func() bool {
		smtpd.mu.Lock()
		defer smtpd.mu.Unlock()
		hook.mu.Lock()
		defer hook.mu.Unlock()
		return len(smtpd.seen) == 2 && len(hook.seen) == 2
	})
	if smtpd.seen[0] != smtpd.seen[1] || hook.seen[0].ID != hook.seen[1].ID || hook.seen[0].Alerts[0].ID != hook.seen[1].Alerts[0].ID {
		t.Errorf("repeated under other IDs: %q, %+v", smtpd.seen, hook.seen)
	}
	eventually(t, "Alertmanager still shows it", shown)
	p.awaitPolls(t, "sw", 2)
	sw.set(t, "broken", func(p *sim.Port) { p.Down = false })
	eventually(t, "Alertmanager shows its end", func() bool { return len(am.Active()) == 0 })
	end(t, p.Process) // and with it who waits for company is told
	if all := late.about("sw", "broken"); len(all) != 2 || all[0].Status != "firing" || all[1].Status != "resolved" {
		t.Errorf("who waited was told %+v", all)
	}
	if len(hook.seen) != 3 || hook.seen[2].Alerts[0].Status != "resolved" || len(smtpd.seen) != 3 {
		t.Errorf("told %d and %d times", len(hook.seen), len(smtpd.seen))
	}
	last := smtpd.mails[len(smtpd.mails)-1]
	if !strings.Contains(last.Get("References"), smtpd.seen[0]) || !strings.HasPrefix(last.Get("Subject"), "RESOLVED sw broken") {
		t.Errorf("the end's subject is %q, it refers to %q, the first was %s", last.Get("Subject"), last.Get("References"), smtpd.seen[0])
	}
}
