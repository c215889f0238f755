// Package agent is the SNMP agent: it reads requests, decides who may ask, asks the registered mib.Handlers, and answers.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/internal/lograte"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// minMessageSize is what every SNMP entity must accept (RFC 3417 section 3.2.1), in octets.
const minMessageSize = snmp.MinMaxSize

// How many requests of one socket may be worked on at a time: those that wait for a slow source, such as a sub-agent that hangs, hold up others only when
// they are maxWorkers (see lead). More than workers goroutines live only as long as they are needed.
const (
	workers    = 8
	maxWorkers = 128
)

// Config is what a Server does not learn later. The zero Config is of use.
type Config struct {
	// MaxMessageSize bounds every answer, in octets from 484 to snmp.MaxMessageSize; 0 is snmp.MaxMessageSize. An answer that
	// cannot be cut to it is tooBig.
	MaxMessageSize int
	// MaxBulk bounds the answers to GetBulk, which are cut to it; 0 is what an Ethernet frame holds (1472 octets by IPv4, 1452 by
	// IPv6), for fragments are lost by more firewalls than anybody can count, and MaxMessageSize over loopback and by streams.
	MaxBulk int
	// Save puts on the disk what mib.Keepers keep. It is called once a SET, after every Commit and by one goroutine at a time; if it
	// fails, all is taken back and the answer is commitFailed. nil if nothing outlives the program.
	Save     func(ctx context.Context) error
	Engine   *usm.Engine    // speaks SNMPv3 to its users; nil if nobody does
	Counters *snmp.Counters // the snmp group; nil if nobody serves it
	// AuthenticationFailed is called, if AuthenTraps says so (snmpEnableAuthenTraps), when a message was not properly authenticated:
	// of an unknown community or user, or with a wrong digest (RFC 3418, authenticationFailure). It is called for a source once a
	// minute at most, 50 times a minute over all. Neither may wait; both may be nil.
	AuthenTraps          func() bool
	AuthenticationFailed func()
	Log                  *slog.Logger // nil is slog.Default
}

// Server answers requests. Without SetAccess it accepts nobody. Its methods may be called from any goroutine.
type Server struct {
	config   Config
	counters *snmp.Counters
	mpd      snmp.MPDStats
	tsm      tsm
	log      *slog.Logger
	refusals lograte.Sources // that were logged
	failures lograte.Sources // that AuthenticationFailed was told of
	streams  streams
	sockets  sockets
	stats    stats

	setting setting
	sizes   sizeLimits
	bulk    bulkLimits
	rate    atomic.Pointer[rateLimiter]  // nil if requests are not bounded
	filter  atomic.Pointer[sourceFilter] // nil if there is none

	streamLimits atomic.Pointer[StreamLimits]

	access atomic.Pointer[access]
	routes atomic.Pointer[routes]

	mu         sync.Mutex // guards what is below
	registered []registered
	serial     int
}

// New returns a Server that serves nothing to nobody yet.
func New(c Config) *Server {
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = snmp.MaxMessageSize
	}
	c.MaxMessageSize = min(max(c.MaxMessageSize, minMessageSize), snmp.MaxMessageSize)
	if c.MaxBulk != 0 {
		c.MaxBulk = min(max(c.MaxBulk, minMessageSize), c.MaxMessageSize)
	}
	s := &Server{setting: setting{busy: map[mib.Setter]bool{}, ended: make(chan struct{})}, config: c, counters: c.Counters, log: c.Log}
	if s.counters == nil {
		s.counters = new(snmp.Counters)
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.SetStreamLimits(StreamLimits{})
	s.SetCommunities(nil)
	return s
}

// SetAccess replaces who may ask what. Requests under way finish by the old rules.
func (s *Server) SetAccess(a Access) { s.access.Store(newAccess(a)) }

// SetCommunities is SetAccess for communities alone.
func (s *Server) SetCommunities(list []Community) { s.SetAccess(CommunityAccess(list...)) }

// Peer is the other end of a datagram, and the own address that it was sent to.
type Peer struct {
	Remote netip.AddrPort
	Local  netip.Addr // invalid if the socket is bound to one address anyway
	Zone   int        // the interface that a link-local datagram came in by; 0 otherwise
}

