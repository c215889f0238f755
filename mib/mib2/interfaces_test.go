package mib2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

func TestStatus(t *testing.T) {
	const up, running = machine.FlagUp, machine.FlagRunning
	tests := []struct {
		name        string
		flags       machine.LinkFlags
		state       machine.OperState
		admin, oper int64
	}{
		{"up", up | running, machine.OperUp, 1, 1},
		{"no carrier", up, machine.OperDown, 1, 2},
		{"testing", up, machine.OperTesting, 1, 3},
		{"dormant", up | running, machine.OperDormant, 1, 5},
		{"absent", up, machine.OperNotPresent, 1, 6},
		{"lower layer down", up, machine.OperLowerLayerDown, 1, 7},
		{"veth whose peer is down", up, machine.OperLowerLayerDown, 1, 7},
		{"unknown and running: lo, tun", up | running, machine.OperUnknown, 1, 1},
		{"unknown and not running: an empty bridge", up, machine.OperUnknown, 1, 2},
		{"disabled", 0, machine.OperDown, 2, 2},
		{"disabled, unknown", 0, machine.OperUnknown, 2, 2},
		{"disabled but running", running, machine.OperUnknown, 2, 2},
		{"disabled over a lower layer", 0, machine.OperLowerLayerDown, 2, 2},
		{"disabled and absent", 0, machine.OperNotPresent, 2, 6},
		{"a state of a later kernel", up | running, 99, 1, 1},
	}
	d := &device{}
	var links []machine.Link
	for i, test := range tests {
		l := machine.Link{Index: uint32(i + 1), Flags: test.flags, OperState: test.state}
		if strings.HasPrefix(test.name, "veth") {
			l.Kind = "veth"
		}
		links = append(links, l)
	}
	d.setLinks(links...)
	m := d.mib(t)
	for i, test := range tests {
		admin, oper := get(t, m, fmt.Sprint("2.2.1.7.", i+1)), get(t, m, fmt.Sprint("2.2.1.8.", i+1))
		if admin.Int() != test.admin || oper.Int() != test.oper {
			t.Errorf("%s: admin %v, oper %v, want %d and %d", test.name, admin, oper, test.admin, test.oper)
		}
	}
}

func TestIfType(t *testing.T) {
	tests := []struct {
		kernel machine.HardwareType
		want   int64
	}{
		{0, 1}, {1, 6}, {2, 6}, {3, 1}, {4, 9}, {6, 9}, {7, 35}, {8, 42}, {15, 32}, {19, 37}, {24, 144}, {27, 1}, {32, 199},
		{256, 28}, {257, 28}, {258, 28}, {259, 28}, {271, 5}, {272, 5}, {280, 1}, {290, 1}, {512, 23}, {513, 118}, {516, 16},
		{518, 118}, {519, 1}, {768, 131}, {769, 131}, {770, 32}, {772, 24}, {773, 42}, {774, 15}, {776, 131}, {777, 131}, {778, 131},
		{779, 131}, {780, 47}, {782, 206}, {783, 1}, {784, 56}, {785, 56}, {786, 56}, {787, 56}, {800, 9}, {801, 71}, {802, 71},
		{803, 71}, {804, 259}, {805, 259}, {820, 1}, {823, 131}, {824, 1}, {825, 259}, {0xFFFE, 1}, {0xFFFF, 1},
	}
	d := &device{}
	var links []machine.Link
	for i, test := range tests {
		links = append(links, machine.Link{Index: uint32(i + 1), Type: test.kernel})
	}
	d.setLinks(links...)
	m := d.mib(t)
	for i, test := range tests {
		if v := get(t, m, fmt.Sprint("2.2.1.3.", i+1)); v.Int() != test.want {
			t.Errorf("ARPHRD %d is ifType %v, want %d", test.kernel, v, test.want)
		}
	}
}

