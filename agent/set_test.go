package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"walkabout/agent"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// cell is a Setter of one integer, at 1.3.6.1.4.1.N.1.0, that fails where it is told to and writes down what happens to it.
type cell struct {
	liar
	name          string
	value         *int64
	journal       *strings.Builder
	prepare       error
	commit, undo  error
	before, after int64
}

func (c *cell) Prepare(_ context.Context, _ *mib.Request, vbs []snmp.VarBind) (mib.Change, error) {
	fmt.Fprintf(c.journal, "%s.prepare(%d) ", c.name, len(vbs))
	if c.prepare != nil {
		return nil, c.prepare
	}
	c.after = vbs[0].Value.Int()
	return c, nil
}

func (c *cell) Commit(context.Context) error {
	fmt.Fprintf(c.journal, "%s.commit ", c.name)
	if c.commit == nil {
		c.before, *c.value = *c.value, c.after
	}
	return c.commit
}

func (c *cell) Undo(context.Context) error {
	fmt.Fprintf(c.journal, "%s.undo ", c.name)
	if c.undo == nil {
		*c.value = c.before
	}
	return c.undo
}

func (c *cell) Close() { fmt.Fprintf(c.journal, "%s.close ", c.name) }

func TestSet(t *testing.T) {
	broken := errors.New("broken")
	wrong := &mib.VarError{Index: 0, Status: snmp.WrongValue, Err: broken}
	const good = "a.prepare(1) b.prepare(1) a.commit b.commit a.close b.close "
	tests := []struct {
		name    string
		a, b    cell
		vbs     string
		version snmp.Version
		want    string // status and index
		journal string
		values  [2]int64
	}{
		{"two handlers", cell{}, cell{}, "a b", snmp.V2c, "noError 0", good, [2]int64{7, 7}},
		{"by v1", cell{}, cell{}, "a b", snmp.V1, "noError 0", good, [2]int64{7, 7}},
		{"several of one handler", cell{}, cell{}, "a a b", snmp.V2c, "noError 0", strings.Replace(good, "(1)", "(2)", 1), [2]int64{7, 7}},
		{"nothing", cell{}, cell{}, "", snmp.V2c, "noError 0", "", [2]int64{}},
		{"the second finds a mistake", cell{}, cell{prepare: wrong}, "a b", snmp.V2c, "wrongValue 2", "a.prepare(1) b.prepare(1) a.close ", [2]int64{}},
		{"the second finds a mistake, v1", cell{}, cell{prepare: wrong}, "a b", snmp.V1, "badValue 2", "a.prepare(1) b.prepare(1) a.close ", [2]int64{}},
		{"a mistake without a name", cell{}, cell{prepare: broken}, "a b", snmp.V2c, "genErr 2", "a.prepare(1) b.prepare(1) a.close ", [2]int64{}},
		{"a mistake that is none", cell{}, cell{prepare: &mib.VarError{Status: snmp.TooBig, Err: broken}}, "a b", snmp.V2c, "genErr 2", "a.prepare(1) b.prepare(1) a.close ", [2]int64{}},
		{"the second cannot commit", cell{}, cell{commit: broken}, "a b", snmp.V2c, "commitFailed 2", "a.prepare(1) b.prepare(1) a.commit b.commit a.undo a.close b.close ", [2]int64{}},
		{"the second cannot commit, v1", cell{}, cell{commit: broken}, "a b", snmp.V1, "genErr 2", "a.prepare(1) b.prepare(1) a.commit b.commit a.undo a.close b.close ", [2]int64{}},
		{"the first cannot be taken back", cell{undo: broken}, cell{commit: broken}, "a b", snmp.V2c, "undoFailed 0", "a.prepare(1) b.prepare(1) a.commit b.commit a.undo a.close b.close ", [2]int64{7, 0}},
		{"the second cannot commit, nor take back what it did", cell{}, cell{commit: &mib.VarError{Status: snmp.UndoFailed, Err: broken}}, "a b", snmp.V2c, "undoFailed 0", "a.prepare(1) b.prepare(1) a.commit b.commit a.undo a.close b.close ", [2]int64{}},
		{"what nobody serves", cell{}, cell{}, "a x", snmp.V2c, "notWritable 2", "", [2]int64{}},
		{"what cannot be written", cell{}, cell{}, "a r", snmp.V2c, "notWritable 2", "", [2]int64{}},
		{"outside the view", cell{}, cell{}, "a o", snmp.V2c, "noAccess 2", "", [2]int64{}},
	}
	where := map[string]string{"a": "1.3.6.1.4.1.1.1.0", "b": "1.3.6.1.4.1.2.1.0", "x": "1.3.6.1.4.1.3.1.0", "r": "1.3.6.1.2.1.1.1.0", "o": "1.3.6.2.1"}
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range tests {
			m := serve(t, agent.Config{})
			m.server.SetCommunities([]agent.Community{{Name: private, Principal: "writer", Write: true, Subtree: names("1.3.6.1")[0].Name}})
			var journal strings.Builder
			var values [2]int64
			for i, c := range []*cell{&tt.a, &tt.b} {
				c.name, c.journal, c.value = string(rune('a'+i)), &journal, &values[i]
				if _, err := m.server.Register(c, agent.Registration{Root: names(fmt.Sprintf("1.3.6.1.4.1.%d", i+1))[0].Name}); err != nil {
					t.Fatal(err)
				}
			}
			p := snmp.PDU{Type: snmp.SetRequest}
			for _, n := range strings.Fields(tt.vbs) {
				p.VarBinds = append(p.VarBinds, snmp.VarBind{Name: names(where[n])[0].Name, Value: snmp.Integer(7)})
			}
			a, ok := m.ask(tt.version, "private", p)
			if got := fmt.Sprintf("%v %d", a.ErrorStatus, a.ErrorIndex); !ok || got != tt.want || len(a.VarBinds) != len(p.VarBinds) {
				t.Errorf("%s: %s with %d variable bindings, want %s", tt.name, got, len(a.VarBinds), tt.want)
			}
			if journal.String() != tt.journal || values != tt.values {
				t.Errorf("%s: %v after %s; want %v after %s", tt.name, values, journal.String(), tt.values, tt.journal)
			}
			m.stop()
		}
	})
}

