//go:build interop

package e2e

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"walkabout/internal/interop"
	"walkabout/snmp/oid"
)

// alias has what is hard to quote.
const alias = `uplink  "A" \ 'é', 10G; #1`

// monitored is a box with our agent and a link wan, of ifIndex 10, to another box.
func monitored(t *testing.T) (b, other *box) {
	t.Helper()
	b, other = newBox(t), newBox(t)
	b.connect(t, other, "wan", 10)
	b.IP(t, "link", "set", "wan", "alias", alias)
	// The kernel takes up to a second to say so of new links.
	eventually(t, "links that are up", func() bool { return strings.Count(b.IP(t, "-o", "link", "show", "type", "veth"), " state UP ") == 2 })
	b.start(t, "rocommunity public\ncreateUser monitor SHA authpassword AES privpassword\nrouser monitor priv\nsysName edge\ndisk /\n", t.TempDir())
	return b, other
}

// TestMonitoringPlugins asks the agent as Nagios and Icinga do.
func TestMonitoringPlugins(t *testing.T) {
	t.Parallel()
	b, other := monitored(t)
	const folder = "/usr/lib/nagios/plugins/"
	v3 := "-P 3 -L authPriv -U monitor -a SHA -A authpassword -x AES -X privpassword"
	check := func(code int, output, plugin, options string) {
		t.Helper()
		r := interop.Run(t, "monitoring-plugins-standard libnet-snmp-perl", folder+plugin, append([]string{"-H", b.address}, strings.Fields(options)...)...)
		if !regexp.MustCompile(output).MatchString(r.Out) || r.Code != code {
			t.Errorf("%s %s: exit code %d, want %d, and %q:\n%s%s", plugin, options, r.Code, code, output, r.Out, r.Err)
		}
	}
	for _, version := range []string{"-P 1 -C public", "-P 2c -C public", v3} {
		check(0, `^SNMP OK - "edge"`, "check_snmp", version+" -o .1.3.6.1.2.1.1.5.0 -r edge")
		check(2, `^SNMP CRITICAL`, "check_snmp", version+" -o .1.3.6.1.2.1.1.5.0 -r core")
		check(1, `^SNMP WARNING - \*3\*`, "check_snmp", version+" -o .1.3.6.1.2.1.2.1.0 -w 1:2 -c 1:9")
		check(0, `^SNMP OK - Timeticks: .* \d+ \| `, "check_snmp", version+" -o .1.3.6.1.2.1.1.3.0,.1.3.6.1.4.1.2021.10.1.5.1")
		check(0, `^SNMP OK - \d+ 1 \| iso\.3\.6\.1\.2\.1\.25\.1\.6\.0=.* iso\.3\.6\.1\.2\.1\.2\.2\.1\.8\.10=`, "check_snmp", version+" --next -o .1.3.6.1.2.1.25.1.6,.1.3.6.1.2.1.2.2.1.8.9 -w :9999,:9")
	}
	for _, version := range []string{"-v 1", "-v 2", "-v 2 -I"} {
		check(0, `interfaces up: 3, down: 0`, "check_ifstatus", "-C public "+version)
	}
	check(0, `^OK: Interface wan \(index 10\) is up`, "check_ifoperstatus", "-v 2 -d wan")
	check(0, `^OK: Interface wan`, "check_ifoperstatus", "-v 1 -k 10 -n wan")
	other.IP(t, "link", "set", "wan", "down")
	check(2, `^CRITICAL: Interface wan \(index 10\) is down`, "check_ifoperstatus", "-v 2 -d wan")
	check(2, `interfaces up: 2, down: 1.*wan: down`, "check_ifstatus", "-v 2")
	b.IP(t, "link", "set", "wan", "down")
	check(1, `^WARNING: Interface wan \(index 10\) is administratively down`, "check_ifoperstatus", "-v 2 -d wan")
}

