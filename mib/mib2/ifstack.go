package mib2

import (
	"context"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// stack is the rows of ifStackTable (RFC 2863) and of ifInvStackTable (RFC 2864), which has the same with the index turned round. A
// link that is below or above nothing has a row with 0 in that place.
type stack struct {
	generation uint64    // RowGeneration and
	change     time.Time // StackChange of the links that it was made of
	byHigher   []oid.OID
	byLower    []oid.OID
}

// stackOf returns the stack of l.
func (i *interfaces) stackOf(l *machine.Links) *stack {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := i.stack; s != nil && s.generation == l.RowGeneration && s.change.Equal(l.StackChange) {
		return s
	}
	var pairs [][2]uint32
	over, under := map[uint32]bool{}, map[uint32]bool{}
	l.Layers(func(higher, lower uint32) {
		pairs = append(pairs, [2]uint32{higher, lower})
		over[lower], under[higher] = true, true
	})
	for _, link := range l.List {
		if !over[link.Index] {
			pairs = append(pairs, [2]uint32{0, link.Index})
		}
		if !under[link.Index] {
			pairs = append(pairs, [2]uint32{link.Index, 0})
		}
	}
	s := &stack{generation: l.RowGeneration, change: l.StackChange}
	higher, lower := newPacker(len(pairs), 2), newPacker(len(pairs), 2)
	for _, p := range pairs {
		higher.number(p[0])
		higher.number(p[1])
		higher.end()
		lower.number(p[1])
		lower.number(p[0])
		lower.end()
	}
	s.byHigher, s.byLower = newTable(higher, pairs).index, newTable(lower, pairs).index
	i.stack = s
	return s
}

const (
	ifStackStatus    = 3
	ifInvStackStatus = 1
	rowActive        = 1 // RowStatus (RFC 2579)
)

var ifInvertedStack = mib2Root.Append(77, 1)

func (m *MIB) ifStackTable() mib.Group {
	return m.stackGroup(ifMIBObjects.Append(2, 1), ifStackStatus, func(s *stack) []oid.OID { return s.byHigher })
}

func (m *MIB) ifInvStackTable() mib.Group {
	return m.stackGroup(ifInvertedStack.Append(1, 1), ifInvStackStatus, func(s *stack) []oid.OID { return s.byLower })
}

func (m *MIB) stackGroup(entry oid.OID, column uint32, rows func(*stack) []oid.OID) mib.Group {
	active := func(int, uint32) (snmp.Value, bool) { return snmp.Integer(rowActive), true }
	return mib.Group{
		Entry:   entry,
		Columns: []uint32{column},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			links, err := m.reading(q).Links(ctx)
			if err != nil || !m.machine.TellsLayers() {
				return mib.Snapshot{}
			}
			return mib.Snapshot{Index: rows(m.interfaces.stackOf(links)), Cell: active}
		},
	}
}

const (
	ifRcvAddressStatus = 2
	ifRcvAddressType   = 3

	rcvVolatile    = 2 // ifRcvAddressType: what somebody joined
	rcvNonVolatile = 3 // what the link has of itself
)

// receiveAddress is a row of ifRcvAddressTable.
type receiveAddress struct{ kind int32 }

// ifRcvAddressTable has the addresses that links receive: their own, the broadcast address, and what was joined.
func (m *MIB) ifRcvAddressTable() mib.Group {
	cell := func(a *receiveAddress, column uint32) (snmp.Value, bool) {
		if column == ifRcvAddressStatus {
			return snmp.Integer(rowActive), true
		}
		return snmp.Integer(a.kind), true
	}
	return mib.Group{
		Entry:   ifMIBObjects.Append(4, 1),
		Columns: []uint32{ifRcvAddressStatus, ifRcvAddressType},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			links, err := m.reading(q).Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			groups, err := m.reading(q).LinkGroups(ctx)
			if err != nil {
				return mib.Snapshot{} // a part of the addresses would say that the others are not received
			}
			return receiveAddresses(links, groups).snapshot(cell)
		},
	}
}

func receiveAddresses(links *machine.Links, groups []machine.LinkGroup) *table[receiveAddress] {
	var rows []receiveAddress
	p := newPacker(2*len(links.List)+len(groups), 8)
	add := func(link uint32, address string, kind int32) {
		if address == "" {
			return
		}
		p.number(link)
		p.number(uint32(len(address)))
		for i := range len(address) {
			p.number(uint32(address[i]))
		}
		p.end()
		rows = append(rows, receiveAddress{kind})
	}
	for _, l := range links.List {
		if l.Flags&machine.FlagLoopback != 0 {
			continue // its address of zeros is none
		}
		add(l.Index, l.Address, rcvNonVolatile)
		if l.Flags&machine.FlagBroadcast != 0 {
			add(l.Index, l.Broadcast, rcvNonVolatile)
		}
	}
	for _, g := range groups {
		if l, ok := links.ByIndex(g.Link); ok && l.Flags&machine.FlagLoopback == 0 {
			add(g.Link, g.Address, rcvVolatile)
		}
	}
	return newTable(p, rows)
}
