package dns

import (
	"context"
	"errors"
	"slices"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The scalars that can be SET.
var (
	resetObjects     = []oid.OID{dnsServConfig.Append(dnsServConfigReset, 0), dnsResConfig.Append(dnsResConfigReset, 0)}
	recursionObject  = dnsServConfig.Append(dnsServConfigRecurs, 0)
	zoneStatusColumn = dnsServZoneEntry.Append(dnsServZoneStatus)
	srcStatusColumn  = dnsServZoneSrcEntry.Append(dnsServZoneSrcStatus)
)

// orderTime bounds one order. What the server then does takes its own time.
const orderTime = 5 * time.Second

// setting is one variable binding of a SET.
type setting struct {
	index int
	snmp.VarBind
}

func (s *setting) refuse(status snmp.ErrorStatus, err error) error {
	return &mib.VarError{Index: s.index, Status: status, Err: err}
}

var (
	errReadOnly   = errors.New("the server's own configuration has it")
	errNoOrders   = errors.New("the server's line in snmpd.conf does not say rw, or it takes no such order")
	errNotInteger = errors.New("it is an INTEGER")
	errNoValue    = errors.New("it is none of the values")
	errTwoValues  = errors.New("it is given two values")
)

// integer returns the value of a setting from least to most.
func (s *setting) integer(least, most int64) (int64, error) {
	switch n := s.Value; {
	case n.Kind() != snmp.KindInteger:
		return 0, s.refuse(snmp.WrongType, errNotInteger)
	case n.Int() < least || n.Int() > most:
		return 0, s.refuse(snmp.WrongValue, errNoValue)
	default:
		return n.Int(), nil
	}
}

// Prepare implements mib.Setter.
func (m *MIB) Prepare(ctx context.Context, q *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	var reset, recursion *setting
	zones := zoneOrders{}
	for i, vb := range vbs {
		s := &setting{i, vb}
		var err error
		switch {
		case !m.writable:
			err = s.refuse(snmp.NotWritable, errNoOrders)
		case slices.Contains(resetObjects, vb.Name):
			reset, err = s, m.checkReset(s)
		case vb.Name == recursionObject:
			err = m.checkRecursion(s, recursion)
			recursion = s
		case vb.Name.HasPrefix(zoneStatusColumn):
			err = m.takeZone(zones, s)
		case vb.Name.HasPrefix(srcStatusColumn):
			err = m.takeSource(zones, s)
		default:
			err = s.refuse(snmp.NotWritable, errReadOnly)
		}
		if err != nil {
			return nil, err
		}
	}
	c := &change{source: m.source}
	if recursion != nil {
		c.steps = append(c.steps, m.recursionStep(recursion))
	}
	steps, err := m.zoneSteps(ctx, q, zones)
	if err != nil {
		return nil, err
	}
	c.steps = append(c.steps, steps...)
	if reset != nil { // the server reads again what it then has
		c.steps = append(c.steps, m.resetStep(reset))
	}
	return c, nil
}

func (m *MIB) checkReset(s *setting) error {
	n, err := s.integer(resetOther, resetRunning)
	if _, ok := m.source.backend.(Reloader); !ok || s.Name == resetObjects[1] && !m.source.resolves() {
		return s.refuse(snmp.NotWritable, errNoOrders)
	}
	if err == nil && n != resetReset {
		err = s.refuse(snmp.InconsistentValue, errors.New("reset(2) is the value that can be written"))
	}
	return err
}

// resetStep is one for both objects: they are of one server.
func (m *MIB) resetStep(s *setting) step {
	return step{s, func(ctx context.Context) (Restore, error) {
		// A server that has reloaded runs as its files say, as it did before: there is nothing to take back.
		return func(context.Context) error { return nil }, m.source.backend.(Reloader).Reload(ctx)
	}}
}

func (m *MIB) checkRecursion(s, before *setting) error {
	_, err := s.integer(int64(RecursionAvailable), int64(RecursionUnavailable))
	if _, ok := m.source.backend.(RecursionWriter); !ok {
		return s.refuse(snmp.NotWritable, errNoOrders)
	}
	if err == nil && before != nil && before.Value != s.Value {
		err = s.refuse(snmp.InconsistentValue, errTwoValues)
	}
	return err
}

func (m *MIB) recursionStep(s *setting) step {
	return step{s, func(ctx context.Context) (Restore, error) {
		return m.source.backend.(RecursionWriter).SetRecursion(ctx, Recursion(s.Value.Int()))
	}}
}

// step is one order of a change.
type step struct {
	*setting
	do func(context.Context) (Restore, error)
}

// change is a mib.Change.
type change struct {
	source *source
	steps  []step
	done   []Restore
}

// Commit implements mib.Change.
func (c *change) Commit(ctx context.Context) error {
	defer c.source.forget()
	for _, s := range c.steps {
		restore, err := within(ctx, s.do)
		if err != nil {
			status := snmp.CommitFailed
			if undone := c.Undo(ctx); undone != nil {
				status, err = snmp.UndoFailed, errors.Join(err, undone)
			}
			return s.refuse(status, err)
		}
		c.done = append(c.done, restore)
	}
	return nil
}

// within gives an order its time.
func within(ctx context.Context, do func(context.Context) (Restore, error)) (Restore, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, orderTime, errors.New("the server takes too long"))
	defer cancel()
	return do(ctx)
}

// Undo implements mib.Change.
func (c *change) Undo(ctx context.Context) error {
	defer c.source.forget()
	var errs []error
	for _, restore := range slices.Backward(c.done) {
		_, err := within(ctx, func(ctx context.Context) (Restore, error) { return nil, restore(ctx) })
		errs = append(errs, err)
	}
	c.done = nil
	return errors.Join(errs...)
}

// Close implements mib.Change.
func (c *change) Close() {}
