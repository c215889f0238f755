package mib2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The values of what is on or off here: ifAdminStatus up and down, ipForwarding forwarding and notForwarding, the others enabled and
// disabled.
const (
	enabled  = 1
	disabled = 2
)

// writable is a column whose instances may be SET.
type writable struct {
	column oid.OID
	syntax syntax
	// configured reports whether snmpd.conf sets it, which makes it read-only, as with Net-SNMP's agent. nil is never.
	configured func(s *System) bool
	// What is kept by this program has no write. What the kernel has is written in the ascending order of rank: the harder it is to
	// take back, the later.
	kept  bool
	write func(ctx context.Context, w machine.Writer, a *assignment) (machine.Undo, error)
	rank  func(v snmp.Value) int
}

// writables are all objects that can be SET. Those of links have an ifIndex for their instance.
var writables = []writable{
	{column: systemGroup.Append(sysContact), syntax: text(maxText), kept: true, configured: func(s *System) bool { return s.Contact != "" }},
	{column: systemGroup.Append(sysName), syntax: text(maxText), kept: true, configured: func(s *System) bool { return s.Name != "" }},
	{column: systemGroup.Append(sysLocation), syntax: text(maxText), kept: true, configured: func(s *System) bool { return s.Location != "" }},
	{column: snmpGroup.Append(snmpEnableAuthenTraps), syntax: onOrOff, kept: true, configured: func(s *System) bool { return s.AuthenTraps != 0 }},
	{column: ifXEntry.Append(ifLinkUpDownTrapEnable), syntax: onOrOff, kept: true},
	{
		column: ifXEntry.Append(ifAlias), syntax: text(maxAlias).without("\x00"), rank: always(0),
		write: func(ctx context.Context, w machine.Writer, a *assignment) (machine.Undo, error) {
			return w.SetLinkAlias(ctx, a.link.Index, a.value.Octets())
		},
	},
	{
		column: ipGroup.Append(ipDefaultTTL), syntax: syntax{kind: snmp.KindInteger, min: 1, max: 255}, rank: always(1),
		write: func(ctx context.Context, w machine.Writer, a *assignment) (machine.Undo, error) {
			return w.SetIPv4DefaultTTL(ctx, uint8(a.value.Int()))
		},
	},
	{
		column: ipGroup.Append(ipForwarding), syntax: onOrOff, rank: always(2),
		write: func(ctx context.Context, w machine.Writer, a *assignment) (machine.Undo, error) {
			return w.SetIPv4Forwarding(ctx, a.value.Int() == enabled)
		},
	},
	{ // testing(3) is a state that no link here can be put into
		column: ifEntry.Append(ifAdminStatus), syntax: onOrOff, rank: func(v snmp.Value) int { return 2 + int(v.Int()) },
		write: func(ctx context.Context, w machine.Writer, a *assignment) (machine.Undo, error) {
			return w.SetLinkUp(ctx, a.link.Index, a.value.Int() == enabled)
		},
	},
}

func always(rank int) func(snmp.Value) int { return func(snmp.Value) int { return rank } }

// writableAt returns what can be SET at name; nil if nothing there can, whatever its instance.
func writableAt(name oid.OID) *writable {
	for i := range writables {
		if name.HasPrefix(writables[i].column) {
			return &writables[i]
		}
	}
	return nil
}

// assignment is one variable binding of a SET that was found good.
type assignment struct {
	index int // of the variable binding
	name  oid.OID
	to    *writable
	link  *machine.Link // nil for a scalar
	value snmp.Value
}

// Prepare implements mib.Setter. An object that is named twice must be given the same value.
func (m *MIB) Prepare(ctx context.Context, q *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	c := &change{m: m}
	for i := range vbs {
		a := assignment{index: i, name: vbs[i].Name, to: writableAt(vbs[i].Name), value: vbs[i].Value}
		status, err := m.check(ctx, q, &a)
		if err != nil {
			return nil, &mib.VarError{Index: i, Status: status, Err: err}
		}
		twin := slices.IndexFunc(c.assignments, func(b assignment) bool { return b.name == a.name })
		switch {
		case twin < 0:
			c.assignments = append(c.assignments, a)
		case c.assignments[twin].value != a.value:
			return nil, &mib.VarError{Index: i, Status: snmp.InconsistentValue, Err: errors.New("an object cannot have two values")}
		}
	}
	if len(c.next().linkTraps) > maxLinkTraps {
		return nil, &mib.VarError{Status: snmp.ResourceUnavailable, Err: fmt.Errorf("ifLinkUpDownTrapEnable of more than %d links", maxLinkTraps)}
	}
	slices.SortStableFunc(c.assignments, func(a, b assignment) int { return cmp.Compare(a.rank(), b.rank()) })
	return c, nil
}

