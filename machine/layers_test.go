package machine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLayers(t *testing.T) {
	links := &Links{List: []*Link{
		{Index: 1, Name: "lo"},
		{Index: 2, Name: "eth0", Master: 10},
		{Index: 3, Name: "eth1", Master: 10},
		{Index: 4, Name: "veth0", Kind: "veth", Lower: 5, Master: 11},
		{Index: 5, Name: "veth1", Kind: "veth", Lower: 4},
		{Index: 6, Name: "eth0.7", Kind: "vlan", Lower: 2},
		{Index: 7, Name: "mac0", Kind: "macvlan", Lower: 5},
		{Index: 8, Name: "mac1", Kind: "macvlan", Lower: 2, LowerElsewhere: true},
		{Index: 9, Name: "in-vrf", Master: 12},
		{Index: 10, Name: "bond0", Kind: "bond", Master: 11},
		{Index: 11, Name: "br0", Kind: "bridge"},
		{Index: 12, Name: "red", Kind: "vrf"},
		{Index: 13, Name: "gone", Kind: "vlan", Lower: 99, Master: 98},
	}}
	var got []string
	links.Layers(func(higher, lower uint32) { got = append(got, fmt.Sprintf("%d over %d", higher, lower)) })
	slices.Sort(got)
	want := []string{"10 over 2", "10 over 3", "11 over 10", "11 over 4", "6 over 2", "7 over 5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStackChange holds which changes of links are changes of what lies on what.
func TestStackChange(t *testing.T) {
	eth, veth := Link{Index: 2, Name: "eth0", OperState: OperUp}, Link{Index: 4, Name: "veth0", Kind: "veth", Lower: 5}
	for _, tt := range []struct {
		name   string
		change linkChange
		want   time.Time
	}{
		{"nothing", linkChange{link: eth}, time.Time{}},
		{"a state", linkChange{link: Link{Index: 2, Name: "eth0", OperState: OperDown}}, time.Time{}},
		{"a name", linkChange{link: Link{Index: 2, Name: "wan", OperState: OperUp}}, time.Time{}},
		{"a veth's peer", linkChange{link: Link{Index: 4, Name: "veth0", Kind: "veth", Lower: 6}}, time.Time{}},
		{"a master", linkChange{link: Link{Index: 2, Name: "eth0", OperState: OperUp, Master: 7}}, second(9)},
		{"a lower link", linkChange{link: Link{Index: 2, Name: "eth0", OperState: OperUp, Lower: 7}}, second(9)},
		{"a new link", linkChange{link: Link{Index: 9, Name: "new"}}, second(9)},
		{"one less", linkChange{link: Link{Index: 2}, gone: true}, second(9)},
	} {
		var s linkSet
		s.replace([]Link{eth, veth}, second(1))
		s.apply([]linkChange{tt.change}, second(9))
		if got := s.load().StackChange; !got.Equal(tt.want) {
			t.Errorf("%s: changed at %v, want %v", tt.name, got, tt.want)
		}
	}
}
