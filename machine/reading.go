package machine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Reuse is how long one Reading serves those who do not ask for a fresh one.
const Reuse = 50 * time.Millisecond

// Reading is the machine at one moment, as far as it was asked about. Each part is read when it is first asked for, at most once,
// by the first who asks; others who ask meanwhile wait for that same reading, or until their own context ends. It may be used by
// many goroutines and kept as long as wanted.
//
// A part's error is a *PartError. The Machine has logged it and counted it already; a caller only has to do without the part.
type Reading struct {
	// At is the moment that this Reading is of: what its maker passed to Machine.Reading. A part is read at that time or, in a
	// Reading that is reused, within the 50 ms after it.
	At time.Time

	m *Machine

	host           part[Host]
	links          part[*Links]
	counters       part[*LinkCounterTable]
	stats          part[*Stats]
	statsExt       part[*Stats]
	stats6         part[*Stats]
	ipv4Settings   part[IPv4Settings]
	ipv4Addresses  part[[]Address]
	ipv4Routes     part[[]Route]
	ipv4Neighbours part[[]Neighbour]
	ipv6Settings   part[IPv6Settings]
	ipv6Addresses  part[[]Address]
	ipv6Routes     part[[]Route]
	ipv6Neighbours part[[]Neighbour]
	ipv4Links      part[[]IPv4Link]
	ipv6Links      part[[]IPv6Link]
	linkStats6     linkStats6
	tcpSockets     part[[]TCPSocket]
	udpSockets     part[[]UDPSocket]
	socketOwners   part[SocketOwners]
	linkGroups     part[[]LinkGroup]
	sctp           sctpReading
	hostReading
}

// Has reports whether a part that costs much on a large machine has been read: routes, sockets, or their owners. Of another part it is false.
func (r *Reading) Has(p Part) bool {
	switch p {
	case PartIPv4Routes:
		return r.ipv4Routes.ended.Load()
	case PartIPv6Routes:
		return r.ipv6Routes.ended.Load()
	case PartTCPSockets:
		return r.tcpSockets.ended.Load()
	case PartUDPSockets:
		return r.udpSockets.ended.Load()
	case PartSocketOwners:
		return r.socketOwners.ended.Load()
	case PartSCTPAssociations:
		return r.sctp.associations.ended.Load()
	default:
		return false
	}
}

// Host returns who this machine is.
func (r *Reading) Host(ctx context.Context) (Host, error) {
	return read(ctx, r, &r.host, PartHost, source.host)
}

// Links returns the structure of the links. Where the kernel sends events it is that of the Reading's first asker and costs nothing; elsewhere it is
// read anew, and compared with the one before to tell what changed.
func (r *Reading) Links(ctx context.Context) (*Links, error) {
	return read(ctx, r, &r.links, PartLinks, source.links)
}

// Counters returns the counters of all links, of one dump.
func (r *Reading) Counters(ctx context.Context) (*LinkCounterTable, error) {
	return read(ctx, r, &r.counters, PartCounters, source.counters)
}

// Stats returns the statistics of IPv4, ICMP, TCP and UDP.
func (r *Reading) Stats(ctx context.Context) (*Stats, error) {
	return read(ctx, r, &r.stats, PartStats, source.stats)
}

// StatsExt returns the statistics of IPv4 that the kernel counts elsewhere: octets, multicast and broadcast.
func (r *Reading) StatsExt(ctx context.Context) (*Stats, error) {
	return read(ctx, r, &r.statsExt, PartStatsExt, source.statsExt)
}

// Stats6 returns the statistics of IPv6, ICMPv6 and UDP over IPv6.
func (r *Reading) Stats6(ctx context.Context) (*Stats, error) {
	return read(ctx, r, &r.stats6, PartStats6, source.stats6)
}

// IPv4Settings returns the settings of the IPv4 stack.
func (r *Reading) IPv4Settings(ctx context.Context) (IPv4Settings, error) {
	return read(ctx, r, &r.ipv4Settings, PartIPv4Settings, source.ipv4Settings)
}

// IPv4Addresses returns the IPv4 addresses of all links, ascending by address, then by link. The same address may stand on
// several links.
func (r *Reading) IPv4Addresses(ctx context.Context) ([]Address, error) {
	return read(ctx, r, &r.ipv4Addresses, PartIPv4Addresses, source.ipv4Addresses)
}

// DiscardedRoutes counts the routes that IPv4Routes and IPv6Routes left out, since New, because there were more than 262,144 next hops; errors.ErrUnsupported
// where there are no routes to be had. It is of the latest readings of the two.
func (r *Reading) DiscardedRoutes() (uint64, error) { return r.m.src.discardedRoutes() }

// IPv4Routes returns the main routing table, ascending by destination address, then the longest prefix first, then the lowest
// metric, then as the kernel has them: the first of those with one destination address is the one that RFC 1213's table shows.
func (r *Reading) IPv4Routes(ctx context.Context) ([]Route, error) {
	return read(ctx, r, &r.ipv4Routes, PartIPv4Routes, source.ipv4Routes)
}

