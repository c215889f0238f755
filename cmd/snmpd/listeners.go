package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"

	"walkabout/agent"
	"walkabout/agent/secure"
)

// listeners is the sockets that a server answers on. One goroutine uses it.
type listeners struct {
	server *agent.Server
	secure *secure.Model
	log    *slog.Logger
	bound  map[endpoint]*listener
	failed chan error // of capacity 1: why a socket ended by itself
}

// listener is one socket; its serving goroutine closes done.
type listener struct {
	socket socket
	stop   context.CancelFunc
	done   chan struct{}
}

// socket is one that is bound: of datagrams or of streams, the other is nil; of DTLS both are set, streams being the sessions.
type socket struct {
	datagrams *agent.UDP
	streams   net.Listener
}

// open opens the socket of e.
func (l *listeners) open(ctx context.Context, e endpoint) (s socket, err error) {
	o := agent.Socket{Device: e.device}
	switch e.ip() {
	case unixNetwork:
		s.streams, err = agent.ListenUnix(ctx, e.path)
	case "tcp4", "tcp6":
		s.streams, err = o.ListenTCP(ctx, e.ip(), e.addr)
	default:
		s.datagrams, err = o.ListenUDP(ctx, e.ip(), e.addr)
	}
	switch {
	case err != nil || !e.secure():
	case s.datagrams != nil:
		s.streams = l.secure.ListenDTLS(s.datagrams, net.UDPAddrFromAddrPort(s.datagrams.LocalAddr()))
	default:
		s.streams = l.secure.ListenTLS(s.streams)
	}
	return s, err
}

func (s socket) serve(ctx context.Context, server *agent.Server) error {
	if s.streams != nil {
		return server.ServeStreams(ctx, s.streams)
	}
	return server.ServeDatagrams(ctx, s.datagrams)
}

func (s socket) Close() error {
	if s.streams != nil {
		return s.streams.Close()
	}
	return s.datagrams.Close()
}

// addrPort returns the address that s is bound to; of a unix socket it is not valid.
func (s socket) addrPort() netip.AddrPort {
	if s.datagrams != nil {
		return s.datagrams.LocalAddr()
	}
	if ip, ok := s.streams.Addr().(interface{ AddrPort() netip.AddrPort }); ok {
		return ip.AddrPort()
	}
	return netip.AddrPort{}
}

func (s socket) address() string {
	if s.datagrams != nil {
		return s.datagrams.LocalAddr().String()
	}
	return s.streams.Addr().String()
}

func newListeners(server *agent.Server, m *secure.Model, log *slog.Logger) *listeners {
	return &listeners{server: server, secure: m, log: log, bound: map[endpoint]*listener{}, failed: make(chan error, 1)}
}

// change makes the sockets those that are wanted; what stands already is left alone. Once all are bound, and before a new one is served, it calls
// commit. After an error, of commit too, the old ones serve on.
func (l *listeners) change(ctx context.Context, want []endpoint, commit func() error) error {
	var surplus []endpoint
	for e := range l.bound {
		if !slices.Contains(want, e) {
			surplus = append(surplus, e)
		}
	}
	bound, stopped := map[endpoint]socket{}, map[endpoint]netip.AddrPort{}
	err := l.bind(ctx, want, surplus, bound, stopped)
	if err == nil {
		err = commit()
	}
	if err != nil {
		for _, s := range bound {
			l.close(s)
		}
		return errors.Join(err, l.reopen(ctx, stopped))
	}
	for _, e := range surplus {
		l.end(e)
	}
	for _, e := range want {
		if s, ok := bound[e]; ok {
			l.serve(ctx, e, s)
		}
	}
	return nil
}

// bind adds to bound what is wanted and not open. A surplus socket that stands in the way (0.0.0.0:161 in that of 127.0.0.1:161) is ended
// first and added to stopped with its address, whose port e does not tell if it is 0.
func (l *listeners) bind(ctx context.Context, want, surplus []endpoint, bound map[endpoint]socket, stopped map[endpoint]netip.AddrPort) error {
	for _, e := range want {
		if _, ok := bound[e]; ok || l.bound[e] != nil {
			continue
		}
		s, err := l.open(ctx, e)
		if addressInUse(err) && e.network != unixNetwork {
			for _, other := range surplus {
				if running := l.bound[other]; other.ip() == e.ip() && running != nil && running.socket.addrPort().Port() == e.addr.Port() {
					stopped[other] = running.socket.addrPort()
					l.end(other)
				}
			}
			s, err = l.open(ctx, e)
		}
		if err != nil && e.optional && noSuchAddress(err) {
			l.log.Warn("not listening there: this machine has no such address", "address", e)
			continue
		}
		if err != nil {
			return explainListen(err, e)
		}
		bound[e] = s
	}
	return nil
}

// reopen serves again what bind ended.
func (l *listeners) reopen(ctx context.Context, stopped map[endpoint]netip.AddrPort) error {
	var errs []error
	for e, addr := range stopped {
		as := e
		as.addr = addr
		s, err := l.open(ctx, as)
		if err != nil {
			errs = append(errs, fmt.Errorf("and the old address is lost: %w", explainListen(err, e)))
			continue
		}
		l.serve(ctx, e, s)
	}
	return errors.Join(errs...)
}

func (l *listeners) close(s socket) {
	if err := s.Close(); err != nil {
		l.log.Warn("closing a socket", "address", s.address(), "err", err)
	}
}

func (l *listeners) serve(ctx context.Context, e endpoint, s socket) {
	ctx, stop := context.WithCancel(ctx)
	running := &listener{s, stop, make(chan struct{})}
	l.bound[e] = running
	l.log.Info("listening", running.attrs(e)...)
	go func() {
		defer close(running.done)
		if err := s.serve(ctx, l.server); err != nil {
			select {
			case l.failed <- fmt.Errorf("listening on %v: %w", e, err):
			default: // the first one ends the program anyway
			}
		}
	}()
}

// attrs says for the log which socket it is.
func (r *listener) attrs(e endpoint) []any {
	attrs := []any{"transport", e.network, "address", r.socket.address()}
	if e.device != "" {
		attrs = append(attrs, "interface", e.device)
	}
	return attrs
}

// end closes one socket and waits until its last answer is sent. It does nothing if the socket is not open.
func (l *listeners) end(e endpoint) {
	running := l.bound[e]
	if running == nil {
		return
	}
	running.stop()
	<-running.done
	delete(l.bound, e)
	l.log.Info("no longer listening", running.attrs(e)...)
}

// closeAll ends every socket.
func (l *listeners) closeAll() {
	for e := range l.bound {
		l.end(e)
	}
}