// Datagrams is a socket of any kind that carries one message a datagram. ReadPacket and WritePacket are called by several
// goroutines; Close makes a waiting ReadPacket return an error that wraps net.ErrClosed.
type Datagrams interface {
	ReadPacket(b []byte) (int, Peer, error)
	WritePacket(b []byte, to Peer) error
	Close() error
}

// ServeDatagrams answers what comes by d until ctx ends or d fails, closes d, and returns when no goroutine of it is left.
// The end of ctx is no error.
func (s *Server) ServeDatagrams(ctx context.Context, d Datagrams) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.sockets.watch(d)
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.sockets.end(d) // which a closed one cannot tell
		if err := d.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Warn("closing a socket", "err", err)
		}
	})
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	var working sync.WaitGroup
	failed := make(chan error, 1) // the first worker's that ends
	l := newLead(func(l *lead) {
		working.Go(func() {
			err := s.work(ctx, d, l)
			if err == nil && ctx.Err() == nil {
				return // not needed any more
			}
			select {
			case failed <- err:
				cancel()
			default:
			}
		})
	})
	defer l.stop()
	l.start()
	working.Wait()
	return <-failed
}

// transientPause keeps a worker from spinning on a socket that fails again and again.
const transientPause = 10 * time.Millisecond

// work reads, answers and writes while it has the lead, until d is closed. Each worker has its own memory, used again for every
// request but after a large one.
func (s *Server) work(ctx context.Context, d Datagrams, l *lead) error {
	var in []byte
	var request uint64
	pass := func() { l.pass(request) }
	w := &worker{server: s, onSlow: pass}
	for l.wait(ctx) {
		if in == nil {
			in = make([]byte, snmp.MaxMessageSize+1)
		}
		for leads := true; leads; {
			n, peer, err := d.ReadPacket(in)
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, net.ErrClosed):
				return fmt.Errorf("reading requests: %w", err)
			case err != nil:
				// An ICMP error of an earlier answer, or no memory: the socket lives on.
				s.log.Debug("reading a request", "err", err)
				select {
				case <-ctx.Done():
				case <-time.After(transientPause):
				}
				continue
			}
			request = l.begin()
			if answer := w.answer(ctx, in[:n], origin{addr: peer.Remote.Addr()}); answer != nil {
				s.write(d, answer, peer)
			}
			if w.swollen() {
				w = &worker{server: s, onSlow: pass}
			}
			leads = l.end(request)
		}
	}
	return nil
}

func (s *Server) write(d Datagrams, answer []byte, to Peer) {
	if err := d.WritePacket(answer, to); err != nil {
		s.counters.Add(snmp.SilentDrops, 1)
		s.log.Debug("writing an answer", "to", to.Remote, "err", err)
		return
	}
	s.counters.Add(snmp.OutPkts, 1)
}

// refused logs that nobody was let in, at most once a minute and source.
func (s *Server) refused(from origin, why string) {
	if s.refusals.Due(from.source()) {
		s.log.Warn("refused a message; more from there are not told for a minute", "from", from, "why", why)
	}
}

// authenticationFailed tells Config.AuthenticationFailed of it, if it is its turn.
func (s *Server) authenticationFailed(from origin) {
	if c := &s.config; c.AuthenTraps != nil && c.AuthenticationFailed != nil && c.AuthenTraps() && s.failures.Due(from.source()) {
		c.AuthenticationFailed()
	}
}

// MPDStats returns the counters of what message processing refuses, which go on.
func (s *Server) MPDStats() *snmp.MPDStats { return &s.mpd }

// TSMStats returns the counters of the Transport Security Model, which go on.
func (s *Server) TSMStats() *snmp.TSMStats { return &s.tsm.stats }

// Contexts returns the names of the contexts that are served, in any order; "" is the default context.
func (s *Server) Contexts() []string { return slices.Collect(maps.Keys(s.currentRoutes())) }

// contextRegions returns the regions of a context and whether it is known.
func (s *Server) contextRegions(name string) ([]region, bool) {
	r, ok := s.currentRoutes()[name]
	return r, ok
}
