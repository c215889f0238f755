package mib2_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// start is when the agent of the tests started, and now when it is asked.
var (
	start = time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)
	now   = start.Add(12345670 * time.Millisecond)
)

// device is a machine that a test sets up, and may change between requests. A nil part cannot be read.
type device struct {
	host        *machine.Host
	links       *machine.Links
	counters    []machine.LinkCounters
	stats       *machine.Stats
	statsExt    *machine.Stats
	stats6      *machine.Stats
	settings    *machine.IPv4Settings
	addresses   []machine.Address
	routes      []machine.Route
	neighbours  []machine.Neighbour
	settings6   *machine.IPv6Settings
	addresses6  []machine.Address
	routes6     []machine.Route
	neighbours6 []machine.Neighbour
	links4      []machine.IPv4Link
	links6      []machine.IPv6Link
	linkStats6  map[uint32]machine.LinkStats6
	discarded   uint64
	tcp         []machine.TCPSocket
	udp         []machine.UDPSocket
	owners      machine.SocketOwners
	groups      []machine.LinkGroup
	sctpStats   *machine.Stats
	sctp        *machine.SCTPSettings
	sctpAssocs  []machine.SCTPAssociation
	dumps       int // how often the counters were read
	writer      machine.Writer
}

var errUnreadable = errors.New("unreadable")

func value[T any](p *T) (T, error) {
	if p == nil {
		var none T
		return none, errUnreadable
	}
	return *p, nil
}

func pointer[T any](p *T) (*T, error) {
	if p == nil {
		return nil, errUnreadable
	}
	return p, nil
}

func list[T any](l []T) ([]T, error) {
	if l == nil {
		return nil, errUnreadable
	}
	return l, nil
}

func (d *device) machine() *machine.Machine {
	return machine.NewGiven(machine.Given{
		Host:  func(time.Time) (machine.Host, error) { return value(d.host) },
		Links: func(time.Time) (*machine.Links, error) { return pointer(d.links) },
		Counters: func(time.Time) (*machine.LinkCounterTable, error) {
			d.dumps++
			rows, err := list(d.counters)
			return &machine.LinkCounterTable{List: rows}, err
		},
		Stats:           func(time.Time) (*machine.Stats, error) { return pointer(d.stats) },
		StatsExt:        func(time.Time) (*machine.Stats, error) { return pointer(d.statsExt) },
		Stats6:          func(time.Time) (*machine.Stats, error) { return pointer(d.stats6) },
		IPv4Settings:    func(time.Time) (machine.IPv4Settings, error) { return value(d.settings) },
		IPv4Addresses:   func(time.Time) ([]machine.Address, error) { return list(d.addresses) },
		IPv4Routes:      func(time.Time) ([]machine.Route, error) { return list(d.routes) },
		IPv4Neighbours:  func(time.Time) ([]machine.Neighbour, error) { return list(d.neighbours) },
		IPv6Settings:    func(time.Time) (machine.IPv6Settings, error) { return value(d.settings6) },
		IPv6Addresses:   func(time.Time) ([]machine.Address, error) { return list(d.addresses6) },
		IPv6Routes:      func(time.Time) ([]machine.Route, error) { return list(d.routes6) },
		IPv6Neighbours:  func(time.Time) ([]machine.Neighbour, error) { return list(d.neighbours6) },
		IPv4Links:       func(time.Time) ([]machine.IPv4Link, error) { return list(d.links4) },
		IPv6Links:       func(time.Time) ([]machine.IPv6Link, error) { return list(d.links6) },
		DiscardedRoutes: func() (uint64, error) { return d.discarded, nil },
		LinkStats6: func(index uint32, _ time.Time) (machine.LinkStats6, error) {
			if d.linkStats6 == nil {
				return machine.LinkStats6{}, errUnreadable
			}
			return d.linkStats6[index], nil
		},
		TCPSockets: func(time.Time) ([]machine.TCPSocket, error) { return list(d.tcp) },
		UDPSockets: func(time.Time) ([]machine.UDPSocket, error) { return list(d.udp) },
		SocketOwners: func(time.Time) (machine.SocketOwners, error) {
			if d.owners == nil {
				return nil, errUnreadable
			}
			return d.owners, nil
		},
		LinkGroups:       func(time.Time) ([]machine.LinkGroup, error) { return list(d.groups) },
		SCTPStats:        func(time.Time) (*machine.Stats, error) { return pointer(d.sctpStats) },
		SCTPSettings:     func(time.Time) (machine.SCTPSettings, error) { return value(d.sctp) },
		SCTPAssociations: func(time.Time) ([]machine.SCTPAssociation, error) { return list(d.sctpAssocs) },
		Writer:           d.writer,
	}, nil)
}

