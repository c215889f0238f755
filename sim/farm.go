package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"walkabout/agent"
	"walkabout/snmp"
)

// Farm plays many devices on one socket, each at an address of its own. A device costs no goroutine and no descriptor, so that one process can play tens
// of thousands. Add comes before Serve.
type Farm struct {
	devices map[netip.Addr]*stall
}

// stall is a device's place in a Farm.
type stall struct {
	server *agent.Server
	mu     sync.Mutex // guards one.in
	one    *one
	faulty agent.Datagrams // one, with what is done to its datagrams; nil if nothing is
}

// Add lets s answer what is sent to addr. through is what its datagrams pass (Faulty, Recording.Slow); nil is nothing.
func (f *Farm) Add(addr netip.Addr, s *agent.Server, through func(agent.Datagrams) agent.Datagrams) error {
	if f.devices == nil {
		f.devices = map[netip.Addr]*stall{}
	}
	if f.devices[addr] != nil {
		return fmt.Errorf("two devices at %v", addr)
	}
	d := &stall{server: s}
	if through != nil {
		d.one = &one{}
		d.faulty = through(d.one)
	}
	f.devices[addr] = d
	return nil
}

// Serve answers what comes by d until ctx ends, closes d, and returns when no goroutine of it is left. d must tell the address that was asked, as an
// agent.UDP on a wildcard address does; what was sent to nobody's address is dropped.
func (f *Farm) Serve(ctx context.Context, d agent.Datagrams) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { closed <- d.Close() })
	readers := runtime.GOMAXPROCS(0)
	ended := make(chan error, readers)
	for range readers {
		go func() { ended <- f.read(ctx, d) }()
	}
	var errs []error
	for range readers {
		errs = append(errs, <-ended)
		cancel()
	}
	if !stop() {
		errs = append(errs, <-closed)
	}
	return errors.Join(errs...)
}

// read answers one datagram after another.
func (f *Farm) read(ctx context.Context, d agent.Datagrams) error {
	var answerer agent.Answerer
	in := make([]byte, snmp.MaxMessageSize+1)
	for {
		n, peer, err := d.ReadPacket(in)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading requests: %w", err)
		case err != nil:
			continue // an ICMP error of an earlier answer
		}
		device := f.devices[peer.Local.Unmap()]
		if device == nil {
			continue
		}
		out := d
		if device.faulty != nil {
			if n, out = device.spoil(d, in, n, peer); n == 0 {
				continue
			}
		}
		if answer := answerer.Answer(ctx, device.server, in[:n], peer.Remote.Addr()); answer != nil {
			_ = out.WritePacket(answer, peer) // who asked asks again
		}
	}
}

// spoil passes what came through the device's fault. It returns 0 if nothing is left to be answered, and where an answer goes.
func (s *stall) spoil(d agent.Datagrams, in []byte, n int, peer agent.Peer) (int, agent.Datagrams) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.one.Datagrams == nil { // the same for ever, as late answers are written without the lock
		s.one.Datagrams = d
	}
	s.one.in, s.one.from = in[:n], peer
	n, _, err := s.faulty.ReadPacket(in)
	if err != nil {
		return 0, nil
	}
	return n, s.faulty
}

// errTaken ends the reading of a one that was read.
var errTaken = errors.New("taken")

// one is a socket that one datagram came by.
type one struct {
	agent.Datagrams
	in   []byte // nil: it was read
	from agent.Peer
}

// ReadPacket implements agent.Datagrams.
func (o *one) ReadPacket(b []byte) (int, agent.Peer, error) {
	if o.in == nil {
		return 0, o.from, errTaken
	}
	n := copy(b, o.in)
	o.in = nil
	return n, o.from, nil
}
