package subagents_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agent/subagents"
	"walkabout/agentx"
	"walkabout/internal/packetnet"
	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// fixture is a Master, and what it has done.
type fixture struct {
	t        *testing.T
	master   *subagents.Master
	listener *packetnet.Listener
	done     chan error

	mu         sync.Mutex
	registered map[agent.Registration]mib.Handler
	notified   []notify.Notification
	modules    []mib.Module
}

// start runs test with a Master in a bubble of synctest, and sees that nothing of it is left.
func start(t *testing.T, change func(o *subagents.Options), test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{t: t, listener: packetnet.NewListener(&net.UnixAddr{Name: "/pipe", Net: "unix"}), done: make(chan error, 1), registered: map[agent.Registration]mib.Handler{}}
		o := subagents.Options{Register: f.register, Notify: f.notify, AddModule: f.addModule, Start: time.Now()}
		if change != nil {
			change(&o)
		}
		m, err := subagents.New(o)
		if err != nil {
			t.Fatal(err)
		}
		f.master = m
		ctx, cancel := context.WithCancel(t.Context())
		go func() { f.done <- m.Serve(ctx, f.listener) }()
		test(f)
		cancel()
		if err := <-f.done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if len(f.registered) != 0 || len(f.modules) != 0 {
			t.Errorf("left behind: %v, %v", f.registered, f.modules)
		}
	})
}

func (f *fixture) register(h mib.Handler, regs ...agent.Registration) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range regs {
		f.registered[r] = h
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, r := range regs {
			delete(f.registered, r)
		}
	}, nil
}

func (f *fixture) notify(n notify.Notification) { f.notified = append(f.notified, n) }

func (f *fixture) addModule(m mib.Module) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.modules = append(f.modules, m)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.modules = slices.DeleteFunc(f.modules, func(other mib.Module) bool { return other == m })
	}
}

// peer is a sub-agent that a test plays.
type peer struct {
	t       testing.TB
	conn    net.Conn
	r       *bufio.Reader
	flags   uint8
	session uint32
	packet  uint32
}

func (f *fixture) dial() *peer {
	ours, theirs := net.Pipe()
	f.listener.Give(theirs)
	return &peer{t: f.t, conn: ours, r: bufio.NewReader(ours), flags: agentx.NetworkByteOrder}
}

// read returns the next PDU; io.EOF if the master has hung up.
func (p *peer) read() (agentx.PDU, error) {
	var out agentx.PDU
	head := make([]byte, agentx.HeaderSize)
	if _, err := io.ReadFull(p.r, head); err != nil {
		return out, err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if head[2]&agentx.NetworkByteOrder != 0 {
		order = binary.BigEndian
	}
	payload := make([]byte, order.Uint32(head[16:]))
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return out, err
	}
	return out, out.Decode(append(head, payload...))
}

func (p *peer) write(q agentx.PDU) {
	p.t.Helper()
	q.Flags |= p.flags
	if _, err := p.conn.Write(q.Append(nil)); err != nil {
		p.t.Fatal(err)
	}
}

// ask sends q and returns the response.
func (p *peer) ask(q agentx.PDU) agentx.PDU {
	p.t.Helper()
	p.packet++
	q.Packet = p.packet
	if q.Session == 0 {
		q.Session = p.session
	}
	p.write(q)
	r, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	if r.Type != agentx.Response || r.Packet != p.packet || r.Flags&agentx.NetworkByteOrder != p.flags {
		p.t.Fatalf("%v is answered by %+v", q.Type, r)
	}
	return r
}

// wants is ask, with the error that is expected.
func (p *peer) wants(e agentx.Error, q agentx.PDU) agentx.PDU {
	p.t.Helper()
	r := p.ask(q)
	if r.Error != e {
		p.t.Errorf("%v: %v, want %v", q.Type, r.Error, e)
	}
	return r
}

// open opens a session.
func (f *fixture) open() *peer {
	f.t.Helper()
	p := f.dial()
	p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open, ID: oid.New(1, 3, 6, 1, 4, 1, 9), Descr: "played"}).Session
	return p
}

var root = oid.New(1, 3, 6, 1, 4, 1, 9, 1)

