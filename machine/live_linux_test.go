package machine_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
)

// These tests read the machine that they run on, as any user may.

// both returns this machine read by the kernel's own interfaces and by gopsutil.
func both(t *testing.T) (fast, portable *machine.Machine) {
	t.Helper()
	return open(t, machine.Options{}), open(t, machine.Options{Portable: true})
}

func must[T any](t *testing.T, f func(ctx context.Context) (T, error)) T {
	t.Helper()
	v, err := f(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// traffic makes loopback's counters move.
func traffic(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, 10_000)); err != nil {
		t.Fatal(err)
	}
}

func TestLinksAgree(t *testing.T) {
	fast, portable := both(t)
	type link struct {
		Index, MTU uint32
		Name, Addr string
		Flags      machine.LinkFlags
	}
	seen := func(m *machine.Machine) (out []link) {
		const told = machine.FlagUp | machine.FlagBroadcast | machine.FlagLoopback | machine.FlagPointToPoint |
			machine.FlagMulticast | machine.FlagRunning
		for _, l := range must(t, m.Reading(time.Now(), true).Links).List {
			// Go's own listing leaves out the address of loopback.
			out = append(out, link{l.Index, l.MTU, l.Name, strings.Trim(l.Address, "\x00"), l.Flags & told})
		}
		return out
	}
	if diff := cmp.Diff(seen(portable), seen(fast)); diff != "" {
		t.Errorf("links (-gopsutil +rtnetlink):\n%s", diff)
	}
}

