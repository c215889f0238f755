package collector

import (
	"bytes"
	"context"
	"errors"
	"math/bits"
	"slices"
	"time"

	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// errDeviates says that a table is not what it was when it was walked. The agent is not to blame: the table is walked again.
var errDeviates = errors.New("the table has changed")

// plan is what is needed to read a table again without walking it: which cells there are, and how their names are written. The zero plan
// serves for nothing.
type plan struct {
	index []byte   // of all rows, one after another: the content octets of what stands behind the column's
	ends  []int32  // of each row, in index
	has   []uint64 // of each row: bit i is set if it has a cell of the i-th column of part.fast
	tags  texts    // of each row, one a tag: its octets, "" if it has none
}

// planned is how many columns of a table a plan can have.
const planned = 64

// newPlan returns the plan of the first rows of g, which has been walked to its end. There is none where an index leaves no room for a column's name.
func newPlan(p *part, g *grid, rows int) plan {
	var pl plan
	if len(p.names.columns) == 0 {
		return pl
	}
	column := p.objects[p.fast[0]].OID.OID
	for _, c := range p.fast {
		room := oid.MaxLen - p.objects[c].OID.OID.Len()
		if slices.ContainsFunc(g.index[:rows], func(index oid.OID) bool { return index.Len() > room }) {
			return plan{}
		}
	}
	var name []byte
	var tags textList
	pl.ends, pl.has = make([]int32, 0, rows), make([]uint64, 0, rows)
	for r := range rows {
		name = ber.AppendOIDContent(name[:0], column.Join(g.index[r]))
		pl.index = append(pl.index, name[len(p.names.columns[0]):]...)
		pl.ends = append(pl.ends, int32(len(pl.index)))
		var has uint64
		for i, c := range p.fast {
			if g.values(r)[c].Kind() != snmp.KindNull {
				has |= 1 << i
			}
		}
		pl.has = append(pl.has, has)
		for _, c := range p.tags {
			tags.add(g.values(r)[c].Octets())
		}
	}
	pl.index, pl.tags = slices.Clone(pl.index), tags.texts()
	return pl
}

// equal reports whether both are of the same cells.
func (pl *plan) equal(other *plan) bool {
	return bytes.Equal(pl.index, other.index) && slices.Equal(pl.ends, other.ends) && slices.Equal(pl.has, other.has)
}

// at returns what stands behind the column's OID in the names of row r.
func (pl *plan) at(r int) []byte {
	from := int32(0)
	if r > 0 {
		from = pl.ends[r-1]
	}
	return pl.index[from:pl.ends[r]]
}

// named reports whether name is that of the i-th column in a row.
func (r *reread) named(name []byte, i, row int) bool {
	column, index := r.names.columns[i], r.plan.at(row)
	return len(name) == len(column)+len(index) && bytes.Equal(name[len(column):], index) && bytes.Equal(name[:len(column)], column)
}

// after returns the first row from r on that has the i-th column, the number of rows if none has.
func (pl *plan) after(i, r int) int {
	for ; r < len(pl.has); r++ {
		if pl.has[r]>>i&1 != 0 {
			break
		}
	}
	return r
}

// chunk is rows from, up to, not including, to.
type chunk struct{ from, to int }

// reread reads the fast columns of a table by its plan, some rows a request, as session.Requests. Each cell must have the name that is
// expected, so rows that came or went show, but for those behind the last: the table's changes tell of them. All columns of a row come in
// one answer, as in a walk.
type reread struct {
	*asker
	part  *part
	names *planNames
	plan  *plan
	grid  *grid

	most   int                  // rows a request
	next   int                  // the first row that was not asked
	left   []chunk              // that were cut off
	slots  [session.Depth]chunk // that are being asked
	cursor [planned]int         // of each column: the row after the last that was answered
}

var (
	columnSysUpTime = ber.AppendOIDContent(nil, sysUpTime)
	columnEngineNow = ber.AppendOIDContent(nil, snmpEngineNow)
	nameSysUpTime   = ber.AppendOIDContent(nil, sysUpTime0)
	nameEngineNow   = ber.AppendOIDContent(nil, snmpEngineNow0)
)

// reread fills g with the rows of the part's structure. After errDeviates and errors that a walk may help against g is empty; after others it has
// what came until then.
func (p *part) reread(ctx context.Context, a *asker, pipe session.Pipeline, g *grid, r *reread) (walk bool, err error) {
	for i := range p.structure.index.len() {
		if g.row(p.structure.index.at(i)) < 0 {
			return true, errTooMuch
		}
	}
	*r = reread{asker: a, part: p, names: &p.names, plan: &p.structure.plan, grid: g, most: a.repetitions(len(p.fast)), left: r.left[:0]}
	for {
		err = pipe.Ask(ctx, r)
		switch {
		case err == nil:
			return false, nil
		case errors.Is(err, errDeviates), errors.Is(err, session.ErrUnreachable): // which may have passed
			return true, err
		}
		remedy, _ := a.remedyFor(ctx, err, 0)
		if !byChance(err, r.most, &a.walks.rows) {
			a.limit = max(1, r.most/2)
			r.most = a.limit
		}
		switch {
		case remedy == giveUp:
			return false, err
		case !errors.Is(err, session.ErrTimeout):
			return true, err
		}
		r.left = append(r.left, r.slots[:]...)
		clear(r.slots[:])
	}
}

// Next implements session.Requests.
func (r *reread) Next(slot int, list []byte) (session.Request, []byte, bool) {
	c := r.chunk()
	if c.from == c.to {
		return session.Request{}, list, false
	}
	r.slots[slot] = c
	list = snmp.AppendName(list, columnSysUpTime, nil)
	if r.engined {
		list = snmp.AppendName(list, columnEngineNow, nil)
	}
	var before []byte
	if c.from > 0 {
		before = r.plan.at(c.from - 1)
	}
	for m := r.columns(c); m != 0; m &= m - 1 {
		list = snmp.AppendName(list, r.names.columns[bits.TrailingZeros64(m)], before)
	}
	return session.Request{NonRepeaters: r.clocks(), Repetitions: c.to - c.from}, list, true
}

// chunk returns the rows that are to be asked next; none if there are no more.
func (r *reread) chunk() chunk {
	for n := len(r.left); n > 0; n = len(r.left) {
		c := r.left[n-1]
		if c.to-c.from > r.most {
			r.left[n-1].from += r.most
			return chunk{c.from, c.from + r.most}
		}
		if r.left = r.left[:n-1]; c.from < c.to {
			return c
		}
	}
	c := chunk{r.next, min(r.next+r.most, len(r.plan.has))}
	r.next = c.to
	return c
}

// columns returns which columns are asked for the rows of c: those that one of them has.
func (r *reread) columns(c chunk) uint64 {
	m := r.names.identity
	for _, has := range r.plan.has[c.from:c.to] {
		m |= has
	}
	return m
}

// Answer implements session.Requests.
func (r *reread) Answer(slot int, b *snmp.Answer, size int, sent, came time.Time) error {
	at := counter.Instant{At: came.Add(r.slept), RoundTrip: came.Sub(sent), Engine: r.engine}
	if err := r.clock(b, &at); err != nil {
		return err
	}
	r.grid.moments = append(r.grid.moments, at)
	c := r.slots[slot]
	r.slots[slot] = chunk{}
	columns := r.columns(c)
	for m := columns; m != 0; m &= m - 1 {
		r.cursor[bits.TrailingZeros64(m)] = c.from
	}
	count := r.clocks()
	for m := columns; b.Len() > 0; m &= m - 1 {
		if m == 0 {
			m = columns
		}
		if err := r.take(b, bits.TrailingZeros64(m), c); err != nil {
			return err
		}
		count++
	}
	if most := r.clocks() + bits.OnesCount64(columns)*(c.to-c.from); count > most {
		return session.ErrMalformed
	}
	r.learn(size / count)
	r.timeouts = 0
	r.walks.rows = max(r.walks.rows, c.to-c.from)
	return r.cut(c, columns)
}

// clock reads the agent's clock from the first variables of an answer.
func (r *reread) clock(b *snmp.Answer, at *counter.Instant) error {
	for i := range r.clocks() {
		if b.Len() == 0 {
			return errEmpty
		}
		vb, err := b.Next()
		if err != nil {
			return err
		}
		v, _ := vb.Value()
		switch {
		case i == 0 && v.Kind() == snmp.KindTimeTicks && bytes.Equal(vb.Name, nameSysUpTime):
			at.UpTime, at.HasUpTime = uint32(v.Uint()), true
		case i == 1 && v.Kind() == snmp.KindInteger && bytes.Equal(vb.Name, nameEngineNow):
			at.EngineTime, at.HasEngineTime = uint32(v.Int()), true
		}
	}
	return nil
}

// take takes the next variable, of the i-th column.
func (r *reread) take(b *snmp.Answer, i int, c chunk) error {
	row := r.plan.after(i, r.cursor[i])
	if row == len(r.plan.has) { // behind the last
		vb, err := b.Next()
		if err == nil && vb.Kind != snmp.KindEndOfMibView && bytes.HasPrefix(vb.Name, r.names.columns[i]) {
			err = errDeviates
		}
		return err
	}
	vb, ok := b.Expect(r.names.columns[i], r.plan.at(row))
	if !ok { // another, or of another form
		var err error
		if vb, err = b.Next(); err != nil {
			return err
		}
		if !r.named(vb.Name, i, row) {
			return errDeviates
		}
	}
	if vb.Kind >= snmp.KindNoSuchObject {
		return errDeviates
	}
	r.cursor[i] = row + 1
	if row >= c.to {
		return nil // asked in its own turn, with the rest of its row
	}
	r.grid.values(row)[r.part.fast[i]] = r.value(vb, i, row)
	if r.names.counters>>i&1 != 0 {
		last := int32(len(r.grid.moments) - 1)
		r.grid.spans[row] = span{first: last, last: last}
	}
	return nil
}

// value decodes a value. The octets of a tag are the structure's if they are the same, as nearly all are.
func (r *reread) value(vb snmp.RawVarBind, i, row int) snmp.Value {
	if vb.Kind == snmp.KindOctetString {
		for t, c := range r.part.tags {
			if c == r.part.fast[i] {
				if known := r.plan.tags.at(row*len(r.part.tags) + t); known == string(vb.Content) {
					return snmp.OctetString(known)
				}
			}
		}
	}
	v, _ := vb.Value()
	if v.Kind() == snmp.KindNull {
		r.odd.Add(1)
	}
	return v
}

// cut makes what the answer did not have of the rows of c be asked again.
func (r *reread) cut(c chunk, columns uint64) error {
	whole := c.to
	for m := columns; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		whole = min(whole, r.plan.after(i, r.cursor[i]))
	}
	switch {
	case whole == c.to:
		return nil
	case whole == c.from:
		return errEmpty
	}
	r.most = whole - c.from
	for row := whole; row < c.to; row++ {
		r.grid.spans[row] = unread
	}
	r.left = append(r.left, chunk{whole, c.to})
	return nil
}
