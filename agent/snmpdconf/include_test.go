package snmpdconf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

// tree writes files, by their path from a new folder, which it returns. DIR in a text is that folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInclude reads the file a of a tree. What is wanted is the files in the order in which they were read, and the diagnostics.
func TestInclude(t *testing.T) {
	nested := map[string]string{}
	for i := range snmpdconf.MaxDepth + 3 {
		nested[fmt.Sprintf("n%d", i)] = fmt.Sprintf("includeFile n%d\n", i+1)
	}
	nested["a"] = "includeFile n0\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // files
		say   []string // diagnostics, without the folder
		loc   string   // sysLocation
	}{
		"relative to the file that includes": {
			files: map[string]string{"a": "includeFile sub/b\nsysLocation last\n", "sub/b": "sysLocation first\nincludeFile c # no comment\nINCLUDEFILE c", "sub/c": "sysServices x"},
			want:  []string{"a", "sub/b", "sub/c"},
			say: []string{
				"sub/b:2: error: includeFile: stat DIR/sub/c # no comment: no such file or directory",
				"sub/c:1: error: sysServices must be one number from 0 to 127", "a:2: warning: sysLocation replaces that of DIR/sub/b:1",
			},
			loc: "last",
		},
		"absolute": {
			files: map[string]string{"a": "includeFile DIR/x/b", "x/b": "sysLocation b"},
			want:  []string{"a", "x/b"},
			loc:   "b",
		},
		"a folder": {
			files: map[string]string{
				"a": "includeDir DIR/d\n", "d/2.conf": "sysLocation 2", "d/1.conf": "sysServices 1", "d/.conf": "x", "d/.hidden.conf": "x", "d/3.conf~": "x",
				"d/3.txt": "x", "d/CONF": "x", "d/4.conf/y.conf": "x", "d/5.CONF": "x",
			},
			want: []string{"a", "d/1.conf", "d/2.conf"},
			loc:  "2",
		},
		"what is not there": {
			files: map[string]string{"a": "includeDir DIR/none\nincludeDir none\nincludeFile none\nincludeFile DIR\nincludeFile\nincludeDir \nincludeDir DIR/a\nincludeSearch x"},
			want:  []string{"a"},
			say: []string{
				"a:1: warning: includeDir: there is no folder DIR/none", `a:2: error: includeDir: "none" must be an absolute path`,
				"a:3: error: includeFile: stat DIR/none: no such file or directory", "a:4: error: includeFile: DIR is no regular file",
				"a:5: error: includeFile has no value", "a:6: error: includeDir has no value", "a:7: error: includeDir: open DIR/a: not a directory",
				"a:8: warning: includeSearch has no effect: includeFile and includeDir read files",
			},
		},
		"itself": {
			files: map[string]string{"a": "includeFile b\nsysLocation a", "b": "includeFile DIR/./b\nincludeDir DIR/d", "d/c.conf": "includeFile ../a\nincludeFile ../b"},
			want:  []string{"a", "b", "d/c.conf"},
			say: []string{
				"b:1: error: includeFile: DIR/b is being read already: it includes itself",
				"d/c.conf:1: error: includeFile: DIR/a is being read already: it includes itself",
				"d/c.conf:2: error: includeFile: DIR/b is being read already: it includes itself",
			},
			loc: "a",
		},
		"too deep": {
			files: nested,
			want:  []string{"a", "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11", "n12", "n13", "n14", "n15"},
			say:   []string{"n15:1: error: includeFile: DIR/n16 is the 17th file in a file; the most is 16"},
		},
		"sections": {
			files: map[string]string{
				"a": "[snmp]\nincludeFile b\nsysLocation no\n[snmpd] includeFile c\nsysLocation no\n[snmpd]\nsysContact c",
				"b": "sysLocation no\npersistentDir /p\n[snmpd]\nsysLocation yes", "c": "sysServices 7",
			},
			want: []string{"a", "b", "c"},
			say:  []string{`a:1: warning: of section "snmp" only disableSNMPv1, disableSNMPv2c, disableSNMPv3, persistentDir, serverRecvBuf, serverSendBuf, localCert, serverCert, trustCert, x509CRLFile, extraX509SubDir, tsmUseTransportPrefix are read`},
			loc:  "yes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.files)
			config, diagnostics, err := snmpdconf.ReadFiles(filepath.Join(dir, "a"))
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, d := range diagnostics {
				s := strings.TrimPrefix(d.String(), dir+string(filepath.Separator))
				said = append(said, strings.ReplaceAll(s, dir, "DIR"))
			}
			var files []string
			for _, f := range config.Files {
				rel, err := filepath.Rel(dir, f)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, filepath.ToSlash(rel))
			}
			if diff := cmp.Diff(c.want, files); diff != "" {
				t.Errorf("files: %s", diff)
			}
			if diff := cmp.Diff(c.say, said); diff != "" && runtime.GOOS == "linux" { // whose errors these are
				t.Errorf("diagnostics: %s", diff)
			}
			if config.System.Location != c.loc {
				t.Errorf("sysLocation %q, want %q", config.System.Location, c.loc)
			}
		})
	}
}

