// Package engine serves the SNMP engine's own MIBs: SNMP-FRAMEWORK-MIB (RFC 3411), SNMP-MPD-MIB (RFC 3412), SNMP-TARGET-MIB and
// SNMP-NOTIFICATION-MIB (RFC 3413), SNMP-USER-BASED-SM-MIB (RFC 3414), SNMP-VIEW-BASED-ACM-MIB (RFC 3415), SNMP-COMMUNITY-MIB (RFC 3584),
// SNMP-USM-DH-OBJECTS-MIB (RFC 2786), SNMP-TSM-MIB (RFC 5591), SNMP-TLS-TM-MIB (RFC 9456), and SNMPv2-MIB's snmpSet (RFC 3418).
//
// Rows of the tables are said by the configuration, which are readOnly, but for users, whose keys can be changed, or made by SET, of which
// those of StorageType nonVolatile are kept. Where both have a row of one index the configuration's is in force, and the other again once it is gone.
//
// Keys are never read; snmpCommunityName is, by authPriv alone, and only of rows that were made by SET: the communities of the
// configuration are in no table.
package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

var (
	snmpModules  = oid.New(1, 3, 6, 1, 6, 3)
	snmpSetGroup = snmpModules.Append(1, 1, 6)
	snmpEngine   = snmpModules.Append(10, 2, 1)
	snmpMPDStats = snmpModules.Append(11, 2, 1)
)

// locks are the TestAndIncr objects: snmpSetSerialNo, usmUserSpinLock, vacmViewSpinLock and snmpTargetSpinLock. They begin at random at
// each start (RFC 2579).
var locks = [...]oid.OID{snmpSetGroup.Append(1), usmUserGroup.Append(1), vacmMIBViews.Append(1), targetObjects.Append(1)}

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID {
	return []oid.OID{
		snmpTsmMIBObjects, snmpTlstmObjects, usmDHPublicObjects, snmpSetGroup, snmpEngine, snmpMPDStats, targetObjects, notifyObjects, usmMIBObjects, vacmMIBObjects, communityObjects,
	}
}

// Modules returns the modules that this package serves, for sysORTable.
func Modules() []mib.Module {
	return []mib.Module{
		{ID: mib2.Append(190), Descr: "SNMP-TSM-MIB (RFC 5591)"},
		{ID: mib2.Append(198), Descr: "SNMP-TLS-TM-MIB (RFC 9456)"},
		{ID: oid.New(1, 3, 6, 1, 3, 101), Descr: "SNMP-USM-DH-OBJECTS-MIB (RFC 2786): usmDHUserKeyTable"},
		{ID: snmpModules.Append(10), Descr: "SNMP-FRAMEWORK-MIB (RFC 3411): snmpEngine"},
		{ID: snmpModules.Append(11), Descr: "SNMP-MPD-MIB (RFC 3412)"},
		{ID: snmpModules.Append(12), Descr: "SNMP-TARGET-MIB (RFC 3413)"},
		{ID: snmpModules.Append(13), Descr: "SNMP-NOTIFICATION-MIB (RFC 3413)"},
		{ID: snmpModules.Append(15), Descr: "SNMP-USER-BASED-SM-MIB (RFC 3414)"},
		{ID: snmpModules.Append(16), Descr: "SNMP-VIEW-BASED-ACM-MIB (RFC 3415)"},
		{ID: snmpModules.Append(18), Descr: "SNMP-COMMUNITY-MIB (RFC 3584)"},
	}
}

// Options are what a MIB serves.
type Options struct {
	Engine   *usm.Engine // nil if SNMPv3 is off: then nothing is served of it
	MPD      *snmp.MPDStats
	TSM      *snmp.TSMStats
	TLSTM    *snmp.TLSTMStats
	Start    time.Time       // when sysUpTime was 0
	Contexts func() []string // the contexts that the agent serves
}

// ApplyFunc puts the rows to use that are in force. It is never called twice at a time. After an error the rows from before stay in force: it must
// have changed nothing.
type ApplyFunc func(Config) error

// MIB is a mib.Handler for the subtrees of Roots; it is a mib.Setter, a mib.Keeper and mib.Confidential as well.
type MIB struct {
	tree    *mib.Tree
	tables  [tableCount]*table
	options Options
	state   atomic.Pointer[state]
	mu      sync.Mutex // held by who changes state
}

// state is all that a SET or the configuration can change. It is immutable.
type state struct {
	says  Config           // what the configuration says
	apply ApplyFunc        // nil before there is one
	file  [tableCount]rows // and its rows
	set   [tableCount]rows // those that were made by SET
	all   [tableCount]rows // both, as they are seen
	locks [len(locks)]uint32
	// prefix is snmpTsmConfigurationUsePrefix as it was SET; 0 if it was not.
	prefix int32
	// changed is when each of tlstmTables did; zero if it did not since the start.
	changed [len(tlstmTables)]time.Time

	agreement *agreement
}

