package mib2_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/snmp"
)

// kernel is the machine.Writer of a device. It writes down what is done and refuses what it is told to.
type kernel struct {
	*device
	journal strings.Builder
	refuse  []string // how entries of the journal begin that are refused
}

// do carries out one change, which set makes and returns what takes it back.
func (k *kernel) do(word string, set func() (undo func())) (machine.Undo, error) {
	if k.refuses(word) {
		return nil, fmt.Errorf("%s: %w", word, fs.ErrPermission)
	}
	k.journal.WriteString(word + "; ")
	undo := set()
	return func(context.Context) error {
		if k.refuses("not " + word) {
			return errors.New("it cannot be taken back")
		}
		k.journal.WriteString("not " + word + "; ")
		undo()
		return nil
	}, nil
}

func (k *kernel) refuses(word string) bool {
	return slices.ContainsFunc(k.refuse, func(begin string) bool { return strings.HasPrefix(word, begin) })
}

// setLink changes one link.
func (k *kernel) setLink(index uint32, change func(l *machine.Link)) (undo func()) {
	before := k.links
	var list []machine.Link
	for _, l := range before.List {
		next := *l
		if l.Index == index {
			change(&next)
		}
		list = append(list, next)
	}
	k.setLinks(list...)
	return func() { k.links = before }
}

func (k *kernel) SetLinkUp(_ context.Context, index uint32, up bool) (machine.Undo, error) {
	return k.do(fmt.Sprintf("link %d up %t", index, up), func() func() {
		return k.setLink(index, func(l *machine.Link) {
			l.Flags &^= machine.FlagUp
			if up {
				l.Flags |= machine.FlagUp
			}
		})
	})
}

func (k *kernel) SetLinkAlias(_ context.Context, index uint32, alias string) (machine.Undo, error) {
	return k.do(fmt.Sprintf("link %d alias %q", index, alias), func() func() {
		return k.setLink(index, func(l *machine.Link) { l.Alias = alias })
	})
}

func (k *kernel) SetIPv4Forwarding(_ context.Context, on bool) (machine.Undo, error) {
	return k.do(fmt.Sprintf("forwarding %t", on), func() func() {
		before := k.settings.Forwarding
		k.settings.Forwarding = 0
		if on {
			k.settings.Forwarding = 1
		}
		return func() { k.settings.Forwarding = before }
	})
}

func (k *kernel) SetIPv4DefaultTTL(_ context.Context, hops uint8) (machine.Undo, error) {
	return k.do(fmt.Sprintf("ttl %d", hops), func() func() {
		before := k.settings.DefaultTTL
		k.settings.DefaultTTL = int64(hops)
		return func() { k.settings.DefaultTTL = before }
	})
}

// writableRouter is router with a kernel that takes changes.
func writableRouter(t *testing.T) (*mib2.MIB, *kernel) {
	d := router()
	k := &kernel{device: d}
	d.writer = k
	return d.mib(t), k
}

// text and number make a variable binding of an object below mib-2.
func text(below, value string) snmp.VarBind {
	return snmp.VarBind{Name: name(below), Value: snmp.OctetString(value)}
}

func number(below string, value int32) snmp.VarBind {
	return snmp.VarBind{Name: name(below), Value: snmp.Integer(value)}
}

// set carries out a SET as the agent does, and returns its outcome: "noError", or a status and an index that counts from 0.
func set(t *testing.T, m *mib2.MIB, vbs ...snmp.VarBind) string {
	t.Helper()
	c, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: now}, vbs)
	if err == nil {
		defer c.Close()
		err = c.Commit(t.Context())
	}
	if err == nil {
		return "noError"
	}
	var v *mib.VarError
	if !errors.As(err, &v) || v.Err == nil {
		t.Fatalf("an error that blames nobody: %v", err)
	}
	return fmt.Sprintf("%v %d", v.Status, v.Index)
}

// the objects that can be SET, each with a good value.
func allWritable() []snmp.VarBind {
	return []snmp.VarBind{
		text("1.4.0", "noc@example.org"), text("1.5.0", "edge2"), text("1.6.0", "Rack 4"), number("2.2.1.7.2", 2),
		number("4.1.0", 2), number("4.2.0", 33), number("11.30.0", 1), number("31.1.1.1.14.2", 2), text("31.1.1.1.18.2", "to the core"),
	}
}

