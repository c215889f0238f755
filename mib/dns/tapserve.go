package dns

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
)

// Limits of what a Tap takes.
const (
	maxTapConnections = 64               // a server has one for each of its threads or processes
	maxTapFrame       = 1<<16 + 1<<12    // octets: a DNS message, and what dnstap says of it
	tapHandshake      = 10 * time.Second // for the handshake of Frame Streams
)

// Serve takes the connections of servers to l, until ctx ends or l fails, which it returns. It closes l, and leaves nothing running.
func (t *Tap) Serve(ctx context.Context, l net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			l.Close()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if !t.admit() {
			conn.Close()
			continue
		}
		all.Go(func() {
			defer t.leave()
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			t.read(conn)
		})
	}
}

func (t *Tap) admit() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stats.Connections == maxTapConnections {
		return false
	}
	t.stats.Connections++
	return true
}

func (t *Tap) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Connections--
}

// read takes the frames of one connection.
func (t *Tap) read(conn net.Conn) {
	r, err := framestream.NewReader(conn, &framestream.ReaderOptions{ContentTypes: [][]byte{pb.FSContentType}, Bidirectional: true, Timeout: tapHandshake})
	if err != nil {
		t.malformed()
		return
	}
	b := make([]byte, maxTapFrame)
	for {
		n, err := r.ReadFrame(b)
		switch {
		case errors.Is(err, framestream.ErrDataFrameTooLarge):
			t.malformed()
		case err != nil:
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.log.Debug("a connection of dnstap ended", "err", err)
			}
			return
		default:
			t.frame(b[:n])
		}
	}
}
