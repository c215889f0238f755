//go:build interop

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/interop"
)

// TestChurn makes, renames, moves and removes links, with addresses, routes and neighbours, many at once too, and holds the tables that the agent
// keeps by events against what ip says after each step.
func TestChurn(t *testing.T) {
	t.Parallel()
	b, other := newBox(t), newBox(t)
	b.start(t, "rocommunity public\n", t.TempDir())
	many := func(n int, format string) string {
		var out strings.Builder
		for i := range n {
			out.WriteString(strings.NewReplacer("{i}", fmt.Sprint(i), "{a}", fmt.Sprint(i/200), "{b}", fmt.Sprint(i%200+1)).Replace(format))
		}
		return out.String()
	}
	for _, step := range []struct{ name, commands string }{
		{"nothing", ""},
		{"a pair", "link add name v0 index 100 type veth peer name v1 index 101\nlink set v0 up\nlink set v1 up\naddr add 192.0.2.1/24 brd + dev v0\naddr add 2001:db8::1/64 dev v0 nodad\n"},
		{"a route and neighbours", "route add 198.51.100.0/24 nexthop via 192.0.2.7 nexthop via 192.0.2.8\nroute add blackhole 10.99.0.0/16\n" +
			"neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev v0\nneigh add 2001:db8::7 lladdr 02:00:00:00:00:07 dev v0\n"},
		{"a new name", "link set v0 down\nlink set v0 name w0\nlink set w0 up\n"},
		{"an alias", "link set w0 alias uplink\nlink set w0 mtu 1400\n"},
		{"its peer moves away", "link set v1 netns " + other.Path() + "\n"},
		{"it moves away", "link set w0 netns " + other.Path() + "\n"},
		{"another one of its ifIndex", "link add name v0 index 100 type bridge\n"},
		{"a bridge with ports and macvlans", "link add br0 type bridge\nlink set br0 up\n" +
			many(10, "link add p{i} type veth peer name q{i}\nlink set p{i} master br0\nlink set p{i} up\nlink set q{i} up\nlink add m{i} link q{i} type macvlan\n")},
		{"ports of another bridge", many(5, "link set p{i} nomaster\n") + "link add br1 type bridge\n" + many(10, "link set p{i} master br1\n")},
		{"hundreds of links", many(200, "link add s{i} type veth peer name t{i}\n") + many(200, "link set s{i} up\nlink set t{i} up\naddr add 10.{a}.{b}.1/24 dev s{i}\n")},
		{"thousands of routes", many(5000, "route add 172.16.{a}.{b}/32 dev br0\n")},
		{"hundreds of neighbours", many(200, "neigh add 10.{a}.{b}.77 lladdr 02:00:00:00:00:01 dev s{i}\n")},
		{"they are gone", many(200, "link del s{i}\n")},
		{"no IPv6", "sysctl 1"},
		{"IPv6 again", "sysctl 0"},
	} {
		t.Run(step.name, func(t *testing.T) {
			b.change(t, step.commands)
			var diff string
			for range 200 { // of what the kernel does by and by, detection of duplicate addresses above all
				if diff = cmp.Diff(b.byKernel(t), b.byAgent(t)); diff == "" {
					return
				}
			}
			t.Errorf("(-kernel +agent):\n%s", diff)
		})
	}
}

