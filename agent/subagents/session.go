package subagents

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// session is a sub-agent. It is the mib.Setter of what it registers.
type session struct {
	conn    *connection
	id      uint32
	flags   uint8 // NetworkByteOrder as it was opened with
	object  oid.OID
	descr   string
	timeout time.Duration // 0 is the master's
	opened  time.Time
	ended   chan struct{} // closed when it is

	caps  map[oid.OID]func() // under the master's mu; they remove
	timed []*registration    // under the master's mu; those that have a timeout of their own

	lastRegistration uint32 // agentxRegIndex of the latest; under the master's mu
	transaction      atomic.Uint32
	asked            atomic.Int32 // requests that wait for their answers
	silence          silence
}

func newSession(c *connection, id uint32, p *agentx.PDU) *session {
	return &session{
		conn: c, id: id, flags: p.Flags & agentx.NetworkByteOrder, object: p.ID, descr: p.Descr, timeout: seconds(p.Timeout), opened: time.Now(),
		ended: make(chan struct{}), caps: map[oid.OID]func(){},
	}
}

func seconds(n uint8) time.Duration { return min(time.Duration(n)*time.Second, maxTimeout) }

// View implements mib.Handler.
func (s *session) View(_ context.Context, q *mib.Request) (mib.View, error) {
	return &view{session: s, context: q.Context, transaction: s.transaction.Add(1)}, nil
}

// call asks the sub-agent, which may take timeout. One that stays silent too often is closed.
func (s *session) call(ctx context.Context, p *agentx.PDU, timeout time.Duration) (agentx.PDU, error) {
	defer s.asked.Add(-1)
	if s.asked.Add(1) > maxAsked {
		return agentx.PDU{}, fmt.Errorf("sub-agent %q (session %d): %w", s.descr, s.id, errBusy)
	}
	p.Flags, p.Session = s.flags, s.id
	began := time.Now()
	r, err := s.conn.call(ctx, s, p, timeout)
	if err == nil {
		s.silence.end()
		return r, nil
	}
	if errors.Is(err, errTimeout) && s.silence.add(began) > max(s.conn.master.options.Retries, 0) {
		_ = s.conn.write(&agentx.PDU{Type: agentx.Close, Flags: s.flags, Session: s.id, Reason: agentx.ReasonTimeouts})
		s.conn.master.end(s, agentx.ReasonTimeouts)
	}
	return agentx.PDU{}, fmt.Errorf("sub-agent %q (session %d): %w", s.descr, s.id, err)
}

// silence counts the requests in a row that were not answered. Those that waited together are one: six managers that ask while a sub-agent is busy for
// a moment do not end it.
type silence struct {
	mu    sync.Mutex
	count int
	last  time.Time // when the latest one was given up
}

// add counts a request that began then, and returns how many there are.
func (s *silence) add(began time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !began.Before(s.last) {
		s.count++
		s.last = time.Now()
	}
	return s.count
}

// end is an answer.
func (s *silence) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count = 0
}

// refused returns what a response blames, counted from 0; nil if it blames nothing. count is how many there are to blame.
func (s *session) refused(r *agentx.PDU, count int) error {
	if r.Error == agentx.NoError {
		return nil
	}
	status := snmp.GenErr
	if r.Error <= agentx.Error(snmp.InconsistentName) {
		status = snmp.ErrorStatus(r.Error)
	}
	err := fmt.Errorf("sub-agent %q (session %d): %w", s.descr, s.id, r.Error)
	if r.Index == 0 || int(r.Index) > count {
		return &mib.VarError{Index: 0, Status: status, Err: err}
	}
	return &mib.VarError{Index: int(r.Index) - 1, Status: status, Err: err}
}

// view is a sub-agent's objects as one request sees them: they share a transaction.
type view struct {
	session     *session
	context     string
	transaction uint32
	until       time.Time // nothing is asked later; zero until something was asked
}

// call asks for p's ranges. A sub-agent that answers just in time, and a little at a time, must not hold up its asker for long.
func (v *view) call(ctx context.Context, p *agentx.PDU) (agentx.PDU, error) {
	timeout, now := v.session.timeoutOf(p), time.Now()
	if v.until.IsZero() {
		v.until = now.Add(maxWaits * timeout)
	}
	if now.After(v.until) {
		return agentx.PDU{}, fmt.Errorf("sub-agent %q (session %d): %w", v.session.descr, v.session.id, errSlow)
	}
	return v.session.call(ctx, p, timeout)
}

var errShort = errors.New("the sub-agent answers with another number of variable bindings than it was asked for")

// Get implements mib.View.
func (v *view) Get(ctx context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	p := agentx.PDU{Type: agentx.Get, Context: v.context, Transaction: v.transaction}
	for _, name := range names {
		p.Ranges = append(p.Ranges, mib.Range{Start: name})
	}
	r, err := v.call(ctx, &p)
	if err != nil {
		return dst, err
	}
	if err := v.session.refused(&r, len(names)); err != nil {
		return dst, err
	}
	if len(r.VarBinds) != len(names) {
		return dst, errShort
	}
	for i, vb := range r.VarBinds {
		if vb.Name != names[i] {
			return dst, &mib.VarError{Index: i, Status: snmp.GenErr, Err: fmt.Errorf("the sub-agent answers for %v", vb.Name)}
		}
		dst = append(dst, vb.Value)
	}
	return dst, nil
}

