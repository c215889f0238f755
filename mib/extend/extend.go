// Package extend serves what programs of the administrator's say: NET-SNMP-EXTEND-MIB and the extTable of UCD-SNMP-MIB by their output (extend, exec), and
// whole subtrees by Net-SNMP's pass protocol (pass, pass_persist).
//
// Nothing is run that the configuration does not name, and nothing can be named by SET: the tables are read-only. Programs run in goroutines of their own, whose
// results are kept for nsExtendCacheTime. A request waits for a few seconds; then it goes on with what was said before, or without.
package extend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/internal/command"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	nsExtendObjects = oid.New(1, 3, 6, 1, 4, 1, 8072, 1, 3, 2)
	extTable        = oid.New(1, 3, 6, 1, 4, 1, 2021, 8)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID { return []oid.OID{extTable, nsExtendObjects} }

// Modules is what sysORTable says.
func Modules() []mib.Module {
	return []mib.Module{{ID: oid.New(1, 3, 6, 1, 4, 1, 8072, 1, 3, 1), Descr: "NET-SNMP-EXTEND-MIB"}}
}

// Limits of what is run.
const (
	runTime    = 30 * time.Second // then a program is killed
	waitTime   = 3 * time.Second  // that a request waits for programs
	maxOutput  = 60000            // octets of a program's output
	maxLines   = 1024             // nsExtendLineIndex ends there
	MaxRunning = 8                // programs at a time
)

// DefaultCacheTime is how long the result of a program is good.
const DefaultCacheTime = 5 * time.Second

// MaxName is the most octets of an Entry's name: it is an index, and names of objects have 128 sub-identifiers.
const MaxName = 100

// MaxRoot is the most sub-identifiers of an OID for NewBelow: below it stand a table, a column, a name and a line.
const MaxRoot = 128 - MaxName - 5

// Entry is one program whose output is served.
type Entry struct {
	Root      oid.OID // below which NewBelow's MIB serves it; empty for New's
	Name      string
	Program   command.Program
	CacheTime time.Duration
	Table     bool // exec: it has a row in extTable as well
}

func (e Entry) equal(other Entry) bool {
	return e.Name == other.Name && e.Program.Path == other.Program.Path && slices.Equal(e.Program.Args, other.Program.Args) &&
		e.CacheTime == other.CacheTime && e.Table == other.Table
}

// MIB is a mib.Handler for the subtrees of Roots, or for NET-SNMP-EXTEND-MIB's tables below another OID.
type MIB struct {
	root   oid.OID // nsExtendObjects, or what stands for it
	tree   *mib.Tree
	log    *slog.Logger
	wait   time.Duration   // that a request waits for programs: waitTime but in tests
	ctx    context.Context // ends at Close
	stop   context.CancelFunc
	active sync.WaitGroup

	rows atomic.Pointer[rows]
}

// rows are the programs of one configuration. They are not changed.
type rows struct {
	runner  *command.Runner
	entries *mib.Table[*entry] // by name
	listed  []*entry           // of extTable, in the order of the file
}

// entry is an Entry and its latest result.
type entry struct {
	Entry
	m *MIB

	mu      sync.Mutex
	running chan struct{} // closed when the run under way has ended; nil if there is none
	latest  *result       // nil before the first
	failed  bool          // the last run, which was logged
}

// result is what a program said.
type result struct {
	at    time.Time // that it ended
	code  int
	text  string // without newlines at the end
	lines []string
}

// New returns a MIB that runs nothing before SetEntries. It lives until Close.
func New(log *slog.Logger) (*MIB, error) {
	return newMIB(nsExtendObjects, log, (*MIB).extTable)
}

// NewBelow is New for entries whose tables stand below an OID of their own: what is below nsExtendObjects elsewhere. It has no extTable.
func NewBelow(root oid.OID, log *slog.Logger) (*MIB, error) { return newMIB(root, log) }

func newMIB(root oid.OID, log *slog.Logger, more ...func(*MIB) mib.Group) (*MIB, error) {
	m := &MIB{root: root, log: log, wait: waitTime}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.rows.Store(&rows{runner: command.NewRunner(MaxRunning, nil), entries: &mib.Table[*entry]{}})
	groups := []mib.Group{m.extendScalars(), m.configTable(), m.output1Table(), m.output2Table()}
	for _, g := range more {
		groups = append(groups, g(m))
	}
	var err error
	m.tree, err = mib.NewTree(groups...)
	if err != nil {
		m.stop()
		return nil, fmt.Errorf("extend: %w", err)
	}
	return m, nil
}

