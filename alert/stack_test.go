package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
)

func pendingOf(key string) string   { return key + " admin_up_oper_down inactive>pending" }
func firingOf(key string) string    { return key + " admin_up_oper_down pending>firing" }
func resolvedOf(key string) string  { return key + " admin_up_oper_down firing>resolved recovered" }
func cancelledOf(key string) string { return key + " admin_up_oper_down pending>resolved recovered" }

// TestFolding plays the design's rule: an upper interface is folded into a lower one while that is itself pending or firing, and no further.
func TestFolding(t *testing.T) {
	const up = "poll | eth1 up/up index=1 | eth2 up/up index=2 | bond0 up/up index=3 | vlan10 up/up index=4 | stack 0/4 4/3 3/1 3/2 1/0 2/0"
	down := func(eth1, eth2, bond, vlan string) string {
		return fmt.Sprintf("poll | eth1 %s index=1 | eth2 %s index=2 | bond0 %s index=3 | vlan10 %s index=4", eth1, eth2, bond, vlan)
	}
	const upDown = "up/lowerLayerDown"
	for name, steps := range map[string][]step{
		"a cable takes all above it along, and brings them back": {
			{0, up, nil},
			{30, down("up/down", "up/up", upDown, upDown), one(pendingOf("eth1"), pendingOf("bond0"), pendingOf("vlan10"))},
			{60, down("up/down", "up/up", upDown, upDown), one(firingOf("eth1"))},
			{90, down("up/down", "up/up", upDown, upDown), nil},
			{120, down("up/up", "up/up", "up/up", "up/up"), one(resolvedOf("eth1"), cancelledOf("bond0"), cancelledOf("vlan10"))},
		},
		"what stays down when the lower one is well fires by itself": {
			{0, up, nil},
			{30, down("up/down", "up/up", upDown, "up/up"), one(pendingOf("eth1"), pendingOf("bond0"))},
			{60, down("up/down", "up/up", upDown, "up/up"), one(firingOf("eth1"))},
			{90, down("up/up", "up/up", upDown, "up/up"), one(resolvedOf("eth1"))},
			{120, down("up/up", "up/up", upDown, "up/up"), one(firingOf("bond0"))},
		},
		"the restart in the middle does not unfold": {
			{0, up, nil},
			{30, down("up/down", "up/up", upDown, "up/up"), one(pendingOf("eth1"), pendingOf("bond0"))},
			{60, down("up/down", "up/up", upDown, "up/up"), one(firingOf("eth1"))},
			{61, "restart", nil},
			{90, down("up/down", "up/up", upDown, "up/up"), nil},
			{120, down("up/down", "up/up", upDown, "up/up"), nil},
		},
		"all that is below is disabled": {
			{0, up, nil},
			{30, down("down/down", "down/down", upDown, "up/up"), one(pendingOf("bond0"))},
			{60, down("down/down", "down/down", upDown, "up/up"), one(firingOf("bond0"))},
		},
		"a lower one that is well explains nothing": {
			{0, up, nil},
			{30, down("up/up", "up/up", "up/down", upDown), one(pendingOf("bond0"), pendingOf("vlan10"))},
			{60, down("up/up", "up/up", "up/down", upDown), one(firingOf("bond0"))},
		},
		"a partial stack changes nothing": {
			{0, up, nil},
			{30, down("up/down", "up/up", upDown, "up/up") + " | stack", one(pendingOf("eth1"), pendingOf("bond0"))}, // complete, and empty
			{60, down("up/down", "up/up", upDown, "up/up"), one(firingOf("eth1"), firingOf("bond0"))},
		},
		"the two ends of a veth are not below each other": {
			{0, "poll | va up/up index=1 | vb up/up index=2 | stack 1/2 2/1", nil},
			{30, "poll | va up/lowerLayerDown index=1 | vb up/down index=2", one(pendingOf("va"), pendingOf("vb"))},
			{60, "poll | va up/lowerLayerDown index=1 | vb up/down index=2", one(firingOf("va"), firingOf("vb"))},
		},
		"a circle is cut": {
			{0, "poll | a up/up index=1 | b up/up index=2 | c up/up index=3 | stack 1/2 2/3 3/1", nil},
			{30, "poll | a up/down index=1 | b up/down index=2 | c up/down index=3", one(pendingOf("a"), pendingOf("b"), pendingOf("c"))},
			{60, "poll | a up/down index=1 | b up/down index=2 | c up/down index=3", one(firingOf("c"))},
		},
		"a poll of the upper one alone waits for the lower one": {
			{0, up, nil},
			{30, down("up/up", "up/up", "up/up", "up/up"), nil},
			{31, "linkdown 4", nil},
			{31, "poll extra | vlan10 up/lowerLayerDown index=4 in=-", one(pendingOf("vlan10"))},
			{33, "poll extra | vlan10 up/lowerLayerDown index=4 in=- | bond0 up/lowerLayerDown index=3 in=-", one(pendingOf("bond0"))},
			{60, down("up/down", "up/up", upDown, upDown), one(pendingOf("eth1"))},
			{90, down("up/down", "up/up", upDown, upDown), one(firingOf("eth1"))},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, quick(), nil, steps) })
	}
}

