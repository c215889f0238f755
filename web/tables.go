package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"walkabout/metric"
)

// table is a measurement as last read: samples as metric.Append writes them, which take a tenth of what they take as values.
type table struct {
	at       time.Time
	complete bool
	total    int
	kept     int
	data     []byte
}

// mostTable is about how many octets of a table are kept.
const mostTable = 1 << 20

// take keeps rows, as many as there is room for.
func (t *table) take(p *Poll, rows []metric.Sample, complete bool) {
	t.at, t.complete, t.total = p.At, complete, len(rows)
	t.kept = 0
	for size := 0; t.kept < min(len(rows), MaxRows); t.kept++ {
		for _, f := range rows[t.kept].Fields {
			size += 16 + len(f.Str)
		}
		for _, tag := range rows[t.kept].Tags {
			size += 4 + len(tag.Value)
		}
		if size > mostTable {
			break
		}
	}
	t.data = metric.Append(t.data[:0], metric.Batch{Device: p.Device, At: p.At, Samples: rows[:t.kept]})
}

// commonTags are those of every sample of a device, which say nothing in its tables.
var commonTags = map[string]bool{"device": true, "agent_host": true, "hostname": true}

// rateSeconds is the time that the rates of a row are of, which says nothing to who looks at them.
const rateSeconds = "rate_seconds"

// answer returns t as the pages are given it.
func (t *table) answer(measurement string, labels map[string]string, fields map[string]FieldInfo, q *listQuery) (Table, error) {
	out := Table{Measurement: measurement, Title: titleOf(measurement), At: t.at, Complete: t.complete, Total: t.total, Kept: t.kept, Offset: q.offset,
		Columns: []Column{}, Rows: [][]Cell{}}
	batch, err := metric.Decode(t.data)
	if err != nil {
		return out, fmt.Errorf("what is kept of %s: %w", measurement, err)
	}
	places := map[string]int{}
	column := func(name, kind string) {
		if _, known := places[kind+name]; !known {
			places[kind+name] = len(out.Columns)
			out.Columns = append(out.Columns, Column{Name: name, Kind: kind, Unit: fields[name].Unit})
		}
	}
	for i := range batch.Samples {
		for _, tag := range batch.Samples[i].Tags {
			if _, label := labels[tag.Name]; !label && !commonTags[tag.Name] {
				column(tag.Name, "tag")
			}
		}
	}
	for i := range batch.Samples {
		for k := range batch.Samples[i].Fields {
			f := &batch.Samples[i].Fields[k]
			if info := fields[f.Name]; f.Name != rateSeconds {
				column(f.Name, kindOf(f, &info))
			}
		}
	}
	var all [][]Cell
	for i := range batch.Samples {
		row := make([]Cell, len(out.Columns))
		for _, tag := range batch.Samples[i].Tags {
			if at, ok := places["tag"+tag.Name]; ok {
				row[at] = Text(tag.Value)
			}
		}
		for k := range batch.Samples[i].Fields {
			f := &batch.Samples[i].Fields[k]
			if info := fields[f.Name]; f.Name != rateSeconds {
				row[places[kindOf(f, &info)+f.Name]] = info.written(cellOf(f))
			}
		}
		if q.matches(row) {
			all = append(all, row)
		}
	}
	out.storage(all)
	if err := out.sort(all, q); err != nil {
		return out, err
	}
	out.Matching = len(all)
	out.Rows = page(all, q)
	out.sensors()
	return out, nil
}

// kindOf returns the Kind of the column that f is in.
func kindOf(f *metric.Field, info *FieldInfo) string {
	switch f.Kind {
	case metric.String:
		return "text"
	case metric.Boolean:
		return "boolean"
	case metric.Counter32, metric.Counter64:
		return "rate"
	}
	if len(info.Labels) > 0 {
		return "text"
	}
	return "number"
}

func cellOf(f *metric.Field) Cell {
	switch f.Kind {
	case metric.String:
		return Text(f.Str)
	case metric.Boolean:
		return f.Num != 0
	case metric.Counter32, metric.Counter64:
		if !f.Verdict.HasRate() {
			return nil
		}
		return finite(f.Rate)
	case metric.Integer:
		return int64(f.Num)
	case metric.Float:
		return finite(f.Float64())
	}
	return f.Num
}

