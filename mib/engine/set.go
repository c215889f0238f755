package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// setting is one variable binding of a SET, and what it is of: a lock, or a cell of a row that may not exist yet.
type setting struct {
	at     int // of the variable binding
	value  snmp.Value
	lock   int // -1 for a cell
	table  int
	column int
	index  oid.OID
}

var (
	errReadOnly   = errors.New("read-only, or not served")
	errConfigured = errors.New("the configuration file made this row")
	errTwoValues  = errors.New("an object cannot have two values")
)

// Prepare implements mib.Setter. All of a SET is checked and carried out on a copy of the tables, which Commit puts to use.
func (m *MIB) Prepare(_ context.Context, q *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	former := m.state.Load()
	next := *former
	var edits []*edit
	scalar := false
	for i := range vbs {
		if vbs[i].Name.HasPrefix(snmpTsmUsePrefix) {
			if status, err := next.setPrefix(vbs[i]); err != nil {
				return nil, &mib.VarError{Index: i, Status: status, Err: err}
			}
			scalar = true
			continue
		}
		s, status, err := m.locate(vbs[i])
		if err == nil && s.lock >= 0 {
			status, err = next.advance(former, s.lock, s.value)
		}
		if err != nil {
			return nil, &mib.VarError{Index: i, Status: status, Err: err}
		}
		if s.lock >= 0 {
			continue
		}
		s.at = i
		k := slices.IndexFunc(edits, func(e *edit) bool { return e.at == s.table && e.index == s.index })
		if k < 0 {
			k = len(edits)
			edits = append(edits, &edit{m: m, request: q, table: m.tables[s.table], at: s.table, index: s.index, next: &next, agreement: former.agreement})
		}
		edits[k].settings = append(edits[k].settings, s)
	}
	for _, e := range edits {
		if err := e.apply(); err != nil {
			return nil, err
		}
	}
	if next.agreement == nil { // it was used
		var err error
		if next.agreement, err = newAgreement(); err != nil {
			return nil, err
		}
	}
	return &change{m: m, former: former, next: &next, rows: len(edits) > 0 || scalar}, nil
}

// locate finds what vb is of, and whether that could ever be SET to its value.
func (m *MIB) locate(vb snmp.VarBind) (s setting, status snmp.ErrorStatus, err error) {
	s = setting{lock: slices.IndexFunc(locks[:], vb.Name.HasPrefix), value: vb.Value}
	if s.lock >= 0 {
		if status, err = testAndIncr.check(vb.Value); err == nil && vb.Name != locks[s.lock].Append(0) {
			return s, snmp.NoCreation, errors.New("a scalar has the instance 0 alone")
		}
		return s, status, err
	}
	for i, t := range m.tables {
		c := t.at(vb.Name)
		if c < 0 || t.columns[c].fixed {
			continue
		}
		s.table, s.column, s.index = i, c, vb.Name.From(t.columns[c].name.Len())
		if status, err = t.columns[c].syntax.check(vb.Value); err == nil && !t.fits(s.index) {
			return s, snmp.NoCreation, errors.New("no row can have this index")
		}
		return s, status, err
	}
	return s, snmp.NotWritable, errReadOnly
}

// advance is a SET of a TestAndIncr (RFC 2579).
func (s *state) advance(former *state, lock int, v snmp.Value) (snmp.ErrorStatus, error) {
	if v.Int() != int64(former.locks[lock]) {
		return snmp.InconsistentValue, errors.New("it has another value by now")
	}
	s.locks[lock] = former.locks[lock] + 1
	if s.locks[lock] > math.MaxInt32 {
		s.locks[lock] = 0
	}
	return snmp.NoError, nil
}

// edit is what one SET does to one row.
type edit struct {
	m        *MIB
	request  *mib.Request
	table    *table
	at       int // of the table
	index    oid.OID
	settings []setting
	next     *state

	agreement *agreement // what the SET may use; next's is nil once it did

	old *row // nil if there was none
	row *row // what becomes of it; its own to change
}

