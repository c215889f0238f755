//go:build interop

package machine_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
)

// eventually waits until the links are as ok wants them. The kernel has sent its events by the time that `ip` ends; what is waited for
// is only that they are taken in.
func eventually(t *testing.T, m *machine.Machine, what string, ok func(l *machine.Links) bool) *machine.Links {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		links := must(t, m.Reading(time.Now(), true).Links)
		if ok(links) {
			return links
		}
		if time.Now().After(deadline) {
			for _, l := range links.List {
				t.Logf("%+v", *l)
			}
			t.Fatalf("never seen: %s", what)
		}
	}
}

// link waits until the link of that index is as ok wants it.
func link(t *testing.T, m *machine.Machine, index uint32, what string, ok func(l *machine.Link) bool) *machine.Link {
	t.Helper()
	links := eventually(t, m, what, func(l *machine.Links) bool {
		x, found := l.ByIndex(index)
		return found && ok(x)
	})
	x, _ := links.ByIndex(index)
	return x
}

func TestLinkEvents(t *testing.T) {
	m := open(t, machine.Options{})
	begin := must(t, m.Reading(time.Now(), true).Links)
	if lo, ok := begin.ByIndex(1); !ok || lo.Type != machine.TypeLoopback || !lo.Up() || !lo.Running() ||
		lo.Connector != machine.Absent || !lo.Created.IsZero() || !lo.LastChange.IsZero() {
		t.Errorf("lo: %+v", lo)
	}

	ip(t, "link", "add", "veth0", "index", "201", "type", "veth", "peer", "name", "veth1", "index", "202")
	t.Cleanup(func() { ip(t, "link", "del", "veth9") })
	made := link(t, m, 201, "veth made", func(l *machine.Link) bool { return l.Lower == 202 })
	if made.Name != "veth0" || made.Kind != "veth" || made.OperState != machine.OperDown || made.Up() ||
		made.Type != machine.TypeEthernet || len(made.Address) != 6 || made.MTU != 1500 || made.Created.IsZero() ||
		made.Connector != machine.Absent {
		t.Errorf("made: %+v", made)
	}
	after := must(t, m.Reading(time.Now(), true).Links)
	if after.LastChange.IsZero() || after.RowGeneration <= begin.RowGeneration || after.Generation <= begin.Generation {
		t.Errorf("table: %v, %d, %d", after.LastChange, after.RowGeneration, after.Generation)
	}

	ip(t, "link", "set", "veth0", "up")
	link(t, m, 201, "no carrier", func(l *machine.Link) bool { return l.Up() && l.OperState == machine.OperLowerLayerDown })
	ip(t, "link", "set", "veth1", "up")
	up := link(t, m, 201, "up", func(l *machine.Link) bool { return l.OperState == machine.OperUp && l.Running() })
	if !up.LastChange.After(made.LastChange) || !up.Created.Equal(made.Created) || up.Speed != 10e9 {
		t.Errorf("up: %+v", up)
	}
	ip(t, "link", "set", "veth1", "down")
	down := link(t, m, 201, "down", func(l *machine.Link) bool { return l.OperState != machine.OperUp && !l.Running() })
	if !down.LastChange.After(up.LastChange) || !down.Up() {
		t.Errorf("down: %+v", down)
	}

	ip(t, "link", "set", "veth0", "alias", "to the <core>")
	aliased := link(t, m, 201, "alias", func(l *machine.Link) bool { return l.Alias == "to the <core>" })
	if !aliased.LastChange.Equal(down.LastChange) {
		t.Errorf("an alias is no change of state: %+v", aliased)
	}
	ip(t, "link", "set", "veth0", "down")
	ip(t, "link", "set", "veth0", "name", "veth9")
	renamed := link(t, m, 201, "renamed", func(l *machine.Link) bool { return l.Name == "veth9" })
	if !renamed.Created.Equal(made.Created) {
		t.Errorf("a rename is no new link: %+v", renamed)
	}
	row, ok := must(t, m.Reading(time.Now(), true).Counters).ByIndex(201)
	if !ok || !row.Discontinuity.Equal(made.Created) {
		t.Errorf("counters: %+v", row)
	}

	ip(t, "link", "del", "veth9")
	eventually(t, m, "deleted", func(l *machine.Links) bool { _, ok := l.ByIndex(201); return !ok && len(l.List) == len(begin.List) })
	ip(t, "link", "add", "veth9", "index", "201", "type", "veth", "peer", "name", "veth1", "index", "202")
	again := link(t, m, 201, "made again", func(l *machine.Link) bool { return true })
	if !again.Created.After(made.Created) || again.Alias != "" {
		t.Errorf("made again: %+v", again)
	}
	row, ok = must(t, m.Reading(time.Now(), true).Counters).ByIndex(201)
	if !ok || !row.Discontinuity.Equal(again.Created) {
		t.Errorf("counters of a link that was made again: %+v, want a discontinuity at %v", row, again.Created)
	}
}