// check does what RFC 3416 section 4.2.5 wants of a variable binding, in its order, and finds the link of a.
func (m *MIB) check(ctx context.Context, q *mib.Request, a *assignment) (snmp.ErrorStatus, error) {
	switch o := a.to; {
	case o == nil:
		return snmp.NotWritable, errors.New("read-only, or not served")
	case o.configured != nil && o.configured(m.system.Load()):
		return snmp.NotWritable, errors.New("the configuration file sets it")
	case o.write != nil && m.machine.Writer() == nil:
		return snmp.NotWritable, errors.New("this agent cannot change it on this system")
	}
	if status, err := a.to.syntax.check(a.value); err != nil {
		return status, err
	}
	instance := a.name.From(a.to.column.Len())
	if a.to.ofLink() {
		links, err := m.reading(q).Links(ctx)
		if err != nil {
			return snmp.ResourceUnavailable, err
		}
		if instance.Len() == 1 {
			a.link, _ = links.ByIndex(instance.Last())
		}
		if a.link == nil {
			return snmp.NoCreation, errors.New("no such interface")
		}
		return snmp.NoError, nil
	}
	if instance != mib.ScalarIndex[0] {
		return snmp.NoCreation, errors.New("a scalar has the instance 0 alone")
	}
	if column := a.to.column.Last(); a.to.write != nil { // of the IPv4 stack
		settings, err := m.reading(q).IPv4Settings(ctx)
		if _, known := ipSetting(&settings, column); err != nil || !known {
			return snmp.NoCreation, fmt.Errorf("this machine does not tell it: %w", cmp.Or(err, errors.ErrUnsupported))
		}
	}
	return snmp.NoError, nil
}

// ofLink reports whether o's instances are links.
func (o *writable) ofLink() bool { return o.column.HasPrefix(ifEntry) || o.column.HasPrefix(ifXEntry) }

func (a *assignment) rank() int {
	if a.to.rank == nil {
		return 0
	}
	return a.to.rank(a.value)
}

// change is a mib.Change.
type change struct {
	m           *MIB
	assignments []assignment // in the order in which they are to be made

	former *kept          // what was kept before Commit
	undo   []machine.Undo // of what was written, in that order
}

// next returns what will be kept.
func (c *change) next() kept {
	k := *c.m.kept.Load()
	for i := range c.assignments {
		a := &c.assignments[i]
		switch to := k.scalar(a.name); {
		case to != nil:
			*to = a.value
		case a.to.kept:
			k = k.withLinkTraps(a.link.Name, a.value)
		}
	}
	return k
}

// Commit implements mib.Change. The kernel may refuse, and so it comes first.
func (c *change) Commit(ctx context.Context) error {
	w := c.m.machine.Writer()
	c.former = c.m.kept.Load()
	for i := range c.assignments {
		a := &c.assignments[i]
		if a.to.write == nil {
			continue
		}
		undo, err := a.to.write(ctx, w, a)
		if err == nil {
			c.undo = append(c.undo, undo)
			continue
		}
		failed := &mib.VarError{Index: a.index, Status: snmp.CommitFailed, Err: err}
		if undoErr := c.Undo(ctx); undoErr != nil {
			failed.Status, failed.Err = snmp.UndoFailed, fmt.Errorf("%w; then, taking back what was done: %w", err, undoErr)
		}
		return failed
	}
	k := c.next()
	c.m.kept.Store(&k)
	return nil
}

// Undo implements mib.Change. It is carried out even if ctx has ended.
func (c *change) Undo(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	c.m.kept.Store(c.former)
	var errs []error
	for _, undo := range slices.Backward(c.undo) {
		errs = append(errs, undo(ctx))
	}
	c.undo = nil
	return errors.Join(errs...)
}

// Close implements mib.Change.
func (c *change) Close() {}
