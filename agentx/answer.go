package agentx

import (
	"context"
	"errors"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// maxBulk is the most variable bindings that a GetBulk is answered with, but for one repetition: the master asks for the rest.
const maxBulk = 4096

// request is what a Handler is told of p. AgentX says no more of who asks.
func request(p *PDU) *mib.Request {
	return &mib.Request{Context: p.Context, Version: snmp.V2c, At: time.Now()}
}

// read answers a Get, GetNext or GetBulk.
func (s *session) read(ctx context.Context, p *PDU) error {
	v, err := s.handler.View(ctx, request(p))
	if err != nil {
		return s.fail(p, err, snmp.GenErr)
	}
	var vbs []snmp.VarBind
	switch p.Type {
	case Get:
		vbs, err = get(ctx, v, p.Ranges)
	case GetNext:
		vbs, err = successors(ctx, v, p.Ranges, 1)
	default:
		vbs, err = bulk(ctx, v, p)
	}
	if err != nil {
		return s.fail(p, err, snmp.GenErr)
	}
	return s.respond(p, vbs, NoError, 0)
}

func get(ctx context.Context, v mib.View, ranges []mib.Range) ([]snmp.VarBind, error) {
	names := make([]oid.OID, len(ranges))
	for i, r := range ranges {
		names[i] = r.Start
	}
	values, err := v.Get(ctx, make([]snmp.Value, 0, len(names)), names)
	if err != nil {
		return nil, err
	}
	vbs := make([]snmp.VarBind, len(names))
	for i := range vbs {
		vbs[i] = snmp.VarBind{Name: names[i], Value: values[i]}
	}
	return vbs, nil
}

func bulk(ctx context.Context, v mib.View, p *PDU) ([]snmp.VarBind, error) {
	single := min(int(p.NonRep), len(p.Ranges))
	vbs, err := successors(ctx, v, p.Ranges[:single], 1)
	if err != nil || single == len(p.Ranges) {
		return vbs, err
	}
	rest, err := successors(ctx, v, p.Ranges[single:], max(min(int(p.MaxRep), maxBulk/(len(p.Ranges)-single)), 1))
	var blamed *mib.VarError
	if errors.As(err, &blamed) {
		return nil, &mib.VarError{Index: single + blamed.Index, Status: blamed.Status, Err: blamed.Err}
	}
	return append(vbs, rest...), err
}

// successors returns the first most successors of every range, by repetition: all first ones, all second ones, and so on. A range that has fewer
// is filled with endOfMibView.
func successors(ctx context.Context, v mib.View, ranges []mib.Range, most int) ([]snmp.VarBind, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	found, err := v.Next(ctx, nil, ranges, most)
	if err != nil {
		return nil, err
	}
	out := make([]snmp.VarBind, most*len(ranges))
	longest := 1
	for i, r := range ranges {
		n := 0
		for n < most && len(found) > 0 && found[0].Value != snmp.EndOfMibView {
			out[n*len(ranges)+i] = found[0]
			found, n = found[1:], n+1
		}
		if longest = max(longest, min(n+1, most)); n == most {
			continue
		}
		if len(found) > 0 {
			found = found[1:] // endOfMibView
		}
		for ; n < most; n++ {
			out[n*len(ranges)+i] = snmp.VarBind{Name: r.Start, Value: snmp.EndOfMibView}
		}
	}
	return out[:longest*len(ranges)], nil
}

// transaction is the SET that is under way. A master may test what lies in several subtrees one by one, and commit them one by one.
type transaction struct {
	id        uint32
	parts     []mib.Change
	committed int // the first of parts
}

// close ends the SET.
func (t *transaction) close() {
	for _, c := range t.parts {
		c.Close()
	}
	*t = transaction{}
}

// commit commits what is not yet.
func (t *transaction) commit(ctx context.Context) error {
	for ; t.committed < len(t.parts); t.committed++ {
		if err := t.parts[t.committed].Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// undo takes back what was committed.
func (t *transaction) undo(ctx context.Context) error {
	var failed error
	for ; t.committed > 0; t.committed-- {
		failed = errors.Join(failed, t.parts[t.committed-1].Undo(ctx))
	}
	return failed
}

// write carries out a TestSet, CommitSet, UndoSet or CleanupSet (RFC 2741 section 7.2.4). An error ends the connection.
func (s *session) write(ctx context.Context, p *PDU) error {
	if p.Type == TestSet {
		return s.test(ctx, p)
	}
	t, known := &s.set, s.set.id == p.Transaction && len(s.set.parts) > 0
	var err error
	switch p.Type {
	case CommitSet:
		if !known {
			return s.respond(p, nil, Error(snmp.CommitFailed), 0)
		}
		if err = t.commit(ctx); err != nil {
			return s.fail(p, err, snmp.CommitFailed)
		}
	case UndoSet:
		if !known {
			return s.respond(p, nil, Error(snmp.UndoFailed), 0)
		}
		err = t.undo(ctx)
		t.close()
		if err != nil {
			return s.fail(p, err, snmp.UndoFailed)
		}
	case CleanupSet: // has no response
		if known {
			t.close()
		}
		return nil
	default:
		return s.respond(p, nil, ProcessingError, 0)
	}
	return s.respond(p, nil, NoError, 0)
}

func (s *session) test(ctx context.Context, p *PDU) error {
	setter, ok := s.handler.(mib.Setter)
	if !ok || len(p.VarBinds) == 0 {
		return s.respond(p, p.VarBinds, Error(snmp.NotWritable), 1)
	}
	if s.set.id != p.Transaction { // a master carries out one SET at a time, and has given this one up
		s.set.close()
	}
	change, err := setter.Prepare(ctx, request(p), p.VarBinds)
	if err != nil {
		return s.fail(p, err, snmp.GenErr)
	}
	s.set.id, s.set.parts = p.Transaction, append(s.set.parts, change)
	return s.respond(p, p.VarBinds, NoError, 0)
}
