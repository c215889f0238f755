package secure

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5/deadline"

	"walkabout/agent"
)

// What a peer may send within a handshake, in octets: of whom nothing is proven, and of whom its address is. A chain of certificates fits.
const (
	maxUnproven = 8 << 10
	maxProven   = 64 << 10
)

// maxQueued is how many datagrams of a peer wait to be read; what exceeds it is lost, as in a socket's buffer.
const maxQueued = 16

// The stages of a peer.
const (
	stageUnproven = iota // its address may be forged
	stageProven          // it has sent back its cookie
	stageSettled         // its handshake is over
	stageHeard           // it has the keys: a message of its has been read
)

// peer is the datagrams of one session, as the net.PacketConn that the library reads. It ends with Close.
type peer struct {
	demux  *demux
	key    peerKey
	to     agent.Peer
	source netip.Addr
	place  *list.Element // in demux.unproven
	conn   io.Closer     // the session; nil before there is one. demux.mu guards both

	ctx    context.Context // of its handshake
	cancel context.CancelFunc
	queue  chan []byte
	read   *deadline.Deadline
	closed chan struct{}
	once   sync.Once

	stage    atomic.Int32
	entered  atomic.Bool  // into demux.gate
	received atomic.Int64 // octets within the handshake
}

func newPeer(d *demux, key peerKey, from agent.Peer) *peer {
	p := &peer{demux: d, key: key, to: from, queue: make(chan []byte, maxQueued), read: deadline.New(), closed: make(chan struct{})}
	p.source = sourceOf(p.RemoteAddr())
	p.ctx, p.cancel = context.WithCancel(d.ctx)
	return p
}

// deliver queues a copy of a datagram.
func (p *peer) deliver(b []byte) {
	stage := p.stage.Load()
	if !mayPass(b, stage == stageHeard) {
		return
	}
	if stage < stageSettled || stage == stageSettled && b[3] == 0 && b[4] == 0 { // it may not have got the last flight
		most := int64(maxProven)
		if stage == stageUnproven {
			most = maxUnproven
		}
		if p.received.Add(int64(len(b))) > most {
			p.cancel()
			return
		}
	}
	select {
	case p.queue <- bytes.Clone(b):
	default:
	}
}

// ReadFrom implements net.PacketConn.
func (p *peer) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case datagram := <-p.queue:
		return copy(b, datagram), p.RemoteAddr(), nil
	case <-p.read.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn. The first thing that is no HelloVerifyRequest says that the peer has sent back its cookie.
func (p *peer) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	if p.stage.Load() == stageUnproven && !isHelloVerifyRequest(b) {
		if b[0] != 22 { // an alert: why the first ClientHello is refused, which nobody that is not proven is told
			return len(b), nil
		}
		p.stage.CompareAndSwap(stageUnproven, stageProven)
		if err := p.demux.prove(p); err != nil {
			p.cancel()
			return 0, err
		}
		p.entered.Store(true)
	}
	if err := p.demux.socket.WritePacket(b, p.to); err != nil {
		return 0, err
	}
	return len(b), nil
}

// heard says that a message has been read.
func (p *peer) heard() { p.stage.Store(stageHeard) }

// settle ends the handshake's limits.
func (p *peer) settle() {
	p.stage.Store(stageSettled)
	if p.entered.CompareAndSwap(true, false) {
		p.demux.gate.leave(p.source)
	}
	p.cancel()
}

// Close implements net.PacketConn.
func (p *peer) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.cancel()
		p.demux.forget(p)
	})
	return nil
}

// LocalAddr implements net.PacketConn.
func (p *peer) LocalAddr() net.Addr { return p.demux.addr }

// RemoteAddr returns the peer's address, a *net.UDPAddr.
func (p *peer) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(p.key.remote) }

// SetReadDeadline implements net.PacketConn.
func (p *peer) SetReadDeadline(t time.Time) error {
	p.read.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn: no write waits.
func (p *peer) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.PacketConn.
func (p *peer) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}