// serves registers root and returns the handler.
func (f *fixture) serves(p *peer) mib.Handler {
	f.t.Helper()
	p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root, Priority: 127})
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.registered[agent.Registration{Root: root, Priority: 127}]
}

// answers answers requests with what f makes of them, until the connection ends; nil is no answer.
func (p *peer) answers(f func(q agentx.PDU) *agentx.PDU) {
	go func() {
		for {
			q, err := p.read()
			if err != nil {
				return
			}
			if r := f(q); r != nil {
				r.Type, r.Flags, r.Session, r.Transaction, r.Packet = agentx.Response, p.flags, q.Session, q.Transaction, q.Packet
				if _, err := p.conn.Write(r.Append(nil)); err != nil {
					return
				}
			}
		}
	}()
}

// table answers as a sub-agent with n integers below root does.
func table(n uint32) func(q agentx.PDU) *agentx.PDU {
	next := func(r mib.Range) snmp.VarBind {
		for i := range n {
			if o := root.Append(i); r.Contains(o) {
				return snmp.VarBind{Name: o, Value: snmp.Integer(int32(i))}
			}
		}
		return snmp.VarBind{Name: r.Start, Value: snmp.EndOfMibView}
	}
	return func(q agentx.PDU) *agentx.PDU {
		r := &agentx.PDU{}
		switch q.Type {
		case agentx.Get:
			for _, x := range q.Ranges {
				vb := snmp.VarBind{Name: x.Start, Value: snmp.NoSuchObject}
				if x.Start.HasPrefix(root) && x.Start.Len() == root.Len()+1 && x.Start.Last() < n {
					vb.Value = snmp.Integer(int32(x.Start.Last()))
				}
				r.VarBinds = append(r.VarBinds, vb)
			}
		case agentx.GetNext, agentx.GetBulk:
			for range max(q.MaxRep, 1) {
				for i := range q.Ranges {
					vb := next(q.Ranges[i])
					if vb.Value != snmp.EndOfMibView {
						q.Ranges[i].Start, q.Ranges[i].Include = vb.Name, false
					}
					r.VarBinds = append(r.VarBinds, vb)
				}
			}
		case agentx.CleanupSet:
			return nil
		}
		return r
	}
}

// next asks h for successors.
func next(h mib.Handler, most int, ranges ...mib.Range) ([]snmp.VarBind, error) {
	v, err := h.View(context.Background(), &mib.Request{Version: snmp.V2c})
	if err != nil {
		return nil, err
	}
	return v.Next(context.Background(), nil, ranges, most)
}

func TestReads(t *testing.T) {
	start(t, nil, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		p.answers(table(5))
		v, err := h.View(f.t.Context(), &mib.Request{})
		if err != nil {
			t.Fatal(err)
		}
		values, err := v.Get(f.t.Context(), nil, []oid.OID{root.Append(3), root.Append(9)})
		if err != nil || !slices.Equal(values, []snmp.Value{snmp.Integer(3), snmp.NoSuchObject}) {
			t.Errorf("%v, %v", values, err)
		}
		within := mib.Range{Start: root, End: root.SubtreeEnd()}
		for most := range 7 {
			got, err := next(h, most+1, within, mib.Range{Start: root.Append(3), Include: true, End: root.Append(4)})
			var names []oid.OID
			for _, vb := range got {
				if vb.Value != snmp.EndOfMibView {
					names = append(names, vb.Name)
				}
			}
			var want []oid.OID
			for i := range min(most+1, 5) {
				want = append(want, root.Append(uint32(i)))
			}
			if want = append(want, root.Append(3)); err != nil || !slices.Equal(names, want) {
				t.Errorf("%d: %v, %v", most+1, got, err)
			}
		}
	})
}

