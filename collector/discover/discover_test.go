package discover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/discover"
	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// site is a network of agents in memory, for a synctest bubble.
type site struct {
	agents map[string]*agent

	mu    sync.Mutex
	asked []time.Time
	hosts map[string]int
}

// agent answers one community or user; with refuses it answers nobody, and says so, as agents of v3 do.
type agent struct {
	knows   string
	refuses error
	gone    bool // nobody listens: the system says so
	status  snmp.ErrorStatus
	objects []snmp.VarBind
}

func (s *site) dial(_ context.Context, o session.Options) (session.Client, error) {
	return &client{s, o}, nil
}

type client struct {
	site *site
	o    session.Options
}

func (c *client) Close() error { return nil }

func (c *client) reach(ctx context.Context) (*agent, error) {
	c.site.mu.Lock()
	c.site.asked = append(c.site.asked, time.Now())
	c.site.hosts[c.o.Host]++
	c.site.mu.Unlock()
	a := c.site.agents[c.o.Host]
	wait := 10 * time.Millisecond
	known := a != nil && (a.knows == c.o.Credential.Community.Reveal()+c.o.Credential.User)
	silent := a == nil || !known && a.refuses == nil && !a.gone
	if silent {
		wait = c.o.Timeout
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch {
	case silent:
		return nil, session.ErrTimeout
	case a.gone:
		return nil, session.ErrUnreachable
	case !known && c.o.Credential.Version == snmp.V3:
		return nil, a.refuses
	case !known:
		return nil, session.ErrTimeout
	case a.status != 0:
		return nil, &session.ResponseError{Status: a.status, Index: 1}
	}
	return a, nil
}

func (c *client) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	a, err := c.reach(ctx)
	if err != nil {
		return dst, err
	}
	for _, n := range names {
		vb := snmp.VarBind{Name: n, Value: snmp.NoSuchObject}
		for _, o := range a.objects {
			if o.Name == n {
				vb.Value = o.Value
			}
		}
		dst = append(dst, vb)
	}
	return dst, nil
}

func (c *client) Bulk(ctx context.Context, dst []snmp.VarBind, _ int, names []oid.OID, most int) ([]snmp.VarBind, error) {
	a, err := c.reach(ctx)
	if err != nil {
		return dst, err
	}
	slices.SortFunc(a.objects, func(x, y snmp.VarBind) int { return x.Name.Compare(y.Name) })
	at := names[0]
	for range most {
		i := slices.IndexFunc(a.objects, func(o snmp.VarBind) bool { return at.Less(o.Name) })
		if i < 0 {
			dst = append(dst, snmp.VarBind{Name: at, Value: snmp.EndOfMibView})
			continue
		}
		at = a.objects[i].Name
		dst = append(dst, a.objects[i])
	}
	return dst, nil
}

func (s *site) options(networks ...string) discover.Options {
	s.hosts = map[string]int{}
	o := discover.Defaults()
	o.Dial = s.dial
	for _, n := range networks {
		o.Prefixes = append(o.Prefixes, netip.MustParsePrefix(n))
	}
	o.Credentials = []discover.Credential{community("first"), community("second"), user("u1"), user("u2")}
	return o
}

func community(name string) discover.Credential {
	return discover.Credential{Name: name, Credential: session.Credential{Version: snmp.V2c, Community: secret.New(name)}}
}

func user(name string) discover.Credential {
	return discover.Credential{Name: name, Credential: session.Credential{Version: snmp.V3, User: name}}
}

