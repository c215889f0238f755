package machine

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// changeBuffer is asked for as the receive buffer of changes: what does not fit is as good as what does.
	changeBuffer = 16 << 10
	// maxKept bounds how long a list is kept, for kernels (gVisor's) that tell of no change.
	maxKept = 5 * time.Second
	// costlyList is how long a list may take to read for changes to show at once; else it stays for share times as long.
	costlyList = 50 * time.Millisecond
	// maxRoutes bounds how many next hops of the routes of one version of IP are read: some 100 MB with the tables made of them.
	maxRoutes = 1 << 18
)

// changes tells whether what groups are of may have changed since it was last asked. It hears of changes, and does not look before somebody asks: a
// router in convergence costs us nothing.
type changes struct {
	groups []int // RTNLGRP_*

	mu     sync.Mutex
	closed bool
	open   bool
	fd     int
	count  uint64
}

// routeGroups are what changes addresses and routes: the kernel drops routes over a link that goes down, and those of an address that goes, without a
// word of them. neighbourGroups are what changes neighbours: each of their states is told, and links that go are.
var routeGroups = []int{
	unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_NEXTHOP,
}

// configGroups are what changes how IP runs on links, but for the timers of neighbour discovery. Where IPv6 is switched off or on, its addresses go or come.
var configGroups = []int{
	unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF, unix.RTNLGRP_IPV6_IFINFO, unix.RTNLGRP_IPV6_IFADDR,
}

var neighbourGroups = []int{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH}

// generation returns a number that is another one after each change. False is that it cannot be told.
func (c *changes) generation() (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		if c.closed || c.listen() != nil {
			return 0, false
		}
		c.count++
	}
	var b [unix.SizeofNlMsghdr]byte // what is beyond it is dropped with it
	for changed := false; ; changed = true {
		_, err := unix.Read(c.fd, b[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			if changed {
				c.count++
			}
			return c.count, true
		case err == nil, errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR):
		default:
			c.open = false
			_ = unix.Close(c.fd)
			return 0, false
		}
	}
}

func (c *changes) listen() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	for _, group := range c.groups {
		joined := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group)
		if joined != nil && group != unix.RTNLGRP_NEXTHOP { // which kernels before 5.3 do not have
			err = errors.Join(err, os.NewSyscallError("setsockopt", joined))
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, changeBuffer)
	c.open, c.fd = true, fd
	return nil
}

// Close ends it; it then tells nothing.
func (c *changes) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.open {
		c.open = false
		_ = unix.Close(c.fd)
	}
}

// kept is a list that is read again only after a change. The zero value is ready.
type kept[T comparable] struct {
	mu         sync.Mutex
	list       []T
	at         time.Time
	generation uint64    // of list; 0 if there is none
	until      time.Time // when a costly list may be read again
}

// of returns the list as it is now, which dump reads. Who asks meanwhile waits for the same.
func (k *kept[T]) of(c *changes, at time.Time, dump func() ([]T, error)) ([]T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	generation, ok := c.generation()
	if age := at.Sub(k.at).Abs(); ok && generation == k.generation && age < maxKept {
		return k.list, nil
	}
	begin := time.Now()
	if begin.Before(k.until) {
		return k.list, nil
	}
	k.generation, k.until = 0, time.Time{}
	list, err := dump()
	if err != nil || !ok {
		return list, err
	}
	if slices.Equal(list, k.list) { // then all that was made of it is still good
		list = k.list
	}
	k.list, k.at, k.generation = list, at, generation
	if end := time.Now(); end.Sub(begin) > costlyList {
		k.until = end.Add(min(share*end.Sub(begin), maxAge))
	}
	return list, nil
}

// leftOut counts what was left out of lists that were longer than allowed: each time more than before.
type leftOut struct {
	mu    sync.Mutex
	now   [2]int // of IPv4 and IPv6
	total uint64
}

func (l *leftOut) note(version, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += uint64(max(n-l.now[version], 0))
	l.now[version] = n
}

func (l *leftOut) count() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}