// TestLies: a sub-agent whose answers make no sense costs a genErr; one that repeats the last row of a GetBulk, as Net-SNMP's do, nothing.
func TestLies(t *testing.T) {
	name := root.Append(1)
	one := snmp.VarBind{Name: name, Value: snmp.Integer(1)}
	for what, r := range map[string]agentx.PDU{
		"nothing":         {},
		"too much":        {VarBinds: []snmp.VarBind{one, {Name: root.Append(2), Value: snmp.Integer(1)}}},
		"an earlier name": {VarBinds: []snmp.VarBind{{Name: root, Value: snmp.Integer(1)}}},
		"an error":        {Error: agentx.Error(snmp.GenErr), Index: 1, VarBinds: []snmp.VarBind{one}},
		"its own error":   {Error: agentx.ProcessingError, Index: 9},
	} {
		start(t, nil, func(f *fixture) {
			p := f.open()
			h := f.serves(p)
			p.answers(func(agentx.PDU) *agentx.PDU { return &r })
			if got, err := next(h, 1, mib.Range{Start: root, End: root.SubtreeEnd()}); err == nil {
				t.Errorf("%s: %v", what, got)
			}
			v, _ := h.View(f.t.Context(), &mib.Request{})
			if got, err := v.Get(f.t.Context(), nil, []oid.OID{root.Append(7)}); err == nil {
				t.Errorf("%s: Get: %v", what, got)
			}
		})
	}
	start(t, nil, func(f *fixture) {
		p := f.open()
		h := f.serves(p)
		honest := table(2)
		p.answers(func(q agentx.PDU) *agentx.PDU {
			r := honest(q)
			for i := range r.VarBinds {
				if i > 0 && r.VarBinds[i].Value == snmp.EndOfMibView {
					r.VarBinds[i] = r.VarBinds[i-1]
				}
			}
			return r
		})
		if got, err := next(h, 10, mib.Range{Start: root, End: root.SubtreeEnd()}); err != nil || len(got) != 3 || got[2].Value != snmp.EndOfMibView {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestSet(t *testing.T) {
	vbs := []snmp.VarBind{{Name: root.Append(1), Value: snmp.Integer(1)}, {Name: root.Append(2), Value: snmp.Integer(2)}}
	for _, tt := range []struct {
		name    string
		fail    agentx.Type
		err     agentx.Error
		undo    bool
		status  snmp.ErrorStatus
		commits bool
		want    []agentx.Type
	}{
		{name: "all well", want: []agentx.Type{agentx.TestSet, agentx.CommitSet, agentx.CleanupSet}, commits: true},
		{name: "taken back", undo: true, want: []agentx.Type{agentx.TestSet, agentx.CommitSet, agentx.UndoSet}, commits: true},
		{name: "refused", fail: agentx.TestSet, err: agentx.Error(snmp.WrongType), status: snmp.WrongType, want: []agentx.Type{agentx.TestSet, agentx.CleanupSet}},
		{name: "not committed", fail: agentx.CommitSet, err: agentx.Error(snmp.CommitFailed), status: snmp.CommitFailed,
			want: []agentx.Type{agentx.TestSet, agentx.CommitSet, agentx.UndoSet}, commits: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start(t, nil, func(f *fixture) {
				p := f.open()
				h := f.serves(p).(mib.Setter)
				var got []agentx.Type
				transactions := map[uint32]bool{}
				p.answers(func(q agentx.PDU) *agentx.PDU {
					got = append(got, q.Type)
					transactions[q.Transaction] = true
					switch q.Type {
					case agentx.CleanupSet, agentx.Close:
						return nil
					case tt.fail:
						return &agentx.PDU{Error: tt.err, Index: 2}
					}
					return &agentx.PDU{}
				})
				c, err := h.Prepare(f.t.Context(), &mib.Request{}, vbs)
				if err == nil && tt.commits {
					err = c.Commit(f.t.Context())
				}
				if err == nil && tt.undo {
					err = c.Undo(f.t.Context())
				}
				if c != nil {
					c.Close()
				}
				synctest.Wait()
				var blamed *mib.VarError
				if errors.As(err, &blamed) != (tt.status != snmp.NoError) || blamed != nil && (blamed.Status != tt.status || blamed.Index != 1) {
					t.Errorf("%v", err)
				}
				if !slices.Equal(got, tt.want) || len(transactions) != 1 {
					t.Errorf("%v in transactions %v, want %v", got, transactions, tt.want)
				}
			})
		})
	}
}

// TestAdministration is what sub-agents ask of the master, and what it refuses.
func TestAdministration(t *testing.T) {
	start(t, func(o *subagents.Options) { o.Allowed = []oid.OID{oid.New(1, 3, 6, 1, 4)} }, func(f *fixture) {
		stranger := f.dial()
		stranger.wants(agentx.NotOpen, agentx.PDU{Type: agentx.Ping, Session: 77})
		p := f.open()
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Ping})
		p.wants(agentx.ProcessingError, agentx.PDU{Type: agentx.Get})
		p.wants(agentx.RequestDenied, agentx.PDU{Type: agentx.Register, ID: oid.New(1, 3, 6, 1, 2, 1)})
		p.wants(agentx.ParseError, agentx.PDU{Type: agentx.Register})
		p.wants(agentx.ParseError, agentx.PDU{Type: agentx.Register, ID: root, RangeSub: 9, Upper: 1})
		p.wants(agentx.ParseError, agentx.PDU{Type: agentx.Register, ID: root, RangeSub: 8, Upper: 4294967295})
		ranged := agentx.PDU{Type: agentx.Register, ID: root.Append(4), RangeSub: 8, Upper: 3, Priority: 5, Context: "ctx"}
		p.wants(agentx.NoError, ranged)
		for arc := uint32(1); arc <= 3; arc++ {
			if f.registered[agent.Registration{Context: "ctx", Root: oid.New(1, 3, 6, 1, 4, 1, 9, arc, 4), Priority: 5}] == nil {
				t.Errorf("%d of the range is not registered: %v", arc, f.registered)
			}
		}
		p.wants(agentx.DuplicateRegistration, ranged)
		other := f.open()
		ranged.Type = agentx.Unregister
		other.wants(agentx.UnknownRegistration, ranged)
		p.wants(agentx.NoError, ranged)
		p.wants(agentx.UnknownRegistration, ranged)

		p.wants(agentx.UnknownAgentCaps, agentx.PDU{Type: agentx.RemoveAgentCaps, ID: root})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.AddAgentCaps, ID: root, Descr: "mine"})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.AddAgentCaps, ID: root, Descr: "mine, anew"})
		if len(f.modules) != 1 || f.modules[0].Descr != "mine, anew" {
			t.Errorf("%v", f.modules)
		}
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.RemoveAgentCaps, ID: root})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.AddAgentCaps, ID: root, Descr: "left to the end"})

		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Close, Reason: agentx.ReasonShutdown})
		p.wants(agentx.NotOpen, agentx.PDU{Type: agentx.Ping})
	})
}

