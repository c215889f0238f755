package web_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/internal/packetnet"
	"walkabout/web"
)

// page is an open connection to /api/ui/events.
type page struct {
	conn  net.Conn
	lines chan string // closed at the end
}

// open asks for events over a pipe to the server of l.
func open(t *testing.T, l *packetnet.Listener) *page {
	t.Helper()
	mine, theirs := net.Pipe()
	l.Give(theirs)
	p := &page{mine, make(chan string, 1000)}
	go func() {
		defer close(p.lines)
		for r := bufio.NewReader(mine); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			p.lines <- strings.TrimRight(line, "\r\n")
		}
	}()
	if _, err := fmt.Fprint(mine, "GET /api/ui/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return p
}

// events returns the data of what came up to now, those of one name.
func (p *page) events(t *testing.T, name string) (out []string) {
	t.Helper()
	synctest.Wait()
	last := ""
	for {
		select {
		case line, ok := <-p.lines:
			kind, data, _ := strings.Cut(line, ": ")
			switch {
			case !ok:
				return append(out, "end")
			case kind == "event":
				last = data
			case kind == "data" && last == name:
				out = append(out, data)
			}
		default:
			return out
		}
	}
}

// listening serves f as the collector does, with its timeouts.
func listening(f *fixture) (*packetnet.Listener, *http.Server, chan error) {
	l := packetnet.NewListener(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8161})
	s := &http.Server{Handler: f.mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	s.RegisterOnShutdown(f.server.Close)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return l, s, done
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture("core1", "core2").serve()
		l, s, done := listening(f)
		p := open(t, l)
		if got := p.events(t, "hello"); len(got) != 1 || got[0] != fmt.Sprintf(`{"started":%d,"version":"1.2.3"}`, at.UnixMilli()) {
			t.Errorf("hello: %v", got)
		}
		f.poll("core2", 0, nil, up("a", 1, 1, 1))
		want := []string{`{"topics":["fleet"],"devices":["core2"]}`}
		if diff := cmp.Diff(want, p.events(t, "change")); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		for range 5 { // within a second of it
			f.poll("core1", 1, nil, up("a", 1, 1, 1))
			f.poll("core2", 1, nil, up("a", 1, 1, 1))
			f.memory.Transitions([]alert.Transition{{Alert: alert.Alert{Device: "core1"}}})
			time.Sleep(100 * time.Millisecond)
			if got := p.events(t, "change"); len(got) > 0 {
				t.Errorf("too soon: %v", got)
			}
		}
		time.Sleep(time.Second)
		want = []string{`{"topics":["alerts","fleet","log"],"devices":["core1","core2"]}`}
		if diff := cmp.Diff(want, p.events(t, "change")); diff != "" {
			t.Errorf("a second later (-want +got):\n%s", diff)
		}
		time.Sleep(10 * time.Minute) // far beyond the server's timeouts
		if got := p.events(t, "beat"); len(got) < 35 || got[len(got)-1] == "end" {
			t.Errorf("%d heartbeats in ten minutes: %v", len(got), got)
		}
		f.memory.Changed()
		if diff := cmp.Diff([]string{`{"topics":["alerts"],"devices":[],"all":true}`}, p.events(t, "change")); diff != "" {
			t.Errorf("an acknowledgement (-want +got):\n%s", diff)
		}
		began := time.Now()
		if err := s.Shutdown(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("Shutdown took %v: %v", time.Since(began), err)
		}
		if got := p.events(t, "change"); len(got) != 1 || got[0] != "end" {
			t.Errorf("after the end: %v", got)
		}
		p.conn.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// TestEventsManyDevices: what is pending for a page is bounded.
func TestEventsManyDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 300 {
			names = append(names, fmt.Sprintf("sw%d", i))
		}
		f := newFixture(names...).serve()
		l, s, done := listening(f)
		p := open(t, l)
		p.events(t, "hello")
		f.memory.Changed() // told at once; what follows waits
		p.events(t, "change")
		for _, name := range names[:200] {
			f.poll(name, 0, nil)
		}
		time.Sleep(time.Second)
		var e web.Event
		if err := json.Unmarshal([]byte(p.events(t, "change")[0]), &e); err != nil || len(e.Devices) != 200 || e.All {
			t.Errorf("%v: %d devices, all: %v", err, len(e.Devices), e.All)
		}
		for _, name := range names {
			f.poll(name, 1, nil)
		}
		time.Sleep(time.Second)
		e = web.Event{}
		if err := json.Unmarshal([]byte(p.events(t, "change")[0]), &e); err != nil || len(e.Devices) != 0 || !e.All {
			t.Errorf("%v: %d devices, all: %v", err, len(e.Devices), e.All)
		}
		_ = s.Shutdown(t.Context())
		p.conn.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// TestEventsSlow: who does not read is let go, and who comes too many is told so.
func TestEventsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture("core1").serve()
		l, s, done := listening(f)
		mine, theirs := net.Pipe() // nobody reads it
		l.Give(theirs)
		if _, err := fmt.Fprint(mine, "GET /api/ui/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		viewers := func() int {
			synctest.Wait()
			var c web.Collector
			f.get(t, "collector", &c)
			return c.Viewers
		}
		if n := viewers(); n != 1 {
			t.Errorf("%d viewers", n)
		}
		time.Sleep(11 * time.Second)
		if n := viewers(); n != 0 {
			t.Errorf("%d viewers: one that does not read was kept", n)
		}
		mine.Close()
		var pages []*page
		for range 201 {
			pages = append(pages, open(t, l))
		}
		if n := viewers(); n != 200 {
			t.Errorf("%d viewers", n)
		}
		refused := 0
		for _, p := range pages {
			if line := <-p.lines; strings.Contains(line, "503") {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%d were refused", refused)
		}
		for _, p := range pages {
			p.conn.Close()
		}
		if n := viewers(); n != 0 {
			t.Errorf("%d viewers after all have gone", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// TestEventsHTTP2: over TLS, and so HTTP/2, a page is told of changes as long.
func TestEventsHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture("core1").serve()
		l := packetnet.NewListener(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8161})
		s := &http.Server{Handler: f.mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), TLSConfig: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}}
		s.RegisterOnShutdown(f.server.Close)
		done := make(chan error, 1)
		go func() { done <- s.ServeTLS(l, "", "") }()
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				mine, theirs := net.Pipe()
				l.Give(theirs)
				return mine, nil
			}}
		answer, err := (&http.Client{Transport: transport}).Get("https://localhost/api/ui/events")
		if err != nil {
			t.Fatal(err)
		}
		if answer.ProtoMajor != 2 {
			t.Errorf("it is %s", answer.Proto)
		}
		p := &page{lines: make(chan string, 1000)}
		go func() {
			defer close(p.lines)
			for r := bufio.NewScanner(answer.Body); r.Scan(); {
				p.lines <- r.Text()
			}
		}()
		time.Sleep(10 * time.Minute)
		f.memory.Changed()
		time.Sleep(time.Second)
		if got := p.events(t, "change"); len(got) != 1 || got[0] == "end" {
			t.Errorf("after ten minutes: %v", got)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		answer.Body.Close()
		transport.CloseIdleConnections()
	})
}

// selfSigned returns a certificate of its own.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
