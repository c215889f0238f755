package engine

import (
	"errors"
	"fmt"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Kept implements mib.Keeper: the rows of StorageType nonVolatile that were SET, cell by cell, keys and communities with them, and the users of
// the configuration whose keys were changed. A key stands at the name of its KeyChange object.
func (m *MIB) Kept() []snmp.VarBind {
	var vbs []snmp.VarBind
	s := m.state.Load()
	if s.prefix != 0 {
		vbs = append(vbs, snmp.VarBind{Name: snmpTsmUsePrefix.Append(0), Value: snmp.Integer(s.prefix)})
	}
	for i, t := range m.tables {
		for _, r := range s.set[i].list {
			if storage := r.cells[t.storage]; storage != snmp.Integer(nonVolatile) && storage != snmp.Integer(permanent) {
				continue
			}
			for k, v := range r.cells {
				if v.Kind() != snmp.KindNull {
					vbs = append(vbs, snmp.VarBind{Name: t.columns[k].name.Join(r.index), Value: v})
				}
			}
		}
	}
	return vbs
}

// ErrNotKept is wrapped by Restore's errors.
var ErrNotKept = errors.New("not what this MIB keeps")

// Restore implements mib.Keeper.
func (m *MIB) Restore(vbs []snmp.VarBind) error {
	var made [tableCount]map[oid.OID]*row
	var scalars state // of which only what was kept
	for i := range vbs {
		if vbs[i].Name.HasPrefix(snmpTsmUsePrefix) {
			if _, err := scalars.setPrefix(vbs[i]); err != nil {
				return fmt.Errorf("%w: %v: %w", ErrNotKept, vbs[i].Name, err)
			}
			continue
		}
		if err := m.restore(&made, vbs[i]); err != nil {
			return fmt.Errorf("%w: %v: %w", ErrNotKept, vbs[i].Name, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.state.Load()
	next.prefix = scalars.prefix
	for i, t := range m.tables {
		var list []*row
		managed := 0 // by managers; the others are as many as the configuration has users
		for _, r := range made[i] {
			if err := m.sound(t, r); err != nil {
				return fmt.Errorf("%w: the row of %v: %w", ErrNotKept, t.columns[t.status].name.Join(r.index), err)
			}
			if list = append(list, r); r.cells[t.storage] != snmp.Integer(permanent) {
				managed++
			}
		}
		if managed > maxRows {
			return fmt.Errorf("%w: %d rows of one table, the most is %d", ErrNotKept, managed, maxRows)
		}
		next.set[i] = newRows(list)
	}
	return m.useLocked(&next)
}

// restore puts one cell into the rows that were made so far.
func (m *MIB) restore(made *[tableCount]map[oid.OID]*row, vb snmp.VarBind) error {
	for i, t := range m.tables {
		at := t.at(vb.Name)
		if at < 0 {
			continue
		}
		c := &t.columns[at]
		index := vb.Name.From(c.name.Len())
		if !t.fits(index) {
			return errors.New("no row can have this index")
		}
		syntax := c.syntax
		switch {
		case c.keeps != nil:
			syntax = *c.keeps
		case at == t.storage:
			syntax = integer(nonVolatile, permanent)
		case at == t.status:
			syntax = integer(active, notReady)
		}
		if status, err := syntax.check(vb.Value); err != nil {
			return fmt.Errorf("%v: %w", status, err)
		}
		if made[i] == nil {
			made[i] = map[oid.OID]*row{}
		}
		r := made[i][index]
		if r == nil {
			r = t.newRow(m, index)
			made[i][index] = r
		}
		r.cells[at] = vb.Value
		return nil
	}
	return errors.New("no cell of a table")
}

// sound returns why r cannot be kept as it is.
func (m *MIB) sound(t *table, r *row) error {
	if r.cells[t.storage] == snmp.Integer(permanent) && t != m.tables[userTable] {
		return errors.New("its StorageType is not nonVolatile(3)")
	}
	if t.is(r, notReady) {
		return nil
	}
	return t.ready(m, r)
}
