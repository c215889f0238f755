package machine

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// linux/inet_diag.h, linux/sock_diag.h
const (
	sizeofInetDiagReq = 56 // struct inet_diag_req_v2
	sizeofInetDiagMsg = 72 // struct inet_diag_msg
	inetDiagSKV6Only  = 11 // INET_DIAG_SKV6ONLY
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

// dumpSockets returns the sockets of a protocol (unix.IPPROTO_TCP or UDP), in every state and of both families. hint is the number
// that is expected.
func dumpSockets[T any](c *netlinkConn, protocol uint8, convert func(inetSocket) T, hint int) ([]T, error) {
	out := make([]T, 0, hint)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		body := make([]byte, sizeofInetDiagReq)
		body[0], body[1] = family, protocol
		binary.NativeEndian.PutUint32(body[4:], 0xFFFFFFFF) // all states
		begin := len(out)
		err := c.dump(unix.SOCK_DIAG_BY_FAMILY, body, func() { out = out[:begin] }, func(kind uint16, b []byte) error {
			if kind != unix.SOCK_DIAG_BY_FAMILY {
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
	}
	return out, nil
}
