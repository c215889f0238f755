// Package sim plays network devices: agents that serve a switch's tables with traffic and faults of the user's choosing.
// They run on the same agent and mib packages as the real agent.
package sim

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Device is a simulated device. Its methods may be called while it is served; each request sees one state.
type Device struct {
	mu       sync.Mutex
	name     string
	descr    string
	objectID oid.OID
	location string
	boot     time.Time
	ports    []Port // by Index
	narrow   bool
	born     map[uint32]time.Time // ports that were recreated since boot
}

// Options describes a Device.
type Options struct {
	Name, Descr, Location string
	ObjectID              oid.OID // sysObjectID
	Boot                  time.Time
	Ports                 []Port
	Narrow                bool // no Counter64: ifXTable's high-capacity columns are missing
}

// New returns a device that booted at o.Boot.
func New(o Options) *Device {
	d := &Device{name: o.Name, descr: o.Descr, objectID: o.ObjectID, location: o.Location, boot: o.Boot, narrow: o.Narrow, born: map[uint32]time.Time{}}
	d.SetPorts(slices.Clone(o.Ports))
	return d
}

// SetPorts replaces the ports, at once and without a trace in uptime: what a renumbering looks like from outside.
func (d *Device) SetPorts(ports []Port) {
	slices.SortFunc(ports, func(a, b Port) int { return cmp.Compare(a.Index, b.Index) })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports = ports
}

// Ports returns a copy of the ports in the order of Index.
func (d *Device) Ports() []Port {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ports)
}

// Reboot starts uptime and all counters again at the given time.
func (d *Device) Reboot(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.boot = at
	clear(d.born)
	for i := range d.ports {
		d.ports[i].InBase, d.ports[i].OutBase = 0, 0
	}
}

// Recreate removes the port and makes it again with the same Index and Name: its counters start from 0 at the given time, and
// ifCounterDiscontinuityTime tells.
func (d *Device) Recreate(index uint32, at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.ports {
		if p := &d.ports[i]; p.Index == index {
			p.InBase, p.OutBase = 0, 0
			d.born[index] = at
			return nil
		}
	}
	return fmt.Errorf("no port has ifIndex %d", index)
}

// Server returns an agent that serves d to a community.
func (d *Device) Server(community secret.String, log *slog.Logger) (*agent.Server, error) {
	tree, err := d.tree()
	if err != nil {
		return nil, err
	}
	counters := new(snmp.Counters)
	s := agent.New(agent.Config{Counters: counters, Log: log})
	s.SetCommunities([]agent.Community{{Name: community, Principal: "simulation"}})
	if _, err := s.Register(tree, agent.Registration{Root: mib2}); err != nil {
		return nil, err
	}
	return s, nil
}

// state is a Device at one moment.
type state struct {
	Device *Device
	now    time.Time
	uptime time.Duration
	boot   time.Time
	ports  []Port
	born   map[uint32]time.Time
	narrow bool
	index  []oid.OID
}

// at returns the state that all groups of one request share.
func (d *Device) at(q *mib.Request) *state {
	return q.Shared(d, func() any {
		d.mu.Lock()
		defer d.mu.Unlock()
		s := &state{Device: d, now: q.At, uptime: q.At.Sub(d.boot), boot: d.boot, ports: slices.Clone(d.ports), narrow: d.narrow, born: map[uint32]time.Time{}}
		for i, at := range d.born {
			s.born[i] = at
		}
		for _, p := range s.ports {
			s.index = append(s.index, oid.New(p.Index))
		}
		return s
	}).(*state)
}

// age returns how long port i has counted.
func (s *state) age(i int) time.Duration {
	if at, ok := s.born[s.ports[i].Index]; ok {
		return s.now.Sub(at)
	}
	return s.uptime
}

// ticks returns d in hundredths of a second, as sysUpTime counts.
func ticks(d time.Duration) snmp.Value {
	return snmp.TimeTicks(uint32(max(d, 0) / (10 * time.Millisecond)))
}

var (
	mib2     = oid.New(1, 3, 6, 1, 2, 1)
	zeroDot0 = oid.New(0, 0)
)

func (d *Device) tree() (*mib.Tree, error) {
	return mib.NewTree(
		mib.Group{Entry: mib2.Append(1), Columns: []uint32{1, 2, 3, 4, 5, 6, 7}, Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			return d.at(q).system()
		}},
		mib.Group{Entry: mib2.Append(2), Columns: []uint32{1}, Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			s := d.at(q)
			return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.Integer(int32(len(s.ports))), true })
		}},
		mib.Group{Entry: mib2.Append(2, 2, 1), Columns: columns(22), Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			s := d.at(q)
			return mib.Snapshot{Index: s.index, Cell: s.ifEntry}
		}},
		mib.Group{Entry: mib2.Append(31, 1, 1, 1), Columns: columns(19), Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			s := d.at(q)
			return mib.Snapshot{Index: s.index, Cell: s.ifXEntry}
		}},
	)
}

func columns(n uint32) []uint32 {
	out := make([]uint32, 0, n)
	for c := range n {
		out = append(out, c+1)
	}
	return out
}

func (s *state) system() mib.Snapshot {
	d := s.Device
	return mib.Scalars(func(c uint32) (snmp.Value, bool) {
		switch c {
		case 1:
			return snmp.OctetString(d.descr), true
		case 2:
			return snmp.ObjectID(d.objectID), true
		case 3:
			return ticks(s.uptime), true
		case 4:
			return snmp.OctetString(""), true
		case 5:
			return snmp.OctetString(d.name), true
		case 6:
			return snmp.OctetString(d.location), true
		default:
			return snmp.Integer(2), true // sysServices: a bridge
		}
	})
}
