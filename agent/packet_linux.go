package agent

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"walkabout/internal/blocking"
)

// blockingConn reads and writes a UDP socket without the runtime's poller. There is one reader at a time (lead), so that it costs one
// thread to have it wait in the kernel, and each request is spared the attempt to read that finds nothing, the wait for an event, and the
// way through the scheduler: a third of what a request costs otherwise.
type blockingConn struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool
	calls  sync.Pool // of *packetCall
}

// packetCall is what one recvmsg or sendmsg (socket(7)) needs, with the functions that do it: a RawConn takes functions, and to make one
// for each datagram would be an allocation.
type packetCall struct {
	name          unix.RawSockaddrInet6 // or an Inet4 at its start
	iov           unix.Iovec
	msg           unix.Msghdr
	n             int
	errno         syscall.Errno
	receive, send func(fd uintptr) bool
}

// newPacketConn takes conn over.
func newPacketConn(conn *net.UDPConn) (packetConn, error) {
	file, raw, err := blocking.Take(conn)
	if err != nil {
		return nil, err
	}
	c := &blockingConn{file: file, raw: raw}
	c.calls.New = func() any { return newPacketCall() }
	return c, nil
}

func newPacketCall() *packetCall {
	p := &packetCall{}
	p.msg.Name = (*byte)(unsafe.Pointer(&p.name))
	p.msg.Iov = &p.iov
	p.msg.SetIovlen(1)
	p.receive = func(fd uintptr) bool {
		for {
			n, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&p.msg)), 0)
			if p.n, p.errno = int(n), errno; errno != unix.EINTR {
				return true
			}
		}
	}
	// What is sent without waiting needs no word to the scheduler. A socket whose buffer is full is waited for as others are.
	p.send = func(fd uintptr) bool {
		_, _, p.errno = unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&p.msg)), unix.MSG_DONTWAIT)
		for p.errno == unix.EAGAIN || p.errno == unix.EINTR {
			_, _, p.errno = unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&p.msg)), 0)
		}
		return true
	}
	return p
}

// set gives p what to read into or to write.
func (p *packetCall) set(b, oob []byte) {
	p.iov.Base = unsafe.SliceData(b)
	p.iov.SetLen(len(b))
	p.msg.Control = unsafe.SliceData(oob)
	p.msg.SetControllen(len(oob))
}

func (c *blockingConn) put(p *packetCall) {
	p.set(nil, nil)
	c.calls.Put(p)
}

func (c *blockingConn) read(b, oob []byte) (n, oobn int, from netip.AddrPort, err error) {
	p := c.calls.Get().(*packetCall)
	defer c.put(p)
	p.set(b, oob)
	p.msg.Namelen = unix.SizeofSockaddrInet6
	err = c.raw.Read(p.receive)
	switch {
	case c.closed.Load():
		return 0, 0, from, net.ErrClosed
	case err != nil:
		return 0, 0, from, err
	case p.errno != 0:
		return 0, 0, from, os.NewSyscallError("recvmsg", p.errno)
	}
	return p.n, int(p.msg.Controllen), p.addrPort(), nil
}

func (c *blockingConn) write(b, oob []byte, to netip.AddrPort) error {
	p := c.calls.Get().(*packetCall)
	defer c.put(p)
	p.set(b, oob)
	p.setAddrPort(to)
	switch err := c.raw.Write(p.send); {
	case c.closed.Load():
		return net.ErrClosed
	case err != nil:
		return err
	case p.errno != 0:
		return os.NewSyscallError("sendmsg", p.errno)
	}
	return nil
}

// close wakes who waits in read first: the descriptor is not closed before they are through.
func (c *blockingConn) close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // ENOTCONN, and they wake nevertheless
	return errors.Join(err, c.file.Close())
}

// memInfo is the array that SO_MEMINFO fills, and memInfoDrops the place of SK_MEMINFO_DROPS in it (include/uapi/linux/sock_diag.h).
type memInfo [9]uint32

const memInfoDrops = 8

// dropped returns how many datagrams the kernel threw away that were for the socket: there was no room, or the checksum was wrong.
// Asking for it is cheaper than SO_RXQ_OVFL, which would come with every datagram.
func (c *blockingConn) dropped() (uint32, bool) {
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	var errno syscall.Errno
	err := c.raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return info[memInfoDrops], err == nil && errno == 0 && size > memInfoDrops*4
}

// The right NET_ADMIN goes beyond net.core.rmem_max and wmem_max.
func (c *blockingConn) setReadBuffer(n int) (int, error) {
	return c.setBuffer(n, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
}

func (c *blockingConn) setWriteBuffer(n int) (int, error) {
	return c.setBuffer(n, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
}

func (c *blockingConn) setBuffer(n, force, option int) (got int, err error) {
	var set error
	err = c.raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, n) != nil {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, n)
		}
		if set == nil {
			got, set = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option)
		}
	})
	if err != nil {
		return 0, err
	}
	return got / 2, os.NewSyscallError("setsockopt", set) // the kernel doubles what is asked, for its own bookkeeping (socket(7))
}

// addrPort returns the address that the kernel has set.
func (p *packetCall) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&p.name.Port))[:])
	if p.name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	a := netip.AddrFrom16(p.name.Addr)
	if p.name.Scope_id != 0 {
		a = a.WithZone(strconv.FormatUint(uint64(p.name.Scope_id), 10))
	}
	return netip.AddrPortFrom(a, port)
}

// setAddrPort sets the address to send to, which addrPort returned.
func (p *packetCall) setAddrPort(to netip.AddrPort) {
	p.name = unix.RawSockaddrInet6{}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&p.name.Port))[:], to.Port())
	if to.Addr().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.name))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().As4()
		p.msg.Namelen = unix.SizeofSockaddrInet4
		return
	}
	p.name.Family, p.name.Addr = unix.AF_INET6, to.Addr().As16()
	if zone := to.Addr().Zone(); zone != "" {
		scope, _ := strconv.ParseUint(zone, 10, 32) // ours
		p.name.Scope_id = uint32(scope)
	}
	p.msg.Namelen = unix.SizeofSockaddrInet6
}
