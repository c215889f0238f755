package agentx_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agent/subagents"
	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var root = oid.New(1, 3, 6, 1, 4, 1, 9, 1)

// objects are a table of n rows below root.2, and a scalar, root.1.1.0, that can be written.
type objects struct {
	*mib.Tree
	mu     sync.Mutex
	number int32
	log    []string
}

func newObjects(t *testing.T, n uint32) *objects {
	o := &objects{number: 5}
	var index []oid.OID
	for i := range n {
		index = append(index, oid.New(i+1, i%3))
	}
	tree, err := mib.NewTree(
		mib.Group{Entry: root.Append(1), Columns: []uint32{1}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.Integer(o.get()), true })
		}},
		mib.Group{Entry: root.Append(2, 1), Columns: []uint32{2, 3, 7}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				return snmp.Counter64(uint64(row) << column), row%5 != 4 || column != 3
			}}
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	o.Tree = tree
	return o
}

func (o *objects) get() int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.number
}

func (o *objects) did(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, what)
}

func (o *objects) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	for i, vb := range vbs {
		if vb.Name != root.Append(1, 1, 0) {
			return nil, &mib.VarError{Index: i, Status: snmp.NotWritable, Err: errors.New("a constant")}
		}
	}
	o.did("prepare")
	return &change{o, int32(vbs[0].Value.Int()), o.get()}, nil
}

type change struct {
	of       *objects
	new, old int32
}

func (c *change) set(n int32) { c.of.mu.Lock(); defer c.of.mu.Unlock(); c.of.number = n }

func (c *change) Commit(context.Context) error {
	if c.new < 0 {
		return errors.New("negative")
	}
	c.of.did("commit")
	c.set(c.new)
	return nil
}
func (c *change) Undo(context.Context) error { c.of.did("undo"); c.set(c.old); return nil }
func (c *change) Close()                     { c.of.did("close") }

// master is a Master that is reached in memory.
type master struct {
	conns chan net.Conn
	regs  chan agent.Registration
	traps chan notify.Notification

	mu       sync.Mutex
	handlers map[oid.OID]mib.Handler
}

func newMaster() *master {
	return &master{conns: make(chan net.Conn), regs: make(chan agent.Registration, 10), traps: make(chan notify.Notification, 10), handlers: map[oid.OID]mib.Handler{}}
}

func (m *master) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Second):
		return nil, errors.New("nobody listens")
	}
}

