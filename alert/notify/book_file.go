package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"walkabout/internal/journal"
)

// bookVersion is the format of a book on disk.
const bookVersion = 1

// alertsALine is how many alerts have one line when a book's file begins anew.
const alertsALine = 100

// bookSuffix is behind the name of a receiver in that of its file.
const bookSuffix = ".journal"

// bookPath returns where the book of a receiver is kept in dir.
func bookPath(dir, name string) string { return filepath.Join(dir, url.PathEscape(name)+bookSuffix) }

// errBook is wrapped by the error of a book that makes no sense, or a line of one.
var errBook = errors.New("the file of what a notifier is to be told makes no sense")

// change is a line of a book's file: how parts of it are from then on.
type change struct {
	Version int               `json:"version"`          // 1
	Alerts  map[string]*entry `json:"alerts,omitempty"` // by fingerprint; null: forgotten
	Groups  map[string]*group `json:"groups,omitempty"` // by key; null: forgotten
	Outbox  []*draft          `json:"outbox,omitempty"` // composed
	Tried   map[string]tries  `json:"tried,omitempty"`  // by the ID of a message that failed
	Gone    []string          `json:"gone,omitempty"`   // IDs of messages that left the outbox
	Seen    []string          `json:"seen,omitempty"`   // taken in
	Tokens  float64           `json:"tokens"`
	At      time.Time         `json:"tokens_at,omitzero"`
	Lost    int               `json:"lost,omitempty"`
}

// changed is what of a book is not as it is on disk, besides what every change has.
type changed struct {
	alerts, groups, tried map[string]bool
	composed              []*draft
	gone, seen            []string
}

func newChanged() changed {
	return changed{alerts: map[string]bool{}, groups: map[string]bool{}, tried: map[string]bool{}}
}

func (b *book) touchAlert(fingerprint string) { b.dirty, b.changed.alerts[fingerprint] = true, true }
func (b *book) touchGroup(key string)         { b.dirty, b.changed.groups[key] = true, true }
func (b *book) touchTries(d *draft)           { b.dirty, b.changed.tried[d.ID] = true, true }

// open reads the book at path, or begins one, and goes on writing there. damaged, which wraps errBook, says what of it made no sense; it was put aside.
func (b *book) open(fsys journal.FS, path string) (damaged, err error) {
	j, damage, err := journal.OpenFS(fsys, path, b.apply)
	if err != nil {
		return nil, err
	}
	b.journal = j
	size, _ := j.Size()
	if b.anew = size == 0; b.anew && damage.Cut > 0 { // the first line is written before the file has its name
		damage.Err = errBook
	}
	if damage.Err == nil {
		return nil, nil
	}
	b.anew, b.dirty = true, true
	damaged = fmt.Errorf("%w: %w", errBook, damage.Err)
	if err := j.Aside(path + corruptSuffix); err != nil {
		damaged = fmt.Errorf("%w; it could not be kept aside: %w", damaged, err)
	}
	return damaged, nil
}

// adopt has a book that holds nothing yet take over a file of before there were lines, which is as one line that says it all.
func (b *book) adopt(path string) error {
	if size, _ := b.journal.Size(); size > 0 {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = b.apply(data)
	}
	if err != nil {
		return err
	}
	b.dirty = true
	if err := b.save(); err != nil {
		return err
	}
	_ = os.Remove(path) // it is not read again in any case
	return nil
}

// corruptSuffix is behind the name of a copy of a book that made no sense.
const corruptSuffix = ".corrupt"

// apply takes a line.
func (b *book) apply(data []byte) error {
	var c change
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Version != bookVersion {
		return fmt.Errorf("version %d; this program reads %d", c.Version, bookVersion)
	}
	for _, d := range c.Outbox {
		if d == nil || d.ID == "" || len(d.Items) == 0 {
			return errors.New("a message without content")
		}
	}
	put(b.Alerts, c.Alerts)
	put(b.Groups, c.Groups)
	b.Outbox = append(b.Outbox, c.Outbox...)
	b.Outbox = slices.DeleteFunc(b.Outbox, func(d *draft) bool { return slices.Contains(c.Gone, d.ID) })
	for _, d := range b.Outbox {
		if t, ok := c.Tried[d.ID]; ok {
			d.tries = t
		}
	}
	for _, id := range c.Seen {
		b.note(id)
	}
	b.Tokens, b.At, b.Lost = c.Tokens, c.At, c.Lost
	return nil
}

