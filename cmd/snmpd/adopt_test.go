package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"walkabout/agent/persist"
	"walkabout/internal/statedir"
)

// left is what Net-SNMP's agent left: a user with the keys of its engine, one that an administrator wrote, and things that cannot be taken over.
const left = `
createUser early SHA ` + hidden + `
usmUser 1 3 0x80001f8801020304 "late" "late" NULL .1.3.6.1.6.3.10.1.1.3 0x1e5da65ad0ab1f1b43fbcf9c8b2ea34e72a0ef3c .1.3.6.1.6.3.10.1.2.1 "" ""
usmUser 1 3 0x80001f8801020304 "lame" "lame" NULL .1.3.6.1.6.3.10.1.1.3 0x1e5da6 .1.3.6.1.6.3.10.1.2.1 "" ""
vacmGroup 1 3 99 "bad model is fine" "g"
vacmGroup 1 3 3 "no group" ""
psyscontact noc
mteTriggerTable whatever
engineBoots 41
oldEngineID 0x80001f8801020304
`

const leftID = "\x80\x00\x1f\x88\x01\x02\x03\x04"

func leave(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTakesOver(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, left)
	const text = "agentAddress 127.0.0.1:0\nrouser early\nrocommunity " + hidden + "\n"
	d := startIn(t, dir, text)
	log := strings.Join(d.until("msg=ready"), "\n")
	address := listening(strings.Split(log, "\n"))[0]
	if !strings.Contains(log, "engineBoots=42") || !strings.Contains(log, `snmpd.conf line=4 err=`) || !strings.Contains(log, "mteTriggerTable") || strings.Contains(log, hidden) {
		t.Error(log)
	}
	usm, err := askV3(t, address, "early", hidden)
	if err != nil || usm.AuthoritativeEngineID != leftID || usm.AuthoritativeEngineBoots != 42 {
		t.Errorf("%+v, %v", usm, err)
	}
	if got := ask(t, address, sysContactOID); got != "noc" {
		t.Errorf("sysContact %q", got)
	}
	d.finish()
	state, err := persist.Load(dir)
	if err != nil || state.EngineID != leftID || state.Boots != 42 || len(state.Objects) != 8+8+3+1 {
		t.Errorf("%d objects: %+v, %v", len(state.Objects), state, err)
	}

	// At the next start the file counts no more, but one who writes a user into it is told.
	leave(t, dir, left+"createUser another SHA "+hidden+"\n")
	d = startIn(t, dir, text)
	log = strings.Join(d.until("msg=ready"), "\n")
	if !strings.Contains(log, "engineBoots=43") || !strings.Contains(log, "line=11") || strings.Contains(log, "mteTriggerTable") || strings.Contains(log, hidden) {
		t.Error(log)
	}
	d.finish()
}

// TestTakesOverFrom says which folders are looked into.
func TestTakesOverFrom(t *testing.T) {
	for name, c := range map[string]struct {
		root, explicit, here bool
		args                 []string
		want                 bool
	}{
		"root":                                   {root: true, want: true},
		"anybody else":                           {},
		"-C":                                     {root: true, args: []string{"-C"}},
		"a folder is named":                      {root: true, explicit: true},
		"the folder that is named has it":        {explicit: true, here: true, want: true},
		"-C and the folder that is named has it": {explicit: true, here: true, args: []string{"-C"}},
		"our folder has it":                      {here: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, theirs := t.TempDir(), t.TempDir()
			leave(t, theirs, left)
			if c.here {
				leave(t, dir, left)
			}
			d := startAs(t, nil, func(p *process) {
				p.netSNMP = []string{filepath.Join(theirs, "none"), theirs}
				p.env = statedir.Env{GOOS: runtime.GOOS, Root: c.root, Getenv: func(name string) string {
					if name == "SNMP_PERSISTENT_DIR" && c.explicit || name == "STATE_DIRECTORY" && !c.explicit {
						return dir
					}
					return ""
				}}
			}, append([]string{"-c", config(t, "agentAddress 127.0.0.1:0\n")}, c.args...)...)
			d.ready()
			d.finish()
			state, err := persist.Load(dir)
			if err != nil || (state.EngineID == leftID) != c.want {
				t.Errorf("%x, %v", state.EngineID, err)
			}
		})
	}
}

// A file that is there and cannot be read is no reason to make another engine.
func TestTakesOverOrNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "snmpd.conf"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := startIn(t, dir, "agentAddress 127.0.0.1:0\n")
	if log := strings.Join(d.until("msg=ready"), "\n"); !strings.Contains(log, "SNMPv3 is off") || !strings.Contains(log, "keys are void") {
		t.Error(log)
	}
	d.finish()
	if _, err := os.Stat(filepath.Join(dir, persist.FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
