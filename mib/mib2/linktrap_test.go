package mib2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
)

// RFC 2863 section 3.1.15: only what enters or leaves down is told, and not by way of notPresent.
func TestLinkTrapOf(t *testing.T) {
	d := router()
	m := d.mib(t)
	up := *d.links.List[1]
	up.Flags, up.OperState, up.Alias = machine.FlagUp|machine.FlagRunning, machine.OperUp, "to the core"
	with := func(change func(l *machine.Link)) *machine.Link {
		l := up
		change(&l)
		return &l
	}
	down := with(func(l *machine.Link) { l.OperState = machine.OperDown })
	adminDown := with(func(l *machine.Link) { l.Flags, l.OperState = 0, machine.OperDown })
	dormant := with(func(l *machine.Link) { l.OperState = machine.OperDormant })
	lower := with(func(l *machine.Link) { l.OperState = machine.OperLowerLayerDown })
	veth := with(func(l *machine.Link) { l.Kind = "veth" })
	peerDown := with(func(l *machine.Link) { l.Kind, l.OperState = "veth", machine.OperLowerLayerDown })
	vethDown := with(func(l *machine.Link) { l.Kind, l.Flags, l.OperState = "veth", 0, machine.OperDown })
	absent := with(func(l *machine.Link) { l.OperState = machine.OperNotPresent })
	renamed := with(func(l *machine.Link) { l.Name = "other" })
	for name, c := range map[string]struct {
		before, after *machine.Link
		want          string // linkUp, linkDown, or nothing; admin and oper status
	}{
		"up to down":              {&up, down, "linkDown 1 2"},
		"up to admin down":        {&up, adminDown, "linkDown 2 2"},
		"down to admin down":      {down, adminDown, ""},
		"admin down to up":        {adminDown, &up, "linkUp 1 1"},
		"down to dormant":         {down, dormant, "linkUp 1 5"},
		"dormant to up":           {dormant, &up, ""},
		"up to lowerLayerDown":    {&up, lower, ""},
		"lowerLayerDown to down":  {lower, down, "linkDown 1 2"},
		"down to lowerLayerDown":  {down, lower, "linkUp 1 7"},
		"veth up to peer down":    {veth, peerDown, "linkDown 1 7"},
		"veth peer down to up":    {peerDown, veth, "linkUp 1 1"},
		"veth peer down to down":  {peerDown, vethDown, ""},
		"up to notPresent":        {&up, absent, ""},
		"notPresent to down":      {absent, down, ""},
		"down to notPresent":      {down, absent, ""},
		"another name":            {&up, renamed, ""},
		"appeared":                {nil, &up, ""},
		"appeared down":           {nil, down, ""},
		"gone":                    {&up, nil, ""},
		"gone, having been down":  {down, nil, ""},
		"nothing that is visible": {&up, &up, ""},
	} {
		trap, ok := m.LinkTrapOf(machine.LinkEvent{Before: c.before, After: c.after, Links: d.links, At: now})
		got := ""
		if ok {
			got = map[bool]string{true: "linkUp", false: "linkDown"}[trap.Up] + fmt.Sprint(" ", trap.VarBinds[1].Value, " ", trap.VarBinds[2].Value)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	trap, _ := m.LinkTrapOf(machine.LinkEvent{Before: &up, After: down, Links: d.links, At: now})
	var names []string
	for _, vb := range trap.VarBinds {
		names = append(names, strings.TrimSuffix(vb.Name.String(), fmt.Sprint(".", up.Index))+" "+vb.Value.String())
	}
	if diff := cmp.Diff([]string{"1.3.6.1.2.1.2.2.1.1 " + fmt.Sprint(up.Index), "1.3.6.1.2.1.2.2.1.7 1", "1.3.6.1.2.1.2.2.1.8 2",
		"1.3.6.1.2.1.2.2.1.2 " + up.Name, "1.3.6.1.2.1.31.1.1.1.18 to the core"}, names); diff != "" {
		t.Error(diff)
	}
}

// ifLinkUpDownTrapEnable decides, as it was SET or by default: disabled for a link that stands on others.
func TestLinkTrapOfHeedsIfLinkUpDownTrapEnable(t *testing.T) {
	m, k := writableRouter(t)
	for _, l := range k.links.List {
		up, down := *l, *l
		up.Flags, up.OperState = machine.FlagUp|machine.FlagRunning, machine.OperUp
		down.Flags, down.OperState = machine.FlagUp, machine.OperDown
		object := fmt.Sprint("31.1.1.1.14.", l.Index)
		told := func() bool {
			_, ok := m.LinkTrapOf(machine.LinkEvent{Before: &up, After: &down, Links: k.links, At: now})
			return ok
		}
		if want := get(t, m, object).Int() == 1; told() != want {
			t.Errorf("%s: told %t, enabled %t", l.Name, told(), want)
		}
		for _, value := range []int32{1, 2} {
			if got := set(t, m, number(object, value)); got != "noError" {
				t.Fatal(got)
			}
			if told() != (value == 1) {
				t.Errorf("%s, set to %d: told %t", l.Name, value, told())
			}
		}
	}
}