func TestNotifications(t *testing.T) {
	trap := snmp.VarBind{Name: oid.MustParse("1.3.6.1.6.3.1.1.4.1.0"), Value: snmp.ObjectID(root)}
	upTime := snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(1)}
	enterprise := snmp.VarBind{Name: oid.MustParse("1.3.6.1.6.3.1.1.4.3.0"), Value: snmp.ObjectID(root)}
	value := snmp.VarBind{Name: root.Append(1), Value: snmp.Integer(7)}
	start(t, nil, func(f *fixture) {
		p := f.open()
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{trap}})
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{upTime, trap, value, enterprise}})
		for _, bad := range [][]snmp.VarBind{nil, {upTime}, {value}, {trap, {Name: root}}, {{Name: trap.Name, Value: snmp.Integer(1)}}} {
			p.wants(agentx.ProcessingError, agentx.PDU{Type: agentx.Notify, VarBinds: bad})
		}
		if n := f.notified; len(n) != 2 || n[1].TrapOID != root || n[1].Enterprise != root || !slices.Equal(n[1].VarBinds, []snmp.VarBind{value}) {
			t.Errorf("%+v", n)
		}
		if r := p.ask(agentx.PDU{Type: agentx.Notify, Context: "blue", VarBinds: []snmp.VarBind{upTime, trap, value, {Name: root}}}); r.Index != 4 {
			t.Errorf("the fourth of a notification is blamed: %d", r.Index)
		}
		f.notified = nil
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Notify, Context: "blue", VarBinds: []snmp.VarBind{trap}})
		if n := f.notified; len(n) != 1 || n[0].Context != "blue" {
			t.Errorf("in a context: %+v", n)
		}
		// A flood: a hundred at once, and ten a second.
		f.notified = nil
		for range 200 {
			p.ask(agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{trap}})
		}
		time.Sleep(2 * time.Second)
		for range 200 {
			p.ask(agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{trap}})
		}
		if n := len(f.notified); n != 97+20 {
			t.Errorf("%d of 400 notifications were sent", n)
		}
		// Another session of the same peer has no budget of its own, and all peers together have one.
		f.notified = nil
		p.session = p.wants(agentx.NoError, agentx.PDU{Type: agentx.Open}).Session
		p.wants(agentx.RequestDenied, agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{trap}})
		time.Sleep(time.Minute)
		for range 11 {
			p := f.open()
			for range 100 {
				p.ask(agentx.PDU{Type: agentx.Notify, VarBinds: []snmp.VarBind{trap}})
			}
		}
		if n := len(f.notified); n != 1000 {
			t.Errorf("%d of 1100 notifications of 11 sub-agents were sent", n)
		}
	})
}

