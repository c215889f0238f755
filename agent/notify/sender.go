package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// drainTime is how long a target that is no longer wanted may take to be sent what it has in its queue.
const drainTime = 5 * time.Second

// maxRetired is how many such targets there are at a time: who adds and removes targets without end ends the oldest.
const maxRetired = 100

// DialFunc opens a socket that is connected to a Target's address, from source if that is valid. An error may wrap a CertificateError.
type DialFunc func(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error)

// Config is what a Sender sends for. The zero Config, but for Start, is of use.
type Config struct {
	Start    time.Time      // when sysUpTime was 0
	Engine   *usm.Engine    // authoritative for traps of version 3; without one, targets of that version get nothing
	Counters *snmp.Counters // the snmp group; nil if nobody serves it
	TSM      *snmp.TSMStats // nil if nobody serves them
	Dial     DialFunc       // the system's if nil
	Log      *slog.Logger   // slog.Default if nil
}

// Sender sends notifications. Its methods may be called from any goroutine.
type Sender struct {
	config Config
	Stats  Stats

	mu      sync.Mutex
	workers []*worker // one a target
	retired []*worker // of targets that are no longer wanted, while they send what they have
	closed  bool
	running sync.WaitGroup
}

// New returns a Sender without targets. Close ends it.
func New(c Config) *Sender {
	if c.Counters == nil {
		c.Counters = new(snmp.Counters)
	}
	if c.TSM == nil {
		c.TSM = new(snmp.TSMStats)
	}
	if c.Dial == nil {
		c.Dial = Dial
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Sender{config: c}
}

// Dial is the system's DialFunc.
func Dial(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	switch {
	case !source.IsValid() || network == "unix":
	case isStream(network):
		d.LocalAddr = net.TCPAddrFromAddrPort(source)
	default:
		d.LocalAddr = net.UDPAddrFromAddrPort(source)
	}
	return d.DialContext(ctx, network, address)
}

// ErrTarget is wrapped where a Target cannot be one.
var ErrTarget = errors.New("not a target of notifications")

func isStream(network string) bool { return strings.Contains(network, "tcp") || network == "unix" }

func (t *Target) stream() bool { return isStream(t.Network) }

func (t *Target) secure() bool { return strings.Contains(t.Network, "tls") }

var networks = []string{"udp4", "udp6", "tcp4", "tcp6", "tlstcp4", "tlstcp6", "dtlsudp4", "dtlsudp6", "unix"}

func (t *Target) validate() error {
	switch {
	case !slices.Contains(networks, t.Network):
		return fmt.Errorf("%s: %w: network %q", t.Name, ErrTarget, t.Network)
	case t.secure() && t.Dial == nil:
		return fmt.Errorf("%s: %w: %s without certificates", t.Name, ErrTarget, t.Network)
	case t.TSM && (t.Version != snmp.V3 || !t.secure()):
		return fmt.Errorf("%s: %w: the Transport Security Model is of SNMPv3 by TLS and DTLS", t.Name, ErrTarget)
	case t.Version != snmp.V1 && t.Version != snmp.V2c && t.Version != snmp.V3:
		return fmt.Errorf("%s: %w: %v", t.Name, ErrTarget, t.Version)
	case t.Version == snmp.V1 && t.Inform:
		return fmt.Errorf("%s: %w: SNMPv1 has no informs", t.Name, ErrTarget)
	case t.Version == snmp.V3 && !t.TSM && t.User == nil:
		return fmt.Errorf("%s: %w: SNMPv3 without a user", t.Name, ErrTarget)
	case t.Version == snmp.V3 && (t.Level < snmp.NoAuthNoPriv || t.Level > snmp.AuthPriv):
		return fmt.Errorf("%s: %w: %v", t.Name, ErrTarget, t.Level)
	}
	return nil
}

// SetTargets replaces the targets; an error, and no change, if one cannot be, or two have the same name. What waits for a target whose
// name and address stay is sent as it is now configured; one that is gone is sent what it still has, for a few seconds.
func (s *Sender) SetTargets(targets []Target) error {
	want := make(map[string]*Target, len(targets))
	for i := range targets {
		t := targets[i]
		if err := t.validate(); err != nil {
			return err
		}
		if want[t.Name] != nil {
			return fmt.Errorf("%s: %w: two have this name", t.Name, ErrTarget)
		}
		if t.Timeout <= 0 {
			t.Timeout = DefaultTimeout
		}
		want[t.Name] = &t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%w: the sender is closed", net.ErrClosed)
	}
	var kept []*worker
	for _, w := range s.workers {
		if t, is := want[w.name], w.target.Load(); t != nil && t.Network == is.Network && t.Address == is.Address {
			w.target.Store(t)
			delete(want, w.name)
			kept = append(kept, w)
			continue
		}
		w.retire(drainTime)
		if s.retired = append(s.retired, w); len(s.retired) > maxRetired {
			s.retired[len(s.retired)-1-maxRetired].cancel()
		}
	}
	for i := range targets { // in the order that was given
		if t := want[targets[i].Name]; t != nil {
			kept = append(kept, s.startLocked(t))
		}
	}
	s.workers = kept
	return nil
}

// startLocked starts the worker of t.
func (s *Sender) startLocked(t *Target) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{sender: s, name: t.Name, queue: newQueue(), cancel: cancel, log: s.config.Log.With("target", t.Name)}
	w.target.Store(t)
	s.running.Go(func() {
		defer cancel()
		w.run(ctx)
		s.forget(w)
	})
	return w
}

// forget takes a worker that has ended off the list of the retired.
func (s *Sender) forget(w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.retired {
		if r == w {
			s.retired = append(s.retired[:i], s.retired[i+1:]...)
			return
		}
	}
}

// Notify tells every target that may have n and wants it. It does not wait.
func (s *Sender) Notify(n Notification) {
	m := newMessage(n, s.config.Start)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		switch t := w.target.Load(); {
		case !t.wanted(m) || w.refused.Load() && aboutCertificates(n.TrapOID):
		case t.Misnamed:
			s.config.TSM.InvalidPrefixes.Add(1)
			s.Stats.Dropped.Add(1)
		case w.queue.push(m):
			s.Stats.Dropped.Add(1)
			w.overflow.Add(1)
		}
	}
}

// Close sends what waits, until ctx ends, and returns when no goroutine of s is left. What cannot be sent at once is given up.
func (s *Sender) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	all := append(append([]*worker(nil), s.workers...), s.retired...)
	s.workers = nil
	for _, w := range all {
		w.queue.end()
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		for _, w := range all {
			w.cancel()
		}
	})
	defer stop()
	s.running.Wait()
}
