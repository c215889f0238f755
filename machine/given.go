package machine

import (
	"errors"
	"log/slog"
	"time"
)

// Given is a machine that is told what to say: a simulated device, or a test's. Each function returns a part as it is at that
// moment, is called concurrently, and must not change later what it returned; where Reading says that a part is in order, it is in
// that order. The part of a nil function is one that this machine does not have.
type Given struct {
	Host          func(at time.Time) (Host, error)
	Links         func(at time.Time) (*Links, error)
	Counters      func(at time.Time) (*LinkCounterTable, error)
	Stats         func(at time.Time) (*Stats, error)
	StatsExt      func(at time.Time) (*Stats, error)
	Stats6        func(at time.Time) (*Stats, error)
	IPv4Settings  func(at time.Time) (IPv4Settings, error)
	IPv4Addresses func(at time.Time) ([]Address, error)
	IPv4Routes    func(at time.Time) ([]Route, error)
	// DiscardedRoutes counts the routes that there was no room for; they are in neither list.
	DiscardedRoutes func() (uint64, error)
	IPv4Neighbours  func(at time.Time) ([]Neighbour, error)
	IPv6Settings    func(at time.Time) (IPv6Settings, error)
	IPv6Addresses   func(at time.Time) ([]Address, error)
	IPv6Routes      func(at time.Time) ([]Route, error)
	IPv6Neighbours  func(at time.Time) ([]Neighbour, error)
	IPv4Links       func(at time.Time) ([]IPv4Link, error)
	IPv6Links       func(at time.Time) ([]IPv6Link, error)
	LinkStats6      func(index uint32, at time.Time) (LinkStats6, error)
	TCPSockets      func(at time.Time) ([]TCPSocket, error)
	UDPSockets      func(at time.Time) ([]UDPSocket, error)
	SocketOwners    func(at time.Time) (SocketOwners, error)
	LinkGroups      func(at time.Time) ([]LinkGroup, error)

	SCTPStats        func(at time.Time) (*Stats, error)
	SCTPSettings     func(at time.Time) (SCTPSettings, error)
	SCTPAssociations func(at time.Time) ([]SCTPAssociation, error)

	GivenHost

	Writer Writer // nil if nothing can be changed
}

// NewGiven returns a Machine that reads g. log is told as Options.Log is; nil is nobody.
func NewGiven(g Given, log *slog.Logger) *Machine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Machine{src: given{g, g.GivenHost}, faults: &faults{log: log}}
}

// NewLinkCounters returns the counters of a Given machine's link; those that values leaves out are not known.
func NewLinkCounters(index uint32, wide bool, values map[LinkStat]uint64) LinkCounters {
	c := LinkCounters{Index: index, Wide: wide}
	for s, v := range values {
		if s < linkStatCount {
			c.set(s, v)
		}
	}
	return c
}

// NewStats returns the statistics of a Given machine; those that values leaves out are not known. types ascend by type.
func NewStats(wide bool, values map[Stat]uint64, types ...ICMPTypeCount) *Stats {
	stats := &Stats{Wide: wide, ICMPTypes: types}
	for s, v := range values {
		if s < statCount {
			stats.set(s, v)
		}
	}
	return stats
}

// given is a Given as a source.
type given struct {
	g Given
	GivenHost
}

func call[T any](f func(at time.Time) (T, error), at time.Time) (T, error) {
	if f == nil {
		var none T
		return none, errors.ErrUnsupported
	}
	return f(at)
}

func (s given) host(at time.Time) (Host, error) { return call(s.g.Host, at) }
func (given) linkSet() *linkSet                 { return new(linkSet) } // in which nothing changes

func (s given) links(at time.Time) (*Links, error)               { return call(s.g.Links, at) }
func (s given) counters(at time.Time) (*LinkCounterTable, error) { return call(s.g.Counters, at) }
func (s given) stats(at time.Time) (*Stats, error)               { return call(s.g.Stats, at) }
func (s given) statsExt(at time.Time) (*Stats, error)            { return call(s.g.StatsExt, at) }
func (s given) stats6(at time.Time) (*Stats, error)              { return call(s.g.Stats6, at) }
func (s given) ipv4Settings(at time.Time) (IPv4Settings, error)  { return call(s.g.IPv4Settings, at) }
func (s given) ipv4Addresses(at time.Time) ([]Address, error)    { return call(s.g.IPv4Addresses, at) }
func (s given) ipv4Routes(at time.Time) ([]Route, error)         { return call(s.g.IPv4Routes, at) }
func (s given) ipv4Neighbours(at time.Time) ([]Neighbour, error) { return call(s.g.IPv4Neighbours, at) }
func (s given) ipv6Settings(at time.Time) (IPv6Settings, error)  { return call(s.g.IPv6Settings, at) }
func (s given) ipv6Addresses(at time.Time) ([]Address, error)    { return call(s.g.IPv6Addresses, at) }
func (s given) ipv6Routes(at time.Time) ([]Route, error)         { return call(s.g.IPv6Routes, at) }
func (s given) ipv6Neighbours(at time.Time) ([]Neighbour, error) { return call(s.g.IPv6Neighbours, at) }
func (s given) ipv4Links(at time.Time) ([]IPv4Link, error)       { return call(s.g.IPv4Links, at) }
func (s given) ipv6Links(at time.Time) ([]IPv6Link, error)       { return call(s.g.IPv6Links, at) }
func (s given) tcpSockets(at time.Time) ([]TCPSocket, error)     { return call(s.g.TCPSockets, at) }
func (s given) udpSockets(at time.Time) ([]UDPSocket, error)     { return call(s.g.UDPSockets, at) }
func (s given) socketOwners(at time.Time) (SocketOwners, error)  { return call(s.g.SocketOwners, at) }
func (s given) linkGroups(at time.Time) ([]LinkGroup, error)     { return call(s.g.LinkGroups, at) }
func (s given) sctpStats(at time.Time) (*Stats, error)           { return call(s.g.SCTPStats, at) }
func (s given) sctpSettings(at time.Time) (SCTPSettings, error)  { return call(s.g.SCTPSettings, at) }
func (s given) sctpAssociations(at time.Time) ([]SCTPAssociation, error) {
	return call(s.g.SCTPAssociations, at)
}

func (s given) linkStats6(index uint32, at time.Time) (LinkStats6, error) {
	if s.g.LinkStats6 == nil {
		return LinkStats6{}, errors.ErrUnsupported
	}
	return s.g.LinkStats6(index, at)
}

func (s given) discardedRoutes() (uint64, error) {
	if s.g.DiscardedRoutes == nil {
		return 0, errors.ErrUnsupported
	}
	return s.g.DiscardedRoutes()
}

func (given) tellsLayers() bool { return true }
func (s given) writer() Writer  { return s.g.Writer }
func (s given) Close() error    { return nil }
