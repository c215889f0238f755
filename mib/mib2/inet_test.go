package mib2_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// column returns "index value" of each row of a column below mib-2.
func column(t *testing.T, h mib.Handler, below string) []string {
	t.Helper()
	prefix := name(below)
	lines := []string{}
	for _, vb := range mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: now}, prefix) {
		lines = append(lines, vb.Name.From(prefix.Len()).String()+" "+vb.Value.String())
	}
	return lines
}

// checkColumns compares columns of the table with that entry.
func checkColumns(t *testing.T, h mib.Handler, entry string, want map[string][]string) {
	t.Helper()
	for c, rows := range want {
		if diff := cmp.Diff(rows, column(t, h, entry+"."+c)); diff != "" {
			t.Errorf("column %s of %s (-want +got):\n%s", c, entry, diff)
		}
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

func TestAddresses(t *testing.T) {
	d := &device{addresses: []machine.Address{
		{Prefix: prefix("10.0.0.1/8"), Link: 2, Broadcast: addr("10.255.255.255")},
		{Prefix: prefix("10.0.0.1/24"), Link: 7, Broadcast: addr("10.0.0.0")},
		{Prefix: prefix("10.0.0.2/31"), Link: 3},
		{Prefix: prefix("172.16.0.1/32"), Peer: addr("172.16.0.2"), Link: 4},
		{Prefix: prefix("192.0.2.1/0"), Link: 9, Broadcast: addr("0.0.0.0")},
	}}
	checkColumns(t, d.mib(t), "4.20.1", map[string][]string{
		"1": {"10.0.0.1 10.0.0.1", "10.0.0.2 10.0.0.2", "172.16.0.1 172.16.0.1", "192.0.2.1 192.0.2.1"},
		"2": {"10.0.0.1 2", "10.0.0.2 3", "172.16.0.1 4", "192.0.2.1 9"},
		"3": {"10.0.0.1 255.0.0.0", "10.0.0.2 255.255.255.254", "172.16.0.1 255.255.255.255", "192.0.2.1 0.0.0.0"},
		"4": {"10.0.0.1 1", "192.0.2.1 0"},
		"5": {"10.0.0.1 65535", "10.0.0.2 65535", "172.16.0.1 65535", "192.0.2.1 65535"},
	})
}

// TestRoutes has several routes to one address in the order of machine.Reading: the longest mask, then the lowest metric, stands.
func TestRoutes(t *testing.T) {
	via := addr("10.0.0.254")
	d := &device{routes: []machine.Route{
		{Dst: prefix("0.0.0.0/0"), NextHop: via, Link: 2, Metric: 100, Type: machine.RouteUnicast, Protocol: machine.ProtocolDHCP},
		{Dst: prefix("0.0.0.0/0"), NextHop: via, Link: 3, Metric: 200, Type: machine.RouteUnicast, Protocol: machine.ProtocolStatic},
		{Dst: prefix("10.0.0.0/24"), Source: addr("10.0.0.1"), Link: 2, Type: machine.RouteUnicast, Protocol: machine.ProtocolKernel},
		{Dst: prefix("10.0.0.0/8"), NextHop: via, Link: 2, Type: machine.RouteUnicast, Protocol: machine.ProtocolBGP},
		{Dst: prefix("10.1.0.0/16"), Link: 4, Metric: 1 << 31, Type: machine.RouteUnicast, Protocol: machine.ProtocolRedirect},
		{Dst: prefix("10.2.0.0/16"), Type: machine.RouteBlackhole, Protocol: machine.ProtocolRIP},
		{Dst: prefix("10.3.0.0/16"), Type: machine.RouteLocal, Link: 1, Protocol: machine.ProtocolISIS},
		{Dst: prefix("10.4.0.0/16"), NextHop: addr("fe80::1"), Link: 2, Type: machine.RouteUnicast, Protocol: machine.ProtocolOSPF},
		{Dst: prefix("10.5.0.0/16"), Type: machine.RouteUnreachable, Protocol: machine.ProtocolBoot},
	}}
	m := d.mib(t)
	rows := func(values ...string) []string {
		var lines []string
		for i, dst := range strings.Fields("0.0.0.0 10.0.0.0 10.1.0.0 10.2.0.0 10.3.0.0 10.4.0.0 10.5.0.0") {
			if values[i] != "" {
				lines = append(lines, dst+" "+values[i])
			}
		}
		return lines
	}
	checkColumns(t, m, "4.21.1", map[string][]string{
		"2":  rows("2", "2", "4", "0", "1", "2", "0"),
		"3":  rows("100", "0", "2147483647", "0", "0", "0", "0"),
		"7":  rows("10.0.0.254", "10.0.0.1", "0.0.0.0", "0.0.0.0", "0.0.0.0", "", "0.0.0.0"),
		"8":  rows("4", "3", "3", "1", "3", "4", "1"),
		"9":  rows("1", "2", "4", "8", "9", "13", "2"),
		"10": {},
		"11": rows("0.0.0.0", "255.255.255.0", "255.255.0.0", "255.255.0.0", "255.255.0.0", "255.255.0.0", "255.255.0.0"),
	})
	mibtest.Test(t, m, mib2.Roots()...)
}

func TestNeighbours(t *testing.T) {
	d := &device{neighbours: []machine.Neighbour{
		{Addr: addr("10.0.0.1"), Link: 2, State: machine.NeighbourReachable, Address: "\x02\x00\x00\x00\x00\x01"},
		{Addr: addr("10.0.0.2"), Link: 2, State: machine.NeighbourIncomplete},
		{Addr: addr("10.0.0.3"), Link: 2, State: machine.NeighbourFailed, Address: "\x02\x00\x00\x00\x00\x03"},
		{Addr: addr("10.0.0.4"), Link: 2, State: machine.NeighbourPermanent, Address: "\x02\x00\x00\x00\x00\x04"},
		{Addr: addr("10.0.0.1"), Link: 10, State: machine.NeighbourNoARP, Address: "\x02\x00\x00\x00\x00\x05"},
	}}
	m := d.mib(t)
	checkColumns(t, m, "4.22.1", map[string][]string{
		"1": {"2.10.0.0.1 2", "2.10.0.0.4 2", "10.10.0.0.1 10"},
		"2": {"2.10.0.0.1 0x020000000001", "2.10.0.0.4 0x020000000004", "10.10.0.0.1 0x020000000005"},
		"3": {"2.10.0.0.1 10.0.0.1", "2.10.0.0.4 10.0.0.4", "10.10.0.0.1 10.0.0.1"},
		"4": {"2.10.0.0.1 3", "2.10.0.0.4 4", "10.10.0.0.1 1"},
	})
	checkColumns(t, m, "3.1.1", map[string][]string{
		"1": {"2.1.10.0.0.1 2", "2.1.10.0.0.4 2", "10.1.10.0.0.1 10"},
		"2": {"2.1.10.0.0.1 0x020000000001", "2.1.10.0.0.4 0x020000000004", "10.1.10.0.0.1 0x020000000005"},
		"3": {"2.1.10.0.0.1 10.0.0.1", "2.1.10.0.0.4 10.0.0.4", "10.1.10.0.0.1 10.0.0.1"},
	})
}

func TestTCPStates(t *testing.T) {
	d := &device{}
	want := []string{}
	mib := []string{"5", "3", "4", "6", "7", "11", "1", "8", "9", "2", "10", "4"} // by the kernel's number, from 1
	for i, state := range mib {
		local := netip.AddrPortFrom(addr("10.0.0.1"), uint16(i+1))
		s := machine.TCPSocket{Local: local, Remote: endpoint("10.0.0.2:80"), State: machine.TCPState(i + 1)}
		index := "10.0.0.1." + local.String()[len("10.0.0.1:"):]
		if s.State == machine.TCPListen {
			s.Remote = endpoint("0.0.0.0:0")
			index += ".0.0.0.0.0"
		} else {
			index += ".10.0.0.2.80"
		}
		d.tcp = append(d.tcp, s)
		want = append(want, index+" "+state)
	}
	d.tcp = append(d.tcp, machine.TCPSocket{Local: endpoint("10.0.0.1:99"), Remote: endpoint("10.0.0.2:80"), State: 77})
	checkColumns(t, d.mib(t), "6.13.1", map[string][]string{"1": want})
}

// TestTCPFamilies mixes sockets of both families, some of which are the same in IPv4.
func TestTCPFamilies(t *testing.T) {
	const listen, established = machine.TCPListen, machine.TCPEstablished
	d := &device{tcp: []machine.TCPSocket{
		{Local: endpoint("[::ffff:10.0.0.1]:443"), Remote: endpoint("[::ffff:10.0.0.9]:5000"), State: established},
		{Local: endpoint("[2001:db8::1]:443"), Remote: endpoint("[2001:db8::9]:5000"), State: established},
		{Local: endpoint("[::]:443"), Remote: endpoint("[::]:0"), State: listen},
		{Local: endpoint("0.0.0.0:443"), Remote: endpoint("0.0.0.0:0"), State: listen},
		{Local: endpoint("0.0.0.0:443"), Remote: endpoint("0.0.0.0:0"), State: listen, Link: 3},
		{Local: endpoint("[::]:80"), Remote: endpoint("[::]:0"), State: listen, V6Only: true},
		{Local: endpoint("[::1]:25"), Remote: endpoint("[::]:0"), State: listen},
		{Local: endpoint("[::ffff:127.0.0.1]:631"), Remote: endpoint("[::]:0"), State: listen},
		{Local: endpoint("9.0.0.1:65535"), Remote: endpoint("10.0.0.9:65535"), State: machine.TCPTimeWait},
		{Local: endpoint("9.0.0.1:65535"), Remote: endpoint("10.0.0.9:65535"), State: established},
	}}
	m := d.mib(t)
	checkColumns(t, m, "6.13.1", map[string][]string{
		"1": {
			"0.0.0.0.443.0.0.0.0.0 2", "9.0.0.1.65535.10.0.0.9.65535 5", "10.0.0.1.443.10.0.0.9.5000 5", "127.0.0.1.631.0.0.0.0.0 2",
		},
		"5": {
			"0.0.0.0.443.0.0.0.0.0 0", "9.0.0.1.65535.10.0.0.9.65535 65535", "10.0.0.1.443.10.0.0.9.5000 5000",
			"127.0.0.1.631.0.0.0.0.0 0",
		},
	})
	mibtest.Test(t, m, mib2.Roots()...)
}

func TestUDPFamilies(t *testing.T) {
	d := &device{udp: []machine.UDPSocket{
		{Local: endpoint("[::]:161"), Remote: endpoint("[::]:0")},
		{Local: endpoint("0.0.0.0:161"), Remote: endpoint("0.0.0.0:0")},
		{Local: endpoint("0.0.0.0:161"), Remote: endpoint("0.0.0.0:0"), Inode: 7},
		{Local: endpoint("[::]:5353"), Remote: endpoint("[::]:0"), V6Only: true},
		{Local: endpoint("[::]:7000"), Remote: endpoint("[2001:db8::9]:53")},
		{Local: endpoint("[::1]:123"), Remote: endpoint("[::]:0")},
		{Local: endpoint("[::ffff:10.0.0.1]:9999"), Remote: endpoint("[::ffff:10.0.0.2]:53")},
		{Local: endpoint("9.0.0.1:53"), Remote: endpoint("0.0.0.0:0")},
	}}
	checkColumns(t, d.mib(t), "7.5.1", map[string][]string{
		"1": {"0.0.0.0.161 0.0.0.0", "9.0.0.1.53 9.0.0.1", "10.0.0.1.9999 10.0.0.1"},
		"2": {"0.0.0.0.161 161", "9.0.0.1.53 53", "10.0.0.1.9999 9999"},
	})
}

func TestSettings(t *testing.T) {
	tests := []struct {
		settings                 machine.IPv4Settings
		forwarding, ttl, timeout snmp.Value
	}{
		{machine.IPv4Settings{Forwarding: 1, DefaultTTL: 255, ReassemblyTimeout: 60}, snmp.Integer(1), snmp.Integer(255), snmp.Integer(60)},
		{machine.IPv4Settings{Forwarding: 0, DefaultTTL: 64, ReassemblyTimeout: 0}, snmp.Integer(2), snmp.Integer(64), snmp.Integer(0)},
		{machine.IPv4Settings{Forwarding: -1, DefaultTTL: -1, ReassemblyTimeout: -1}, snmp.NoSuchInstance, snmp.NoSuchInstance, snmp.NoSuchInstance},
	}
	for _, test := range tests {
		d := &device{settings: &test.settings}
		v := ask(t, d.mib(t), &mib.Request{Version: snmp.V2c, At: now}, "4.1.0", "4.2.0", "4.13.0")
		if v[0] != test.forwarding || v[1] != test.ttl || v[2] != test.timeout {
			t.Errorf("%+v: %v", test.settings, v)
		}
	}
}

// TestUnknownStatistics checks that what a system does not count is absent, and that 32-bit sources have no Counter64.
func TestUnknownStatistics(t *testing.T) {
	d := &device{stats: machine.NewStats(false, map[machine.Stat]uint64{machine.TCPInSegs: 5, machine.UDPInDatagrams: 0})}
	v := ask(t, d.mib(t), &mib.Request{Version: snmp.V2c, At: now}, "6.10.0", "6.17.0", "6.11.0", "7.1.0", "4.3.0", "5.1.0", "6.4.0")
	want := []snmp.Value{
		snmp.Counter32(5), snmp.NoSuchInstance, snmp.NoSuchInstance, snmp.Counter32(0), snmp.NoSuchInstance, snmp.NoSuchInstance,
		snmp.NoSuchInstance,
	}
	for i := range want {
		if v[i] != want[i] {
			t.Errorf("value %d is %v, want %v", i, v[i], want[i])
		}
	}
}

// TestNewListNewTable changes the sockets between requests: a table that was made of the old ones must not stay.
func TestNewListNewTable(t *testing.T) {
	d := &device{udp: []machine.UDPSocket{{Local: endpoint("0.0.0.0:1")}}}
	m := d.mib(t)
	for _, port := range []string{"1", "2", "3"} {
		d.udp = []machine.UDPSocket{{Local: endpoint("0.0.0.0:" + port)}}
		if v := ask(t, m, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, "7.5.1.2.0.0.0.0."+port)[0]; v.Kind() != snmp.KindInteger {
			t.Errorf("udpLocalPort.0.0.0.0.%s = %v", port, v)
		}
	}
	d.udp = []machine.UDPSocket{}
	if v := ask(t, m, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, "7.5.1.2.0.0.0.0.3")[0]; v != snmp.NoSuchInstance {
		t.Errorf("after the last socket was closed: %v", v)
	}
}

// TestCidrRoutes has more than one route to an address, of which ipRouteTable shows the first.
func TestCidrRoutes(t *testing.T) {
	d := &device{routes: []machine.Route{
		{Dst: prefix("0.0.0.0/0"), NextHop: addr("10.0.0.254"), Link: 2, Metric: 100, Type: machine.RouteUnicast, Protocol: machine.ProtocolStatic},
		{Dst: prefix("0.0.0.0/0"), NextHop: addr("10.0.0.1"), Link: 2, Metric: 200, Type: machine.RouteUnicast, Protocol: machine.ProtocolEIGRP},
		{Dst: prefix("0.0.0.0/0"), NextHop: addr("10.0.0.254"), Link: 3, Metric: 300, Type: machine.RouteUnicast},
		{Dst: prefix("10.0.0.0/24"), Source: addr("10.0.0.5"), Link: 2, Type: machine.RouteUnicast, Protocol: machine.ProtocolKernel},
		{Dst: prefix("10.0.0.0/8"), Type: machine.RouteBlackhole, Protocol: machine.ProtocolBGP},
		{Dst: prefix("10.0.0.0/8"), TOS: 16, Type: machine.RouteProhibit, Protocol: machine.ProtocolBoot},
		{Dst: prefix("10.4.0.0/16"), NextHop: addr("fe80::1"), Link: 2, Type: machine.RouteUnicast},
	}}
	const (
		byOne  = "0.0.0.0.0.0.0.0.0.10.0.0.1 "
		byLast = "0.0.0.0.0.0.0.0.0.10.0.0.254 "
		hole   = "10.0.0.0.255.0.0.0.0.0.0.0.0 "
		tos    = "10.0.0.0.255.0.0.0.16.0.0.0.0 "
		direct = "10.0.0.0.255.255.255.0.0.0.0.0.0 "
	)
	m := d.mib(t)
	checkColumns(t, m, "4.24.4.1", map[string][]string{
		"3":  {byOne + "0", byLast + "0", hole + "0", tos + "16", direct + "0"},
		"4":  {byOne + "10.0.0.1", byLast + "10.0.0.254", hole + "0.0.0.0", tos + "0.0.0.0", direct + "0.0.0.0"},
		"5":  {byOne + "2", byLast + "2", hole + "0", tos + "0", direct + "2"},
		"6":  {byOne + "4", byLast + "4", hole + "2", tos + "2", direct + "3"},
		"7":  {byOne + "16", byLast + "3", hole + "14", tos + "3", direct + "2"},
		"11": {byOne + "200", byLast + "100", hole + "0", tos + "0", direct + "0"},
	})
	if v := get(t, m, "4.24.3.0"); v != snmp.Gauge32(5) {
		t.Errorf("ipCidrRouteNumber = %v, want 5", v)
	}
	mibtest.Test(t, m, mib2.Roots()...)
}

// TestUDPStatistics has machines that count UDP over IPv6 too, and some that do not, or not as far.
func TestUDPStatistics(t *testing.T) {
	four := machine.NewStats(true, map[machine.Stat]uint64{machine.UDPInDatagrams: 1<<32 + 5, machine.UDPOutDatagrams: 7, machine.UDPNoPorts: 1})
	six := map[machine.Stat]uint64{machine.UDP6InDatagrams: 10, machine.UDP6OutDatagrams: 20, machine.UDP6NoPorts: 30}
	tests := []struct {
		name                  string
		stats6                *machine.Stats
		in, hcIn, noPorts, ho snmp.Value
	}{
		{"both", machine.NewStats(true, six), snmp.Counter32(15), snmp.Counter64(1<<32 + 15), snmp.Counter32(31), snmp.Counter64(27)},
		{"IPv4 alone", nil, snmp.Counter32(5), snmp.Counter64(1<<32 + 5), snmp.Counter32(1), snmp.Counter64(7)},
		{"32 bits of IPv6", machine.NewStats(false, six), snmp.Counter32(15), snmp.NoSuchInstance, snmp.Counter32(31), snmp.NoSuchInstance},
	}
	for _, test := range tests {
		d := &device{stats: four, stats6: test.stats6}
		v := ask(t, d.mib(t), &mib.Request{Version: snmp.V2c, At: now}, "7.1.0", "7.8.0", "7.2.0", "7.9.0", "7.3.0")
		if diff := cmp.Diff([]snmp.Value{test.in, test.hcIn, test.noPorts, test.ho, snmp.NoSuchInstance}, v, cmp.Comparer(func(a, b snmp.Value) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestInaccessibleAddress has an address on each of two links, one of which is down, and one on a link that is not known.
func TestInaccessibleAddress(t *testing.T) {
	d := &device{addresses: []machine.Address{
		{Prefix: prefix("10.0.0.1/24"), Link: 1}, {Prefix: prefix("10.0.1.1/24"), Link: 2}, {Prefix: prefix("10.0.2.1/24"), Link: 3},
	}}
	d.setLinks(
		machine.Link{Index: 1, Name: "eth0", Flags: machine.FlagUp | machine.FlagRunning, OperState: machine.OperUp},
		machine.Link{Index: 2, Name: "eth1", Flags: machine.FlagUp, OperState: machine.OperDown},
	)
	checkColumns(t, d.mib(t), "4.34.1", map[string][]string{"7": {"1.4.10.0.0.1 1", "1.4.10.0.1.1 4", "1.4.10.0.2.1 1"}})
}
