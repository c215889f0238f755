package machine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The trees of testdata are the procfs of machines: linux-6.18 is as a kernel wrote it, the others are made up after what older
// kernels, and none, write.

func TestParseSNMP(t *testing.T) {
	for _, tree := range []string{"linux-6.18", "linux-2.6.18", "odd"} {
		t.Run(tree, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", tree, "proc/net/snmp"))
			if err != nil {
				t.Fatal(err)
			}
			var p snmpParser
			for range 2 { // the second time by what it remembers
				s, err := p.parse(b)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, tree+"/snmp.golden", figures(s))
			}

			b, err = os.ReadFile(filepath.Join("testdata", tree, "proc/net/snmp6"))
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseSNMP6(b)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tree+"/snmp6.golden", figures(s))
		})
	}
}

func TestParseNetstat(t *testing.T) {
	var p snmpParser
	for _, tree := range []string{"linux-6.18", "odd"} {
		b, err := os.ReadFile(filepath.Join("testdata", tree, "proc/net/netstat"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.parse(b)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tree+"/netstat.golden", figures(s))
	}
}

// A parser that has seen one machine's file reads another's right.
func TestParseSNMPRemembersNothingWrong(t *testing.T) {
	var p snmpParser
	for _, tree := range []string{"linux-6.18", "odd", "linux-2.6.18", "linux-6.18", "linux-2.6.18", "odd"} {
		b, err := os.ReadFile(filepath.Join("testdata", tree, "proc/net/snmp"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.parse(b)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tree+"/snmp.golden", figures(s))
	}
}

func TestParseSNMPWithoutFigures(t *testing.T) {
	for _, text := range []string{"", "\n\n", "Ip: Forwarding\n", "Ip: Forwarding\nIp: x\n", "Ip: Forwarding\nTcp: 5\n", "Ip6InReceives\n"} {
		var p snmpParser
		if s, err := p.parse([]byte(text)); !errors.Is(err, errNoStats) {
			t.Errorf("snmp %q: %v, %v", text, s, err)
		}
		if s, err := parseSNMP6([]byte(text)); !errors.Is(err, errNoStats) {
			t.Errorf("snmp6 %q: %v, %v", text, s, err)
		}
	}
}

// Whatever is cut off, what is left is read as it stands or not at all: never a figure of another name.
func TestParseSNMPTruncated(t *testing.T) {
	b, err := os.ReadFile("testdata/linux-6.18/proc/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	var p snmpParser
	whole, err := p.parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		s, err := p.parse(b[:n])
		if err != nil {
			if !errors.Is(err, errNoStats) {
				t.Fatal(err)
			}
			continue
		}
		wrong := 0
		for which := range statCount {
			got, ok := s.Get(which)
			if want, _ := whole.Get(which); ok && got != want {
				wrong++
			}
		}
		if wrong > 1 { // the last number may have lost digits
			t.Errorf("cut at %d: %d wrong figures", n, wrong)
		}
	}
}

func FuzzParseSNMP(f *testing.F) {
	for _, tree := range []string{"linux-6.18", "linux-2.6.18", "odd"} {
		b, err := os.ReadFile(filepath.Join("testdata", tree, "proc/net/snmp"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, q snmpParser
		first, err := p.parse(b)
		again, err2 := p.parse(b)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("first %v, then %v", err, err2)
		}
		if err != nil {
			return
		}
		if figures(first) != figures(again) {
			t.Errorf("first\n%s then\n%s", figures(first), figures(again))
		}
		// Without line ends that matter to nobody it is the same.
		if other, err := q.parse(bytes.ReplaceAll(b, []byte(" "), []byte("  "))); err != nil || figures(other) != figures(first) {
			t.Errorf("with more blanks: %v", err)
		}
		if _, err := parseSNMP6(b); err != nil && !errors.Is(err, errNoStats) {
			t.Error(err)
		}
	})
}

func TestParseNumber(t *testing.T) {
	tests := []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"-0", 0, true},
		{"007", 7, true},
		{"18446744073709551615", 1<<64 - 1, true},
		{"18446744073709551616", 0, false},
		{"99999999999999999999", 0, false},
		{"-1", 1<<64 - 1, true},
		{"-9223372036854775808", 1 << 63, true},
		{"-9223372036854775809", 0, false},
		{"", 0, false},
		{"-", 0, false},
		{"+1", 0, false},
		{"1 ", 0, false},
		{"0x1", 0, false},
		{"1e3", 0, false},
	}
	for _, test := range tests {
		if got, ok := parseNumber([]byte(test.text)); ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %d, %v; want %d, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func TestReadProcSockets(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Log("the fixtures are a little-endian machine's: addresses read here are turned around")
		return
	}
	read := func(tree string, files ...string) ([]TCPSocket, error) {
		for i := range files {
			files[i] = filepath.Join("testdata", tree, "proc/net", files[i])
		}
		return readProcSockets(inetSocket.tcp, files...)
	}
	for _, tree := range []string{"linux-6.18", "odd"} {
		got, err := read(tree, "tcp", "tcp6")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tree+"/tcp.golden", list(got))
	}
	if got, err := read("empty", "tcp", "tcp6"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v, %v", got, err)
	}
	if got, err := read("linux-6.18", "."); err == nil {
		t.Errorf("a folder: %v", got)
	}
}

func TestProcFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	p := &procFile{path: path}
	defer p.Close()
	read := func() (got string, err error) {
		err = p.read(func(b []byte) error { got = string(b); return nil })
		return got, err
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string) {
		t.Helper()
		if got, err := read(); err != nil || got != want {
			t.Errorf("got %d octets, %v; want %d", len(got), err, len(want))
		}
	}

	if _, err := read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: error %v", err)
	}
	write("one")
	expect("one")
	write("")
	expect("")
	long := strings.Repeat("long ", 10_000)
	write(long)
	expect(long)
	write("short")
	expect("short")

	sentinel := errors.New("no sense in it")
	if err := p.read(func([]byte) error { return sentinel }); !errors.Is(err, sentinel) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not tell the file and the reason", err)
	}
	write(strings.Repeat("x", maxProcFile+1))
	if _, err := read(); err == nil {
		t.Error("read more than the limit")
	}
	write("again")
	expect("again")
	p.Close()
	if _, err := read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: error %v", err)
	}
}

// A machine may have no disk; a file of another form than the known one says nothing of that.
func TestParseNoDisks(t *testing.T) {
	for text, ok := range map[string]bool{"": true, "\n": true, " 254 0 vda\n": true, "nothing that is known\n": false, "\x00\x00": false} {
		if _, err := parseDiskstats([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
