package notify_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/notify"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

var snmpUDP = oid.MustParse("1.3.6.1.6.1.1")

// tables has two addresses, one by v2c and one by SNMPv3, which one row notifies by traps and another by informs.
func tables() *notify.Tables {
	return &notify.Tables{
		Addrs: []notify.TargetAddr{
			{"near", snmpUDP, "\xc0\x00\x02\x01\x00\xa2", 150, 3, "all other", "v2"},
			{"far", snmpUDP, "\xc0\x00\x02\x02\x04\x8a", 1500, 0, "all\tsure", "v3"},
		},
		Params: []notify.TargetParams{
			{"v2", 1, vacm.V2c, "reader", snmp.NoAuthNoPriv},
			{"v3", 3, vacm.USM, "alice", snmp.AuthPriv},
		},
		Notify:   []notify.Entry{{"traps", "all", false}, {"informs", "sure", true}, {"nobody", "", false}},
		Profiles: []notify.FilterProfile{{"v3", "links"}},
		Filters:  []notify.FilterEntry{{"links", vacm.Family{Subtree: oid.MustParse("1.3.6.1.6.3.1.1.5.3")}}, {"other", vacm.Family{Subtree: oid.MustParse("1.3")}}},
		Policy: vacm.NewPolicy(
			[]vacm.Member{{Model: vacm.V2c, Name: "reader", Group: "g"}, {Model: vacm.USM, Name: "alice", Group: "g"}},
			[]vacm.Entry{{Group: "g", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Notify: "v"}}},
			map[string][]vacm.Family{"v": {{}}}),
		Community: func(name string) (secret.String, bool) { return secret.New("sesame"), name == "reader" },
		User:      func(_, name string) (usm.User, error) { return usm.User{Name: name}, nil },
	}
}

func describe(list []notify.Target) []string {
	var out []string
	for _, t := range list {
		s := fmt.Sprint(t.Name, " ", t.Network, " ", t.Address, " v", t.Version, " inform=", t.Inform, " ", t.Timeout, " ", t.Retries, " ", t.Level, " ", t.Community.Reveal(), " filter=", t.Filter != nil, " view=", t.View != nil)
		if t.User != nil {
			u, err := t.User("")
			s += fmt.Sprint(" ", u.Name, " ", err)
		}
		out = append(out, s)
	}
	return out
}

func TestTables(t *testing.T) {
	list, err := tables().Targets()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"near/traps udp4 192.0.2.1:162 v2c inform=false 1.5s 3 noAuthNoPriv sesame filter=false view=true",
		"far/traps udp4 192.0.2.2:1162 v3 inform=false 15s 0 authPriv  filter=true view=true alice <nil>",
		"far/informs udp4 192.0.2.2:1162 v3 inform=true 15s 0 authPriv  filter=true view=true alice <nil>",
	}
	if diff := cmp.Diff(want, describe(list)); diff != "" {
		t.Error(diff)
	}
	s := notify.New(notify.Config{Start: time.Now()})
	defer s.Close(t.Context())
	if err := s.SetTargets(list); err != nil {
		t.Error(err)
	}
}

// What one row lacks costs its own targets only, and is told.
func TestTablesOfNoUse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *notify.Tables)
		want   int // targets
		err    string
	}{
		"no parameters":         {func(t *notify.Tables) { t.Addrs[0].Params = "gone" }, 2, `no active row "gone"`},
		"unknown domain":        {func(t *notify.Tables) { t.Addrs[0].TDomain = oid.New(1, 3) }, 2, "not an address of UDP"},
		"short address":         {func(t *notify.Tables) { t.Addrs[0].TAddress = "\xc0\x00\x02" }, 2, "not an address of UDP"},
		"port 0":                {func(t *notify.Tables) { t.Addrs[0].TAddress = "\xc0\x00\x02\x01\x00\x00" }, 2, "not an address of UDP"},
		"no community":          {func(t *notify.Tables) { t.Params[0].SecurityName = "nobody" }, 2, "no community"},
		"model of another kind": {func(t *notify.Tables) { t.Params[0].SecurityModel = vacm.USM }, 2, "does not go with"},
		"no such version":       {func(t *notify.Tables) { t.Params[1].MPModel = 2 }, 1, "does not go with"},
		"not in VACM":           {func(t *notify.Tables) { t.Params[1].SecurityName = "bob" }, 1, "may be notified of nothing"},
		"TSM without TLS":       {func(t *notify.Tables) { t.Params[1].SecurityModel = vacm.TSM }, 1, "needs an address of TLS"},
		"TLS where there is none": {func(t *notify.Tables) {
			t.Addrs[0].TDomain, t.Addrs[0].TAddress = oid.MustParse("1.3.6.1.6.1.8"), "192.0.2.1:10162"
		}, 2, "there is no TLS"},
		"no notify rows": {func(t *notify.Tables) { t.Notify = nil }, 0, ""},
	} {
		tab := tables()
		c.change(tab)
		list, err := tab.Targets()
		if len(list) != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d targets, %v", name, len(list), err)
		}
	}
}

