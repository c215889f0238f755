package machine

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// oneLink plays a kernel that has link 7, whose writes it takes, ignores or refuses.
func oneLink(t *testing.T, write func(l *Link, body []byte) syscall.Errno) kernel {
	l := Link{Index: 7, Alias: "former"}
	return kernel{answer: func(b []byte) [][]byte {
		body := b[unix.SizeofNlMsghdr:]
		errno := syscall.Errno(0)
		var out [][]byte
		switch kind := binary.NativeEndian.Uint16(b[4:]); {
		case binary.NativeEndian.Uint32(body[4:]) != l.Index:
			errno = unix.ENODEV
		case kind == unix.RTM_GETLINK:
			answer := linkHeader(l.Index)
			binary.NativeEndian.PutUint32(answer[8:], uint32(l.Flags))
			answer = binary.NativeEndian.AppendUint16(answer, uint16(unix.SizeofNlAttr+len(l.Alias)))
			answer = binary.NativeEndian.AppendUint16(answer, unix.IFLA_IFALIAS)
			answer = append(answer, l.Alias...)
			out = append(out, message(unix.RTM_NEWLINK, 0, append(answer, make([]byte, align(len(answer))-len(answer))...)))
		case kind == unix.RTM_NEWLINK:
			errno = write(&l, body)
		default:
			t.Errorf("request of type %d", kind)
		}
		return append(out, message(unix.NLMSG_ERROR, 0, append(code(errno), b...)))
	}}
}

func takes(l *Link, body []byte) syscall.Errno {
	flags, change := binary.NativeEndian.Uint32(body[8:]), binary.NativeEndian.Uint32(body[12:])
	l.Flags = l.Flags&^LinkFlags(change) | LinkFlags(flags&change)
	for a := (attributes{rest: body[unix.SizeofIfInfomsg:]}); a.next(); {
		if a.kind == unix.IFLA_IFALIAS {
			l.Alias = a.text()
		}
	}
	return 0
}

func TestKernelWriterOfLinks(t *testing.T) {
	refuses := func(errno syscall.Errno) func(*Link, []byte) syscall.Errno {
		return func(*Link, []byte) syscall.Errno { return errno }
	}
	tests := []struct {
		name  string
		write func(*Link, []byte) syscall.Errno
		index uint32
		want  error
	}{
		{"taken", takes, 7, nil},
		{"no such link", takes, 8, fs.ErrNotExist},
		{"no right", refuses(unix.EPERM), 7, fs.ErrPermission},
		{"busy", refuses(unix.EBUSY), 7, unix.EBUSY},
		{"acknowledged and not done", refuses(0), 7, errUnchanged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := oneLink(t, tt.write).conn(t)
			asked := 0
			// Nobody hears of events: a change is done all the same.
			k := &kernelWriter{route: netlinkConn{dial: c.dial}, links: new(linkSet), ask: func(uint32) error { asked++; return os.ErrClosed }}
			defer k.route.Close()
			for name, set := range map[string]func() (Undo, error){
				"up":    func() (Undo, error) { return k.SetLinkUp(t.Context(), tt.index, true) },
				"alias": func() (Undo, error) { return k.SetLinkAlias(t.Context(), tt.index, "new") },
			} {
				undo, err := set()
				if !errors.Is(err, tt.want) || (undo == nil) != (err != nil) {
					t.Fatalf("%s: %v", name, err)
				}
				if err != nil {
					continue
				}
				if err := undo(t.Context()); err != nil {
					t.Errorf("%s: taking it back: %v", name, err)
				}
			}
			if tt.want != nil {
				return
			}
			if l, err := k.link(7); err != nil || l.Up() || l.Alias != "former" || asked != 4 {
				t.Errorf("after all was taken back: %+v, %v, asked %d times", l, err, asked)
			}
		})
	}
}

func TestSysctls(t *testing.T) {
	proc := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(proc, "sys/net/ipv4", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(proc, "sys/net/ipv4", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b)) + "\n" // a sysctl has no end to cut off
	}
	m, err := New(t.Context(), Options{Proc: proc})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	w := m.Writer()
	if _, err := w.SetIPv4DefaultTTL(t.Context(), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a kernel without IPv4: %v", err)
	}
	if _, err := w.SetIPv4Forwarding(t.Context(), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a kernel without IPv4: %v", err)
	}
	write("ip_default_ttl", "64\n", 0o600)
	write("ip_forward", "1\n", 0o600)
	write("conf/all/accept_redirects", "0\n", 0o600)
	write("conf/eth0/forwarding", "0\n", 0o600)

	now := time.Now()
	if s, err := m.Reading(now, false).IPv4Settings(t.Context()); err != nil || s.DefaultTTL != 64 || s.Forwarding != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	ttl, err := w.SetIPv4DefaultTTL(t.Context(), 255)
	if err != nil || read("ip_default_ttl") != "255\n" {
		t.Errorf("%v, %q", err, read("ip_default_ttl"))
	}
	forwarding, err := w.SetIPv4Forwarding(t.Context(), false)
	if err != nil || read("ip_forward") != "0\n" {
		t.Errorf("%v, %q", err, read("ip_forward"))
	}
	// A Reading of before is not used again.
	if s, err := m.Reading(now, false).IPv4Settings(t.Context()); err != nil || s.DefaultTTL != 255 || s.Forwarding != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	write("conf/eth0/forwarding", "1\n", 0o600) // as the kernel does
	if err := errors.Join(forwarding(t.Context()), ttl(t.Context())); err != nil {
		t.Error(err)
	}
	if read("ip_forward") != "1\n" || read("conf/eth0/forwarding") != "0\n" || read("ip_default_ttl") != "64\n" {
		t.Error("not taken back")
	}
	if s, err := m.Reading(now, false).IPv4Settings(t.Context()); err != nil || s.DefaultTTL != 64 || s.Forwarding != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAwait(t *testing.T) {
	var s linkSet
	s.replace([]Link{{Index: 1}}, time.Time{})
	seen := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	wait := func() {
		seen <- s.await(ctx, func(l *Links) bool { x, ok := l.ByIndex(1); return ok && x.Alias == "new" })
	}
	go wait()
	s.apply([]linkChange{{link: Link{Index: 1, Alias: "other"}}}, time.Time{})
	s.apply([]linkChange{{link: Link{Index: 1, Alias: "new"}}}, time.Time{})
	if err := <-seen; err != nil {
		t.Error(err)
	}
	if wait(); <-seen != nil {
		t.Error("what is there already is waited for")
	}
	s.apply([]linkChange{{link: Link{Index: 1}}}, time.Time{})
	go wait()
	cancel()
	if err := <-seen; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