func TestSet(t *testing.T) {
	m, k := writableRouter(t)
	for _, vb := range allWritable() {
		if got := set(t, m, vb); got != "noError" {
			t.Errorf("%v: %s", vb.Name, got)
		}
		if got := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, strings.TrimPrefix(vb.Name.String(), "1.3.6.1.2.1."))[0]; got != vb.Value {
			t.Errorf("%v says %v afterwards", vb.Name, got)
		}
	}
	want := `link 2 up false; forwarding false; ttl 33; link 2 alias "to the core"; `
	if k.journal.String() != want {
		t.Errorf("the kernel was told %s", k.journal.String())
	}
	if !m.AuthenTraps() || m.LinkTraps(k.links, k.links.List[1]) || !m.LinkTraps(k.links, k.links.List[0]) {
		t.Error("what sends notifications is not told")
	}
}

func TestSetRefused(t *testing.T) {
	long := strings.Repeat("x", 256)
	tests := []struct {
		name string
		vbs  []snmp.VarBind
		want string
	}{
		{"a read-only object", []snmp.VarBind{text("1.1.0", "x")}, "notWritable 0"},
		{"a read-only object without such an instance", []snmp.VarBind{number("2.2.1.4.77", 1500)}, "notWritable 0"},
		{"an object that is not served", []snmp.VarBind{number("31.1.9.0", 1)}, "notWritable 0"},
		{"ifPromiscuousMode", []snmp.VarBind{number("31.1.1.1.16.2", 1)}, "notWritable 0"},
		{"a group", []snmp.VarBind{number("1", 1)}, "notWritable 0"},
		{"a wrong type comes before a wrong instance", []snmp.VarBind{number("1.4.7", 1)}, "wrongType 0"},
		{"a wrong length comes before a wrong instance", []snmp.VarBind{text("1.4.7", long)}, "wrongLength 0"},
		{"a scalar's other instance", []snmp.VarBind{text("1.4.1", "x")}, "noCreation 0"},
		{"a scalar without an instance", []snmp.VarBind{text("1.4", "x")}, "noCreation 0"},
		{"a scalar with a longer instance", []snmp.VarBind{text("1.4.0.0", "x")}, "noCreation 0"},
		{"no such link", []snmp.VarBind{text("31.1.1.1.18.3", "x")}, "noCreation 0"},
		{"a link with a longer index", []snmp.VarBind{text("31.1.1.1.18.2.2", "x")}, "noCreation 0"},
		{"a column", []snmp.VarBind{text("31.1.1.1.18", "x")}, "noCreation 0"},
		{"an index beyond ifIndex", []snmp.VarBind{number("2.2.1.7.4294967295", 1)}, "noCreation 0"},
		{"256 octets", []snmp.VarBind{text("1.5.0", long)}, "wrongLength 0"},
		{"65 octets of ifAlias", []snmp.VarBind{text("31.1.1.1.18.2", long[:65])}, "wrongLength 0"},
		{"text that is no ASCII", []snmp.VarBind{text("1.6.0", "Genève")}, "wrongValue 0"},
		{"an escape", []snmp.VarBind{text("1.6.0", "\x1b[2J")}, "wrongValue 0"},
		{"a CR alone", []snmp.VarBind{text("1.6.0", "a\rb")}, "wrongValue 0"},
		{"a NUL that the kernel would end at", []snmp.VarBind{text("31.1.1.1.18.2", "a\x00b")}, "wrongValue 0"},
		{"testing", []snmp.VarBind{number("2.2.1.7.2", 3)}, "wrongValue 0"},
		{"up(1) is the least", []snmp.VarBind{number("2.2.1.7.2", 0)}, "wrongValue 0"},
		{"a TTL of 0", []snmp.VarBind{number("4.2.0", 0)}, "wrongValue 0"},
		{"a TTL of 256", []snmp.VarBind{number("4.2.0", 256)}, "wrongValue 0"},
		{"a negative number", []snmp.VarBind{number("4.1.0", -1)}, "wrongValue 0"},
		{"two values for one object", []snmp.VarBind{text("1.4.0", "a"), text("1.5.0", "b"), text("1.4.0", "c")}, "inconsistentValue 2"},
		{"the second of three", []snmp.VarBind{text("1.4.0", "a"), text("1.6.0", long), number("2.2.1.7.2", 2)}, "wrongLength 1"},
	}
	for _, vb := range allWritable() {
		for _, v := range []snmp.Value{snmp.Null, snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView, snmp.Gauge32(1), snmp.Opaque("x")} {
			tests = append(tests, struct {
				name string
				vbs  []snmp.VarBind
				want string
			}{fmt.Sprintf("%v of %v", v.Kind(), vb.Name), []snmp.VarBind{{Name: vb.Name, Value: v}}, "wrongType 0"})
		}
	}
	m, k := writableRouter(t)
	for _, tt := range tests {
		if got := set(t, m, tt.vbs...); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if k.journal.Len() > 0 || m.Kept() != nil {
		t.Errorf("something was changed: %s, %v", k.journal.String(), m.Kept())
	}
}

func TestSetText(t *testing.T) {
	m, _ := writableRouter(t)
	for _, s := range []string{"", strings.Repeat("x", 255), "a\tb\r\nc\nd", "nul \x00", "~ \a\b\v\f"} {
		for _, object := range []string{"1.4.0", "1.5.0", "1.6.0"} {
			if got := set(t, m, text(object, s)); got != "noError" || get(t, m, object).Octets() != s {
				t.Errorf("%s = %q: %s, %q", object, s, got, get(t, m, object).Octets())
			}
		}
	}
	// The same twice is no contradiction, and is done once.
	if got := set(t, m, number("2.2.1.7.2", 2), number("2.2.1.7.2", 2)); got != "noError" {
		t.Error(got)
	}
}

// What the kernel may refuse comes first, and what is hard to take back comes last; whatever happens, it is all or nothing.
func TestSetIsAllOrNothing(t *testing.T) {
	vbs := []snmp.VarBind{
		number("2.2.1.7.1", 2), text("1.4.0", "me"), number("2.2.1.7.5", 1), number("4.1.0", 2), number("4.2.0", 9),
		text("31.1.1.1.18.2", "a"), number("31.1.1.1.14.2", 2),
	}
	const all = `link 2 alias "a"; ttl 9; forwarding false; link 5 up true; link 1 up false; `
	tests := []struct {
		refuse        []string
		want, journal string
	}{
		{nil, "noError", all},
		{[]string{"link 2"}, "commitFailed 5", ""},
		{[]string{"forwarding"}, "commitFailed 3", `link 2 alias "a"; ttl 9; not ttl 9; not link 2 alias "a"; `},
		{[]string{"link 1"}, "commitFailed 0", `link 2 alias "a"; ttl 9; forwarding false; link 5 up true; ` +
			`not link 5 up true; not forwarding false; not ttl 9; not link 2 alias "a"; `},
	}
	state := func(m *mib2.MIB) []snmp.Value {
		return ask(t, m, &mib.Request{Version: snmp.V2c, At: now, Fresh: true}, "2.2.1.7.1", "1.4.0", "2.2.1.7.5", "4.1.0", "4.2.0", "31.1.1.1.18.2", "31.1.1.1.14.2")
	}
	for _, tt := range tests {
		m, k := writableRouter(t)
		k.refuse = tt.refuse
		before := state(m)
		if got := set(t, m, vbs...); got != tt.want || k.journal.String() != tt.journal {
			t.Errorf("%q: %s after %s; want %s after %s", tt.refuse, got, k.journal.String(), tt.want, tt.journal)
		}
		want := before
		if tt.want == "noError" {
			want = nil
			for _, vb := range vbs {
				want = append(want, vb.Value)
			}
		}
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(state(m))); diff != "" {
			t.Errorf("%q: %s", tt.refuse, diff)
		}
	}
}