// A write is logged with who, from where, and what was there before; a SET that the system refuses with the reason.
func TestSetLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := serve(t, agent.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		m.server.SetCommunities([]agent.Community{{Name: private, Principal: "writer", Write: true}})
		c := cell{name: "a", value: new(int64), journal: new(strings.Builder), liar: liar{values: []snmp.Value{snmp.Integer(5)}}}
		if _, err := m.server.Register(&c, agent.Registration{Root: names("1.3.6.1.4.1.1")[0].Name}); err != nil {
			t.Fatal(err)
		}
		p := snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{{Name: names("1.3.6.1.4.1.1.1.0")[0].Name, Value: snmp.Integer(7)}}}
		if a, ok := m.ask(snmp.V2c, "private", p); !ok || a.ErrorStatus != snmp.NoError {
			t.Errorf("%+v", a)
		}
		c.commit = errors.New("operation not permitted")
		if a, ok := m.ask(snmp.V2c, "private", p); !ok || a.ErrorStatus != snmp.CommitFailed {
			t.Errorf("%+v", a)
		}
		m.stop()
		for _, want := range []string{
			`level=INFO msg=set name=1.3.6.1.4.1.1.1.0 value=7 was=5 principal=writer level=noAuthNoPriv from=198.51.100.9`,
			`level=WARN msg="request failed" operation=SetRequest principal=writer from=198.51.100.9 name=1.3.6.1.4.1.1.1.0 status=commitFailed err="operation not permitted"`,
		} {
			if !strings.Contains(log.String(), want+"\n") {
				t.Errorf("no line %q in\n%s", want, log.String())
			}
		}
	})
}

// keptCell is a cell whose value is kept and secret.
type keptCell struct{ *cell }

func (c keptCell) Kept() []snmp.VarBind         { return nil }
func (c keptCell) Restore([]snmp.VarBind) error { return nil }
func (c keptCell) Secret(name oid.OID) bool     { return name.Last() == 0 }

// What is kept is on the disk before the answer, else nothing was done; what is secret is in no log.
func TestSave(t *testing.T) {
	broken := errors.New("the disk is full")
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			save, undo error
			want       string
			journal    string
			value      int64
		}{
			{nil, nil, "noError 0", "a.prepare(1) b.prepare(1) a.commit b.commit save a.close b.close ", 77777},
			{broken, nil, "commitFailed 2", "a.prepare(1) b.prepare(1) a.commit b.commit save b.undo a.undo a.close b.close ", 0},
			{broken, broken, "undoFailed 0", "a.prepare(1) b.prepare(1) a.commit b.commit save b.undo a.undo a.close b.close ", 77777},
		} {
			var log bytes.Buffer
			var journal strings.Builder
			m := serve(t, agent.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Save: func(context.Context) error {
				journal.WriteString("save ")
				return tt.save
			}})
			m.server.SetCommunities([]agent.Community{{Name: private, Principal: "writer", Write: true}})
			a := &cell{name: "a", journal: &journal, value: new(int64)}
			b := &cell{name: "b", journal: &journal, value: new(int64), undo: tt.undo, liar: liar{values: []snmp.Value{snmp.Integer(55555)}}}
			for i, h := range []mib.Handler{a, keptCell{b}} {
				if _, err := m.server.Register(h, agent.Registration{Root: names(fmt.Sprintf("1.3.6.1.4.1.%d", i+1))[0].Name}); err != nil {
					t.Fatal(err)
				}
			}
			p := snmp.PDU{Type: snmp.SetRequest, VarBinds: []snmp.VarBind{
				{Name: names("1.3.6.1.4.1.1.1.0")[0].Name, Value: snmp.Integer(7)}, {Name: names("1.3.6.1.4.1.2.1.0")[0].Name, Value: snmp.Integer(77777)},
			}}
			answer, ok := m.ask(snmp.V2c, "private", p)
			if got := fmt.Sprintf("%v %d", answer.ErrorStatus, answer.ErrorIndex); !ok || got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if journal.String() != tt.journal || *b.value != tt.value {
				t.Errorf("%d after %s; want %d after %s", *b.value, journal.String(), tt.value, tt.journal)
			}
			m.stop()
			if s := log.String(); strings.Contains(s, "77777") || strings.Contains(s, "55555") || (tt.save == nil) != strings.Contains(s, "value=<secret> was=<secret>") {
				t.Errorf("the log says\n%s", s)
			}
			if tt.save != nil && !strings.Contains(log.String(), broken.Error()) {
				t.Errorf("the log does not say why:\n%s", log.String())
			}
		}
	})
}
