package machine

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every change is told once, in order, also those that a later one of the same batch takes back; who does not listen loses and delays
// nobody.
func TestWatchLinks(t *testing.T) {
	up := Link{Index: 2, Name: "eth0", OperState: OperUp, Flags: FlagUp}
	down := up
	down.OperState = OperDown
	var s linkSet
	s.replace([]Link{up}, second(0))
	all, slow, closed := s.watch(10), s.watch(2), s.watch(10)
	closed.Close()
	closed.Close()
	s.apply([]linkChange{{link: down}, {link: up}}, second(1))
	s.apply([]linkChange{{link: up}}, second(2)) // nothing new
	s.replace([]Link{{Index: 3, Name: "tun0"}}, second(3))
	var got []string
	for len(all.Events()) > 0 {
		e := <-all.Events()
		got = append(got, fmt.Sprint(describe(e.Before), " → ", describe(e.After), " of ", len(e.Links.List), " at ", e.At.Second()))
	}
	want := []string{"eth0 6 → eth0 2 of 1 at 1", "eth0 2 → eth0 6 of 1 at 1", " → tun0 0 of 1 at 3", "eth0 6 →  of 1 at 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(slow.Events()) != 2 || slow.Lost() != 2 || all.Lost() != 0 {
		t.Errorf("slow: %d, lost %d; all: lost %d", len(slow.Events()), slow.Lost(), all.Lost())
	}
	if len(closed.Events()) != 0 {
		t.Error("events after Close")
	}
}

func describe(l *Link) string {
	if l == nil {
		return ""
	}
	return fmt.Sprint(l.Name, " ", l.OperState)
}
