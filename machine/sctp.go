package machine

import (
	"bytes"
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// SCTPSettings are the settings of SCTP that new associations begin with; milliseconds where they are times. What the system does not tell is Unknown.
type SCTPSettings struct {
	RTOInitial, RTOMin, RTOMax int64
	CookieLife                 int64
	MaxInitRetransmits         int64
}

// SCTPState is the kernel's (enum sctp_state of linux/sctp.h): that of SCTP-MIB less one.
type SCTPState uint8

const (
	SCTPClosed           SCTPState = 0
	SCTPCookieWait       SCTPState = 1
	SCTPCookieEchoed     SCTPState = 2
	SCTPEstablished      SCTPState = 3
	SCTPShutdownPending  SCTPState = 4
	SCTPShutdownSent     SCTPState = 5
	SCTPShutdownReceived SCTPState = 6
	SCTPShutdownAckSent  SCTPState = 7
)

// SCTPAssociation is an association of this namespace. Figures that the kernel does not tell are Unknown.
type SCTPAssociation struct {
	ID                    uint32 // from 1
	State                 SCTPState
	LocalPort, RemotePort uint16
	Local                 []SCTPAddress
	Remote                []SCTPPath
	Primary               netip.Addr // of Remote; not valid if none is
	Inode                 uint32     // of the socket, as in /proc/PID/fd; 0 if it has no owner
	HeartbeatInterval     int64      // milliseconds
	InStreams, OutStreams int64      // 0 before they are negotiated
	MaxRetransmits        int64
	T1Expireds            int64 // how often INIT or COOKIE ECHO got no answer
	T2Expireds            int64 // how often SHUTDOWN got none
	RetransmittedChunks   int64

	Created     time.Time // when it was first seen; zero if it was there when the Machine was made
	Established time.Time // when it was first seen to be; zero before that, and as Created
}

// SCTPAddress is an own address of an association.
type SCTPAddress struct {
	Addr    netip.Addr
	Created time.Time // as of an SCTPAssociation
}

// SCTPPath is an address of the peer's. Told is whether more than the address is known.
type SCTPPath struct {
	Addr           netip.Addr
	Told           bool
	Active         bool  // it has not stopped answering
	Heartbeat      bool  // it is being probed
	RTO            int64 // milliseconds
	MaxRetransmits int64
	Created        time.Time // as of an SCTPAssociation
}

// sctpReading is the parts of a Reading that are of SCTP.
type sctpReading struct {
	stats        part[*Stats]
	settings     part[SCTPSettings]
	associations part[[]SCTPAssociation]
}

// SCTPStats returns the statistics of SCTP; errors.ErrUnsupported on a machine without it.
func (r *Reading) SCTPStats(ctx context.Context) (*Stats, error) {
	return read(ctx, r, &r.sctp.stats, PartSCTPStats, source.sctpStats)
}

// SCTPSettings returns the settings of SCTP; errors.ErrUnsupported on a machine without it.
func (r *Reading) SCTPSettings(ctx context.Context) (SCTPSettings, error) {
	return read(ctx, r, &r.sctp.settings, PartSCTPSettings, source.sctpSettings)
}

// SCTPAssociations returns the associations, ascending by ID; errors.ErrUnsupported on a machine without SCTP.
func (r *Reading) SCTPAssociations(ctx context.Context) ([]SCTPAssociation, error) {
	return read(ctx, r, &r.sctp.associations, PartSCTPAssociations, source.sctpAssociations)
}

// parseSCTPAssociations reads /proc/net/sctp/assocs and, of the same moment or nearly, remaddr (net/sctp/proc.c), in which times are in jiffies, hz of
// them a second. Lines of another form are left out, as are addresses of associations that have gone meanwhile.
func parseSCTPAssociations(assocs, remaddr []byte, hz int64) []SCTPAssociation {
	var out []SCTPAssociation
	for line := range bytes.Lines(assocs) {
		if a, ok := parseSCTPAssociation(line, hz); ok {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b SCTPAssociation) int { return cmp.Compare(a.ID, b.ID) })
	out = slices.CompactFunc(out, func(a, b SCTPAssociation) bool { return a.ID == b.ID })
	for line := range bytes.Lines(remaddr) {
		id, path, ok := parseSCTPPath(line, hz)
		at, found := slices.BinarySearchFunc(out, id, func(a SCTPAssociation, id uint32) int { return cmp.Compare(a.ID, id) })
		if !ok || !found {
			continue
		}
		paths := out[at].Remote
		if i := slices.IndexFunc(paths, func(p SCTPPath) bool { return p.Addr == path.Addr }); i >= 0 {
			paths[i] = path
		}
	}
	return out
}

// parseSCTPAssociation reads a line of /proc/net/sctp/assocs: thirteen fields, the own addresses, "<->", the peer's, the primary one with "*", and as
// many more fields as the kernel has.
func parseSCTPAssociation(line []byte, hz int64) (a SCTPAssociation, ok bool) {
	front, back, ok := bytes.Cut(line, []byte("<->"))
	fields := bytes.Fields(front)
	if !ok || len(fields) < 13 {
		return a, false
	}
	var numbers [13]int64
	for i := 4; i < len(numbers); i++ { // before them stand two pointers, and the socket's type and state
		n, ok := parseNumber(fields[i])
		if !ok {
			return a, false
		}
		numbers[i] = int64(n)
	}
	state, id, inode, local, remote := numbers[4], numbers[6], numbers[10], numbers[11], numbers[12]
	if !within(state, 0, int64(SCTPShutdownAckSent)) || !within(id, 1, 1<<32-1) || !within(local, 1, 1<<16-1) || !within(remote, 1, 1<<16-1) {
		return a, false
	}
	a = SCTPAssociation{ID: uint32(id), State: SCTPState(state), LocalPort: uint16(local), RemotePort: uint16(remote)}
	if within(inode, 0, 1<<32-1) {
		a.Inode = uint32(inode)
	}
	for _, f := range fields[13:] {
		if addr, _, ok := parseSCTPAddr(f); ok {
			a.Local = append(a.Local, SCTPAddress{Addr: addr})
		}
	}
	fields = bytes.Fields(back)
	for len(fields) > 0 {
		addr, primary, ok := parseSCTPAddr(fields[0])
		if !ok {
			break
		}
		if primary {
			a.Primary = addr
		}
		a.Remote = append(a.Remote, SCTPPath{Addr: addr, RTO: Unknown, MaxRetransmits: Unknown})
		fields = fields[1:]
	}
	for _, to := range []*int64{
		&a.HeartbeatInterval, &a.InStreams, &a.OutStreams, &a.MaxRetransmits, &a.T1Expireds, &a.T2Expireds, &a.RetransmittedChunks,
	} {
		*to, fields = nextFigure(fields)
	}
	a.HeartbeatInterval = fromJiffies(a.HeartbeatInterval, hz)
	return a, true
}

// parseSCTPPath reads a line of /proc/net/sctp/remaddr: address, association, whether it is probed, timeout, retransmissions allowed, two fields that the
// kernel never fills, and in newer kernels the state (enum sctp_spinfo_state: inactive, potentially failed, active, unconfirmed).
func parseSCTPPath(line []byte, hz int64) (id uint32, p SCTPPath, ok bool) {
	fields := bytes.Fields(line)
	if len(fields) < 5 {
		return 0, p, false
	}
	addr, _, ok := parseSCTPAddr(fields[0])
	n, isNumber := parseNumber(fields[1])
	if !ok || !isNumber || !within(int64(n), 1, 1<<32-1) {
		return 0, p, false
	}
	heartbeat, rest := nextFigure(fields[2:])
	rto, rest := nextFigure(rest)
	limit, rest := nextFigure(rest)
	p = SCTPPath{Addr: addr, Heartbeat: heartbeat > 0, RTO: fromJiffies(rto, hz), MaxRetransmits: limit}
	if len(rest) >= 3 {
		state, _ := nextFigure(rest[2:])
		p.Told, p.Active = state >= 0, state == 1 || state == 2
	}
	return uint32(n), p, true
}

func parseSCTPAddr(b []byte) (addr netip.Addr, primary, ok bool) {
	b, primary = bytes.CutPrefix(b, []byte("*"))
	addr, err := netip.ParseAddr(string(b))
	return addr.Unmap().WithZone(""), primary, err == nil
}

// nextFigure takes the first of fields as a number of at most 32 bits, else Unknown.
func nextFigure(fields [][]byte) (int64, [][]byte) {
	if len(fields) == 0 {
		return Unknown, nil
	}
	n, ok := parseNumber(fields[0])
	if !ok || !within(int64(n), 0, 1<<32-1) {
		return Unknown, fields[1:]
	}
	return int64(n), fields[1:]
}

func within(n, from, to int64) bool { return n >= from && n <= to }

// fromJiffies returns milliseconds, of a number of at most 32 bits.
func fromJiffies(n, hz int64) int64 {
	if n < 0 {
		return n
	}
	return n * 1000 / hz
}

// sctpTracker remembers when associations and their addresses were first seen.
type sctpTracker struct {
	mu    sync.Mutex
	begun bool
	last  []SCTPAssociation
}

// follow fills in the times of list, ascending by ID, as read at that time. What is in the first list was there before.
func (t *sctpTracker) follow(list []SCTPAssociation, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun {
		at, t.begun = time.Time{}, true
	}
	old := t.last
	for i := range list {
		a := &list[i]
		for len(old) > 0 && old[0].ID < a.ID {
			old = old[1:]
		}
		var before SCTPAssociation
		if len(old) > 0 && old[0].ID == a.ID && old[0].LocalPort == a.LocalPort && old[0].RemotePort == a.RemotePort {
			before = old[0]
		} else {
			before.Created = at
		}
		a.continueFrom(&before, at)
	}
	t.last = list
}

// continueFrom takes over the times of the same association as it was seen before.
func (a *SCTPAssociation) continueFrom(before *SCTPAssociation, at time.Time) {
	a.Created, a.Established = before.Created, before.Established
	if a.State >= SCTPEstablished && before.State < SCTPEstablished {
		a.Established = at
	}
	for i := range a.Local {
		a.Local[i].Created = at
		for _, b := range before.Local {
			if b.Addr == a.Local[i].Addr {
				a.Local[i].Created = b.Created
			}
		}
	}
	for i := range a.Remote {
		a.Remote[i].Created = at
		for _, b := range before.Remote {
			if b.Addr == a.Remote[i].Addr {
				a.Remote[i].Created = b.Created
			}
		}
	}
}