func TestIncludePersistentDir(t *testing.T) {
	for text, want := range map[string]string{"persistentDir /a": "/a", "[snmp] persistentDir /b": "/b", "[snmp]\nPERSISTENTDIR /c": "/c", "[snmptrapd] persistentDir /d": ""} {
		if c, diagnostics := snmpdconf.Parse("x", []byte(text)); c.StateDir != want || snmpdconf.HasErrors(diagnostics) {
			t.Errorf("%q: %q, %v", text, c.StateDir, diagnostics)
		}
	}
}

func TestIncludeWarnsOfReaders(t *testing.T) {
	if runtime.GOOS == "windows" { // where modes say nothing of other users
		return
	}
	dir := tree(t, map[string]string{"a": "includeFile b\nrocommunity one", "b": "sysName x\nrocommunity two"})
	if err := os.Chmod(filepath.Join(dir, "b"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, diagnostics, err := snmpdconf.ReadFiles(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	b := filepath.Join(dir, "b")
	want := []snmpdconf.Diagnostic{{File: b, Line: 2, Message: "every user of this machine can read this community: chmod o-rwx " + b}}
	if diff := cmp.Diff(want, diagnostics); diff != "" {
		t.Error(diff)
	}
}

// TestIncludeBounds has two files that include a folder of many small and large ones again and again.
func TestIncludeBounds(t *testing.T) {
	files := map[string]string{"a": strings.Repeat("includeDir DIR/d\n", snmpdconf.MaxFiles)}
	for i := range 64 {
		files[fmt.Sprintf("d/%d.conf", i)] = "#"
	}
	c, diagnostics, err := snmpdconf.ReadFiles(filepath.Join(tree(t, files), "a"))
	if err != nil || len(c.Files) != snmpdconf.MaxFiles || len(diagnostics) != snmpdconf.MaxDiagnostics {
		t.Errorf("%d files, %d diagnostics, %v", len(c.Files), len(diagnostics), err)
	}
	files = map[string]string{"a": strings.Repeat("includeFile b\n", 30), "b": strings.Repeat("#", snmpdconf.MaxFileSize), "c": "includeFile d", "d": strings.Repeat("#", snmpdconf.MaxFileSize+1)}
	dir := tree(t, files)
	c, diagnostics, err = snmpdconf.ReadFiles(filepath.Join(dir, "a"))
	if err != nil || len(c.Files) != snmpdconf.MaxTotalSize/snmpdconf.MaxFileSize+1 || !snmpdconf.HasErrors(diagnostics) {
		t.Errorf("%d files, %v, %v", len(c.Files), diagnostics, err)
	}
	c, diagnostics, err = snmpdconf.ReadFiles(filepath.Join(dir, "c"))
	if err != nil || len(c.Files) != 1 || len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Message, "file too large") {
		t.Errorf("%d files, %v, %v", len(c.Files), diagnostics, err)
	}
}

// FuzzReadFiles reads two files that may include each other.
func FuzzReadFiles(f *testing.F) {
	f.Add("includeFile b\nsysName x", "includeFile a\nincludeFile b\nsysServices x")
	f.Add("[snmp] includeFile b\nincludeFile ./b", "[snmp]\npersistentDir /x\n[snmpd]\nrocommunity y")
	f.Add("includeDir .\nincludeDir /none\nincludeFile", "")
	f.Add("[snmptrapd]\nincludefile b\nincludefile b", "[snmpd]\nsysname y\n[")
	f.Fuzz(func(t *testing.T, a, b string) {
		dir := tree(t, map[string]string{"a": a, "b": b})
		c, diagnostics, err := snmpdconf.ReadFiles(filepath.Join(dir, "a"))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Files) > snmpdconf.MaxFiles || c.Files[0] != filepath.Join(dir, "a") {
			t.Errorf("files: %q", c.Files)
		}
		lines := max(strings.Count(a, "\n"), strings.Count(b, "\n")) + 1
		for _, d := range diagnostics {
			if d.File == "" || d.Line < 1 || d.Line > lines && filepath.Dir(d.File) == dir || d.Message == "" {
				t.Errorf("%v", d)
			}
		}
	})
}
