package oid

import "strings"

// Arena joins OIDs into shared memory, so that the many names of one answer cost one allocation instead of one each. The
// OIDs that it returns are ordinary ones; each keeps the arena's memory alive. The zero value is ready; it is for one
// goroutine.
type Arena struct{ b strings.Builder }

// arenaSize is one allocation of an Arena: the names of about 40 table cells.
const arenaSize = 2048

// Join returns a with b and then c behind it.
func (m *Arena) Join(a, b, c OID) OID {
	n := len(a.s) + len(b.s) + len(c.s)
	if m.b.Cap()-m.b.Len() < n {
		m.b.Reset() // what was returned keeps the old memory
		m.b.Grow(max(n, arenaSize))
	}
	start := m.b.Len()
	m.b.WriteString(a.s)
	m.b.WriteString(b.s)
	m.b.WriteString(c.s)
	return OID{m.b.String()[start:]}
}