func TestSpeed(t *testing.T) {
	none := snmp.NoSuchInstance
	tests := []struct {
		name       string
		kind       machine.HardwareType
		speed      uint64
		want, high snmp.Value
	}{
		{"fast", machine.TypeEthernet, 100_000_000, snmp.Gauge32(100_000_000), snmp.Gauge32(100)},
		{"rounded", machine.TypeEthernet, 1_544_000, snmp.Gauge32(1_544_000), snmp.Gauge32(2)},
		{"rounded down", machine.TypePPP, 499_999, snmp.Gauge32(499_999), snmp.Gauge32(0)},
		{"the last that fits", machine.TypeEthernet, 1<<32 - 1, snmp.Gauge32(1<<32 - 1), snmp.Gauge32(4295)},
		{"saturated", machine.TypeEthernet, 400_000_000_000, snmp.Gauge32(1<<32 - 1), snmp.Gauge32(400_000)},
		{"both saturated", machine.TypeEthernet, 1<<64 - 1, snmp.Gauge32(1<<32 - 1), snmp.Gauge32(1<<32 - 1)},
		{"unknown", machine.TypeEthernet, 0, none, none},
		{"loopback has none", machine.TypeLoopback, 0, snmp.Gauge32(0), snmp.Gauge32(0)},
		{"a tunnel has none", machine.TypeGRE, 0, snmp.Gauge32(0), snmp.Gauge32(0)},
		{"tun that says one", machine.TypeNone, 10_000_000, snmp.Gauge32(10_000_000), snmp.Gauge32(10)},
	}
	for _, test := range tests {
		d := &device{}
		d.setLinks(machine.Link{Index: 7, Type: test.kind, Speed: test.speed})
		got := ask(t, d.mib(t), &mib.Request{Version: snmp.V2c, At: now}, "2.2.1.5.7", "31.1.1.1.15.7")
		if diff := cmp.Diff([]snmp.Value{test.want, test.high}, got, cmp.Comparer(func(a, b snmp.Value) bool { return a == b })); diff != "" {
			t.Errorf("%s: ifSpeed and ifHighSpeed (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestLinkDetails(t *testing.T) {
	long := strings.Repeat("é", 40) // 80 octets: the 64th is the end of a letter
	d := &device{}
	d.setLinks(
		machine.Link{Index: 1, Alias: "x" + long, Address: "\x00\x00\x00\x00", Flags: machine.FlagPromisc},
		machine.Link{Index: 2, Alias: strings.Repeat("\x85", 70), Connector: machine.Absent, MTU: 1 << 31},
		machine.Link{Index: 3, Alias: long, Connector: machine.Present, Kind: "vlan", Lower: 2},
		machine.Link{Index: 4, Kind: "veth", Lower: 3, Master: 1},
	)
	m := d.mib(t)
	tests := []struct {
		below string
		want  snmp.Value
	}{
		{"2.2.1.6.1", snmp.OctetString("")},
		{"2.2.1.4.2", snmp.Integer(1<<31 - 1)},
		{"31.1.1.1.18.1", snmp.OctetString(("x" + long)[:63])},
		{"31.1.1.1.18.2", snmp.OctetString(strings.Repeat("\x85", 64))},
		{"31.1.1.1.18.3", snmp.OctetString(long[:64])},
		{"31.1.1.1.16.1", snmp.Integer(1)},
		{"31.1.1.1.16.2", snmp.Integer(2)},
		{"31.1.1.1.17.1", snmp.NoSuchInstance},
		{"31.1.1.1.17.2", snmp.Integer(2)},
		{"31.1.1.1.17.3", snmp.Integer(1)},
		{"31.1.1.1.14.1", snmp.Integer(2)}, // has a port
		{"31.1.1.1.14.2", snmp.Integer(1)},
		{"31.1.1.1.14.3", snmp.Integer(2)}, // stands on another
		{"31.1.1.1.14.4", snmp.Integer(1)}, // its peer is no lower layer
		{"2.2.1.10.1", snmp.NoSuchInstance},
		{"2.1.0", snmp.Integer(4)},
		{"2.2.1.2.9", snmp.NoSuchInstance},
		{"2.2.1.23.1", snmp.NoSuchObject},
	}
	for _, test := range tests {
		if v := get(t, m, test.below); v != test.want {
			t.Errorf("%s = %v, want %v", test.below, v, test.want)
		}
	}
}

// TestTimeStamps checks that times are sysUpTime's, and 0 for what was before the start.
func TestTimeStamps(t *testing.T) {
	tests := []struct {
		name                string
		created, changed    time.Time
		wantChange, wantNew uint64
	}{
		{"never", time.Time{}, time.Time{}, 0, 0},
		{"before the start", start.Add(-2 * time.Hour), start.Add(-time.Hour), 0, 0},
		{"changed", time.Time{}, start.Add(10019 * time.Millisecond), 1001, 0},
		{"created and changed", start.Add(time.Second), start.Add(2 * time.Second), 200, 100},
		{"created in its state", start.Add(3 * time.Second), time.Time{}, 300, 300},
		{"after 500 days", time.Time{}, start.Add(500 * 24 * time.Hour), 500*24*3600*100 - 1<<32, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &device{counters: []machine.LinkCounters{machine.NewLinkCounters(1, true, nil)}}
			d.setLinks(machine.Link{Index: 1, Created: test.created, LastChange: test.changed})
			d.counters[0].Discontinuity = test.created
			d.links.LastChange = test.created
			v := ask(t, d.mib(t), &mib.Request{Version: snmp.V2c, At: now}, "2.2.1.9.1", "31.1.1.1.19.1", "31.1.5.0")
			if v[0] != snmp.TimeTicks(uint32(test.wantChange)) {
				t.Errorf("ifLastChange = %v, want %d", v[0], test.wantChange)
			}
			if want := snmp.TimeTicks(uint32(test.wantNew)); v[1] != want || v[2] != want {
				t.Errorf("ifCounterDiscontinuityTime, ifTableLastChange = %v, %v, want %v", v[1], v[2], want)
			}
		})
	}
}

// TestCounter32IsLowHalf checks each pair of counters, of numbers beyond 32 bits.
func TestCounter32IsLowHalf(t *testing.T) {
	d := router()
	values := linkStats(5<<32 - 3)
	d.counters[1] = machine.NewLinkCounters(2, true, values)
	m := d.mib(t)
	pairs := [][2]string{
		{"2.2.1.10.2", "31.1.1.1.6.2"},
		{"2.2.1.11.2", "31.1.1.1.7.2"},
		{"2.2.1.12.2", "31.1.1.1.8.2"},
		{"31.1.1.1.2.2", "31.1.1.1.8.2"},
		{"2.2.1.16.2", "31.1.1.1.10.2"},
		{"2.2.1.17.2", "31.1.1.1.11.2"},
		{"6.10.0", "6.17.0"},
		{"6.11.0", "6.18.0"},
		{"7.1.0", "7.8.0"},
		{"7.4.0", "7.9.0"},
	}
	for _, pair := range pairs {
		v := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, pair[0], pair[1])
		if v[1].Kind() != snmp.KindCounter64 || v[0] != snmp.Counter32(uint32(v[1].Uint())) {
			t.Errorf("%s = %v, but %s = %v", pair[0], v[0], pair[1], v[1])
		}
	}
	if v := get(t, m, "31.1.1.1.6.2"); v.Uint() != values[machine.RxBytes] {
		t.Errorf("ifHCInOctets = %v, want %d", v, values[machine.RxBytes])
	}
	// A source of 32 bits has no Counter64.
	v := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, "2.2.1.10.5", "31.1.1.1.6.5")
	if v[0] != snmp.Counter32(5020) || v[1] != snmp.NoSuchInstance {
		t.Errorf("of a 32-bit source ifInOctets = %v and ifHCInOctets = %v", v[0], v[1])
	}
}

