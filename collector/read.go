package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// scalarsAtATime keeps requests and replies of scalars within a datagram.
const scalarsAtATime = 30

// read asks for the part. As walker.walk it leaves faults in the grid, and returns the error after which nothing more can be asked. rows
// is how many of the grid's rows count: those that the slow columns alone have came or went during the walk. signals are the part's
// changes as they are at present.
func (p *part) read(ctx context.Context, a *asker, w *walker, g *grid, signals []snmp.Value, structure time.Duration) (rows int, err error) {
	g.reset(len(p.objects))
	if p.table == nil {
		return 1, p.readScalars(ctx, a, g)
	}
	if len(p.rowNames) > 0 {
		err = p.getRows(ctx, a, g, p.rowNames, slices.Concat(p.fast, p.slow))
		return len(g.index), err
	}
	*w = walker{asker: a, grid: g, objects: p.objects, legs: w.legs, names: w.names, indexes: w.indexes, state: w.state, reread: w.reread}
	if p.selection != nil {
		return p.readSelected(ctx, w, signals, structure)
	}
	if len(p.fast) == 0 {
		err = w.walk(ctx, p.slow)
		return len(g.index), err
	}
	now := time.Now()
	if err = p.readFast(ctx, w, p.structure.holds(signals, now, structure)); err != nil {
		w.fail(err, p.slow)
		return len(g.index), err
	}
	rows = len(g.index)
	if p.structure.fits(p, g, signals, now, structure) {
		p.structure.fill(p, g)
		return rows, nil
	}
	if p.structure.old(now, structure) {
		p.deviated = 0
	}
	p.structure.forget()
	if len(p.slow) > 0 {
		err = w.walk(ctx, p.slow)
	}
	if g.fault() == nil {
		if another := p.structure.keep(p, g, rows, signals, now); another {
			p.deviated = 0
		}
	}
	return rows, err
}

// maxDeviated is how many times a table may not be what its plan says, and yet be that when it is walked, before it is only walked until its
// structure is old: the agent answers in a way that no plan foretells.
const maxDeviated = 3

// readFast reads the fast columns: without walking past known rows if the structure holds and would show it if there were more.
func (p *part) readFast(ctx context.Context, w *walker, holds bool) error {
	pipe, ok := w.client.(session.Pipeline)
	if ok && holds && w.pipelined && len(p.fast) <= w.width && p.deviated < maxDeviated && len(p.structure.plan.has) > 0 && p.structure.told() {
		if walk, err := p.reread(ctx, w.asker, pipe, w.grid, &w.reread); !walk {
			p.deviated = 0
			if err != nil {
				w.fail(err, p.fast)
			}
			return err
		}
		p.deviated++
		p.structure.forget()
		w.grid.reset(len(p.objects))
	}
	return w.walk(ctx, p.fast)
}

func (p *part) readScalars(ctx context.Context, a *asker, g *grid) error {
	g.row(oid.OID{})
	var groups [][]int
	for group := range slices.Chunk(p.fast, min(scalarsAtATime, a.width)) {
		groups = append(groups, slices.Clone(group))
	}
	names := make([]oid.OID, 0, scalarsAtATime)
	for len(groups) > 0 {
		group := groups[len(groups)-1]
		names = names[:0]
		for _, c := range group {
			names = append(names, p.objects[c].OID.OID)
		}
		at, vbs, err := a.get(ctx, names)
		if err == nil {
			groups = groups[:len(groups)-1]
			g.moments, g.walked = append(g.moments, at), true
			p.storeScalars(g, group, vbs)
			continue
		}
		remedy, position := a.remedyFor(ctx, err, a.clocks())
		switch {
		case remedy == giveUp:
			for _, group := range groups {
				for _, c := range group {
					g.faults[c] = err
				}
			}
			return err
		case remedy == leaveOut && position < len(group):
			g.faults[group[position]] = err
			group = slices.Delete(group, position, position+1)
		case len(group) > 1:
			half := len(group) / 2
			groups[len(groups)-1] = group[half:]
			groups = append(groups, group[:half])
			continue
		default:
			g.faults[group[0]] = err
			group = nil
		}
		if groups[len(groups)-1] = group; len(group) == 0 {
			groups = groups[:len(groups)-1]
		}
	}
	return nil
}

func (p *part) storeScalars(g *grid, group []int, vbs []snmp.VarBind) {
	for i, c := range group {
		o := p.objects[c]
		if vbs[i].Name != o.OID.Join(instance) {
			g.faults[c] = errOtherName
			continue
		}
		if vbs[i].Value.IsException() {
			continue
		}
		g.cells[c] = vbs[i].Value
		if o.Type.counter() {
			g.touch(0, c)
		}
	}
}

// maxNamed is how many missing columns an error names.
const maxNamed = 4

// missing describes the part's faults, nil if everything was answered.
func (p *part) missing(g *grid) error {
	var columns []string
	var first error
	for c, err := range g.faults {
		if err != nil {
			columns = append(columns, p.objects[c].Name)
			if first == nil {
				first = err
			}
		}
	}
	if first == nil {
		return nil
	}
	name := p.measurement
	if len(columns) < len(g.faults) {
		name += "/" + strings.Join(columns[:min(maxNamed, len(columns))], ",")
	}
	if len(columns) > maxNamed && len(columns) < len(g.faults) {
		name += fmt.Sprintf(" and %d more", len(columns)-maxNamed)
	}
	return &PartError{Part: name, Err: first}
}
