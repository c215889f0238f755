package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// netlinkTimeout bounds one exchange with the kernel, which answers at once unless something is badly wrong.
	netlinkTimeout = 3 * time.Second
	// netlinkBuffer holds any message of the kernel: it fills at most 32 KiB of a dump at a time.
	netlinkBuffer = 64 << 10
	// dumpAttempts is how often a dump is begun again because the table changed under it.
	dumpAttempts = 3
)

// errMalformed is wrapped by every error about the form of a netlink message.
var errMalformed = errors.New("malformed netlink message")

// netlinkConn asks one family of netlink and reads the answers without copying them. It connects when it is first used, and again after
// an error, so that no late answer is ever taken for another question's.
type netlinkConn struct {
	dial func() (fd int, err error) // opens a socket whose reads and writes block, for netlinkTimeout at most

	mu        sync.Mutex
	closed    bool
	connected bool
	fd        int // if connected
	seq       uint32
	out       []byte
	in        []byte
}

// dialNetlink returns what connects to a family, such as unix.NETLINK_ROUTE, in the network namespace of the caller. The kernel writes
// its answer while it is asked, so that reading hardly ever waits; a socket of the runtime's poller would wake a thread for each answer,
// which costs a third of the whole exchange.
func dialNetlink(family int) func() (int, error) {
	return func() (int, error) {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
		if err != nil {
			return 0, os.NewSyscallError("socket", err)
		}
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err = errors.Join(os.NewSyscallError("bind", err), limitWaits(fd)); err != nil {
			_ = unix.Close(fd)
			return 0, err
		}
		// Without it kernels ignore the filters of a dump, and answer more than was asked; both are handled.
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
		return fd, nil
	}
}

// limitWaits makes reads and writes end with unix.EAGAIN after netlinkTimeout.
func limitWaits(fd int) error {
	timeout := unix.NsecToTimeval(netlinkTimeout.Nanoseconds())
	return os.NewSyscallError("setsockopt", errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout)))
}

// dump asks for a table and calls each for every message of the answer. begin is called before the first, and again if the dump has
// to start over. Neither may keep the body, or use this connection. Calls wait for each other.
func (c *netlinkConn) dump(request uint16, body []byte, begin func(), each func(kind uint16, body []byte) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for attempt := 1; ; attempt++ {
		begin()
		whole, err := c.exchange(request, unix.NLM_F_DUMP, body, each)
		if err != nil {
			return err
		}
		// A table that never stands still, such as a full routing table during convergence, is taken as it was seen.
		if whole || attempt == dumpAttempts {
			return nil
		}
	}
}

// do sends a request that is no dump and returns when the kernel has acknowledged it. each is called as by dump; nil if no message is
// expected. Calls wait for each other.
func (c *netlinkConn) do(request uint16, body []byte, each func(kind uint16, body []byte) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if each == nil {
		each = func(uint16, []byte) error { return nil }
	}
	_, err := c.exchange(request, unix.NLM_F_ACK, body, each)
	return err
}

// netlinkError is the kernel's refusal of a request.
type netlinkError struct{ errno syscall.Errno }

func (e *netlinkError) Error() string { return "netlink: " + e.errno.Error() }
func (e *netlinkError) Unwrap() error { return e.errno }

// exchange sends one request and reads all of its answer. After any error but the kernel's refusal the connection is given up.
func (c *netlinkConn) exchange(request, flags uint16, body []byte, each func(kind uint16, body []byte) error) (whole bool, err error) {
	defer func() {
		var refused *netlinkError
		if err != nil && !errors.As(err, &refused) {
			c.disconnect()
		}
	}()
	if err := c.connect(); err != nil {
		return false, err
	}
	if err := c.send(request, flags, body); err != nil {
		return false, err
	}
	whole = true
	for {
		b, err := c.receive()
		if err != nil {
			return false, err
		}
		done := false
		err = eachMessage(b, func(h netlink.Header, body []byte) error {
			if h.Sequence != c.seq || done {
				return nil
			}
			if h.Flags&netlink.DumpInterrupted != 0 {
				whole = false
			}
			switch h.Type {
			case netlink.Done:
				done = true
				if len(body) < 4 {
					return nil
				}
				return refusal(body)
			case netlink.Error:
				done = true
				return refusal(body)
			case netlink.Noop:
				return nil
			}
			return each(uint16(h.Type), body)
		})
		if err != nil {
			return false, err
		}
		if done {
			return whole, nil
		}
	}
}

