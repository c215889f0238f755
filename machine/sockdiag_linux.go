package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// linux/inet_diag.h, linux/sock_diag.h
const (
	sizeofInetDiagReq    = 56 // struct inet_diag_req_v2
	sizeofInetDiagReqOld = 60 // struct inet_diag_req
	sizeofInetDiagMsg    = 72 // struct inet_diag_msg
	inetDiagSKV6Only     = 11 // INET_DIAG_SKV6ONLY
	tcpDiagGetSock       = 18 // TCPDIAG_GETSOCK

	// tcpStatesAsked are TCPEstablished to TCPNewSynRecv, a bit each: not the sockets that are only bound, which no table shows, and
	// which newer kernels look for in yet another table.
	tcpStatesAsked = 1<<(TCPNewSynRecv+1) - 1<<TCPEstablished
)

// parseInetSocket reads the body of a SOCK_DIAG_BY_FAMILY answer (sock_diag(7), struct inet_diag_msg).
func parseInetSocket(b []byte) (inetSocket, error) {
	if len(b) < sizeofInetDiagMsg {
		return inetSocket{}, fmt.Errorf("%w: socket of %d octets", errMalformed, len(b))
	}
	s := inetSocket{
		state: b[1],
		link:  binary.NativeEndian.Uint32(b[40:]),
		inode: binary.NativeEndian.Uint32(b[68:]),
	}
	var local, remote netip.Addr
	switch b[0] {
	case unix.AF_INET:
		local, remote = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[24:28]))
	case unix.AF_INET6:
		local, remote = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		for a := (attributes{rest: b[sizeofInetDiagMsg:]}); a.next(); {
			if a.kind == inetDiagSKV6Only {
				s.v6Only = a.u8() != 0
			}
		}
	default:
		return inetSocket{}, fmt.Errorf("%w: socket of family %d", errMalformed, b[0])
	}
	s.local = netip.AddrPortFrom(local, binary.BigEndian.Uint16(b[4:]))
	s.remote = netip.AddrPortFrom(remote, binary.BigEndian.Uint16(b[6:]))
	return s, nil
}

// dumpTCP returns the TCP sockets of both families, and dumpUDP the bound UDP ones. hint is the number that is expected.
func dumpTCP(c *netlinkConn, hint int) ([]TCPSocket, error) {
	// The request of before there was sock_diag is the only one for both families at once. To walk the kernel's table, which is
	// large even when it is empty, twice would double the cost on a quiet machine.
	body := make([]byte, sizeofInetDiagReqOld)
	binary.NativeEndian.PutUint32(body[52:], tcpStatesAsked)
	out, err := appendSockets(make([]TCPSocket, 0, hint), c, tcpDiagGetSock, body, inetSocket.tcp)
	var refused *netlinkError
	if errors.As(err, &refused) {
		return dumpFamilies(c, unix.IPPROTO_TCP, inetSocket.tcp, hint)
	}
	return out, err
}

func dumpUDP(c *netlinkConn, hint int) ([]UDPSocket, error) {
	return dumpFamilies(c, unix.IPPROTO_UDP, inetSocket.udp, hint)
}

// dumpFamilies asks for each family by itself.
func dumpFamilies[T any](c *netlinkConn, protocol uint8, convert func(inetSocket) T, hint int) ([]T, error) {
	out := make([]T, 0, hint)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		body := make([]byte, sizeofInetDiagReq)
		body[0], body[1] = family, protocol
		binary.NativeEndian.PutUint32(body[4:], tcpStatesAsked)
		var err error
		if out, err = appendSockets(out, c, unix.SOCK_DIAG_BY_FAMILY, body, convert); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendSockets makes one dump.
func appendSockets[T any](out []T, c *netlinkConn, request uint16, body []byte, convert func(inetSocket) T) ([]T, error) {
	begin := len(out)
	err := c.dump(request, body, func() { out = out[:begin] }, func(kind uint16, b []byte) error {
		if kind != request {
			return nil
		}
		s, err := parseInetSocket(b)
		if err != nil {
			return err
		}
		out = append(out, convert(s))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