// Accept, Close and Addr are a net.Listener's.
func (m *master) Accept() (net.Conn, error) {
	if c := <-m.conns; c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (m *master) Close() error   { m.conns <- nil; return nil }
func (m *master) Addr() net.Addr { return &net.UnixAddr{Name: "/pipe", Net: "unix"} }

// start serves until the returned function is called.
func (m *master) start(t *testing.T) (stop func()) {
	t.Helper()
	x, err := subagents.New(subagents.Options{Start: time.Now(), Register: m.register, Notify: func(n notify.Notification) { m.traps <- n }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := x.Serve(ctx, m); err != nil {
			t.Error(err)
		}
	}()
	return func() { cancel(); <-done }
}

func (m *master) register(h mib.Handler, regs ...agent.Registration) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range regs {
		m.handlers[r.Root] = h
		m.regs <- r
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, r := range regs {
			delete(m.handlers, r.Root)
		}
	}, nil
}

func (m *master) handler(o oid.OID) mib.Handler {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.handlers[o]
}

// run starts a SubAgent that serves h below root.
func run(t *testing.T, m *master, h mib.Handler) (a *agentx.SubAgent, stop func()) {
	t.Helper()
	a, err := agentx.New(agentx.Options{
		Address: "/pipe", Dial: m.dial, Handler: h, Descr: "test", Log: slog.New(slog.DiscardHandler),
		Subtrees: []agentx.Subtree{{Root: root, Timeout: 1500 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return a, func() { cancel(); <-done }
}

// TestSubAgent: what a Handler serves is the same through a master.
func TestSubAgent(t *testing.T) {
	m, objects := newMaster(), newObjects(t, 300)
	defer m.start(t)()
	_, stop := run(t, m, objects)
	defer stop()
	if got, want := <-m.regs, (agent.Registration{Root: root, Priority: 127}); got != want {
		t.Errorf("registered %+v", got)
	}
	h := m.handler(root)
	mibtest.Test(t, h, root)
	q := &mib.Request{Version: snmp.V2c, At: time.Now()}
	direct, through := mibtest.Walk(t, objects, q, root), mibtest.Walk(t, h, q, root)
	if !slices.Equal(direct, through) {
		t.Errorf("%d objects, and %d through the master", len(direct), len(through))
	}
}

// TestSubAgentNotifies sends notifications, and sees that nothing is left of a sub-agent that ends.
func TestSubAgentNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster()
		defer m.start(t)()
		a, stop := run(t, m, newObjects(t, 1))
		<-m.regs
		synctest.Wait()
		trap := snmp.VarBind{Name: root.Append(1, 1, 0), Value: snmp.Integer(1)}
		if err := a.Notify(t.Context(), root.Append(0, 1), trap); err != nil {
			t.Error(err)
		}
		if n := <-m.traps; n.TrapOID != root.Append(0, 1) || len(n.VarBinds) != 1 || n.VarBinds[0] != trap {
			t.Errorf("%+v", n)
		}
		var refused agentx.Error
		if err := a.Notify(t.Context(), root, snmp.VarBind{Name: root, Value: snmp.Null}); !errors.As(err, &refused) || refused != agentx.ProcessingError {
			t.Errorf("a notification with a null: %v", err)
		}
		stop()
		synctest.Wait()
		if m.handler(root) != nil {
			t.Error("it is still registered")
		}
		if err := a.Notify(t.Context(), root); !errors.Is(err, agentx.ErrNotConnected) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestSubAgentSet: a SET reaches a mib.Setter in its two phases.
func TestSubAgentSet(t *testing.T) {
	number := root.Append(1, 1, 0)
	synctest.Test(t, func(t *testing.T) {
		m, objects := newMaster(), newObjects(t, 1)
		defer m.start(t)()
		_, stop := run(t, m, objects)
		defer stop()
		<-m.regs
		synctest.Wait()
		setter := m.handler(root).(mib.Setter)
		q := &mib.Request{Version: snmp.V2c, At: time.Now()}
		prepare := func(vbs ...snmp.VarBind) mib.Change {
			c, err := setter.Prepare(t.Context(), q, vbs)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		for _, undo := range []bool{false, true} {
			c := prepare(snmp.VarBind{Name: number, Value: snmp.Integer(7)})
			if err := c.Commit(t.Context()); err != nil || objects.get() != 7 {
				t.Errorf("committed: %d, %v", objects.get(), err)
			}
			if undo {
				if err := c.Undo(t.Context()); err != nil || objects.get() != 5 {
					t.Errorf("undone: %d, %v", objects.get(), err)
				}
			}
			c.Close()
			synctest.Wait()
			objects.number = 5
		}
		want := []string{"prepare", "commit", "close", "prepare", "commit", "undo", "close"}
		if diff := cmp.Diff(want, objects.log); diff != "" {
			t.Error(diff)
		}
		var refused *mib.VarError
		_, err := setter.Prepare(t.Context(), q, []snmp.VarBind{{Name: number, Value: snmp.Integer(1)}, {Name: root.Append(2, 1, 2, 1, 0), Value: snmp.Integer(1)}})
		if !errors.As(err, &refused) || refused.Status != snmp.NotWritable || refused.Index != 1 {
			t.Errorf("a constant: %v", err)
		}
		c := prepare(snmp.VarBind{Name: number, Value: snmp.Integer(-1)})
		if err := c.Commit(t.Context()); !errors.As(err, &refused) || refused.Status != snmp.CommitFailed {
			t.Errorf("a commit that fails: %v", err)
		}
		c.Close()
	})
}

// TestSubAgentComesBack: the master ends and starts again.
func TestSubAgentComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaster()
		_, stop := run(t, m, newObjects(t, 10))
		defer stop()
		time.Sleep(10 * time.Second) // there is none yet
		for range 3 {
			end := m.start(t)
			<-m.regs
			synctest.Wait()
			if n := len(mibtest.Walk(t, m.handler(root), &mib.Request{Version: snmp.V2c, At: time.Now()}, root)); n != 29 {
				t.Errorf("%d objects", n)
			}
			end()
			time.Sleep(time.Minute)
		}
	})
}

// TestSubAgentOptions: what is missing is told at once.
func TestSubAgentOptions(t *testing.T) {
	whole := agentx.Options{Address: "/x", Handler: newObjects(t, 1), Subtrees: []agentx.Subtree{{Root: root}}}
	for name, without := range map[string]func(o *agentx.Options){
		"address":  func(o *agentx.Options) { o.Address = "" },
		"handler":  func(o *agentx.Options) { o.Handler = nil },
		"subtrees": func(o *agentx.Options) { o.Subtrees = nil },
	} {
		o := whole
		without(&o)
		if _, err := agentx.New(o); err == nil {
			t.Errorf("without %s there is no error", name)
		}
	}
	if _, err := agentx.New(whole); err != nil {
		t.Error(err)
	}
}
