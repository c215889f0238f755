package mib2

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// table is the rows of a conceptual table in the order of their index: rows themselves, or where at is not nil rows[at[0]], rows[at[1]] and so on.
// Large lists are not copied for each table that is made of them.
type table[R any] struct {
	index []oid.OID
	rows  []R
	at    []int32
}

// snapshot returns t with cells that cell computes.
func (t *table[R]) snapshot(cell func(row *R, column uint32) (snmp.Value, bool)) mib.Snapshot {
	return mib.Snapshot{Index: t.index, Cell: func(row int, column uint32) (snmp.Value, bool) {
		if t.at != nil {
			row = int(t.at[row])
		}
		return cell(&t.rows[row], column)
	}}
}

// derived keeps what was made of the latest list of the machine's, so that all who see that list share the work. The zero value is
// ready.
type derived[E, T any] struct {
	mu    sync.Mutex
	first *E // with n it tells one list from another; it keeps the list's memory from being used again
	n     int
	value *T
}

// many is how long a list may be to make a table of it within a millisecond.
const many = 500

// of returns what build makes of list. Who waits behind q need not wait for long work.
func (d *derived[E, T]) of(q *mib.Request, list []E, build func([]E) *T) *T {
	if len(list) == 0 {
		return build(nil)
	}
	lockFor(q, &d.mu)
	defer d.mu.Unlock()
	if len(list) > many && (d.value == nil || d.first != &list[0]) {
		q.Slow()
	}
	if d.value == nil || d.first != &list[0] || d.n != len(list) {
		d.first, d.n, d.value = &list[0], len(list), build(list)
	}
	return d.value
}

// derivedPair is derived of two lists, of IPv4 and of IPv6 say.
type derivedPair[E, T any] struct {
	mu    sync.Mutex
	first [2]*E
	n     [2]int
	value *T
}

// of returns what build makes of both lists, the one behind the other, as derived does.
func (d *derivedPair[E, T]) of(q *mib.Request, a, b []E, build func([]E) *T) *T {
	if len(a)+len(b) == 0 {
		return build(nil)
	}
	lockFor(q, &d.mu)
	defer d.mu.Unlock()
	first, n := [2]*E{firstOf(a), firstOf(b)}, [2]int{len(a), len(b)}
	if len(a)+len(b) > many && (d.value == nil || d.first != first) {
		q.Slow()
	}
	if d.value == nil || d.first != first || d.n != n {
		d.first, d.n, d.value = first, n, build(joined(a, b))
	}
	return d.value
}

// joined returns a with b behind it, or the one of them that is not empty.
func joined[E any](a, b []E) []E {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0:
		return b
	default:
		return slices.Concat(a, b)
	}
}

// firstOf tells one list from another; nil for an empty one.
func firstOf[E any](list []E) *E {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// lockFor locks mu, which somebody may hold who is at long work.
func lockFor(q *mib.Request, mu *sync.Mutex) {
	if !mu.TryLock() {
		q.Slow()
		mu.Lock()
	}
}

// packer makes the index of a table in one piece of memory.
type packer struct {
	b    []byte
	ends []int // of each row's index value in b
}

// newPacker makes room for rows of about that many sub-identifiers.
func newPacker(rows, arcs int) *packer {
	return &packer{b: make([]byte, 0, 4*arcs*rows), ends: make([]int, 0, rows)}
}

// end ends the index value of a row.
func (p *packer) end() { p.ends = append(p.ends, len(p.b)) }

// number appends one sub-identifier.
func (p *packer) number(n uint32) { p.b = binary.BigEndian.AppendUint32(p.b, n) }

// address appends the four sub-identifiers of an IPv4 address.
func (p *packer) address(a netip.Addr) {
	for _, octet := range a.As4() {
		p.number(uint32(octet))
	}
}

// inetAddress appends an InetAddressType and an InetAddress with its length (RFC 4001): unknown(0) and nothing for the zero
// Addr, ipv4(1), ipv6(2), or ipv6z(4) for a link-local address whose link is known. An IPv4-mapped address is of IPv6.
func (p *packer) inetAddress(a netip.Addr, link uint32) {
	octets := a.AsSlice()
	addressType := uint32(2)
	switch {
	case !a.IsValid():
		addressType = 0
	case a.Is4():
		addressType = 1
	case a.IsLinkLocalUnicast() && link != 0:
		addressType = 4
		octets = binary.BigEndian.AppendUint32(octets, link)
	}
	p.number(addressType)
	p.number(uint32(len(octets)))
	for _, octet := range octets {
		p.number(uint32(octet))
	}
}

// index returns the index values in the order in which they were ended.
func (p *packer) index() []oid.OID {
	packed := string(p.b)
	index := make([]oid.OID, 0, len(p.ends))
	start := 0
	for _, end := range p.ends {
		o, err := oid.FromPacked(packed[start:end])
		if err != nil {
			panic(err) // cannot be: whole and short
		}
		index = append(index, o)
		start = end
	}
	return index
}

// newTable returns the table of rows whose index values p has in the same order, whichever that is. Of rows with one index value
// the first stands.
func newTable[R any](p *packer, rows []R) *table[R] { return newTableOf(p, rows, nil) }

// newTableOf is newTable for some of rows: p has the index values of rows[at[0]], rows[at[1]] and so on; of all if at is nil. It keeps both.
func newTableOf[R any](p *packer, rows []R, at []int32) *table[R] {
	index := p.index()
	order := make([]int32, len(index))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(index[a].Compare(index[b]), cmp.Compare(a, b)) })
	order = slices.CompactFunc(order, func(a, b int32) bool { return index[a] == index[b] })
	t := &table[R]{index: make([]oid.OID, len(order)), rows: rows, at: order}
	for row, i := range order {
		t.index[row] = index[i]
		if at != nil {
			order[row] = at[i]
		}
	}
	return t
}

// netMask returns the dotted mask of a prefix of bits bits.
func netMask(bits int) snmp.Value {
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], uint32(uint64(1<<32-1)<<(32-bits)))
	return snmp.IPAddress(netip.AddrFrom4(mask))
}

// endpoint is an IPv4 address and a port, as a number that sorts as their index does.
type endpoint uint64

// ipv4Endpoint returns ap in IPv4; false if it has no place there. An IPv6 wildcard has one, 0.0.0.0, where the socket takes
// IPv4 traffic as well.
func ipv4Endpoint(ap netip.AddrPort, both bool) (endpoint, bool) {
	a := ap.Addr().Unmap()
	if a.Is6() && a.IsUnspecified() && both {
		a = netip.IPv4Unspecified()
	}
	if !a.Is4() {
		return 0, false
	}
	octets := a.As4()
	return endpoint(binary.BigEndian.Uint32(octets[:]))<<16 | endpoint(ap.Port()), true
}

func (e endpoint) addr() netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], uint32(e>>16))
	return netip.AddrFrom4(octets)
}

func (e endpoint) port() uint16 { return uint16(e) }

// pack appends e as an index has it.
func (e endpoint) pack(p *packer) {
	p.address(e.addr())
	p.number(uint32(e.port()))
}
