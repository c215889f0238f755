//go:build unix

package extend_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/command"
	"walkabout/mib"
	"walkabout/mib/extend"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestMain is also the programs that the tests run.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2], os.Args[3:])
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a program. It ends by syscall.Exit: os.Exit takes a second under the race detector.
func child(mode string, args []string) {
	switch mode {
	case "say":
		fmt.Println(strings.Join(args, "\n"))
	case "fail":
		fmt.Fprintln(os.Stderr, "something is wrong")
		syscall.Exit(2)
	case "count": // how often it was run, by the length of a file
		f, err := os.OpenFile(args[0], os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			syscall.Exit(1)
		}
		if _, err := fmt.Fprint(f, "x"); err != nil {
			syscall.Exit(1)
		}
		info, err := f.Stat()
		if err != nil {
			syscall.Exit(1)
		}
		fmt.Println(info.Size())
	case "wait": // until somebody writes into a named pipe
		if _, err := os.ReadFile(args[0]); err != nil {
			syscall.Exit(1)
		}
		fmt.Println("at last")
	case "pass":
		passChild(args)
	case "persist":
		persistChild(args)
	}
}

func program(mode string, args ...string) command.Program {
	return command.Program{Path: os.Args[0], Args: append([]string{"child", mode}, args...)}
}

// logged is what a log was told. It may be used by many.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newMIB(t *testing.T, entries ...extend.Entry) (*extend.MIB, *logged) {
	t.Helper()
	l := &logged{}
	m, err := extend.New(slog.New(slog.NewTextHandler(l, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.SetEntries(entries, command.NewRunner(4, nil))
	return m, l
}

func walk(t *testing.T, h mib.Handler) []snmp.VarBind {
	t.Helper()
	return mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: time.Now()}, extend.Roots()...)
}

func value(t *testing.T, h mib.Handler, name string) snmp.Value {
	t.Helper()
	view, err := h.View(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	values, err := view.Get(t.Context(), nil, []oid.OID{oid.MustParse(name)})
	if err != nil {
		t.Fatal(err)
	}
	return values[0]
}

func lines(all []snmp.VarBind) []string {
	out := mibtest.Lines(all)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], os.Args[0], "PROGRAM")
	}
	return out
}