// refusal returns the error number that body starts with, negated, as an error; nil if it is 0.
func refusal(body []byte) error {
	if len(body) < 4 {
		return fmt.Errorf("%w: error of %d octets", errMalformed, len(body))
	}
	if code := int32(binary.NativeEndian.Uint32(body)); code < 0 {
		return &netlinkError{syscall.Errno(-code)}
	}
	return nil
}

func (c *netlinkConn) connect() error {
	if c.closed {
		return os.ErrClosed
	}
	if c.connected {
		return nil
	}
	var err error
	if c.fd, err = c.dial(); err != nil {
		return err
	}
	c.connected = true
	if c.in == nil {
		c.in = make([]byte, netlinkBuffer)
	}
	return nil
}

func (c *netlinkConn) disconnect() {
	if c.connected {
		c.connected = false
		_ = unix.Close(c.fd)
	}
}

// send writes one request. A netlink socket that is not connected writes to the kernel.
func (c *netlinkConn) send(request, flags uint16, body []byte) error {
	c.seq++
	length := unix.SizeofNlMsghdr + len(body)
	b := binary.NativeEndian.AppendUint32(c.out[:0], uint32(length))
	b = binary.NativeEndian.AppendUint16(b, request)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = binary.NativeEndian.AppendUint32(b, c.seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, body...)
	c.out = b
	_, err := blocking("write", unix.Write, c.fd, b)
	return err
}

func (c *netlinkConn) receive() ([]byte, error) {
	n, err := blocking("read", unix.Read, c.fd, c.in)
	return c.in[:n], err
}

// blocking reads or writes a datagram of a socket that limitWaits was called for.
func blocking(name string, call func(fd int, b []byte) (int, error), fd int, b []byte) (n int, err error) {
	for {
		n, err = call(fd, b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EAGAIN):
			return 0, fmt.Errorf("%s: %w", name, os.ErrDeadlineExceeded)
		case !errors.Is(err, unix.EINTR):
			return 0, os.NewSyscallError(name, err)
		}
	}
}

// Close waits for a dump under way; every later one ends with os.ErrClosed.
func (c *netlinkConn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.disconnect()
}

// eachMessage calls f for every message in a datagram.
func eachMessage(b []byte, f func(h netlink.Header, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlMsghdr {
			return fmt.Errorf("%w: header of %d octets", errMalformed, len(b))
		}
		h := netlink.Header{
			Length:   binary.NativeEndian.Uint32(b),
			Type:     netlink.HeaderType(binary.NativeEndian.Uint16(b[4:])),
			Flags:    netlink.HeaderFlags(binary.NativeEndian.Uint16(b[6:])),
			Sequence: binary.NativeEndian.Uint32(b[8:]),
			PID:      binary.NativeEndian.Uint32(b[12:]),
		}
		if h.Length < unix.SizeofNlMsghdr || uint64(h.Length) > uint64(len(b)) {
			return fmt.Errorf("%w: length %d of %d octets", errMalformed, h.Length, len(b))
		}
		if err := f(h, b[unix.SizeofNlMsghdr:h.Length]); err != nil {
			return err
		}
		b = b[min(align(int(h.Length)), len(b)):]
	}
	return nil
}

// align rounds up to the 4 octets that messages and attributes are aligned to.
func align(n int) int { return (n + 3) &^ 3 }

// attributes walks the attributes in rest:
//
//	for a := (attributes{rest: b}); a.next(); {
//		use(a.kind, a.value)
//	}
//
// It ends at one that is malformed, since what follows cannot be found; what was read until then is good.
type attributes struct {
	rest  []byte
	kind  uint16
	value []byte
}

func (a *attributes) next() bool {
	if len(a.rest) < unix.SizeofNlAttr {
		return false
	}
	length := int(binary.NativeEndian.Uint16(a.rest))
	if length < unix.SizeofNlAttr || length > len(a.rest) {
		return false
	}
	// The two upper bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
	a.kind = binary.NativeEndian.Uint16(a.rest[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
	a.value = a.rest[unix.SizeofNlAttr:length]
	a.rest = a.rest[min(align(length), len(a.rest)):]
	return true
}

// u32 returns the value as an unsigned number; 0 if it has not its 4 octets.
func (a *attributes) u32() uint32 {
	if len(a.value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(a.value)
}

// u8 is u32 for one octet.
func (a *attributes) u8() uint8 {
	if len(a.value) < 1 {
		return 0
	}
	return a.value[0]
}

// text returns the value up to its terminating NUL.
func (a *attributes) text() string {
	for i, c := range a.value {
		if c == 0 {
			return string(a.value[:i])
		}
	}
	return string(a.value)
}