const collectdConfig = `FQDNLookup false
Hostname "poller"
BaseDir "%[1]s"
PIDFile "%[1]s/pid"
TypesDB "/usr/share/collectd/types.db"
Interval 1
LoadPlugin csv
LoadPlugin snmp
<Plugin csv>
  DataDir "%[1]s"
</Plugin>
<Plugin snmp>
  <Data "octets">
    Type "if_octets"
    Table true
    TypeInstanceOID ".1.3.6.1.2.1.31.1.1.1.1"
    Values ".1.3.6.1.2.1.31.1.1.1.6" ".1.3.6.1.2.1.31.1.1.1.10"
  </Data>
  <Data "load">
    Type "gauge"
    TypeInstance "load"
    Values ".1.3.6.1.4.1.2021.10.1.5.1"
  </Data>
  <Host "edge">
    Address "%[2]s:161"
    Version 3
    SecurityLevel "authPriv"
    Username "monitor"
    AuthProtocol "SHA"
    AuthPassphrase "authpassword"
    PrivacyProtocol "AES"
    PrivacyPassphrase "privpassword"
    Collect "octets" "load"
    Interval 1
  </Host>
</Plugin>
`

// TestCollectd has collectd's plug-in snmp poll the agent over SNMPv3 while traffic flows, and holds what it wrote against the kernel's counters.
func TestCollectd(t *testing.T) {
	t.Parallel()
	b, other := monitored(t)
	b.sink(t)
	flood(t, other, b.linkAddress(t, "wan"), 100e3)
	dir := t.TempDir()
	file := filepath.Join(dir, "collectd.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, collectdConfig, dir, b.address), 0o600); err != nil {
		t.Fatal(err)
	}
	least, _ := b.octets(t, "wan")
	p := interop.Start(t, interop.Find(t, "collectd-core", "collectd"), "-f", "-C", file)
	written := func(name string) [][]string {
		files, err := filepath.Glob(filepath.Join(dir, "edge/snmp", name+"-20*")) // by day
		if err != nil {
			t.Fatal(err)
		}
		var all [][]string
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(b)
			rows, err := csv.NewReader(strings.NewReader(text[:strings.LastIndexByte(text, '\n')+1])).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rows[min(1, len(rows)):]...)
		}
		return all
	}
	interop.Eventually(t, "five polls by collectd", func() bool { return len(written("if_octets-wan")) >= 5 && len(written("gauge-load")) >= 5 }, p.Log)
	end(t, p)
	most, _ := b.octets(t, "wan")
	for _, row := range written("if_octets-wan") {
		octets, err := strconv.ParseUint(row[1], 10, 64)
		if err != nil || octets < least || octets > most {
			t.Errorf("collectd wrote %v, the kernel counts %d to %d", row, least, most)
		}
		least = octets
	}
}

// linkAddress returns the IPv4 address of a link.
func (b *box) linkAddress(t *testing.T, link string) string {
	t.Helper()
	m := regexp.MustCompile(`inet ([0-9.]+)/`).FindStringSubmatch(b.IP(t, "-4", "address", "show", "dev", link))
	if m == nil {
		t.Fatalf("%s has no address", link)
	}
	return m[1]
}

// exporterConfig is the part of Prometheus' module if_mib that says what becomes of an interface; Debian's package has none.
const exporterConfig = `if_mib:
  walk: [1.3.6.1.2.1.2, 1.3.6.1.2.1.31.1.1]
  get: [1.3.6.1.2.1.1.3.0]
  version: 2
  auth: {community: public}
  metrics:
  - {name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge, help: none}
  - name: ifHCInOctets
    oid: 1.3.6.1.2.1.31.1.1.1.6
    type: counter
    help: none
    indexes: &index [{labelname: ifIndex, type: gauge}]
    lookups: &lookups
    - {labels: [ifIndex], labelname: ifAlias, oid: 1.3.6.1.2.1.31.1.1.1.18, type: DisplayString}
    - {labels: [ifIndex], labelname: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: DisplayString}
  - {name: ifOperStatus, oid: 1.3.6.1.2.1.2.2.1.8, type: gauge, help: none, indexes: *index, lookups: *lookups}
  - {name: ifPhysAddress, oid: 1.3.6.1.2.1.2.2.1.6, type: PhysAddress48, help: none, indexes: *index, lookups: *lookups}
`

