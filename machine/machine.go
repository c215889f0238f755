package machine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options say where a Machine reads and whom it tells. The zero value is this machine, by the best means of this system.
type Options struct {
	Proc     string           // root of procfs; "/proc" if empty
	Sys      string           // root of sysfs; "/sys" if empty
	Root     string           // of the files that the distribution keeps: its packages, who is logged in; "/" if empty
	Portable bool             // read through gopsutil even where there is something better
	Log      *slog.Logger     // told once when a part fails and once when it recovers; nil for nobody
	Now      func() time.Time // the clock of link events; time.Now if nil
}

// Machine reads this machine. It is safe for concurrent use.
type Machine struct {
	src    source
	faults *faults
	closed sync.Once

	mu     sync.Mutex
	latest *Reading
}

// source reads the parts on one kind of system. Its methods may be called concurrently, take a few seconds at most, end early
// when it is closed, and return values that are not modified afterwards; at is the time to give to changes that they discover.
type source interface {
	host(at time.Time) (Host, error)
	links(at time.Time) (*Links, error)
	counters(at time.Time) (*LinkCounterTable, error)
	stats(at time.Time) (*Stats, error)
	statsExt(at time.Time) (*Stats, error)
	stats6(at time.Time) (*Stats, error)
	ipv4Settings(at time.Time) (IPv4Settings, error)
	ipv4Addresses(at time.Time) ([]Address, error)
	ipv4Routes(at time.Time) ([]Route, error)
	discardedRoutes() (uint64, error)
	ipv4Neighbours(at time.Time) ([]Neighbour, error)
	ipv6Settings(at time.Time) (IPv6Settings, error)
	ipv6Addresses(at time.Time) ([]Address, error)
	ipv6Routes(at time.Time) ([]Route, error)
	ipv6Neighbours(at time.Time) ([]Neighbour, error)
	ipv4Links(at time.Time) ([]IPv4Link, error)
	ipv6Links(at time.Time) ([]IPv6Link, error)
	linkStats6(index uint32, at time.Time) (LinkStats6, error)
	tcpSockets(at time.Time) ([]TCPSocket, error)
	udpSockets(at time.Time) ([]UDPSocket, error)
	socketOwners(at time.Time) (SocketOwners, error)
	linkGroups(at time.Time) ([]LinkGroup, error)
	sctpStats(at time.Time) (*Stats, error)
	sctpSettings(at time.Time) (SCTPSettings, error)
	sctpAssociations(at time.Time) ([]SCTPAssociation, error)

	linkSet() *linkSet
	tellsLayers() bool
	hostSource

	// Close ends the source's goroutines and waits for them.
	Close() error
}

// New starts to watch this machine. It fails only where nothing at all could be read, such as rtnetlink being forbidden. ctx bounds
// the start; the Machine lives until Close.
func New(ctx context.Context, o Options) (*Machine, error) {
	if o.Proc == "" {
		o.Proc = "/proc"
	}
	if o.Sys == "" {
		o.Sys = "/sys"
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &faults{log: o.Log}
	src, err := newSource(ctx, o, f)
	if err != nil {
		return nil, fmt.Errorf("watch this machine: %w", err)
	}
	return &Machine{src: src, faults: f}, nil
}

// TellsLayers reports whether this system tells which link runs on top of which: Link's Lower and Master.
func (m *Machine) TellsLayers() bool { return m.src.tellsLayers() }

// Close ends all that New started and waits for it. Parts of earlier Readings that were not read yet then fail. To close again does
// nothing.
func (m *Machine) Close() (err error) {
	m.closed.Do(func() { err = m.src.Close() })
	return err
}

// Reading returns the machine at the moment at. With fresh it is a new Reading of exactly that moment, for whoever needs its counters and
// its time to belong together; without, it may be one that was made up to 50 ms before at.
func (m *Machine) Reading(at time.Time, fresh bool) *Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.latest; r != nil && !fresh {
		if age := at.Sub(r.At); age >= 0 && age <= Reuse {
			return r
		}
	}
	r := &Reading{At: at, m: m}
	if m.latest == nil || !at.Before(m.latest.At) {
		m.latest = r
	}
	return r
}

// Writer returns what changes this machine; nil where this package has no means to.
func (m *Machine) Writer() Writer {
	w, ok := m.src.(writerSource)
	if !ok || w.writer() == nil {
		return nil
	}
	return &writer{m, w.writer()}
}

// forget makes the next Reading a new one.
func (m *Machine) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = nil
}

// Faults returns the record of every part that ever failed, for metrics.
func (m *Machine) Faults() []Fault { return m.faults.list() }
