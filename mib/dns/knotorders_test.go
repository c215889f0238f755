package dns_test

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib/dns"
)

// TestKnotOrders plays Knot DNS' control socket as far as it takes orders, and holds what it is told against what is asked for.
func TestKnotOrders(t *testing.T) {
	const errorText, section, item, id, data = 2, 3, 4, 5, 10
	var mu sync.Mutex
	var told []string
	var replies map[string][]byte // by a word of the order
	address := listen(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; {
			order, err := in.ReadString(3)
			if err != nil {
				return
			}
			words := strings.FieldsFunc(order, func(r rune) bool { return r < ' ' })
			mu.Lock()
			reply := []byte{3}
			for word, text := range replies {
				if strings.Contains(order, word) {
					reply = slices.Concat(text, []byte{3})
				}
			}
			told = append(told, strings.Join(words, " "))
			mu.Unlock()
			if _, err := conn.Write(reply); err != nil {
				return
			}
		}
	})
	b, err := dns.Open("knot", dns.Access{Address: address, Pattern: "added"})
	if err != nil {
		t.Fatal(err)
	}
	w := b.(dns.ZoneWriter)
	remote := knotUnit(1, section, "remote", item, "address", id, "up", data, "192.0.2.1@53")
	add := func() error {
		return w.AddZone(t.Context(), dns.NewZone{Name: "a.test", Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1")}})
	}
	remove := func() error {
		restore, err := w.RemoveZone(t.Context(), "a.test")
		if err == nil {
			err = restore(t.Context())
		}
		return err
	}
	asks := []string{"conf-read remote address", "conf-read mod-dnstap"}
	for _, test := range []struct {
		what    string
		replies map[string][]byte
		do      func() error
		refused bool
		want    []string
	}{
		{"a zone with a source", map[string][]byte{"remote": remote}, add, false, append(asks[:2:2], "conf-begin", "conf-set zone a.test", "conf-set zone template a.test added", "conf-set zone master a.test up", "conf-commit")},
		{"a source that is no remote", nil, add, true, asks[:1]},
		{"it uses mod-dnstap", map[string][]byte{"remote": remote, "mod-dnstap": knotUnit(1, section, "mod-dnstap", id, "tap")}, add, true, asks},
		{"it does not know mod-dnstap", map[string][]byte{"remote": remote, "mod-dnstap": knotUnit(1, errorText, "invalid item")}, add, false,
			append(asks[:2:2], "conf-begin", "conf-set zone a.test", "conf-set zone template a.test added", "conf-set zone master a.test up", "conf-commit")},
		{"the template is none", map[string][]byte{"remote": remote, "template": knotUnit(1, errorText, "invalid value")}, add, true,
			append(asks[:2:2], "conf-begin", "conf-set zone a.test", "conf-set zone template a.test added", "conf-abort")},
		{"another's transaction", map[string][]byte{"remote": remote, "conf-begin": knotUnit(1, errorText, "too many transactions")}, add, true, append(asks[:2:2], "conf-begin")},
		{"a zone goes and comes back", map[string][]byte{"a.test": append(knotUnit(1, section, "zone", item, "domain", id, "a.test."), knotUnit(1, section, "zone", item, "file", id, "a.test.", data, "x")...)}, remove, false, []string{
			"conf-read zone a.test", "conf-read mod-dnstap", "conf-begin", "conf-unset zone a.test", "conf-commit",
			"conf-read mod-dnstap", "conf-begin", "conf-set zone a.test", "conf-set zone file a.test x", "conf-commit",
		}},
	} {
		mu.Lock()
		told, replies = nil, test.replies
		mu.Unlock()
		if err := test.do(); (err != nil) != test.refused {
			t.Errorf("%s: %v", test.what, err)
		} else if err != nil && test.what != "a source that is no remote" && !errors.Is(err, dns.ErrRefused) {
			t.Errorf("%s: %v", test.what, err)
		}
		mu.Lock()
		if diff := cmp.Diff(test.want, told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
		mu.Unlock()
	}
}
