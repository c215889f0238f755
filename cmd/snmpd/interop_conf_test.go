//go:build interop

package main

import (
	"fmt"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// TestBulkLimitsAsNetSNMP counts the variable bindings of answers to GetBulk under one file. Where Net-SNMP's daemon gives none, and walks
// would never end, ours gives each name one.
func TestBulkLimitsAsNetSNMP(t *testing.T) {
	for _, text := range []string{"maxGetbulkRepeats 3", "maxGetbulkResponses 10", "maxGetbulkRepeats 4\nmaxGetbulkResponses 10", "maxGetbulkRepeats 0\nmaxGetbulkResponses 25", "maxGetbulkResponses 2"} {
		text := "rocommunity public 127.0.0.1\n" + text
		theirs := interop.StartNetSNMPD(t, text, "public")
		_, addresses := launch(t, "-f", "-c", config(t, text), "127.0.0.1:0")
		for _, c := range []struct{ nonRepeaters, repeaters []string }{
			{nil, []string{".1.3.6.1.2.1.2"}},
			{nil, []string{".1.3.6.1.2.1.2", ".1.3.6.1.2.1.4", ".1.3.6.1.2.1.6"}},
			{[]string{".1.3.6.1.2.1.1.3"}, []string{".1.3.6.1.2.1.2", ".1.3.6.1.2.1.4"}},
		} {
			count := func(address string) int {
				args := []string{"-v2c", "-c", "public", "-On", "-Cr40", fmt.Sprintf("-Cn%d", len(c.nonRepeaters)), address}
				args = append(append(args, c.nonRepeaters...), c.repeaters...)
				return strings.Count(interop.NetSNMP(t, "snmpbulkget", args...).Out, "\n")
			}
			want := count(theirs)
			if want == len(c.nonRepeaters) {
				want += len(c.repeaters)
			}
			if got := count(addresses[0]); got != want {
				t.Errorf("%q, %v: %d variable bindings, Net-SNMP's: %d", text, c, got, want)
			}
		}
	}
}

// TestRefusedSourcesAsNetSNMP asks from 127.0.0.1, which the lines refuse in several ways.
func TestRefusedSourcesAsNetSNMP(t *testing.T) {
	const text = `
rocommunity public default
rocommunity a !127.0.0.1
rocommunity a default
rocommunity b !192.0.2.1
rocommunity b default
rocommunity c !127.0.0.0/8
rocommunity c 127.0.0.1
rocommunity d 127.0.0.1
rocommunity d !127.0.0.0/8
com2sec e1 !localhost e
com2sec e1 default e
rocommunity f !127.0.0.1
`
	theirs := interop.StartNetSNMPD(t, text, "public")
	_, addresses := launch(t, "-f", "-c", config(t, text), "127.0.0.1:0")
	for _, community := range strings.Split("abcdef", "") {
		args := []string{"-v2c", "-c", community, "-On", "-t", "0.5", "-r", "0"}
		want := interop.NetSNMP(t, "snmpgetnext", append(args, theirs, systemOID+".2")...)
		got := interop.NetSNMP(t, "snmpgetnext", append(args, addresses[0], systemOID+".2")...)
		if got.Code != want.Code {
			t.Errorf("%s: %+v, Net-SNMP's: %+v", community, got, want)
		}
		if refused := strings.ContainsAny(community, "acef"); refused != (got.Code != 0) {
			t.Errorf("%s: %+v", community, got)
		}
	}
}
