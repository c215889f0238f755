//go:build interop

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// TestExtendAsNetSNMP runs the same programs by Net-SNMP's daemon and by ours, and has snmpwalk and snmpset ask both. Known differences: a program
// that says nothing has one line, an empty one, by theirs; a command without arguments ends with a space there.
func TestExtendAsNetSNMP(t *testing.T) {
	dir := t.TempDir()
	pass := filepath.Join(dir, "pass")
	script := `#!/bin/sh
case "$1 $2" in
lines*) echo one; echo $2;;
status*) echo broken >&2; exit 3;;
"-g .1.3.6.1.4.1.8072.2.255.1.0"|"-n .1.3.6.1.4.1.8072.2.255") echo .1.3.6.1.4.1.8072.2.255.1.0; echo integer; echo 42;;
"-g .1.3.6.1.4.1.8072.2.255.2.0"|"-n .1.3.6.1.4.1.8072.2.255.1.0") echo .1.3.6.1.4.1.8072.2.255.2.0; echo string; echo Life, the Universe;;
"-s .1.3.6.1.4.1.8072.2.255.1.0") [ "$3 $4" = "integer 7" ] || echo wrong-value;;
"-s "*) echo not-writable;;
esac
`
	if err := os.WriteFile(pass, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	directives := fmt.Sprintf("rwcommunity public 127.0.0.1\nextend lines %[1]s lines two\nexec status %[1]s status x\n"+
		"extend .1.3.6.1.4.1.2021.7890.1 distro %[1]s lines three\nextend .1.3.6.1.4.1.2021.7890.1 lines %[1]s lines two\npass .1.3.6.1.4.1.8072.2.255 %[1]s\n", pass)
	theirs := interop.StartNetSNMPD(t, directives, "public")
	_, addresses := launch(t, "-f", "-c", config(t, "agentAddress 127.0.0.1:0\n"+directives))
	for _, root := range []string{".1.3.6.1.4.1.8072.1.3.2", ".1.3.6.1.4.1.2021.8", ".1.3.6.1.4.1.2021.7890", ".1.3.6.1.4.1.8072.2.255"} {
		their, our := walkBoth(t, theirs, addresses[0], root)
		for name, value := range their {
			if our[name] != value {
				t.Errorf("%s is %q, Net-SNMP says %q", name, our[name], value)
			}
		}
		if len(their) != len(our) || len(our) < 2 {
			t.Errorf("%d objects below %s, Net-SNMP has %d", len(our), root, len(their))
		}
	}
	for _, args := range [][]string{
		{".1.3.6.1.4.1.8072.2.255.1.0", "i", "7"}, {".1.3.6.1.4.1.8072.2.255.1.0", "i", "8"}, {".1.3.6.1.4.1.8072.2.255.2.0", "s", "x"},
		{".1.3.6.1.4.1.8072.1.3.2.2.1.21.3.110.101.119", "i", "4"}, // a new program, which Net-SNMP's daemon would take
	} {
		ask := func(address string) interop.Result {
			return interop.NetSNMP(t, "snmpset", append([]string{"-v2c", "-c", "public", "-On", address}, args...)...)
		}
		our := ask(addresses[0])
		if strings.HasPrefix(args[0], ".1.3.6.1.4.1.8072.1.3.2") {
			if our.Code == 0 {
				t.Errorf("a program could be added: %+v", our)
			}
			continue
		}
		if their := ask(theirs); their.Code != our.Code || their.Out != our.Out {
			t.Errorf("snmpset %q: %+v, by Net-SNMP %+v", args, our, their)
		}
	}
}