// TestUnicastNeverFalls feeds a driver's two counters that do not move together.
func TestUnicastNeverFalls(t *testing.T) {
	d := &device{}
	d.setLinks(machine.Link{Index: 3}, machine.Link{Index: 8})
	m := d.mib(t)
	at := now
	steps := []struct {
		name               string
		packets, multicast uint64
		began              time.Time
		want               uint64
	}{
		{"first", 1000, 100, time.Time{}, 900},
		{"packets first", 1500, 100, time.Time{}, 1400},
		{"multicast catches up", 1500, 400, time.Time{}, 1400},
		{"still behind", 1700, 400, time.Time{}, 1400},
		{"ahead", 1900, 400, time.Time{}, 1500},
		{"a link with that index anew", 10, 1, now, 9},
		{"more multicast than packets", 10, 50, now, 9},
	}
	for _, step := range steps {
		at = at.Add(time.Second)
		for _, wide := range []bool{true, false} {
			index := uint32(3)
			if !wide {
				index = 8
			}
			values := map[machine.LinkStat]uint64{machine.RxPackets: step.packets, machine.Multicast: step.multicast}
			row := machine.NewLinkCounters(index, wide, values)
			row.Discontinuity = step.began
			d.counters = append(d.counters[:len(d.counters):len(d.counters)], row)
		}
		d.counters = d.counters[len(d.counters)-2:]
		v := ask(t, m, &mib.Request{Version: snmp.V2c, At: at}, "2.2.1.11.3", "31.1.1.1.7.3", "2.2.1.11.8")
		if v[0].Uint() != step.want || v[1].Uint() != step.want || v[2].Uint() != step.want {
			t.Errorf("%s: ifInUcastPkts = %v, ifHCInUcastPkts = %v, of 32 bits %v, want %d", step.name, v[0], v[1], v[2], step.want)
		}
	}
}

