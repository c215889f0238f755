package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/alert"
	"walkabout/internal/journal"
)

// Name is the name of a Dispatcher to the alert.Manager.
const Name = "notify"

// Alerts is what a Dispatcher asks how alerts stand, and what became of them: an alert.Manager.
type Alerts interface {
	Alerts() []alert.Alert
	History(q alert.HistoryQuery) ([]alert.Transition, error)
}

// Options are what a Dispatcher works with.
type Options struct {
	Dir       string // of the books; "": nothing outlives the program
	Receivers []Receiver
	Mirrors   []MirrorOptions
	Log       *slog.Logger // nil: slog.Default
	FS        journal.FS   // of the books; nil: the machine's
}

// Dispatcher is an alert.Notifier that hands what it is told to all receivers. Each has a goroutine and a book of its own: one that is dead holds
// up no other.
type Dispatcher struct {
	dir string
	fs  journal.FS
	log *slog.Logger

	mu        sync.Mutex
	receivers []*receiver
	mirrors   []*mirror
	alerts    Alerts // nil: not started
}

// Open reads the books. What the Dispatcher is told from then on is in them; it is sent from Start on.
func Open(o Options) (*Dispatcher, error) {
	d := &Dispatcher{dir: o.Dir, fs: o.FS, log: cmp.Or(o.Log, slog.Default())}
	if d.fs == nil {
		d.fs = journal.System()
	}
	if d.dir != "" {
		if err := os.MkdirAll(d.dir, 0o700); err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
	}
	if err := d.Configure(o.Receivers, o.Mirrors); err != nil {
		return nil, err
	}
	d.tellOfAbsent()
	return d, nil
}

// Name implements alert.Notifier.
func (d *Dispatcher) Name() string { return Name }

// Notify implements alert.Notifier. It returns when ts are in all books on disk.
func (d *Dispatcher) Notify(_ context.Context, ts []alert.Transition) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, r := range d.receivers {
		errs = append(errs, r.take(ts))
	}
	for _, m := range d.mirrors {
		m.poke()
	}
	return errors.Join(errs...)
}

// Start starts to send. alerts says how alerts stand.
func (d *Dispatcher) Start(alerts Alerts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alerts = alerts
	for _, r := range d.receivers {
		d.begin(r)
	}
	for _, m := range d.mirrors {
		m.start(alerts)
	}
}

func (d *Dispatcher) begin(r *receiver) {
	ctx, cancel := context.WithCancel(context.Background())
	r.closing, r.ended, r.cancel = make(chan struct{}), make(chan struct{}), cancel
	go r.run(ctx, d.alerts)
}

// halt ends r's goroutine. What was on its way may be sent again, under the same ID.
func (r *receiver) halt() {
	if r.cancel != nil {
		r.cancel()
		<-r.ended
	}
}

// Configure makes these the receivers and mirrors. One of the same name goes on with what it has in its book; without a Sender it goes on with the
// one that it has, and is not interrupted. The books of those that are gone stay on disk.
func (d *Dispatcher) Configure(receivers []Receiver, mirrors []MirrorOptions) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	made, err := d.openNew(receivers)
	if err != nil {
		return err
	}
	before := d.receivers
	var next []*receiver
	for _, c := range receivers {
		old := d.find(c.Name)
		if old != nil && c.Sender == nil {
			old.obey(c.Policy)
			next = append(next, old)
			continue
		}
		r := &receiver{name: c.Name, sender: c.Sender, log: d.log.With("notifier", c.Name), wake: make(chan struct{}, 1), book: made[c.Name]}
		if old != nil {
			old.halt()
			r.book = old.book
			r.obey(c.Policy)
		}
		if d.alerts != nil {
			d.begin(r)
		}
		next = append(next, r)
	}
	d.receivers = next
	for _, r := range before {
		if slices.Contains(next, r) {
			continue
		}
		r.halt()
		r.sender.Close()
		if d.find(r.name) != nil {
			continue // its book is another's now
		}
		r.book.close()
		if n := r.read().Waiting; n > 0 {
			r.log.Warn("a notifier is gone; what it was not yet told is kept in its file", "waiting", n, "path", bookPath(d.dir, r.name))
		}
	}
	d.reflect(mirrors)
	return nil
}