// TestSNMPExporter has Prometheus' exporter scrape the agent.
func TestSNMPExporter(t *testing.T) {
	t.Parallel()
	b, _ := monitored(t)
	file := filepath.Join(t.TempDir(), "snmp.yml")
	if err := os.WriteFile(file, []byte(exporterConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	p := interop.Start(t, interop.Find(t, "prometheus-snmp-exporter", "prometheus-snmp-exporter"), "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	at := p.Await(`msg="?Listening on"? address=(\S+)`)[1]
	least, _ := b.octets(t, "wan")
	r, err := http.Get("http://" + at + "/snmp?module=if_mib&target=" + url.QueryEscape(b.address))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%v: %v\n%s\n%s", r.Status, err, page, p.Log())
	}
	most, _ := b.octets(t, "wan")
	labels := `{ifAlias=` + strconv.Quote(alias) + `,ifIndex="10",ifName="wan"`
	for _, want := range []string{`ifOperStatus` + labels + `} 1`, `ifPhysAddress` + labels + `,ifPhysAddress="`} {
		if !strings.Contains(string(page), "\n"+want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	m := regexp.MustCompile(`(?m)^ifHCInOctets` + regexp.QuoteMeta(labels) + `} (\S+)$`).FindSubmatch(page)
	if m == nil {
		t.Fatalf("no octets of wan in\n%s", page)
	}
	if octets, err := strconv.ParseFloat(string(m[1]), 64); err != nil || octets < float64(least) || octets > float64(most) {
		t.Errorf("octets of wan: %s, the kernel counts %d to %d", m[1], least, most)
	}
}

// libreNMS are subtrees that LibreNMS walks of a Linux host, by discovery and by polling, of which there must be something, or need not be.
var libreNMS = map[string]bool{
	"1.3.6.1.2.1.1": true, "1.3.6.1.2.1.2.2": true, "1.3.6.1.2.1.31.1.1": true, "1.3.6.1.2.1.31.1.2.1.3": true, // ports and their stack
	"1.3.6.1.2.1.4.20.1.2": true, "1.3.6.1.2.1.4.20.1.3": true, "1.3.6.1.2.1.4.34.1.3": true, "1.3.6.1.2.1.4.34.1.5": true, // addresses
	"1.3.6.1.2.1.4.22.1.2": true, "1.3.6.1.2.1.4.35.1.4": true, // neighbours
	"1.3.6.1.2.1.4.24.7.1": true, "1.3.6.1.2.1.4.24.4.1": true, "1.3.6.1.2.1.4.31.1": true, // routes, statistics
	"1.3.6.1.2.1.5.29": true, "1.3.6.1.2.1.6.13.1.1": false, "1.3.6.1.2.1.10.7.2": false, // nothing is connected, no Ethernet hardware
	"1.3.6.1.2.1.25.1": true, "1.3.6.1.2.1.25.2.3": true, "1.3.6.1.2.1.25.3.2": true, "1.3.6.1.2.1.25.3.3.1.2": true, "1.3.6.1.2.1.25.4.2.1": true,
	"1.3.6.1.2.1.25.5.1": true, "1.3.6.1.2.1.25.6.3.1.2": false, // a machine may have no packages
	"1.3.6.1.4.1.2021.4": true, "1.3.6.1.4.1.2021.9.1": true, "1.3.6.1.4.1.2021.10.1.5": true, "1.3.6.1.4.1.2021.11": true,
	"1.3.6.1.4.1.2021.13.15.1.1": false, "1.3.6.1.4.1.2021.13.16": false, "1.3.6.1.4.1.8072.1.3.2": true,
	"1.3.6.1.2.1.47.1.1.1.1": true, "1.3.6.1.2.1.99.1.1": false,
	// what switches have, and others' agents
	"1.3.6.1.2.1.17.1.4.1.2": false, "1.3.6.1.2.1.17.7.1.4.3.1": false, "1.0.8802.1.1.2.1.4": false, "1.3.6.1.2.1.14.1": false, "1.3.6.1.2.1.15.3.1": false,
	"1.3.6.1.2.1.105.1.1": false, "1.3.6.1.4.1.9.9.23.1.2": false, "1.3.6.1.4.1.674.10892": false,
}

// TestLibreNMS walks what LibreNMS walks, with its options, and gets many figures in one request, as it does.
func TestLibreNMS(t *testing.T) {
	t.Parallel()
	b, _ := monitored(t)
	b.furnish(t)
	for root, needed := range libreNMS {
		for _, tool := range [][]string{{"snmpbulkwalk", "-v2c", "-OQUsetX", "-Cr30"}, {"snmpwalk", "-v1", "-OQUset"}} {
			r := interop.NetSNMP(t, tool[0], append(tool[1:], "-On", "-c", "public", "-t", "5", "-r", "0", b.address, root)...)
			instances := strings.Count("\n"+r.Out, "\n."+root+".")
			ok := r.Code == 0 || !needed && tool[1] == "-v1" && strings.Contains(r.Out, "End of MIB")
			if !ok || r.Err != "" || needed && instances == 0 {
				t.Errorf("%s %s: exit code %d, %d instances: %s%.300s", tool[0], root, r.Code, instances, r.Err, r.Out)
			}
		}
	}
	var names []string
	for _, column := range []int{6, 7, 8, 9, 10, 11, 12, 13, 15, 18} {
		for _, index := range []int{1, 10, 50, 51} {
			names = append(names, oid.New(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, uint32(column), uint32(index)).String())
		}
	}
	r := interop.NetSNMP(t, "snmpget", append([]string{"-v2c", "-OQUnte", "-c", "public", b.address}, names...)...)
	if lines := strings.Count(r.Out, "\n"); r.Code != 0 || lines < len(names) {
		t.Errorf("snmpget of %d names: %+v", len(names), r)
	}
}

// TestZabbix gets as many items of interfaces in one request as Zabbix does, 128, and walks columns as its walk[] and its discovery do.
func TestZabbix(t *testing.T) {
	t.Parallel()
	b, _ := monitored(t)
	for i := 100; i < 130; i++ {
		b.IP(t, "link", "add", fmt.Sprintf("dummy%d", i), "index", fmt.Sprint(i), "type", "bridge")
	}
	column := func(table string, c, index int) string {
		return fmt.Sprintf(".1.3.6.1.2.1.%s.1.%d.%d", table, c, index)
	}
	var names []string
	for i := 100; i < 116; i++ {
		for _, c := range []int{6, 10, 15, 7, 11} { // of ifXTable: traffic, speed
			names = append(names, column("31.1.1", c, i))
		}
		names = append(names, column("2.2", 8, i), column("2.2", 14, i), column("2.2", 19, i))
	}
	if len(names) != 128 {
		t.Fatalf("%d names", len(names))
	}
	for _, version := range []string{"-v1", "-v2c"} {
		ask := names
		if version == "-v1" { // which has no Counter64
			ask = names[5:8]
		}
		r := interop.NetSNMP(t, "snmpget", append([]string{version, "-Onq", "-c", "public", "-t", "5", "-r", "0", b.address}, ask...)...)
		lines := strings.Split(strings.TrimSpace(r.Out), "\n")
		if r.Code != 0 || len(lines) != len(ask) {
			t.Fatalf("%s: %d lines of %d: %+v", version, len(lines), len(ask), r)
		}
		for i, line := range lines {
			name, value, _ := strings.Cut(line, " ")
			if unknown := strings.HasPrefix(value, "No Such"); name != ask[i] || unknown && !strings.HasPrefix(name, ".1.3.6.1.2.1.31.1.1.1.15.") {
				t.Errorf("%s: line %d is %q, want %s", version, i, line, ask[i])
			}
		}
	}
	for _, c := range []string{"2.2.1.2", "2.2.1.3", "2.2.1.7", "2.2.1.8", "31.1.1.1.1", "31.1.1.1.6", "31.1.1.1.18"} {
		r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-Onq", "-Cr10", "-c", "public", "-t", "5", "-r", "0", b.address, ".1.3.6.1.2.1."+c)
		if lines := strings.Count("\n"+r.Out, "\n."); r.Code != 0 || lines != 33 {
			t.Errorf("walk of %s: %d rows, want 33: %+v", c, lines, r)
		}
	}
}
