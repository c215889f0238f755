package subagents

import (
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// handle carries out what a sub-agent asks of its own accord (RFC 2741 section 7.1). An error ends the connection.
func (c *connection) handle(p *agentx.PDU) error {
	p.Descr = p.Descr[:min(len(p.Descr), maxText)]
	if p.Type == agentx.Open {
		s, e := c.master.open(c, p)
		if e != agentx.NoError {
			return c.respond(p, e, 0, nil)
		}
		c.master.options.Log.Info("a sub-agent is here", "session", s.id, "descr", s.descr, "id", s.object, "from", c.from)
		return c.respond(p, agentx.NoError, 0, &agentx.PDU{Session: s.id})
	}
	s := c.master.session(c, p.Session)
	if s == nil {
		return c.respond(p, agentx.NotOpen, 0, nil)
	}
	if len(p.Context) > maxText {
		return c.respond(p, agentx.UnsupportedContext, 0, nil)
	}
	switch p.Type {
	case agentx.Close:
		c.master.end(s, p.Reason)
		return c.respond(p, agentx.NoError, 0, nil)
	case agentx.Register:
		return c.respond(p, c.master.register(s, p), 0, nil)
	case agentx.Unregister:
		return c.respond(p, c.master.unregister(s, p), 0, nil)
	case agentx.Notify:
		e, index := s.notify(p)
		return c.respond(p, e, index, nil)
	case agentx.Ping:
		return c.respond(p, agentx.NoError, 0, nil)
	case agentx.IndexAllocate:
		vbs, e, index := c.master.allocate(s, p)
		return c.respond(p, e, index, &agentx.PDU{Session: p.Session, VarBinds: vbs})
	case agentx.IndexDeallocate:
		e, index := c.master.deallocate(s, p)
		return c.respond(p, e, index, nil)
	case agentx.AddAgentCaps:
		return c.respond(p, c.master.addCaps(s, p), 0, nil)
	case agentx.RemoveAgentCaps:
		return c.respond(p, c.master.removeCaps(s, p), 0, nil)
	default: // what only a master asks
		return c.respond(p, agentx.ProcessingError, 0, nil)
	}
}

// registration is what a session registered.
type registration struct {
	session    *session
	key        registrationKey
	roots      int
	number     uint32 // agentxRegIndex
	timeout    time.Duration
	instance   bool
	unregister func()
}

func keyOf(p *agentx.PDU) registrationKey {
	return registrationKey{context: p.Context, subtree: p.ID, rangeSub: p.RangeSub, upper: p.Upper, priority: p.Priority}
}

// roots returns the subtrees of a registration; false if it makes no sense, or is of too many.
func (k *registrationKey) roots() ([]oid.OID, bool) {
	if k.subtree.IsEmpty() {
		return nil, false
	}
	if k.rangeSub == 0 {
		return []oid.OID{k.subtree}, true
	}
	at := int(k.rangeSub) - 1
	if at >= k.subtree.Len() || k.upper < k.subtree.Arc(at) || k.upper-k.subtree.Arc(at) >= maxRegistrations {
		return nil, false
	}
	var out []oid.OID
	before, after := k.subtree.Slice(0, at), k.subtree.From(at+1)
	for arc := uint64(k.subtree.Arc(at)); arc <= uint64(k.upper); arc++ {
		out = append(out, before.Append(uint32(arc)).Join(after))
	}
	return out, true
}

func (m *Master) register(s *session, p *agentx.PDU) agentx.Error {
	r := &registration{session: s, key: keyOf(p), timeout: seconds(p.Timeout), instance: p.Flags&agentx.InstanceRegistration != 0}
	roots, ok := r.key.roots()
	if !ok {
		return agentx.ParseError
	}
	r.roots = len(roots)
	if m.options.Allowed != nil {
		for _, root := range roots {
			if !slices.ContainsFunc(m.options.Allowed, root.HasPrefix) {
				m.options.Log.Warn("a sub-agent may not register there", "session", s.id, "descr", s.descr, "subtree", root)
				return agentx.RequestDenied
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.id] != s {
		return agentx.NotOpen
	}
	if m.registrations[r.key] != nil {
		return agentx.DuplicateRegistration
	}
	count := len(roots)
	for _, other := range m.registrations {
		if other.session == s {
			count += other.roots
			r.number = max(r.number, other.number)
		}
	}
	if count > maxRegistrations {
		m.options.Log.Warn("a sub-agent has too many registrations", "session", s.id, "descr", s.descr, "registrations", count)
		return agentx.RequestDenied
	}
	r.number++
	var regs []agent.Registration
	for _, root := range roots {
		regs = append(regs, agent.Registration{Context: p.Context, Root: root, Priority: max(p.Priority, 1)}) // 0 is ours
	}
	var err error
	if r.unregister, err = m.options.Register(s, regs...); err != nil {
		m.options.Log.Warn("a sub-agent's registration", "session", s.id, "subtree", p.ID, "err", err)
		return agentx.RequestDenied
	}
	m.registrations[r.key] = r
	if r.timeout > 0 {
		s.timed = append(s.timed, r)
	}
	m.changed.registrations = time.Now()
	m.options.Log.Debug("a sub-agent registered", "session", s.id, "context", p.Context, "subtree", p.ID, "priority", p.Priority)
	return agentx.NoError
}

func (m *Master) unregister(s *session, p *agentx.PDU) agentx.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.registrations[keyOf(p)]
	if r == nil || r.session != s {
		return agentx.UnknownRegistration
	}
	delete(m.registrations, r.key)
	s.timed = slices.DeleteFunc(s.timed, func(other *registration) bool { return other == r })
	m.changed.registrations = time.Now()
	r.unregister()
	return agentx.NoError
}

// timeoutOf returns how long s may take for what begins with an object: its registration says, or the session, or the master.
func (s *session) timeoutOf(context string, o oid.OID) time.Duration {
	m := s.conn.master
	timeout, length := s.timeout, -1
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range s.timed {
		if r.key.context == context && r.key.subtree.Len() > length && o.HasPrefix(r.key.subtree) {
			timeout, length = r.timeout, r.key.subtree.Len()
		}
	}
	if timeout <= 0 {
		timeout = m.options.Timeout
	}
	return timeout
}

var (
	sysUpTime0          = oid.New(1, 3, 6, 1, 2, 1, 1, 3, 0)
	snmpTrapOID0        = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
	snmpTrapEnterprise0 = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0)
)

// notify sends a sub-agent's notification (RFC 2741 section 7.1.11): sysUpTime.0, which may be missing, snmpTrapOID.0, and others.
func (s *session) notify(p *agentx.PDU) (agentx.Error, uint16) {
	vbs := p.VarBinds
	if len(vbs) > 0 && vbs[0].Name == sysUpTime0 {
		vbs = vbs[1:]
	}
	if len(vbs) == 0 || vbs[0].Name != snmpTrapOID0 || vbs[0].Value.Kind() != snmp.KindOID {
		return agentx.ProcessingError, 1
	}
	n := notify.Notification{TrapOID: vbs[0].Value.OID()}
	for i, vb := range vbs[1:] {
		if vb.Value.IsException() || vb.Value.Kind() == snmp.KindNull {
			return agentx.ProcessingError, uint16(min(i+2, 1<<15))
		}
		if vb.Name == snmpTrapEnterprise0 && vb.Value.Kind() == snmp.KindOID {
			n.Enterprise = vb.Value.OID()
			continue
		}
		n.VarBinds = append(n.VarBinds, vb)
	}
	if !s.budget.take(time.Now()) {
		s.conn.master.options.Log.Warn("a sub-agent sends more notifications than it may", "session", s.id, "descr", s.descr, "dropped", s.budget.dropped)
		return agentx.RequestDenied, 0
	}
	s.conn.master.options.Notify(n)
	return agentx.NoError, 0
}

// A session may send notifyBurst notifications at once, and notifyRate a second.
const (
	notifyBurst = 100
	notifyRate  = 10
)

// budget is a token bucket. The zero value is full.
type budget struct {
	at      time.Time
	spent   float64
	dropped uint64
}

func (b *budget) take(now time.Time) bool {
	b.spent = max(b.spent-notifyRate*now.Sub(b.at).Seconds(), 0)
	b.at = now
	if b.spent+1 > notifyBurst {
		b.dropped++
		return false
	}
	b.spent++
	return true
}

func (m *Master) addCaps(s *session, p *agentx.PDU) agentx.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.sessions[s.id] != s:
		return agentx.NotOpen
	case len(s.caps) >= maxCaps || p.ID.IsEmpty() || m.options.AddModule == nil:
		return agentx.RequestDenied
	}
	if remove := s.caps[p.ID]; remove != nil {
		remove()
	}
	s.caps[p.ID] = m.options.AddModule(mib.Module{ID: p.ID, Descr: p.Descr, Since: time.Now()})
	return agentx.NoError
}

