package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// linkStats6 reads /proc/net/dev_snmp6/NAME. Of a link that is not there, or has no IPv6, nothing is known. rtnetlink tells the same numbers for
// a fraction of the cost (IFLA_INET6_STATS), but without their names: what stands where changed with Linux 6.15, and may again.
func (s *linuxSource) linkStats6(index uint32, at time.Time) (LinkStats6, error) {
	none := LinkStats6{Stats: &Stats{}}
	link := s.set.find(index)
	if link == nil {
		return none, nil
	}
	b, err := os.ReadFile(filepath.Join(s.proc, "net/dev_snmp6", filepath.Base(link.Name)))
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	if line, _ := cutLine(b); !isLine(line, "ifIndex", uint64(index)) {
		return none, nil // its name is now another's
	}
	stats, err := parseSNMP6(b)
	if err != nil {
		return none, fmt.Errorf("dev_snmp6 of link %d: %w", index, err)
	}
	stats.Wide = true
	return LinkStats6{Stats: stats, Discontinuity: s.ipv6.follow(link, stats, at)}, nil
}

// isLine reports whether line is that name and number.
func isLine(line []byte, name string, n uint64) bool {
	if string(nextField(&line)) != name {
		return false
	}
	got, ok := parseNumber(nextField(&line))
	return ok && got == n
}

// inet6Tracker sees the counters of links go back: IPv6 forgets what it had of a link that was taken from it for a while.
type inet6Tracker struct {
	mu    sync.Mutex
	links map[uint32]inet6Latest
}

type inet6Latest struct {
	created, discontinuity time.Time
	in, out                uint64
}

// maxInet6Links is when what is remembered of links that are no more is thrown away.
const maxInet6Links = 1 << 14

// follow returns the discontinuity of l's counters.
func (t *inet6Tracker) follow(l *Link, stats *Stats, at time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := inet6Latest{created: l.Created, discontinuity: l.Created}
	now.in, _ = stats.Get(IP6InReceives)
	now.out, _ = stats.Get(IP6OutRequests)
	if old, ok := t.links[l.Index]; ok && old.created.Equal(l.Created) {
		now.discontinuity = old.discontinuity
		if now.in < old.in || now.out < old.out {
			now.discontinuity = at
		}
	}
	if t.links == nil || len(t.links) > maxInet6Links {
		t.links = make(map[uint32]inet6Latest)
	}
	t.links[l.Index] = now
	return now.discontinuity
}