// IPv4Neighbours returns the ARP table, ascending by link, then by address.
func (r *Reading) IPv4Neighbours(ctx context.Context) ([]Neighbour, error) {
	return read(ctx, r, &r.ipv4Neighbours, PartIPv4Neighbours, source.ipv4Neighbours)
}

// IPv6Settings returns the settings of the IPv6 stack.
func (r *Reading) IPv6Settings(ctx context.Context) (IPv6Settings, error) {
	return read(ctx, r, &r.ipv6Settings, PartIPv6Settings, source.ipv6Settings)
}

// IPv6Addresses is IPv4Addresses for IPv6. Link-local addresses have no zone: it is the link.
func (r *Reading) IPv6Addresses(ctx context.Context) ([]Address, error) {
	return read(ctx, r, &r.ipv6Addresses, PartIPv6Addresses, source.ipv6Addresses)
}

// IPv6Routes is IPv4Routes for IPv6.
func (r *Reading) IPv6Routes(ctx context.Context) ([]Route, error) {
	return read(ctx, r, &r.ipv6Routes, PartIPv6Routes, source.ipv6Routes)
}

// IPv6Neighbours returns what neighbour discovery knows, in the order of IPv4Neighbours.
func (r *Reading) IPv6Neighbours(ctx context.Context) ([]Neighbour, error) {
	return read(ctx, r, &r.ipv6Neighbours, PartIPv6Neighbours, source.ipv6Neighbours)
}

// IPv4Links returns how IPv4 runs on the links that speak it, ascending by link.
func (r *Reading) IPv4Links(ctx context.Context) ([]IPv4Link, error) {
	return read(ctx, r, &r.ipv4Links, PartIPv4Links, source.ipv4Links)
}

// LinkStats6 returns the statistics of IPv6 on the link of that index; nothing is known of one that is not there.
func (r *Reading) LinkStats6(ctx context.Context, index uint32) (LinkStats6, error) {
	return read(ctx, r, r.linkStats6.of(index), PartLinkStats6, func(s source, at time.Time) (LinkStats6, error) {
		return s.linkStats6(index, at)
	})
}

// IPv6Links returns how IPv6 runs on the links that speak it, ascending by link.
func (r *Reading) IPv6Links(ctx context.Context) ([]IPv6Link, error) {
	return read(ctx, r, &r.ipv6Links, PartIPv6Links, source.ipv6Links)
}

// TCPSockets returns the TCP sockets of both families, in no order. Two may have the same addresses (SO_REUSEPORT).
func (r *Reading) TCPSockets(ctx context.Context) ([]TCPSocket, error) {
	return read(ctx, r, &r.tcpSockets, PartTCPSockets, source.tcpSockets)
}

// UDPSockets returns the bound UDP sockets of both families, in no order. Two may have the same addresses (SO_REUSEPORT).
func (r *Reading) UDPSockets(ctx context.Context) ([]UDPSocket, error) {
	return read(ctx, r, &r.udpSockets, PartUDPSockets, source.udpSockets)
}

// SocketOwners returns which process has which socket open. It costs a look at every open file of the machine.
func (r *Reading) SocketOwners(ctx context.Context) (SocketOwners, error) {
	return read(ctx, r, &r.socketOwners, PartSocketOwners, source.socketOwners)
}

// LinkGroups returns the multicast addresses that links listen to, ascending by link, then by address.
func (r *Reading) LinkGroups(ctx context.Context) ([]LinkGroup, error) {
	return read(ctx, r, &r.linkGroups, PartLinkGroups, source.linkGroups)
}

// part is what one reading of one part gave. The zero part has not been read.
type part[T any] struct {
	ended atomic.Bool // value and err are set and will not change

	mu    sync.Mutex
	begun bool
	done  chan struct{} // made by the first who has to wait, closed when ended is set

	value T
	err   error
}

// read returns p, which it reads with f if it is the first to ask. The reading is not cut short by ctx, since others may wait for
// it: the source bounds its own time.
func read[T any](ctx context.Context, r *Reading, p *part[T], name Part, f func(source, time.Time) (T, error)) (T, error) {
	if p.ended.Load() {
		return p.value, p.err
	}
	p.mu.Lock()
	if !p.begun {
		p.begun = true
		p.mu.Unlock()
		value, err := f(r.m.src, r.At)
		p.finish(value, r.m.faults.note(name, err))
		return p.value, p.err
	}
	if p.done == nil && !p.ended.Load() {
		p.done = make(chan struct{})
	}
	done := p.done
	p.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			var none T
			return none, &PartError{Part: name, Err: ctx.Err()}
		}
	}
	return p.value, p.err
}

func (p *part[T]) finish(value T, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.value, p.err = value, err
	p.ended.Store(true)
	if p.done != nil {
		close(p.done)
	}
}
