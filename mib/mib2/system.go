package mib2

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// System is what the administrator says about this machine. Contact, Name, Location and AuthenTraps that are set cannot be written by
// SNMP; else they are what was SET.
type System struct {
	Descr       string  // sysDescr; empty is what the kernel says of itself
	ObjectID    oid.OID // sysObjectID
	Contact     string  // sysContact; empty is not set
	Name        string  // sysName; empty is not set, and then the host's name until it is SET
	Location    string  // sysLocation; empty is not set
	Services    int     // sysServices, 0 to 127
	AuthenTraps int32   // snmpEnableAuthenTraps: enabled(1), disabled(2); 0 is not set, and then disabled until it is SET
}

// maxText is the size of a DisplayString here.
const maxText = 255

// ErrSystem is wrapped by Validate's errors.
var ErrSystem = errors.New("bad system group")

// DefaultSystem returns Net-SNMP's sysObjectID for this platform, which other tools know a host by, and its sysServices: a
// host of layers 4 and 7.
func DefaultSystem() System { return System{ObjectID: platformID(runtime.GOOS), Services: 72} }

// Validate returns an error if s holds what the objects may not.
func (s *System) Validate() error {
	for _, text := range []struct{ name, value string }{
		{"sysDescr", s.Descr}, {"sysContact", s.Contact}, {"sysName", s.Name}, {"sysLocation", s.Location},
	} {
		if len(text.value) > maxText {
			return fmt.Errorf("%w: %s has %d octets, at most %d are allowed", ErrSystem, text.name, len(text.value), maxText)
		}
	}
	if s.AuthenTraps < 0 || s.AuthenTraps > disabled {
		return fmt.Errorf("%w: snmpEnableAuthenTraps is %d, it must be 1, 2 or not set", ErrSystem, s.AuthenTraps)
	}
	if s.Services < 0 || s.Services > 127 {
		return fmt.Errorf("%w: sysServices is %d, it must be 0 to 127", ErrSystem, s.Services)
	}
	if s.ObjectID.Len() < 2 {
		return fmt.Errorf("%w: sysObjectID %q has less than two sub-identifiers", ErrSystem, s.ObjectID)
	}
	return nil
}

// platformID returns the member of NET-SNMP-TC's netSnmpAgentOIDs for a GOOS; unknown(255) for others.
func platformID(goos string) oid.OID {
	arcs := map[string]uint32{
		"solaris": 3, "illumos": 3, "netbsd": 7, "freebsd": 8, "linux": 10, "android": 10, "openbsd": 12, "windows": 13,
		"aix": 15, "darwin": 16, "ios": 16, "dragonfly": 17,
	}
	arc, ok := arcs[goos]
	if !ok {
		arc = 255
	}
	return oid.New(1, 3, 6, 1, 4, 1, 8072, 3, 2, arc)
}

// Modules returns the modules that this package serves.
func Modules() []mib.Module {
	return []mib.Module{
		{ID: mib2Root, Descr: "RFC1213-MIB: system, interfaces, at, ip, icmp, tcp, udp, snmp"},
		{ID: oid.New(1, 3, 6, 1, 6, 3, 1), Descr: "SNMPv2-MIB (RFC 3418): system, snmp"},
		{ID: mib2Root.Append(31), Descr: "IF-MIB (RFC 2863)"},
		{ID: mib2Root.Append(35), Descr: "EtherLike-MIB (RFC 3635): dot3StatsTable"},
		{ID: mib2Root.Append(77), Descr: "IF-INVERTED-STACK-MIB (RFC 2864)"},
		{ID: mib2Root.Append(48), Descr: "IP-MIB (RFC 4293)"},
		{ID: ipGroup.Append(ipForward), Descr: "IP-FORWARD-MIB (RFC 4292): inetCidrRouteTable, ipCidrRouteTable"},
		{ID: mib2Root.Append(49), Descr: "TCP-MIB (RFC 4022)"},
		{ID: mib2Root.Append(50), Descr: "UDP-MIB (RFC 4113)"},
		{ID: mib2Root.Append(104), Descr: "SCTP-MIB (RFC 3873)"},
	}
}

const (
	sysDescr        = 1
	sysObjectID     = 2
	sysUpTime       = 3
	sysContact      = 4
	sysName         = 5
	sysLocation     = 6
	sysServices     = 7
	sysORLastChange = 8
	sysORTable      = 9
)