func TestSetUndoFailed(t *testing.T) {
	m, k := writableRouter(t)
	k.refuse = []string{"forwarding", "not ttl"}
	if got := set(t, m, text("1.4.0", "me"), number("4.1.0", 2), number("4.2.0", 9), text("31.1.1.1.18.2", "a")); got != "undoFailed 1" {
		t.Error(got)
	}
	if want := `link 2 alias "a"; ttl 9; not link 2 alias "a"; `; k.journal.String() != want || m.Kept() != nil {
		t.Errorf("%s, %v; want all else taken back", k.journal.String(), m.Kept())
	}
}

func TestUndo(t *testing.T) {
	m, k := writableRouter(t)
	long := strings.Repeat("é", 100)
	k.setLink(2, func(l *machine.Link) { l.Alias = long })
	vbs := allWritable()
	c, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: now}, vbs)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var names []string
	for _, vb := range vbs {
		names = append(names, strings.TrimPrefix(vb.Name.String(), "1.3.6.1.2.1."))
	}
	q := func() *mib.Request { return &mib.Request{Version: snmp.V2c, At: now, Fresh: true} }
	before := ask(t, m, q(), names...)
	if err := c.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Undo(ended); err != nil {
		t.Error(err)
	}
	if after := ask(t, m, q(), names...); fmt.Sprint(after) != fmt.Sprint(before) || m.Kept() != nil || k.links.List[1].Alias != long {
		t.Errorf("%v, before %v", after, before)
	}
}

func TestSetWithoutWriter(t *testing.T) {
	m := router().mib(t)
	for _, vb := range allWritable() {
		want := "notWritable 0"
		for _, kept := range []string{"1.4.0", "1.5.0", "1.6.0", "11.30.0", "31.1.1.1.14.2"} {
			if vb.Name == name(kept) {
				want = "noError"
			}
		}
		if got := set(t, m, vb); got != want {
			t.Errorf("%v: %s, want %s", vb.Name, got, want)
		}
	}
	none := &device{}
	none.writer = &kernel{device: none}
	m = none.mib(t)
	if got := set(t, m, number("4.2.0", 64)); got != "noCreation 0" {
		t.Errorf("without IPv4: %s", got)
	}
	if got := set(t, m, number("2.2.1.7.1", 1)); got != "resourceUnavailable 0" {
		t.Errorf("links that cannot be read: %s", got)
	}
}

