package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"walkabout/internal/statedir"
)

// bookVersion is the format of a book on disk.
const bookVersion = 1

// mostBook bounds what is read of a book: 10,000 transitions take some 15 MB.
const mostBook = 256 << 20

// bookPath returns where the book of a receiver is kept in dir; "" if none is.
func bookPath(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, url.PathEscape(name)+".json")
}

// errBook is wrapped by the error of a book that makes no sense.
var errBook = errors.New("the file of what a notifier is to be told makes no sense")

// load reads the book at path; no file is an empty book.
func (b *book) load(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > mostBook {
		return fmt.Errorf("%w: larger than %d octets", errBook, mostBook)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return b.decode(data)
}

// decode makes b what encode wrote.
func (b *book) decode(data []byte) error {
	var p page
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("%w: %w", errBook, err)
	}
	if p.Version != bookVersion {
		return fmt.Errorf("%w: version %d; this program reads %d", errBook, p.Version, bookVersion)
	}
	for fp, e := range p.Alerts {
		if e == nil || len(e.Pending) > 0 && p.Groups[e.Group] == nil {
			return fmt.Errorf("%w: alert %q is of no group", errBook, fp)
		}
	}
	for key, g := range p.Groups {
		if g == nil {
			return fmt.Errorf("%w: group %q is empty", errBook, key)
		}
	}
	for _, d := range p.Outbox {
		if d == nil || d.ID == "" || len(d.Items) == 0 {
			return fmt.Errorf("%w: a message without content", errBook)
		}
	}
	if p.Alerts == nil {
		p.Alerts = map[string]*entry{}
	}
	if p.Groups == nil {
		p.Groups = map[string]*group{}
	}
	b.page = p
	for _, id := range p.Seen {
		b.seen[id] = true
	}
	return nil
}

// fit takes back times that lie further ahead of now than the policy could have set them: the clock was ahead when they were written, and nobody
// would be told until it is there again.
func (b *book) fit(now time.Time) {
	atMost := func(t *time.Time, ahead time.Duration) {
		if last := now.Add(ahead); t.After(last) {
			*t, b.dirty = last, true
		}
	}
	atMost(&b.At, 0)
	for _, g := range b.Groups {
		atMost(&g.Sent, 0)
		atMost(&g.Due, max(b.policy.GroupWait, b.policy.GroupInterval))
	}
	var longest time.Duration
	for _, f := range b.policy.Feeds {
		longest = max(longest, f.After)
	}
	for _, e := range b.Alerts {
		atMost(&e.ToldAt, 0)
		atMost(&e.CheckAt, lookAgain)
		for i := range e.Escalate {
			atMost(&e.Escalate[i], longest)
		}
	}
}

func (b *book) encode() ([]byte, error) { return json.Marshal(&b.page) }

// save writes the book to path if it has changed: after a crash at any moment the file holds it as it was before or as it is.
func (b *book) save(path string) error {
	if !b.dirty || path == "" {
		return nil
	}
	data, err := b.encode()
	if err == nil {
		err = statedir.Replace(path, data)
	}
	if err != nil {
		return fmt.Errorf("notify: writing what %s is to be told: %w", b.name, err)
	}
	b.dirty = false
	return nil
}
