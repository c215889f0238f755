package machine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Attributes and fields that golang.org/x/sys does not name (linux/neighbour.h, linux/ipv6.h).
const (
	rtmNewNeighTbl   = 64
	sizeofNdtMsg     = 4
	ndtaParms        = 6
	ndtpaIfIndex     = 1
	ndtpaRetransTime = 5

	devconfForwarding  = 0
	devconfDisableIPv6 = 26
)

// parseIPv4Link reads the body of an RTM_NEWNEIGHTBL (struct ndtmsg). errNoNews is returned for what is of a whole table and of no link.
func parseIPv4Link(b []byte) (IPv4Link, error) {
	if len(b) < sizeofNdtMsg {
		return IPv4Link{}, fmt.Errorf("%w: neighbour table of %d octets", errMalformed, len(b))
	}
	var l IPv4Link
	for a := (attributes{rest: b[sizeofNdtMsg:]}); a.next(); {
		if a.kind != ndtaParms {
			continue
		}
		for p := (attributes{rest: a.value}); p.next(); {
			switch p.kind {
			case ndtpaIfIndex:
				l.Link = p.u32()
			case ndtpaRetransTime:
				if len(p.value) >= 8 {
					l.RetransTime = uint32(min(binary.NativeEndian.Uint64(p.value), 1<<32-1))
				}
			}
		}
	}
	if int32(l.Link) <= 0 {
		return IPv4Link{}, errNoNews
	}
	return l, nil
}

// parseIPv6Link reads the body of an RTM_NEWLINK of AF_INET6 (rtnetlink(7), struct ifinfomsg).
func parseIPv6Link(b []byte, k kernelClock) (IPv6Link, error) {
	if len(b) < unix.SizeofIfInfomsg {
		return IPv6Link{}, fmt.Errorf("%w: link of %d octets", errMalformed, len(b))
	}
	l := IPv6Link{Link: binary.NativeEndian.Uint32(b[4:])}
	if int32(l.Link) <= 0 {
		return IPv6Link{}, fmt.Errorf("%w: link of index %d", errMalformed, int32(l.Link))
	}
	for a := (attributes{rest: b[unix.SizeofIfInfomsg:]}); a.next(); {
		if a.kind != unix.IFLA_PROTINFO {
			continue
		}
		for p := (attributes{rest: a.value}); p.next(); {
			l.setProtocol(&p, k)
		}
	}
	return l, nil
}

func (l *IPv6Link) setProtocol(p *attributes, k kernelClock) {
	field := func(i int) uint32 {
		if len(p.value) < 4*(i+1) {
			return 0
		}
		return binary.NativeEndian.Uint32(p.value[4*i:])
	}
	switch p.kind {
	case unix.IFLA_INET6_CONF:
		l.Forwarding, l.Disabled = field(devconfForwarding) != 0, field(devconfDisableIPv6) != 0
	case unix.IFLA_INET6_CACHEINFO: // struct ifla_cacheinfo
		l.MaxReassembly, l.ReachableTime, l.RetransTime = field(0), field(2), field(3)
		l.Changed = k.at(field(1))
	}
}

func dumpIPv4Links(c *netlinkConn) ([]IPv4Link, error) {
	return dumpLinksOf(c, unix.RTM_GETNEIGHTBL, rtmNewNeighTbl, unix.AF_INET, make([]byte, sizeofNdtMsg), parseIPv4Link,
		func(l IPv4Link) uint32 { return l.Link })
}

func dumpIPv6Links(c *netlinkConn, k kernelClock) ([]IPv6Link, error) {
	return dumpLinksOf(c, unix.RTM_GETLINK, unix.RTM_NEWLINK, unix.AF_INET6, make([]byte, unix.SizeofIfInfomsg),
		func(b []byte) (IPv6Link, error) { return parseIPv6Link(b, k) }, func(l IPv6Link) uint32 { return l.Link })
}

// dumpLinksOf asks for what a family has of links, and returns it ascending by link.
func dumpLinksOf[T any](c *netlinkConn, get, answer uint16, family uint8, body []byte, parse func([]byte) (T, error), link func(T) uint32) ([]T, error) {
	body[0] = family
	var out []T
	err := c.dump(get, body, func() { out = out[:0] }, func(kind uint16, b []byte) error {
		if kind != answer || !isOf(b, family) {
			return nil
		}
		l, err := parse(b)
		if errors.Is(err, errNoNews) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b T) int { return cmp.Compare(link(a), link(b)) })
	return out, nil
}
