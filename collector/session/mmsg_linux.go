package session

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"walkabout/internal/blocking"
	"walkabout/snmp"
)

const (
	// batch is how many datagrams one call to the system moves at the most.
	batch = 32
	// gather is how long a busy reader lets datagrams come together before it reads on. It costs a poll a tenth of a second, and saves most of the
	// waking up, which is dearer than all that is done with an answer. The kernel tells when they came, so that no round trip is longer for it.
	// The runtime waits in whole milliseconds: eight would be seven and, as some of the eighth is left then, one more.
	gather = 8*time.Millisecond + 60*time.Microsecond
	// busy is how many datagrams make a reader busy if they come within busyTime. A person's walk, or a few targets, do not. stayBusy is how many keep it
	// so: more than the 25 that one target alone answers then, Depth in each gather, so that a large table of it is not read slowly for nothing.
	busy     = 50
	stayBusy = 30
	busyTime = 100 * time.Millisecond
)

// batchConn reads and writes a UDP socket without the runtime's poller, several datagrams with one recvmmsg(2) or sendmmsg(2). It is the
// reader's thread that waits in the kernel; it is woken once for all that came meanwhile, and not for each.
type batchConn struct {
	file   *os.File // blocking
	raw    syscall.RawConn
	closed atomic.Bool
	in     *messages
	stamps [batch]stamp // of in
	out    *messages    // what is to be sent when all of in has been handled

	since time.Time // when handled was 0
	busy  bool      // it was so before
}

// messages are the arguments of recvmmsg and sendmmsg.
type messages struct {
	headers [batch]mmsghdr
	vectors [batch]unix.Iovec
	names   [batch]unix.RawSockaddrInet6 // or an Inet4 at its start
	data    []byte
	n       int // that wait, or that were handled
}

// stamp is the control message with the time at which the kernel got a datagram (socket(7), SO_TIMESTAMPNS).
type stamp struct {
	header unix.Cmsghdr
	at     unix.Timespec
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	message unix.Msghdr
	octets  uint32
}

// inBatches takes conn over.
func inBatches(conn *net.UDPConn) (PacketConn, error) {
	file, raw, err := blocking.Take(conn)
	if err != nil {
		return nil, err
	}
	_ = raw.Control(func(fd uintptr) { // without it datagrams come when they are read
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	c := &batchConn{file: file, raw: raw, in: &messages{}, out: &messages{}}
	c.in.data = make([]byte, batch*room)
	for i := range c.in.headers {
		c.in.set(i, c.in.data[i*room:(i+1)*room])
	}
	return c, nil
}

// room is for the largest message and one octet more.
const room = snmp.MaxMessageSize + 1

// set makes the i-th message one of b.
func (m *messages) set(i int, b []byte) {
	m.vectors[i].Base = unsafe.SliceData(b)
	m.vectors[i].SetLen(len(b))
	h := &m.headers[i].message
	h.Iov = &m.vectors[i]
	h.SetIovlen(1)
	h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
}

// SyscallConn returns the descriptor for other use.
func (c *batchConn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// ReadBatch implements batches.
func (c *batchConn) ReadBatch(take func(b []byte, from netip.AddrPort, at arrival, w sender)) error {
	for i := range c.in.headers {
		h := &c.in.headers[i].message
		h.Namelen = unix.SizeofSockaddrInet6
		h.Control = (*byte)(unsafe.Pointer(&c.stamps[i]))
		h.SetControllen(int(unsafe.Sizeof(c.stamps[i])))
	}
	var n uintptr
	var errno syscall.Errno
	if c.busy { // to have the timer wait costs the runtime less than to have a thread do so
		time.Sleep(gather)
	}
	err := c.raw.Read(func(fd uintptr) bool {
		n, _, errno = unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&c.in.headers)), batch, unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EAGAIN && !c.busy {
			n, _, errno = unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&c.in.headers)), batch, unix.MSG_WAITFORONE, 0, 0)
		}
		return true
	})
	switch {
	case c.closed.Load():
		return net.ErrClosed
	case err != nil:
		return err
	case errno == unix.EINTR, errno == unix.EAGAIN:
		n = 0
	case errno != 0:
		return os.NewSyscallError("recvmmsg", errno)
	}
	now := time.Now()
	for i := range int(n) {
		take(c.in.data[i*room:][:c.in.headers[i].octets], c.in.addrPort(i), arrival{c.came(i, now), now}, (*outgoing)(c))
	}
	(*outgoing)(c).flush()
	c.in.n += int(n)
	if now.Sub(c.since) >= busyTime {
		c.busy, c.in.n, c.since = isBusy(c.busy, c.in.n, now.Sub(c.since)), 0, now
	}
	return nil
}

