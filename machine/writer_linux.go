package machine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// eventPatience is how long the link events may lag behind the kernel's acknowledgement before a change is called done without them.
const eventPatience = time.Second

// kernelWriter is Linux' Writer: links by rtnetlink, the IPv4 stack by sysctl.
type kernelWriter struct {
	route  netlinkConn              // its own: bringing a link up may take a driver seconds
	sysctl string                   // the folder net/ipv4 of the sysctls
	links  *linkSet                 // shows what link events tell
	ask    func(index uint32) error // has the events tell of a link once more
}

// errUnchanged means that the kernel acknowledged a change and does not show it.
var errUnchanged = errors.New("the kernel acknowledged it, and did not do it")

func (k *kernelWriter) SetLinkUp(ctx context.Context, index uint32, up bool) (Undo, error) {
	word := "down"
	var flags LinkFlags
	if up {
		word, flags = "up", FlagUp
	}
	body := linkHeader(index)
	binary.NativeEndian.PutUint32(body[8:], uint32(flags))
	binary.NativeEndian.PutUint32(body[12:], uint32(FlagUp)) // ifi_change: no other flag
	before, err := k.setLink(ctx, index, body, func(l *Link) bool { return l.Up() == up })
	if err != nil {
		return nil, writeError(fmt.Sprintf("set link %d %s", index, word), err)
	}
	return func(ctx context.Context) error {
		if before.Up() == up {
			return nil
		}
		_, err := k.SetLinkUp(ctx, index, !up)
		return err
	}, nil
}

func (k *kernelWriter) SetLinkAlias(ctx context.Context, index uint32, alias string) (Undo, error) {
	body := linkHeader(index)
	body = binary.NativeEndian.AppendUint16(body, uint16(unix.SizeofNlAttr+len(alias)))
	body = binary.NativeEndian.AppendUint16(body, unix.IFLA_IFALIAS)
	body = append(body, alias...)
	body = append(body, make([]byte, align(len(body))-len(body))...)
	before, err := k.setLink(ctx, index, body, func(l *Link) bool { return l.Alias == alias })
	if err != nil {
		return nil, writeError(fmt.Sprintf("set the alias of link %d", index), err)
	}
	return func(ctx context.Context) error {
		_, err := k.SetLinkAlias(ctx, index, before.Alias)
		return err
	}, nil
}

// linkHeader returns a struct ifinfomsg (rtnetlink(7)) that names a link.
func linkHeader(index uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	return b
}

// setLink sends an RTM_NEWLINK for an existing link, asks the kernel whether the link is as done wants it, and returns what it was
// before. The answer to that is not published: only the watcher publishes links, in the order of the kernel's events.
func (k *kernelWriter) setLink(ctx context.Context, index uint32, body []byte, done func(*Link) bool) (before Link, err error) {
	if before, err = k.link(index); err != nil {
		return before, err
	}
	if err := k.route.do(unix.RTM_NEWLINK, body, nil); err != nil {
		return before, err
	}
	after, err := k.link(index)
	if err != nil {
		return before, err
	}
	if !done(&after) {
		return before, errUnchanged
	}
	ctx, cancel := context.WithTimeout(ctx, eventPatience)
	defer cancel()
	// The change is made, seen or not: no event socket, or none that is heard in time, is the watcher's fault to tell.
	if k.ask(index) == nil {
		_ = k.links.await(ctx, func(l *Links) bool {
			now, ok := l.ByIndex(index)
			return !ok || done(now)
		})
	}
	return before, nil
}

// link reads one link.
func (k *kernelWriter) link(index uint32) (l Link, err error) {
	err = k.route.do(unix.RTM_GETLINK, linkHeader(index), func(kind uint16, b []byte) error {
		if kind != unix.RTM_NEWLINK {
			return nil
		}
		l, err = parseLink(b)
		return err
	})
	switch {
	case errors.Is(err, unix.ENODEV):
		return l, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case err == nil && l.Index != index:
		return l, fmt.Errorf("%w: the kernel told of link %d", errMalformed, l.Index)
	}
	return l, err
}

func (k *kernelWriter) SetIPv4DefaultTTL(_ context.Context, hops uint8) (Undo, error) {
	before, err := k.setSysctl("ip_default_ttl", strconv.Itoa(int(hops)))
	if err != nil {
		return nil, err
	}
	return func(context.Context) error {
		_, err := k.setSysctl("ip_default_ttl", before)
		return err
	}, nil
}

func (k *kernelWriter) SetIPv4Forwarding(_ context.Context, on bool) (Undo, error) {
	value := "0"
	if on {
		value = "1"
	}
	// What the kernel changes along with it (inet_forward_change in net/ipv4/devinet.c).
	settings, err := filepath.Glob(filepath.Join(k.sysctl, "conf", "*", "forwarding"))
	if err != nil {
		return nil, writeError("read the links' settings", err)
	}
	settings = append(settings, filepath.Join(k.sysctl, "conf", "all", "accept_redirects"))
	former := make(map[string]string, len(settings))
	for _, path := range settings {
		if b, err := os.ReadFile(path); err == nil { // else its link is gone
			former[path] = string(bytes.TrimSpace(b))
		}
	}
	before, err := k.setSysctl("ip_forward", value)
	if err != nil {
		return nil, err
	}
	return func(context.Context) error {
		if before == value {
			return nil
		}
		_, err := k.setSysctl("ip_forward", before)
		errs := []error{err}
		for path, text := range former {
			name, err := filepath.Rel(k.sysctl, path)
			if err == nil {
				_, err = k.setSysctl(name, text)
			}
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}, nil
}

// setSysctl writes a sysctl unless it says so already, and returns what it said.
func (k *kernelWriter) setSysctl(name, value string) (before string, err error) {
	path := filepath.Join(k.sysctl, filepath.FromSlash(name))
	what := "set " + path
	b, err := os.ReadFile(path)
	if err != nil {
		return "", writeError(what, err)
	}
	if before = string(bytes.TrimSpace(b)); before == value {
		return before, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return before, writeError(what, err)
	}
	_, err = f.WriteString(value + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return before, writeError(what, err)
	}
	if b, err = os.ReadFile(path); err == nil && string(bytes.TrimSpace(b)) != value {
		err = errUnchanged
	}
	return before, writeError(what, err)
}
