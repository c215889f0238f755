package machine

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// script is an eventSocket that hears what a test says.
type script struct {
	says   chan any // []byte: a datagram; error: what receive returns
	closed chan struct{}
}

func newScript() *script { return &script{says: make(chan any), closed: make(chan struct{})} }

func (s *script) receive(f func(b []byte)) error {
	select {
	case x := <-s.says:
		if err, ok := x.(error); ok {
			return err
		}
		f(x.([]byte))
		return nil
	case <-s.closed:
		return unix.EBADF
	}
}

func (s *script) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

// watched runs a watcher over scripted sockets until the test ends. Sockets beyond the given ones cannot be opened.
func watched(t *testing.T, w *watcher, sockets ...*script) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w.set, w.faults, w.now = &linkSet{}, &faults{log: slog.New(slog.DiscardHandler)}, time.Now
	if w.probe == nil {
		w.probe = func(_, _ *Link) {}
	}
	w.retry = func(ctx context.Context) error { return sleep(ctx, time.Second) }
	next := 1
	w.events = func() (eventSocket, error) {
		if next == len(sockets) {
			return nil, unix.EMFILE
		}
		next++
		return sockets[next-1], nil
	}
	if err := w.resync(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx, sockets[0])
	}()
	t.Cleanup(func() {
		cancel()
		for _, s := range sockets {
			s.Close()
		}
		<-done
	})
}

func names(l *Links) []string {
	var out []string
	for _, x := range l.List {
		out = append(out, x.Name)
	}
	return out
}

// linkMessage is an RTM_NEWLINK or RTM_DELLINK as short as can be.
func linkMessage(kind uint16, family uint8, index uint32, name string) []byte {
	body := make([]byte, unix.SizeofIfInfomsg)
	body[0], body[4] = family, byte(index)
	body = append(body, byte(unix.SizeofNlAttr+4), 0, unix.IFLA_IFNAME, 0)
	return message(kind, 0, append(body, append([]byte(name), 0, 0, 0, 0)[:4]...))
}

// What a kernel said while links were made, enslaved, released, renamed and deleted.
func TestWatchRecordedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		w := &watcher{dump: func() ([]Link, error) { return []Link{{Index: 1, Name: "lo"}}, nil }}
		watched(t, w, s)
		var seen []string
		whole := recorded(t, "events")
		err := eachMessage(whole, func(h netlink.Header, body []byte) error {
			s.says <- message(uint16(h.Type), uint16(h.Flags), body)
			synctest.Wait()
			if now := strings.Join(names(w.set.load()), " "); len(seen) == 0 || seen[len(seen)-1] != now {
				seen = append(seen, now)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"lo", "lo br0", "lo br0 veth1", "lo br0 veth0 veth1", "lo br0 veth0 veth1 mac0",
			"lo br0 renamed0 veth1 mac0", "lo br0 renamed0 veth1", "lo br0 veth0 veth1",
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
		veth, _ := w.set.load().ByIndex(102)
		if veth.Master != 101 || veth.Alias != "uplink to <core> ü" || veth.Created.IsZero() || veth.OperState != OperUp {
			t.Errorf("veth0 at the end: %+v", veth)
		}
	})
}

func TestWatchEvents(t *testing.T) {
	tests := []struct {
		name string
		says []byte
		want []string
	}{
		{"new", linkMessage(unix.RTM_NEWLINK, unix.AF_UNSPEC, 5, "eth5"), []string{"lo", "eth5"}},
		{"renamed", linkMessage(unix.RTM_NEWLINK, unix.AF_UNSPEC, 1, "l0"), []string{"l0"}},
		{"deleted", linkMessage(unix.RTM_DELLINK, unix.AF_UNSPEC, 1, "lo"), nil},
		{"a bridge lets a port go", linkMessage(unix.RTM_DELLINK, unix.AF_BRIDGE, 1, "lo"), []string{"lo"}},
		{"IPv6 settings", linkMessage(unix.RTM_NEWLINK, unix.AF_INET6, 1, "x"), []string{"lo"}},
		{"another kind of event", linkMessage(unix.RTM_NEWADDR, unix.AF_UNSPEC, 1, "x"), []string{"lo"}},
		{
			"two in a datagram",
			slices.Concat(linkMessage(unix.RTM_NEWLINK, 0, 5, "eth5"), linkMessage(unix.RTM_DELLINK, 0, 1, "lo")), []string{"eth5"},
		},
		{"made and deleted", slices.Concat(linkMessage(unix.RTM_NEWLINK, 0, 5, "eth5"), linkMessage(unix.RTM_DELLINK, 0, 5, "eth5")), []string{"lo"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				dumps := 0
				w := &watcher{dump: func() ([]Link, error) { dumps++; return []Link{{Index: 1, Name: "lo"}}, nil }}
				watched(t, w, s)
				s.says <- test.says
				synctest.Wait()
				if diff := cmp.Diff(test.want, names(w.set.load())); diff != "" {
					t.Error(diff)
				}
				if dumps != 1 {
					t.Errorf("%d dumps", dumps)
				}
			})
		})
	}
}