// mib returns the MIB of d.
func (d *device) mib(t testing.TB) *mib2.MIB {
	t.Helper()
	m, err := mib2.New(mib2.Options{
		Machine: d.machine(), Counters: &snmp.Counters{}, Start: start, System: mib2.DefaultSystem(), Modules: mib2.Modules(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// setLinks makes links, which ascend by Index, the links of d.
func (d *device) setLinks(links ...machine.Link) {
	next := &machine.Links{Generation: 1, RowGeneration: 1}
	if d.links != nil {
		next.Generation, next.RowGeneration = d.links.Generation+1, d.links.RowGeneration+1
	}
	for _, l := range links {
		next.List = append(next.List, &l)
	}
	d.links = next
}

// name returns the OID of mib-2 and what follows, such as "1.3.0" for sysUpTime.0.
func name(below string) oid.OID { return oid.MustParse("1.3.6.1.2.1." + below) }

// ask returns the values of names below mib-2, asked in one request.
func ask(t testing.TB, h mib.Handler, q *mib.Request, names ...string) []snmp.Value {
	t.Helper()
	view, err := h.View(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	oids := make([]oid.OID, len(names))
	for i, n := range names {
		oids[i] = name(n)
	}
	values, err := view.Get(t.Context(), nil, oids)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// get returns one value of this moment.
func get(t testing.TB, h mib.Handler, below string) snmp.Value {
	t.Helper()
	return ask(t, h, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, below)[0]
}

// router is a machine with one of everything.
func router() *device {
	d := &device{
		host: &machine.Host{
			Hostname: "edge", System: "Linux", Release: "6.1.0", Version: "#1 SMP", Hardware: "x86_64",
		},
		counters: []machine.LinkCounters{
			machine.NewLinkCounters(1, true, linkStats(1000)),
			machine.NewLinkCounters(2, true, linkStats(1<<40)),
			machine.NewLinkCounters(5, false, linkStats(5000)),
		},
		stats:    machine.NewStats(true, allStats(), machine.ICMPTypeCount{Type: 3, In: 1, Out: 2}),
		statsExt: machine.NewStats(true, numbered(machine.IPInNoRoutes, machine.IPOutBcastOctets)),
		stats6: machine.NewStats(true, numbered(machine.IP6InReceives, machine.UDP6MemErrors),
			machine.ICMPTypeCount{Type: 135, In: 3, Out: 4}, machine.ICMPTypeCount{Type: 136, In: 4, Out: 3}),
		settings: &machine.IPv4Settings{Forwarding: 1, DefaultTTL: 64, ReassemblyTimeout: 30},
	}
	d.counters[1].Discontinuity = start.Add(50 * time.Second)
	d.setLinks(
		machine.Link{
			Index: 1, Name: "lo", Type: machine.TypeLoopback, Flags: machine.FlagUp | machine.FlagLoopback | machine.FlagRunning,
			MTU: 65536, Address: "\x00\x00\x00\x00\x00\x00", Connector: machine.Absent,
		},
		machine.Link{
			Index: 2, Name: "eth0", Alias: "uplink à Genève", Type: machine.TypeEthernet,
			Flags: machine.FlagUp | machine.FlagBroadcast | machine.FlagRunning, OperState: machine.OperUp,
			MTU: 1500, Speed: 25_000_000_000, Promiscuity: 1, Address: "\x02\x00\x5e\x10\x00\x01", Connector: machine.Present,
			Broadcast: "\xff\xff\xff\xff\xff\xff", Master: 5, LastChange: start.Add(100 * time.Second), Created: start.Add(50 * time.Second),
		},
		machine.Link{
			Index: 5, Name: "br0", Kind: "bridge", Type: machine.TypeEthernet, Flags: machine.FlagUp, OperState: machine.OperLowerLayerDown,
			MTU: 9000, Address: "\x02\x00\x5e\x10\x00\x05",
		},
	)
	d.links.LastChange = start.Add(50 * time.Second)
	d.links.StackChange = start.Add(60 * time.Second)
	d.groups = []machine.LinkGroup{{Link: 1, Address: "\x01\x00\x5e\x00\x00\x01"}, {Link: 2, Address: "\x01\x00\x5e\x00\x00\x01"}}
	d.addresses = []machine.Address{
		{Prefix: netip.MustParsePrefix("10.0.0.1/24"), Link: 2, Broadcast: netip.MustParseAddr("10.0.0.255")},
		{Prefix: netip.MustParsePrefix("127.0.0.1/8"), Link: 1},
	}
	d.routes = []machine.Route{
		{
			Dst: netip.MustParsePrefix("0.0.0.0/0"), NextHop: netip.MustParseAddr("10.0.0.254"), Link: 2, Metric: 100,
			Type: machine.RouteUnicast, Protocol: machine.ProtocolOSPF,
		},
		{
			Dst: netip.MustParsePrefix("10.0.0.0/24"), Source: netip.MustParseAddr("10.0.0.1"), Link: 2,
			Type: machine.RouteUnicast, Protocol: machine.ProtocolKernel, Scope: 253,
		},
	}
	d.neighbours = []machine.Neighbour{
		{Addr: netip.MustParseAddr("10.0.0.2"), Link: 2, State: machine.NeighbourStale, Address: "\x02\x00\x5e\x10\x00\x02"},
		{Addr: netip.MustParseAddr("10.0.0.254"), Link: 2, State: machine.NeighbourPermanent, Address: "\x02\x00\x5e\x10\x00\xfe"},
	}
	setIPv6(d)
	d.tcp = []machine.TCPSocket{
		{Local: endpoint("10.0.0.1:22"), Remote: endpoint("10.0.0.9:50000"), State: machine.TCPEstablished, Inode: 700},
		{Local: endpoint("[::]:22"), Remote: endpoint("[::]:0"), State: machine.TCPListen, Inode: 701},
	}
	d.udp = []machine.UDPSocket{
		{Local: endpoint("0.0.0.0:161"), Remote: endpoint("0.0.0.0:0"), Inode: 702},
		{Local: endpoint("127.0.0.1:323"), Remote: endpoint("0.0.0.0:0")},
	}
	d.owners = machine.SocketOwners{700: 50, 701: 40, 702: 30, 703: 60}
	setSCTP(d)
	return d
}

// setIPv6 gives d what a machine has of IPv6, and what only IP-MIB of RFC 4293 asks of IPv4.
func setIPv6(d *device) {
	const link = 2
	d.discarded = 1<<32 + 9
	d.settings6 = &machine.IPv6Settings{Forwarding: 0, DefaultHopLimit: 64}
	d.links4 = []machine.IPv4Link{{Link: 1, RetransTime: 1000}, {Link: link, RetransTime: 1500}}
	d.links6 = []machine.IPv6Link{
		{Link: 1, Disabled: true, MaxReassembly: 65535, ReachableTime: 30000, RetransTime: 1000},
		{Link: link, Forwarding: true, MaxReassembly: 65535, ReachableTime: 31000, RetransTime: 1001, Changed: start.Add(70 * time.Second)},
	}
	d.linkStats6 = map[uint32]machine.LinkStats6{
		1: {Stats: linkStats6(100)}, link: {Stats: linkStats6(1 << 40), Discontinuity: start.Add(50 * time.Second)},
	}
	for i := range d.addresses {
		d.addresses[i].Flags = machine.AddressPermanent
		d.addresses[i].Created, d.addresses[i].Changed = start.Add(-time.Hour), start.Add(time.Minute)
	}
	d.addresses6 = []machine.Address{
		{Prefix: netip.MustParsePrefix("::1/128"), Link: 1, Flags: machine.AddressPermanent, Created: start, Changed: start},
		{
			Prefix: netip.MustParsePrefix("2001:db8::1/64"), Link: link, Protocol: machine.AddressRA, Flags: machine.AddressNoPrefixRoute,
			Preferred: now.Add(30 * time.Minute), Valid: now.Add(time.Hour), Created: start.Add(time.Second), Changed: start.Add(2 * time.Second),
		},
		{
			Prefix: netip.MustParsePrefix("fe80::1/64"), Link: link, Flags: machine.AddressPermanent | machine.AddressTentative,
			Created: start.Add(time.Second), Changed: start.Add(time.Second),
		},
	}
	d.routes6 = []machine.Route{
		{
			Dst: netip.MustParsePrefix("::/0"), NextHop: netip.MustParseAddr("fe80::fe"), Link: link, Metric: 1024, Type: machine.RouteUnicast,
			Protocol: machine.ProtocolRA, Expires: now.Add(1799 * time.Second), Preference: 1,
		},
		{Dst: netip.MustParsePrefix("2001:db8::/64"), Link: link, Metric: 256, Type: machine.RouteUnicast, Protocol: machine.ProtocolKernel},
		{Dst: netip.MustParsePrefix("2001:db8:2::/48"), Link: 1, Metric: 1024, Type: machine.RouteBlackhole, Protocol: machine.ProtocolStatic},
	}
	for i := range d.neighbours {
		d.neighbours[i].Updated = start.Add(3 * time.Second)
	}
	d.neighbours6 = []machine.Neighbour{
		{Addr: netip.MustParseAddr("2001:db8::5"), Link: link, State: machine.NeighbourIncomplete, Updated: start.Add(4 * time.Second)},
		{Addr: netip.MustParseAddr("fe80::fe"), Link: link, State: machine.NeighbourReachable, Address: "\x02\x00\x5e\x10\x00\xff", Updated: start},
	}
}

// setSCTP gives d an association with two addresses on each side, and one that is not there yet.
func setSCTP(d *device) {
	d.sctpStats = machine.NewStats(true, numbered(machine.SCTPCurrEstab, machine.SCTPInSCTPPacks))
	d.sctp = &machine.SCTPSettings{RTOInitial: 3000, RTOMin: 1000, RTOMax: 60000, CookieLife: 61000, MaxInitRetransmits: 8}
	addr := netip.MustParseAddr
	d.sctpAssocs = []machine.SCTPAssociation{
		{
			ID: 7, State: machine.SCTPEstablished, LocalPort: 3868, RemotePort: 40000, Primary: addr("10.0.0.7"), Inode: 703,
			Local: []machine.SCTPAddress{{Addr: addr("2001:db8::1")}, {Addr: addr("10.0.0.1"), Created: start.Add(3 * time.Second)}},
			Remote: []machine.SCTPPath{
				{Addr: addr("10.0.0.7"), Told: true, Active: true, Heartbeat: true, RTO: 1000, MaxRetransmits: 5, Created: start.Add(time.Second)},
				{Addr: addr("2001:db8::7"), Told: true, RTO: 3000, MaxRetransmits: 6, Created: start.Add(2 * time.Second)},
			},
			HeartbeatInterval: 30000, InStreams: 10, OutStreams: 11, MaxRetransmits: 12, T1Expireds: 1, T2Expireds: 2, RetransmittedChunks: 3,
			Created: start.Add(time.Second), Established: start.Add(2 * time.Second),
		},
		{
			ID: 9, State: machine.SCTPCookieWait, LocalPort: 36412, RemotePort: 36412, HeartbeatInterval: 30000, OutStreams: 10, MaxRetransmits: 10,
			Created: start.Add(4 * time.Second),
		},
	}
}

// linkStats6 returns every figure of IPv6 on a link, each of its own value above base.
func linkStats6(base uint64) *machine.Stats {
	values := numbered(machine.IP6InReceives, machine.IP6OutTransmits)
	for s := range values {
		values[s] += base
	}
	return machine.NewStats(true, values)
}

func endpoint(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// linkStats returns every counter of a link, each of its own value above base.
func linkStats(base uint64) map[machine.LinkStat]uint64 {
	stats := make(map[machine.LinkStat]uint64)
	for s := machine.RxPackets; s <= machine.RxOtherHost; s++ {
		stats[s] = base + 10*uint64(s)
	}
	stats[machine.Multicast] = 77
	return stats
}

// allStats returns every figure of the protocols, each of its own value.
func allStats() map[machine.Stat]uint64 {
	stats := numbered(machine.IPForwarding, machine.UDPMemErrors)
	stats[machine.TCPInSegs] = 1<<33 + 5
	stats[machine.TCPMaxConn] = 1<<64 - 1
	stats[machine.TCPRtoAlgorithm] = 1
	return stats
}

// numbered returns figures of the protocols, each with its own value.
func numbered(from, to machine.Stat) map[machine.Stat]uint64 {
	stats := make(map[machine.Stat]uint64)
	for s := from; s <= to; s++ {
		stats[s] = 1000 + uint64(s)
	}
	return stats
}

// machineStatsInRange is allStats with legal values for the objects that have a range.
func machineStatsInRange() *machine.Stats {
	stats := allStats()
	stats[machine.TCPRtoAlgorithm] = 4
	return machine.NewStats(true, stats)
}