// sort orders rows by the column that q names; without one they stay as the agent has them.
func (t *Table) sort(rows [][]Cell, q *listQuery) error {
	if q.sort == "" {
		return nil
	}
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == q.sort })
	if at < 0 {
		return badRequest("sort: %s has no column %q", t.Measurement, q.sort)
	}
	slices.SortStableFunc(rows, func(a, b []Cell) int { return q.ordered(compareCells(a[at], b[at])) })
	return nil
}

// compareCells puts nothing behind numbers and numbers before texts.
func compareCells(a, b Cell) int {
	x, xNumber := numberOf(a)
	y, yNumber := numberOf(b)
	switch {
	case xNumber && yNumber:
		return cmp.Compare(x, y)
	case xNumber != yNumber:
		if xNumber {
			return -1
		}
		return 1
	}
	return strings.Compare(textOf(a), textOf(b))
}

func numberOf(c Cell) (float64, bool) {
	switch v := c.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func textOf(c Cell) string {
	if c == nil {
		return ""
	}
	return fmt.Sprint(c)
}

// titles are of what people look at first, in that order; the others follow by name.
var titles = [...]struct{ measurement, title string }{
	{"entity_sensor", "Sensors"}, {"cisco_sensor", "Sensors (Cisco)"}, {"arista_sensor", "Sensors (Arista)"}, {"cisco_temperature", "Temperatures"},
	{"ucd_temperature", "Temperatures"}, {"ucd_fan", "Fans"}, {"cisco_fan", "Fans"}, {"cisco_supply", "Power supplies"}, {"ups", "UPS"},
	{"host_processor", "Processors"}, {"cisco_cpu", "Processors (Cisco)"}, {"ucd_load", "Load"}, {"host_storage", "Storage"}, {"ucd_memory", "Memory"}, {"ucd_disk", "Disks"},
	{"ucd_diskio", "Disk I/O"}, {"juniper_operating", "Components (Juniper)"}, {"dns_server", "DNS server"}, {"dns_zone", "DNS zones"}, {"dns_resolver", "DNS resolver"},
	{"bgp_peer", "BGP peers"}, {"lldp_neighbor", "Neighbours (LLDP)"}, {"ip_route", "Routes"}, {"bridge_fdb", "Forwarding table"}, {"interface_ethernet", "Ethernet"}, {"ping", "Ping"},
	{"host", "Host"}, {"host_device", "Devices"}, {"ucd_system", "System (UCD)"}, {"snmp_engine", "SNMP engine"}, {"bgp", "BGP"}, {"lldp", "LLDP"},
	{"dns_zone_source", "DNS zones' sources"}, {"dns_queries", "DNS queries"}, {"dns_resolver_opcode", "DNS resolver by opcode"}, {"dns_resolver_rcode", "DNS resolver by rcode"},
	{"ups_input", "UPS input"}, {"ups_output", "UPS output"}, {"ups_alarm", "UPS alarms"},
}

var abbreviations = map[string]bool{"arp": true, "bgp": true, "cpu": true, "dns": true, "fdb": true, "icmp": true, "ip": true, "ipv4": true, "ipv6": true, "lldp": true,
	"ospf": true, "snmp": true, "stp": true, "tcp": true, "udp": true, "ups": true, "vlan": true, "vpn": true}

// titleOf returns what a measurement is called above its table.
func titleOf(measurement string) string {
	for i := range titles {
		if titles[i].measurement == measurement {
			return titles[i].title
		}
	}
	words := strings.Split(Text(measurement), "_")
	for i, word := range words {
		switch {
		case abbreviations[word]:
			words[i] = strings.ToUpper(word)
		case i == 0 && word != "" && word[0] < utf8.RuneSelf:
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

func titleRank(measurement string) int {
	for i := range titles {
		if titles[i].measurement == measurement {
			return i
		}
	}
	return len(titles)
}
