package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// dispatch maps the names of one request to the handlers that serve them. It is the worker's memory for that, used again.
type dispatch struct {
	views   []openView
	cursors []cursor // of GetNext and GetBulk
	owners  []int    // of Get, by variable binding: the position in views of who serves it; -1 is nobody
	names   []oid.OID
	values  []snmp.Value
	ranges  []mib.Range
	active  []int // positions of the names or ranges of a call among the variable bindings
	found   []snmp.VarBind
	skipped int // successors that were found and may not be told
}

// openView is what a handler returned for this request.
type openView struct {
	handler mib.Handler
	view    mib.View
	err     error
}

// cursor is one variable binding on its way.
type cursor struct {
	name    oid.OID        // the name asked, then the last one found
	start   oid.OID        // where the search goes on
	include bool           // whether start itself may be found
	owner   int            // the position in views of who serves what comes next; -1 is nobody
	span    mib.Range      // what the owner is asked for
	region  oid.OID        // the end of what the owner is asked for, where the search goes on behind it
	out     []snmp.VarBind // what was found, ascending
	ended   bool           // nothing stands behind
}

// failure is an error and the variable binding to blame, counted from 0; -1 is none.
type failure struct {
	index  int
	status snmp.ErrorStatus
	err    error
}

// reset begins a request.
func (d *dispatch) reset() {
	clear(d.views)
	d.views, d.owners, d.skipped = d.views[:0], d.owners[:0], 0
}

// seek makes a cursor of each name of vbs.
func (d *dispatch) seek(vbs []snmp.VarBind) {
	for len(d.cursors) < len(vbs) {
		d.cursors = append(d.cursors, cursor{})
	}
	for i := range vbs {
		c := &d.cursors[i]
		*c = cursor{name: vbs[i].Name, start: vbs[i].Name, owner: -1, out: c.out[:0]}
	}
}

// open returns the position in views of h's view of this request.
func (d *dispatch) open(ctx context.Context, q *mib.Request, h mib.Handler) int {
	for i := range d.views {
		if d.views[i].handler == h {
			return i
		}
	}
	v, err := h.View(ctx, q)
	d.views = append(d.views, openView{h, v, err})
	return len(d.views) - 1
}

// get carries out a GetRequest.
func (w *worker) get(ctx context.Context, view *vacm.View) outcome {
	vbs := w.in.PDU.VarBinds
	regions, _ := w.server.contextRegions(w.request.Context)
	w.reset()
	w.result = w.result[:0]
	for i := range vbs {
		name, owner := vbs[i].Name, -1
		w.result = append(w.result, snmp.VarBind{Name: name, Value: snmp.NoSuchObject})
		if at := regionAt(regions, name); at < len(regions) && !name.Less(regions[at].start) && view.Contains(name) {
			owner = w.open(ctx, &w.request, regions[at].handler)
		}
		w.owners = append(w.owners, owner)
	}
	for owner := range w.views {
		if f := w.getFrom(ctx, owner); f != nil {
			return w.failed(f)
		}
	}
	if w.in.Version == snmp.V1 {
		for i := range w.result {
			if v := w.result[i].Value; v.IsException() || v.Kind() == snmp.KindCounter64 { // RFC 3584 section 4.2.2.1
				return outcome{snmp.NoSuchName, int32(i + 1)}
			}
		}
	}
	return outcome{}
}

// getFrom asks one handler for all its names.
func (w *worker) getFrom(ctx context.Context, owner int) *failure {
	w.names, w.active = w.names[:0], w.active[:0]
	for i := range w.owners {
		if w.owners[i] == owner {
			w.names, w.active = append(w.names, w.result[i].Name), append(w.active, i)
		}
	}
	v := &w.views[owner]
	if v.err != nil {
		return &failure{w.active[0], snmp.GenErr, v.err}
	}
	var err error
	if w.values, err = v.view.Get(ctx, w.values[:0], w.names); err != nil {
		return w.blame(err)
	}
	if len(w.values) != len(w.names) {
		return &failure{w.active[0], snmp.GenErr, fmt.Errorf("%d values for %d names", len(w.values), len(w.names))}
	}
	for k, i := range w.active {
		if !legal(w.values[k]) && !isNoSuch(w.values[k]) {
			return &failure{i, snmp.GenErr, fmt.Errorf("value of type %v for %v", w.values[k].Kind(), w.names[k])}
		}
		w.result[i].Value = w.values[k]
	}
	return nil
}

// next carries out a GetNextRequest.
func (w *worker) next(ctx context.Context, view *vacm.View) outcome {
	vbs := w.in.PDU.VarBinds
	w.reset()
	w.seek(vbs)
	w.result = w.result[:0]
	if f := w.advance(ctx, view, 0, len(vbs), 1); f != nil {
		return w.failed(f)
	}
	for i := range vbs {
		vb := w.cursors[i].row(0)
		if w.in.Version == snmp.V1 && vb.Value == snmp.EndOfMibView {
			return outcome{snmp.NoSuchName, int32(i + 1)}
		}
		w.result = append(w.result, vb)
	}
	return outcome{}
}