// TestMIB holds AGENTX-MIB against the module, and closes a session by it.
func TestMIB(t *testing.T) {
	var m *subagents.MIB
	start(t, func(o *subagents.Options) { o.Start = o.Start.Add(-time.Minute) }, func(f *fixture) {
		var err error
		if m, err = f.master.MIB(); err != nil {
			t.Fatal(err)
		}
		mibtest.Test(t, m, subagents.Root())
		p, other := f.open(), f.open()
		f.serves(p)
		p.wants(agentx.NoError, agentx.PDU{Type: agentx.Register, ID: root.Append(1), RangeSub: 8, Upper: 4, Context: "c", Timeout: 3, Flags: agentx.InstanceRegistration})
		other.wants(agentx.NoError, agentx.PDU{Type: agentx.Open, Timeout: 9})
		mibtest.Test(t, m, subagents.Root())
		all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, subagents.Root())
		mibtest.Conform(t, all, nil)
		served := map[string]bool{}
		for _, vb := range all {
			if o, _, ok := mibtest.Find(vb.Name); ok {
				served[o.Name] = true
			}
		}
		for _, o := range mibtest.Below(subagents.Root()) {
			if !served[o.Name] && o.Access != "not-accessible" {
				t.Errorf("%s is not served", o.Name)
			}
		}

		status := subagents.Root().Append(3, 2, 1, 4)
		session := status.Append(1, p.session)
		for _, tt := range []struct {
			vb   snmp.VarBind
			want snmp.ErrorStatus
		}{
			{snmp.VarBind{Name: subagents.Root().Append(3, 2, 1, 3, 1, p.session), Value: snmp.OctetString("x")}, snmp.NotWritable},
			{snmp.VarBind{Name: session, Value: snmp.Null}, snmp.WrongType},
			{snmp.VarBind{Name: session, Value: snmp.Integer(3)}, snmp.WrongValue},
			{snmp.VarBind{Name: status.Append(2, p.session), Value: snmp.Integer(2)}, snmp.NoCreation},
			{snmp.VarBind{Name: status, Value: snmp.Integer(2)}, snmp.NoCreation},
		} {
			var blamed *mib.VarError
			if _, err := m.Prepare(f.t.Context(), &mib.Request{}, []snmp.VarBind{tt.vb}); !errors.As(err, &blamed) || blamed.Status != tt.want {
				t.Errorf("%v: %v, want %v", tt.vb, err, tt.want)
			}
		}
		c, err := m.Prepare(f.t.Context(), &mib.Request{}, []snmp.VarBind{{Name: session, Value: snmp.Integer(2)}})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan agentx.PDU, 1)
		p.answers(func(q agentx.PDU) *agentx.PDU { told <- q; return nil })
		if err := c.Commit(f.t.Context()); err != nil {
			t.Error(err)
		}
		if q := <-told; q.Type != agentx.Close || q.Reason != agentx.ReasonByManager || len(f.registered) != 0 {
			t.Errorf("%+v, %v", q, f.registered)
		}
	})
}
