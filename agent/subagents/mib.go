package subagents

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"time"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// agentxObjects are the objects of AGENTX-MIB (RFC 2742).
var agentxObjects = oid.New(1, 3, 6, 1, 2, 1, 74, 1)

// Root returns the subtree to register a MIB for.
func Root() oid.OID { return agentxObjects }

// Modules returns the modules that MIB serves, for sysORTable.
func Modules() []mib.Module {
	return []mib.Module{{ID: agentxObjects.Slice(0, agentxObjects.Len()-1), Descr: "AGENTX-MIB (RFC 2742)"}}
}

// MIB is a mib.Setter for the subtree of Root: what a Master's connections, sessions and registrations are.
type MIB struct {
	tree   *mib.Tree
	master *Master
}

// MIB returns the MIB of m.
func (m *Master) MIB() (*MIB, error) {
	tree, err := mib.NewTree(
		m.scalars(agentxGeneral, m.general, agentxDefaultTimeout, agentxMasterAgentXVer),
		m.scalars(agentxConnection, func(uint32) snmp.Value { return m.ticks(m.changed.connections) }, 1),
		m.scalars(agentxSession, func(uint32) snmp.Value { return m.ticks(m.changed.sessions) }, 1),
		m.scalars(agentxRegistration, func(uint32) snmp.Value { return m.ticks(m.changed.registrations) }, 1),
		group(m, agentxConnection.Append(2, 1), agentxConnTransportAddress, 2, m.connectionRows, m.connectionCell),
		group(m, agentxSession.Append(2, 1), agentxSessionTimeout, 2, m.sessionRows, m.sessionCell),
		group(m, agentxRegistration.Append(2, 1), agentxRegInstance, 2, m.registrationRows, m.registrationCell),
	)
	return &MIB{tree, m}, err
}

var (
	agentxGeneral      = agentxObjects.Append(1)
	agentxConnection   = agentxObjects.Append(2)
	agentxSession      = agentxObjects.Append(3)
	agentxRegistration = agentxObjects.Append(4)
)

const (
	agentxDefaultTimeout  = 1
	agentxMasterAgentXVer = 2

	agentxConnOpenTime         = 2
	agentxConnTransportDomain  = 3
	agentxConnTransportAddress = 4

	agentxSessionObjectID    = 2
	agentxSessionDescr       = 3
	agentxSessionAdminStatus = 4
	agentxSessionOpenTime    = 5
	agentxSessionAgentXVer   = 6
	agentxSessionTimeout     = 7

	agentxRegContext    = 2
	agentxRegStart      = 3
	agentxRegRangeSubID = 4
	agentxRegUpperBound = 5
	agentxRegPriority   = 6
	agentxRegTimeout    = 7
	agentxRegInstance   = 8
)

// agentxVersion is that of RFC 2741.
const agentxVersion = 1

// ticks returns sysUpTime at a moment; 0 for one that never was.
func (m *Master) ticks(at time.Time) snmp.Value {
	return snmp.TimeTicks(uint32(max(at.Sub(m.options.Start), 0) / (10 * time.Millisecond)))
}

func inSeconds(d time.Duration) snmp.Value { return snmp.Integer(int32(min(d/time.Second, 255))) }

// scalars returns a group whose values are read under mu.
func (m *Master) scalars(entry oid.OID, value func(column uint32) snmp.Value, columns ...uint32) mib.Group {
	return mib.Group{Entry: entry, Columns: columns, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return value(column), true
		})
	}}
}

func (m *Master) general(column uint32) snmp.Value {
	if column == agentxMasterAgentXVer {
		return snmp.Integer(agentxVersion)
	}
	return inSeconds(m.options.Timeout)
}

// entry is a row and its index.
type entry[R any] struct {
	index oid.OID
	row   R
}

// group returns a table of the columns from first to last, whose rows are listed under mu.
func group[R any](m *Master, of oid.OID, last, first uint32, list func() []entry[R], cell func(r R, column uint32) snmp.Value) mib.Group {
	g := mib.Group{Entry: of}
	for column := first; column <= last; column++ {
		g.Columns = append(g.Columns, column)
	}
	g.Open = func(context.Context, *mib.Request) mib.Snapshot {
		m.mu.Lock()
		rows := list()
		m.mu.Unlock()
		slices.SortFunc(rows, func(a, b entry[R]) int { return a.index.Compare(b.index) })
		index := make([]oid.OID, len(rows))
		for i := range rows {
			index[i] = rows[i].index
		}
		return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) { return cell(rows[row].row, column), true }}
	}
	return g
}

func (m *Master) connectionRows() (rows []entry[*connection]) {
	for c := range m.connections {
		rows = append(rows, entry[*connection]{oid.New(c.id), c})
	}
	return rows
}

// The transport domains of AgentX (RFC 3419).
var (
	transportDomains       = oid.New(1, 3, 6, 1, 2, 1, 100, 1)
	transportDomainTCPIPv4 = transportDomains.Append(5)
	transportDomainTCPIPv6 = transportDomains.Append(6)
	transportDomainLocal   = transportDomains.Append(13)
)

