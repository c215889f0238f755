package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The files of testdata/netlink are answers of a kernel (see TestRecord).

// clock is that of the kernel which was recorded.
var clock = kernelClock{boot: time.Unix(0, 0).UTC(), now: time.Unix(100_000, 0).UTC()}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/netlink", name+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kernel plays the kernel's end of netlink connections: answer returns the datagrams that it says to a request, with any sequence
// number, which kernel corrects unless told to keep them.
type kernel struct {
	answer   func(request []byte) [][]byte
	keepSeqs bool
}

// conn returns a netlinkConn to k.
func (k kernel) conn(t testing.TB) *netlinkConn {
	var running sync.WaitGroup
	c := &netlinkConn{dial: func() (int, error) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return 0, err
		}
		running.Go(func() { k.serve(os.NewFile(uintptr(fds[1]), "kernel")) })
		return fds[0], limitWaits(fds[0])
	}}
	t.Cleanup(func() {
		c.Close()
		running.Wait()
	})
	return c
}

func (k kernel) serve(f *os.File) {
	defer f.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if err != nil || n < unix.SizeofNlMsghdr {
			return
		}
		for _, datagram := range k.answer(buf[:n]) {
			datagram = bytes.Clone(datagram)
			for rest := datagram; !k.keepSeqs && len(rest) >= unix.SizeofNlMsghdr; {
				copy(rest[8:12], buf[8:12])
				length := int(binary.NativeEndian.Uint32(rest))
				rest = rest[min(max(align(length), unix.SizeofNlMsghdr), len(rest)):]
			}
			if _, err := f.Write(datagram); err != nil {
				return
			}
		}
	}
}

// says returns a kernel that always gives the same answer.
func says(datagrams ...[]byte) kernel {
	return kernel{answer: func([]byte) [][]byte { return datagrams }}
}

// message makes a netlink message.
func message(kind, flags uint16, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = append(b, make([]byte, 8)...)
	return append(b, body...)
}

// code makes the body of a message that carries an error number.
func code(errno syscall.Errno) []byte {
	return binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
}

func TestDumps(t *testing.T) {
	tests := []struct {
		name string
		dump func(c *netlinkConn) (string, error)
	}{
		{"links", func(c *netlinkConn) (string, error) {
			x, err := dumpLinks(c)
			for i := range x {
				x[i].Address, x[i].Broadcast = net.HardwareAddr(x[i].Address).String(), net.HardwareAddr(x[i].Broadcast).String()
			}
			return list(x), err
		}},
		{"stats", func(c *netlinkConn) (string, error) {
			x, err := dumpCounters(c, false, 0)
			if err != nil {
				return "", err
			}
			return list(x.List), nil
		}},
		{"addresses", func(c *netlinkConn) (string, error) {
			x, err := dumpAddresses(c, unix.AF_INET, clock)
			return list(x), err
		}},
		{"routes", func(c *netlinkConn) (string, error) {
			x, _, err := dumpRoutes(c, unix.AF_INET, clock, maxRoutes)
			return list(x), err
		}},
		{"neighbours", func(c *netlinkConn) (string, error) {
			x, err := dumpNeighbours(c, unix.AF_INET, clock)
			for i := range x {
				x[i].Address = net.HardwareAddr(x[i].Address).String()
			}
			return list(x), err
		}},
		{"addresses6", func(c *netlinkConn) (string, error) {
			x, err := dumpAddresses(c, unix.AF_INET6, clock)
			return list(x), err
		}},
		{"routes6", func(c *netlinkConn) (string, error) {
			x, _, err := dumpRoutes(c, unix.AF_INET6, clock, maxRoutes)
			return list(x), err
		}},
		{"neighbours6", func(c *netlinkConn) (string, error) {
			x, err := dumpNeighbours(c, unix.AF_INET6, clock)
			for i := range x {
				x[i].Address = net.HardwareAddr(x[i].Address).String()
			}
			return list(x), err
		}},
		{"links4", func(c *netlinkConn) (string, error) {
			x, err := dumpIPv4Links(c)
			return list(x), err
		}},
		{"links6", func(c *netlinkConn) (string, error) {
			x, err := dumpIPv6Links(c, clock)
			return list(x), err
		}},
		{"tcp", func(c *netlinkConn) (string, error) {
			x, err := dumpTCP(c, 0)
			return list(x), err
		}},
		{"udp4", func(c *netlinkConn) (string, error) {
			x, err := dumpUDP(c, 0)
			return list(x), err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answers := [][]byte{recorded(t, test.name)}
			if test.name == "udp4" {
				answers = append(answers, recorded(t, "udp6"))
			}
			var asked atomic.Int32
			k := kernel{answer: func([]byte) [][]byte {
				i := int(asked.Add(1)-1) % len(answers)
				return answers[i : i+1]
			}}
			got, err := test.dump(k.conn(t))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "netlink/"+test.name+".golden", got)
		})
	}
}