// Many rows, and rows whose names look alike.
func TestTablesOfManyRows(t *testing.T) {
	tab := tables()
	addr, entry := tab.Addrs[0], tab.Notify[0]
	tab.Addrs, tab.Notify = nil, nil
	for i := range 300 {
		addr.Name, entry.Name = fmt.Sprint("a", i), fmt.Sprint("n", i)
		tab.Addrs, tab.Notify = append(tab.Addrs, addr), append(tab.Notify, entry)
	}
	list, err := tab.Targets()
	if len(list) != 1000 || !errors.Is(err, notify.ErrTooMany) {
		t.Errorf("%d targets, %v", len(list), err)
	}
	for i := range tab.Addrs {
		tab.Addrs[i].Params = "gone"
	}
	list, err = tab.Targets()
	if len(list) != 0 || strings.Count(err.Error(), "\n") != 19 {
		t.Errorf("%d targets, %v", len(list), err)
	}

	tab = tables()
	tab.Addrs, tab.Notify = tab.Addrs[:1], tab.Notify[:1]
	for _, name := range []string{"a", "a/b", `a\`, "a/"} {
		addr = tab.Addrs[0]
		addr.Name = name
		tab.Addrs = append(tab.Addrs, addr)
	}
	for _, name := range []string{"b/c", "c", "/b", `\/b`, "b"} {
		entry = tab.Notify[0]
		entry.Name = name
		tab.Notify = append(tab.Notify, entry)
	}
	if list, err = tab.Targets(); err != nil || len(list) != 30 {
		t.Errorf("%d targets, %v", len(list), err)
	}
	s := notify.New(notify.Config{Start: time.Now()})
	defer s.Close(t.Context())
	if err := s.SetTargets(list); err != nil {
		t.Error(err)
	}
}

func TestTransportDomains(t *testing.T) {
	const six = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	for _, c := range []struct {
		domain, address string
		want            string // "" if it cannot be
	}{
		{"1.3.6.1.6.1.1", "\x7f\x00\x00\x01\x00\xa2", "udp4 127.0.0.1:162"},
		{"1.3.6.1.2.1.100.1.1", "\x7f\x00\x00\x01\xff\xff", "udp4 127.0.0.1:65535"},
		{"1.3.6.1.2.1.100.1.2", six + "\x00\xa2", "udp6 [2001:db8::1]:162"},
		{"1.3.6.1.2.1.100.1.4", six + "\x00\x00\x00\x07\x00\xa2", "udp6 [2001:db8::1%7]:162"},
		{"1.3.6.1.2.1.100.1.4", six + "\x00\x00\x00\x00\x00\xa2", "udp6 [2001:db8::1]:162"},
		{"1.3.6.1.2.1.100.1.14", "receiver.example:162", "udp4 receiver.example:162"},
		{"1.3.6.1.2.1.100.1.14", "receiver.example", ""},
		{"1.3.6.1.2.1.100.1.13", "/run/receiver", "unix /run/receiver"},
		{"1.3.6.1.2.1.100.1.13", "receiver", ""},
		{"1.3.6.1.6.1.8", "192.0.2.1:10162", "tlstcp4 192.0.2.1:10162"},
		{"1.3.6.1.6.1.8", "[2001:db8::1]:10162", "tlstcp6 [2001:db8::1]:10162"},
		{"1.3.6.1.6.1.9", "receiver.example:10162", "dtlsudp4 receiver.example:10162"},
		{"1.3.6.1.6.1.9", "2001:db8::1:10162", ""},
		{"1.3.6.1.6.1.9", "192.0.2.1:0", ""},
		{"1.3.6.1.6.1.9", "192.0.2.1", ""},
		{"1.3.6.1.2.1.100.1.14", ":162", ""},
		{"1.3.6.1.2.1.100.1.2", "\x7f\x00\x00\x01\x00\xa2", ""},
		{"1.3.6.1.6.1.1", "", ""},
		{"1.3.6.1.6.1.1", "\x00\x00\x00\x00\x00\xa2", ""},
		{"1.3.6.1.2.1.100.1.5", "\x7f\x00\x00\x01\x00\xa2", "tcp4 127.0.0.1:162"},
		{"1.3.6.1.2.1.100.1.6", six + "\x00\xa2", "tcp6 [2001:db8::1]:162"},
		{"1.3.6.1.2.1.100.1.8", six + "\x00\x00\x00\x07\x00\xa2", "tcp6 [2001:db8::1%7]:162"},
		{"1.3.6.1.2.1.100.1.15", "receiver.example:162", "tcp4 receiver.example:162"},
		{"1.3.6.1.2.1.100.1.5", six + "\x00\xa2", ""},
		{"1.3.6.1.2.1.100.1.9", "\x7f\x00\x00\x01\x00\xa2", ""}, // SCTP
	} {
		tab := tables()
		tab.Dial = func(string, string) notify.DialFunc { return notify.Dial }
		tab.Addrs = tab.Addrs[:1]
		tab.Addrs[0].TDomain, tab.Addrs[0].TAddress = oid.MustParse(c.domain), c.address
		list, err := tab.Targets()
		got := ""
		if len(list) == 1 {
			got = list[0].Network + " " + list[0].Address
		} else if !errors.Is(err, notify.ErrTransport) {
			t.Errorf("%s %q: %v", c.domain, c.address, err)
		}
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.domain, c.address, got, c.want)
		}
	}
}
