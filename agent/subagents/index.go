package subagents

import (
	"math"
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

// indexes are the values of an index object that sub-agents have, and who has them.
type indexes struct {
	kind   snmp.Kind
	taken  map[snmp.Value]*session
	newest int32 // the largest number that anybody had: what NewIndex gives is larger
}

// allocate gives a session values of index objects (RFC 2741 section 7.1.4.2): all that it asks for, or none.
func (m *Master) allocate(s *session, p *agentx.PDU) ([]snmp.VarBind, agentx.Error, uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.id] != s {
		return p.VarBinds, agentx.NotOpen, 0
	}
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
		x = &indexes{kind: vb.Value.Kind(), taken: map[snmp.Value]*session{}}
	}
	if x.kind != vb.Value.Kind() {
		return agentx.IndexWrongType
	}
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
	if m.indexValues >= maxIndexes || len(v.Octets()) > maxIndexSize {
		return agentx.IndexNoneAvailable
	}
	newest := x.newest
	if x.kind == snmp.KindInteger {
		x.newest = max(newest, int32(v.Int()))
	}
	m.indexes[key], x.taken[v] = x, s
	m.indexValues++
	*undo = append(*undo, func() {
		m.freeLocked(x, v)
		x.newest = newest
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
	if isNew {
		return snmp.Integer(x.newest + 1), x.newest < math.MaxInt32
	}
	n := int32(1)
	for x.taken[snmp.Integer(n)] != nil { // there are fewer than maxIndexes
		n++
	}
	return snmp.Integer(n), true
}

// freeLocked takes a value back.
func (m *Master) freeLocked(x *indexes, v snmp.Value) {
	delete(x.taken, v)
	m.indexValues--
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
		if x := m.indexes[indexKey{p.Context, vb.Name}]; x.taken[vb.Value] == s { // it may be listed twice
			m.freeLocked(x, vb.Value)
		}
	}
	return agentx.NoError, 0
}

func (m *Master) releaseIndexesLocked(s *session) {
	for _, x := range m.indexes {
		for v, owner := range x.taken {
			if owner == s {
				m.freeLocked(x, v)
			}
		}
	}
}
