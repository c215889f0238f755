package session

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// control makes the kernel tell which datagrams were refused by ICMP (ip(7), IP_RECVERR): to a socket that is not connected it says
// nothing else.
func control(network, _ string, c syscall.RawConn) error {
	var err error
	controlErr := c.Control(func(fd uintptr) {
		if network == "udp6" {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		}
	})
	return errors.Join(controlErr, err)
}

// refusalsAtOnce bounds what is read of the error queue before an answer's turn comes.
const refusalsAtOnce = 64

// refusals reads what the socket's error queue says, and tells the requests that it is about. false says that there was nothing.
func (k *socket) refusals() (any bool) {
	u, ok := k.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // its error is that of a closed socket, which the next read meets too
		var data [64]byte
		var oob [256]byte
		for range refusalsAtOnce {
			_, n, _, from, err := unix.Recvmsg(int(fd), data[:], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			any = true
			if to := addrPort(from); to.IsValid() {
				k.refused(to, errnoOf(oob[:n]))
			}
		}
	})
	return any
}

// refused tells the requests to remote that the network refused one.
func (k *socket) refused(remote netip.AddrPort, why syscall.Errno) {
	if !isRefusal(why) {
		return // too large for the path: the kernel cuts the next one in parts
	}
	text := "nobody listens at"
	if why != unix.ECONNREFUSED {
		text = why.Error() + ":"
	}
	k.failFrom(remote, fmt.Errorf("%w: %s %v", ErrUnreachable, text, remote))
}

// errnoOf returns the error that a control message of IP_RECVERR or IPV6_RECVERR carries: the first field of sock_extended_err.
func errnoOf(oob []byte) syscall.Errno {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range list {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if (v4 || v6) && len(m.Data) >= 4 {
			return syscall.Errno(uint32(m.Data[0]) | uint32(m.Data[1])<<8 | uint32(m.Data[2])<<16 | uint32(m.Data[3])<<24)
		}
	}
	return 0
}

func addrPort(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(zoned(netip.AddrFrom16(a.Addr), a.ZoneId), uint16(a.Port))
	}
	return netip.AddrPort{}
}