// put makes what is in from so in m; what is null there is deleted.
func put[T any](m, from map[string]*T) {
	for key, v := range from {
		if v == nil {
			delete(m, key)
		} else {
			m[key] = v
		}
	}
}

// fit takes back times that lie further ahead of now than the policy could have set them: the clock was ahead when they were written, and nobody
// would be told until it is there again. What waits in no group, as a line was lost, is told now.
func (b *book) fit(now time.Time) {
	atMost := func(t *time.Time, ahead time.Duration) bool {
		last := now.Add(ahead)
		late := t.After(last)
		if late {
			*t = last
		}
		return late
	}
	if atMost(&b.At, 0) {
		b.dirty = true
	}
	var longest time.Duration
	for _, f := range b.policy.Feeds {
		longest = max(longest, f.After)
	}
	for fp, e := range b.Alerts {
		late := atMost(&e.ToldAt, 0)
		late = atMost(&e.CheckAt, lookAgain) || late
		for i := range e.Escalate {
			late = atMost(&e.Escalate[i], longest) || late
		}
		if late {
			b.touchAlert(fp)
		}
		if g := b.Groups[e.Group]; len(e.Pending) > 0 && (g == nil || g.Due.IsZero()) {
			_, name := b.policy.group(&e.Pending[0].Alert)
			b.Groups[e.Group] = &group{Name: name, Due: now}
			b.touchGroup(e.Group)
		}
	}
	for key, g := range b.Groups {
		late := atMost(&g.Sent, 0)
		if atMost(&g.Due, max(b.policy.GroupWait, b.policy.GroupInterval)) || late {
			b.touchGroup(key)
		}
	}
}

// save writes what changed: after a crash at any moment the file holds the book as it was before or as it is.
func (b *book) save() (err error) {
	if !b.dirty {
		return nil
	}
	switch {
	case b.journal == nil:
	case b.anew || b.journal.WantsRewrite():
		err = b.journal.Rewrite(b.whole)
	default:
		err = b.append()
	}
	b.anew, b.dirty, b.changed = err != nil, err != nil, newChanged() // all of it is to be written once the disk is well
	if err != nil {
		return fmt.Errorf("notify: writing what %s is to be told: %w", b.name, err)
	}
	return nil
}

// line returns a change that has what every one has.
func (b *book) line() change {
	return change{Version: bookVersion, Tokens: b.Tokens, At: b.At, Lost: b.Lost}
}

// append writes what changed as one line.
func (b *book) append() error {
	c := b.line()
	c.Outbox, c.Gone, c.Seen = b.changed.composed, b.changed.gone, b.changed.seen
	c.Alerts, c.Groups, c.Tried = map[string]*entry{}, map[string]*group{}, map[string]tries{}
	for fp := range b.changed.alerts {
		c.Alerts[fp] = b.Alerts[fp]
	}
	for key := range b.changed.groups {
		c.Groups[key] = b.Groups[key]
	}
	for _, d := range b.Outbox {
		if b.changed.tried[d.ID] {
			c.Tried[d.ID] = d.tries
		}
	}
	data, err := json.Marshal(&c)
	if err != nil {
		return err
	}
	return b.journal.Append(data)
}

// whole emits all of the book.
func (b *book) whole(emit func([]byte) error) error {
	write := func(c change) error {
		data, err := json.Marshal(&c)
		if err != nil {
			return err
		}
		return emit(data)
	}
	c := b.line()
	c.Groups, c.Seen = b.Groups, b.Seen
	if err := write(c); err != nil {
		return err
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(b.Alerts)), alertsALine) {
		c := b.line()
		c.Alerts = map[string]*entry{}
		for _, fp := range part {
			c.Alerts[fp] = b.Alerts[fp]
		}
		if err := write(c); err != nil {
			return err
		}
	}
	for _, d := range b.Outbox {
		c := b.line()
		c.Outbox = []*draft{d}
		if err := write(c); err != nil {
			return err
		}
	}
	return nil
}

// close closes the file; what save wrote is on disk already.
func (b *book) close() {
	if b.journal != nil {
		_ = b.journal.Close()
	}
}
