package localagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"

	"walkabout/agent"
	"walkabout/mib/dns"
)

// Tap is a unix socket to which a name server sends its dnstap. The zero Tap is none.
type Tap struct {
	Socket  string
	Mode    fs.FileMode
	Friends []netip.Prefix
}

func (t *Tap) same(o *Tap) bool {
	return t.Socket == o.Socket && t.Mode == o.Mode && slices.Equal(t.Friends, o.Friends)
}

// servedTap is a Tap that listens.
type servedTap struct {
	Tap
	counts *dns.Tap
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// listenTap makes the socket of t and serves it until close.
func listenTap(name string, t Tap, log *slog.Logger) (*servedTap, error) {
	s := &servedTap{Tap: t, counts: dns.NewTap(dns.TapOptions{Name: name, Friends: t.Friends, Log: log})}
	ctx, stop := context.WithCancel(context.Background())
	l, err := agent.ListenUnix(ctx, t.Socket)
	if err == nil {
		if err = os.Chmod(t.Socket, t.Mode); err != nil {
			err = errors.Join(err, l.Close())
		}
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("dnstap of %s: %w", name, err)
	}
	s.stop = stop
	s.done.Go(func() {
		if err := s.counts.Serve(ctx, l); err != nil {
			log.Error("dnstap is no longer listened to", "server", name, "err", err)
		}
	})
	return s, nil
}

func (s *servedTap) close() {
	if s != nil {
		s.stop()
		s.done.Wait()
	}
}