// openNew returns the books of those of list that are not receivers yet, by their names.
func (d *Dispatcher) openNew(list []Receiver) (made map[string]*book, err error) {
	made = map[string]*book{}
	defer func() {
		if err != nil {
			for _, b := range made {
				b.close()
			}
		}
	}()
	for i, c := range list {
		if slices.ContainsFunc(list[:i], func(o Receiver) bool { return o.Name == c.Name }) {
			return made, fmt.Errorf("notify: two notifiers are called %q", c.Name)
		}
		if d.find(c.Name) != nil {
			continue
		}
		if c.Sender == nil {
			return made, fmt.Errorf("notify: %q has no sender", c.Name)
		}
		if made[c.Name], err = d.open(c); err != nil {
			delete(made, c.Name)
			return made, err
		}
	}
	return made, nil
}

// obey makes p what r works by.
func (r *receiver) obey(p Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.book.policy = p
	select {
	case r.wake <- struct{}{}: // it may be due sooner by p
	default:
	}
}

func (d *Dispatcher) find(name string) *receiver {
	for _, r := range d.receivers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// open returns the book of c.
func (d *Dispatcher) open(c Receiver) (*book, error) {
	b := newBook(c.Name, c.Policy)
	if d.dir == "" {
		return b, nil
	}
	path := bookPath(d.dir, c.Name)
	damaged, err := b.open(d.fs, path)
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if damaged != nil {
		d.log.Error("a part of what a notifier was to be told is lost; a copy of its file is kept", "notifier", c.Name, "err", damaged, "path", path+corruptSuffix)
	}
	if err := b.adopt(strings.TrimSuffix(path, bookSuffix) + ".json"); err != nil {
		d.log.Error("what a notifier was to be told by an earlier release is lost", "notifier", c.Name, "err", err)
	}
	b.fit(time.Now())
	return b, nil
}

// tellOfAbsent says which books wait for receivers that are not configured.
func (d *Dispatcher) tellOfAbsent() {
	if d.dir == "" {
		return
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		d.log.Warn("notify: reading the folder of what waits", "err", err)
		return
	}
	for _, e := range entries {
		path := filepath.Join(d.dir, e.Name())
		if !strings.HasSuffix(path, bookSuffix) || slices.ContainsFunc(d.receivers, func(r *receiver) bool { return bookPath(d.dir, r.name) == path }) {
			continue
		}
		b := newBook("", Policy{})
		j, _, err := journal.OpenFS(d.fs, path, b.apply)
		if err != nil {
			d.log.Warn("notify: reading what waits", "err", err)
			continue
		}
		_ = j.Close()
		if b.waiting() > 0 {
			d.log.Warn("notifications wait for a notifier that is not configured; remove the file if it does not come back", "path", path, "waiting", b.waiting())
		}
	}
}

// Stats returns the figures of each receiver and mirror.
func (d *Dispatcher) Stats() []Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Stats
	for _, r := range d.receivers {
		all = append(all, r.read())
	}
	for _, m := range d.mirrors {
		all = append(all, m.read())
	}
	return all
}

// Close tells what waits as long as ctx allows and the receivers are well; the rest is kept for the next start. It returns when no goroutine is
// left. It is called once, when Notify no longer is.
func (d *Dispatcher) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.alerts != nil {
		for _, r := range d.receivers {
			close(r.closing)
		}
		for _, m := range d.mirrors {
			m.stop()
		}
	}
	var errs []error
	left := 0
	for _, r := range d.receivers {
		if d.alerts != nil {
			release := context.AfterFunc(ctx, r.cancel)
			<-r.ended
			release()
			r.cancel()
		}
		r.sender.Close()
		r.mu.Lock()
		errs = append(errs, r.save())
		left += r.book.waiting()
		r.book.close()
		r.mu.Unlock()
	}
	err := errors.Join(errs...)
	switch {
	case left == 0:
	case d.dir == "" || err != nil:
		err = errors.Join(err, fmt.Errorf("notify: undelivered notifications are lost: %d", left))
	default:
		d.log.Warn("undelivered notifications are kept for the next start", "count", left)
	}
	return err
}
