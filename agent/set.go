package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// change is what one handler prepared.
type change struct {
	mib.Change
	of  mib.Setter
	vbs []int // which variable bindings it is of
}

// set carries out a SetRequest: all of it or nothing (RFC 3416 section 4.2.5). A nil view allows nothing.
func (w *worker) set(ctx context.Context, view *vacm.View) outcome {
	vbs := w.in.PDU.VarBinds
	w.result = append(w.result[:0], vbs...)
	if len(vbs) == 0 {
		return outcome{}
	}
	for i := range vbs {
		if view == nil || !view.Contains(vbs[i].Name) {
			if view == nil && w.in.Version != snmp.V3 {
				w.server.counters.Add(snmp.InBadCommunityUses, 1)
			}
			return outcome{snmp.NoAccess, int32(i + 1)}
		}
	}
	setters, parts, f := w.setters()
	if f != nil {
		return w.failed(f)
	}
	end, err := w.server.setting.begin(ctx, setters)
	if err != nil {
		return w.failed(&failure{0, snmp.ResourceUnavailable, err})
	}
	defer end()
	changes, f := w.prepare(ctx, setters, parts)
	defer func() {
		for _, c := range changes {
			c.Close()
		}
	}()
	var former []snmp.Value
	if f == nil {
		former = w.former(ctx, changes)
		f = w.commit(ctx, changes)
	}
	if f != nil {
		return w.failed(f)
	}
	w.server.counters.Add(snmp.InTotalSetVars, uint64(len(vbs)))
	w.logSet(changes, former)
	return outcome{}
}

// logSet tells what was written, in the order in which it was asked for.
func (w *worker) logSet(changes []change, former []snmp.Value) {
	vbs := w.in.PDU.VarBinds
	values := slices.Clone(former)
	for i := range vbs {
		values[i] = vbs[i].Value
	}
	for _, c := range changes {
		of, ok := c.of.(mib.Confidential)
		for _, i := range c.vbs {
			if ok && of.Secret(vbs[i].Name) {
				values[i], former[i] = snmp.OctetString(secret.Mask), snmp.OctetString(secret.Mask)
			}
		}
	}
	for i := range vbs {
		w.server.log.Info("set", "name", vbs[i].Name, "value", values[i], "was", former[i],
			"principal", w.request.Principal, "level", w.request.Level, "from", w.from)
	}
}

// setters returns whose the variable bindings are, in the order of the first ones, and which are whose.
func (w *worker) setters() (setters []mib.Setter, parts map[mib.Setter][]int, f *failure) {
	vbs := w.in.PDU.VarBinds
	regions, _ := w.server.contextRegions(w.request.Context)
	parts = map[mib.Setter][]int{}
	for i := range vbs {
		at := regionAt(regions, vbs[i].Name)
		if at == len(regions) || vbs[i].Name.Less(regions[at].start) {
			return nil, nil, &failure{i, snmp.NotWritable, errors.New("nobody serves it")}
		}
		s, ok := regions[at].handler.(mib.Setter)
		if !ok {
			return nil, nil, &failure{i, snmp.NotWritable, errors.New("its handler takes no SET")}
		}
		if parts[s] == nil {
			setters = append(setters, s)
		}
		parts[s] = append(parts[s], i)
	}
	return setters, parts, nil
}

// prepare asks every handler for its change. What was prepared is returned with a failure too: it must be closed.
func (w *worker) prepare(ctx context.Context, setters []mib.Setter, parts map[mib.Setter][]int) ([]change, *failure) {
	vbs := w.in.PDU.VarBinds
	var changes []change
	for _, s := range setters {
		part := make([]snmp.VarBind, 0, len(parts[s]))
		for _, i := range parts[s] {
			part = append(part, vbs[i])
		}
		c, err := s.Prepare(ctx, &w.request, part)
		if err != nil {
			return changes, blameSet(err, parts[s], snmp.GenErr)
		}
		changes = append(changes, change{c, s, parts[s]})
	}
	return changes, nil
}

// former returns what the variable bindings name before the changes, for the log; Null where that is not known.
func (w *worker) former(ctx context.Context, changes []change) []snmp.Value {
	values := make([]snmp.Value, len(w.in.PDU.VarBinds))
	for _, c := range changes {
		view, err := c.of.View(ctx, &w.request)
		if err != nil {
			continue
		}
		names := make([]oid.OID, 0, len(c.vbs))
		for _, i := range c.vbs {
			names = append(names, w.in.PDU.VarBinds[i].Name)
		}
		if got, err := view.Get(ctx, nil, names); err == nil && len(got) == len(names) {
			for k, i := range c.vbs {
				values[i] = got[k]
			}
		}
	}
	return values
}

// commit makes the changes and has them kept. If one fails, those before it are taken back, the last first.
func (w *worker) commit(ctx context.Context, changes []change) *failure {
	for k, c := range changes {
		err := c.Commit(ctx)
		if err == nil {
			continue
		}
		f := blameSet(err, c.vbs, snmp.CommitFailed)
		f.status = snmp.CommitFailed
		if v := (*mib.VarError)(nil); errors.As(err, &v) && v.Status == snmp.UndoFailed {
			f = &failure{-1, snmp.UndoFailed, v.Err}
		}
		return undo(ctx, changes[:k], f)
	}
	if w.server.config.Save == nil || !slices.ContainsFunc(changes, func(c change) bool { return !independent(c.of) }) {
		return nil
	}
	if err := w.server.config.Save(ctx); err != nil {
		return undo(ctx, changes, &failure{firstKept(changes), snmp.CommitFailed, err})
	}
	return nil
}

// undo takes changes back after f and returns f, or another if that fails, too.
func undo(ctx context.Context, changes []change, f *failure) *failure {
	for _, c := range slices.Backward(changes) {
		if err := c.Undo(ctx); err != nil {
			f = &failure{-1, snmp.UndoFailed, fmt.Errorf("%w; then, taking back what was done: %w", f.err, err)}
		}
	}
	return f
}

// firstKept returns which variable binding is the first to outlive the program, -1 if none does.
func firstKept(changes []change) int {
	first := -1
	for _, c := range changes {
		if _, ok := c.of.(mib.Keeper); ok && (first < 0 || c.vbs[0] < first) {
			first = c.vbs[0]
		}
	}
	return first
}

// blameSet finds whom a handler's error is about among the variable bindings that were its own.
func blameSet(err error, vbs []int, status snmp.ErrorStatus) *failure {
	var v *mib.VarError
	if !errors.As(err, &v) || v.Index < 0 || v.Index >= len(vbs) {
		return &failure{vbs[0], status, err}
	}
	switch v.Status {
	case snmp.NoAccess, snmp.WrongType, snmp.WrongLength, snmp.WrongEncoding, snmp.WrongValue, snmp.NoCreation, snmp.InconsistentValue,
		snmp.ResourceUnavailable, snmp.NotWritable, snmp.InconsistentName, snmp.GenErr:
		status = v.Status
	}
	return &failure{vbs[v.Index], status, v.Err}
}
