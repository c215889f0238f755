package store

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"

	"walkabout/exporters"
)

// The database trusts clocks: what comes with a time far ahead makes all that follows too old, and all that was before expire. So
//   - samples of the future are rejected;
//   - when the clock turns out to be behind what is stored, which is either because it was ahead then or because it is wrong now, what comes waits in the
//     spool for a while; after that, what is of the future is put aside;
//   - when the clock jumps, nothing expires for a day, nor when it turns out to be a day ahead of what is stored, as after a start with a wrong clock, or a
//     long rest.
const (
	aheadMost     = time.Hour        // a sample may be of the future by so much
	behindMost    = 3 * time.Hour    // the clock may be behind what is stored by so much; blocks end at multiples of two hours
	clockPatience = 15 * time.Minute // that a clock has to return to what is stored
	jumpLeast     = time.Hour        // a difference between the clock and the time that passed, to be called a jump
	jumpPause     = 24 * time.Hour
)

// clock tells jumps of the system's clock from time that passes.
type clock struct {
	mu     sync.Mutex
	begun  time.Time     // with a monotonic reading
	offset time.Duration // of the clock's time since then to the time that passed
	jumped time.Duration // when it jumped, since then; 0 if it never did
}

func newClock() *clock { return &clock{begun: time.Now()} }

// steady reports whether the clock has not jumped within the last day. now has a monotonic reading.
func (c *clock) steady(now time.Time) bool {
	return c.agrees(now.Round(0).Sub(c.begun.Round(0)), now.Sub(c.begun))
}

// agrees is steady for what the clock went on since the begin, and what passed.
func (c *clock) agrees(told, passed time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := told - passed - c.offset; d > jumpLeast || d < -jumpLeast {
		c.offset, c.jumped = told-passed, max(passed, 1)
	}
	return c.jumped == 0 || passed-c.jumped > jumpPause
}

// jump takes note that the clock may have jumped just now.
func (c *clock) jump(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumped = max(now.Sub(c.begun), 1)
}

// expired chooses the blocks to be removed: those that have become a part of others, and the oldest beyond the retention and the size. It is called once
// a minute.
func (s *Store) expired(blocks []*tsdb.Block) map[ulid.ULID]struct{} {
	out := map[ulid.ULID]struct{}{}
	slices.SortFunc(blocks, func(a, b *tsdb.Block) int { return int(min(max(b.MaxTime()-a.MaxTime(), -1), 1)) })
	now := time.Now()
	if len(blocks) > 0 && now.Sub(time.UnixMilli(blocks[0].MaxTime())) > jumpPause {
		s.clock.jump(now)
	}
	end := int64(math.MinInt64)
	if s.clock.steady(now) {
		end = now.Add(-s.options.Retention).UnixMilli()
	}
	size := s.headSize()
	for _, b := range blocks {
		meta := b.Meta()
		size += b.Size()
		if meta.Compaction.Deletable || meta.MaxTime <= end || size > s.options.MaxSize {
			out[meta.ULID] = struct{}{}
		}
	}
	return out
}

// headSize returns the octets of what is in no block yet, on disk.
func (s *Store) headSize() int64 {
	s.mu.Lock()
	db := s.db
	s.mu.Unlock()
	if db == nil { // it is being opened
		return 0
	}
	return db.Head().Size()
}

// checkClock returns an error while it is to be seen whether the clock is wrong or what is stored is.
func (e *Exporter) checkClock() error {
	s := e.store
	db, err := s.use()
	if err != nil {
		return &exporters.RetryError{Reason: "opening", Err: err}
	}
	newest := db.Head().MaxTime()
	s.done()
	now := time.Now()
	ahead := time.UnixMilli(newest).Sub(now)
	if newest == math.MinInt64 || ahead <= behindMost {
		e.behind = time.Time{}
		return nil
	}
	if e.behind.IsZero() {
		e.behind = now
		s.log.Warn("the clock is behind what is stored; samples wait in the spool", "stored_until", time.UnixMilli(newest), "for_at_most", clockPatience)
	}
	if waited := now.Sub(e.behind); waited < clockPatience {
		return &exporters.RetryError{Reason: "clock", After: min(clockPatience-waited, time.Minute),
			Err: fmt.Errorf("store: the clock is %v behind what is stored; if it does not return to it, what is of the future is put aside", ahead.Round(time.Second))}
	}
	if err := e.reopen(func(db *tsdb.DB) error { return s.keepUntil(db, now) }); err != nil {
		return e.failed(err)
	}
	e.behind = time.Time{}
	return nil
}

// keepUntil makes a block of what the memory has until now, and puts all that is newer aside.
func (s *Store) keepUntil(db *tsdb.DB, now time.Time) error {
	end := now.UnixMilli()
	if err := db.CompactOOOHead(context.Background()); err != nil {
		return err
	}
	if head := db.Head(); head.MinTime() < end {
		if err := db.CompactHead(tsdb.NewRangeHeadWithIsolationDisabled(head, head.MinTime(), end)); err != nil {
			return err
		}
	}
	if err := db.Close(); err != nil {
		return err
	}
	aside := filepath.Join(s.options.Dir, quarantineFolder, "future-"+now.UTC().Format("20060102T150405"))
	if err := os.MkdirAll(aside, 0o750); err != nil {
		return err
	}
	names := []string{"wal", "wbl", "chunks_head"}
	for _, b := range db.Blocks() {
		if b.MinTime() > end {
			names = append(names, b.Meta().ULID.String())
		}
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(s.options.Dir, name), filepath.Join(aside, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	s.repaired.Add(1)
	s.log.Warn("what was stored with times of the future was put aside", "folder", aside)
	return nil
}
