package mib2_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// newSwitch is a machine of n links.
func newSwitch(n int) *device {
	d := router()
	var links []machine.Link
	d.counters = nil
	for i := range n {
		links = append(links, machine.Link{
			Index: uint32(i + 1), Name: fmt.Sprint("eth", i), Type: machine.TypeEthernet, Flags: machine.FlagUp | machine.FlagRunning,
			OperState: machine.OperUp, MTU: 1500, Speed: 1e9, Address: "\x02\x00\x00\x00\x00\x01",
		})
		d.counters = append(d.counters, machine.NewLinkCounters(uint32(i+1), true, linkStats(1<<40)))
	}
	d.setLinks(links...)
	return d
}

// tenCounters are names of a poll of one link.
func tenCounters(index uint32) []oid.OID {
	var names []oid.OID
	for _, column := range []string{
		"31.1.1.1.6", "31.1.1.1.7", "31.1.1.1.10", "31.1.1.1.11", "2.2.1.13", "2.2.1.14", "2.2.1.19", "2.2.1.20", "2.2.1.10", "2.2.1.16",
	} {
		names = append(names, name(column).Append(index))
	}
	return names
}

// benchmarkGet asks h for names, once a request, as the agent does.
func benchmarkGet(b *testing.B, h mib.Handler, fresh bool, clock func() time.Time, names []oid.OID) {
	var q mib.Request
	var values []snmp.Value
	b.ReportAllocs()
	for b.Loop() {
		q.Reset()
		q.At, q.Fresh = clock(), fresh
		view, err := h.View(b.Context(), &q)
		if err != nil {
			b.Fatal(err)
		}
		if values, err = view.Get(b.Context(), values[:0], names); err != nil || values[0].IsException() {
			b.Fatal(values, err)
		}
	}
}

// BenchmarkGet10Counters is the MIB's share of a GET of 10 counters, of a machine whose reading costs nothing.
func BenchmarkGet10Counters(b *testing.B) {
	for _, links := range []int{4, 1000} {
		for _, fresh := range []bool{false, true} {
			b.Run(fmt.Sprintf("links=%d/fresh=%v", links, fresh), func(b *testing.B) {
				benchmarkGet(b, newSwitch(links).mib(b), fresh, func() time.Time { return now }, tenCounters(2))
			})
		}
	}
}

// BenchmarkNext25 is the MIB's share of a GETBULK of 25 from the start of ifTable, and of one column.
func BenchmarkNext25(b *testing.B) {
	for _, below := range []string{"2.2", "31.1.1.1.6"} {
		b.Run("below="+below, func(b *testing.B) {
			m := newSwitch(48).mib(b)
			start := name(below)
			ranges := []mib.Range{{Start: start, Include: true, End: start.SubtreeEnd()}}
			var q mib.Request
			var vbs []snmp.VarBind
			b.ReportAllocs()
			for b.Loop() {
				q.Reset()
				q.Version, q.At = snmp.V2c, now // SNMPv1 sees no Counter64
				view, err := m.View(b.Context(), &q)
				if err != nil {
					b.Fatal(err)
				}
				if vbs, err = view.Next(b.Context(), vbs[:0], ranges, 25); err != nil || len(vbs) != 25 {
					b.Fatal(len(vbs), err)
				}
			}
		})
	}
}

// BenchmarkTCPTable is the making of tcpConnTable of 5,000 connections, once a reading.
func BenchmarkTCPTable(b *testing.B) {
	d := &device{}
	remote := netip.MustParseAddrPort("192.0.2.1:443")
	for i := range 5000 {
		local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i * 7), 1}), uint16(i*13))
		d.tcp = append(d.tcp, machine.TCPSocket{Local: local, Remote: remote, State: machine.TCPEstablished})
	}
	lists := [2][]machine.TCPSocket{d.tcp, append([]machine.TCPSocket(nil), d.tcp...)}
	m := d.mib(b)
	names := []oid.OID{name("6.13.1.1.10.0.0.1.0.192.0.2.1.443")}
	i := 0
	benchmarkGet(b, m, true, func() time.Time {
		i++
		d.tcp = lists[i%2]
		return now
	}, names)
}
