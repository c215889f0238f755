package snmpyml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/collector/snmpyml"
	"walkabout/counter"
)

// body is a module as the generator of snmp_exporter writes it, indented by indent.
func body(indent string) string {
	text := `if_mib:
  walk:
  - 1.3.6.1.2.1.31.1.1
  get:
  - 1.3.6.1.2.1.1.3.0
  metrics:
  - name: sysUpTime
    oid: 1.3.6.1.2.1.1.3
    type: gauge
    help: The time
  - name: temperature
    oid: 1.3.6.1.4.1.99.1
    type: gauge
    scale: 0.1
    offset: -273
  - name: ifOperStatus
    oid: 1.3.6.1.2.1.2.2.1.8
    type: EnumAsStateSet
    indexes:
    - {labelname: ifIndex, type: gauge}
    lookups: &lookups
    - {labels: [ifIndex], labelname: ifAlias, oid: 1.3.6.1.2.1.31.1.1.1.18, type: DisplayString}
    - {labels: [ifIndex], labelname: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: DisplayString}
    - {labels: [], labelname: ifIndex}
    enum_values: {1: up, 2: down}
  - name: ifHCInOctets
    oid: 1.3.6.1.2.1.31.1.1.1.6
    type: counter
    indexes:
    - {labelname: ifIndex, type: gauge}
    lookups: *lookups
  - name: ifInOctets
    oid: 1.3.6.1.2.1.2.2.1.10
    type: counter
    indexes:
    - {labelname: ifIndex, type: gauge}
    lookups: *lookups
  - name: ifHighSpeed
    oid: 1.3.6.1.2.1.31.1.1.1.15
    type: gauge
    indexes:
    - {labelname: ifIndex, type: gauge}
    lookups: *lookups
  - name: ifName
    oid: 1.3.6.1.2.1.31.1.1.1.1
    type: DisplayString
    indexes:
    - {labelname: ifIndex, type: gauge}
    lookups: *lookups
  - name: load
    oid: 1.3.6.1.4.1.2021.10.1.3
    type: DisplayString
    indexes:
    - {labelname: laIndex, type: gauge}
    regex_extracts:
      Value:
      - {regex: '(\d+\.\d+)', value: $1}
  - name: peer
    oid: 1.3.6.1.4.1.99.3.1
    type: InetAddress
    indexes:
    - {labelname: address, type: InetAddress}
    - {labelname: kind, type: EnumAsInfo, enum_values: {1: good, 2: bad}}
    - {labelname: mac, type: PhysAddress48, fixed_size: 6}
    - {labelname: text, type: DisplayString, implied: true}
    lookups:
    - {labels: [kind], labelname: kind, oid: 1.3.6.1.4.1.99.4.1, type: DisplayString}
  max_repetitions: 10
  version: 2
empty:
  walk: []
odd:
  metrics:
  - {name: x, oid: 1.3.6.1.4.1.1, type: Wrong}
`
	lines := strings.SplitAfter(text, "\n")
	return indent + strings.Join(lines[:len(lines)-1], indent)
}