func TestTables(t *testing.T) {
	hour := time.Hour
	m, _ := newMIB(t,
		extend.Entry{Name: "two", Program: program("say", "first line", "second line"), CacheTime: hour, Table: true},
		extend.Entry{Name: "b", Program: program("fail"), CacheTime: hour},
		extend.Entry{Name: "a", Program: program("say"), CacheTime: hour, Table: true},
	)
	all := walk(t, m)
	mibtest.Conform(t, all, nil)
	const ext, ns = "1.3.6.1.4.1.2021.8.1.", "1.3.6.1.4.1.8072.1.3.2."
	a, b, two := "1.97", "1.98", "3.116.119.111"
	want := []string{
		ext + "1.1 = INTEGER: 1", ext + "1.2 = INTEGER: 2", ext + "2.1 = OCTET STRING: two", ext + "2.2 = OCTET STRING: a",
		ext + "3.1 = OCTET STRING: PROGRAM child say first line second line", ext + "3.2 = OCTET STRING: PROGRAM child say",
		ext + "100.1 = INTEGER: 0", ext + "100.2 = INTEGER: 0", ext + "101.1 = OCTET STRING: first line", ext + "101.2 = OCTET STRING: ",
		ext + "102.1 = INTEGER: 0", ext + "102.2 = INTEGER: 0", ext + "103.1 = OCTET STRING: ", ext + "103.2 = OCTET STRING: ",
		ns + "1.0 = INTEGER: 3",
		ns + "2.1.2." + a + " = OCTET STRING: PROGRAM", ns + "2.1.2." + b + " = OCTET STRING: PROGRAM", ns + "2.1.2." + two + " = OCTET STRING: PROGRAM",
		ns + "2.1.3." + a + " = OCTET STRING: child say", ns + "2.1.3." + b + " = OCTET STRING: child fail",
		ns + "2.1.3." + two + " = OCTET STRING: child say first line second line",
		ns + "2.1.4." + a + " = OCTET STRING: ", ns + "2.1.4." + b + " = OCTET STRING: ", ns + "2.1.4." + two + " = OCTET STRING: ",
		ns + "2.1.5." + a + " = INTEGER: 3600", ns + "2.1.5." + b + " = INTEGER: 3600", ns + "2.1.5." + two + " = INTEGER: 3600",
		ns + "2.1.6." + a + " = INTEGER: 1", ns + "2.1.6." + b + " = INTEGER: 1", ns + "2.1.6." + two + " = INTEGER: 1",
		ns + "2.1.7." + a + " = INTEGER: 1", ns + "2.1.7." + b + " = INTEGER: 1", ns + "2.1.7." + two + " = INTEGER: 1",
		ns + "2.1.20." + a + " = INTEGER: 4", ns + "2.1.20." + b + " = INTEGER: 4", ns + "2.1.20." + two + " = INTEGER: 4",
		ns + "2.1.21." + a + " = INTEGER: 1", ns + "2.1.21." + b + " = INTEGER: 1", ns + "2.1.21." + two + " = INTEGER: 1",
		ns + "3.1.1." + a + " = OCTET STRING: ", ns + "3.1.1." + b + " = OCTET STRING: something is wrong", ns + "3.1.1." + two + " = OCTET STRING: first line",
		ns + "3.1.2." + a + " = OCTET STRING: ", ns + "3.1.2." + b + " = OCTET STRING: something is wrong",
		ns + "3.1.2." + two + " = OCTET STRING: first line\nsecond line",
		ns + "3.1.3." + a + " = INTEGER: 0", ns + "3.1.3." + b + " = INTEGER: 1", ns + "3.1.3." + two + " = INTEGER: 2",
		ns + "3.1.4." + a + " = INTEGER: 0", ns + "3.1.4." + b + " = INTEGER: 2", ns + "3.1.4." + two + " = INTEGER: 0",
		ns + "4.1.2." + b + ".1 = OCTET STRING: something is wrong",
		ns + "4.1.2." + two + ".1 = OCTET STRING: first line", ns + "4.1.2." + two + ".2 = OCTET STRING: second line",
	}
	if diff := cmp.Diff(want, lines(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	mibtest.Test(t, m, extend.Roots()...)
}

// TestBelow: below an OID of their own programs are served as below NET-SNMP-EXTEND-MIB's.
func TestBelow(t *testing.T) {
	entries := []extend.Entry{
		{Name: "two", Program: program("say", "first line", "second line"), CacheTime: time.Hour},
		{Name: strings.Repeat("n", extend.MaxName), Program: program("fail"), CacheTime: time.Hour},
	}
	usual, _ := newMIB(t, entries...)
	root := oid.MustParse("1.3.6.1.4.1.2021.7890" + strings.Repeat(".1", extend.MaxRoot-8))
	m, err := extend.NewBelow(root, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.SetEntries(entries, command.NewRunner(4, nil))
	var want []string
	for _, line := range lines(walk(t, usual)) {
		if rest, ok := strings.CutPrefix(line, extend.Roots()[1].String()); ok {
			want = append(want, root.String()+rest)
		}
	}
	got := lines(mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, root))
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 20 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const resultOf = "1.3.6.1.4.1.8072.1.3.2.3.1.1."

// TestCache: a result is used again while it is good, by who asks then and through a change of other programs; and each program that is not asked
// for is not run.
func TestCache(t *testing.T) {
	file, other := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	kept := extend.Entry{Name: "a", Program: program("count", file), CacheTime: time.Hour}
	m, _ := newMIB(t, kept, extend.Entry{Name: "b", Program: program("count", other), CacheTime: 0})
	for range 3 {
		if got := value(t, m, resultOf+"1.97"); got != snmp.OctetString("1") {
			t.Errorf("run again: %v", got)
		}
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a program was run that nobody asked for")
	}
	for _, want := range []string{"1", "2"} {
		if got := value(t, m, resultOf+"1.98"); got != snmp.OctetString(want) {
			t.Errorf("without a time: %v, want %s", got, want)
		}
	}
	m.SetEntries([]extend.Entry{kept}, command.NewRunner(1, nil))
	if got := value(t, m, resultOf+"1.97"); got != snmp.OctetString("1") {
		t.Errorf("after a reload: %v", got)
	}
	if got := value(t, m, resultOf+"1.98"); got != snmp.NoSuchInstance {
		t.Errorf("of a program that was taken away: %v", got)
	}
}

// TestNotAllowed: a program that may not be run has no result, which is logged once.
func TestNotAllowed(t *testing.T) {
	m, log := newMIB(t)
	m.SetEntries([]extend.Entry{{Name: "a", Program: program("say", "x")}}, command.NewRunner(1, []string{"/nowhere/*"}))
	for range 3 {
		if got := value(t, m, resultOf+"1.97"); got != snmp.NoSuchInstance {
			t.Errorf("%v", got)
		}
	}
	if n := strings.Count(log.String(), "cannot run a program"); n != 1 {
		t.Errorf("logged %d times: %s", n, log)
	}
}

// TestSlow: who asks for a program that takes long waits for a while, and goes on without; the result is there for those who ask when it has ended.
func TestSlow(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	m, _ := newMIB(t, extend.Entry{Name: "a", Program: program("wait", pipe), CacheTime: time.Hour}, extend.Entry{Name: "b", Program: program("say", "quick"), CacheTime: time.Hour})
	m.SetWait(50 * time.Millisecond)
	if got := value(t, m, resultOf+"1.97"); got != snmp.NoSuchInstance {
		t.Errorf("while it runs: %v", got)
	}
	m.SetWait(time.Minute)
	if got := value(t, m, resultOf+"1.98"); got != snmp.OctetString("quick") {
		t.Errorf("another one meanwhile: %v", got)
	}
	if err := os.WriteFile(pipe, []byte("go"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := value(t, m, resultOf+"1.97"); got != snmp.OctetString("at last") {
		t.Errorf("after it ended: %v", got)
	}
}

// TestClose: what runs is killed.
func TestClose(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	m, _ := newMIB(t, extend.Entry{Name: "a", Program: program("wait", pipe)})
	m.SetWait(50 * time.Millisecond)
	value(t, m, resultOf+"1.97")
	m.Close()
}

var root = oid.MustParse("1.3.6.1.4.1.99999.1")

// table is what the pass programs of the tests serve at first.
func table() []snmp.VarBind {
	return []snmp.VarBind{
		{Name: root.Append(1, 0), Value: snmp.Integer(-5)},
		{Name: root.Append(2, 0), Value: snmp.OctetString("some text")},
		{Name: root.Append(3, 0), Value: snmp.Counter64(1 << 40)},
		{Name: root.Append(4, 1), Value: snmp.Gauge32(7)},
		{Name: root.Append(4, 2), Value: snmp.ObjectID(oid.New(1, 3, 6))},
		{Name: root.Append(5, 0), Value: snmp.TimeTicks(99)},
	}
}

// answer is the protocol's for one question to list; "" if there is none.
func answer(list []snmp.VarBind, next bool, name oid.OID) string {
	for _, vb := range list {
		if vb.Name == name && !next || next && name.Less(vb.Name) {
			kind := map[snmp.Kind]string{
				snmp.KindInteger: "integer", snmp.KindOctetString: "string", snmp.KindCounter64: "counter64", snmp.KindGauge32: "gauge",
				snmp.KindOID: "objectid", snmp.KindTimeTicks: "timeticks",
			}[vb.Value.Kind()]
			return fmt.Sprintf(".%v\n%s\n%s\n", vb.Name, kind, vb.Value)
		}
	}
	return ""
}

func passChild(args []string) {
	mode, args := args[0], args[1:]
	name := oid.MustParse(args[1])
	switch {
	case mode == "circle" && args[0] == "-n":
		fmt.Printf(".%v\ninteger\n1\n", root.Append(1, 0))
	case mode == "no OID":
		fmt.Printf(".%v\nobjectid\n.7\n", root.Append(1, 0))
	case mode == "rubbish":
		fmt.Println("one line")
	case args[0] == "-s" && args[2] == "string":
		fmt.Println("wrong-type")
	case args[0] == "-s":
	default:
		fmt.Print(answer(table(), args[0] == "-n", name))
	}
}

// persistChild answers as many questions as the argument says, without one all of them.
func persistChild(args []string) {
	list := table()
	left := math.MaxInt
	if len(args) > 0 {
		left, _ = strconv.Atoi(args[0])
	}
	in := bufio.NewScanner(os.Stdin)
	read := func() string {
		if !in.Scan() {
			syscall.Exit(0)
		}
		return in.Text()
	}
	for {
		switch word := read(); word {
		case "PING":
			fmt.Println("PONG")
		case "get", "getnext":
			if left == 0 {
				syscall.Exit(0)
			}
			left--
			a := answer(list, word == "getnext", oid.MustParse(read()))
			if a == "" {
				a = "NONE\n"
			}
			fmt.Print(a)
		case "set":
			name := oid.MustParse(read())
			kind, text, _ := strings.Cut(read(), " ")
			i := slices.IndexFunc(list, func(vb snmp.VarBind) bool { return vb.Name == name })
			switch {
			case i < 0:
				fmt.Println("not-writable")
			case kind == "integer" && text == "13":
				fmt.Println("inconsistent-value")
			case kind == "integer" && text == "99":
				syscall.Exit(1)
			case kind == "integer":
				var n int32
				if _, err := fmt.Sscan(text, &n); err != nil {
					syscall.Exit(1)
				}
				list[i].Value = snmp.Integer(n)
				fmt.Println("DONE")
			case kind == "string":
				list[i].Value = snmp.OctetString(strings.Trim(text, `"`))
				fmt.Println("DONE")
			default:
				fmt.Println("wrong-type")
			}
		}
	}
}

func newPass(t *testing.T, persist bool, p command.Program) (*extend.Pass, *logged) {
	t.Helper()
	l := &logged{}
	h := extend.NewPass(extend.PassEntry{Root: root, Program: p, Persist: persist}, command.NewRunner(4, nil), slog.New(slog.NewTextHandler(l, nil)))
	t.Cleanup(h.Close)
	return h, l
}

func TestPass(t *testing.T) {
	for name, h := range map[string]func() (*extend.Pass, *logged){
		"pass":         func() (*extend.Pass, *logged) { return newPass(t, false, program("pass", "plain")) },
		"pass_persist": func() (*extend.Pass, *logged) { return newPass(t, true, program("persist")) },
		"short-lived":  func() (*extend.Pass, *logged) { return newPass(t, true, program("persist", "2")) },
	} {
		t.Run(name, func(t *testing.T) {
			p, log := h()
			all := mibtest.Walk(t, p, &mib.Request{Version: snmp.V2c, At: time.Now()}, root)
			if diff := cmp.Diff(table(), all, cmp.Comparer(func(a, b oid.OID) bool { return a == b }), cmp.Comparer(func(a, b snmp.Value) bool { return a == b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if name == "pass_persist" { // 500 runs of a program take too long
				mibtest.Test(t, p, root)
			}
			if log.String() != "" {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// change carries out a SET of one object.
func change(t *testing.T, p *extend.Pass, undo bool, vbs ...snmp.VarBind) error {
	t.Helper()
	c, err := p.Prepare(t.Context(), &mib.Request{}, vbs)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Commit(t.Context()); err != nil {
		return err
	}
	if undo {
		return c.Undo(t.Context())
	}
	return nil
}

func TestPassSet(t *testing.T) {
	p, _ := newPass(t, true, program("persist"))
	first, second := root.Append(1, 0), root.Append(2, 0)
	check := func(name oid.OID, want snmp.Value) {
		t.Helper()
		if got := value(t, p, name.String()); got != want {
			t.Errorf("%v is %v, want %v", name, got, want)
		}
	}
	if err := change(t, p, false, snmp.VarBind{Name: first, Value: snmp.Integer(42)}, snmp.VarBind{Name: second, Value: snmp.OctetString("new text")}); err != nil {
		t.Error(err)
	}
	check(first, snmp.Integer(42))
	check(second, snmp.OctetString("new text"))
	if err := change(t, p, true, snmp.VarBind{Name: first, Value: snmp.Integer(1)}); err != nil {
		t.Error(err)
	}
	check(first, snmp.Integer(42))
	for _, test := range []struct {
		vbs    []snmp.VarBind
		index  int
		status snmp.ErrorStatus
	}{
		{[]snmp.VarBind{{Name: root.Append(9, 0), Value: snmp.Integer(1)}}, 0, snmp.NotWritable},
		{[]snmp.VarBind{{Name: first, Value: snmp.Gauge32(1)}}, 0, snmp.WrongType},
		{[]snmp.VarBind{{Name: second, Value: snmp.OctetString("undone")}, {Name: first, Value: snmp.Integer(13)}}, 1, snmp.InconsistentValue},
		{[]snmp.VarBind{{Name: first, Value: snmp.Null}}, 0, snmp.WrongType},
	} {
		var e *mib.VarError
		if err := change(t, p, false, test.vbs...); !errors.As(err, &e) || e.Index != test.index || e.Status != test.status {
			t.Errorf("%v: %v", test.vbs, err)
		}
	}
	check(second, snmp.OctetString("new text"))

	// A program that dies is an error for who asks then, and for those of the next seconds.
	for range 2 {
		if err := change(t, p, false, snmp.VarBind{Name: first, Value: snmp.Integer(99)}); err == nil {
			t.Error("a program that has ended took a value")
		}
	}
}

func TestPassSetByRun(t *testing.T) {
	p, _ := newPass(t, false, program("pass", "plain"))
	if err := change(t, p, false, snmp.VarBind{Name: root.Append(1, 0), Value: snmp.Integer(1)}); err != nil {
		t.Error(err)
	}
	var e *mib.VarError
	if err := change(t, p, false, snmp.VarBind{Name: root.Append(1, 0), Value: snmp.OctetString("x")}); !errors.As(err, &e) || e.Status != snmp.WrongType {
		t.Errorf("%v", err)
	}
}

// TestBadPass: programs that go in circles, answer nonsense, or are not there cannot do harm: the walk ends with an error, which is logged once, and who walks
// what stands before is not disturbed.
func TestBadPass(t *testing.T) {
	for name, test := range map[string]struct {
		persist bool
		program command.Program
	}{
		"circle": {false, program("pass", "circle")}, "rubbish": {false, program("pass", "rubbish")},
		"a value that no message can hold": {false, program("pass", "no OID")},
		"mute":                             {true, program("persist", "0")}, "absent": {false, command.Program{Path: "/nowhere/at-all"}}, "no PONG": {true, program("say", "hello")}, "absent and persistent": {true, command.Program{Path: "/nowhere/at-all"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, log := newPass(t, test.persist, test.program)
			for range 2 {
				view, err := p.View(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				vbs, err := view.Next(t.Context(), nil, []mib.Range{{Start: root, End: root.SubtreeEnd()}}, 100)
				var e *mib.VarError
				if !errors.As(err, &e) || e.Status != snmp.GenErr {
					t.Errorf("%d variables, %v", len(vbs), err)
				}
				if name == "circle" {
					continue
				}
				vbs, err = view.Next(t.Context(), nil, []mib.Range{{Start: root, Include: true, End: root.SubtreeEnd()}}, 100)
				if err != nil || len(vbs) != 1 || vbs[0].Value != snmp.EndOfMibView {
					t.Errorf("who comes from before: %v, %v", vbs, err)
				}
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 && name != "circle" {
				t.Errorf("logged %d times: %s", n, log)
			}
		})
	}
}
