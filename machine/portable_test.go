package machine

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	gopsnet "github.com/shirou/gopsutil/v3/net"
)

func TestPortableLink(t *testing.T) {
	tests := []struct {
		name    string
		told    gopsnet.InterfaceStat
		running bool
		want    Link
	}{
		{
			"ethernet",
			gopsnet.InterfaceStat{Index: 4, Name: "en0", MTU: 1500, HardwareAddr: "02:00:00:00:00:01", Flags: []string{"up", "broadcast", "multicast"}},
			true,
			Link{
				Index: 4, Name: "en0", MTU: 1500, Type: TypeEthernet, Address: "\x02\x00\x00\x00\x00\x01",
				Flags: FlagUp | FlagBroadcast | FlagMulticast | FlagRunning,
			},
		},
		{
			"loopback", gopsnet.InterfaceStat{Index: 1, Name: "lo0", MTU: 16384, Flags: []string{"up", "loopback", "invented"}}, false,
			Link{Index: 1, Name: "lo0", MTU: 16384, Type: TypeLoopback, Connector: Absent, Flags: FlagUp | FlagLoopback},
		},
		{
			"tunnel", gopsnet.InterfaceStat{Index: 7, Name: "utun0", MTU: -1, HardwareAddr: "bad", Flags: []string{"pointtopoint"}}, false,
			Link{Index: 7, Name: "utun0", Type: TypePPP, Flags: FlagPointToPoint},
		},
		{"nothing", gopsnet.InterfaceStat{Index: 8, Name: "x"}, false, Link{Index: 8, Name: "x", Type: TypeVoid}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, portableLink(test.told, test.running)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestPortableAddr(t *testing.T) {
	tests := []struct {
		told   gopsnet.Addr
		family uint32
		want   string
	}{
		{gopsnet.Addr{IP: "192.0.2.1", Port: 80}, syscall.AF_INET, "192.0.2.1:80"},
		{gopsnet.Addr{IP: "192.0.2.1", Port: 80}, syscall.AF_INET6, "[::ffff:192.0.2.1]:80"},
		{gopsnet.Addr{IP: "2001:db8::1", Port: 80}, syscall.AF_INET6, "[2001:db8::1]:80"},
		{gopsnet.Addr{IP: "*", Port: 80}, syscall.AF_INET, "0.0.0.0:80"},
		{gopsnet.Addr{IP: "*"}, syscall.AF_INET6, "[::]:0"},
		{gopsnet.Addr{}, syscall.AF_INET, "0.0.0.0:0"},
	}
	for _, test := range tests {
		if got := portableAddr(test.told, test.family); got != netip.MustParseAddrPort(test.want) {
			t.Errorf("%v: %v, want %s", test.told, got, test.want)
		}
	}
}

func TestPortableCounters(t *testing.T) {
	c := portableCounters(3, gopsnet.IOCountersStat{
		BytesRecv: 1, BytesSent: 2, PacketsRecv: 3, PacketsSent: 4, Errin: 5, Errout: 6, Dropin: 7,
	})
	for s, want := range map[LinkStat]uint64{RxBytes: 1, TxBytes: 2, RxPackets: 3, TxPackets: 4, RxErrors: 5, TxErrors: 6, RxDropped: 7} {
		if got, ok := c.Get(s); !ok || got != want {
			t.Errorf("counter %d: %d, %v; want %d", s, got, ok, want)
		}
	}
	for _, s := range []LinkStat{Multicast, Collisions, RxNoHandler} {
		if got, ok := c.Get(s); ok {
			t.Errorf("counter %d: %d, which gopsutil does not tell", s, got)
		}
	}
}

func TestSystemName(t *testing.T) {
	for os, want := range map[string]string{"linux": "Linux", "freebsd": "FreeBSD", "plan9": "plan9"} {
		if got := systemName(os); got != want {
			t.Errorf("%s: %s", os, got)
		}
	}
}

func TestNeighbourKind(t *testing.T) {
	for state, want := range map[NeighbourState]NeighbourKind{
		NeighbourPermanent: NeighbourIsStatic, NeighbourPermanent | NeighbourNoARP: NeighbourIsStatic,
		NeighbourIncomplete: NeighbourIsInvalid, NeighbourFailed: NeighbourIsInvalid,
		NeighbourReachable: NeighbourIsDynamic, NeighbourStale: NeighbourIsDynamic, NeighbourDelay: NeighbourIsDynamic,
		NeighbourProbe: NeighbourIsDynamic, NeighbourNoARP: NeighbourIsOther, 0: NeighbourIsOther,
	} {
		n := Neighbour{State: state}
		if got := n.Kind(); got != want {
			t.Errorf("state %#x: %d, want %d", state, got, want)
		}
	}
}