// isBusy reports whether a reader is busy that was so before or not, and to which n datagrams came within passed.
func isBusy(was bool, n int, passed time.Duration) bool {
	enough := busy
	if was {
		enough = stayBusy
	}
	return time.Duration(n)*busyTime >= time.Duration(enough)*passed
}

// came returns when the kernel got the i-th datagram. It tells by the clock of the day, which may have been set since: what is not near to now, when it
// was read, is not believed.
func (c *batchConn) came(i int, now time.Time) time.Time {
	s := &c.stamps[i]
	if int(c.in.headers[i].message.Controllen) < unix.CmsgLen(int(unsafe.Sizeof(s.at))) || s.header.Level != unix.SOL_SOCKET || s.header.Type != unix.SCM_TIMESTAMPNS {
		return now
	}
	if waited := now.Sub(time.Unix(s.at.Unix())); waited > 0 && waited < 2*gather {
		return now.Add(-waited)
	}
	return now
}

// outgoing is the sender of what a batch makes the reader send.
type outgoing batchConn

// WriteToUDPAddrPort implements sender. What the system says of the datagram is lost, as the datagram then is: it is sent again when its time is
// over.
func (o *outgoing) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	m := o.out
	if m.n == batch {
		o.flush()
	}
	start := len(m.data)
	m.data = append(m.data, b...) // what has moved to other memory stays where it was for those before
	m.set(m.n, m.data[start:])
	m.setAddrPort(m.n, to)
	m.n++
	return len(b), nil
}

func (o *outgoing) flush() {
	m := o.out
	for at := 0; at < m.n; {
		var sent uintptr
		var errno syscall.Errno
		err := o.raw.Write(func(fd uintptr) bool {
			sent, _, errno = unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m.headers[at])), uintptr(m.n-at), unix.MSG_DONTWAIT, 0, 0)
			if errno == unix.EAGAIN { // its buffer is full
				sent, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m.headers[at])), uintptr(m.n-at), 0, 0, 0)
			}
			return true
		})
		switch {
		case err != nil:
			at = m.n // closed
		case errno == unix.EINTR, isRefusal(errno): // which tells of another datagram; this one was not sent yet
		case errno != 0:
			at++
		default:
			at += int(sent)
		}
	}
	m.n, m.data = 0, m.data[:0]
}

// ReadFromUDPAddrPort implements PacketConn; the reader of a socket uses ReadBatch.
func (c *batchConn) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	return 0, netip.AddrPort{}, errors.ErrUnsupported
}

// WriteToUDPAddrPort implements PacketConn.
func (c *batchConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	var one messages1
	one.vector.Base = unsafe.SliceData(b)
	one.vector.SetLen(len(b))
	one.header.Iov = &one.vector
	one.header.SetIovlen(1)
	one.header.Name = (*byte)(unsafe.Pointer(&one.name))
	one.header.Namelen = setAddrPort(&one.name, to)
	var errno syscall.Errno
	err := c.raw.Write(func(fd uintptr) bool {
		for {
			_, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&one.header)), unix.MSG_DONTWAIT)
			if errno == unix.EAGAIN {
				_, _, errno = unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&one.header)), 0)
			}
			if errno != unix.EINTR {
				return true
			}
		}
	})
	switch {
	case c.closed.Load():
		return 0, net.ErrClosed
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, os.NewSyscallError("sendmsg", errno)
	}
	return len(b), nil
}

// messages1 is the argument of sendmsg.
type messages1 struct {
	header unix.Msghdr
	vector unix.Iovec
	name   unix.RawSockaddrInet6
}

// Close wakes the reader first: the descriptor is not closed before it is through.
func (c *batchConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // ENOTCONN, and it wakes nevertheless
	return errors.Join(err, c.file.Close())
}

// addrPort returns where the i-th message came from.
func (m *messages) addrPort(i int) netip.AddrPort {
	name := &m.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), port)
	}
	return netip.AddrPortFrom(zoned(netip.AddrFrom16(name.Addr), name.Scope_id), port)
}

func (m *messages) setAddrPort(i int, to netip.AddrPort) {
	m.headers[i].message.Namelen = setAddrPort(&m.names[i], to)
}

// setAddrPort sets name, and returns its length.
func setAddrPort(name *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	*name = unix.RawSockaddrInet6{}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
	if to.Addr().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	name.Family, name.Addr = unix.AF_INET6, to.Addr().As16()
	if zone := to.Addr().Zone(); zone != "" {
		if i, err := net.InterfaceByName(zone); err == nil {
			name.Scope_id = uint32(i.Index)
		}
	}
	return unix.SizeofSockaddrInet6
}

// zoned returns a in the zone of an interface, which is 0 for none.
func zoned(a netip.Addr, index uint32) netip.Addr {
	a = a.Unmap()
	if index == 0 {
		return a
	}
	i, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return a
	}
	return a.WithZone(i.Name)
}