const maxTransportAddressSize = 255

func (m *Master) connectionCell(c *connection, column uint32) snmp.Value {
	if column == agentxConnOpenTime {
		return m.ticks(c.opened)
	}
	domain, address := transportDomainLocal, c.from
	if tcp, ok := c.conn.RemoteAddr().(*net.TCPAddr); ok {
		ip := tcp.AddrPort().Addr().Unmap()
		domain = transportDomainTCPIPv6
		if ip.Is4() {
			domain = transportDomainTCPIPv4
		}
		address = string(binary.BigEndian.AppendUint16(ip.AsSlice(), uint16(tcp.Port)))
	}
	if column == agentxConnTransportDomain {
		return snmp.ObjectID(domain)
	}
	return snmp.OctetString(address[:min(len(address), maxTransportAddressSize)])
}

func (m *Master) sessionRows() (rows []entry[*session]) {
	for _, s := range m.sessions {
		rows = append(rows, entry[*session]{oid.New(s.conn.id, s.id), s})
	}
	return rows
}

func (m *Master) sessionCell(s *session, column uint32) snmp.Value {
	switch column {
	case agentxSessionObjectID:
		if s.object.IsEmpty() {
			return snmp.ObjectID(oid.New(0, 0))
		}
		return snmp.ObjectID(s.object)
	case agentxSessionDescr:
		return snmp.OctetString(s.descr[:min(len(s.descr), 255)])
	case agentxSessionAdminStatus:
		return snmp.Integer(adminUp)
	case agentxSessionOpenTime:
		return m.ticks(s.opened)
	case agentxSessionAgentXVer:
		return snmp.Integer(agentxVersion)
	default:
		return inSeconds(s.timeout)
	}
}

func (m *Master) registrationRows() (rows []entry[*registration]) {
	for _, r := range m.registrations {
		rows = append(rows, entry[*registration]{oid.New(r.session.conn.id, r.session.id, r.number), r})
	}
	return rows
}

func (m *Master) registrationCell(r *registration, column uint32) snmp.Value {
	switch column {
	case agentxRegContext:
		return snmp.OctetString(r.key.context)
	case agentxRegStart:
		return snmp.ObjectID(r.key.subtree)
	case agentxRegRangeSubID:
		return snmp.Gauge32(uint32(r.key.rangeSub))
	case agentxRegUpperBound:
		return snmp.Gauge32(r.key.upper)
	case agentxRegPriority:
		return snmp.Gauge32(uint32(r.key.priority))
	case agentxRegTimeout:
		return inSeconds(r.timeout)
	default:
		if r.instance {
			return snmp.Integer(1) // true
		}
		return snmp.Integer(2)
	}
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// agentxSessionAdminStatus.
const (
	adminUp   = 1
	adminDown = 2
)

// Prepare implements mib.Setter: a session is closed by setting its agentxSessionAdminStatus to down(2).
func (m *MIB) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	c := &closing{master: m.master}
	column := agentxSession.Append(2, 1, agentxSessionAdminStatus)
	for i, vb := range vbs {
		refuse := func(status snmp.ErrorStatus, why string) (mib.Change, error) {
			return nil, &mib.VarError{Index: i, Status: status, Err: errors.New(why)}
		}
		if !vb.Name.HasPrefix(column) {
			return refuse(snmp.NotWritable, "only agentxSessionAdminStatus can be written")
		}
		if vb.Value.Kind() != snmp.KindInteger {
			return refuse(snmp.WrongType, "it is an INTEGER")
		}
		if n := vb.Value.Int(); n != adminUp && n != adminDown {
			return refuse(snmp.WrongValue, "it is up(1) or down(2)")
		}
		s := m.master.sessionAt(vb.Name.From(column.Len()))
		switch {
		case s == nil:
			return refuse(snmp.NoCreation, "there is no such session")
		case vb.Value == snmp.Integer(adminDown):
			c.sessions = append(c.sessions, s)
		}
	}
	return c, nil
}

// sessionAt returns the session of an index; nil if there is none.
func (m *Master) sessionAt(index oid.OID) *session {
	if index.Len() != 2 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[index.Arc(1)]; s != nil && s.conn.id == index.Arc(0) {
		return s
	}
	return nil
}

// closing is a mib.Change that closes sessions, which cannot be undone.
type closing struct {
	master   *Master
	sessions []*session
}

// Commit implements mib.Change.
func (c *closing) Commit(context.Context) error {
	for _, s := range c.sessions {
		_ = s.conn.write(&agentx.PDU{Type: agentx.Close, Flags: s.flags, Session: s.id, Reason: agentx.ReasonByManager})
		c.master.end(s, agentx.ReasonByManager)
	}
	return nil
}

// Undo implements mib.Change.
func (c *closing) Undo(context.Context) error {
	if len(c.sessions) == 0 {
		return nil
	}
	return errors.New("a session that was closed stays closed")
}

// Close implements mib.Change.
func (c *closing) Close() {}