// New returns the MIB of o without rows.
func New(o Options) (*MIB, error) {
	if o.MPD == nil || o.TSM == nil || o.TLSTM == nil || o.Contexts == nil {
		return nil, errors.New("mib/engine: an option is missing")
	}
	m := &MIB{options: o, tables: newTables()}
	s := &state{}
	for i := range s.locks {
		var b [4]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("mib/engine: a random number: %w", err)
		}
		s.locks[i] = binary.BigEndian.Uint32(b[:]) & math.MaxInt32
	}
	var err error
	if s.agreement, err = newAgreement(); err != nil {
		return nil, fmt.Errorf("mib/engine: %w", err)
	}
	m.state.Store(s)
	groups := []mib.Group{m.tlstmScalars(), m.mpdStats(), m.targetScalars(), m.vacmContextTable()}
	if o.Engine != nil {
		dh, err := m.usmDHParameters()
		if err != nil {
			return nil, fmt.Errorf("mib/engine: %w", err)
		}
		groups = append(groups, m.engineGroup(), m.usmStats(), dh)
	}
	groups = append(groups, m.transportScalars()...)
	for i := range locks {
		groups = append(groups, m.lock(i))
	}
	for i, t := range m.tables {
		groups = append(groups, t.groups(m, i)...)
	}
	if m.tree, err = mib.NewTree(groups...); err != nil {
		return nil, fmt.Errorf("mib/engine: %w", err)
	}
	return m, nil
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// id returns snmpEngineID, "" if SNMPv3 is off.
func (m *MIB) id() string {
	if m.options.Engine == nil {
		return ""
	}
	return m.options.Engine.ID()
}

// SetConfig replaces what the configuration says, and puts it to use, with what was SET, by apply; so does each SET that changes a row from
// then on. An error is apply's, and nothing is changed. What was SET before there is a configuration is not in use.
func (m *MIB) SetConfig(c Config, apply ApplyFunc) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.state.Load()
	next.says, next.apply, next.file = c, apply, m.rowsOf(&c)
	return m.useLocked(&next)
}

// put takes what was SET from s, under what the configuration says by now: a reload may come between the preparation of a SET and its commit.
// Other SETs do not, as mib.Setter promises. rows says that not only locks differ.
func (m *MIB) put(s *state, rows bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.state.Load()
	next.set, next.locks, next.prefix, next.agreement = s.set, s.locks, s.prefix, s.agreement
	if !rows {
		m.state.Store(&next)
		return nil
	}
	return m.useLocked(&next)
}

// useLocked puts s to use, whose all it makes.
func (m *MIB) useLocked(s *state) error {
	for i := range s.all {
		s.all[i] = merge(s.file[i], s.set[i])
	}
	s.useKeysLocked()
	s.noteChanges(m.state.Load(), time.Now())
	if s.apply != nil {
		if err := s.apply(s.config(m)); err != nil {
			return err
		}
	}
	m.state.Store(s)
	return nil
}

// inForce returns the active rows of a table that were SET and that no row of the configuration hides.
func (s *state) inForce(m *MIB, table int) []*row {
	var out []*row
	for _, r := range s.set[table].list {
		if m.tables[table].is(r, active) && r.cells[m.tables[table].storage] != snmp.Integer(permanent) && s.file[table].find(r.index) == nil {
			out = append(out, r)
		}
	}
	return out
}

func (m *MIB) lock(i int) mib.Group {
	last := locks[i].Len() - 1
	return mib.Group{Entry: locks[i].Slice(0, last), Columns: []uint32{locks[i].Last()}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		value := snmp.Integer(int32(m.state.Load().locks[i]))
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return value, true })
	}}
}

func (m *MIB) mpdStats() mib.Group {
	return mib.Group{Entry: snmpMPDStats, Columns: []uint32{1, 2, 3}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		stats := m.options.MPD
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			n := [...]*atomic.Uint64{1: &stats.UnknownSecurityModels, 2: &stats.InvalidMsgs, 3: &stats.UnknownPDUHandlers}[column]
			return snmp.Counter32(uint32(n.Load())), true
		})
	}}
}

// The columns of the snmpEngine group.
const (
	snmpEngineID             = 1
	snmpEngineBoots          = 2
	snmpEngineTime           = 3
	snmpEngineMaxMessageSize = 4
)

func (m *MIB) engineGroup() mib.Group {
	columns := []uint32{snmpEngineID, snmpEngineBoots, snmpEngineTime, snmpEngineMaxMessageSize}
	return mib.Group{Entry: snmpEngine, Columns: columns, Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
		return mib.Scalars(func(column uint32) (snmp.Value, bool) { return m.engineScalar(q.At, column), true })
	}}
}

func (m *MIB) engineScalar(at time.Time, column uint32) snmp.Value {
	boots, seconds := m.options.Engine.Clock(at)
	switch column {
	case snmpEngineID:
		return snmp.OctetString(m.id())
	case snmpEngineBoots:
		return snmp.Integer(int32(boots))
	case snmpEngineTime:
		return snmp.Integer(int32(seconds))
	default:
		return snmp.Integer(snmp.MaxMessageSize)
	}
}
