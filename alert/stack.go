package alert

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/metric"
)

// stackTable is the measurement of ifStackTable (IF-MIB, RFC 2863): which interface runs over which.
const stackTable = "interface_stack"

// stackActive is ifStackStatus of a row that counts.
const stackActive = "active"

// readStack learns from p which ports are below which. What is not complete says nothing.
func (e *Engine) readStack(d *device, p *Poll) {
	if !slices.Contains(p.Complete, stackTable) {
		return
	}
	lowers := map[*port][]string{}
	for i := range p.Samples {
		s := &p.Samples[i]
		if s.Measurement != stackTable {
			continue
		}
		if f, ok := s.Field("ifStackStatus"); ok && f.Kind == metric.String && f.Str != stackActive {
			continue
		}
		upper, lower := d.stacked(s, "ifStackHigherLayer"), d.stacked(s, "ifStackLowerLayer")
		if upper != nil && lower != nil && upper != lower {
			lowers[upper] = append(lowers[upper], lower.key)
		}
	}
	for upper, list := range lowers {
		slices.Sort(list)
		lowers[upper] = slices.Compact(list)
	}
	d.cutLoops(lowers)
	for _, port := range d.byKey {
		if !slices.Equal(port.lowers, lowers[port]) {
			port.own().lowers = slices.Clip(lowers[port])
			port.slim()
			e.touch(d)
		}
	}
}

// stacked returns the port whose ifIndex is a field of s; nil for none, as 0 is.
func (d *device) stacked(s *metric.Sample, name string) *port {
	f, ok := s.Field(name)
	if !ok {
		return nil
	}
	return d.ports.at(int64(f.Num))
}

// cutLoops takes out pairs that are each above the other, as the two ends of a veth say that they are, and then whatever closes a circle. The lists
// are sorted: one may be as long as the table.
func (d *device) cutLoops(lowers map[*port][]string) {
	both := map[*port][]string{}
	for upper, list := range lowers {
		for _, key := range list {
			if contains(lowers[d.get(key, noHint)], upper.key) {
				both[upper] = append(both[upper], key)
			}
		}
	}
	for upper, list := range both {
		lowers[upper] = slices.DeleteFunc(lowers[upper], func(key string) bool { return contains(list, key) })
	}
	const (
		unseen = iota
		open   // on the way down to where we are
		done
	)
	state := map[*port]int{}
	var visit func(p *port)
	visit = func(p *port) {
		state[p] = open
		lowers[p] = slices.DeleteFunc(lowers[p], func(key string) bool {
			below := d.get(key, noHint)
			if state[below] == unseen {
				visit(below)
			}
			return state[below] == open
		})
		state[p] = done
	}
	for _, p := range d.byKey {
		if state[p] == unseen && len(lowers[p]) > 0 {
			visit(p)
		}
	}
}

// contains reports whether a sorted list has key.
func contains(sorted []string, key string) bool {
	_, found := slices.BinarySearch(sorted, key)
	return found
}

// explanation returns the lowest port below p whose mismatch explains that of p; nil if there is none.
func (e *Engine) explanation(d *device, p *port, at time.Time) *port {
	below := e.explains(d, p, at)
	for next := below; next != nil; next = e.explains(d, next, at) { // it ends: loops were cut
		below = next
	}
	return below
}

// explains returns the first port under p that is itself pending or firing, and that people are not kept from hearing of. What is ignored or
// never_up has no alert, and explains nothing.
func (e *Engine) explains(d *device, p *port, at time.Time) *port {
	for _, key := range p.lowers {
		below := d.get(key, noHint)
		if below == nil || below.alert == nil || below.alert.Kind != KindOperDown || !below.goneAt.IsZero() {
			continue
		}
		if e.mutedBy(below.alert, at) == "" {
			return below
		}
	}
	return nil
}

// allDisabled names the ports below p if each of them is admin down; "" otherwise.
func (d *device) allDisabled(p *port) string {
	var names []string
	for _, key := range p.lowers {
		below := d.get(key, noHint)
		if below == nil || !below.goneAt.IsZero() || below.admin != statusDown {
			return ""
		}
		names = append(names, key)
	}
	if len(names) > 3 {
		names = append(names[:3], "and "+strconv.Itoa(len(names)-3)+" more")
	}
	return strings.Join(names, ", ")
}

// unsure reports whether p is over ports of which the poll that is looked at says nothing: a poll of p alone, after a linkDown.
func (d *device) unsure(p *port) bool {
	return slices.ContainsFunc(p.lowers, func(key string) bool {
		below := d.get(key, noHint)
		return below != nil && below.goneAt.IsZero() && below.present != d.poll
	})
}
