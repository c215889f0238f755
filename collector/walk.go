package collector

import (
	"context"
	"errors"
	"slices"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// leg is a part of a walk: columns, as positions in the grid, that are walked in step from an index on.
type leg struct {
	columns []int
	after   oid.OID
}

// walker walks the columns of one table into a grid.
//
// Columns are walked in step: a reply is used up to the last index that every column in it has reached, and the next
// request goes on from there in all of them. So the columns of a row always come in one PDU, whatever rows some columns lack and
// wherever the agent cut its reply. What lies beyond is asked again.
type walker struct {
	*asker
	grid    *grid
	objects []Object
	legs    []leg

	names   []oid.OID // scratch: the columns of a request
	indexes []oid.OID // scratch: one a varbind, empty for one that is not used
	state   []columnState
	reread  reread
}

type columnState struct {
	last  oid.OID
	got   bool // something in this reply
	ended bool
}

// walk reads columns to their end. What could not be read is in grid.faults; a returned error is the one after which nothing more
// can be asked in this poll.
func (w *walker) walk(ctx context.Context, columns []int) error {
	w.grid.walked = true
	w.legs = w.legs[:0]
	for part := range slices.Chunk(columns, w.width) {
		w.legs = append(w.legs, leg{columns: slices.Clone(part)})
	}
	slices.Reverse(w.legs) // the last is walked first
	requests := 0
	for len(w.legs) > 0 {
		l := w.legs[len(w.legs)-1]
		w.legs = w.legs[:len(w.legs)-1]
		for repetitions := w.most; len(l.columns) > 0; {
			repetitions = min(repetitions, w.repetitions(len(l.columns)))
			if requests++; requests > maxRequests {
				w.fail(errTooMuch, l.columns)
				break
			}
			w.names = w.names[:0]
			for _, c := range l.columns {
				w.names = append(w.names, w.objects[c].OID.OID)
			}
			at, vbs, err := w.bulk(ctx, w.names, l.after, repetitions)
			if err == nil {
				w.grid.moments = append(w.grid.moments, at)
				l, err = w.take(l, vbs)
			}
			if err == nil {
				continue
			}
			var done bool
			if l, repetitions, done = w.recover(ctx, l, repetitions, err); done {
				w.fail(err, l.columns)
				for _, other := range w.legs {
					w.fail(err, other.columns)
				}
				return err
			}
		}
	}
	return nil
}

func (w *walker) fail(err error, columns []int) {
	for _, c := range columns {
		w.grid.faults[c] = err
	}
}

// recover changes a leg after a request for it failed; done says that nothing helps.
func (w *walker) recover(ctx context.Context, l leg, repetitions int, err error) (_ leg, less int, done bool) {
	remedy, position := w.remedyFor(ctx, err, w.clocks())
	switch {
	case remedy == giveUp:
		return l, 0, true
	case remedy == leaveOut && position < len(l.columns):
		if !ended(err) {
			w.grid.faults[l.columns[position]] = err
		}
		l.columns = slices.Delete(l.columns, position, position+1)
		return l, repetitions, false
	case byChance(err, repetitions*len(l.columns), &w.walks.varbinds):
		return l, repetitions, false
	case repetitions > 1:
		w.limit = max(1, repetitions/2)
		return l, w.limit, false
	case errors.Is(err, session.ErrTimeout) && len(l.columns) <= w.walks.names:
		return l, repetitions, false // the agent bears as many: datagrams are lost
	case len(l.columns) > 1:
		half := len(l.columns) / 2
		if tooMany(err) {
			w.width = len(l.columns) - half
		}
		w.legs = append(w.legs, leg{columns: l.columns[half:], after: l.after})
		l.columns = l.columns[:half]
		return l, repetitions, false
	}
	w.grid.faults[l.columns[0]] = err
	l.columns = nil
	return l, repetitions, false
}

// ended reports whether err says that a column has no more rows: noSuchName, which an agent of v2c does not send (RFC 3416 section 4.2.2),
// but some do.
func ended(err error) bool {
	var response *session.ResponseError
	return errors.As(err, &response) && response.Status == snmp.NoSuchName
}

// tooMany reports whether err, of a request for one row, may come of its many names. What one of them alone causes is no reason to ask for fewer.
func tooMany(err error) bool {
	var response *session.ResponseError
	return errors.Is(err, session.ErrTimeout) || errors.As(err, &response) && response.Status == snmp.TooBig
}

// take puts a reply into the grid and returns how the leg goes on. An answer without any variable is errEmpty.
func (w *walker) take(l leg, vbs []snmp.VarBind) (leg, error) {
	w.scan(l, vbs)
	horizon, bounded := oid.OID{}, false
	progress := false
	for _, s := range w.state {
		progress = progress || s.got || s.ended
		if s.got && !s.ended && (!bounded || s.last.Less(horizon)) {
			horizon, bounded = s.last, true
		}
	}
	if !progress {
		return l, errEmpty
	}
	if !w.store(l, vbs, horizon, bounded) {
		w.fail(errTooMuch, l.columns)
		return leg{}, nil
	}
	next := leg{columns: l.columns[:0], after: horizon} // overwrites what the loop below has read already
	starved := leg{after: l.after}
	for i, s := range w.state {
		beyond := s.got && bounded && horizon.Less(s.last) && w.grid.faults[l.columns[i]] == nil
		switch {
		case s.ended && !beyond:
		case s.got:
			next.columns = append(next.columns, l.columns[i])
		default:
			starved.columns = append(starved.columns, l.columns[i])
		}
	}
	if len(starved.columns) > 0 {
		w.legs = append(w.legs, starved)
	}
	return next, nil
}

// scan finds out, for each column of l, how far the reply takes it, and for each varbind its index.
func (w *walker) scan(l leg, vbs []snmp.VarBind) {
	w.state = w.state[:0]
	for range l.columns {
		w.state = append(w.state, columnState{last: l.after})
	}
	w.indexes = w.indexes[:0]
	for i, vb := range vbs {
		c := i % len(l.columns)
		s, column := &w.state[c], w.objects[l.columns[c]].OID.OID
		w.indexes = append(w.indexes, oid.OID{})
		if s.ended {
			continue
		}
		if vb.Value.Kind() == snmp.KindEndOfMibView || vb.Name.Len() == column.Len() || !vb.Name.HasPrefix(column) {
			s.ended = true
			if vb.Value.Kind() != snmp.KindEndOfMibView && !column.Less(vb.Name) {
				w.grid.faults[l.columns[c]] = errNotIncreasing
			}
			continue
		}
		index := vb.Name.From(column.Len())
		if !s.last.Less(index) {
			s.ended = true
			w.grid.faults[l.columns[c]] = errNotIncreasing
			continue
		}
		s.last, s.got = index, true
		w.indexes[i] = index
	}
}

// store puts the varbinds up to the horizon into the grid; false if that takes too much.
func (w *walker) store(l leg, vbs []snmp.VarBind, horizon oid.OID, bounded bool) bool {
	g := w.grid
	row := -1
	for i, index := range w.indexes {
		if index.IsEmpty() || bounded && horizon.Less(index) {
			continue
		}
		if row < 0 || g.index[row] != index {
			if row = g.row(index); row < 0 {
				return false
			}
		}
		if vbs[i].Value.IsException() {
			continue
		}
		c := l.columns[i%len(l.columns)]
		g.cells[row*g.width+c] = vbs[i].Value
		if w.objects[c].Type.counter() {
			g.touch(row, c)
		}
	}
	return true
}