// TestUnicastWraps at 32 bits, where the sources do.
func TestUnicastWraps(t *testing.T) {
	d := &device{}
	d.setLinks(machine.Link{Index: 3})
	m := d.mib(t)
	for i, step := range []struct{ packets, multicast, want uint64 }{
		{1<<32 - 10, 1 << 31, 1<<31 - 10},
		{10, 1 << 31, 1<<31 + 10},
		{20, 1<<31 + 5, 1<<31 + 15},
	} {
		d.counters = []machine.LinkCounters{machine.NewLinkCounters(3, false, map[machine.LinkStat]uint64{
			machine.RxPackets: step.packets, machine.Multicast: step.multicast,
		})}
		v := ask(t, m, &mib.Request{Version: snmp.V2c, At: now.Add(time.Duration(i) * time.Second)}, "2.2.1.11.3")
		if v[0].Uint() != step.want {
			t.Errorf("reading %d: ifInUcastPkts = %v, want %d", i, v[0], step.want)
		}
	}
}

// TestLinksComeAndGo checks rows and index after each change, with counters that are a moment behind or ahead: a link that the
// counters no longer have is no row, since it would be one with holes.
func TestLinksComeAndGo(t *testing.T) {
	d := &device{counters: []machine.LinkCounters{
		machine.NewLinkCounters(2, true, map[machine.LinkStat]uint64{machine.RxBytes: 200}),
		machine.NewLinkCounters(4, true, map[machine.LinkStat]uint64{machine.RxBytes: 400}),
	}}
	m := d.mib(t)
	at := now
	for _, indexes := range [][]uint32{{1, 2}, {2, 4}, {2, 4, 6}, {6}, {}, {4}} {
		at = at.Add(time.Second)
		var links []machine.Link
		want := []string{}
		for _, i := range indexes {
			links = append(links, machine.Link{Index: i, Name: fmt.Sprint("eth", i)})
			if i == 2 || i == 4 {
				want = append(want, fmt.Sprint("2.", i, " eth", i))
			}
		}
		for _, i := range indexes {
			if i == 2 || i == 4 {
				want = append(want, fmt.Sprint("10.", i, " ", 100*i))
			}
		}
		d.setLinks(links...)
		got := []string{}
		for _, column := range []uint32{2, 10} {
			entry := name("2.2.1").Append(column)
			for _, vb := range mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: at}, entry) {
				got = append(got, fmt.Sprint(vb.Name.From(name("2.2.1").Len()), " ", vb.Value))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("links %v (-want +got):\n%s", indexes, diff)
		}
		mibtest.Test(t, m, mib2.Roots()...)
	}
}

// TestRename changes a link without a change of rows.
func TestRename(t *testing.T) {
	d := router()
	m := d.mib(t)
	before := get(t, m, "2.2.1.2.2")
	renamed := *d.links.List[1]
	renamed.Name = "wan0"
	d.links = &machine.Links{
		List:       []*machine.Link{d.links.List[0], &renamed, d.links.List[2]},
		Generation: d.links.Generation + 1, RowGeneration: d.links.RowGeneration,
	}
	after := get(t, m, "2.2.1.2.2")
	if before != snmp.OctetString("eth0") || after != snmp.OctetString("wan0") {
		t.Errorf("ifDescr = %v, then %v", before, after)
	}
}
