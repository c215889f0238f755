package machine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// errNoNews means a well-formed link message that does not describe a link as it stands.
var errNoNews = errors.New("no description of a link")

// parseLink reads the body of an RTM_NEWLINK or RTM_DELLINK (rtnetlink(7), struct ifinfomsg). errNoNews is returned for messages of
// another family, by which a bridge tells of its ports and IPv6 of its settings (an RTM_DELLINK among them deletes no link), and for
// wireless events, which describe only themselves.
func parseLink(b []byte) (Link, error) {
	if len(b) < unix.SizeofIfInfomsg {
		return Link{}, fmt.Errorf("%w: link of %d octets", errMalformed, len(b))
	}
	if b[0] != unix.AF_UNSPEC {
		return Link{}, errNoNews
	}
	l := Link{
		Type:  HardwareType(binary.NativeEndian.Uint16(b[2:])),
		Index: binary.NativeEndian.Uint32(b[4:]),
		Flags: LinkFlags(binary.NativeEndian.Uint32(b[8:])),
	}
	if int32(l.Index) <= 0 {
		return Link{}, fmt.Errorf("%w: link index %d", errMalformed, int32(l.Index))
	}
	for a := (attributes{rest: b[unix.SizeofIfInfomsg:]}); a.next(); {
		switch a.kind {
		case unix.IFLA_WIRELESS:
			return Link{}, errNoNews
		case unix.IFLA_IFNAME:
			l.Name = a.text()
		case unix.IFLA_IFALIAS:
			l.Alias = a.text()
		case unix.IFLA_LINKINFO:
			l.Kind = parseLinkKind(a.value)
		case unix.IFLA_OPERSTATE:
			l.OperState = OperState(a.u8())
		case unix.IFLA_MTU:
			l.MTU = a.u32()
		case unix.IFLA_PROMISCUITY:
			l.Promiscuity = a.u32()
		case unix.IFLA_ADDRESS:
			l.Address = string(a.value)
		case unix.IFLA_BROADCAST:
			l.Broadcast = string(a.value)
		case unix.IFLA_PERM_ADDRESS:
			l.PermAddress = string(a.value)
		case unix.IFLA_LINK:
			l.Lower = a.u32()
		case unix.IFLA_LINK_NETNSID:
			l.LowerElsewhere = true
		case unix.IFLA_MASTER:
			l.Master = a.u32()
		case unix.IFLA_PARENT_DEV_NAME:
			l.Connector = Present
		}
	}
	// An IPv4 tunnel without a lower link says that its lower link is itself.
	if l.Lower == l.Index && !l.LowerElsewhere {
		l.Lower = 0
	}
	return l, nil
}

func parseLinkKind(b []byte) string {
	for a := (attributes{rest: b}); a.next(); {
		if a.kind == unix.IFLA_INFO_KIND {
			return a.text()
		}
	}
	return ""
}

// sizeofIfStatsMsg is that of struct if_stats_msg (linux/if_link.h).
const sizeofIfStatsMsg = 12

// parseLinkStats reads the body of an RTM_NEWSTATS (linux/if_link.h, struct if_stats_msg) into a zero row.
func parseLinkStats(b []byte, c *LinkCounters) error {
	if len(b) < sizeofIfStatsMsg {
		return fmt.Errorf("%w: statistics of %d octets", errMalformed, len(b))
	}
	c.Index = binary.NativeEndian.Uint32(b[4:])
	for a := (attributes{rest: b[sizeofIfStatsMsg:]}); a.next(); {
		if a.kind == unix.IFLA_STATS_LINK_64 {
			c.setStats64(a.value)
		}
	}
	return nil
}

// parseLinkStats64 reads the counters in the body of an RTM_NEWLINK, for kernels without RTM_GETSTATS.
func parseLinkStats64(b []byte, c *LinkCounters) error {
	if len(b) < unix.SizeofIfInfomsg {
		return fmt.Errorf("%w: link of %d octets", errMalformed, len(b))
	}
	c.Index = binary.NativeEndian.Uint32(b[4:])
	for a := (attributes{rest: b[unix.SizeofIfInfomsg:]}); a.next(); {
		if a.kind == unix.IFLA_STATS64 {
			c.setStats64(a.value)
		}
	}
	return nil
}

// setStats64 reads a struct rtnl_link_stats64, which newer kernels made longer.
func (c *LinkCounters) setStats64(b []byte) {
	n := min(len(b)/8, int(linkStatCount))
	for i := range n {
		c.values[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	c.known = 1<<n - 1
}

// linkRequest is the body of an RTM_GETLINK that leaves counters (if told to) and virtual functions out of the answer.
func linkRequest(counters bool) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	if counters {
		return b
	}
	const rtextFilterSkipStats = 1 << 3
	b = binary.NativeEndian.AppendUint16(b, unix.SizeofNlAttr+4)
	b = binary.NativeEndian.AppendUint16(b, unix.IFLA_EXT_MASK)
	return binary.NativeEndian.AppendUint32(b, rtextFilterSkipStats)
}

// statsRequest is the body of an RTM_GETSTATS for the 64-bit counters of every link.
func statsRequest() []byte {
	b := make([]byte, sizeofIfStatsMsg)
	binary.NativeEndian.PutUint32(b[8:], 1<<(unix.IFLA_STATS_LINK_64-1))
	return b
}

// dumpLinks reads the structure of all links.
func dumpLinks(c *netlinkConn) ([]Link, error) {
	var links []Link
	err := c.dump(unix.RTM_GETLINK, linkRequest(false), func() { links = links[:0] }, func(kind uint16, b []byte) error {
		if kind != unix.RTM_NEWLINK {
			return nil
		}
		l, err := parseLink(b)
		if errors.Is(err, errNoNews) {
			return nil
		}
		if err != nil {
			return err
		}
		links = append(links, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return links, nil
}

// dumpCounters reads the counters of all links by RTM_GETSTATS, or by RTM_GETLINK, which costs seven times as much. hint is the
// number of links that are expected.
func dumpCounters(c *netlinkConn, byLink bool, hint int) (*LinkCounterTable, error) {
	request, body, answer, parse := uint16(unix.RTM_GETSTATS), statsRequest(), uint16(unix.RTM_NEWSTATS), parseLinkStats
	if byLink {
		request, body, answer, parse = unix.RTM_GETLINK, linkRequest(true), unix.RTM_NEWLINK, parseLinkStats64
	}
	t := &LinkCounterTable{List: make([]LinkCounters, 0, hint+1)}
	begin := func() {
		clear(t.List)
		t.List = t.List[:0]
	}
	err := c.dump(request, body, begin, func(kind uint16, b []byte) error {
		if kind != answer {
			return nil
		}
		n := len(t.List)
		t.List = slices.Grow(t.List, 1)[:n+1]
		return parse(b, &t.List[n])
	})
	if err != nil {
		return nil, err
	}
	// Older kernels answer in the order of a hash table.
	ascending := true
	for i := 1; i < len(t.List); i++ {
		ascending = ascending && t.List[i-1].Index < t.List[i].Index
	}
	if !ascending {
		slices.SortFunc(t.List, func(a, b LinkCounters) int { return cmp.Compare(a.Index, b.Index) })
		t.List = slices.CompactFunc(t.List, func(a, b LinkCounters) bool { return a.Index == b.Index })
	}
	return t, nil
}
