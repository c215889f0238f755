package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"walkabout/agent"
	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/collector/trap"
	"walkabout/metric"
	"walkabout/spool"
	"walkabout/web"
)

// saveEvery is how often the clocks of engines that send are written, if any went on. What a crash loses of them is what a replay could use.
const saveEvery = time.Minute

// traps receives notifications, hands them to the outputs, and has polled at once what they tell of. The nil traps is none.
type traps struct {
	receiver *trap.Receiver
	sockets  []trap.Datagrams
	folder   string
	log      *slog.Logger
	spool    *spool.Spool
	polls    *collector.Collector
	alerts   *alert.Manager
	memory   *web.Memory
	rechecks *rechecks
	poll     atomic.Bool
	names    atomic.Pointer[smi.Names]
}

// trapSocket is a socket of the agent's, which answers from the address that was asked, as the receiver wants it.
type trapSocket struct{ *agent.UDP }

// ReadPacket implements trap.Datagrams.
func (s trapSocket) ReadPacket(b []byte) (int, trap.Peer, error) {
	n, from, err := s.UDP.ReadPacket(b)
	return n, trap.Peer(from), err
}

// WritePacket implements trap.Datagrams.
func (s trapSocket) WritePacket(b []byte, to trap.Peer) error {
	return s.UDP.WritePacket(b, agent.Peer(to))
}

// trapBuffer is the room asked for datagrams that wait: devices tell of an outage all at once.
const trapBuffer = 4 << 20

// openTraps opens the sockets, if cfg wants any.
func (p *parts) openTraps(ctx context.Context, cfg config.Config, targets []collector.Target) (*traps, error) {
	if cfg.Traps == nil {
		return nil, nil
	}
	t := &traps{folder: p.state.Path(), log: p.log, spool: p.spool, polls: p.polls, alerts: p.alerts, memory: p.memory, rechecks: newRechecks()}
	t.poll.Store(cfg.Traps.Poll)
	t.names.Store(cfg.Names)
	state, err := trap.OpenState(t.folder)
	if err != nil {
		return nil, err
	}
	t.receiver, err = trap.New(trap.Options{Config: cfg.Traps.For(targets), State: state, Handle: t.handle, Log: p.log})
	if err != nil {
		return nil, fmt.Errorf("traps: %w", err)
	}
	for _, a := range cfg.Traps.Listen {
		network := "udp4"
		if a.Addr().Is6() {
			network = "udp6"
		}
		s, err := agent.ListenUDP(ctx, network, a)
		if err != nil {
			return nil, errors.Join(trapsDenied(err), t.close())
		}
		if _, err := s.SetReadBuffer(trapBuffer); err != nil {
			p.log.Debug("a larger buffer for notifications", "err", err)
		}
		t.sockets = append(t.sockets, trapSocket{s})
		p.log.Info("receiving notifications", "listen", s.LocalAddr())
	}
	return t, nil
}

// trapsDenied says what to do where the system does not let us listen.
func trapsDenied(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("traps: %w: ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit of systemd); or listen at a higher port", err)
	}
	return fmt.Errorf("traps: %w", err)
}

func (t *traps) close() error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, s := range t.sockets {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// handle takes one notification.
func (t *traps) handle(n trap.Notification) {
	s := n.Sample(t.names.Load())
	// What the spool refuses, it counts.
	_ = t.spool.Put(metric.Append(nil, metric.Batch{Device: n.Target.Name, At: s.At, Samples: []metric.Sample{s}}))
	t.memory.Trap(s)
	t.log.Debug("notification", "device", n.Target.Name, "from", n.Source, "name", n.Name(t.names.Load()))
	if n.Target.Name == "" || !t.poll.Load() {
		return
	}
	switch n.TrapOID {
	case trap.LinkDown, trap.LinkUp:
		t.linkChanged(&n)
	case trap.ColdStart, trap.WarmStart:
		t.polls.PollNow(n.Target.Name)
	}
}

// linkChanged has the interface polled at once and some seconds later. The alerts hear of a linkDown: one poll that agrees suffices then.
func (t *traps) linkChanged(n *trap.Notification) {
	device := n.Target.Name
	index, known := n.Interface()
	if known && n.TrapOID == trap.LinkDown {
		t.alerts.LinkDown(n.At, device, int64(index))
	}
	poll := func() { t.polls.PollNow(device, "interface") }
	if known {
		poll = func() { t.polls.PollInterface(device, index) }
	}
	poll()
	t.rechecks.add(fmt.Sprintf("%s %d", device, index), poll)
}

// expect makes what c says of notifications, and targets, what is taken from now on.
func (t *traps) expect(c config.Config, targets []collector.Target) {
	if t == nil {
		return
	}
	cfg := c.Traps
	if cfg == nil { // the sockets stay until a restart; nothing is taken
		cfg = &config.Traps{}
	}
	t.poll.Store(cfg.Poll)
	t.names.Store(c.Names)
	if err := t.receiver.Configure(cfg.For(targets)); err != nil {
		t.log.Error("traps: the old credentials go on", "err", err)
	}
}

// serve receives until ctx ends.
func (t *traps) serve(ctx context.Context) error {
	if t == nil {
		<-ctx.Done()
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- t.receiver.Serve(ctx, t.sockets...) }()
	var again sync.WaitGroup
	again.Go(func() { t.rechecks.run(ctx) })
	defer again.Wait()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return errors.Join(err, t.receiver.State().Save(t.folder))
		case <-tick.C:
			if err := t.receiver.State().Save(t.folder); err != nil {
				t.log.Error("what was received lately could be sent again after a restart", "err", err)
			}
		}
	}
}

// metrics returns more and what the receiver counts.
func (t *traps) metrics(more ...prometheus.Collector) []prometheus.Collector {
	if t == nil {
		return more
	}
	return append(more, t.receiver)
}
