//go:build interop

package machine_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/machine"
)

// manyLinks makes n pairs of veth, both ends of which are up.
func manyLinks(t testing.TB, n int) {
	t.Helper()
	var add, del strings.Builder
	for i := range n {
		fmt.Fprintf(&add, "link add a%d type veth peer name b%d\nlink set a%d up\nlink set b%d up\n", i, i, i, i)
		fmt.Fprintf(&del, "link del a%d\n", i)
	}
	batch(t, add.String())
	t.Cleanup(func() { batch(t, del.String()) })
}

// batch runs many commands of ip at once.
func batch(t testing.TB, commands string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "batch")
	if err := os.WriteFile(file, []byte(commands), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ip", "-batch", file).CombinedOutput(); err != nil {
		t.Fatalf("ip -batch: %v\n%s", err, out)
	}
}

func BenchmarkAtSize(b *testing.B) {
	manyLinks(b, 500) // 1,001 with lo
	b.Run("Counters", BenchmarkCounters)
	b.Run("New", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := machine.New(b.Context(), machine.Options{})
			if err != nil {
				b.Fatal(err)
			}
			m.Close()
		}
	})
	manySockets(b, 5000)
	b.Run("TCPSockets", BenchmarkTCPSockets)
	b.Run("PortableCounters", func(b *testing.B) {
		m := open(b, machine.Options{Portable: true})
		for b.Loop() {
			if _, err := m.Reading(time.Now(), true).Counters(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// manySockets opens n connections on lo, which are 2n sockets.
func manySockets(t testing.TB, n int) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for range n {
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		a, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(); a.Close() })
	}
}