// Each message is cut at every octet, its length adjusted, so that the cut is in what it holds: what is left is either understood or
// refused.
func TestTruncatedMessages(t *testing.T) {
	var counters LinkCounters
	parsers := map[string]func(b []byte) error{
		"links":      func(b []byte) error { return errOf(parseLink(b)) },
		"stats":      func(b []byte) error { return parseLinkStats(b, &counters) },
		"addresses":  func(b []byte) error { return errOf(parseAddress(b, clock)) },
		"routes":     func(b []byte) error { return errOf(appendRoutes(nil, b, clock)) },
		"neighbours": func(b []byte) error { return errOf(parseNeighbour(b, clock)) },
		"links4":     func(b []byte) error { return errOf(parseIPv4Link(b)) },
		"links6":     func(b []byte) error { return errOf(parseIPv6Link(b, clock)) },
		"tcp":        func(b []byte) error { return errOf(parseInetSocket(b)) },
		"udp6":       func(b []byte) error { return errOf(parseInetSocket(b)) },
	}
	for name, parse := range parsers {
		understood := 0
		err := eachMessage(recorded(t, name), func(h netlink.Header, body []byte) error {
			if h.Type == netlink.Done {
				return nil
			}
			for n := range len(body) {
				switch err := parse(body[:n]); {
				case err == nil:
					understood++
				case !errors.Is(err, errMalformed) && !errors.Is(err, errNoNews):
					t.Errorf("%s: %d of %d octets: %v", name, n, len(body), err)
				}
			}
			switch err := parse(body); {
			case err == nil:
				understood++
			case !errors.Is(err, errNoNews):
				t.Errorf("%s: %v", name, err)
			}
			return nil
		})
		if err != nil || understood == 0 {
			t.Errorf("%s: %d understood, %v", name, understood, err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// A datagram that ends within a message is refused, wherever that is.
func TestTruncatedDatagrams(t *testing.T) {
	for _, name := range []string{"links", "stats", "addresses", "routes", "neighbours", "tcp", "udp6", "events"} {
		whole := recorded(t, name)
		begins := map[int]bool{}
		for n := 0; n < len(whole); n += align(int(binary.NativeEndian.Uint32(whole[n:]))) {
			begins[n] = true
		}
		for n := range whole[:min(len(whole), 10_000)] {
			err := eachMessage(whole[:n], func(netlink.Header, []byte) error { return nil })
			if begins[n] != (err == nil) || err != nil && !errors.Is(err, errMalformed) {
				t.Errorf("%s cut at %d: error %v", name, n, err)
			}
		}
	}
}

func TestDumpExchange(t *testing.T) {
	one := recorded(t, "addresses")
	done := message(unix.NLMSG_DONE, unix.NLM_F_MULTI, make([]byte, 4))
	interrupted := bytes.Clone(one)
	binary.NativeEndian.PutUint16(interrupted[6:], unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR)
	tests := []struct {
		name     string
		answer   [][]byte
		requests int // how often it is asked
		want     int // addresses
		err      error
	}{
		{"whole", [][]byte{one}, 1, 3, nil},
		{"done without a code", [][]byte{message(unix.NLMSG_DONE, unix.NLM_F_MULTI, nil)}, 1, 0, nil},
		{"noop first", [][]byte{message(unix.NLMSG_NOOP, 0, nil), one}, 1, 3, nil},
		{"another kind of message", [][]byte{message(unix.RTM_NEWROUTE, 0, nil), done}, 1, 0, nil},
		{"never still", [][]byte{interrupted}, dumpAttempts, 3, nil},
		{"refused", [][]byte{message(unix.NLMSG_ERROR, 0, code(unix.EPERM))}, 1, 0, unix.EPERM},
		{"refused at the end", [][]byte{message(unix.NLMSG_DONE, unix.NLM_F_MULTI, code(unix.EOPNOTSUPP))}, 1, 0, unix.EOPNOTSUPP},
		{"error without a code", [][]byte{message(unix.NLMSG_ERROR, 0, nil)}, 1, 0, errMalformed},
		{"length below a header", [][]byte{{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, 1, 0, errMalformed},
		{"half a header", [][]byte{{16, 0, 0, 0, 0}}, 1, 0, errMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked atomic.Int32
			c := kernel{answer: func([]byte) [][]byte { asked.Add(1); return test.answer }}.conn(t)
			got, err := dumpAddresses(c, unix.AF_INET, clock)
			if n := int(asked.Load()); !errors.Is(err, test.err) || len(got) != test.want || n != test.requests {
				t.Errorf("%d addresses, %d requests, error %v; want %d, %d, %v", len(got), n, err, test.want, test.requests, test.err)
			}
		})
	}
}

// A late answer to another request is not taken for the answer to this one.
func TestDumpSequence(t *testing.T) {
	old := recorded(t, "addresses")
	k := kernel{keepSeqs: true, answer: func(request []byte) [][]byte {
		current := message(unix.NLMSG_DONE, unix.NLM_F_MULTI, make([]byte, 4))
		copy(current[8:12], request[8:12])
		stale := bytes.Clone(old)
		for rest := stale; len(rest) > 0; rest = rest[align(int(binary.NativeEndian.Uint32(rest))):] {
			binary.NativeEndian.PutUint32(rest[8:], binary.NativeEndian.Uint32(request[8:])-1)
		}
		return [][]byte{stale, current}
	}}
	got, err := dumpAddresses(k.conn(t), unix.AF_INET, clock)
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v; want nothing", got, err)
	}
}

// After an answer that cannot be understood the next request has a new connection.
func TestDumpReconnects(t *testing.T) {
	var good atomic.Bool
	k := kernel{answer: func([]byte) [][]byte {
		if !good.Load() {
			return [][]byte{{1, 2, 3}}
		}
		return [][]byte{recorded(t, "addresses")}
	}}
	c := k.conn(t)
	if _, err := dumpAddresses(c, unix.AF_INET, clock); !errors.Is(err, errMalformed) {
		t.Fatalf("error %v", err)
	}
	good.Store(true)
	if got, err := dumpAddresses(c, unix.AF_INET, clock); err != nil || len(got) != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	c.Close()
	if _, err := dumpAddresses(c, unix.AF_INET, clock); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: error %v", err)
	}
}

// Kernels without the older request for TCP sockets are asked by family.
func TestDumpTCPByFamily(t *testing.T) {
	asked := make(chan uint16, 3)
	k := kernel{answer: func(request []byte) [][]byte {
		kind := binary.NativeEndian.Uint16(request[4:])
		asked <- kind
		if kind == tcpDiagGetSock {
			return [][]byte{message(unix.NLMSG_ERROR, 0, code(unix.EINVAL))}
		}
		if request[unix.SizeofNlMsghdr] == unix.AF_INET6 {
			return [][]byte{message(unix.NLMSG_DONE, unix.NLM_F_MULTI, make([]byte, 4))}
		}
		answer := bytes.Clone(recorded(t, "tcp"))
		for rest := answer; len(rest) > 0; rest = rest[align(int(binary.NativeEndian.Uint32(rest))):] {
			if binary.NativeEndian.Uint16(rest[4:]) == tcpDiagGetSock {
				binary.NativeEndian.PutUint16(rest[4:], unix.SOCK_DIAG_BY_FAMILY)
			}
		}
		return [][]byte{answer}
	}}
	got, err := dumpTCP(k.conn(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "netlink/tcp.golden", list(got))
	for _, want := range []uint16{tcpDiagGetSock, unix.SOCK_DIAG_BY_FAMILY, unix.SOCK_DIAG_BY_FAMILY} {
		if kind := <-asked; kind != want {
			t.Errorf("asked for %d, want %d", kind, want)
		}
	}
}

// Kernels without RTM_GETSTATS tell the same counters in RTM_NEWLINK.
func TestDumpCountersByLink(t *testing.T) {
	got, err := dumpCounters(says(recorded(t, "links")).conn(t), true, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := dumpCounters(says(recorded(t, "stats")).conn(t), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(x *LinkCounterTable) (out []string) {
		for _, c := range x.List {
			octets, known := c.Get(RxCompressed)
			out = append(out, fmt.Sprint(c.Index, octets, known))
		}
		return out
	}
	if diff := cmp.Diff(rows(want), rows(got)); diff != "" {
		t.Error(diff)
	}
}

// Older kernels list links in the order of a hash table, and may list one twice when the table changes meanwhile.
func TestDumpCountersOrder(t *testing.T) {
	row := func(index uint32, octets ...uint64) []byte {
		b := make([]byte, sizeofIfStatsMsg)
		binary.NativeEndian.PutUint32(b[4:], index)
		b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+8*len(octets)))
		b = binary.NativeEndian.AppendUint16(b, unix.IFLA_STATS_LINK_64)
		for _, v := range octets {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		return message(unix.RTM_NEWSTATS, unix.NLM_F_MULTI, b)
	}
	k := says(row(7, 70), row(300, 1), row(2, 20), row(7, 70), message(unix.NLMSG_DONE, unix.NLM_F_MULTI, make([]byte, 4)))
	got, err := dumpCounters(k.conn(t), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, c := range got.List {
		packets, known := c.Get(RxPackets)
		_, more := c.Get(TxPackets) // of a kernel whose struct is shorter
		rows = append(rows, fmt.Sprint(c.Index, packets, known, more))
	}
	if diff := cmp.Diff([]string{"2 20 true false", "7 70 true false", "300 1 true false"}, rows); diff != "" {
		t.Error(diff)
	}
}

func FuzzNetlink(f *testing.F) {
	for _, name := range []string{"links", "stats", "addresses", "routes", "neighbours", "addresses6", "routes6", "links4", "links6", "tcp", "udp6"} {
		f.Add(recorded(f, name)[:min(len(recorded(f, name)), 2000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = eachMessage(b, func(_ netlink.Header, body []byte) error {
			if l, err := parseLink(body); err == nil && int32(l.Index) <= 0 {
				t.Errorf("link of index %d", l.Index)
			}
			if a, err := parseAddress(body, clock); err == nil && !a.Prefix.IsValid() {
				t.Errorf("address %v", a)
			}
			routes, err := appendRoutes(nil, body, clock)
			for _, r := range routes {
				if err == nil && (!r.Dst.IsValid() || r.Dst != r.Dst.Masked()) {
					t.Errorf("route %v", r)
				}
			}
			if n, err := parseNeighbour(body, clock); err == nil && !n.Addr.IsValid() {
				t.Errorf("neighbour %v", n)
			}
			if l, err := parseIPv4Link(body); err == nil && int32(l.Link) <= 0 {
				t.Errorf("IPv4 link %v", l)
			}
			if l, err := parseIPv6Link(body, clock); err == nil && int32(l.Link) <= 0 {
				t.Errorf("IPv6 link %v", l)
			}
			if s, err := parseInetSocket(body); err == nil && (!s.local.Addr().IsValid() || !s.remote.Addr().IsValid()) {
				t.Errorf("socket %v", s)
			}
			var c LinkCounters
			if err := parseLinkStats(body, &c); err != nil && !errors.Is(err, errMalformed) {
				t.Error(err)
			}
			if err := parseLinkStats64(body, &c); err != nil && !errors.Is(err, errMalformed) {
				t.Error(err)
			}
			return nil
		})
	})
}

// TestRoutesLeftOut reads a table that has more routes than are wanted: the first stand, and the others are counted once.
func TestRoutesLeftOut(t *testing.T) {
	dump := func(limit int) (routes []Route, left int) {
		k := kernel{answer: func([]byte) [][]byte { return [][]byte{recorded(t, "routes")} }}
		routes, left, err := dumpRoutes(k.conn(t), unix.AF_INET, kernelClock{}, limit)
		if err != nil {
			t.Fatal(err)
		}
		return routes, left
	}
	all, left := dump(maxRoutes)
	if len(all) < 5 || left != 0 {
		t.Fatalf("%d routes, and %d left out", len(all), left)
	}
	for limit := range len(all) + 1 {
		if some, left := dump(limit); len(some) != limit || left != len(all)-limit {
			t.Errorf("at most %d: %d routes, and %d left out of %d", limit, len(some), left, len(all))
		}
	}
	var l leftOut
	for i, step := range []struct{ version, n, total int }{{0, 0, 0}, {0, 3, 3}, {0, 3, 3}, {1, 2, 5}, {0, 1, 5}, {0, 4, 8}} {
		if l.note(step.version, step.n); l.count() != uint64(step.total) {
			t.Errorf("step %d: %d in all, want %d", i, l.count(), step.total)
		}
	}
}
