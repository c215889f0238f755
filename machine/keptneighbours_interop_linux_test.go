//go:build interop

package machine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/machine"
)

// TestKeptNeighbours changes neighbours, in every way that no other table's change tells of, and asks at once.
func TestKeptNeighbours(t *testing.T) {
	batch(t, "link add veth0 index 601 type veth peer name veth1\nlink set veth0 up\nlink set veth1 up\naddr add 192.0.2.1/24 dev veth0\naddr add 2001:db8::1/64 dev veth0 nodad\n")
	t.Cleanup(func() { ip(t, "link", "del", "veth0") })
	m := open(t, machine.Options{})
	neighbours := func() string {
		var out []string
		r := m.Reading(time.Now(), true)
		for _, n := range slices.Concat(must(t, r.IPv4Neighbours), must(t, r.IPv6Neighbours)) {
			if n.Link == 601 && !n.Addr.IsLinkLocalUnicast() && n.Kind() != machine.NeighbourIsInvalid {
				kind := "dynamic"
				if n.Kind() == machine.NeighbourIsStatic {
					kind = "static"
				}
				out = append(out, n.Addr.String()+" "+kind)
			}
		}
		return strings.Join(out, ", ")
	}
	for _, step := range []struct{ do, want string }{
		{"", ""},
		{"neigh add 192.0.2.20 lladdr 02:00:00:00:02:20 nud permanent dev veth0", "192.0.2.20 static"},
		{"neigh replace 192.0.2.20 lladdr 02:00:00:00:02:20 nud reachable dev veth0", "192.0.2.20 dynamic"},
		{"neigh add 2001:db8::20 lladdr 02:00:00:00:02:20 nud stale dev veth0", "192.0.2.20 dynamic, 2001:db8::20 dynamic"},
		{"neigh del 192.0.2.20 dev veth0", "2001:db8::20 dynamic"},
		{"link set veth0 down", ""},
	} {
		if step.do != "" {
			batch(t, step.do+"\n")
		}
		if got := neighbours(); got != step.want {
			t.Errorf("after %q: %s, want %s", step.do, got, step.want)
		}
	}
}
