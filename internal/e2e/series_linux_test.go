//go:build interop

package e2e

import (
	"strings"
	"testing"

	"walkabout/internal/interop"
	"walkabout/sim"
)

// Agents of every kind share a database: a field has one type, and a series its whole set of tags from the first poll on.
func TestSeries(t *testing.T) {
	t.Parallel()
	d := newInfluxDB(t)
	ours, theirs := newBox(t), newBox(t)
	ours.agent(t)
	theirs.Do(t, func() {
		interop.StartNetSNMPDAt(t, theirs.address+":161", "rocommunity public\nsysName theirs", "public")
	})
	port := sim.Port{Index: 1, Name: "ge1", Alias: `"up", to the <core>, e=1\`, InRate: 1e9, OutRate: 10, InBase: before(0, 1e9)}
	const all = "system, interfaces, ip, icmp, tcp, udp, snmp"
	c := collection{db: d, targets: []target{
		{name: "ours", address: ours.address, collect: all},
		{name: "theirs", address: theirs.address, collect: all},
		{name: "oldest", address: theirs.address, collect: all, credential: "old"},
		{name: "wide", address: newDevice(t, "wide", false, port).address, collect: all},
		{name: "narrow", address: newDevice(t, "narrow", true, port).address, collect: all},
	}}
	p := collect(t, c.write(t))
	for _, x := range c.targets {
		p.awaitPolls(t, x.name, 2)
	}
	if n := p.metric(t, `snmpcollect_output_samples_rejected_total{output="influxdb"}`); n != 0 {
		t.Errorf("InfluxDB rejected %v points", n)
	}
	end(t, p.Process)

	for _, measurement := range d.Query("snmp", "SHOW FIELD KEYS") {
		seen := map[any]any{}
		for _, row := range measurement.Values {
			field, kind := row[0], row[1]
			if other, twice := seen[field]; twice {
				t.Errorf("%s.%s is %v and %v", measurement.Name, field, kind, other)
			}
			seen[field] = kind
		}
		for _, x := range c.targets {
			links := map[string]bool{}
			for _, s := range read(t, d, measurement.Name, x.name) {
				if link := strings.Join([]string{s.tags["ifName"], s.tags["ifDescr"], s.tags["higher"], s.tags["lower"]}, " "); links[link] {
					t.Errorf("%s %s %s has several series", x.name, measurement.Name, link)
				} else {
					links[link] = true
				}
				if s.tags["hostname"] == "" || s.tags["agent_host"] == "" {
					t.Errorf("%s %s: tags %v", x.name, measurement.Name, s.tags)
				}
			}
		}
	}
	if got := interfaceSeries(t, d, "wide", "ge1").points[0].fields["ifAlias"]; got != port.Alias {
		t.Errorf("ifAlias is %q, want %q", got, port.Alias)
	}
}
