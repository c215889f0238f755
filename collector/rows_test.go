package collector_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/snmp/oid"
)

// TestNamedRows holds that of a table with rows no other is asked for, and that they have rates; and that a filter may go by the number of an enumeration.
func TestNamedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(9)
		b.ports[6].oper = 2
		asked := map[uint32]bool{}
		d := &device{latency: time.Millisecond, objects: b.objects, fault: func(names []oid.OID) error {
			for _, n := range names {
				if n.HasPrefix(ifX.Append(6)) || n.HasPrefix(ifEntry.Append(8)) {
					asked[n.Last()] = true
				}
			}
			return nil
		}}
		h := own(t, `
tables:
  - measurement: m
    rows: ["3", "7", "12"]
    filters: [{of: ifOperStatus, match: "^[1]$"}]
    columns: [{oid: IF-MIB::ifOperStatus}, {oid: IF-MIB::ifHCInOctets}]
`, d)
		h.next("dev")
		p := h.next("dev")
		if len(p.Samples) != 1 || p.Samples[0].Tag("ifIndex") != "3" || !near(fieldOf(t, p.Samples[0], "ifHCInOctets").Rate, 3000) || p.Err != nil {
			t.Errorf("%v: %v", p.Err, lines(p))
		}
		var rows []uint32
		d.change(func() { rows = slices.Collect(maps.Keys(asked)) })
		slices.Sort(rows)
		if diff := cmp.Diff([]uint32{3, 7, 12}, rows); diff != "" {
			t.Error(diff)
		}
	})
	_, err := collector.ParseProfile([]byte("tables:\n  - measurement: m\n    rows:\n      - a.1\n    columns: [{oid: IF-MIB::ifDescr}]\n"), smi.BuiltIn())
	if err == nil || !strings.Contains(err.Error(), `line 4: "a.1" is no index of a row`) {
		t.Error(err)
	}
}