func TestBridgeEvents(t *testing.T) {
	m := open(t, machine.Options{})
	batch(t, "link add br0 index 301 type bridge\nlink add veth0 index 302 type veth peer name veth1 index 303\n"+
		"link set veth0 master br0\nlink set br0 up\nlink set veth0 up\nlink set veth1 up\n")
	t.Cleanup(func() { batch(t, "link del br0\nlink del veth0\n") })
	port := link(t, m, 302, "enslaved", func(l *machine.Link) bool { return l.Master == 301 && l.OperState == machine.OperUp })
	if port.Promiscuity == 0 {
		t.Errorf("a bridge's port hears everything: %+v", port)
	}
	link(t, m, 301, "bridge with the speed of its port", func(l *machine.Link) bool { return l.Speed == 10e9 && l.Kind == "bridge" })
	created := port.Created
	ip(t, "link", "set", "veth0", "nomaster")
	// The bridge announces the end of the port as if the link were deleted.
	if free := link(t, m, 302, "free", func(l *machine.Link) bool { return l.Master == 0 }); !free.Created.Equal(created) {
		t.Errorf("released: %+v", free)
	}
}

// A storm of events, more than the socket may hold, ends in the truth.
func TestEventStorm(t *testing.T) {
	m := open(t, machine.Options{})
	begin := len(must(t, m.Reading(time.Now(), true).Links).List)
	t.Run("storm", func(t *testing.T) {
		manyLinks(t, 150)
		links := eventually(t, m, "300 links", func(l *machine.Links) bool { return len(l.List) == begin+300 })
		for i, l := range links.List {
			if i > 0 && links.List[i-1].Index >= l.Index {
				t.Fatalf("index %d after %d", l.Index, links.List[i-1].Index)
			}
		}
		counters := must(t, m.Reading(time.Now(), true).Counters)
		if len(counters.List) != len(links.List) {
			t.Errorf("%d rows of counters for %d links", len(counters.List), len(links.List))
		}
	})
	eventually(t, m, "all gone", func(l *machine.Links) bool { return len(l.List) == begin })
}

