package privilege_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/privilege"
)

func TestLookupNumbers(t *testing.T) {
	for _, tt := range []struct {
		user, group string
		want        privilege.Identity
	}{
		{"#1999999999", "1999999998", privilege.Identity{Name: "#1999999999:1999999998", UID: 1999999999, GID: 1999999998, Groups: []int{1999999998}}},
		{"", "#1999999998", privilege.Identity{Name: "#1999999998", UID: privilege.Unchanged, GID: 1999999998, Groups: []int{1999999998}}},
	} {
		got, err := privilege.Lookup(tt.user, tt.group)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%q, %q: %v %s", tt.user, tt.group, err, diff)
		}
	}
	for _, name := range [][2]string{{"1999999999", ""}, {"no-such-user-here", ""}, {"", "no-such-group-here"}, {"#-1", "1"}, {"#", "1"}, {"99999999999", "1"}} {
		if id, err := privilege.Lookup(name[0], name[1]); err == nil {
			t.Errorf("%q: %+v", name, id)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for name, want := range map[string]privilege.Capability{"CAP_NET_ADMIN": privilege.NetAdmin, "sys_ptrace": privilege.SysPtrace, "Dac_Read_Search": privilege.DACReadSearch} {
		if got, ok := privilege.ParseCapability(name); !ok || got != want {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "cap_", "sys_admin", "cap_cap_net_admin"} {
		if got, ok := privilege.ParseCapability(name); ok {
			t.Errorf("%q: %v", name, got)
		}
	}
	if got := privilege.NetBindService.String(); got != "net_bind_service" {
		t.Error(got)
	}
}
