//go:build interop

package machine_test

import (
	"encoding/binary"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var record = flag.Bool("record", false, "write testdata/netlink anew from this kernel")

// TestRecord asks this kernel for what the offline tests parse, from a namespace of known contents. Recording is by hand:
//
//	go test -tags interop -run '^TestRecord$' ./machine -record
func TestRecord(t *testing.T) {
	save := func(name string, b []byte) {
		if len(b) == 0 {
			t.Errorf("%s: the kernel said nothing", name)
		}
		if *record {
			if err := os.WriteFile(filepath.Join("testdata/netlink", name+".bin"), b, 0o644); err != nil {
				t.Error(err)
			}
		}
	}

	events := rawNetlink(t, unix.NETLINK_ROUTE, 1<<(unix.RTNLGRP_LINK-1))
	batch(t, `link add index 101 name br0 address 02:00:00:00:01:01 type bridge
link add index 102 name veth0 address 02:00:00:00:01:02 type veth peer name veth1 index 103 address 02:00:00:00:01:03
link set veth0 alias "uplink to <core> ü"
link set veth0 master br0
link add index 104 name mac0 link veth1 address 02:00:00:00:01:04 type macvlan
link set br0 up
link set veth0 up
link set veth1 up
addr add 192.0.2.1/24 brd + dev veth1
addr add 198.51.100.1 peer 198.51.100.2/32 dev veth1
addr add 2001:db8::1/64 dev veth1 nodad
addr add 2001:db8::2/64 dev veth1 nodad valid_lft 7200 preferred_lft 0
route add default via 192.0.2.254
route add default via 192.0.2.253 metric 100
route add 203.0.113.0/24 nexthop via 192.0.2.7 nexthop via 192.0.2.8 weight 3
route add 203.0.113.0/25 dev veth1 src 192.0.2.1 proto bgp metric 20
route add blackhole 10.0.0.0/8
route add unreachable 10.1.0.0/16 proto static
route add 172.16.0.0/12 via inet6 2001:db8::9 dev veth1
route add 172.20.0.0/14 dev veth1 table 100
neigh add 192.0.2.20 lladdr 02:00:00:00:02:20 nud permanent dev veth1
neigh add 192.0.2.21 lladdr 02:00:00:00:02:21 nud reachable dev veth1
neigh add 192.0.2.22 lladdr 02:00:00:00:02:22 nud stale dev veth1
neigh add 192.0.2.23 nud failed dev veth1
neigh add 192.0.2.24 lladdr 02:00:00:00:02:24 nud noarp dev veth1
route add default via 2001:db8::fe dev veth1 pref high proto ra
route add 2001:db8:1::/48 nexthop via 2001:db8::7 dev veth1 nexthop via 2001:db8::8 dev veth1
route add unreachable 2001:db8:2::/48
neigh add 2001:db8::20 lladdr 02:00:00:00:02:20 nud permanent dev veth1
neigh add 2001:db8::21 lladdr 02:00:00:00:02:21 nud stale dev veth1
link set veth0 nomaster
link set veth0 master br0
`)
	t.Cleanup(func() { // routes that lead nowhere outlive links
		batch(t, "link del br0\nlink del veth0\nroute del blackhole 10.0.0.0/8\nroute del unreachable 10.1.0.0/16\nroute del unreachable 2001:db8:2::/48\n")
	})

	route := rawNetlink(t, unix.NETLINK_ROUTE, 0)
	stats := make([]byte, 12)
	binary.NativeEndian.PutUint32(stats[8:], 1)
	save("links", route.dump(unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg)))
	save("stats", route.dump(unix.RTM_GETSTATS, stats))
	save("addresses", route.dump(unix.RTM_GETADDR, append([]byte{unix.AF_INET}, make([]byte, unix.SizeofIfAddrmsg-1)...)))
	save("routes", route.dump(unix.RTM_GETROUTE, append([]byte{unix.AF_INET}, make([]byte, unix.SizeofRtMsg-1)...)))
	save("neighbours", route.dump(unix.RTM_GETNEIGH, append([]byte{unix.AF_INET}, make([]byte, unix.SizeofNdMsg-1)...)))
	save("addresses6", route.dump(unix.RTM_GETADDR, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofIfAddrmsg-1)...)))
	save("routes6", route.dump(unix.RTM_GETROUTE, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofRtMsg-1)...)))
	save("neighbours6", route.dump(unix.RTM_GETNEIGH, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofNdMsg-1)...)))
	save("links4", route.dump(unix.RTM_GETNEIGHTBL, []byte{unix.AF_INET, 0, 0, 0}))
	save("links6", route.dump(unix.RTM_GETLINK, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofIfInfomsg-1)...)))
	batch(t, "link set veth0 name renamed0\nlink set renamed0 down\nlink del mac0\nlink set renamed0 name veth0\nlink set veth0 up\n")
	save("events", events.drain())

	openSockets(t)
	diag := rawNetlink(t, unix.NETLINK_SOCK_DIAG, 0)
	old := make([]byte, 60)
	binary.NativeEndian.PutUint32(old[52:], 0x1FFE)
	save("tcp", diag.dump(18, old))
	for name, family := range map[string]byte{"udp4": unix.AF_INET, "udp6": unix.AF_INET6} {
		request := make([]byte, 56)
		request[0], request[1] = family, unix.IPPROTO_UDP
		binary.NativeEndian.PutUint32(request[4:], 0x1FFE)
		save(name, diag.dump(unix.SOCK_DIAG_BY_FAMILY, request))
	}
}

