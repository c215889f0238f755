package collector

import (
	"context"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// PollOnce returns a function that polls t once, for benchmarks.
func PollOnce(t Target, dial Dial) (func(ctx context.Context) Poll, error) {
	p, err := newPoller(t, BuiltIn(), dial, discard, newWorkspace())
	if err != nil {
		return nil, err
	}
	return p.poll, nil
}

// Identity is identity.
func Identity(engineID, context string) uint64 { return identity(engineID, context) }

// SetWall gives c another clock than time.Now to see by how long the computer was suspended. It is for before Run.
func SetWall(c *Collector, wall func() time.Time) { c.shared.wall = wall }

// RowsRemembered returns of how many rows interfaces' limits and the cells of a lookup are kept after walks that broke off, each of so many rows that none
// before had.
func RowsRemembered(walks, rows int) (limits, cells int) {
	p := part{layout: &layout{limits: [4]int{0, -1, -1, -1}}}
	var l lookupTable
	var g grid
	for walk := range walks {
		g.reset(1)
		for r := range rows {
			index := uint32(walk*rows + r + 1)
			values := g.values(g.row(oid.New(index)))
			values[0] = snmp.Gauge32(1000)
			p.limit(&g, index, values)
		}
		l.take(&g, false)
	}
	return len(p.remembered), l.column.rows.len()
}

// LookupDue asks a lookup of an empty column for rows first to first+count-1 and for row 0 at so many structures' intervals, of other rows each time, and
// returns at how many of them, and of how many more without other rows, the column was to be read again at once.
func LookupDue(intervals, count int) (churn, still int) {
	const structure = time.Minute
	var l lookupTable
	var g grid
	g.reset(1)
	now := time.Unix(0, 0)
	for i := range 2 * intervals {
		now = now.Add(structure)
		l.take(&g, true)
		l.age(now, structure)
		l.read, l.fresh = now, false
		l.get(oid.New(0))
		for r := range count {
			l.get(oid.New(uint32(min(i, intervals)*count + r + 1)))
		}
		switch due := l.due(now, structure); {
		case due && i < intervals:
			churn++
		case due && i > intervals:
			still++
		}
	}
	return churn, still
}
