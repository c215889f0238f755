package extend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"walkabout/internal/command"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// PassEntry is a subtree that a program serves by Net-SNMP's protocol: pass runs it for each name, pass_persist speaks to one that goes on running.
type PassEntry struct {
	Root     oid.OID
	Priority uint8
	Program  command.Program
	Persist  bool
}

const (
	// passTime bounds one question to a program, and passRequest all that a request asks of it.
	passTime    = 5 * time.Second
	passRequest = 10 * time.Second
	// maxAnswer bounds an answer, in octets.
	maxAnswer = 64 << 10
	// restartAfter is how long a program that failed is left alone.
	restartAfter = 5 * time.Second
)

// Pass is a mib.Handler, and a mib.Setter, for one subtree.
type Pass struct {
	entry  PassEntry
	runner *command.Runner
	log    *slog.Logger

	turn chan struct{} // one speaks to the program at a time

	// These belong to whose turn it is.
	session *command.Session
	lines   *bufio.Reader
	failed  time.Time // when it last did
	closed  bool

	mu     sync.Mutex
	broken bool // the last question failed, which was logged
}

// NewPass returns the handler of e. Its program is started when it is first asked for, and runs until Close.
func NewPass(e PassEntry, r *command.Runner, log *slog.Logger) *Pass {
	p := &Pass{entry: e, runner: r, log: log, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Close kills the program. Who asks later gets an error.
func (p *Pass) Close() {
	<-p.turn
	p.endSession()
	p.closed = true
	p.turn <- struct{}{}
}

// View implements mib.Handler.
func (p *Pass) View(_ context.Context, q *mib.Request) (mib.View, error) {
	q.Slow()
	return &passView{pass: p, until: time.Now().Add(passRequest)}, nil
}

type passView struct {
	pass  *Pass
	until time.Time
}

// Get implements mib.View.
func (v *passView) Get(ctx context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	ctx, cancel := context.WithDeadline(ctx, v.until)
	defer cancel()
	for i, name := range names {
		vb, ok, err := v.pass.ask(ctx, get, name)
		switch {
		case err != nil:
			return dst, &mib.VarError{Index: i, Status: snmp.GenErr, Err: err}
		case !ok || vb.Name != name:
			dst = append(dst, snmp.NoSuchInstance)
		default:
			dst = append(dst, vb.Value)
		}
	}
	return dst, nil
}

// Next implements mib.View. Where the program fails, who comes from before its subtree goes past it: the end of another walk is no place for an error.
func (v *passView) Next(ctx context.Context, dst []snmp.VarBind, ranges []mib.Range, most int) ([]snmp.VarBind, error) {
	ctx, cancel := context.WithDeadline(ctx, v.until)
	defer cancel()
	for i, r := range ranges {
		for range most {
			vb, ok, err := v.pass.next(ctx, r)
			if err != nil && !(r.Include && !v.pass.entry.Root.Less(r.Start)) {
				return dst, &mib.VarError{Index: i, Status: snmp.GenErr, Err: err}
			}
			if !ok {
				dst = append(dst, snmp.VarBind{Value: snmp.EndOfMibView})
				break
			}
			dst = append(dst, vb)
			r.Start, r.Include = vb.Name, false
		}
	}
	return dst, nil
}

// next returns the successor in r; false if there is none. A program that goes backwards, or out of its subtree, is at its end there: it must not turn walks
// into circles.
func (p *Pass) next(ctx context.Context, r mib.Range) (snmp.VarBind, bool, error) {
	if r.Include && r.Contains(r.Start) && r.Start.HasPrefix(p.entry.Root) {
		if vb, ok, err := p.ask(ctx, get, r.Start); err != nil || ok && vb.Name == r.Start {
			return vb, ok, err
		}
	}
	start := r.Start
	if start.Less(p.entry.Root) {
		start = p.entry.Root
	}
	vb, ok, err := p.ask(ctx, getNext, start)
	if err != nil || !ok {
		return vb, false, err
	}
	r.Include = false
	if !r.Contains(vb.Name) || !vb.Name.HasPrefix(p.entry.Root) {
		if !vb.Name.HasPrefix(p.entry.Root) || start.Less(vb.Name) {
			return vb, false, nil // what follows belongs to others
		}
		return vb, false, p.note(fmt.Errorf("%s: it says that %v follows %v", p.entry.Program.Path, vb.Name, start))
	}
	return vb, true, nil
}

// note logs an error when it is the first after none, and the end of errors, and returns err.
func (p *Pass) note(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil && !p.broken:
		p.log.Error("a program that serves a subtree fails", "subtree", p.entry.Root, "err", err)
	case err == nil && p.broken:
		p.log.Info("a program that serves a subtree works again", "subtree", p.entry.Root)
	}
	p.broken = err != nil
	return err
}

// verb is a question: its flag for pass, its word for pass_persist.
type verb struct{ flag, word string }

var (
	get     = verb{"-g", "get"}
	getNext = verb{"-n", "getnext"}
	set     = verb{"-s", "set"}
)

// ask asks for one object; false if there is none.
func (p *Pass) ask(ctx context.Context, v verb, name oid.OID) (vb snmp.VarBind, ok bool, err error) {
	lines, err := p.question(ctx, v, name, "", "")
	if err == nil && len(lines) > 0 {
		ok = true
		if vb, err = parseAnswer(lines); err != nil {
			err = fmt.Errorf("%s: %w", p.entry.Program.Path, err)
		}
	}
	if err != nil {
		return snmp.VarBind{}, false, p.note(err)
	}
	return vb, ok, p.note(nil)
}

// question returns the lines of an answer, none if the program has none. kind and value belong to set.
func (p *Pass) question(ctx context.Context, v verb, name oid.OID, kind, value string) ([]string, error) {
	if p.entry.Persist {
		return p.speak(ctx, v, name, kind, value)
	}
	more := []string{v.flag, "." + name.String()}
	if v == set {
		more = append(more, kind, value)
	}
	out, err := p.runner.Run(ctx, p.entry.Program, more, "", false, command.Limits{Time: passTime, Output: maxAnswer})
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(out.Output), "\r\n")
	if text == "" {
		return nil, nil
	}
	return strings.SplitN(text, "\n", 4), nil
}

