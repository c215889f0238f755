package mib2_test

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// walk returns a line for each variable of h.
func walk(t *testing.T, h mib.Handler) []string {
	t.Helper()
	return mibtest.Lines(mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: now}, mib2.Roots()...))
}

// newRouterMIB is the MIB of router with what does not depend on the platform of the test.
func newRouterMIB(t *testing.T) *mib2.MIB {
	t.Helper()
	counters := &snmp.Counters{}
	counters.Add(snmp.InPkts, 1<<32+42)
	counters.Add(snmp.ProxyDrops, 3)
	m, err := mib2.New(mib2.Options{
		Machine: router().machine(), Counters: counters, Start: start, Modules: mib2.Modules(),
		System: mib2.System{ObjectID: oid.New(1, 3, 6, 1, 4, 1, 8072, 3, 2, 10), Contact: "noc@example.net", Services: 72},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGoldenWalk(t *testing.T) {
	mibtest.Golden(t, "router.walk", walk(t, newRouterMIB(t)), *update)
}

func TestConformance(t *testing.T) {
	mibtest.Test(t, newRouterMIB(t), mib2.Roots()...)
}

func TestRootsAscend(t *testing.T) {
	roots := mib2.Roots()
	for i := 1; i < len(roots); i++ {
		if !roots[i-1].Less(roots[i]) || roots[i].HasPrefix(roots[i-1]) {
			t.Errorf("%v does not stand behind %v", roots[i], roots[i-1])
		}
	}
}

// TestUnreadable takes the parts of a machine away one by one: their objects are gone, and the walk goes on to the end.
func TestUnreadable(t *testing.T) {
	all := walk(t, router().mib(t))
	tests := []struct {
		name string
		take func(d *device)
		gone []string // prefixes below mib-2, in which * is any number
	}{
		{"host", func(d *device) { d.host = nil }, []string{"1.1.", "1.5."}},
		{"links", func(d *device) { d.links = nil }, []string{"2.", "4.27.", "4.29.", "4.31.2.", "10.7.2.", "31.", "77."}},
		{"link groups", func(d *device) { d.groups = nil }, []string{"31.1.4."}},
		{"counters", func(d *device) { d.counters = nil }, []string{
			"10.7.2.1.2.", "10.7.2.1.3.", "10.7.2.1.6.", "10.7.2.1.8.", "10.7.2.1.9.", "10.7.2.1.11.",
			"2.2.1.10.", "2.2.1.11.", "2.2.1.12.", "2.2.1.13.", "2.2.1.14.", "2.2.1.16.", "2.2.1.17.", "2.2.1.18.", "2.2.1.19.", "2.2.1.20.",
			"31.1.1.1.2.", "31.1.1.1.6.", "31.1.1.1.7.", "31.1.1.1.8.", "31.1.1.1.10.", "31.1.1.1.11.", "31.1.1.1.19.",
		}},
		{"stats", func(d *device) { d.stats = nil }, []string{
			"4.3.", "4.4.", "4.5.", "4.6.", "4.7.", "4.8.", "4.9.", "4.10.", "4.11.", "4.12.", "4.14.", "4.15.", "4.16.", "4.17.", "4.18.",
			"4.19.", "4.31.1.1.*.1 ", "5.1.", "5.2.", "5.3.", "5.4.", "5.5.", "5.6.", "5.7.", "5.8.", "5.9.", "5.1*.", "5.2*.0 ", "5.29.1.*.1 ", "5.30.1.*.1.", "6.1.", "6.2.", "6.3.", "6.4.", "6.5.", "6.6.", "6.7.", "6.8.", "6.9.", "6.10.", "6.11.", "6.12.", "6.14.", "6.15.",
			"6.17.", "6.18.", "7.1.", "7.2.", "7.3.", "7.4.", "7.8.", "7.9.",
		}},
		{"stats of IPv6", func(d *device) {
			d.stats6 = nil
			figures := allStats() // UDP-MIB has the sums, which are to stay
			for v4, v6 := range map[machine.Stat]machine.Stat{
				machine.UDPInDatagrams: machine.UDP6InDatagrams, machine.UDPNoPorts: machine.UDP6NoPorts,
				machine.UDPInErrors: machine.UDP6InErrors, machine.UDPOutDatagrams: machine.UDP6OutDatagrams,
			} {
				figures[v4] += numbered(v6, v6)[v6]
			}
			d.stats = machine.NewStats(true, figures, d.stats.ICMPTypes...)
		}, []string{"4.31.1.1.*.2 ", "5.29.1.*.2 ", "5.30.1.*.2."}},
		{"more stats", func(d *device) { d.statsExt = nil }, []string{
			"4.31.1.1.5.1 ", "4.31.1.1.6.1 ", "4.31.1.1.8.1 ", "4.31.1.1.11.1 ", "4.31.1.1.32.1 ", "4.31.1.1.33.1 ",
			"4.31.1.1.34.1 ", "4.31.1.1.35.1 ", "4.31.1.1.36.1 ", "4.31.1.1.37.1 ", "4.31.1.1.38.1 ", "4.31.1.1.39.1 ",
			"4.31.1.1.40.1 ", "4.31.1.1.41.1 ", "4.31.1.1.42.1 ", "4.31.1.1.43.1 ", "4.31.1.1.44.1 ", "4.31.1.1.45.1 ",
		}},
		{"settings", func(d *device) { d.settings = nil }, []string{"4.1.", "4.2.", "4.13."}},
		{"addresses", func(d *device) { d.addresses = nil }, []string{"4.20.", "4.32.1.*.*.1.4.", "4.34.1.*.1.4."}},
		{"addresses of IPv6", func(d *device) { d.addresses6 = nil }, []string{"4.30.1.3.", "4.32.1.*.*.2.16.", "4.34.1.*.2.16.", "4.34.1.*.4.20."}},
		{"routes", func(d *device) { d.routes = nil }, []string{"4.21.", "4.24.3.", "4.24.4.", "4.24.6.", "4.24.8.", "4.24.7.1.*.1.4.", "4.37.1.*.1.4."}},
		{"routes of IPv6", func(d *device) { d.routes6 = nil }, []string{"4.24.6.", "4.24.8.", "4.24.7.1.*.2.16.", "4.37.1.*.4.20."}},
		{"neighbours", func(d *device) { d.neighbours = nil }, []string{"3.", "4.22.", "4.35.1.*.*.1.4."}},
		{"neighbours of IPv6", func(d *device) { d.neighbours6 = nil }, []string{"4.35.1.*.*.2.16.", "4.35.1.*.*.4.20."}},
		{"settings of IPv6", func(d *device) { d.settings6 = nil }, []string{"4.25.", "4.26."}},
		{"links of IPv4", func(d *device) { d.links4 = nil }, []string{"4.28."}},
		{"statistics of IPv6's links", func(d *device) { d.linkStats6 = nil }, []string{"4.31.3."}},
		{"links of IPv6", func(d *device) { d.links6 = nil }, []string{"4.29.", "4.30.", "4.31.2.", "4.31.3.", "4.36."}},
		{"TCP sockets", func(d *device) { d.tcp = nil }, []string{"6.13.", "6.19.", "6.20."}},
		{"UDP sockets", func(d *device) { d.udp = nil }, []string{"7.5.", "7.7."}},
		{"owners of sockets", func(d *device) { d.owners = nil }, []string{"6.19.1.8.", "6.20.1.4.", "7.7.1.8.", "104.1.3.1.12."}},
		{"statistics of SCTP", func(d *device) { d.sctpStats = nil }, []string{"104.1.1."}},
		{"settings of SCTP", func(d *device) { d.sctp = nil }, []string{"104.1.2."}},
		{"associations of SCTP", func(d *device) { d.sctpAssocs = nil }, []string{"104.1.3.", "104.1.4.", "104.1.5.", "104.1.6.", "104.1.7.", "104.1.9.", "104.1.10."}},
		{"nothing but itself", func(d *device) { *d = device{} }, []string{"1.1.", "1.5.", "2.", "3.", "4.", "5.", "6.", "7.", "10.", "31.", "77.", "104."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := router()
			test.take(d)
			var patterns []string
			for _, p := range test.gone {
				patterns = append(patterns, strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, `\d+`))
			}
			gone := regexp.MustCompile(`^1\.3\.6\.1\.2\.1\.(` + strings.Join(patterns, "|") + ")")
			want := slices.DeleteFunc(slices.Clone(all), gone.MatchString)
			if diff := cmp.Diff(want, walk(t, d.mib(t))); diff != "" {
				t.Errorf("walk (-want +got):\n%s", diff)
			}
		})
	}
}
