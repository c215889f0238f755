package persist_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/persist"
)

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	if s, err := persist.Load(dir); err != nil || s != (persist.State{}) {
		t.Errorf("nothing there: %+v, %v", s, err)
	}
	for _, want := range []persist.State{{"\x80\x00\x1f\x88\x04test", 1}, {"12345678901234567890123456789012", math.MaxInt32}} {
		if err := persist.Save(dir, want); err != nil {
			t.Fatal(err)
		}
		if got, err := persist.Load(dir); err != nil || got != want {
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
	if err := persist.Save(filepath.Join(dir, "none"), persist.State{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestLoad(t *testing.T) {
	const id, boots = "engineID 0x80001f880474657374\n", "engineBoots 7\n"
	for text, want := range map[string]error{
		"# a comment\n\n" + boots + id:  nil,
		"":                              persist.ErrCorrupt,
		id:                              persist.ErrCorrupt,
		boots:                           persist.ErrCorrupt,
		id + boots + boots:              persist.ErrCorrupt,
		id + "engineBoots 0\n":          persist.ErrCorrupt,
		id + "engineBoots -1\n":         persist.ErrCorrupt,
		id + "engineBoots 2147483648\n": persist.ErrCorrupt,
		boots + "engineID 0x01\n":       persist.ErrCorrupt,
		boots + "engineID zz\n":         persist.ErrCorrupt,
		id + boots + "more 1\n":         persist.ErrCorrupt,
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
		if again, err := persist.Load(dir); err != nil || again != s {
			t.Errorf("%+v reads back as %+v, %v", s, again, err)
		}
	})
}
