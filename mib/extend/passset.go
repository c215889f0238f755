package extend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"walkabout/mib"
	"walkabout/snmp"
)

// setErrors are what programs may answer to a SET (snmpd.conf(5)).
var setErrors = map[string]snmp.ErrorStatus{
	"not-writable": snmp.NotWritable, "wrong-type": snmp.WrongType, "wrong-length": snmp.WrongLength, "wrong-value": snmp.WrongValue,
	"inconsistent-value": snmp.InconsistentValue,
}

// Prepare implements mib.Setter. What a program would say to a value is known only when it is told.
func (p *Pass) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	for i, vb := range vbs {
		if _, _, ok := formatValue(vb.Value); !ok {
			return nil, &mib.VarError{Index: i, Status: snmp.WrongType, Err: fmt.Errorf("a program cannot be told a value of type %v", vb.Value.Kind())}
		}
	}
	return &passChange{pass: p, vbs: vbs}, nil
}

type passChange struct {
	pass   *Pass
	vbs    []snmp.VarBind
	before []snmp.VarBind // of those that were set, as they were; Null where there was nothing
}

// Commit implements mib.Change.
func (c *passChange) Commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passRequest)
	defer cancel()
	for i, vb := range c.vbs {
		before := snmp.VarBind{Name: vb.Name}
		if old, ok, err := c.pass.ask(ctx, get, vb.Name); err == nil && ok && old.Name == vb.Name {
			before.Value = old.Value
		}
		status, err := c.pass.tell(ctx, vb)
		if err != nil {
			if undo := c.Undo(ctx); undo != nil {
				return &mib.VarError{Index: i, Status: snmp.UndoFailed, Err: errors.Join(err, undo)}
			}
			return &mib.VarError{Index: i, Status: status, Err: err}
		}
		c.before = append(c.before, before)
	}
	return nil
}

// Undo implements mib.Change: the program is told the values from before.
func (c *passChange) Undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), passRequest)
	defer cancel()
	var errs []error
	for i := len(c.before) - 1; i >= 0; i-- {
		vb := c.before[i]
		if vb.Value.Kind() == snmp.KindNull {
			errs = append(errs, fmt.Errorf("%v had no value before, and cannot be taken away", vb.Name))
			continue
		}
		_, err := c.pass.tell(ctx, vb)
		errs = append(errs, err)
	}
	c.before = nil
	return errors.Join(errs...)
}

// Close implements mib.Change.
func (c *passChange) Close() {}

// tell has the program set a value.
func (p *Pass) tell(ctx context.Context, vb snmp.VarBind) (snmp.ErrorStatus, error) {
	kind, text, _ := formatValue(vb.Value)
	if !p.entry.Persist { // an argument needs no quotes
		text = strings.Trim(text, `"`)
	}
	lines, err := p.question(ctx, set, vb.Name, kind, text)
	if err != nil {
		return snmp.GenErr, p.note(err)
	}
	answer := ""
	if len(lines) > 0 {
		answer = strings.ToLower(strings.TrimSpace(lines[0]))
	}
	if status, known := setErrors[answer]; known {
		return status, fmt.Errorf("%s says %s", p.entry.Program.Path, answer)
	}
	if answer == "done" || answer == "" && !p.entry.Persist {
		return snmp.NoError, nil
	}
	return snmp.GenErr, p.note(fmt.Errorf("%s: its answer to set is %q", p.entry.Program.Path, answer))
}