// Next implements mib.View: a GetNext, or as many GetBulks as it takes. What a sub-agent finds beyond a range ends that range.
func (v *view) Next(ctx context.Context, dst []snmp.VarBind, ranges []mib.Range, most int) ([]snmp.VarBind, error) {
	found := make([][]snmp.VarBind, len(ranges))
	ended := make([]bool, len(ranges))
	for {
		p := agentx.PDU{Type: agentx.GetNext, Context: v.context, Transaction: v.transaction}
		var active []int
		room := 0
		for i := range ranges {
			if ended[i] || len(found[i]) == most {
				continue
			}
			r := ranges[i]
			if n := len(found[i]); n > 0 {
				r.Start, r.Include = found[i][n-1].Name, false
			}
			active, p.Ranges = append(active, i), append(p.Ranges, r)
			room = max(room, most-len(found[i]))
		}
		if len(active) == 0 {
			break
		}
		if room > 1 {
			p.Type, p.MaxRep = agentx.GetBulk, uint16(min(room, 1<<15))
		}
		if err := v.fetch(ctx, &p, ranges, active, found, ended, most); err != nil {
			return dst, err
		}
	}
	for i := range ranges {
		dst = append(dst, found[i]...)
		if ended[i] && len(found[i]) < most {
			dst = append(dst, snmp.VarBind{Name: ranges[i].Start, Value: snmp.EndOfMibView})
		}
	}
	return dst, nil
}

// fetch sends p, whose ranges are those of active, and adds what it brings. Each range gets something, or has ended.
func (v *view) fetch(ctx context.Context, p *agentx.PDU, ranges []mib.Range, active []int, found [][]snmp.VarBind, ended []bool, most int) error {
	r, err := v.call(ctx, p)
	if err != nil {
		return err
	}
	if err := v.session.refused(&r, len(active)); err != nil {
		var blamed *mib.VarError
		if errors.As(err, &blamed) {
			blamed.Index = active[blamed.Index]
		}
		return err
	}
	if len(r.VarBinds) < len(active) || p.Type == agentx.GetNext && len(r.VarBinds) != len(active) {
		return errShort
	}
	stuck := make([]bool, len(active))
	for k, vb := range r.VarBinds {
		i := active[k%len(active)]
		switch {
		case ended[i] || stuck[k%len(active)] || len(found[i]) == most:
		case vb.Value == snmp.EndOfMibView, !ranges[i].End.IsEmpty() && !vb.Name.Less(ranges[i].End):
			ended[i] = true
		default:
			after := ranges[i]
			if n := len(found[i]); n > 0 {
				after.Start, after.Include = found[i][n-1].Name, false
			}
			if !after.Contains(vb.Name) {
				// Net-SNMP's repeat the last one where they should say that it was; the next request tells.
				if stuck[k%len(active)] = k >= len(active); stuck[k%len(active)] {
					continue
				}
				return &mib.VarError{Index: i, Status: snmp.GenErr, Err: fmt.Errorf("the sub-agent says that %v follows %v", vb.Name, after.Start)}
			}
			found[i] = append(found[i], vb)
		}
	}
	return nil
}

// Independent implements mib.Independent.
func (s *session) Independent() {}

// Prepare implements mib.Setter: TestSet.
func (s *session) Prepare(ctx context.Context, q *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	p := agentx.PDU{Type: agentx.TestSet, Context: q.Context, Transaction: s.transaction.Add(1), VarBinds: vbs}
	c := &change{session: s, transaction: p.Transaction, count: len(vbs), timeout: s.timeoutOf(&p)}
	r, err := s.call(ctx, &p, c.timeout)
	if err == nil {
		err = s.refused(&r, c.count)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// change is a mib.Change: CommitSet, UndoSet, CleanupSet.
type change struct {
	session     *session
	transaction uint32
	count       int
	timeout     time.Duration
	undone      bool
}

func (c *change) do(ctx context.Context, t agentx.Type) error {
	r, err := c.session.call(ctx, &agentx.PDU{Type: t, Transaction: c.transaction}, c.timeout)
	if err != nil {
		return err
	}
	return c.session.refused(&r, c.count)
}

// Commit implements mib.Change. After one that failed the sub-agent is told to undo (RFC 2741 section 7.2.4.3).
func (c *change) Commit(ctx context.Context) error {
	err := c.do(ctx, agentx.CommitSet)
	if err == nil {
		return nil
	}
	if undo := c.Undo(ctx); undo != nil {
		return &mib.VarError{Index: 0, Status: snmp.UndoFailed, Err: errors.Join(err, undo)}
	}
	return err
}

// Undo implements mib.Change.
func (c *change) Undo(ctx context.Context) error {
	c.undone = true
	return c.do(ctx, agentx.UndoSet)
}

// Close implements mib.Change. CleanupSet has no response.
func (c *change) Close() {
	if !c.undone {
		_ = c.session.conn.write(&agentx.PDU{Type: agentx.CleanupSet, Flags: c.session.flags, Session: c.session.id, Transaction: c.transaction})
	}
}