func parse(t *testing.T, text string) snmpyml.File {
	t.Helper()
	f, err := snmpyml.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestLayouts reads the layout with auths and modules, and the older one.
func TestLayouts(t *testing.T) {
	for name, text := range map[string]string{
		"new": "auths:\n  public_v2: {community: public, version: 2}\nmodules:\n" + body("  "),
		"old": body(""),
	} {
		f := parse(t, text)
		if diff := cmp.Diff([]string{"empty", "if_mib", "odd"}, f.Modules()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		p, err := f.Profile("if_mib", smi.BuiltIn())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"if_mib", "if_mib_ifIndex", "if_mib_laIndex", "if_mib_address_kind_mac_text"}, p.Measurements()); diff != "" || p.MaxRepetitions != 10 {
			t.Errorf("%s: %s, max_repetitions %d", name, diff, p.MaxRepetitions)
		}
		table := p.Tables[0]
		if len(table.Columns) != 4 || table.Columns[0].Type != collector.TypeEnum || table.Columns[1].Type != collector.TypeCounter64 || table.Columns[1].Twin != "ifInOctets" ||
			table.Columns[2].Unit != collector.Unit(counter.Octets) || table.Interface == nil || table.Interface.HighSpeed != "ifHighSpeed" || !table.Indexes[0].Drop || len(table.Lookups) != 2 {
			t.Errorf("%s: %+v", name, table)
		}
		var parts []string
		for _, i := range p.Tables[2].Indexes {
			parts = append(parts, i.Name+" "+string(i.Type))
		}
		if diff := cmp.Diff([]string{"address#type integer", "address inetaddress", "kind# enum", "mac physaddress", "text string"}, parts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if l := p.Tables[2].Lookups[0]; l.Name != "kind" || cmp.Diff([]string{"kind#"}, l.By) != "" {
			t.Errorf("%s: a lookup in its index's place: %+v", name, l)
		}
	}
}

// TestFiltersAndRows reads a module with dynamic filters, and one that static filters made ask for single rows.
func TestFiltersAndRows(t *testing.T) {
	f := parse(t, `modules:
  filtered:
    walk: [1.3.6.1.2.1.2.2.1.10, 1.3.6.1.2.1.2.2.1.8]
    metrics:
    - {name: ifInOctets, oid: 1.3.6.1.2.1.2.2.1.10, type: counter, indexes: [{labelname: ifIndex, type: gauge}]}
    - {name: ifOperStatus, oid: 1.3.6.1.2.1.2.2.1.8, type: gauge, indexes: [{labelname: ifIndex, type: gauge}]}
    filters:
    - {oid: 1.3.6.1.2.1.2.2.1.7, targets: [1.3.6.1.2.1.2.2.1.10], values: ["^1$", "2"]}
    - {oid: 1.3.6.1.2.1.31.1.1.1.18, targets: [1.3.6.1.2.1.2.2.1.10], values: ["up.*link"]}
    - {oid: 1.3.6.1.2.1.31.1.1.1.18, targets: [1.3.6.1.2.1.2.2.1.1], values: []}
  single:
    get: [1.3.6.1.2.1.1.3.0, 1.3.6.1.2.1.2.2.1.10.2, 1.3.6.1.2.1.2.2.1.10.17, 1.3.6.1.2.1.2.2.1.100.5, 1.3.6.1.2.1.4.20.1.2.192.0.2.1]
    metrics:
    - {name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge}
    - {name: ifInOctets, oid: 1.3.6.1.2.1.2.2.1.10, type: counter, indexes: [{labelname: ifIndex, type: gauge}]}
    - {name: ipAdEntIfIndex, oid: 1.3.6.1.2.1.4.20.1.2, type: gauge, indexes: [{labelname: ipAdEntAddr, type: IpAddr}]}
`)
	p, err := f.Profile("filtered", smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tables) != 2 || len(p.Tables[1].Filters) != 0 || len(p.Tables[0].Filters) != 2 || len(p.Tables[0].Lookups) != 2 {
		t.Fatalf("%+v", p.Tables)
	}
	for i, want := range []struct{ oid, match string }{{"1.3.6.1.2.1.2.2.1.7", "(?:^1$)|(?:2)"}, {"1.3.6.1.2.1.31.1.1.1.18", "(?:up.*link)"}} {
		filter, lookup := p.Tables[0].Filters[i], p.Tables[0].Lookups[i]
		if filter.Of != lookup.Name || !lookup.Drop || lookup.OID.String() != want.oid || filter.Match.String() != want.match {
			t.Errorf("%+v of %+v, want %v", filter, lookup, want)
		}
	}
	if p, err = f.Profile("single", smi.BuiltIn()); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, table := range p.Tables {
		for _, x := range table.Rows {
			rows = append(rows, table.Measurement+" "+x.String())
		}
	}
	if diff := cmp.Diff([]string{"single_ifIndex 2", "single_ifIndex 17", "single_ipAdEntAddr 192.0.2.1"}, rows); diff != "" || len(p.Scalars) != 1 {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	if _, err := parse(t, "").Profile("if_mib", smi.BuiltIn()); !errors.Is(err, snmpyml.ErrNoModule) || !strings.Contains(err.Error(), "the file has none") {
		t.Errorf("an empty file: %v", err)
	}
	f := parse(t, body(""))
	for name, want := range map[string]string{
		"if_mob": `no such module: "if_mob"; did you mean "if_mib"?`, "nothing like it": "there are empty, if_mib, odd", "empty": "module empty has no metrics", "odd": `module odd: x: unknown type "Wrong"`,
	} {
		_, err := f.Profile(name, smi.BuiltIn())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, known := map[string]bool{"empty": true, "odd": true}[name]; !known && !errors.Is(err, snmpyml.ErrNoModule) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"[", "- a", "modules: 5"} {
		if _, err := snmpyml.Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken for an snmp.yml", text)
		}
	}
}

func FuzzProfile(f *testing.F) {
	f.Add(body(""))
	f.Add("modules:\n" + body("  "))
	f.Fuzz(func(t *testing.T, text string) {
		file, err := snmpyml.Parse([]byte(text))
		if err != nil {
			return
		}
		for _, m := range file.Modules() {
			_, _ = file.Profile(m, smi.BuiltIn()) // whatever it says, it ends
		}
	})
}
