package trap

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// resolveEvery is how often the names of targets are looked up.
const resolveEvery = 5 * time.Minute

// people is who is known by which address.
type people struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	state  atomic.Pointer[directory]
	wake   chan struct{} // of capacity 1: there are names to look up

	mu       sync.Mutex
	config   Config
	resolved map[string][]netip.Addr // by host
}

// directory is immutable.
type directory struct {
	targets    map[netip.Addr]Target
	forwarders []netip.Prefix
	unknown    bool
}

func newPeople(lookup func(ctx context.Context, host string) ([]netip.Addr, error)) *people {
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &people{lookup: lookup, wake: make(chan struct{}, 1), resolved: map[string][]netip.Addr{}}
}

func (p *people) configure(c Config) {
	p.mu.Lock()
	p.config = c
	p.publishLocked()
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// publishLocked makes the directory that find uses. Of two targets with one address the first has it.
func (p *people) publishLocked() {
	d := &directory{targets: map[netip.Addr]Target{}, forwarders: p.config.Forwarders, unknown: p.config.Unknown}
	for _, t := range p.config.Targets {
		addresses := slices.Clone(t.More)
		if a, err := netip.ParseAddr(t.Host); err == nil {
			addresses = append(addresses, a)
		} else {
			addresses = append(addresses, p.resolved[t.Host]...)
		}
		for _, a := range addresses {
			if a = plain(a); !has(d.targets, a) {
				d.targets[a] = t
			}
		}
	}
	p.state.Store(d)
}

func has(m map[netip.Addr]Target, a netip.Addr) bool {
	_, ok := m[a]
	return ok
}

// plain returns a as datagrams tell it.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// run looks names up until ctx ends.
func (p *people) run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(resolveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-tick.C:
		}
		p.resolve(ctx, log)
	}
}

// resolve looks up every name. One that cannot be keeps the addresses that it had.
func (p *people) resolve(ctx context.Context, log *slog.Logger) {
	p.mu.Lock()
	targets := p.config.Targets
	p.mu.Unlock()
	next := map[string][]netip.Addr{}
	for _, t := range targets {
		if _, err := netip.ParseAddr(t.Host); err == nil || next[t.Host] != nil {
			continue
		}
		addresses, err := p.lookup(ctx, t.Host)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Debug("whose notifications are these: looking up a target's name", "target", t.Name, "err", err)
			p.mu.Lock()
			addresses = p.resolved[t.Host]
			p.mu.Unlock()
		}
		next[t.Host] = addresses
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resolved = next
	p.publishLocked()
}

// find sets who n is of. handOn is whether it is wanted at all.
func (p *people) find(n *Notification) (known, handOn bool) {
	d := p.state.Load()
	from := plain(n.Source.Addr())
	if n.AgentAddr.IsValid() && slices.ContainsFunc(d.forwarders, func(f netip.Prefix) bool { return f.Contains(from) }) {
		n.Target, known = d.targets[plain(n.AgentAddr)]
		n.Target.forwarded = true
		return known, known || d.unknown
	}
	n.Target, known = d.targets[from]
	return known, known || d.unknown
}
