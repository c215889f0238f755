//go:build interop

package main

import (
	"fmt"
	"slices"
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

// TestDoubtfulLinesAsNetSNMP asks by lines that contradict each other, or name what is none: both agents start, and mean the same.
func TestDoubtfulLinesAsNetSNMP(t *testing.T) {
	const system, snmp = ".1.3.6.1.2.1.1", ".1.3.6.1.2.1.11"
	text := strings.NewReplacer("SYSTEM", system).Replace(`
rocommunity public default
rocommunity a default -V a
view a included SYSTEM
view a excluded SYSTEM
rocommunity b default -V b
view b excluded SYSTEM
view b included SYSTEM
rocommunity c default -V c
view c included SYSTEM fe
view c included SYSTEM fc
rocommunity d default -V d
view d included SYSTEM fc
view d excluded SYSTEM fe
rocommunity e default -V e
view e excluded SYSTEM fe
view e included SYSTEM fc
view all included .1
com2sec f default f
group any any f
access any "" any noauth exact all none none
com2sec g !default g
com2sec g default g
group g v2c g
access g "" any noauth exact all none none
com2sec h !default h
group g v2c h
createUser alice SHA authpassword
group any any alice
`)
	theirs := interop.StartNetSNMPD(t, text, "public")
	_, addresses := launch(t, "-f", "-c", config(t, text), "127.0.0.1:0")
	compare := func(args ...string) {
		t.Helper()
		ask := func(address string) string {
			r := interop.NetSNMP(t, "snmpget", append(append([]string{"-On", "-t", "0.5", "-r", "0"}, args...), address, system+".3.0", snmp+".30.0")...)
			out := ""
			for line := range strings.Lines(r.Out) {
				name, value, _ := strings.Cut(line, " = ")
				out += name + " " + strings.Fields(value)[0] + "\n"
			}
			return fmt.Sprintf("%d\n%s", r.Code, out)
		}
		if want, got := ask(theirs), ask(addresses[0]); want != got {
			t.Errorf("%v: %s, Net-SNMP's: %s", args, got, want)
		}
	}
	for _, community := range strings.Split("abcdefgh", "") {
		compare("-v2c", "-c", community)
	}
	compare("-v1", "-c", "f")
	compare("-v3", "-u", "alice", "-l", "authNoPriv", "-a", "SHA", "-A", "authpassword")
}

// TestOverrideAsNetSNMP asks for, and sets, objects that one file gives values.
func TestOverrideAsNetSNMP(t *testing.T) {
	const text = `
rwcommunity public
sysContact me
override .1.3.6.1.2.1.1.1.0 octet_str "my own sysDescr"
override -rw .1.3.6.1.2.1.1.5.0 octet_str 0x414243
override .1.3.6.1.2.1.1.6.0 octet_str two words
override .1.3.6.1.2.1.1.7.0 integer -5
override .1.3.6.1.4.1.8072.9999.1.0 uinteger 4294967295
override .1.3.6.1.4.1.8072.9999.2.0 counter 7
override .1.3.6.1.4.1.8072.9999.3.0 object_id .1.3.6.1
override .1.3.6.1.4.1.8072.9999.5.0 timeticks 4
override .1.3.6.1.4.1.8072.9999.11.0 integer 0x10
`
	theirs := interop.StartNetSNMPD(t, text, "public")
	_, addresses := launch(t, "-f", "-c", config(t, text), "127.0.0.1:0")
	args := []string{"-v2c", "-c", "public", "-On"}
	for _, c := range [][]string{
		{"snmpget", systemOID + ".1.0", systemOID + ".4.0", systemOID + ".5.0", systemOID + ".6.0", systemOID + ".7.0"},
		{"snmpgetnext", systemOID + ".4", systemOID + ".4.0", systemOID + ".5.0", systemOID + ".6.0"},
		{"snmpwalk", ".1.3.6.1.4.1.8072.9999"},
		{"snmpset", systemOID + ".5.0", "s", "new"},
		{"snmpset", systemOID + ".5.0", "i", "5"},
		{"snmpset", systemOID + ".1.0", "s", "new"},
		{"snmpget", systemOID + ".1.0", systemOID + ".5.0"},
	} {
		ask := func(address string) interop.Result {
			return interop.NetSNMP(t, c[0], append(append(slices.Clone(args), address), c[1:]...)...)
		}
		want, got := ask(theirs), ask(addresses[0])
		if want != got {
			t.Errorf("%v: %+v, Net-SNMP's daemon: %+v", c, got, want)
		}
	}
}

// TestSourceFilterByTool asks from 127.0.0.1 through filters of both kinds. Net-SNMP's daemon (5.9.3) compares such an address with one that
// has a port, and hears nobody, or everybody.
func TestSourceFilterByTool(t *testing.T) {
	for text, heard := range map[string]bool{
		"sourceFilterType none\nsourceFilterAddress 127.0.0.1":       true,
		"sourceFilterType acceptlist\nsourceFilterAddress 127.0.0.1": true,
		"sourceFilterType acceptlist\nsourceFilterAddress localhost": true,
		"sourceFilterType acceptlist\nsourceFilterAddress 192.0.2.1": false,
		"sourceFilterType blocklist\nsourceFilterAddress 127.0.0.1":  false,
		"sourceFilterType blocklist\nsourceFilterAddress 192.0.2.1":  true,
	} {
		_, addresses := launch(t, "-f", "-c", config(t, "rocommunity public 127.0.0.1\n"+text), "127.0.0.1:0")
		r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "public", "-t", "0.5", "-r", "0", addresses[0], systemOID+".3.0")
		if (r.Code == 0) != heard {
			t.Errorf("%q: %+v", text, r)
		}
	}
}
