package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"walkabout/agent"
)

// listeners is the sockets that a server answers on. One goroutine uses it.
type listeners struct {
	server *agent.Server
	log    *slog.Logger
	open   map[endpoint]*listener
	failed chan error // of capacity 1: why a socket ended by itself
}

// listener is one socket; its serving goroutine closes done.
type listener struct {
	socket *agent.UDP
	stop   context.CancelFunc
	done   chan struct{}
}

func newListeners(server *agent.Server, log *slog.Logger) *listeners {
	return &listeners{server: server, log: log, open: map[endpoint]*listener{}, failed: make(chan error, 1)}
}

// change makes the sockets those that are wanted; what stands already is left alone. Once all are bound, and before a new one is served, it calls
// commit. After an error, of commit too, the old ones serve on.
func (l *listeners) change(ctx context.Context, want []endpoint, commit func() error) error {
	var surplus []endpoint
	for e := range l.open {
		if !slices.Contains(want, e) {
			surplus = append(surplus, e)
		}
	}
	bound, stopped := map[endpoint]*agent.UDP{}, map[endpoint]netip.AddrPort{}
	err := l.bind(ctx, want, surplus, bound, stopped)
	if err == nil {
		err = commit()
	}
	if err != nil {
		for _, socket := range bound {
			l.close(socket)
		}
		return errors.Join(err, l.reopen(ctx, stopped))
	}
	for _, e := range surplus {
		l.end(e)
	}
	for _, e := range want {
		if socket := bound[e]; socket != nil {
			l.serve(ctx, e, socket)
		}
	}
	return nil
}

// bind adds to bound what is wanted and not open. A surplus socket that stands in the way (0.0.0.0:161 in that of 127.0.0.1:161) is ended
// first and added to stopped with its address, whose port e does not tell if it is 0.
func (l *listeners) bind(ctx context.Context, want, surplus []endpoint, bound map[endpoint]*agent.UDP, stopped map[endpoint]netip.AddrPort) error {
	for _, e := range want {
		if l.open[e] != nil || bound[e] != nil {
			continue
		}
		socket, err := agent.ListenUDP(ctx, e.network, e.addr)
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaeAddrInUse) {
			for _, s := range surplus {
				if running := l.open[s]; s.network == e.network && running != nil && running.socket.LocalAddr().Port() == e.addr.Port() {
					stopped[s] = running.socket.LocalAddr()
					l.end(s)
				}
			}
			socket, err = agent.ListenUDP(ctx, e.network, e.addr)
		}
		if err != nil && e.optional && noSuchAddress(err) {
			l.log.Warn("not listening there: this machine has no such address", "address", e)
			continue
		}
		if err != nil {
			return explainListen(err, e)
		}
		bound[e] = socket
	}
	return nil
}

// reopen serves again what bind ended.
func (l *listeners) reopen(ctx context.Context, stopped map[endpoint]netip.AddrPort) error {
	var errs []error
	for e, addr := range stopped {
		socket, err := agent.ListenUDP(ctx, e.network, addr)
		if err != nil {
			errs = append(errs, fmt.Errorf("and the old address is lost: %w", explainListen(err, e)))
			continue
		}
		l.serve(ctx, e, socket)
	}
	return errors.Join(errs...)
}

func (l *listeners) close(socket *agent.UDP) {
	if err := socket.Close(); err != nil {
		l.log.Warn("closing a socket", "address", socket.LocalAddr(), "err", err)
	}
}

func (l *listeners) serve(ctx context.Context, e endpoint, socket *agent.UDP) {
	ctx, stop := context.WithCancel(ctx)
	running := &listener{socket, stop, make(chan struct{})}
	l.open[e] = running
	l.log.Info("listening", "transport", e.network, "address", socket.LocalAddr())
	go func() {
		defer close(running.done)
		if err := l.server.ServeDatagrams(ctx, socket); err != nil {
			select {
			case l.failed <- fmt.Errorf("listening on %v: %w", e, err):
			default: // the first one ends the program anyway
			}
		}
	}()
}

// end closes one socket and waits until its last answer is sent. It does nothing if the socket is not open.
func (l *listeners) end(e endpoint) {
	running := l.open[e]
	if running == nil {
		return
	}
	running.stop()
	<-running.done
	delete(l.open, e)
	l.log.Info("no longer listening", "transport", e.network, "address", running.socket.LocalAddr())
}

// closeAll ends every socket.
func (l *listeners) closeAll() {
	for e := range l.open {
		l.end(e)
	}
}

// Windows' own numbers; no other system uses them.
const (
	wsaeAddrInUse    = syscall.Errno(10048)
	wsaeAddrNotAvail = syscall.Errno(10049)
	wsaeAFNoSupport  = syscall.Errno(10047)
)

func noSuchAddress(err error) bool {
	for _, e := range []error{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, wsaeAddrNotAvail, wsaeAFNoSupport} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explainListen says what to do about an address that cannot be bound.
func explainListen(err error, e endpoint) error {
	port := e.addr.Port()
	switch {
	case errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaeAddrInUse):
		return fmt.Errorf("%v is in use by another program (perhaps another snmpd; «ss -ulnp 'sport = :%d'» as root tells which): "+
			"stop that one, or choose another port with agentAddress: %w", e, port, err)
	case errors.Is(err, fs.ErrPermission) && port < 1024:
		program, exeErr := os.Executable()
		if exeErr != nil {
			program = "snmpd"
		}
		return fmt.Errorf("port %d needs a right that this user lacks: run as root, give it with «setcap cap_net_bind_service=+ep %s», "+
			"or choose another port («agentAddress %v»): %w", port, program, endpoint{e.network, netip.AddrPortFrom(e.addr.Addr(), 1161), false}, err)
	case noSuchAddress(err):
		return fmt.Errorf("%v: this machine has no such address (yet): %w", e, err)
	default:
		return fmt.Errorf("%v: %w", e, err)
	}
}