// Close kills what runs and waits for its end.
func (m *MIB) Close() {
	m.stop()
	m.active.Wait()
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// SetEntries replaces the programs, whose names differ. Results of those that stay as they are are kept. Requests may be under way.
func (m *MIB) SetEntries(entries []Entry, r *command.Runner) {
	before := m.rows.Load()
	next := &rows{runner: r}
	var list []*entry
	for _, e := range entries {
		x := &entry{Entry: e, m: m}
		for _, old := range before.entries.Rows {
			if old.equal(e) {
				x = old
			}
		}
		list = append(list, x)
		if e.Table {
			next.listed = append(next.listed, x)
		}
	}
	next.entries = mib.NewTable(list, func(e **entry) oid.OID { return token((*e).Name) })
	m.rows.Store(next)
}

// token is the index of a name: its length, and its octets.
func token(name string) oid.OID {
	arcs := make([]uint32, 0, 1+len(name))
	arcs = append(arcs, uint32(len(name)))
	for i := range len(name) {
		arcs = append(arcs, uint32(name[i]))
	}
	return oid.New(arcs...)
}

// begin has e run if its result is too old. It returns what is closed when the run has ended; nil if none is needed.
func (e *entry) begin(r *command.Runner) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running == nil {
		if e.m.ctx.Err() != nil || e.latest != nil && time.Since(e.latest.at) < e.CacheTime {
			return nil
		}
		e.running = make(chan struct{})
		e.m.active.Go(func() { e.run(r) })
	}
	return e.running
}

func (e *entry) run(r *command.Runner) {
	out, err := r.Run(e.m.ctx, e.Program, nil, "", true, command.Limits{Time: runTime, Output: maxOutput})
	e.mu.Lock()
	defer e.mu.Unlock()
	failed := err != nil
	switch {
	case failed && !e.failed && e.m.ctx.Err() == nil:
		e.m.log.Error("cannot run a program", "name", e.Name, "err", err)
	case !failed && e.failed:
		e.m.log.Info("a program runs again", "name", e.Name)
	}
	e.failed = failed
	e.latest = &result{at: time.Now(), code: -1}
	if !failed {
		e.latest.code = out.Code
		e.latest.text = strings.TrimRight(string(out.Output), "\r\n")
		e.latest.lines = strings.SplitN(e.latest.text, "\n", maxLines+1)
		e.latest.lines = e.latest.lines[:min(len(e.latest.lines), maxLines)]
		for i, line := range e.latest.lines {
			e.latest.lines[i] = strings.TrimRight(line, "\r")
		}
		if e.latest.text == "" {
			e.latest.lines = nil
		}
	}
	close(e.running)
	e.running = nil
}

// result returns the latest; nil if there is none, or if the program could not be run.
func (e *entry) result() *result {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed {
		return nil
	}
	return e.latest
}

func (m *MIB) asked(ctx context.Context, q *mib.Request) *asked {
	return &asked{ctx: ctx, request: q, rows: m.rows.Load(), most: m.wait}
}

// asked is what one request asks of programs. It is used by one goroutine.
type asked struct {
	ctx     context.Context
	request *mib.Request
	rows    *rows
	most    time.Duration // that it waits
	limit   *time.Timer   // of the whole request; nil before something was waited for
	over    bool
	first   *entry
}

// result runs e if need be, and returns what it says. When a second one is asked for, the request is a walk: all others are begun, so that they run side
// by side.
func (a *asked) result(e *entry) *result {
	if a.first == nil {
		a.first = e
	} else if a.first != e {
		a.begin()
	}
	a.wait(e.begin(a.rows.runner))
	return e.result()
}

// begin has all run that have to.
func (a *asked) begin() {
	for _, e := range a.rows.entries.Rows {
		e.begin(a.rows.runner)
	}
}

// all returns the results of all, in the order of the table.
func (a *asked) all() []*result {
	a.begin()
	out := make([]*result, len(a.rows.entries.Rows))
	for i, e := range a.rows.entries.Rows {
		a.wait(e.begin(a.rows.runner))
		out[i] = e.result()
	}
	return out
}

func (a *asked) wait(ended <-chan struct{}) {
	if ended == nil || a.over {
		return
	}
	a.request.Slow()
	if a.limit == nil {
		a.limit = time.NewTimer(a.most)
	}
	select {
	case <-ended:
	case <-a.ctx.Done():
		a.over = true
	case <-a.limit.C:
		a.over = true
	}
}

var errNoAnswer = errors.New("the program gives no answer that can be understood")

// none is what a cell gives that does not exist.
func none() (snmp.Value, bool) { return snmp.Value{}, false }
