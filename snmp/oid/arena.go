package oid

import "strings"

// Arena joins OIDs into shared memory, so that the many names of one answer cost one allocation instead of one each. The
// OIDs that it returns are ordinary ones; each keeps the arena's memory alive. The zero value is ready; it is for one
// goroutine.
type Arena struct {
	b    strings.Builder
	size int
}

// arenaSize is one allocation of an Arena unless Expect says otherwise: the names of about 40 table cells.
const arenaSize = 2048

// Expect says how many OIDs of usual length will be joined; it makes the next allocation fit, in bounds.
func (m *Arena) Expect(n int) { m.size = min(max(n, 1)*56, arenaSize) }

// Join returns a with b and then c behind it.
func (m *Arena) Join(a, b, c OID) OID {
	n := len(a.s) + len(b.s) + len(c.s)
	if m.b.Cap()-m.b.Len() < n {
		m.b.Reset() // what was returned keeps the old memory
		if m.size == 0 {
			m.size = arenaSize
		}
		m.b.Grow(max(n, m.size))
	}
	start := m.b.Len()
	m.b.WriteString(a.s)
	m.b.WriteString(b.s)
	m.b.WriteString(c.s)
	return OID{m.b.String()[start:]}
}
