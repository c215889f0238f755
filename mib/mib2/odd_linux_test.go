package mib2_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// TestOddMachines walks the statistics of machines whose procfs is old, made up, or empty: what they tell is legal, and the rest is not there.
func TestOddMachines(t *testing.T) {
	roots := []string{"4.31.1", "5", "104"}
	for column := range 19 {
		roots = append(roots, fmt.Sprint("4.", column+1, ".0"), fmt.Sprint("6.", column+1, ".0"), fmt.Sprint("7.", column+1, ".0"))
	}
	odd := maps.Clone(holes)
	for _, o := range mibtest.Below(name("4.31.1")) {
		odd[o.Name] = "of that version of IP the tree does not tell it"
	}
	for _, o := range mibtest.Below(name("5.29")) {
		odd[o.Name] = "of that version of IP the tree does not tell it"
	}
	for _, o := range mibtest.Below(name("104.1")) {
		odd[o.Name] = "kernels tell less the older they are"
	}
	for tree, tells := range map[string]bool{"linux-6.18": true, "linux-2.6.18": true, "odd": true, "sctp": true, "names-only": false, "empty": false, "missing": false} {
		t.Run(tree, func(t *testing.T) {
			m, err := machine.New(t.Context(), machine.Options{Proc: "../../machine/testdata/" + tree + "/proc"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			h, err := mib2.New(mib2.Options{Machine: m, Counters: &snmp.Counters{}, Start: start, System: mib2.DefaultSystem(), Modules: mib2.Modules()})
			if err != nil {
				t.Fatal(err)
			}
			var all []snmp.VarBind
			lines := []string{}
			q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}
			for _, root := range roots {
				all = append(all, mibtest.Walk(t, h, q, name(root))...)
			}
			for _, vb := range all {
				// sctpAssocHeartBeatInterval and sctpAssocRemAddrRTO are told in jiffies of the kernel that the test runs on
				if vb.Name.HasPrefix(name("104.1.3.1.7")) || vb.Name.HasPrefix(name("104.1.5.1.5")) {
					continue
				}
				lines = append(lines, mibtest.Lines([]snmp.VarBind{vb})...)
			}
			if tells {
				mibtest.Conform(t, all, odd)
				mibtest.Golden(t, tree+".walk", lines, *update)
			} else if len(lines) > 0 {
				t.Errorf("of a machine that tells nothing: %v", lines)
			}
		})
	}
}