func TestRoutesInNamespace(t *testing.T) {
	batch(t, `link add veth0 index 401 type veth peer name veth1
link set veth0 up
link set veth1 up
addr add 192.0.2.1/24 brd + dev veth0
route add default via 192.0.2.254 metric 50
route add 203.0.113.0/24 nexthop via 192.0.2.7 nexthop via 192.0.2.8
route add blackhole 10.0.0.0/8
neigh add 192.0.2.20 lladdr 02:00:00:00:02:20 nud permanent dev veth0
`)
	t.Cleanup(func() { ip(t, "link", "del", "veth0"); ip(t, "route", "del", "blackhole", "10.0.0.0/8") })
	r := open(t, machine.Options{}).Reading(time.Now(), true)
	var got []string
	for _, x := range must(t, r.IPv4Routes) {
		got = append(got, x.Dst.String()+" "+x.NextHop.String())
	}
	want := []string{
		"0.0.0.0/0 192.0.2.254", "10.0.0.0/8 invalid IP", "192.0.2.0/24 invalid IP",
		"203.0.113.0/24 192.0.2.7", "203.0.113.0/24 192.0.2.8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	neighbours := must(t, r.IPv4Neighbours)
	if len(neighbours) != 1 || neighbours[0].Kind() != machine.NeighbourIsStatic || neighbours[0].Link != 401 {
		t.Errorf("neighbours %+v", neighbours)
	}
}

// TestKeptLists: lists of addresses and routes are read again after a change, and not without one.
func TestKeptLists(t *testing.T) {
	batch(t, "link add veth0 index 411 type veth peer name veth1 index 412\nlink set veth0 up\nlink set veth1 up\naddr add 192.0.2.1/24 dev veth0\n")
	t.Cleanup(func() { ip(t, "link", "del", "veth0") })
	m := open(t, machine.Options{})
	routes := func() string {
		t.Helper()
		r := m.Reading(time.Now(), true)
		var out []string
		for _, x := range append(slices.Clone(must(t, r.IPv4Routes)), must(t, r.IPv6Routes)...) {
			if x.Link == 411 && !x.Dst.Addr().IsLinkLocalUnicast() {
				out = append(out, x.Dst.String())
			}
		}
		for _, x := range append(slices.Clone(must(t, r.IPv4Addresses)), must(t, r.IPv6Addresses)...) {
			if x.Link == 411 && !x.Prefix.Addr().IsLinkLocalUnicast() {
				out = append(out, x.Prefix.String())
			}
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct{ do, want string }{
		{"", "192.0.2.0/24 192.0.2.1/24"},
		{"route add 203.0.113.0/24 via 192.0.2.7", "192.0.2.0/24 203.0.113.0/24 192.0.2.1/24"},
		{"route del 203.0.113.0/24", "192.0.2.0/24 192.0.2.1/24"},
		{"addr add 2001:db8::1/64 dev veth0 nodad", "192.0.2.0/24 2001:db8::/64 192.0.2.1/24 2001:db8::1/64"},
		{"route add 2001:db8:1::/48 via 2001:db8::7", "192.0.2.0/24 2001:db8::/64 2001:db8:1::/48 192.0.2.1/24 2001:db8::1/64"},
		{"addr del 2001:db8::1/64 dev veth0", "192.0.2.0/24 2001:db8:1::/48 192.0.2.1/24"},
		{"link set veth0 down", "192.0.2.1/24"},
	} {
		if step.do != "" {
			batch(t, step.do+"\n")
		}
		if got := routes(); got != step.want {
			t.Errorf("after %q: %s, want %s", step.do, got, step.want)
		}
	}
	// The kernel has more to say of a link that was just made.
	same := func() bool {
		a, b := must(t, m.Reading(time.Now(), true).IPv4Addresses), must(t, m.Reading(time.Now(), true).IPv4Addresses)
		return &a[0] == &b[0]
	}
	kept := false
	for range 3 {
		kept = kept || same()
	}
	if !kept {
		t.Error("a list is read again though nothing changed")
	}
	// More changes than the socket has room for.
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "route add blackhole 10.%d.%d.0/24\n", i/256, i%256)
	}
	batch(t, many.String())
	if got := len(must(t, m.Reading(time.Now(), true).IPv4Routes)); got < 2000 {
		t.Errorf("%d routes", got)
	}
	batch(t, strings.ReplaceAll(many.String(), "route add", "route del"))
	if got := len(must(t, m.Reading(time.Now(), true).IPv4Routes)); got >= 2000 {
		t.Errorf("%d routes", got)
	}
}

// TestLayersInNamespace builds a bridge and macvlans and takes them apart again.
func TestLayersInNamespace(t *testing.T) {
	m := open(t, machine.Options{})
	batch(t, "link add br0 index 301 type bridge\nlink add veth0 index 302 type veth peer name veth1 index 303\n"+
		"link set veth0 master br0\nlink add mac0 link veth1 index 304 type macvlan\nlink add mac1 link br0 index 305 type macvlan\n")
	t.Cleanup(func() { batch(t, "link del veth0\nlink del br0\n") })
	layers := func(l *machine.Links) (pairs []string) {
		l.Layers(func(higher, lower uint32) { pairs = append(pairs, fmt.Sprintf("%d over %d", higher, lower)) })
		slices.Sort(pairs)
		return pairs
	}
	want := []string{"301 over 302", "304 over 303", "305 over 301"}
	built := eventually(t, m, "the stack", func(l *machine.Links) bool { return slices.Equal(layers(l), want) })
	if built.StackChange.IsZero() {
		t.Error("the stack did not change")
	}
	ip(t, "link", "set", "veth0", "nomaster")
	apart := eventually(t, m, "no port", func(l *machine.Links) bool { return slices.Equal(layers(l), want[1:]) })
	if !apart.StackChange.After(built.StackChange) {
		t.Errorf("the stack changed at %v, and before at %v", apart.StackChange, built.StackChange)
	}

	ip(t, "link", "set", "veth1", "up")
	ip(t, "maddress", "add", "01:00:5e:11:22:33", "dev", "veth1")
	groups := must(t, m.Reading(time.Now(), true).LinkGroups)
	if !slices.Contains(groups, machine.LinkGroup{Link: 303, Address: "\x01\x00\x5e\x11\x22\x33"}) {
		t.Errorf("veth1 listens to %+v", groups)
	}
}
