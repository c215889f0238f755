package machine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// second returns the n-th second of the tests' clock.
func second(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

func TestLinkSet(t *testing.T) {
	eth := Link{Index: 2, Name: "eth0", Type: TypeEthernet, OperState: OperUp, Flags: FlagUp | FlagRunning}
	tun := Link{Index: 5, Name: "tun0", Type: TypeNone, Flags: FlagUp | FlagRunning}
	with := func(l Link, change func(l *Link)) Link {
		change(&l)
		return l
	}
	changed := func(l Link, change func(l *Link)) linkChange { return linkChange{link: with(l, change)} }
	gone := func(index uint32) linkChange { return linkChange{link: Link{Index: index}, gone: true} }

	tests := []struct {
		name    string
		changes []linkChange
		want    []Link
		gen     uint64 // by how much Generation grows
		rows    uint64 // by how much RowGeneration grows
	}{
		{"nothing new", []linkChange{{link: eth}, {link: tun}}, []Link{eth, tun}, 0, 0},
		{
			"oper state falls", []linkChange{changed(eth, func(l *Link) { l.OperState = OperDown })},
			[]Link{with(eth, func(l *Link) { l.OperState, l.LastChange = OperDown, second(9) }), tun}, 1, 0,
		},
		{
			"admin down", []linkChange{changed(eth, func(l *Link) { l.Flags = FlagRunning })},
			[]Link{with(eth, func(l *Link) { l.Flags, l.LastChange = FlagRunning, second(9) }), tun}, 1, 0,
		},
		{
			"running does not matter where the kernel tells a state", []linkChange{changed(eth, func(l *Link) { l.Flags = FlagUp })},
			[]Link{with(eth, func(l *Link) { l.Flags = FlagUp }), tun}, 1, 0,
		},
		{
			"running matters where it does not", []linkChange{changed(tun, func(l *Link) { l.Flags = FlagUp })},
			[]Link{eth, with(tun, func(l *Link) { l.Flags, l.LastChange = FlagUp, second(9) })}, 1, 0,
		},
		{
			"renamed", []linkChange{changed(eth, func(l *Link) { l.Name = "wan" })},
			[]Link{with(eth, func(l *Link) { l.Name = "wan" }), tun}, 1, 0,
		},
		{
			"down and up again", []linkChange{changed(eth, func(l *Link) { l.OperState = OperDown }), {link: eth}},
			[]Link{with(eth, func(l *Link) { l.LastChange = second(9) }), tun}, 2, 0,
		},
		{
			"made", []linkChange{{link: Link{Index: 3, Name: "new"}}},
			[]Link{eth, {Index: 3, Name: "new", Created: second(9), LastChange: second(9)}, tun}, 1, 1,
		},
		{"deleted", []linkChange{gone(2)}, []Link{tun}, 1, 1},
		{"deleted twice", []linkChange{gone(2), gone(2)}, []Link{tun}, 1, 1},
		{"an unknown one deleted", []linkChange{gone(77)}, []Link{eth, tun}, 0, 0},
		{
			"made again with its index", []linkChange{gone(2), {link: eth}},
			[]Link{with(eth, func(l *Link) { l.Created, l.LastChange = second(9), second(9) }), tun}, 2, 2,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s linkSet
			s.replace([]Link{tun, eth, tun}, second(1))
			before := s.load()
			s.apply(test.changes, second(9))
			after := s.load()
			if diff := cmp.Diff(test.want, values(after)); diff != "" {
				t.Error(diff)
			}
			if got := after.Generation - before.Generation; got != test.gen {
				t.Errorf("Generation grew by %d, want %d", got, test.gen)
			}
			if got := after.RowGeneration - before.RowGeneration; got != test.rows {
				t.Errorf("RowGeneration grew by %d, want %d", got, test.rows)
			}
			if want := test.rows > 0; want != after.LastChange.Equal(second(9)) {
				t.Errorf("LastChange %v", after.LastChange)
			}
			if diff := cmp.Diff([]Link{eth, tun}, values(before)); diff != "" {
				t.Errorf("what was published before changed: %s", diff)
			}
		})
	}
}

func values(l *Links) []Link {
	var out []Link
	for _, x := range l.List {
		out = append(out, *x)
	}
	return out
}

func TestLinkSetReplace(t *testing.T) {
	a := Link{Index: 1, Name: "a", Type: TypeEthernet, PermAddress: "123456"}
	b := Link{Index: 2, Name: "b", Type: TypeEthernet, Kind: "veth"}
	renamed, other := b, b
	renamed.Name = "c"
	other.Kind = "bridge"
	other.Created, other.LastChange = second(5), second(5)
	added := Link{Index: 9, Created: second(5), LastChange: second(5)}
	tests := []struct {
		name string
		to   []Link
		want []Link
		rows uint64
	}{
		{"same", []Link{b, a}, []Link{a, b}, 0},
		{"renamed", []Link{a, renamed}, []Link{a, renamed}, 0},
		{"gone and come", []Link{{Index: 9}, a}, []Link{a, added}, 2},
		{"index of another", []Link{a, {Index: 2, Name: "b", Type: TypeEthernet, Kind: "bridge"}}, []Link{a, other}, 2},
		{"all gone", nil, nil, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s linkSet
			s.replace([]Link{a, b}, second(1))
			before := s.load()
			s.replace(test.to, second(5))
			if diff := cmp.Diff(test.want, values(s.load())); diff != "" {
				t.Error(diff)
			}
			if got := s.load().RowGeneration - before.RowGeneration; got != test.rows {
				t.Errorf("RowGeneration grew by %d, want %d", got, test.rows)
			}
		})
	}
}

func TestLinksByIndex(t *testing.T) {
	var s linkSet
	if s.find(1) != nil {
		t.Error("found a link in an empty set")
	}
	s.replace([]Link{{Index: 7, Name: "seven"}, {Index: 2, Name: "two"}, {Index: 300, Name: "many"}}, second(0))
	for index, want := range map[uint32]string{2: "two", 7: "seven", 300: "many"} {
		if l, ok := s.load().ByIndex(index); !ok || l.Name != want {
			t.Errorf("index %d: %v, %v", index, l, ok)
		}
	}
	for _, index := range []uint32{0, 1, 3, 301} {
		if l, ok := s.load().ByIndex(index); ok {
			t.Errorf("index %d: %v", index, l)
		}
	}
}
