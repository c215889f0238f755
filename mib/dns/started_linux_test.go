package dns_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/mib/dns"
)

// ownComm is what the kernel calls this process.
func ownComm(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// TestListenerStarted: the process at the other end is known by the kernel's word, and only under its name.
func TestListenerStarted(t *testing.T) {
	dir, err := os.MkdirTemp("", "dns") // paths of unix sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	comm := ownComm(t)
	if age := time.Since(dns.ListenerStarted(conn, comm)); age < 0 || age > time.Hour {
		t.Errorf("this process is %v old", age)
	}
	if at := dns.ListenerStarted(conn, "systemd"); !at.IsZero() {
		t.Errorf("a process of another name started at %v", at)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	far, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if at := dns.ListenerStarted(far, comm); !at.IsZero() {
		t.Errorf("a process by TCP started at %v", at)
	}
}

// TestPIDFileStarted: a file that is not that of a process which runs and is called so tells nothing.
func TestPIDFileStarted(t *testing.T) {
	path, comm := filepath.Join(t.TempDir(), "pid"), ownComm(t)
	for _, test := range []struct {
		what, text, comm string
		written          time.Time
		known            bool
	}{
		{"this process", fmt.Sprintln(os.Getpid()), comm, time.Now(), true},
		{"of another name", fmt.Sprintln(os.Getpid()), "dnsmasq", time.Now(), false},
		{"written before the process was", fmt.Sprintln(os.Getpid()), comm, time.Now().Add(-100 * 24 * time.Hour), false},
		{"no process", "2147483647\n", comm, time.Now(), false},
		{"below 1", "-1", comm, time.Now(), false},
		{"no number", "../self", comm, time.Now(), false},
		{"nothing", "", comm, time.Now(), false},
		{"much", strings.Repeat("1", 1000), comm, time.Now(), false},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, test.written, test.written); err != nil {
			t.Fatal(err)
		}
		at := dns.PIDFileStarted(path, test.comm)
		if age := time.Since(at); at.IsZero() == test.known || test.known && (age < 0 || age > time.Hour) {
			t.Errorf("%s: %v", test.what, at)
		}
	}
	if at := dns.PIDFileStarted(path+".none", comm); !at.IsZero() {
		t.Errorf("no file: %v", at)
	}
}