// openSockets opens sockets of every form that matters, on ports from 20001.
func openSockets(t testing.TB) {
	t.Helper()
	closeLater := func(c interface{ Close() error }, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	closeLater(net.Listen("tcp4", "127.0.0.1:20001"))
	closeLater(net.Listen("tcp6", "[::1]:20002"))
	closeLater(net.Listen("tcp", ":20003"))
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 20004}}
	closeLater(dialer.Dial("tcp4", "127.0.0.1:20003")) // the listener's end is v4-mapped
	closeLater(net.ListenPacket("udp4", "127.0.0.1:20005"))
	closeLater(net.ListenPacket("udp6", "[::1]:20006"))
	udp := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 20007}}
	closeLater(udp.Dial("udp4", "127.0.0.1:20005"))
}

// netlinkSocket records what the kernel says, octet by octet.
type netlinkSocket struct {
	t  testing.TB
	fd int
}

func rawNetlink(t testing.TB, family int, groups uint32) netlinkSocket {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		t.Fatal(err)
	}
	limit := unix.NsecToTimeval(int64(5 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	return netlinkSocket{t, fd}
}

// dump returns the datagrams of the answer, one after the other, with 0 as the process id.
func (s netlinkSocket) dump(request uint16, body []byte) []byte {
	s.t.Helper()
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, request)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = binary.NativeEndian.AppendUint32(b, 1)
	b = binary.NativeEndian.AppendUint32(b, 0)
	if _, err := unix.Write(s.fd, append(b, body...)); err != nil {
		s.t.Fatal(err)
	}
	var all []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(s.fd, buf)
		if err != nil {
			s.t.Fatal(err)
		}
		begin := len(all)
		all = append(all, buf[:n]...)
		for rest := all[begin:]; len(rest) > 0; rest = rest[(binary.NativeEndian.Uint32(rest)+3)&^3:] {
			binary.NativeEndian.PutUint32(rest[12:], 0)
			switch binary.NativeEndian.Uint16(rest[4:]) {
			case unix.NLMSG_DONE:
				return all
			case unix.NLMSG_ERROR:
				s.t.Fatalf("dump %d: %v", request, unix.Errno(-int32(binary.NativeEndian.Uint32(rest[16:]))))
			}
		}
	}
}

// drain returns the datagrams that are waiting.
func (s netlinkSocket) drain() []byte {
	s.t.Helper()
	var all []byte
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return all
		}
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, buf[:n]...)
	}
}
