package dns

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	"google.golang.org/protobuf/proto"
)

// TapOptions are what a Tap needs to know.
type TapOptions struct {
	Name    string         // what the log calls the server
	Friends []netip.Prefix // who is a friend to the dnsServOptCounterFriends objects; they do not exist if there is none
	Log     *slog.Logger   // slog.Default if nil
}

// Tap counts the queries and responses of a name server by its dnstap (https://dnstap.info). A server drops frames rather than wait, so that what is counted is approximate:
// never more than there was.
type Tap struct {
	friends []netip.Prefix
	log     *slog.Logger

	mu       sync.Mutex
	origins  [originCount]tapCounts
	rows     map[tapRow]*tapCell
	stats    TapStats
	queries  bool // a query was seen
	answers  bool // a response was seen
	own      map[netip.Addr]bool
	ownSince time.Time
}

// TapStats says how a Tap fares.
type TapStats struct {
	Connections int    // open now
	Frames      uint64 // that were taken
	Malformed   uint64 // that were not: no dnstap, no DNS, or too long
	RowsLeftOut uint64 // messages without a row in dnsServCounterTable, for it is full
}

// origin is whom a query comes from.
type origin int

const (
	originOther origin = iota
	originSelf
	originFriend

	originCount
)

// tapCounts are the counters of dnsServCounter, in the order of its columns from dnsServCounterAuthAns on.
type tapCounts [tapCountCount]uint64

const (
	tapAuthAns = iota
	tapAuthNoNames
	tapAuthNoDataResps
	tapNonAuthDatas
	tapNonAuthNoDatas
	tapReferrals
	tapErrors
	tapRelNames
	tapReqRefusals
	tapReqUnparses
	tapOtherErrors

	tapCountCount
)

// tapRow is the index of dnsServCounterTable.
type tapRow struct {
	opcode    uint8
	class     uint16
	kind      uint16
	transport uint8
}

type tapCell struct{ requests, responses uint64 }

// maxTapRows bounds dnsServCounterTable: whoever may ask can make up types.
const maxTapRows = 2048

// dnsServCounterTransport.
const (
	transportUDP   = 1
	transportTCP   = 2
	transportOther = 3
)

// RFC 1035 section 4.1.1.
const (
	rcodeNoError  = 0
	rcodeFormErr  = 1
	rcodeServFail = 2
	rcodeNXDomain = 3
	rcodeRefused  = 5
)

// NewTap returns a Tap that has seen nothing.
func NewTap(o TapOptions) *Tap {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Tap{friends: o.Friends, log: o.Log.With("server", o.Name), rows: map[tapRow]*tapCell{}}
}

// Stats returns them as of now.
func (t *Tap) Stats() TapStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// frame counts one frame: a Dnstap message in protobuf.
func (t *Tap) frame(b []byte) {
	var d pb.Dnstap
	if err := proto.Unmarshal(b, &d); err != nil || d.Message == nil {
		t.malformed()
		return
	}
	m := d.Message
	switch m.GetType() {
	case pb.Message_AUTH_QUERY, pb.Message_CLIENT_QUERY:
		t.take(m, m.QueryMessage, (*Tap).query)
	case pb.Message_AUTH_RESPONSE, pb.Message_CLIENT_RESPONSE:
		t.take(m, m.ResponseMessage, (*Tap).response)
	default: // what the server asks others
		t.mu.Lock()
		t.stats.Frames++
		t.mu.Unlock()
	}
}

func (t *Tap) malformed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stats.Malformed++; t.stats.Malformed == 1 {
		t.log.Warn("a frame of dnstap cannot be read; it is counted, and so are those that follow")
	}
}

func (t *Tap) take(m *pb.Message, message []byte, count func(*Tap, origin, uint8, *tapped)) {
	d, err := parseTapped(message)
	if err != nil {
		t.malformed()
		return
	}
	transport := uint8(transportOther)
	switch m.GetSocketProtocol() {
	case pb.SocketProtocol_UDP:
		transport = transportUDP
	case pb.SocketProtocol_TCP:
		transport = transportTCP
	}
	from, _ := netip.AddrFromSlice(m.QueryAddress)
	to, _ := netip.AddrFromSlice(m.ResponseAddress)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Frames++
	count(t, t.originLocked(from.Unmap(), to.Unmap()), transport, &d)
}

// originLocked says whom from is: this host comes before friends, as the MIB has it.
func (t *Tap) originLocked(from, to netip.Addr) origin {
	switch {
	case !from.IsValid():
		return originOther
	case from.IsLoopback() || from == to || t.ownLocked(from):
		return originSelf
	case slices.ContainsFunc(t.friends, func(p netip.Prefix) bool { return p.Contains(from) }):
		return originFriend
	}
	return originOther
}

// ownLocked reports whether a is an address of this host, as of the last minute.
func (t *Tap) ownLocked(a netip.Addr) bool {
	if time.Since(t.ownSince) > time.Minute || t.own == nil {
		t.own, t.ownSince = map[netip.Addr]bool{}, time.Now()
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			return false // loopback is known all the same
		}
		for _, addr := range addrs {
			if p, err := netip.ParsePrefix(addr.String()); err == nil {
				t.own[p.Addr().Unmap()] = true
			}
		}
	}
	return t.own[a]
}

// query counts a query. One without a question has no row.
func (t *Tap) query(from origin, transport uint8, m *tapped) {
	t.queries = true
	if m.hasQuestion && m.labels == 1 {
		t.origins[from][tapRelNames]++
	}
	if c := t.cell(m, transport); c != nil {
		c.requests++
	}
}

// response counts a response, as RFC 1611 words its counters.
func (t *Tap) response(from origin, transport uint8, m *tapped) {
	t.answers = true
	if c := t.cell(m, transport); c != nil {
		c.responses++
	}
	n := &t.origins[from]
	switch {
	case m.rcode == rcodeNXDomain && m.authoritative:
		n[tapAuthNoNames]++
	case m.rcode == rcodeNXDomain: // no object counts those
	case m.rcode != rcodeNoError:
		n[tapErrors]++
	case m.answers > 0 && m.authoritative:
		n[tapAuthAns]++
	case m.answers > 0:
		n[tapNonAuthDatas]++
	case m.authoritative:
		n[tapAuthNoDataResps]++
	case m.delegates:
		n[tapReferrals]++
	default:
		n[tapNonAuthNoDatas]++
	}
	switch m.rcode {
	case rcodeRefused:
		n[tapReqRefusals]++
	case rcodeFormErr:
		n[tapReqUnparses]++
	case rcodeServFail:
		n[tapOtherErrors]++
	}
}

// cell returns the row of a message; nil if it has none.
func (t *Tap) cell(m *tapped, transport uint8) *tapCell {
	if !m.hasQuestion {
		return nil
	}
	row := tapRow{m.opcode, m.qclass, m.qtype, transport}
	c := t.rows[row]
	switch {
	case c != nil:
	case len(t.rows) == maxTapRows:
		if t.stats.RowsLeftOut++; t.stats.RowsLeftOut == 1 {
			t.log.Warn("dnsServCounterTable is full; messages without a row are counted", "rows", maxTapRows)
		}
	default:
		c = &tapCell{}
		t.rows[row] = c
	}
	return c
}