// After lost or unintelligible events everything is read anew; what a dump shows is news with the time of the dump.
func TestWatchResync(t *testing.T) {
	malformed := slices.Concat(linkMessage(unix.RTM_NEWLINK, unix.AF_UNSPEC, 5, "eth5"), []byte{1, 2, 3})
	for name, says := range map[string]any{"lost": error(unix.ENOBUFS), "malformed": malformed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				links := []Link{{Index: 1, Name: "lo"}, {Index: 2, Name: "eth0", OperState: OperUp}}
				w := &watcher{dump: func() ([]Link, error) { return slices.Clone(links), nil }}
				watched(t, w, s)
				time.Sleep(time.Minute)
				links = []Link{{Index: 2, Name: "eth0", OperState: OperDown}, {Index: 3, Name: "new"}}
				s.says <- says
				synctest.Wait()
				now := time.Now()
				want := []Link{
					{Index: 2, Name: "eth0", OperState: OperDown, LastChange: now},
					{Index: 3, Name: "new", Created: now, LastChange: now},
				}
				if diff := cmp.Diff(want, values(w.set.load())); diff != "" {
					t.Error(diff)
				}
				if len(w.faults.list()) != 0 {
					t.Errorf("faults %v", w.faults.list())
				}
			})
		})
	}
}

// A socket that fails is replaced, with a second between attempts, and nothing that happened meanwhile is missed.
func TestWatchReopens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newScript(), newScript(), newScript()
		broken := errors.New("broken")
		var fails, more atomic.Bool
		w := &watcher{dump: func() ([]Link, error) {
			if fails.Load() {
				return nil, broken
			}
			if more.Load() {
				return []Link{{Index: 1, Name: "lo"}, {Index: 2, Name: "eth0"}}, nil
			}
			return []Link{{Index: 1, Name: "lo"}}, nil
		}}
		watched(t, w, first, second, third)

		fails.Store(true)
		first.says <- error(unix.ENOBUFS)
		synctest.Wait()
		if f := w.faults.list(); len(f) != 1 || f[0].Part != PartEvents || !errors.Is(f[0].Err, broken) {
			t.Errorf("faults %v", f)
		}
		time.Sleep(1500 * time.Millisecond) // the second socket opens, and its dump fails
		fails.Store(false)
		more.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"lo", "eth0"}, names(w.set.load())); diff != "" {
			t.Error(diff)
		}
		if f := w.faults.list(); len(f) != 1 || f[0].Err != nil || f[0].Count != 2 {
			t.Errorf("faults after recovery %v", f)
		}
		third.says <- linkMessage(unix.RTM_DELLINK, unix.AF_UNSPEC, 2, "eth0")
		synctest.Wait()
		if diff := cmp.Diff([]string{"lo"}, names(w.set.load())); diff != "" {
			t.Error(diff)
		}
	})
}

// A bridge's speed follows that of its ports, of which only the ports' events tell.
func TestWatchMasters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		speed := uint64(1e9)
		w := &watcher{
			dump: func() ([]Link, error) {
				return []Link{{Index: 1, Name: "br0"}, {Index: 2, Name: "eth0", Master: 1}}, nil
			},
			probe: func(_, l *Link) { l.Speed = speed },
		}
		watched(t, w, s)
		speed = 10e9
		s.says <- linkMessage(unix.RTM_NEWLINK, unix.AF_UNSPEC, 2, "eth0") // no longer a port
		synctest.Wait()
		want := []Link{{Index: 1, Name: "br0", Speed: 10e9}, {Index: 2, Name: "eth0", Speed: 10e9}}
		if diff := cmp.Diff(want, values(w.set.load())); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParseLinkNoNews(t *testing.T) {
	wireless := message(unix.RTM_NEWLINK, 0, append(make([]byte, unix.SizeofIfInfomsg), 4, 0, unix.IFLA_WIRELESS, 0))
	wireless[unix.SizeofNlMsghdr+4] = 1
	if changes, err := appendLinkChanges(nil, wireless); err != nil || len(changes) != 0 {
		t.Errorf("wireless event: %v, %v", changes, err)
	}
	for _, index := range []byte{0, 0x80} {
		bad := linkMessage(unix.RTM_NEWLINK, unix.AF_UNSPEC, 0, "bad")
		bad[unix.SizeofNlMsghdr+7] = index
		if _, err := appendLinkChanges(nil, bad); !errors.Is(err, errMalformed) {
			t.Errorf("index of sign %#x: error %v", index, err)
		}
	}
}

func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var reads []time.Duration
		begin := time.Now()
		speed := uint64(1e9)
		sample(ctx, func() *Links { return &Links{List: []*Link{{Index: 1, Speed: speed}}} }, func() {
			reads = append(reads, time.Since(begin).Round(time.Second))
			speed = 250e6 // renegotiated: the next is due later
		})
		if diff := cmp.Diff([]time.Duration{9 * time.Second, 43 * time.Second}, reads); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConnector(t *testing.T) {
	sys := t.TempDir()
	for _, name := range []string{"eth0/device", "eth1", "eth2/device"} {
		if err := os.MkdirAll(filepath.Join(sys, "class/net", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, index := range map[string]string{"eth0": "2\n", "eth1": "3\n", "eth2": "4\n"} {
		if err := os.WriteFile(filepath.Join(sys, "class/net", name, "ifindex"), []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &prober{sys: sys}
	tests := []struct {
		name string
		link Link
		want Presence
	}{
		{"the kernel told", Link{Index: 9, Name: "eth9", Connector: Present}, Present},
		{"hardware", Link{Index: 2, Name: "eth0"}, Present},
		{"none", Link{Index: 3, Name: "eth1"}, Absent},
		{"sysfs of another namespace", Link{Index: 2, Name: "eth2"}, PresenceUnknown},
		{"not in sysfs", Link{Index: 7, Name: "eth7"}, PresenceUnknown},
		{"virtual", Link{Index: 2, Name: "eth0", Kind: "veth"}, Absent},
		{"loopback", Link{Index: 1, Name: "lo", Type: TypeLoopback}, Absent},
	}
	for _, test := range tests {
		if got := p.connector(&test.link); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
