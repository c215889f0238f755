package subagents

import (
	"cmp"
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
		c.pace()
		return c.respond(p, c.master.register(s, p), 0, nil)
	case agentx.Unregister:
		c.pace()
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

// contains reports whether o is in a subtree of the registration.
func (k *registrationKey) contains(o oid.OID) bool {
	if k.rangeSub == 0 {
		return o.HasPrefix(k.subtree)
	}
	at := int(k.rangeSub) - 1
	return o.Len() >= k.subtree.Len() && o.HasPrefix(k.subtree.Slice(0, at)) && k.subtree.Arc(at) <= o.Arc(at) && o.Arc(at) <= k.upper &&
		o.From(at+1).HasPrefix(k.subtree.From(at+1))
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
				if s.conn.fencedTold.Due() {
					m.options.Log.Warn("a sub-agent may not register there; more of it is not told for a minute", "session", s.id, "descr", s.descr, "subtree", root)
				}
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
	if s.conn.subtrees+r.roots > maxRegistrations || m.subtrees+r.roots > maxAllRegistrations {
		if s.conn.manyTold.Due() {
			m.options.Log.Warn("a sub-agent has too many registrations, or all together have", "session", s.id, "descr", s.descr,
				"subtrees", s.conn.subtrees, "all", m.subtrees, "more", r.roots)
		}
		return agentx.RequestDenied
	}
	s.lastRegistration++
	r.number = s.lastRegistration
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
	m.countLocked(r, 1)
	if r.timeout > 0 {
		s.timed = append(s.timed, r)
	}
	m.changed.registrations = time.Now()
	m.options.Log.Debug("a sub-agent registered", "session", s.id, "context", p.Context, "subtree", p.ID, "priority", p.Priority)
	return agentx.NoError
}

// countLocked adds a registration to what its peer and all together have, or takes it away again.
func (m *Master) countLocked(r *registration, sign int) {
	m.subtrees += sign * r.roots
	r.session.conn.subtrees += sign * r.roots
}

// Each Register and Unregister has the next request work out anew who serves what, which takes some milliseconds when there are thousands: so many at once
// and a second are taken from a connection, and the others as slowly.
const changeBurst, changeRate = 2 * maxRegistrations, 20

// pace holds up a connection that registers and unregisters without end.
func (c *connection) pace() {
	for !c.changes.take(time.Now(), changeBurst, changeRate) {
		time.Sleep(time.Second / changeRate)
	}
}

func (m *Master) unregister(s *session, p *agentx.PDU) agentx.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.registrations[keyOf(p)]
	if r == nil || r.session != s {
		return agentx.UnknownRegistration
	}
	delete(m.registrations, r.key)
	m.countLocked(r, -1)
	s.timed = slices.DeleteFunc(s.timed, func(other *registration) bool { return other == r })
	m.changed.registrations = time.Now()
	r.unregister()
	return agentx.NoError
}

// timeoutOf returns how long s may take for a request: the longest time of what it names, of which each has that of its registration, or the session's,
// or the master's.
func (s *session) timeoutOf(p *agentx.PDU) time.Duration {
	m := s.conn.master
	rest := cmp.Or(s.timeout, m.options.Timeout)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(s.timed) == 0 {
		return rest
	}
	var longest time.Duration
	for i := range p.Ranges {
		longest = max(longest, cmp.Or(s.timedLocked(p.Context, p.Ranges[i].Start), rest))
	}
	for i := range p.VarBinds {
		longest = max(longest, cmp.Or(s.timedLocked(p.Context, p.VarBinds[i].Name), rest))
	}
	return longest
}

// timedLocked returns the timeout of the smallest registration around o that has one of its own; 0 if there is none.
func (s *session) timedLocked(context string, o oid.OID) time.Duration {
	timeout, length := time.Duration(0), -1
	for _, r := range s.timed {
		if n := r.key.subtree.Len(); r.key.context == context && n > length && r.key.contains(o) {
			timeout, length = r.timeout, n
		}
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
	vbs, first := p.VarBinds, 0
	if len(vbs) > 0 && vbs[0].Name == sysUpTime0 {
		first = 1
	}
	if len(vbs) <= first || vbs[first].Name != snmpTrapOID0 || vbs[first].Value.Kind() != snmp.KindOID {
		return agentx.ProcessingError, uint16(first + 1)
	}
	n := notify.Notification{TrapOID: vbs[first].Value.OID(), Context: p.Context}
	for i, vb := range vbs[first+1:] {
		if vb.Value.IsException() || vb.Value.Kind() == snmp.KindNull {
			return agentx.ProcessingError, uint16(min(first+i+2, 1<<15))
		}
		if vb.Name == snmpTrapEnterprise0 && vb.Value.Kind() == snmp.KindOID {
			n.Enterprise = vb.Value.OID()
			continue
		}
		n.VarBinds = append(n.VarBinds, vb)
	}
	if !s.mayNotify() {
		return agentx.RequestDenied, 0
	}
	s.conn.master.options.Notify(n)
	return agentx.NoError, 0
}

// A connection may send notifyBurst notifications at once and notifyRate a second, all together allBurst and allRate: a sub-agent that opens a session or
// connects for each is no exception.
const (
	notifyBurst, notifyRate = 100, 10
	allBurst, allRate       = 1000, 100
)

// mayNotify counts a notification, and says once a minute that some are dropped.
func (s *session) mayNotify() bool {
	c, now := s.conn, time.Now()
	if c.budget.take(now, notifyBurst, notifyRate) && c.master.mayNotify(now) {
		return true
	}
	c.dropped++
	if c.droppedTold.Due() {
		c.master.options.Log.Warn("a sub-agent sends more notifications than it may; more that are dropped are not told for a minute",
			"session", s.id, "descr", s.descr, "dropped", c.dropped)
	}
	return false
}

func (m *Master) mayNotify(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.budget.take(now, allBurst, allRate)
}

// budget is a token bucket. The zero value is full.
type budget struct {
	at    time.Time
	spent float64
}

func (b *budget) take(now time.Time, burst, rate float64) bool {
	b.spent = max(b.spent-rate*now.Sub(b.at).Seconds(), 0)
	b.at = now
	if b.spent+1 > burst {
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
