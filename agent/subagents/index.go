package subagents

import (
	"slices"

	"walkabout/agentx"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// indexKey is an index object in a context.
type indexKey struct {
	context string
	object  oid.OID
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
		e := m.allocateLocked(s, p, &out[i], &undo)
		if e != agentx.NoError {
			for _, f := range slices.Backward(undo) {
				f()
			}
			return p.VarBinds, e, uint16(i + 1)
		}
	}
	return out, agentx.NoError, 0
}

// allocateLocked adds to undo what takes the allocation back as if it had never been.
func (m *Master) allocateLocked(s *session, p *agentx.PDU, vb *snmp.VarBind, undo *[]func()) agentx.Error {
	key := indexKey{p.Context, vb.Name}
	x, known := m.indexes[key]
	if !known {
		if vb.Value.IsException() || vb.Value.Kind() == snmp.KindNull || len(m.indexes) >= maxIndexes {
			return agentx.IndexNoneAvailable
		}
		x = &indexes{kind: vb.Value.Kind(), taken: map[snmp.Value]*session{}, used: map[snmp.Value]bool{}}
	}
	if x.kind != vb.Value.Kind() {
		return agentx.IndexWrongType
	}
	next := x.next
	if p.Flags&(agentx.NewIndex|agentx.AnyIndex) != 0 {
		v, ok := x.free(p.Flags&agentx.NewIndex != 0)
		if !ok {
			return agentx.IndexNoneAvailable
		}
		vb.Value = v
	}
	v := vb.Value
	if x.taken[v] != nil {
		return agentx.IndexAlreadyAllocated
	}
	isNew := !x.used[v]
	if isNew {
		if m.indexValues >= maxIndexes || len(v.Octets()) > maxIndexSize {
			return agentx.IndexNoneAvailable
		}
		m.indexValues++
	}
	m.indexes[key], x.taken[v], x.used[v] = x, s, true
	*undo = append(*undo, func() {
		delete(x.taken, v)
		x.next = next
		if isNew {
			delete(x.used, v)
			m.indexValues--
		}
		if !known {
			delete(m.indexes, key)
		}
	})
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
		if x := m.indexes[indexKey{p.Context, vb.Name}]; x == nil || x.taken[vb.Value] != s {
			return agentx.IndexNotAllocated, uint16(i + 1)
		}
	}
	for _, vb := range p.VarBinds {
		delete(m.indexes[indexKey{p.Context, vb.Name}].taken, vb.Value)
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