// row returns repetition k: what was found, or endOfMibView with the last name before it (RFC 3416 sections 4.2.2, 4.2.3).
func (c *cursor) row(k int) snmp.VarBind {
	if k < len(c.out) {
		return c.out[k]
	}
	return snmp.VarBind{Name: c.name, Value: snmp.EndOfMibView}
}

// The least octets of a variable binding, and the most repetitions that are asked of a handler at a time.
const (
	minVarBind = 7
	bulkChunk  = 64
)

// bulk carries out a GetBulkRequest: as much of it as fits.
func (w *worker) bulk(ctx context.Context, view *vacm.View) outcome {
	vbs, limit := w.in.PDU.VarBinds, w.sizes.bulk
	n := min(w.in.PDU.NonRepeaters(), len(vbs))
	repetitions := w.server.bulk.cut(w.in.PDU.MaxRepetitions(), len(vbs)-n)
	// More repeaters than a message holds would be worked out for nothing.
	end := min(len(vbs), n+limit/minVarBind)
	w.reset()
	w.seek(vbs)
	w.result = w.result[:0]
	if f := w.advance(ctx, view, 0, n, 1); f != nil {
		return w.failed(f)
	}
	fill := w.filler(limit)
	for i := range n {
		if !fill.add(w.cursors[i].row(0)) {
			return outcome{}
		}
	}
	repeaters := end - n
	for done := 0; repeaters > 0 && done < repetitions; {
		chunk := min(repetitions-done, bulkChunk, max(fill.room-fill.size, 0)/(minVarBind*repeaters)+1)
		for i := n; i < end; i++ {
			w.cursors[i].out = w.cursors[i].out[:0]
		}
		f := w.advance(ctx, view, n, end, chunk)
		if f != nil { // the whole repetitions before it are worth an answer: who asks on will hear of it
			chunk, f.index = w.whole(n, end, chunk)
			if failed := w.failed(f); done+chunk == 0 {
				return failed
			}
		}
		for k := range chunk {
			live := false
			for i := n; i < end; i++ {
				if !fill.add(w.cursors[i].row(k)) {
					return outcome{}
				}
				live = live || k < len(w.cursors[i].out)
			}
			if !live {
				return outcome{}
			}
		}
		if f != nil {
			return outcome{}
		}
		done += chunk
	}
	return outcome{}
}

// whole returns how many repetitions, less than chunk, all cursors from from to to have, and which has no more.
func (d *dispatch) whole(from, to, chunk int) (n, least int) {
	n, least = chunk, from
	for i := from; i < to; i++ {
		if c := &d.cursors[i]; !c.ended && len(c.out) < n {
			n, least = len(c.out), i
		}
	}
	return n, least
}

// filler adds variable bindings to a worker's result as long as they fit.
type filler struct {
	worker *worker
	room   int // octets that variable bindings may take
	size   int // octets that they take so far
}

// filler returns one for an answer of at most limit octets.
func (w *worker) filler(limit int) filler {
	return filler{worker: w, room: 2*limit - w.size(limit)} // what is around fewer octets is not longer
}

// add reports whether vb was added. The first one may be larger than the room, or a walk would end there.
func (f *filler) add(vb snmp.VarBind) bool {
	w := f.worker
	f.size += vb.Size()
	if len(w.result) > 0 && f.size > f.room {
		return false
	}
	w.result = append(w.result, vb)
	return true
}

// advance finds the next count successors of cursors from to to (exclusive), fewer where the MIB ends. Where one subtree
// ends it goes on in the next.
func (w *worker) advance(ctx context.Context, view *vacm.View, from, to, count int) *failure {
	regions, _ := w.server.contextRegions(w.request.Context)
	for {
		waiting := false
		for i := from; i < to; i++ {
			c := &w.cursors[i]
			c.owner = -1
			if !c.ended && len(c.out) < count {
				w.aim(ctx, view, regions, c)
				waiting = waiting || c.owner >= 0
			}
		}
		if !waiting {
			return nil
		}
		for owner := range w.views {
			if f := w.nextFrom(ctx, view, owner, from, to, count); f != nil {
				return f
			}
		}
	}
}

// aim gives c the first region that has something for it: an owner and a span, or the end.
func (w *worker) aim(ctx context.Context, view *vacm.View, regions []region, c *cursor) {
	for at := regionAt(regions, c.start); at < len(regions); at++ {
		r := &regions[at]
		span := mib.Range{Start: c.start, Include: c.include, End: r.end}
		if c.start.Less(r.start) {
			span.Start, span.Include = r.start, true
		}
		from, to, ok := view.Clip(span.Start, span.End)
		if !ok {
			continue
		}
		if from != span.Start {
			span.Start, span.Include = from, true
		}
		span.End = to
		c.owner, c.span, c.region = w.open(ctx, &w.request, r.handler), span, to
		return
	}
	c.ended = true
}

