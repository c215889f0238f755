package snmpdconf_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

var update = flag.Bool("update", false, "write the golden files")

const engineID = "\x80\x00\x1f\x88\x04test"

// dump renders everything that was read, secrets too.
func dump(c *snmpdconf.Config, diagnostics []snmpdconf.Diagnostic) string {
	var b strings.Builder
	for _, a := range c.Listen {
		fmt.Fprintf(&b, "listen %v\n", a)
	}
	for _, c := range c.Communities {
		fmt.Fprintf(&b, "community %q is %s context %q from %v line %d\n", c.Name.Reveal(), c.SecurityName, c.Context, c.Source, c.Line)
	}
	for _, u := range c.Users {
		keyed, err := u.Keys(engineID)
		fmt.Fprintf(&b, "user %q %v %x %v %x %v line %d\n", u.Name, u.Auth, keyed.AuthKey, u.Priv, keyed.PrivKey, err, u.Line)
	}
	for _, m := range c.Members {
		fmt.Fprintf(&b, "member model %d name %q group %q line %d\n", m.Model, m.Name, m.Group, m.Line)
	}
	for _, e := range c.Entries {
		fmt.Fprintf(&b, "entry group %q prefix %q exact=%t model %d %v views %q line %d\n", e.Group, e.Prefix, e.Exact, e.Model, e.Level, e.Views, e.Line)
	}
	for _, v := range c.Views {
		for _, f := range v.Families {
			fmt.Fprintf(&b, "view %q .%v mask %x exclude=%t\n", v.Name, f.Subtree, f.Mask, f.Exclude)
		}
	}
	if c.Engine != (snmpdconf.Engine{}) || c.StateDir != "" {
		fmt.Fprintf(&b, "engine %x type %d nic %q state %q\n", c.Engine.ID, c.Engine.Type, c.Engine.NIC, c.StateDir)
	}
	for i := range c.Notifications.Sinks {
		s := &c.Notifications.Sinks[i]
		keyed, err := c.SinkUser(s, engineID, engineID)
		fmt.Fprintf(&b, "sink %q tag %q profile %q source %v: %v; community %q context %q engine %x timeout %v retries %d line %d\n", s.Name, s.Tag, s.Profile, s.Source, s, s.Community.Reveal(), s.Context, s.EngineID, s.Timeout, s.Retries, s.Line)
		if s.User != "" {
			fmt.Fprintf(&b, "  user %q %v %x %v %x %v\n", keyed.Name, keyed.Auth, keyed.AuthKey, keyed.Priv, keyed.PrivKey, err)
		}
	}
	for _, f := range c.Notifications.Filters {
		fmt.Fprintf(&b, "filter %q %v\n", f.Name, f.Families)
	}
	if n := c.Notifications; n.AuthTraps != 0 || n.LinkUpDown || n.V1Address != "" || len(n.RemoteUsers) > 0 {
		fmt.Fprintf(&b, "authtraps %d links %t v1 address %q, %d remote users\n", n.AuthTraps, n.LinkUpDown, n.V1Address, len(n.RemoteUsers))
	}
	for _, o := range c.Overrides {
		fmt.Fprintf(&b, "override %v %v %q writable %t\n", o.Name, o.Value.Kind(), o.Value, o.Writable)
	}
	for _, m := range c.Modules {
		fmt.Fprintf(&b, "module %v %q\n", m.ID, m.Descr)
	}
	if f := c.Sources; f.Type != "" || len(f.Hosts) > 0 {
		fmt.Fprintf(&b, "sources %q %q line %d\n", f.Type, f.Hosts, f.Line)
	}
	if len(c.Disabled) > 0 {
		fmt.Fprintf(&b, "disabled %v\n", c.Disabled)
	}
	if c.KeepPIDFile {
		fmt.Fprintln(&b, "keep the pid file")
	}
	s := c.System
	fmt.Fprintf(&b, "descr %q\ncontact %q\nname %q\nlocation %q\nobjectID %v\nservices %d\n", s.Descr, s.Contact, s.Name, s.Location, s.ObjectID, s.Services)
	for _, d := range diagnostics {
		fmt.Fprintln(&b, d)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := dump(snmpdconf.Parse(filepath.Base(file), text))
			golden := strings.TrimSuffix(file, ".conf") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSecretsStayOut misplaces and misspells secrets in every line that may hold one: no message repeats them.
func TestSecretsStayOut(t *testing.T) {
	const hidden = "zqhiddenzq"
	for _, line := range []string{
		"createUser x SHA %s AES short", "createUser x %s", "createUser x SHA %s %s", "createUser x SHA %s AES %s %s", "createUser x SHA -l %s", "createUser x SHA -m 0x%s",
		"createUser x SHA %s AES -l %s", "createUser -e 0x00 x SHA %s", `createUser x SHA "%s`, "rouser x %s", "authuser read x %s", "rocommunity %s %s/99",
		"rocommunity %s default %s", "rwcommunity %s default .1 ctx %s", "com2sec name %s %s x y", "com2sec name default", "com2sec name !default %s", "authcommunity %s %s",
		"rocommunity %s\nrocommunity %s", "createUser x SHA %s\ncreateUser x SHA %s", "com2sec a default %s\ncom2sec b default %s",
	} {
		c, diagnostics := snmpdconf.Parse("f", []byte(strings.ReplaceAll(line, "%s", hidden)))
		if len(diagnostics) == 0 {
			t.Errorf("%q: no remark", line)
		}
		if all := fmt.Sprintf("%v %+v %#v", diagnostics, c.Users, c.Communities); strings.Contains(all, hidden) {
			t.Errorf("%q: %s", line, all)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{in: "161", want: "udp:161"},
		{in: "0", want: "udp:0"},
		{in: "127.0.0.1", want: "udp:127.0.0.1:161"},
		{in: " 127.0.0.1:1161 ", want: "udp:127.0.0.1:1161"},
		{in: "udp:", want: "udp:161"},
		{in: "udp::1161", want: "udp:1161"},
		{in: "UDP:1161", want: "udp:1161"},
		{in: "0.0.0.0", want: "udp:161"},
		{in: "localhost:1161", want: "udp:localhost:1161"},
		{in: "host-1.example.org", want: "udp:host-1.example.org:161"},
		{in: "::1", want: "udp6:[::1]:161"},
		{in: "[::1]", want: "udp6:[::1]:161"},
		{in: "[::1]:1161", want: "udp6:[::1]:1161"},
		{in: "udp6:[::1]:1161", want: "udp6:[::1]:1161"},
		{in: "udp6:::1", want: "udp6:[::1]:161"},
		{in: "udpv6:1161", want: "udp6:1161"},
		{in: "udp6:[::]:161", want: "udp6:161"},
		{in: "udp6:localhost:1161", want: "udp6:localhost:1161"},
		{in: "[fe80::1%eth0]:161", want: "udp6:[fe80::1%eth0]:161"},
		{in: "tcp:161", want: "tcp:161"},
		{in: "tcp:127.0.0.1", want: "tcp:127.0.0.1:161"},
		{in: "TCP:localhost:1161", want: "tcp:localhost:1161"},
		{in: "tcp6:[::1]:161", want: "tcp6:[::1]:161"},
		{in: "tcpipv6:::1", want: "tcp6:[::1]:161"},
		{in: "unix:/run/snmp", want: "unix:/run/snmp"},
		{in: "Unix:/run/a:b", want: "unix:/run/a:b"},
		{in: "/run/snmp", want: "unix:/run/snmp"},
		{in: "udp:@eth0:161", want: "udp:@eth0:161"},
		{in: "@eth0", want: "udp:@eth0:161"},
		{in: "127.0.0.1@lo", want: "udp:127.0.0.1@lo:161"},
		{in: "tcp:nms@vrf-mgmt:1161", want: "tcp:nms@vrf-mgmt:1161"},
		{in: "udp6:[fe80::1%eth0]@eth0:1161", want: "udp6:[fe80::1%eth0]@eth0:1161"},
		{in: "udp6:@eth0", want: "udp6:@eth0:161"},
		{in: "udp:0.0.0.0@eth0", want: "udp:@eth0:161"},
		{in: "127.0.0.1@", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1@lo@lo", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1@a/b", err: snmpdconf.ErrAddress},
		{in: "udp:@sixteenoctetslong", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1:161@lo", err: snmpdconf.ErrAddress},
		{in: "tcp6:127.0.0.1:161", err: snmpdconf.ErrAddress},
		{in: "tcp:[::1]:161", err: snmpdconf.ErrAddress},
		{in: "unix:run/snmp", err: snmpdconf.ErrAddress},
		{in: "unix:", err: snmpdconf.ErrAddress},
		{in: "tlstcp:127.0.0.1", want: "tlstcp:127.0.0.1:10161"},
		{in: "tlstcp:[::1]:10162", want: "tlstcp6:[::1]:10162"},
		{in: "dtlsudp:10161", want: "dtlsudp:10161"},
		{in: "dtlsudp6:[::1]", want: "dtlsudp6:[::1]:10161"},
		{in: "ssh:127.0.0.1:22", err: snmpdconf.ErrTransport},
		{in: "none", err: snmpdconf.ErrTransport},
		{in: "", err: snmpdconf.ErrAddress},
		{in: "udp:[::1]:161", err: snmpdconf.ErrAddress},
		{in: "udp6:127.0.0.1:161", err: snmpdconf.ErrAddress},
		{in: "udp6:::1:1161", err: nil, want: "udp6:[::1:1161]:161"}, // an address, as it happens
		{in: "udp6:2001:db8:0:0:0:0:0:0:161", err: snmpdconf.ErrAddress},
		{in: "[::1", err: snmpdconf.ErrAddress},
		{in: "[::1]1161", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1:70000", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1:snmp", err: snmpdconf.ErrAddress},
		{in: "127.0.0.1:161 # all", err: snmpdconf.ErrAddress},
		{in: "127.0.0.300", err: snmpdconf.ErrAddress},
		{in: "*:161", err: snmpdconf.ErrAddress},
		{in: `"udp:161"`, err: snmpdconf.ErrAddress},
	} {
		a, err := snmpdconf.ParseAddress(c.in)
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("%q: error %v, want %v", c.in, err, c.err)
		case err == nil && a.String() != c.want:
			t.Errorf("%q: %v, want %s", c.in, a, c.want)
		case err == nil:
			if again, err := snmpdconf.ParseAddress(a.String()); err != nil || again != a {
				t.Errorf("%q: %v reads back as %v, %v", c.in, a, again, err)
			}
		}
	}
}

func write(t *testing.T, name, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFilesAddUp(t *testing.T) {
	one := write(t, "one.conf", "sysName one\r\n[snmp]\r\nagentAddress 127.0.0.1:1\n", 0o600)
	two := write(t, "two.conf", "\xef\xbb\xbfsysName two\nagentAddress 127.0.0.1:2", 0o600)
	c, diagnostics, err := snmpdconf.ReadFiles(one, two)
	if err != nil {
		t.Fatal(err)
	}
	if c.System.Name != "two" || len(c.Listen) != 1 || c.Listen[0].Port != 2 {
		t.Errorf("got %s", dump(c, diagnostics))
	}
	want := []snmpdconf.Diagnostic{
		{File: one, Line: 2, Severity: snmpdconf.Warning, Message: `of section "snmp" only disableSNMPv1, disableSNMPv2c, disableSNMPv3, persistentDir, serverRecvBuf, serverSendBuf, localCert, serverCert, trustCert, x509CRLFile, extraX509SubDir, tsmUseTransportPrefix are read`},
		{File: two, Line: 1, Severity: snmpdconf.Warning, Message: "sysName replaces that of " + one + ":1"},
	}
	if diff := cmp.Diff(want, diagnostics); diff != "" {
		t.Error(diff)
	}
}

func TestReadFilesErrors(t *testing.T) {
	if _, _, err := snmpdconf.ReadFiles(filepath.Join(t.TempDir(), "none.conf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, _, err := snmpdconf.ReadFiles(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	large := write(t, "large.conf", strings.Repeat("#", snmpdconf.MaxFileSize+1), 0o600)
	if _, _, err := snmpdconf.ReadFiles(large); !errors.Is(err, snmpdconf.ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
}

func TestReadFilesWarnsOfReaders(t *testing.T) {
	readers := runtime.GOOS != "windows" // where modes say nothing of other users
	for _, c := range []struct {
		text string
		mode fs.FileMode
		want bool
	}{
		{"sysName x\nrocommunity public\n", 0o644, readers},
		{"sysName x\nrocommunity public\n", 0o640, false},
		{"sysName x\ncreateUser joe SHA authpassword\nrouser joe\n", 0o644, readers},
		{"sysName x\n", 0o644, false},
	} {
		path := write(t, "snmpd.conf", c.text, c.mode)
		_, diagnostics, err := snmpdconf.ReadFiles(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(diagnostics) == 1 && diagnostics[0].Line == 2 && strings.HasSuffix(diagnostics[0].Message, "chmod o-rwx "+path); got != c.want {
			t.Errorf("%q mode %o: %v", c.text, c.mode, diagnostics)
		}
	}
}

func TestBounds(t *testing.T) {
	_, diagnostics := snmpdconf.Parse("x", []byte(strings.Repeat("sysservices x\n", 2*snmpdconf.MaxDiagnostics)))
	if len(diagnostics) != snmpdconf.MaxDiagnostics {
		t.Errorf("%d diagnostics", len(diagnostics))
	}
	var b strings.Builder
	for i := range snmpdconf.MaxCommunities + 1 {
		fmt.Fprintf(&b, "rocommunity c%d\n", i)
	}
	c, diagnostics := snmpdconf.Parse("x", []byte(b.String()))
	if len(c.Communities) != snmpdconf.MaxCommunities || !snmpdconf.HasErrors(diagnostics) {
		t.Errorf("%d communities, %v", len(c.Communities), diagnostics)
	}
	b.Reset()
	for i := range max(snmpdconf.MaxUsers, snmpdconf.MaxFamilies) + 1 {
		fmt.Fprintf(&b, "createUser u%d\nrouser u%d noauth\nview v included .1.%d\n", i, i, i)
	}
	c, diagnostics = snmpdconf.Parse("x", []byte(b.String()))
	if len(c.Users) != snmpdconf.MaxUsers || len(c.Views[1].Families) != snmpdconf.MaxFamilies || len(diagnostics) != 2 || !snmpdconf.HasErrors(diagnostics) {
		t.Errorf("%d users, %d subtrees, %v", len(c.Users), len(c.Views[1].Families), diagnostics)
	}
	_, diagnostics = snmpdconf.Parse("x", []byte("sysName "+strings.Repeat("n", 256)+"\nsysName a\x00b\n"))
	if len(diagnostics) != 2 || !snmpdconf.HasErrors(diagnostics[1:]) {
		t.Errorf("too long, and with NUL: %v", diagnostics)
	}
}

// BenchmarkKeys derives both keys of a user, which each start and reload does for every user.
func BenchmarkKeys(b *testing.B) {
	c, diagnostics := snmpdconf.Parse("x", []byte("createUser joe SHA-256 authpassword AES privpassword\nrouser joe"))
	if len(diagnostics) > 0 {
		b.Fatal(diagnostics)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Users[0].Keys(engineID); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, diagnostics := snmpdconf.Parse("f", text)
		lines := strings.Count(string(text), "\n") + 1
		for _, d := range diagnostics {
			if d.Line < 1 || d.Line > lines || d.Message == "" {
				t.Errorf("of %d lines: %v", lines, d)
			}
		}
		for _, c := range c.Communities {
			if c.Name.IsZero() || c.Source.Host == "" && c.Source.Socket == "" && !c.Source.Prefix.IsValid() || c.Line < 1 || c.Line > lines {
				t.Errorf("community %+v of line %d", c.Source, c.Line)
			}
		}
		for _, u := range c.Users {
			if u.Name == "" || u.Line < 1 || u.Line > lines {
				t.Errorf("user %q of line %d", u.Name, u.Line)
			}
		}
		for _, a := range c.Listen {
			if again, err := snmpdconf.ParseAddress(a.String()); err != nil || again != a {
				t.Errorf("%+v reads back as %+v, %v", a, again, err)
			}
		}
	})
}

func TestMaxMessageSize(t *testing.T) {
	for text, want := range map[string]int{"maxMessageSize 484": 484, "maxmessagesize 65507": 65507, "maxMessageSize 483": 0, "maxMessageSize 65508": 0, "maxMessageSize many": 0, "maxMessageSize": 0} {
		c, diagnostics := snmpdconf.Parse("x", []byte(text+"\n"))
		if c.MaxMessageSize != want || snmpdconf.HasErrors(diagnostics) != (want == 0) {
			t.Errorf("%s: %d, %v", text, c.MaxMessageSize, diagnostics)
		}
	}
}