// speak asks the program that goes on running. One that has ended since the last question, as some do when nothing is asked for a while, is started
// again. After any other failure it is killed, and started again at the next question, but not at once.
func (p *Pass) speak(ctx context.Context, v verb, name oid.OID, kind, value string) ([]string, error) {
	select {
	case <-p.turn:
		defer func() { p.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", p.entry.Program.Path, command.ErrBusy)
	}
	if p.closed {
		return nil, fmt.Errorf("%s: %w", p.entry.Program.Path, os.ErrClosed)
	}
	before := p.session
	lines, err := p.askSession(ctx, v, name, kind, value)
	if before != nil && v != set && hasEnded(err) {
		p.endSession()
		lines, err = p.askSession(ctx, v, name, kind, value)
	}
	if err != nil && p.session != nil {
		p.endSession()
		p.failed = time.Now()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.entry.Program.Path, err)
	}
	return lines, nil
}

// hasEnded reports whether an exchange failed because the program is no more; who waits for its end closes its pipe.
func hasEnded(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed)
}

var errFailedLately = errors.New("it failed a moment ago")

// askSession asks the program, which it starts if it does not run.
func (p *Pass) askSession(ctx context.Context, v verb, name oid.OID, kind, value string) ([]string, error) {
	if p.session == nil {
		if time.Since(p.failed) < restartAfter && !p.failed.IsZero() {
			return nil, errFailedLately
		}
		if err := p.startSession(ctx); err != nil {
			p.endSession()
			p.failed = time.Now()
			return nil, fmt.Errorf("start: %w", err)
		}
	}
	return p.exchange(ctx, v, name, kind, value)
}

func (p *Pass) startSession(ctx context.Context) (err error) {
	if p.session, err = p.runner.Start(p.entry.Program); err != nil {
		return err
	}
	p.lines = bufio.NewReaderSize(p.session, maxAnswer)
	if err := p.bound(ctx); err != nil {
		return err
	}
	if _, err := io.WriteString(p.session, "PING\n"); err != nil {
		return err
	}
	line, err := p.line()
	if err == nil && line != "PONG" {
		err = errors.New("it does not answer PONG to PING")
	}
	return err
}

func (p *Pass) endSession() {
	if p.session != nil {
		p.session.Close()
		p.session = nil
	}
}

// bound ends the exchange that follows in time.
func (p *Pass) bound(ctx context.Context) error {
	until := time.Now().Add(passTime)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	return p.session.SetDeadline(until)
}

func (p *Pass) exchange(ctx context.Context, v verb, name oid.OID, kind, value string) ([]string, error) {
	if err := p.bound(ctx); err != nil {
		return nil, err
	}
	text := v.word + "\n." + name.String() + "\n"
	if v == set {
		text += kind + " " + value + "\n"
	}
	if _, err := io.WriteString(p.session, text); err != nil {
		return nil, err
	}
	first, err := p.line()
	if err != nil || first == "NONE" {
		return nil, err
	}
	if v == set {
		return []string{first}, nil
	}
	kind, err = p.line()
	if err != nil {
		return nil, err
	}
	value, err = p.line()
	return []string{first, kind, value}, err
}

// line reads a line, which is at most maxAnswer long.
func (p *Pass) line() (string, error) {
	b, err := p.lines.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return "", errNoAnswer
		}
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