// change has ip carry out commands in the box, or switches IPv6.
func (b *box) change(t *testing.T, commands string) {
	t.Helper()
	var err error
	b.Do(t, func() {
		if value, ok := strings.CutPrefix(commands, "sysctl "); ok {
			err = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte(value), 0) // of the thread's namespace
			return
		}
		file := filepath.Join(t.TempDir(), "batch")
		if err = os.WriteFile(file, []byte(commands), 0o600); err != nil {
			return
		}
		out, failed := exec.Command("ip", "-batch", file).CombinedOutput()
		if failed != nil {
			err = fmt.Errorf("%w: %s", failed, out)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tables are what tables say: of an object's name and a row, its value.
type tables map[string]string

type ipLink struct {
	Index    int    `json:"ifindex"`
	Name     string `json:"ifname"`
	MTU      int
	Flags    []string
	Alias    string `json:"ifalias"`
	Master   string
	Link     string
	LinkInfo struct {
		Kind string `json:"info_kind"`
	}
	Addresses []struct {
		Local  netip.Addr
		Length int `json:"prefixlen"`
	} `json:"addr_info"`
}

// byKernel returns what ip says.
func (b *box) byKernel(t *testing.T) tables {
	t.Helper()
	ask := func(into any, args ...string) {
		t.Helper()
		text := b.IP(t, append([]string{"-j", "-d"}, args...)...)
		if strings.TrimSpace(text) == "" {
			return
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, text)
		}
	}
	var links []ipLink
	ask(&links, "addr")
	out, index := tables{}, map[string]int{}
	for _, l := range links {
		index[l.Name] = l.Index
	}
	higher, lower := map[int]bool{}, map[int]bool{}
	over := func(above, below int) {
		out[fmt.Sprintf("ifStackStatus %d.%d", above, below)] = "1"
		higher[below], lower[above] = true, true
	}
	for _, l := range links {
		out[fmt.Sprint("ifName ", l.Index)], out[fmt.Sprint("ifMtu ", l.Index)], out[fmt.Sprint("ifAlias ", l.Index)] = l.Name, fmt.Sprint(l.MTU), l.Alias
		out[fmt.Sprint("ifAdminStatus ", l.Index)] = map[bool]string{true: "1", false: "2"}[slices.Contains(l.Flags, "UP")]
		if l.Master != "" {
			over(index[l.Master], l.Index)
		}
		if l.LinkInfo.Kind == "macvlan" {
			over(l.Index, index[l.Link])
		}
		for _, a := range l.Addresses {
			if a.Local.Is4() {
				out[fmt.Sprint("ipAdEntIfIndex ", a.Local)] = fmt.Sprint(l.Index)
			} else if !a.Local.IsLinkLocalUnicast() {
				out["ipAddressIfIndex "+dotted(a.Local)] = fmt.Sprint(l.Index)
			}
		}
	}
	for _, l := range links {
		if !higher[l.Index] {
			out[fmt.Sprintf("ifStackStatus 0.%d", l.Index)] = "1"
		}
		if !lower[l.Index] {
			out[fmt.Sprintf("ifStackStatus %d.0", l.Index)] = "1"
		}
	}
	hops := 0
	for _, version := range []string{"-4", "-6"} {
		var list []struct{ NextHops []any }
		ask(&list, version, "route")
		for _, r := range list {
			hops += max(len(r.NextHops), 1)
		}
	}
	out["inetCidrRouteNumber 0"] = fmt.Sprint(hops)
	var neighbours []struct {
		Dst         netip.Addr
		Dev, LLAddr string
	}
	ask(&neighbours, "neigh", "show", "nud", "permanent")
	for _, n := range neighbours {
		out[fmt.Sprintf("ipNetToPhysicalType %d.%s", index[n.Dev], dotted(n.Dst))] = "4"
	}
	return out
}

// dotted is an InetAddressType and an InetAddress as indexes have them.
func dotted(a netip.Addr) string {
	octets := a.AsSlice()
	out := fmt.Sprintf("%d.%d", map[bool]int{true: 1, false: 2}[a.Is4()], len(octets))
	for _, o := range octets {
		out += fmt.Sprint(".", o)
	}
	return out
}

// byAgent returns what snmpbulkwalk says of the same.
func (b *box) byAgent(t *testing.T) tables {
	t.Helper()
	out := tables{}
	for column, object := range map[string]string{
		"31.1.1.1.1": "ifName", "2.2.1.4": "ifMtu", "31.1.1.1.18": "ifAlias", "2.2.1.7": "ifAdminStatus", "31.1.2.1.3": "ifStackStatus",
		"4.20.1.2": "ipAdEntIfIndex", "4.34.1.3.2": "ipAddressIfIndex", "4.24.6": "inetCidrRouteNumber", "4.35.1.6": "ipNetToPhysicalType",
	} {
		r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-Onqe", "-Cr40", b.address, ".1.3.6.1.2.1."+column)
		if r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		for line := range strings.Lines(r.Out) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			row, ok := strings.CutPrefix(name, ".1.3.6.1.2.1."+column+".")
			if object == "ipAddressIfIndex" {
				row = "2." + row
			}
			if ok {
				out[object+" "+row] = strings.Trim(value, `"`)
			}
		}
	}
	// Neighbours that the kernel finds itself come and go.
	maps.DeleteFunc(out, func(name, value string) bool { return strings.HasPrefix(name, "ipNetToPhysicalType ") && value != "4" })
	return out
}
