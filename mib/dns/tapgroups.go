package dns

import (
	"context"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	dnsServCounterEntry = dnsServCounter.Append(13, 1)
	dnsServOptCounter   = dnsServMIB.Append(1, 3)
)

// Columns of dnsServCounterTable, and where the counters of dnsServCounter and dnsServOptCounter begin.
const (
	dnsServCounterRequests  = 5
	dnsServCounterResponses = 6

	firstServCounter   = 2
	firstSelfCounter   = 1
	firstFriendCounter = 12
)

// total returns a counter of dnsServCounter by its column: the sum over all origins. It is not told before a message of its kind was seen.
func (t *Tap) total(column uint32) (snmp.Value, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var n uint64
	for i := range t.origins {
		n += t.origins[i][column-firstServCounter]
	}
	return snmp.Counter32(uint32(n)), t.seenLocked(column - firstServCounter)
}

// seenLocked reports whether a counter is told: RelNames counts queries, the others responses.
func (t *Tap) seenLocked(counter uint32) bool {
	if counter == tapRelNames {
		return t.queries
	}
	return t.answers
}

// optional returns a counter of dnsServOptCounter by its column.
func (t *Tap) optional(column uint32) (snmp.Value, bool) {
	from, counter := originSelf, column-firstSelfCounter
	if column >= firstFriendCounter {
		from, counter = originFriend, column-firstFriendCounter
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if from == originFriend && len(t.friends) == 0 {
		return none()
	}
	return snmp.Counter32(uint32(t.origins[from][counter])), t.seenLocked(counter)
}

// snapshot is dnsServCounterTable as of now.
func (t *Tap) snapshot() mib.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	type row struct {
		index oid.OID
		tapCell
	}
	rows := make([]row, 0, len(t.rows))
	for r, counts := range t.rows {
		rows = append(rows, row{oid.New(uint32(r.opcode), uint32(r.class), uint32(r.kind), uint32(r.transport)), *counts})
	}
	table := mib.NewTable(rows, func(r *row) oid.OID { return r.index })
	return table.Snapshot(func(r *row, column uint32) (snmp.Value, bool) {
		if column == dnsServCounterRequests {
			return snmp.Counter32(uint32(r.requests)), true
		}
		return snmp.Counter32(uint32(r.responses)), true
	})
}

// tapGroups are what dnstap alone can tell; without it the objects have no instances.
func (m *MIB) tapGroups() []mib.Group {
	columns := make([]uint32, 0, 2*tapCountCount)
	for c := range uint32(2 * tapCountCount) {
		columns = append(columns, firstSelfCounter+c)
	}
	return []mib.Group{{
		Entry: dnsServCounterEntry, Columns: []uint32{dnsServCounterRequests, dnsServCounterResponses},
		Open: func(context.Context, *mib.Request) mib.Snapshot {
			if m.tap == nil {
				return mib.Snapshot{}
			}
			return m.tap.snapshot()
		},
	}, {
		Entry: dnsServOptCounter, Columns: columns,
		Open: func(context.Context, *mib.Request) mib.Snapshot {
			if m.tap == nil {
				return mib.Snapshot{}
			}
			return mib.Scalars(m.tap.optional)
		},
	}}
}
