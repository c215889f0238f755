// Package dns serves DNS-SERVER-MIB (RFC 1611) and DNS-RESOLVER-MIB (RFC 1612) of a name server that runs beside the agent.
//
// A Backend reads one kind of name server by the server's own interface; docs/dns.md says which object comes from which of its figures. What a
// server does not tell is noSuchInstance, and so is everything but dnsServConfigReset while the server cannot be read. Counters go on from
// where they were when a server restarts, reloads or loses a zone: they never go back while the agent lives.
package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	dnsServMIB = oid.New(1, 3, 6, 1, 2, 1, 32, 1)
	dnsResMIB  = oid.New(1, 3, 6, 1, 2, 1, 32, 2)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID { return []oid.OID{dnsServMIB, dnsResMIB} }

// Modules is what sysORTable says.
func Modules() []mib.Module {
	return []mib.Module{{ID: dnsServMIB, Descr: "DNS-SERVER-MIB (RFC 1611)"}, {ID: dnsResMIB, Descr: "DNS-RESOLVER-MIB (RFC 1612)"}}
}

// Options are what a MIB serves.
type Options struct {
	Name    string // what the log calls the server
	Backend Backend
	Tap     *Tap // what dnstap tells of it; nil for none
	// Writable lets a SET give the server orders, as far as Backend is a Reloader, a ZoneWriter or a RecursionWriter. Without it everything is notWritable.
	Writable bool
	// After is a closed MIB of the same kind of server, whose counters go on; nil for none.
	After *MIB
	Log   *slog.Logger // slog.Default if nil
}

// MIB is a mib.Handler and mib.Setter for the subtrees of Roots, of one name server.
type MIB struct {
	tree     *mib.Tree
	source   *source
	tap      *Tap // nil for none
	writable bool
}

// New returns the MIB of o. It reads the server when it is asked for something; it lives until Close.
func New(o Options) (*MIB, error) {
	if o.Backend == nil {
		return nil, errors.New("dns: a backend is needed")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	m := &MIB{tap: o.Tap, writable: o.Writable, source: newSource(o.Backend, o.Log.With("server", o.Name))}
	if o.After != nil {
		m.source.totals.goOn(&o.After.source.totals)
	}
	groups := slices.Concat(m.serverGroups(), m.tapGroups(), m.zoneTables(), m.resolverGroups())
	var err error
	if m.tree, err = mib.NewTree(groups...); err != nil {
		m.Close()
		return nil, fmt.Errorf("dns: %w", err)
	}
	return m, nil
}

// Close ends what reads the server, and waits for its end. No request may be under way.
func (m *MIB) Close() {
	m.source.close()
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// Stats says how reading the server went.
type Stats struct {
	Readings  uint64    // that the server was asked for
	Faults    uint64    // those that failed
	Err       error     // of the latest reading; nil if it succeeded
	Since     time.Time // when it began to be readable, or not to be; zero before the first reading
	LeftOut   int       // zones without a row in dnsServZoneTable, for it would need more than 128 sub-identifiers
	NoSources int       // sources of zones without a row in dnsServZoneSrcTable, for they are IPv6, or the row would be too long
}

// Stats returns them as of now.
func (m *MIB) Stats() Stats {
	return m.source.stats()
}

// figures returns what the server told, and counts; nil if it cannot be read. All of one request see the same.
func (m *MIB) figures(ctx context.Context, q *mib.Request) *figures {
	return q.Shared(m.source, func() any { return m.source.figures.get(ctx, q) }).(*figures)
}

// none is what a cell gives that does not exist.
func none() (snmp.Value, bool) { return snmp.Value{}, false }

// elapsed is the seconds since at as a DnsTime; it does not exist if the time is not told.
func elapsed(q *mib.Request, at time.Time) (snmp.Value, bool) {
	if at.IsZero() {
		return none()
	}
	s := max(q.At.Sub(at)/time.Second, 0)
	return snmp.Gauge32(uint32(min(s, 1<<32-1))), true
}

// enumerated is a value of an INTEGER with names; 0 is none of them, and does not exist.
func enumerated[E ~uint8](e E) (snmp.Value, bool) {
	if e == 0 {
		return none()
	}
	return snmp.Integer(int32(e)), true
}