func (m *Master) removeCaps(s *session, p *agentx.PDU) agentx.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	remove := s.caps[p.ID]
	if remove == nil {
		return agentx.UnknownAgentCaps
	}
	delete(s.caps, p.ID)
	remove()
	return agentx.NoError
}

// indexes are the values of an index object that sub-agents have been given, and by whom they were.
type indexes struct {
	kind  snmp.Kind
	taken map[snmp.Value]*session
	used  map[snmp.Value]bool // those that NewIndex must not give again
	next  int32
}

// allocate gives a session values of index objects (RFC 2741 section 7.1.4.2): all that it asks for, or none.
func (m *Master) allocate(s *session, p *agentx.PDU) ([]snmp.VarBind, agentx.Error, uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(p.VarBinds)
	var undo []func()
	for i := range out {
		e := m.allocateLocked(s, &out[i], p.Flags, &undo)
		if e != agentx.NoError {
			for _, f := range undo {
				f()
			}
			return p.VarBinds, e, uint16(i + 1)
		}
	}
	return out, agentx.NoError, 0
}

func (m *Master) allocateLocked(s *session, vb *snmp.VarBind, flags uint8, undo *[]func()) agentx.Error {
	x := m.indexes[vb.Name]
	if x == nil {
		if vb.Value.IsException() || vb.Value.Kind() == snmp.KindNull || len(m.indexes) >= maxIndexes {
			return agentx.IndexNoneAvailable
		}
		x = &indexes{kind: vb.Value.Kind(), taken: map[snmp.Value]*session{}, used: map[snmp.Value]bool{}}
		m.indexes[vb.Name] = x
	}
	if x.kind != vb.Value.Kind() {
		return agentx.IndexWrongType
	}
	if flags&(agentx.NewIndex|agentx.AnyIndex) != 0 {
		v, ok := x.free(flags&agentx.NewIndex != 0)
		if !ok {
			return agentx.IndexNoneAvailable
		}
		vb.Value = v
	}
	if x.taken[vb.Value] != nil {
		return agentx.IndexAlreadyAllocated
	}
	v := vb.Value
	if !x.used[v] {
		if m.indexValues >= maxIndexes || len(v.Octets()) > maxIndexSize {
			return agentx.IndexNoneAvailable
		}
		m.indexValues++
	}
	x.taken[v], x.used[v] = s, true
	*undo = append(*undo, func() { delete(x.taken, v) })
	return agentx.NoError
}

// free returns a number that nobody has, and that nobody ever had if it is to be new. Values of other types are not made up.
func (x *indexes) free(isNew bool) (snmp.Value, bool) {
	if x.kind != snmp.KindInteger {
		return snmp.Null, false
	}
	if !isNew {
		for v := range x.used {
			if x.taken[v] == nil {
				return v, true
			}
		}
	}
	for x.next < 1<<31-1 {
		x.next++
		if v := snmp.Integer(x.next); !x.used[v] {
			return v, true
		}
	}
	return snmp.Null, false
}

func (m *Master) deallocate(s *session, p *agentx.PDU) (agentx.Error, uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, vb := range p.VarBinds {
		if x := m.indexes[vb.Name]; x == nil || x.taken[vb.Value] != s {
			return agentx.IndexNotAllocated, uint16(i + 1)
		}
	}
	for _, vb := range p.VarBinds {
		delete(m.indexes[vb.Name].taken, vb.Value)
	}
	return agentx.NoError, 0
}

func (m *Master) releaseIndexesLocked(s *session) {
	for _, x := range m.indexes {
		for v, owner := range x.taken {
			if owner == s {
				delete(x.taken, v)
			}
		}
	}
}