// What snmpd.conf says cannot be SET, and hides what was; without its line that shows again.
func TestConfigured(t *testing.T) {
	m, _ := writableRouter(t)
	objects := []snmp.VarBind{text("1.4.0", "set"), text("1.5.0", "set"), text("1.6.0", "set"), number("11.30.0", 1)}
	if got := set(t, m, objects...); got != "noError" {
		t.Fatal(got)
	}
	s := mib2.DefaultSystem()
	s.Contact, s.Name, s.Location, s.AuthenTraps = "configured", "configured", "configured", 2
	if err := m.SetSystem(s); err != nil {
		t.Fatal(err)
	}
	for _, vb := range objects {
		if got := set(t, m, vb); got != "notWritable 0" {
			t.Errorf("%v: %s", vb.Name, got)
		}
		if got := set(t, m, snmp.VarBind{Name: vb.Name, Value: snmp.Null}); got != "notWritable 0" {
			t.Errorf("%v, wrong type: %s", vb.Name, got)
		}
	}
	values := func() string {
		return fmt.Sprint(ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, "1.4.0", "1.5.0", "1.6.0", "11.30.0"))
	}
	if got := values(); got != "[configured configured configured 2]" {
		t.Error(got)
	}
	if err := m.SetSystem(mib2.DefaultSystem()); err != nil {
		t.Fatal(err)
	}
	if got := values(); got != "[set set set 1]" {
		t.Error(got)
	}
	s.AuthenTraps = 3
	if err := m.SetSystem(s); !errors.Is(err, mib2.ErrSystem) {
		t.Error(err)
	}
}

func TestKept(t *testing.T) {
	m, _ := writableRouter(t)
	if got := set(t, m, allWritable()...); got != "noError" {
		t.Fatal(got)
	}
	kept := m.Kept()
	want := []snmp.VarBind{
		text("1.4.0", "noc@example.org"), text("1.5.0", "edge2"), text("1.6.0", "Rack 4"), number("11.30.0", 1),
		text("31.1.1.1.1.1", "eth0"), number("31.1.1.1.14.1", 2),
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(kept)); diff != "" {
		t.Fatal(diff)
	}
	// After a restart eth0 has another ifIndex.
	d := router()
	d.setLinks(machine.Link{Index: 9, Name: "eth0"}, machine.Link{Index: 10, Name: "eth1"})
	d.counters = []machine.LinkCounters{machine.NewLinkCounters(9, true, nil), machine.NewLinkCounters(10, true, nil)}
	again := d.mib(t)
	if err := again.Restore(kept); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(ask(t, again, &mib.Request{Version: snmp.V2c, At: now}, "1.4.0", "1.5.0", "1.6.0", "11.30.0", "31.1.1.1.14.9", "31.1.1.1.14.10"))
	if got != "[noc@example.org edge2 Rack 4 1 2 1]" {
		t.Error(got)
	}
	if diff := cmp.Diff(fmt.Sprint(kept), fmt.Sprint(again.Kept())); diff != "" {
		t.Error(diff)
	}
}

func TestRestoreRefuses(t *testing.T) {
	m, _ := writableRouter(t)
	for _, vbs := range [][]snmp.VarBind{
		{text("1.4.0", "good"), text("1.1.0", "not kept")},
		{text("1.4.0", "good"), number("4.2.0", 64)},
		{text("1.4.0", "good"), number("1.5.0", 1)},
		{text("1.4.0", "good"), text("1.6.0", "Genève")},
		{text("1.4.0", "good"), text("1.6.1", "another instance")},
		{text("1.4.0", "good"), number("31.1.1.1.14.1", 1)},
		{text("1.4.0", "good"), text("31.1.1.1.1.1", "eth0")},
		{text("1.4.0", "good"), text("31.1.1.1.1.1", "eth0"), number("31.1.1.1.14.2", 1)},
		{text("1.4.0", "good"), number("31.1.1.1.1.1", 1)},
	} {
		if err := m.Restore(vbs); !errors.Is(err, mib2.ErrNotKept) {
			t.Errorf("%v: %v", vbs, err)
		}
		if m.Kept() != nil {
			t.Errorf("%v: something of it is taken", vbs)
		}
	}
	if err := m.Restore(nil); err != nil || m.Kept() != nil {
		t.Errorf("nothing: %v, %v", err, m.Kept())
	}
}