// named is an agent with a system group.
func named(knows, name string, more ...snmp.VarBind) *agent {
	at := func(o string, v snmp.Value) snmp.VarBind { return snmp.VarBind{Name: oid.MustParse(o), Value: v} }
	return &agent{knows: knows, objects: append([]snmp.VarBind{
		at("1.3.6.1.2.1.1.1.0", snmp.OctetString("a switch\nof \xff")), at("1.3.6.1.2.1.1.2.0", snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.9.1.1"))),
		at("1.3.6.1.2.1.1.5.0", snmp.OctetString(name)), at("1.3.6.1.6.3.10.2.1.1.0", snmp.OctetString("\x80\x00"+name)),
	}, more...)}
}

func addresses(s discover.State) string {
	var out []string
	for _, d := range s.Devices {
		out = append(out, fmt.Sprintf("%v=%s/%s", d.Address, d.Credential, d.SysName))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{agents: map[string]*agent{
			"192.0.2.1":  named("first", "core1"),
			"192.0.2.2":  named("second", "core2"),
			"192.0.2.7":  named("u2", "core3"),
			"192.0.2.9":  {knows: "nobody's", refuses: session.ErrUnknownUser},
			"192.0.2.10": {gone: true},
			"192.0.2.11": {knows: "first", status: snmp.GenErr},
			"192.0.2.16": named("first", "outside"),
		}}
		s.agents["192.0.2.7"].refuses = session.ErrUnknownUser
		o := s.options("192.0.2.0/28", "192.0.2.2/32")
		o.Exclude = []netip.Prefix{netip.MustParsePrefix("192.0.2.14/32")}
		var found []string
		o.Found = func(d discover.Device) { found = append(found, d.Credential) }
		var last discover.Progress
		o.Progress = func(p discover.Progress) { last = p }
		state, err := discover.Run(t.Context(), o, discover.State{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := addresses(state), "192.0.2.11=first/ 192.0.2.1=first/core1 192.0.2.2=second/core2 192.0.2.7=u2/core3"; got != want {
			t.Errorf("found %s, want %s", got, want)
		}
		if len(state.Refused) != 1 || state.Refused[0].Address.String() != "192.0.2.9" || !strings.Contains(state.Refused[0].Reason, "does not know the user") {
			t.Errorf("refused: %v", state.Refused)
		}
		if len(found) != 4 || last.Asked != 15 || last.Of != 15 || last.Found != 4 || last.Refused != 1 {
			t.Errorf("told %v, %+v", found, last)
		}
		// Two communities and one user, twice each: the other user has no chance where nobody speaks SNMPv3.
		if n := s.hosts["192.0.2.3"]; n != 6 {
			t.Errorf("an address where nobody is was asked %d times, want 6", n)
		}
		for host, want := range map[string]int{"192.0.2.0": 0, "192.0.2.15": 0, "192.0.2.14": 0, "192.0.2.16": 0, "192.0.2.10": 1, "192.0.2.1": 1} {
			if n := s.hosts[host]; n != want {
				t.Errorf("%s was asked %d times, want %d", host, n, want)
			}
		}
		d := state.Devices[slices.IndexFunc(state.Devices, func(d discover.Device) bool { return d.SysName == "core1" })]
		if diff := cmp.Diff(discover.Device{Address: netip.MustParseAddr("192.0.2.1"), Credential: "first", SysName: "core1", SysDescr: "a switch\nof ?",
			SysObjectID: "1.3.6.1.4.1.9.1.1", EngineID: "8000636f726531"}, d, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestRate: no second has more datagrams than were allowed, and the search takes no longer than it must.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		o := s.options("192.0.2.0/24")
		o.Credentials, o.Rate = o.Credentials[:1], 50
		began := time.Now()
		if _, err := discover.Run(t.Context(), o, discover.State{}); err != nil {
			t.Fatal(err)
		}
		if len(s.asked) != 2*254 {
			t.Errorf("%d requests, want 508", len(s.asked))
		}
		for i := 50; i < len(s.asked); i++ {
			if d := s.asked[i].Sub(s.asked[i-50]); d < time.Second-time.Millisecond {
				t.Fatalf("51 datagrams in %v", d)
			}
		}
		if took := time.Since(began); took < 10*time.Second || took > 13*time.Second {
			t.Errorf("508 datagrams at 50 a second took %v", took)
		}
	})
}

// TestResume: a search that was broken off finds the same as one that was not.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{agents: map[string]*agent{}}
		var want []string
		for i := 1; i < 255; i += 7 {
			host := fmt.Sprintf("192.0.2.%d", i)
			s.agents[host] = named("first", "sw"+host)
			want = append(want, fmt.Sprintf("%s=first/sw%s", host, host))
		}
		slices.Sort(want)
		o := s.options("192.0.2.0/24")
		path := filepath.Join(t.TempDir(), "state")
		o.Save = func(s discover.State) error { return s.Write(path) }
		runs := 0
		for done := false; !done; runs++ {
			from, err := discover.ReadState(path)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
			state, err := discover.Run(ctx, o, from)
			cancel()
			if done = err == nil; done {
				if got := addresses(state); got != strings.Join(want, " ") {
					t.Errorf("found %s", got)
				}
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if runs > 20 {
				t.Fatal("it does not come to its end")
			}
		}
		if runs < 2 {
			t.Errorf("%d runs: nothing was broken off", runs)
		}
		if n := s.hosts["192.0.2.8"]; n > 2 {
			t.Errorf("a device was asked %d times", n)
		}
		again, err := discover.ReadState(path)
		if err != nil || again.Next != 254 {
			t.Errorf("the state at the end: %+v, %v", again, err)
		}
	})
	if _, err := discover.ReadState(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
}

func TestNeighbours(t *testing.T) {
	at := func(o string, v snmp.Value) snmp.VarBind { return snmp.VarBind{Name: oid.MustParse(o), Value: v} }
	lldp := func(address string) snmp.VarBind {
		a := netip.MustParseAddr(address)
		index := ".0.3.1.1.4"
		if a.Is6() {
			index = ".0.3.1.2.16"
		}
		for _, b := range a.AsSlice() {
			index += fmt.Sprintf(".%d", b)
		}
		return at("1.0.8802.1.1.2.1.4.2.1.3"+index, snmp.Integer(2))
	}
	mac := snmp.OctetString("\x00\x1b\x21\x3c\x9d\xf8")
	synctest.Test(t, func(t *testing.T) {
		s := &site{agents: map[string]*agent{
			"192.0.2.1": named("first", "seed", lldp("198.51.100.1"), lldp("203.0.113.1"), lldp("2001:db8::1"), lldp("127.0.0.1"),
				at("1.0.8802.1.1.2.1.4.2.1.3.0.3.1.1.4.10", snmp.Integer(2)), // an address that is cut off
				at("1.3.6.1.4.1.9.9.23.1.2.1.1.4.1.1", snmp.OctetString("\xc6\x33\x64\x02")), at("1.3.6.1.4.1.9.9.23.1.2.1.1.4.1.2", snmp.OctetString("nonsense")),
				at("1.3.6.1.2.1.4.22.1.2.1.198.51.100.3", mac), at("1.3.6.1.2.1.4.35.1.4.1.1.4.198.51.100.4", mac), at("1.3.6.1.2.1.4.35.1.4.1.1.4.224.0.0.1", mac)),
			"198.51.100.1": named("second", "one", lldp("198.51.100.9"), lldp("192.0.2.1")),
			"198.51.100.2": named("first", "two"),
			"198.51.100.3": named("first", "three"),
			"198.51.100.4": named("first", "four"),
			"198.51.100.9": named("first", "two steps away", lldp("198.51.100.10")),
			"203.0.113.1":  named("first", "not ours"),
			"2001:db8::1":  named("first", "six"),
		}}
		search := func(change func(*discover.Options)) string {
			o := s.options("192.0.2.1/32")
			o.Within = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
			o.Neighbours, o.Depth = discover.Protocols(), 2
			change(&o)
			state, err := discover.Run(t.Context(), o, discover.State{})
			if err != nil {
				t.Error(err)
			}
			var names []string
			for _, d := range state.Devices {
				names = append(names, d.SysName)
			}
			slices.Sort(names)
			return strings.Join(names, ", ")
		}
		for _, tt := range []struct {
			name   string
			change func(*discover.Options)
			want   string
		}{
			{"all", func(*discover.Options) {}, "four, one, seed, six, three, two, two steps away"},
			{"one step", func(o *discover.Options) { o.Depth = 1 }, "four, one, seed, six, three, two"},
			{"by CDP", func(o *discover.Options) { o.Neighbours = []discover.Protocol{discover.CDP} }, "seed, two"},
			{"by ARP", func(o *discover.Options) { o.Neighbours = []discover.Protocol{discover.ARP} }, "four, seed, three"},
			{"none", func(o *discover.Options) { o.Neighbours = nil }, "seed"},
			{"not outside the networks", func(o *discover.Options) { o.Within = nil }, "seed"},
			{"but for some", func(o *discover.Options) { o.Exclude = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/30")} }, "four, seed, six"},
		} {
			if got := search(tt.change); got != tt.want {
				t.Errorf("%s: found %s, want %s", tt.name, got, tt.want)
			}
		}
		if n := s.hosts["203.0.113.1"]; n != 0 {
			t.Errorf("an address outside was asked %d times", n)
		}
	})
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*discover.Options)
		want   string
	}{
		"right":      {func(*discover.Options) {}, ""},
		"no network": {func(o *discover.Options) { o.Prefixes = nil }, "no network to search"},
		"too large":  {func(o *discover.Options) { o.Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, "have 16777214 addresses"},
		"much too large": {func(o *discover.Options) {
			o.Prefixes = []netip.Prefix{netip.MustParsePrefix("::/0"), netip.MustParsePrefix("::/0")}
		}, "at most 1048576"},
		"no credential": {func(o *discover.Options) { o.Credentials = nil }, "no credential to try"},
		"a bad one":     {func(o *discover.Options) { o.Credentials[0].Community = secret.String{} }, `credential "first"`},
		"no rate":       {func(o *discover.Options) { o.Rate = 0 }, "rate 0"},
		"a flood":       {func(o *discover.Options) { o.Rate = 1e6 }, "rate 1e+06"},
		"no timeout":    {func(o *discover.Options) { o.Timeout = 0 }, "timeout 0s"},
		"retries":       {func(o *discover.Options) { o.Retries = 11 }, "retries 11"},
		"depth":         {func(o *discover.Options) { o.Depth = 17 }, "depth 17"},
		"a protocol":    {func(o *discover.Options) { o.Neighbours = []discover.Protocol{"stp"} }, `neighbours by "stp"; known are [lldp cdp arp]`},
	} {
		o := new(site).options("192.0.2.0/24")
		tt.change(&o)
		err := o.Validate()
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for prefix, want := range map[string]uint64{"192.0.2.0/24": 254, "192.0.2.0/31": 2, "192.0.2.1/32": 1, "2001:db8::/120": 256, "::/1": ^uint64(0)} {
		if n := discover.Count([]netip.Prefix{netip.MustParsePrefix(prefix)}); n != want {
			t.Errorf("%s has %d addresses, want %d", prefix, n, want)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"search":"x","next":4,"queue":[{"address":"192.0.2.1","depth":1}],"devices":[{"address":"192.0.2.2","credential":"lab"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s discover.State
		if json.Unmarshal(text, &s) != nil {
			return
		}
		o := new(site).options("192.0.2.0/30")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := discover.Run(ctx, o, s); !errors.Is(err, context.Canceled) && err != nil {
			t.Error(err)
		}
	})
}
