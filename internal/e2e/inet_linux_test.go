//go:build interop

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// inetDifferences are what Net-SNMP's agent (5.9) tells otherwise than ours, and why: instances below mib-2 whose value is another one, that only it
// has (-), or that only we have (+).
var inetDifferences = map[string]string{
	`^-4\.20\.1\.4\.`:                            "it has a 0 for an address without a broadcast address",
	`^[+]4\.20\.1\.5\.`:                          "it leaves the size out that everybody reassembles",
	`^[+]4\.21\.1\.([456]|12)\.`:                 "it leaves out metrics that are not used; RFC 1213 wants -1",
	`^4\.21\.1\.3\.`:                             "it says whether there is a gateway, not the metric",
	`^4\.21\.1\.7\.`:                             "RFC 1213 wants our own address as the next hop of a connected network",
	`^4\.(21\.1\.9|24\.4\.1\.7)\.`:               "it does not ask who installed a route",
	`^4\.24\.6\.0 `:                              "it counts IPv6's local table too",
	`^[+]4\.24\.8\.0 `:                           "it does not count routes that were left out",
	`^-4\.24\.7\.1\.\d+\.2\.16\..*\.128 by none`: "own addresses are of IPv6's local table, which is none of routes",
	`^-4\.24\.7\.1\.\d+\.2\.16\.255\.`:           "multicast is of that table too",
	`^[+]4\.(28|30)\.`:                           "it has no ipv4InterfaceTable and no ipv6InterfaceTable",
	`^[+]4\.(27|29)\.0 `:                         "nor when they changed",
	`^-4\.33\.0 `:                                "its ipAddressTable can be written, and so has a lock",
	`^4\.34\.1\.11\.`:                            "it takes link-local addresses for permanent; the kernel forgets them as all others",
	`^4\.35\.1\.5\.`:                             "it tells when it saw an entry first, not when the kernel changed it",
	`^[+]4\.36\.1\.\d+\.1 `:                      "it leaves lo out",
	`^[+]4\.37\.`:                                "it has the default routers of IPv4 alone",
}

// TestInetTables holds IP-MIB's and IP-FORWARD-MIB's tables against Net-SNMP's, in a namespace with a bit of everything.
func TestInetTables(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.furnish(t)
	file := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(file, []byte("rocommunity public\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Do(t, func() { interop.StartNetSNMPDAt(t, b.address+":1161", "rocommunity public\n", "public") })
	p := b.agent(t)
	defer end(t, p)

	ours, theirs := map[string]string{}, map[string]string{}
	for _, root := range []string{
		"4.20", "4.21", "4.24.4", "4.24.6", "4.24.7", "4.24.8", "4.25", "4.26", "4.27", "4.28", "4.29", "4.30", "4.32", "4.33", "4.34", "4.35", "4.36", "4.37",
	} {
		maps.Copy(ours, b.inetWalk(t, ":161", root))
		maps.Copy(theirs, b.inetWalk(t, ":1161", root))
	}
	reduceRoutes(ours)
	reduceRoutes(theirs)
	var differences []string
	for instance, value := range ours {
		switch other, there := theirs[instance]; {
		case !there:
			differences = append(differences, "+"+instance+" "+value)
		case other != value:
			differences = append(differences, instance+" "+value+", not "+other)
		}
	}
	for instance, value := range theirs {
		if _, there := ours[instance]; !there {
			differences = append(differences, "-"+instance+" "+value)
		}
	}
	slices.Sort(differences)
	used := map[string]bool{}
	for _, d := range differences {
		explained := false
		for pattern := range inetDifferences {
			if regexp.MustCompile(pattern).MatchString(d) {
				explained, used[pattern] = true, true
			}
		}
		if !explained {
			t.Error(d)
		}
	}
	for pattern, why := range inetDifferences {
		if !used[pattern] {
			t.Errorf("no difference is like %s (%s)", pattern, why)
		}
	}
}

// furnish gives b links, addresses, routes and neighbours of every kind.
func (b *box) furnish(t *testing.T) {
	t.Helper()
	for _, command := range strings.Split(`link add a0 index 50 type veth peer name a1 index 51
link set a0 up
link set a1 up
address add 192.0.2.1/24 brd + dev a0
address add 192.0.2.3/24 dev a0
address add 2001:db8::1/64 dev a0 nodad
route add default via 192.0.2.254 metric 100
route add 203.0.113.0/24 via 192.0.2.7 proto bgp
route add 198.51.100.0/24 dev a0 metric 5
route add 198.51.100.0/24 dev a1 metric 6
-6 route add default via fe80::99 dev a0
-6 route add 2001:db8:5::/48 via 2001:db8::9 metric 7
neigh add 192.0.2.20 lladdr 02:00:00:00:02:20 nud permanent dev a0
neigh add fe80::99 lladdr 02:00:00:00:02:99 nud permanent dev a0`, "\n") {
		b.IP(t, strings.Fields(command)...)
	}
	// Duplicate address detection goes on for a second.
	eventually(t, "addresses that are not tentative", func() bool { return b.IP(t, "-6", "address", "show", "tentative") == "" })
}

var linkLocalZone = regexp.MustCompile(`\.4\.20\.(254\.128(?:\.\d+){14})\.0\.0\.0\.\d+`)

// inetWalk returns the values below root by their instances below mib-2. A link-local address is of ipv6z and has its zone with us, as RFC 4001 wants it,
// and is of ipv6 with Net-SNMP; here it is as there.
func (b *box) inetWalk(t *testing.T, port, root string) map[string]string {
	t.Helper()
	r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-t", "20", "-On", "-Oq", "-Oe", "-Ot", b.address+port, "1.3.6.1.2.1."+root)
	if r.Code != 0 {
		t.Fatalf("walk of %s at %s: %s", root, port, r.Err)
	}
	values := map[string]string{}
	for line := range strings.Lines(r.Out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(value, "No ") { // such object, such instance, more variables
			continue
		}
		name = linkLocalZone.ReplaceAllString(strings.TrimPrefix(name, ".1.3.6.1.2.1."), ".2.16.$1")
		values[name] = strings.TrimSpace(value)
	}
	return values
}

var inetRoute = regexp.MustCompile(`^4\.24\.7\.1\.(\d+)\.(.*)$`)

// reduceRoutes makes the indexes of inetCidrRouteTable comparable: Net-SNMP has a running number in the policy, and an address of zeros where there is no
// next hop. Columns that it has otherwise are left out: the age is 0 for all, the protocol local(2) for all but redirects, and the type of routes that
// lead nowhere is local(3).
func reduceRoutes(values map[string]string) {
	all := maps.Clone(values)
	for name, value := range all {
		m := inetRoute.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		delete(values, name)
		column, index := m[1], m[2]
		if column == "9" || column == "10" {
			continue
		}
		arcs := strings.Split(index, ".") // type, size, address, prefix length, size of the policy, policy, type, size, next hop
		size, _ := strconv.Atoi(arcs[1])
		policy, _ := strconv.Atoi(arcs[size+3])
		hop := strings.Join(arcs[size+6+policy:], ".")
		if strings.Trim(hop, "0.") == "" {
			hop = "none"
		}
		values["4.24.7.1."+column+"."+strings.Join(arcs[:size+3], ".")+" by "+hop+" on "+all["4.24.7.1.7."+index]] = value
	}
}