// nextFrom asks one handler for the successors of all cursors that it owns. Where it had to skip some it asks for more at a time,
// and it skips no more in one request than maxSkipped: whoever may see little must not make the agent read much.
func (w *worker) nextFrom(ctx context.Context, view *vacm.View, owner, from, to, count int) *failure {
	w.ranges, w.active = w.ranges[:0], w.active[:0]
	most := count
	for i := from; i < to; i++ {
		if c := &w.cursors[i]; c.owner == owner {
			w.ranges, w.active = append(w.ranges, c.span), append(w.active, i)
			most = min(most, count-len(c.out))
		}
	}
	if len(w.active) == 0 {
		return nil
	}
	if w.skipped > 0 {
		most = max(most, bulkChunk)
	}
	v := &w.views[owner]
	switch {
	case v.err != nil:
		return &failure{w.active[0], snmp.GenErr, v.err}
	case ctx.Err() != nil:
		return &failure{w.active[0], snmp.GenErr, ctx.Err()}
	case w.skipped > maxSkipped:
		return &failure{w.active[0], snmp.GenErr, errSkipped}
	}
	var err error
	if w.found, err = v.view.Next(ctx, w.found[:0], w.ranges, most); err != nil {
		return w.blame(err)
	}
	rest := w.found
	for _, i := range w.active {
		if rest, err = w.take(view, &w.cursors[i], rest, most, count); err != nil {
			return &failure{i, snmp.GenErr, err}
		}
	}
	if len(rest) != 0 {
		return &failure{w.active[0], snmp.GenErr, fmt.Errorf("%d variable bindings too many", len(rest))}
	}
	return nil
}

// maxSkipped is how many variable bindings that the asker may not see one request may pass over.
const maxSkipped = 1 << 17

var (
	errShort   = errors.New("fewer variable bindings than ranges ask for")
	errSkipped = errors.New("too many variables outside the view stand between those asked and the next")
)

// take is the gate that every successor passes: in range, ascending, of a legal type. It moves what c still lacks to count, of up
// to most that were found, into c and returns what was found for the others.
func (w *worker) take(view *vacm.View, c *cursor, found []snmp.VarBind, most, count int) ([]snmp.VarBind, error) {
	for range most {
		if len(found) == 0 {
			return nil, errShort
		}
		vb := found[0]
		found = found[1:]
		if vb.Value == snmp.EndOfMibView {
			if len(c.out) < count {
				c.start, c.include, c.ended = c.region, true, c.region.IsEmpty()
			}
			return found, nil
		}
		if !c.span.Contains(vb.Name) {
			return nil, fmt.Errorf("%v is not the successor of %v", vb.Name, c.span.Start)
		}
		if !legal(vb.Value) {
			return nil, fmt.Errorf("value of type %v for %v", vb.Value.Kind(), vb.Name)
		}
		c.span.Start, c.span.Include = vb.Name, false
		if len(c.out) == count {
			continue
		}
		c.start, c.include = vb.Name, false
		if w.in.Version == snmp.V1 && vb.Value.Kind() == snmp.KindCounter64 || !view.Exact() && !view.Contains(vb.Name) { // RFC 3584 section 4.2.2.1
			w.skipped++
			continue
		}
		c.name = vb.Name
		c.out = append(c.out, vb)
	}
	return found, nil
}

// legal reports whether v may be the value of an object.
func legal(v snmp.Value) bool {
	switch v.Kind() {
	case snmp.KindInteger, snmp.KindOctetString, snmp.KindOID, snmp.KindIPAddress, snmp.KindCounter32, snmp.KindGauge32,
		snmp.KindTimeTicks, snmp.KindOpaque, snmp.KindCounter64:
		return true
	default:
		return false
	}
}

func isNoSuch(v snmp.Value) bool { return v == snmp.NoSuchObject || v == snmp.NoSuchInstance }

// blame finds whom a handler's error is about among the active ones. Whatever its status is, of reading only genErr is told (RFC 3416 section 4.2.1).
func (d *dispatch) blame(err error) *failure {
	var v *mib.VarError
	if errors.As(err, &v) && v.Index >= 0 && v.Index < len(d.active) {
		return &failure{d.active[v.Index], snmp.GenErr, v.Err}
	}
	return &failure{d.active[0], snmp.GenErr, err}
}

// failed logs f and makes the outcome of it.
func (w *worker) failed(f *failure) outcome {
	log := w.server.log.With("operation", w.in.PDU.Type, "principal", w.request.Principal, "from", w.from)
	if f.index >= 0 {
		log = log.With("name", w.in.PDU.VarBinds[f.index].Name)
	}
	level := slog.LevelDebug // the asker's mistake, which it is told
	if f.status == snmp.GenErr || f.status == snmp.CommitFailed || f.status == snmp.UndoFailed {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "request failed", "status", f.status, "err", f.err)
	status := f.status
	if status == snmp.NoError {
		status = snmp.GenErr
	}
	return outcome{status, int32(f.index + 1)}
}