// TestFoldedTells: who is kept back says by whom, and who fires says how many it keeps back.
func TestFoldedTells(t *testing.T) {
	e := play(t, quick(), nil, []step{
		{0, "poll | eth1 up/up index=1 | v10 up/up index=10 | v20 up/up index=20 | stack 10/1 20/1", nil},
		{30, "poll | eth1 up/down index=1 | v10 up/down index=10 | v20 up/down index=20", one(pendingOf("eth1"), pendingOf("v10"), pendingOf("v20"))},
		{60, "poll | eth1 up/down index=1 | v10 up/down index=10 | v20 up/down index=20", one(firingOf("eth1"))},
	})
	var got []string
	for _, a := range e.Alerts(start) {
		got = append(got, fmt.Sprintf("%s %v %q %d: %s", a.Key, a.State, a.ExplainedBy, a.Explains, a.Summary))
	}
	want := []string{
		`eth1 firing "" 2: sw1 eth1: admin up, oper down, seen for 30s, and with it 2 interfaces above it`,
		`v10 pending "eth1" 0: sw1 v10: admin up, oper down`,
		`v20 pending "eth1" 0: sw1 v20: admin up, oper down`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestStorms: what a person hears of each.
func TestStorms(t *testing.T) {
	notifications := func(ts []alert.Transition) (n int) {
		for _, tr := range ts {
			if tr.Notifies() {
				n++
			}
		}
		return n
	}
	rows := func(n int, status string, text *strings.Builder) {
		for i := range n {
			fmt.Fprintf(text, " | v%d %s index=%d", i, status, 100+i)
		}
	}
	t.Run("a device with 500 ports dies", func(t *testing.T) {
		cfg := alert.DefaultConfig()
		cfg.Targets = config().Targets
		e := alert.NewEngine()
		e.Configure(start, cfg)
		var poll strings.Builder
		poll.WriteString(" ")
		rows(500, "up/up", &poll)
		told := notifications(e.Observe(parsePoll(t, poll.String(), start)))
		for i := range 20 {
			told += notifications(e.Failed(start.Add(time.Duration(i+1)*30*time.Second), "sw1", &alert.PollError{Cause: alert.CauseHostDown, Err: alert.ErrNotFound}))
		}
		if told != 1 {
			t.Errorf("%d notifications, want 1", told)
		}
	})
	t.Run("a trunk under 100 VLANs goes down", func(t *testing.T) {
		cfg := alert.DefaultConfig()
		cfg.Targets = config().Targets
		e := alert.NewEngine()
		e.Configure(start, cfg)
		var up, down, stack strings.Builder
		up.WriteString("| trunk up/up index=1")
		rows(100, "up/up", &up)
		stack.WriteString(" | stack")
		for i := range 100 {
			fmt.Fprintf(&stack, " %d/1", 100+i)
		}
		down.WriteString("| trunk up/down index=1")
		rows(100, "up/lowerLayerDown", &down)
		told := notifications(e.Observe(parsePoll(t, up.String()+stack.String(), start)))
		for i := range 20 {
			told += notifications(e.Observe(parsePoll(t, down.String(), start.Add(time.Duration(i+1)*30*time.Second))))
		}
		if told != 1 {
			t.Errorf("%d notifications, want 1", told)
		}
	})
	t.Run("a port flaps 40 times, and each time for long enough to be told", func(t *testing.T) {
		cfg := alert.DefaultConfig()
		cfg.Targets = config().Targets
		e := alert.NewEngine()
		e.Configure(start, cfg)
		told := 0
		for i := range 40 * 5 {
			state := "down"
			if i%5 > 2 {
				state = "up"
			}
			told += notifications(e.Observe(parsePoll(t, "| p1 up/"+state, start.Add(time.Duration(i)*30*time.Second))))
		}
		if told != 2 { // it fires, and is flapping
			t.Errorf("%d notifications, want 2", told)
		}
	})
	t.Run("a port flaps 40 times", func(t *testing.T) {
		cfg := alert.DefaultConfig()
		cfg.Targets = config().Targets
		e := alert.NewEngine()
		e.Configure(start, cfg)
		told := 0
		for i := range 80 {
			told += notifications(e.Observe(parsePoll(t, "| p1 up/"+[]string{"down", "up"}[i%2], start.Add(time.Duration(i)*30*time.Second))))
		}
		if told != 1 {
			t.Errorf("%d notifications, want 1", told)
		}
	})
}

// TestTold: the device's own linkDown stands for the first of the two polls that must agree.
func TestTold(t *testing.T) {
	for name, steps := range map[string][]step{
		"one poll confirms": {
			{0, "poll | p1 up/up index=7", nil},
			{10, "linkdown 7", nil},
			{10, "poll extra | p1 up/down index=7 in=-", one(pending, firing)},
			{30, "poll | p1 up/up index=7", one(recovered)},
		},
		"one that is not confirmed is nothing": {
			{0, "poll | p1 up/up index=7", nil},
			{10, "linkdown 7", nil},
			{10, "poll extra | p1 up/up index=7 in=-", nil},
			{30, "poll | p1 up/down index=7", one(pending)},
		},
		"of another port": {
			{0, "poll | p1 up/up index=7", nil},
			{10, "linkdown 8", nil},
			{10, "poll extra | p1 up/down index=7 in=-", one(pending)},
			{12, "poll extra | p1 up/down index=7 in=-", one(firing)},
		},
		"too long ago": {
			{0, "poll | p1 up/up index=7", nil},
			{10, "linkdown 7", nil},
			{90, "poll | p1 up/down index=7", one(pending)},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, quick(), nil, steps) })
	}
}
