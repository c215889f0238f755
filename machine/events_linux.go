package machine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// eventBuffer is asked for as the event socket's receive buffer: some 500 links may change before we look.
	eventBuffer = 2 << 20
	// eventBatch bounds how many datagrams are taken in before what they say is published.
	eventBatch = 512
	// eventRetry is how long to wait after the event socket failed, before another is opened.
	eventRetry = time.Second
)

// watcher keeps a linkSet true to the kernel: it takes in RTNLGRP_LINK events, and reads everything anew when some were lost. All its
// methods belong to one goroutine.
type watcher struct {
	set    *linkSet
	faults *faults
	now    func() time.Time
	dump   func() ([]Link, error)          // reads all links
	probe  func(old, l *Link)              // fills in what link messages do not tell; old is what stood there, or nil
	events func() (eventSocket, error)     // opens a socket that hears events from then on
	retry  func(ctx context.Context) error // waits before a socket is opened again; an error ends the watch
}

// eventSocket hears link events.
type eventSocket interface {
	// receive waits for datagrams and calls f for each, in order, with memory that is only lent. unix.ENOBUFS means that some
	// were lost; after any other error the socket is of no use.
	receive(f func(b []byte)) error
	Close() error
}

// resync reads all links and publishes what changed.
func (w *watcher) resync() error {
	links, err := w.dump()
	if err != nil {
		return err
	}
	for i := range links {
		w.probe(w.set.find(links[i].Index), &links[i])
	}
	w.set.replace(links, w.now())
	return nil
}

// run watches until ctx ends, which must close s too. s was open before the set was last made.
func (w *watcher) run(ctx context.Context, s eventSocket) {
	for {
		err := w.listen(s)
		s.Close()
		if ctx.Err() != nil {
			return
		}
		_ = w.faults.note(PartEvents, err)
		for {
			if w.retry(ctx) != nil {
				return
			}
			if s, err = w.events(); err == nil {
				if err = w.resync(); err == nil {
					break
				}
				s.Close()
			}
			_ = w.faults.note(PartEvents, err)
		}
		_ = w.faults.note(PartEvents, nil)
	}
}

// listen takes in events until the socket fails.
func (w *watcher) listen(s eventSocket) error {
	var changes []linkChange
	for {
		changes = changes[:0]
		var malformed error
		err := s.receive(func(b []byte) {
			var bad error
			if changes, bad = appendLinkChanges(changes, b); bad != nil {
				malformed = bad
			}
		})
		w.publish(changes)
		switch {
		case errors.Is(err, unix.ENOBUFS), err == nil && malformed != nil:
			if err := w.resync(); err != nil {
				return fmt.Errorf("after lost events: %w", err)
			}
		case err != nil:
			return err
		}
	}
}

// publish completes the changes and gives them to the set.
func (w *watcher) publish(changes []linkChange) {
	if len(changes) == 0 {
		return
	}
	masters := make(map[uint32]bool)
	latest := make(map[uint32]*Link)
	for i := range changes {
		c := &changes[i]
		old, seen := latest[c.link.Index]
		if !seen {
			old = w.set.find(c.link.Index)
		}
		if old != nil && old.Master != 0 {
			masters[old.Master] = true
		}
		if c.gone {
			latest[c.link.Index] = nil
			continue
		}
		w.probe(old, &c.link)
		latest[c.link.Index] = &c.link
		if c.link.Master != 0 {
			masters[c.link.Master] = true
		}
	}
	w.set.apply(changes, w.now())
	w.publishMasters(masters)
}

// publishMasters asks again for the speed of bridges and bonds whose ports changed; no event tells of it.
func (w *watcher) publishMasters(indexes map[uint32]bool) {
	var changes []linkChange
	for index := range indexes {
		if master := w.set.find(index); master != nil {
			again := *master
			w.probe(nil, &again)
			changes = append(changes, linkChange{link: again})
		}
	}
	if len(changes) > 0 {
		w.set.apply(changes, w.now())
	}
}

// appendLinkChanges appends what the messages in a datagram tell. What stands before a malformed message is good.
func appendLinkChanges(changes []linkChange, b []byte) ([]linkChange, error) {
	err := eachMessage(b, func(h netlink.Header, body []byte) error {
		if h.Type != unix.RTM_NEWLINK && h.Type != unix.RTM_DELLINK {
			return nil
		}
		l, err := parseLink(body)
		if errors.Is(err, errNoNews) {
			return nil
		}
		if err != nil {
			return err
		}
		changes = append(changes, linkChange{link: l, gone: h.Type == unix.RTM_DELLINK})
		return nil
	})
	return changes, err
}

// linkEvents is the kernel's eventSocket.
type linkEvents struct {
	conn *netlink.Conn
	raw  syscall.RawConn
	buf  []byte
}

func openLinkEvents() (*linkEvents, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: 1 << (unix.RTNLGRP_LINK - 1)})
	if err != nil {
		return nil, fmt.Errorf("listen to link events: %w", err)
	}
	// Without the privilege to exceed net.core.rmem_max the buffer is smaller, and more storms end in a resync.
	_ = conn.SetReadBuffer(eventBuffer)
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen to link events: %w", err)
	}
	return &linkEvents{conn: conn, raw: raw, buf: make([]byte, netlinkBuffer)}, nil
}

// receive takes in one datagram, for which it waits, and those that came with it.
func (e *linkEvents) receive(f func(b []byte)) error {
	n, err := receive(e.raw, e.buf)
	for batch := 1; err == nil; batch++ {
		f(e.buf[:n])
		if batch == eventBatch {
			break
		}
		n, err = e.poll()
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
	}
	return err
}

// receive waits for the next datagram and returns its length.
func receive(raw syscall.RawConn, b []byte) (n int, err error) {
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		n, rerr = unix.Read(int(fd), b)
		return rerr != unix.EAGAIN && rerr != unix.EINTR
	})
	if err == nil {
		err = os.NewSyscallError("read", rerr)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// poll reads a datagram if one is there; else the error is unix.EAGAIN.
func (e *linkEvents) poll() (n int, err error) {
	var rerr error
	err = e.raw.Read(func(fd uintptr) bool {
		n, rerr = unix.Read(int(fd), e.buf)
		return true
	})
	if err != nil {
		return 0, err
	}
	if rerr != nil {
		return 0, os.NewSyscallError("read", rerr)
	}
	return n, nil
}

// ask has the kernel tell of a link as if it had changed, after the events of all that changed before. Some changes are no events, such
// as that of the alias of a link that is down.
func (e *linkEvents) ask(index uint32) error {
	b := linkHeader(index)
	header := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(b)))
	header = binary.NativeEndian.AppendUint16(header, unix.RTM_GETLINK)
	header = binary.NativeEndian.AppendUint16(header, unix.NLM_F_REQUEST)
	header = append(header, make([]byte, 8)...) // sequence and port are of no use here
	var werr error
	err := e.raw.Write(func(fd uintptr) bool {
		_, werr = unix.Write(int(fd), append(header, b...))
		return werr != unix.EAGAIN && werr != unix.EINTR
	})
	return errors.Join(err, os.NewSyscallError("write", werr))
}

func (e *linkEvents) Close() error { return e.conn.Close() }