// Counters that both tell lie between two readings of gopsutil.
func TestCountersAgree(t *testing.T) {
	fast, portable := both(t)
	traffic(t)
	before := must(t, portable.Reading(time.Now(), true).Counters)
	got := must(t, fast.Reading(time.Now(), true).Counters)
	traffic(t)
	after := must(t, portable.Reading(time.Now(), true).Counters)
	checked := 0
	for _, low := range before.List {
		mid, ok1 := got.ByIndex(low.Index)
		high, ok2 := after.ByIndex(low.Index)
		if !ok1 || !ok2 {
			t.Errorf("link %d is not in all readings", low.Index)
			continue
		}
		if !mid.Wide {
			t.Errorf("link %d: not 64 bits", low.Index)
		}
		// /proc/net/dev adds missed frames to the dropped ones, so that one is left out.
		for _, s := range []machine.LinkStat{
			machine.RxPackets, machine.TxPackets, machine.RxBytes, machine.TxBytes, machine.RxErrors, machine.TxErrors, machine.TxDropped,
		} {
			a, _ := low.Get(s)
			b, ok := mid.Get(s)
			c, _ := high.Get(s)
			if !ok || b < a || b > c {
				t.Errorf("link %d, counter %d: %d is not from %d to %d", low.Index, s, b, a, c)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("no link to compare")
	}
}

func TestStatsAgree(t *testing.T) {
	fast, portable := both(t)
	before := must(t, portable.Reading(time.Now(), true).Stats)
	traffic(t)
	got := must(t, fast.Reading(time.Now(), true).Stats)
	traffic(t)
	after := must(t, portable.Reading(time.Now(), true).Stats)
	for which := machine.IPForwarding; which <= machine.UDPMemErrors; which++ {
		low, ok1 := before.Get(which)
		mid, ok2 := got.Get(which)
		high, ok3 := after.Get(which)
		if ok1 != ok2 || ok2 != ok3 {
			t.Errorf("%v: told %v, %v, %v", which, ok1, ok2, ok3)
		}
		if which != machine.TCPCurrEstab && (mid < low || mid > high) {
			t.Errorf("%v: %d is not from %d to %d", which, mid, low, high)
		}
	}
}

func TestAddressesAgree(t *testing.T) {
	fast, portable := both(t)
	seen := func(m *machine.Machine) []machine.Address {
		r := m.Reading(time.Now(), true)
		list := slices.Concat(must(t, r.IPv4Addresses), must(t, r.IPv6Addresses))
		for i := range list {
			list[i] = machine.Address{Prefix: list[i].Prefix, Link: list[i].Link} // rtnetlink alone tells the others
		}
		return list
	}
	equal := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	addr := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(seen(portable), seen(fast), equal, addr); diff != "" {
		t.Errorf("addresses (-gopsutil +rtnetlink):\n%s", diff)
	}
}

func TestSockets(t *testing.T) {
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer four.Close()
	c, err := net.Dial("tcp4", four.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()

	listen, dialled := netip.MustParseAddrPort(four.Addr().String()), netip.MustParseAddrPort(c.LocalAddr().String())
	none := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	fast, portable := both(t)
	for name, m := range map[string]*machine.Machine{"fast": fast, "portable": portable} {
		r := m.Reading(time.Now(), true)
		tcp := must(t, r.TCPSockets)
		for _, want := range []machine.TCPSocket{
			{Local: listen, Remote: none, State: machine.TCPListen},
			{Local: listen, Remote: dialled, State: machine.TCPEstablished},
			{Local: dialled, Remote: listen, State: machine.TCPEstablished},
		} {
			if !slices.ContainsFunc(tcp, func(s machine.TCPSocket) bool {
				return s.Local == want.Local && s.Remote == want.Remote && s.State == want.State
			}) {
				t.Errorf("%s: no %v in %v", name, want, tcp)
			}
		}
		bound := netip.MustParseAddrPort(u.LocalAddr().String())
		if !slices.ContainsFunc(must(t, r.UDPSockets), func(s machine.UDPSocket) bool { return s.Local == bound && s.Remote.Port() == 0 }) {
			t.Errorf("%s: no UDP socket %v", name, bound)
		}
	}
}

func TestHost(t *testing.T) {
	fast, portable := both(t)
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	a, b := must(t, fast.Reading(time.Now(), true).Host), must(t, portable.Reading(time.Now(), true).Host)
	for _, h := range []machine.Host{a, b} {
		if h.Hostname != name || h.System != "Linux" || h.Release == "" || h.Version == "" || h.Hardware == "" {
			t.Errorf("%+v", h)
		}
		if up := time.Since(h.BootTime); up <= 0 {
			t.Errorf("up for %v", up)
		}
	}
	if a.Release != b.Release || a.Hardware != b.Hardware {
		t.Errorf("%+v and %+v", a, b)
	}
	if d := a.BootTime.Sub(b.BootTime).Abs(); d > 2*time.Second {
		t.Errorf("booted %v apart", d)
	}
}

// What rtnetlink alone tells is at least consistent with itself.
func TestRoutesAndNeighbours(t *testing.T) {
	m := open(t, machine.Options{})
	r := m.Reading(time.Now(), true)
	links := must(t, r.Links)
	routes := must(t, r.IPv4Routes)
	for i, x := range routes {
		if _, ok := links.ByIndex(x.Link); !ok && x.Link != 0 {
			t.Errorf("route %v by a link that does not exist", x)
		}
		if x.Dst != x.Dst.Masked() || !x.Dst.Addr().Is4() {
			t.Errorf("route to %v", x.Dst)
		}
		if i > 0 && routes[i-1].Dst.Addr().Compare(x.Dst.Addr()) > 0 {
			t.Errorf("route to %v after %v", x.Dst, routes[i-1].Dst)
		}
	}
	for _, n := range must(t, r.IPv4Neighbours) {
		if _, ok := links.ByIndex(n.Link); !ok || !n.Addr.Is4() {
			t.Errorf("neighbour %v", n)
		}
	}
	portable := open(t, machine.Options{Portable: true}).Reading(time.Now(), true)
	for name, err := range map[string]error{
		"routes": errOf(portable.IPv4Routes(t.Context())), "neighbours": errOf(portable.IPv4Neighbours(t.Context())),
		"settings": errOf(portable.IPv4Settings(t.Context())), "stats6": errOf(portable.Stats6(t.Context())),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s by gopsutil: error %v", name, err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestProcRoots(t *testing.T) {
	figure := func(s *machine.Stats, err error, which machine.Stat) uint64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		v, _ := s.Get(which)
		return v
	}
	old := open(t, machine.Options{Proc: "testdata/linux-2.6.18/proc"})
	r := old.Reading(time.Now(), true)
	s, err := r.Stats(t.Context())
	if got := figure(s, err, machine.TCPInSegs); got != 4294967295 {
		t.Errorf("TCPInSegs %d", got)
	}
	if got, ok := s.Get(machine.TCPInCsumErrors); ok {
		t.Errorf("TCPInCsumErrors %d, which that kernel did not know", got)
	}
	s6, err := r.Stats6(t.Context())
	if got := figure(s6, err, machine.UDP6InDatagrams); got != 2 {
		t.Errorf("UDP6InDatagrams %d", got)
	}
	if _, err := r.IPv4Settings(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("settings: error %v", err)
	}
	if h := must(t, r.Host); !h.BootTime.IsZero() {
		t.Errorf("booted at %v, which nothing tells", h.BootTime)
	}

	settings := must(t, open(t, machine.Options{Proc: "testdata/odd/proc"}).Reading(time.Now(), true).IPv4Settings)
	if want := (machine.IPv4Settings{Forwarding: 1, DefaultTTL: -1, ReassemblyTimeout: 30}); settings != want {
		t.Errorf("settings %+v, want %+v", settings, want)
	}

	for _, tree := range []string{"empty", "names-only", "missing"} {
		for _, portable := range []bool{false, true} {
			m := open(t, machine.Options{Proc: "testdata/" + tree + "/proc", Portable: portable})
			r := m.Reading(time.Now(), true)
			var part *machine.PartError
			if s, err := r.Stats(t.Context()); !errors.As(err, &part) || part.Part != machine.PartStats {
				t.Errorf("%s, portable %v: %v, error %v", tree, portable, s, err)
			}
			if faults := m.Faults(); len(faults) != 1 || faults[0].Part != machine.PartStats || faults[0].Count != 1 {
				t.Errorf("%s, portable %v: faults %v", tree, portable, faults)
			}
		}
	}
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, portable := range []bool{false, true} {
		m, err := machine.New(t.Context(), machine.Options{Portable: portable})
		if err != nil {
			t.Fatal(err)
		}
		r := m.Reading(time.Now(), true)
		held := must(t, r.Counters)
		for range 2 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		if again := must(t, r.Counters); again != held {
			t.Error("a part that was read is gone")
		}
		if _, err := r.IPv4Addresses(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close, portable %v: error %v", portable, err)
		}
		if _, err := r.Stats(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close, portable %v: error %v", portable, err)
		}
	}
	// One that has told that it ends may still be on its way out.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(end); {
		<-tick.C
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if m, err := machine.New(ended, machine.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("New with an ended context: %v, %v", m, err)
	}
}
