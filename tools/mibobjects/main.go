// Command mibobjects writes what MIB modules say of their objects, as the conformance tests read it: names, OIDs, syntax, ranges,
// enumerations, access and indexes. Descriptions are left out.
//
//	go run ./tools/mibobjects -mibs DIR >mib/mibtest/objects.json
//
// DIR holds the modules as they were published, a file each, as in Debian's package snmp-mibs-downloader. They are read by Net-SNMP's
// snmptranslate, of Debian's package snmp: the modules break the rules in many ways, which that parser has met.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// modules are those whose objects are written. Of two that define the same OID the first stands: the one that obsoletes the other.
var modules = []string{
	"SNMPv2-MIB", "IF-MIB", "IF-INVERTED-STACK-MIB", "EtherLike-MIB", "IP-MIB", "IP-FORWARD-MIB", "TCP-MIB", "UDP-MIB", "SCTP-MIB",
	"HOST-RESOURCES-MIB", "ENTITY-MIB", "ENTITY-SENSOR-MIB", "SNMP-FRAMEWORK-MIB", "SNMP-MPD-MIB", "SNMP-TARGET-MIB", "SNMP-NOTIFICATION-MIB",
	"SNMP-PROXY-MIB", "SNMP-USER-BASED-SM-MIB", "SNMP-VIEW-BASED-ACM-MIB", "SNMP-COMMUNITY-MIB", "SNMP-USM-DH-OBJECTS-MIB", "SNMP-TSM-MIB", "SNMP-TLS-TM-MIB",
	"UCD-SNMP-MIB", "UCD-DISKIO-MIB", "LM-SENSORS-MIB", "NET-SNMP-AGENT-MIB", "NET-SNMP-EXTEND-MIB", "AGENTX-MIB",
	"RFC1213-MIB", "DNS-SERVER-MIB", "DNS-RESOLVER-MIB", "NETWORK-SERVICES-MIB",
}

func main() {
	dir := flag.String("mibs", "", "the folder of the modules")
	flag.Parse()
	if err := run(os.Stdout, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "mibobjects:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string) error {
	if dir == "" {
		return errors.New("-mibs DIR is needed")
	}
	oids, err := translate(dir, "-To")
	if err != nil {
		return err
	}
	text, err := translate(dir, append([]string{"-Td"}, strings.Fields(string(oids))...)...)
	if err != nil {
		return err
	}
	objects, err := parse(string(text))
	if err != nil {
		return err
	}
	return write(w, objects)
}

// translate runs snmptranslate over the modules of dir. What it complains of is an error: it would leave objects out.
func translate(dir string, args ...string) ([]byte, error) {
	c := exec.Command("snmptranslate", append([]string{"-M", dir, "-m", strings.Join(modules, ":")}, args...)...)
	c.Env = append(os.Environ(), "SNMPCONFPATH="+os.DevNull)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err == nil && strings.Contains(complaints.String(), "Cannot find module") {
		err = errors.New("a module is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("snmptranslate %s: %w\n%s", args[0], err, complaints.String())
	}
	return out, nil
}
