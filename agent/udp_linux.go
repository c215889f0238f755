package agent

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// newControl asks the kernel for IP_PKTINFO (ip(7)) or IPV6_PKTINFO (RFC 3542 section 6).
func newControl(conn *net.UDPConn, network string) (control, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	level, option, c := unix.IPPROTO_IP, unix.IP_PKTINFO, control(pktinfo4{})
	if network == "udp6" {
		level, option, c = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, pktinfo6{}
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), level, option, 1) }); err != nil {
		return nil, err
	}
	return c, set
}

// pktinfo4 speaks struct in_pktinfo: interface, the address to send from, the address that was sent to.
type pktinfo4 struct{}

func (pktinfo4) parse(oob []byte) (netip.Addr, int) {
	data := ancillary(oob, unix.IPPROTO_IP, unix.IP_PKTINFO)
	if len(data) < unix.SizeofInet4Pktinfo {
		return netip.Addr{}, 0
	}
	return netip.AddrFrom4([4]byte(data[4:8])), 0
}

// The interface stays 0: the answer takes the route that the kernel would choose, not the one the request came by.
func (pktinfo4) append(oob []byte, local netip.Addr, _ int) []byte {
	if !local.Is4() {
		return oob
	}
	oob = appendHeader(oob, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
	a := local.As4()
	oob = append(oob, 0, 0, 0, 0)
	oob = append(oob, a[:]...)
	return append(oob, 0, 0, 0, 0)
}

// pktinfo6 speaks struct in6_pktinfo: address, interface.
type pktinfo6 struct{}

func (pktinfo6) parse(oob []byte) (netip.Addr, int) {
	data := ancillary(oob, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO)
	if len(data) < unix.SizeofInet6Pktinfo {
		return netip.Addr{}, 0
	}
	local := netip.AddrFrom16([16]byte(data[:16]))
	if !local.IsLinkLocalUnicast() && !local.IsMulticast() {
		return local, 0
	}
	return local, int(binary.NativeEndian.Uint32(data[16:20]))
}

func (pktinfo6) append(oob []byte, local netip.Addr, zone int) []byte {
	if !local.Is6() || local.IsMulticast() {
		return oob
	}
	oob = appendHeader(oob, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	a := local.As16()
	oob = append(oob, a[:]...)
	oob = binary.NativeEndian.AppendUint32(oob, uint32(zone))
	return append(oob, make([]byte, unix.CmsgSpace(unix.SizeofInet6Pktinfo)-unix.CmsgLen(unix.SizeofInet6Pktinfo))...)
}

// ancillary returns the content of the control message of the given level and type, nil if there is none.
func ancillary(oob []byte, level, kind int32) []byte {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return nil
		}
		if h.Level == level && h.Type == kind {
			return data
		}
		oob = rest
	}
	return nil
}

// appendHeader appends a struct cmsghdr for n octets of content.
func appendHeader(oob []byte, level, kind int32, n int) []byte {
	if unix.SizeofPtr == 8 {
		oob = binary.NativeEndian.AppendUint64(oob, uint64(unix.CmsgLen(n)))
	} else {
		oob = binary.NativeEndian.AppendUint32(oob, uint32(unix.CmsgLen(n)))
	}
	oob = binary.NativeEndian.AppendUint32(oob, uint32(level))
	return binary.NativeEndian.AppendUint32(oob, uint32(kind))
}