func (m *MIB) systemScalars() mib.Group {
	return mib.Group{
		Entry: systemGroup,
		Columns: []uint32{
			sysDescr, sysObjectID, sysUpTime, sysContact, sysName, sysLocation, sysServices, sysORLastChange,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			s := m.system.Load()
			return mib.Scalars(func(column uint32) (snmp.Value, bool) { return m.systemScalar(ctx, q, s, column) })
		},
	}
}

func (m *MIB) systemScalar(ctx context.Context, q *mib.Request, s *System, column uint32) (snmp.Value, bool) {
	switch column {
	case sysDescr:
		return m.hostText(ctx, q, s.Descr, describe)
	case sysObjectID:
		return snmp.ObjectID(s.ObjectID), true
	case sysUpTime:
		// A request that asks for counters too is Fresh, and then its reading is of this very moment.
		return m.ticks(q.At), true
	case sysContact:
		return settable(s.Contact, m.kept.Load().contact), true
	case sysName:
		if v := m.kept.Load().name; s.Name == "" && v.Kind() != snmp.KindNull {
			return v, true
		}
		return m.hostText(ctx, q, s.Name, func(h machine.Host) string { return h.Hostname })
	case sysLocation:
		return settable(s.Location, m.kept.Load().location), true
	case sysServices:
		return snmp.Integer(int32(s.Services)), true
	case sysORLastChange:
		return m.ticks(m.modules.Load().changed), true
	}
	return snmp.Value{}, false
}

// settable returns the configured text, else what was SET, else nothing.
func settable(configured string, set snmp.Value) snmp.Value {
	if configured != "" || set.Kind() == snmp.KindNull {
		return snmp.OctetString(configured)
	}
	return set
}

// hostText returns the configured text, else what the machine says; false if that says nothing.
func (m *MIB) hostText(ctx context.Context, q *mib.Request, configured string, of func(machine.Host) string) (snmp.Value, bool) {
	if configured != "" {
		return snmp.OctetString(configured), true
	}
	host, err := m.reading(q).Host(ctx)
	text := of(host)
	if err != nil || text == "" {
		return snmp.Value{}, false
	}
	return snmp.OctetString(cut(text, maxText)), true
}

// describe returns sysDescr in Net-SNMP's form, which is that of uname -a without its last word.
func describe(h machine.Host) string {
	words := make([]string, 0, 5)
	for _, word := range []string{h.System, h.Hostname, h.Release, h.Version, h.Hardware} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

const (
	sysORID     = 2
	sysORDescr  = 3
	sysORUpTime = 4
)

// modules is sysORTable. It is immutable.
type modules struct {
	table   table[mib.Module]
	added   []mib.Module
	changed time.Time // sysORLastChange; zero for the agent's start
}

// SetModules replaces the rows of sysORTable that the administrator adds to those of Options. One that is there already stays as old as it is,
// others are of the moment at. Requests may be under way; one goroutine calls it.
func (m *MIB) SetModules(added []mib.Module, at time.Time) {
	before := m.modules.Load()
	if before == nil {
		before = &modules{}
		for _, row := range m.built {
			if row.Since.After(before.changed) {
				before.changed = row.Since
			}
		}
	}
	next := &modules{changed: before.changed}
	for _, row := range added {
		row.Since = at
		for _, old := range before.added {
			if old.ID == row.ID && old.Descr == row.Descr {
				row.Since = old.Since
			}
		}
		next.added = append(next.added, row)
	}
	if !slices.Equal(next.added, before.added) {
		next.changed = at
	}
	rows := slices.Concat(m.built, next.added)
	p := newPacker(len(rows), 1)
	for i := range rows {
		p.number(uint32(i + 1))
		p.end()
	}
	next.table = table[mib.Module]{index: p.index(), rows: rows}
	m.modules.Store(next)
}

func (m *MIB) sysORTable() mib.Group {
	cell := func(row *mib.Module, column uint32) (snmp.Value, bool) {
		switch column {
		case sysORID:
			return snmp.ObjectID(row.ID), true
		case sysORDescr:
			return snmp.OctetString(row.Descr), true
		case sysORUpTime:
			return m.ticks(row.Since), true
		}
		return snmp.Value{}, false
	}
	return mib.Group{
		Entry:   systemGroup.Append(sysORTable, 1),
		Columns: []uint32{sysORID, sysORDescr, sysORUpTime},
		Open:    func(context.Context, *mib.Request) mib.Snapshot { return m.modules.Load().table.snapshot(cell) },
	}
}
