package persist_test

import (
	"errors"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/persist"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// objects has a value of each type that is kept.
func objects() []snmp.VarBind {
	var out []snmp.VarBind
	for i, v := range []snmp.Value{
		snmp.Integer(math.MinInt32), snmp.Integer(0), snmp.Gauge32(math.MaxUint32), snmp.TimeTicks(1), snmp.IPAddress(netip.MustParseAddr("192.0.2.1")),
		snmp.ObjectID(oid.New(0, 0)), snmp.ObjectID(oid.New(1, 3, math.MaxUint32)), snmp.OctetString(""), snmp.OctetString(` two  words \n # `),
		snmp.OctetString(`a "quote"`), snmp.OctetString("\x00\xff"), snmp.OctetString("line\nline"), snmp.OctetString("Genève"),
	} {
		out = append(out, snmp.VarBind{Name: oid.New(1, 3, 6, 1, uint32(i), 0), Value: v})
	}
	return out
}

func same(a, b persist.State) bool {
	return a.EngineID == b.EngineID && a.Boots == b.Boots && slices.Equal(a.Objects, b.Objects)
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	if s, err := persist.Load(dir); err != nil || !same(s, persist.State{}) {
		t.Errorf("nothing there: %+v, %v", s, err)
	}
	for _, want := range []persist.State{
		{EngineID: "\x80\x00\x1f\x88\x04test", Boots: 1},
		{EngineID: "12345678901234567890123456789012", Boots: math.MaxInt32, Objects: objects()},
	} {
		if err := persist.Save(dir, want); err != nil {
			t.Fatal(err)
		}
		if got, err := persist.Load(dir); err != nil || !same(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("left in the folder: %v, %v", list, err)
	}
	info, err := os.Stat(filepath.Join(dir, persist.FileName))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for want, objects := range map[error][]snmp.VarBind{
		persist.ErrTooLarge: {{Name: oid.New(1, 3), Value: snmp.OctetString(strings.Repeat("x", persist.MaxSize))}},
		persist.ErrNotKept:  {{Name: oid.New(1, 3), Value: snmp.Counter64(1)}},
	} {
		if err := persist.Save(dir, persist.State{EngineID: "12345", Boots: 2, Objects: objects}); !errors.Is(err, want) {
			t.Errorf("%v instead of %v", err, want)
		}
	}
	if s, err := persist.Load(dir); err != nil || s.Boots != math.MaxInt32 {
		t.Errorf("a Save that failed has changed something: %+v, %v", s, err)
	}
	if err := persist.Save(filepath.Join(dir, "none"), persist.State{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestLoad(t *testing.T) {
	const id, boots = "engineID 0x80001f880474657374\n", "engineBoots 7\n"
	for text, want := range map[string]error{
		"# a comment\n\n" + boots + id:           nil,
		"":                                       persist.ErrCorrupt,
		id:                                       persist.ErrCorrupt,
		boots:                                    persist.ErrCorrupt,
		id + boots + boots:                       persist.ErrCorrupt,
		id + "engineBoots 0\n":                   persist.ErrCorrupt,
		id + "engineBoots -1\n":                  persist.ErrCorrupt,
		id + "engineBoots 2147483648\n":          persist.ErrCorrupt,
		boots + "engineID 0x01\n":                persist.ErrCorrupt,
		boots + "engineID zz\n":                  persist.ErrCorrupt,
		id + boots + "more 1\n":                  persist.ErrCorrupt,
		id + boots + "object\n":                  persist.ErrCorrupt,
		id + boots + "object  i 1\n":             persist.ErrCorrupt,
		id + boots + "object 1.3 i\n":            persist.ErrCorrupt,
		id + boots + "object 1.3 i 2147483648\n": persist.ErrCorrupt,
		id + boots + "object 1.3 u -1\n":         persist.ErrCorrupt,
		id + boots + "object 1.3 t x\n":          persist.ErrCorrupt,
		id + boots + "object 1.3 a ::1\n":        persist.ErrCorrupt,
		id + boots + "object 1.3 o 1..3\n":       persist.ErrCorrupt,
		id + boots + "object 1.3 s \"\n":         persist.ErrCorrupt,
		id + boots + "object 1.3 s \"\"\"\n":     persist.ErrCorrupt,
		id + boots + "object 1.3 x 0x0\n":        persist.ErrCorrupt,
		id + boots + "object 1.3 y 1\n":          persist.ErrCorrupt,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, persist.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := persist.Load(dir)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
		if want == nil {
			if diff := cmp.Diff(persist.State{EngineID: "\x80\x00\x1f\x88\x04test", Boots: 7}, got); diff != "" {
				t.Error(diff)
			}
		}
	}
	if _, err := persist.Load(string([]byte{0})); err == nil {
		t.Error("a folder that cannot be is read")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("engineID 0x80001f880474657374\nengineBoots 7\n"))
	f.Add([]byte("# nothing\nengineID\n"))
	f.Add([]byte("engineID 0x80001f880474657374\nengineBoots 7\nobject 1.3.6.1.2.1.1.4.0 s \"a b\"\nobject .1.3 x 0x00ff\nobject 1.3 i -5\nobject 1.3 o 0.0\n" +
		"object 1.3 a 192.0.2.1\nobject 1.3 u 4294967295\nobject 1.3 t 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, persist.FileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := persist.Load(dir)
		if err != nil {
			return
		}
		if err := persist.Save(dir, s); err != nil {
			t.Fatal(err)
		}
		if again, err := persist.Load(dir); err != nil || !same(again, s) {
			t.Errorf("%+v reads back as %+v, %v", s, again, err)
		}
	})
}
