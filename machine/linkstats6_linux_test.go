package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLinkStats6(t *testing.T) {
	s := &linuxSource{proc: t.TempDir()}
	dir := filepath.Join(s.proc, "net/dev_snmp6")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)
	s.set.replace([]Link{{Index: 2, Name: "eth0"}, {Index: 3, Name: "eth1"}}, at)
	check := func(index uint32, at time.Time, in uint64, known bool, discontinuity time.Time) {
		t.Helper()
		x, err := s.linkStats6(index, at)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := x.Get(IP6InReceives); got != in || ok != known || !x.Discontinuity.Equal(discontinuity) {
			t.Errorf("link %d: IP6InReceives %d, %v, discontinuity %v; want %d, %v, %v", index, got, ok, x.Discontinuity, in, known, discontinuity)
		}
	}
	var never time.Time
	second := at.Add(time.Second)
	write("eth0", "ifIndex                         \t2\nIp6InReceives                   \t18446744073709551615\nIp6OutRequests \t7\n")
	check(2, at, 1<<64-1, true, never)
	check(3, at, 0, false, never) // no IPv6 there
	check(4, at, 0, false, never) // no such link

	write("eth0", "ifIndex \t2\nIp6InReceives \t1\nIp6OutRequests \t7\n")
	check(2, second, 1, true, second)
	write("eth0", "ifIndex \t2\nIp6InReceives \t2\nIp6OutRequests \t7\n")
	check(2, second.Add(time.Second), 2, true, second)

	write("eth1", "ifIndex \t9\nIp6InReceives \t5\n") // the kernel has renamed another link, and its event is still to come
	check(3, at, 0, false, never)

	s.set.apply([]linkChange{{link: Link{Index: 2}, gone: true}, {link: Link{Index: 2, Name: "eth0"}}}, second.Add(time.Minute))
	check(2, second.Add(time.Hour), 2, true, second.Add(time.Minute))

	write("eth0", "ifIndex \t2\n")
	if x, err := s.linkStats6(2, at); err == nil {
		t.Errorf("a file without figures: %+v", x)
	}
}
