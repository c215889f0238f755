package collector

import (
	"context"
	"slices"
	"time"

	"walkabout/snmp/oid"
)

// minExtra is how long after a poll between two slots the next such one is made at the soonest.
const minExtra = 2 * time.Second

// minExtraTime is what must be left until the next slot for a poll before it to be worth its while.
const minExtraTime = time.Second

// PollNow has a device polled at once, beside its schedule: the measurements that are named, or all if none is. It is for those who were told that
// something changed. A device is polled so once in 2 s at most; what is asked for sooner is polled when they are over. PollNow does not wait, and is
// false if there is no such target.
//
// Such a poll is Extra: it brings states and names, and no counters, whose rates are those of the schedule.
func (c *Collector) PollNow(device string, measurements ...string) bool {
	return c.pollNow(device, wanted{any: true, all: len(measurements) == 0, some: measurements})
}

// PollInterface is PollNow for one interface, by its ifIndex: its row is asked for by name, and no other. If the row is not known yet all of the table is
// polled.
func (c *Collector) PollInterface(device string, ifIndex uint32) bool {
	return c.pollNow(device, wanted{any: true, ports: []uint32{ifIndex}})
}

func (c *Collector) pollNow(device string, what wanted) bool {
	c.mu.Lock()
	r := c.runners[device]
	c.mu.Unlock()
	if r == nil {
		return false
	}
	c.schedule.want(r, what)
	return true
}

// wanted is what is to be polled before the next slot: everything, measurements, rows of the table of interfaces.
type wanted struct {
	any, all bool
	some     []string
	ports    []uint32
}

func (w *wanted) add(more wanted) {
	w.any, w.all = w.any || more.any, w.all || more.all
	for _, m := range more.some {
		if !slices.Contains(w.some, m) {
			w.some = append(w.some, m)
		}
	}
	for _, i := range more.ports {
		if !slices.Contains(w.ports, i) && len(w.ports) <= maxPorts { // one more than maxPorts says that they are too many
			w.ports = append(w.ports, i)
		}
	}
}

// maxPorts is how many interfaces are asked for one by one. Where more changed the table is read.
const maxPorts = 32

// wants reports whether a poll is to read a part, and which of its rows; none is all of them.
func (w *wanted) wants(part *part) (rows []uint32, ok bool) {
	switch {
	case !w.any || w.all || slices.Contains(w.some, part.measurement):
		return nil, true
	case len(w.ports) == 0 || part.table == nil || part.table.Interface == nil:
		return nil, false
	case len(w.ports) > maxPorts:
		return nil, true
	}
	return w.ports, true
}

// readPorts asks for some rows of a table of interfaces, without their counters. false: a row is not known, and nothing was asked.
func (p *part) readPorts(ctx context.Context, a *asker, g *grid, ports []uint32) (rows int, known bool, fatal error) {
	var names []oid.OID
	for _, port := range ports {
		name := oid.New(port)
		if p.selection != nil && !slices.Contains(p.selection.rows, name) || p.selection == nil && !p.structure.has(name) {
			return 0, false, nil
		}
		names = append(names, name)
	}
	var columns []int
	for c, o := range p.objects {
		if !o.Type.counter() {
			columns = append(columns, c)
		}
	}
	g.reset(len(p.objects))
	fatal = p.getRows(ctx, a, g, names, columns)
	return len(g.index), true, fatal
}

// pollExtra polls what is wanted before the next slot, unless that one is about to come. A device that does not answer is left to the schedule.
func (r *runner) pollExtra(ctx context.Context, sinks []Sink, slot time.Time, what wanted) {
	left := min(deadline(r.target.Interval), time.Until(slot))
	if left < minExtraTime {
		return
	}
	pollCtx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	r.poller.wanted = what
	poll := r.poller.poll(pollCtx)
	r.poller.wanted = wanted{}
	r.poller.stats.extra()
	if ctx.Err() != nil || !poll.Answered {
		return
	}
	poll.Extra, poll.Complete = true, nil
	r.deliver(ctx, sinks, poll)
}
