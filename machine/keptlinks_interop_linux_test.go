//go:build interop

package machine_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"walkabout/machine"
)

// TestKeptLinks changes how IP runs on a link by sysctl, and asks at once.
func TestKeptLinks(t *testing.T) {
	batch(t, "link add veth0 index 611 type veth peer name veth1\nlink set veth0 up\nlink set veth1 up\naddr add 2001:db8:611::1/64 dev veth0 nodad\n")
	t.Cleanup(func() { ip(t, "link", "del", "veth0") })
	m := open(t, machine.Options{})
	// Until then IPv6 does not begin on it, so that nothing is told when it is switched off.
	eventually(t, m, "veth0 is up", func(l *machine.Links) bool {
		return slices.ContainsFunc(l.List, func(l *machine.Link) bool { return l.Index == 611 && l.OperState == machine.OperUp })
	})
	state := func() string {
		r := m.Reading(time.Now(), true)
		links := must(t, r.IPv6Links)
		i := slices.IndexFunc(links, func(l machine.IPv6Link) bool { return l.Link == 611 })
		if i < 0 {
			return "none"
		}
		four := slices.IndexFunc(must(t, r.IPv4Links), func(l machine.IPv4Link) bool { return l.Link == 611 })
		return fmt.Sprint("forwarding ", links[i].Forwarding, ", disabled ", links[i].Disabled, ", IPv4 ", four >= 0)
	}
	for _, step := range []struct{ file, value, want string }{
		{"", "", "forwarding false, disabled false, IPv4 true"},
		{"forwarding", "1", "forwarding true, disabled false, IPv4 true"},
		{"forwarding", "0", "forwarding false, disabled false, IPv4 true"},
		{"disable_ipv6", "1", "forwarding false, disabled true, IPv4 true"},
		{"disable_ipv6", "0", "forwarding false, disabled false, IPv4 true"},
	} {
		if step.file != "" {
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/veth0/"+step.file, []byte(step.value), 0); err != nil {
				t.Fatal(err)
			}
		}
		if got := state(); got != step.want {
			t.Errorf("after %s=%s: %s, want %s", step.file, step.value, got, step.want)
		}
	}
	ip(t, "link", "set", "veth0", "mtu", "1000") // which IPv6 does without
	if got := state(); got != "none" {
		t.Errorf("with an MTU of 1000: %s", got)
	}
}