// apply carries out e on e.next.
func (e *edit) apply() error {
	t := e.table
	status, err := e.requested()
	if err != nil {
		return err
	}
	e.old = e.next.all[e.at].find(e.index)
	says := e.next.file[e.at].find(e.index)
	if says != nil && !e.changesKeys(says) {
		return e.refuse(&e.settings[0], snmp.NotWritable, errConfigured)
	}
	if err := e.transition(status); err != nil {
		return err
	}
	if status != nil && status.value == snmp.Integer(destroy) {
		e.store(nil)
		return nil
	}
	for _, early := range []bool{true, false} {
		for i := range e.settings {
			if s := &e.settings[i]; t.columns[s.column].early == early && s != status {
				if err := e.assign(s); err != nil {
					return err
				}
			}
		}
	}
	if err := e.settle(status); err != nil {
		return err
	}
	if e.old == nil && len(e.next.set[e.at].list) >= maxRows {
		return e.refuse(&e.settings[0], snmp.ResourceUnavailable, fmt.Errorf("the table has %d rows that were SET already", maxRows))
	}
	if says != nil {
		e.row.cells[userOwnAuthKey] = said(says)
	}
	e.store(e.row)
	return nil
}

func (e *edit) refuse(s *setting, status snmp.ErrorStatus, err error) error {
	return &mib.VarError{Index: s.at, Status: status, Err: err}
}

// requested returns the setting of the RowStatus, nil without one. Two settings of an object must agree.
func (e *edit) requested() (status *setting, err error) {
	for i := range e.settings {
		s := &e.settings[i]
		for k := range i {
			if other := &e.settings[k]; other.column == s.column && other.value != s.value {
				return nil, e.refuse(s, snmp.InconsistentValue, errTwoValues)
			}
		}
		if s.column == e.table.status {
			status = s
		}
	}
	return status, nil
}

// transition is the table of RowStatus (RFC 2579) as far as it asks whether the row exists. It makes e.row.
func (e *edit) transition(status *setting) error {
	asked := int64(0)
	if status != nil {
		asked = status.value.Int()
	}
	creates := asked == createAndGo || asked == createAndWait
	switch {
	case e.old != nil && creates:
		return e.refuse(status, snmp.InconsistentValue, errors.New("the row exists already"))
	case e.old != nil:
		e.row = &row{e.index, slices.Clone(e.old.cells)}
	case creates:
		e.row = e.table.newRow(e.m, e.index)
	case asked == destroy:
	case status == nil:
		return e.refuse(&e.settings[0], snmp.InconsistentName, errors.New("the row does not exist: make it with its RowStatus"))
	default:
		return e.refuse(status, snmp.InconsistentValue, errors.New("the row does not exist"))
	}
	return nil
}

// assign puts the value of s into the row.
func (e *edit) assign(s *setting) error {
	c := &e.table.columns[s.column]
	if c.frozen && e.old != nil && e.table.is(e.old, active) && e.will(e.table.status) != snmp.Integer(notInService) {
		return e.refuse(s, snmp.InconsistentValue, errors.New("not while the row is active"))
	}
	if c.assign == nil {
		e.row.cells[s.column] = s.value
		return nil
	}
	if status, err := c.assign(e, s.value); err != nil {
		return e.refuse(s, status, err)
	}
	return nil
}

// settle gives the row the RowStatus that was asked for, or that follows.
func (e *edit) settle(status *setting) error {
	t := e.table
	asked := snmp.Integer(0)
	blame := &e.settings[len(e.settings)-1]
	if status != nil {
		asked, blame = status.value, status
	}
	lack := t.ready(e.m, e.row)
	if asked == snmp.Integer(createAndGo) || asked == snmp.Integer(0) && t.is(e.row, active) {
		asked = snmp.Integer(active)
	}
	switch {
	case asked == snmp.Integer(active), asked == snmp.Integer(notInService):
		if lack != nil {
			return e.refuse(blame, snmp.InconsistentValue, lack)
		}
		e.row.cells[t.status] = asked
	case lack != nil:
		e.row.cells[t.status] = snmp.Integer(notReady)
	default:
		e.row.cells[t.status] = snmp.Integer(notInService)
	}
	return nil
}

// store puts r into the tables in the place of the row that was there; nil removes that.
func (e *edit) store(r *row) {
	if r == nil && e.old == nil {
		return
	}
	e.next.set[e.at] = e.next.set[e.at].with(e.index, r)
	e.next.all[e.at] = e.next.all[e.at].with(e.index, r)
}

// change is a mib.Change: one state in place of another.
type change struct {
	m            *MIB
	former, next *state
	rows         bool // and not only locks
}

// Commit implements mib.Change.
func (c *change) Commit(context.Context) error { return c.m.put(c.next, c.rows) }

// Undo implements mib.Change.
func (c *change) Undo(context.Context) error { return c.m.put(c.former, c.rows) }

// Close implements mib.Change.
func (c *change) Close() {}

// Secret implements mib.Confidential: keys and communities.
func (m *MIB) Secret(name oid.OID) bool {
	for _, t := range m.tables {
		if c := t.at(name); c >= 0 {
			return t.columns[c].secret
		}
	}
	return false
}
