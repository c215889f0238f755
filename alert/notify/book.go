package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/internal/journal"
)

const (
	lookAgain   = time.Minute // when what was acknowledged is looked at again
	mostOutbox  = 8           // messages that wait for their retry; what is due beyond them is composed later, and thus together
	mostFollows = 10
	mostSeen    = 4096 // by how many of the last transitions a repetition is known
	expireAfter = 24 * time.Hour
)

// book is what one receiver is to be told, and was. It is deterministic: time is an argument.
type book struct {
	name   string
	policy Policy
	page
	seen  map[string]bool // Seen
	stats Stats

	journal *journal.Journal // nil: page is in memory only
	dirty   bool             // page is not as it is on disk, but for
	changed changed          // unless all of it is to be written
	anew    bool
}

// page is the part of a book that is on disk.
type page struct {
	Alerts map[string]*entry // by fingerprint
	Groups map[string]*group // by key
	Outbox []*draft          // composed and not known to be taken, oldest first
	Tokens float64           // messages that Policy.Rate allows, at At
	At     time.Time
	Seen   []string // IDs of transitions that were taken in, oldest first
	Lost   int      // transitions dropped since the last message
}

// entry is an alert that a receiver is to be told of, or was told of and that still fires.
type entry struct {
	Group    string            `json:"group"`
	Pending  []Item            `json:"pending,omitempty"`  // in the order in which they happened
	Firing   *alert.Transition `json:"firing,omitempty"`   // nil: it ended
	ToldAt   time.Time         `json:"told_at,omitzero"`   // when a message last spoke of it; zero: never
	First    string            `json:"first,omitempty"`    // the ID of the first message that did
	Repeats  int               `json:"repeats,omitempty"`  // reminders and escalations
	Escalate []time.Time       `json:"escalate,omitempty"` // when it is told if nobody has acknowledged it; ascending
	CheckAt  time.Time         `json:"check_at,omitzero"`  // no reminder or escalation before
}

// group is alerts that are told together.
type group struct {
	Name string    `json:"name"`
	Due  time.Time `json:"due,omitzero"`  // when what is pending is told; zero: nothing is
	Sent time.Time `json:"sent,omitzero"` // when a message was last composed
}

// draft is a message that is on its way.
type draft struct {
	Message
	Groups []string `json:"groups"` // keys
	tries
}

// tries is what became of the attempts to send a message.
type tries struct {
	Failures int  `json:"failures,omitempty"`
	Passed   bool `json:"passed,omitempty"` // after it failed the receiver took another
}

// lookup returns an alert as it stands now.
type lookup func(fingerprint string) (alert.Alert, bool)

func newBook(name string, p Policy) *book {
	b := &book{name: name, policy: p, seen: map[string]bool{}, stats: Stats{Name: name}, changed: newChanged()}
	b.Alerts, b.Groups = map[string]*entry{}, map[string]*group{}
	b.Tokens = float64(p.Rate.Messages)
	return b
}

// take takes transitions in. Those that it has had before are passed over.
func (b *book) take(now time.Time, ts []alert.Transition) {
	for _, t := range ts {
		if b.seen[t.ID] {
			continue
		}
		b.note(t.ID)
		b.dirty, b.changed.seen = true, append(b.changed.seen, t.ID)
		if t.State == alert.Firing {
			b.fires(now, t)
		} else {
			b.ends(now, t)
		}
	}
	b.shed()
}

func (b *book) note(id string) {
	b.Seen, b.seen[id] = append(b.Seen, id), true
	if len(b.Seen) > mostSeen {
		delete(b.seen, b.Seen[0])
		b.Seen = slices.Delete(b.Seen, 0, 1)
	}
}

func (b *book) fires(now time.Time, t alert.Transition) {
	direct, after := b.policy.feeds(&t.Alert)
	e := b.Alerts[t.Fingerprint]
	if !direct && len(after) == 0 && (e == nil || e.Firing == nil) {
		return
	}
	if e == nil {
		e = &entry{}
		b.Alerts[t.Fingerprint] = e
	}
	if e.Firing == nil || !e.Firing.FiredAt.Equal(t.FiredAt) { // its end may have passed while the receiver was not configured
		e.Escalate, e.Repeats, e.CheckAt = nil, 0, time.Time{}
		for _, d := range after {
			e.Escalate = append(e.Escalate, t.At.Add(d))
		}
	}
	e.Firing = &t
	b.touchAlert(t.Fingerprint)
	if direct || !e.ToldAt.IsZero() {
		b.pend(now, e, Item{Transition: t}, b.policy.GroupWait)
	}
}

func (b *book) ends(now time.Time, t alert.Transition) {
	e := b.Alerts[t.Fingerprint]
	if e == nil {
		return
	}
	e.Firing, e.Escalate = nil, nil
	b.touchAlert(t.Fingerprint)
	if !b.policy.NoResolved && (len(e.Pending) > 0 || !e.ToldAt.IsZero()) {
		b.pend(now, e, Item{Transition: t}, b.policy.GroupWait)
	}
	b.forget(t.Fingerprint)
}

// forget drops an alert that ended and of which nothing is left to tell.
func (b *book) forget(fingerprint string) {
	if e := b.Alerts[fingerprint]; e != nil && e.Firing == nil && len(e.Pending) == 0 {
		delete(b.Alerts, fingerprint)
		b.touchAlert(fingerprint)
	}
}

// pend lets it be told with its group, after wait at the earliest if the group is quiet now.
func (b *book) pend(now time.Time, e *entry, it Item, wait time.Duration) {
	key, name := b.policy.group(&it.Alert)
	if len(e.Pending) > 0 {
		key = e.Group // its order is kept
	}
	g := b.Groups[key]
	if g == nil {
		g = &group{Name: name}
		b.Groups[key] = g
	}
	e.Group, e.Pending = key, append(e.Pending, it)
	due := now.Add(wait)
	if next := g.Sent.Add(b.policy.GroupInterval); !g.Sent.IsZero() && next.After(due) {
		due = next
	}
	if g.Due.IsZero() || due.Before(g.Due) {
		g.Due = due
	}
	b.touchGroup(key)
}

// shed drops the oldest of what waits when that is too much.
func (b *book) shed() {
	for n := b.waiting(); n > b.policy.most(); n-- {
		var oldest string
		for fp, e := range b.Alerts {
			if len(e.Pending) > 0 && (oldest == "" || e.Pending[0].At.Before(b.Alerts[oldest].Pending[0].At)) {
				oldest = fp
			}
		}
		if oldest == "" {
			return
		}
		e := b.Alerts[oldest]
		e.Pending = slices.Delete(e.Pending, 0, 1)
		b.touchAlert(oldest)
		b.Lost++
		b.stats.Dropped++
		b.forget(oldest)
	}
}

// waiting counts the transitions that are not known to have been taken.
func (b *book) waiting() (n int) {
	for _, e := range b.Alerts {
		n += len(e.Pending)
	}
	for _, d := range b.Outbox {
		n += len(d.Items)
	}
	return n
}

// look finds the reminders and escalations that are due.
func (b *book) look(now time.Time, current lookup) {
	due := b.those(func(e *entry) bool {
		at, _ := b.nextLook(e)
		return !at.IsZero() && !now.Before(at)
	})
	for _, fp := range due {
		e := b.Alerts[fp]
		_, why := b.nextLook(e)
		b.touchAlert(fp)
		a, known := current(fp)
		switch {
		case !known: // the engine lost it: nobody will hear of its end
			e.Firing = nil
			b.forget(fp)
		case a.State != alert.Firing || a.Ack != nil || a.SilencedBy != "":
			e.CheckAt = now.Add(lookAgain)
		default:
			e.Repeats++
			it := Item{Why: why, Transition: alert.Transition{ID: e.Firing.ID + "-" + string(why) + strconv.Itoa(e.Repeats), From: alert.Firing, At: now, Alert: a}}
			if why == Escalation {
				e.Escalate = e.Escalate[1:]
			}
			b.pend(now, e, it, 0)
			b.Groups[e.Group].Due = now // whoever waits that long is not kept waiting
		}
	}
}

// those returns the fingerprints, ascending, of the alerts that have it.
func (b *book) those(have func(*entry) bool) (list []string) {
	for fp, e := range b.Alerts {
		if have(e) {
			list = append(list, fp)
		}
	}
	slices.Sort(list)
	return list
}

// nextLook returns when e is due for a reminder or an escalation; zero is never.
func (b *book) nextLook(e *entry) (at time.Time, why Why) {
	if e.Firing == nil || len(e.Pending) > 0 || b.busy(e.Group) {
		return time.Time{}, News
	}
	if len(e.Escalate) > 0 {
		at, why = e.Escalate[0], Escalation
	}
	if b.policy.RepeatEvery > 0 && !e.ToldAt.IsZero() {
		if repeat := e.ToldAt.Add(b.policy.RepeatEvery); at.IsZero() || repeat.Before(at) {
			at, why = repeat, Reminder
		}
	}
	if !at.IsZero() && e.CheckAt.After(at) {
		at = e.CheckAt
	}
	return at, why
}

// busy reports whether a message of the group is on its way: what follows waits for its end.
func (b *book) busy(key string) bool {
	return slices.ContainsFunc(b.Outbox, func(d *draft) bool { return slices.Contains(d.Groups, key) })
}

// due returns the keys of the groups that can be told now, those first that were due first.
func (b *book) due(now time.Time) []string {
	var keys []string
	for key, g := range b.Groups {
		if !g.Due.IsZero() && !g.Due.After(now) && !b.busy(key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y string) int {
		if c := b.Groups[x].Due.Compare(b.Groups[y].Due); c != 0 {
			return c
		}
		return strings.Compare(x, y)
	})
	return keys
}

// next returns the message to try now; nil: none. It may have composed it, so that the book is to be saved before the message is sent.
func (b *book) next(now time.Time, current lookup) *draft {
	b.look(now, current)
	b.prune(now)
	for _, d := range b.Outbox {
		if d.Failures == 0 {
			return d
		}
	}
	if b.room() {
		if d := b.compose(now); d != nil {
			return d
		}
	}
	if len(b.Outbox) == 0 {
		return nil
	}
	return slices.MinFunc(b.Outbox, func(x, y *draft) int { return x.Failures - y.Failures })
}

// room reports whether another message may be composed. While nothing is taken that ends with mostOutbox, and one more that shows whether it is the
// receiver that is away or the messages that it does not like.
func (b *book) room() bool {
	waiting, tried := 0, true
	for _, d := range b.Outbox {
		if !d.Passed {
			waiting++
			tried = tried && d.Failures >= 2
		}
	}
	return waiting < mostOutbox || waiting == mostOutbox && tried
}

// compose makes a message of what is due, if the rate allows one.
func (b *book) compose(now time.Time) *draft {
	keys := b.due(now)
	if len(keys) == 0 {
		return nil
	}
	if b.policy.Rate.Messages > 0 {
		b.refill(now)
		if b.Tokens < 1 {
			return nil
		}
		if b.Tokens >= 2 {
			keys = keys[:1]
		}
		b.Tokens--
	} else {
		keys = keys[:1]
	}
	d := &draft{Groups: keys, Message: Message{At: now.UTC(), Lost: b.Lost}}
	b.Lost, b.dirty = 0, true
	if len(keys) > 1 {
		d.Held = len(keys)
	} else {
		d.Group = b.Groups[keys[0]].Name
	}
	for _, key := range keys {
		b.Groups[key].Due, b.Groups[key].Sent = time.Time{}, now
		b.touchGroup(key)
	}
	b.fill(d, now)
	if len(d.Items) == 0 { // all of it was shed: the next message says so
		b.Lost = d.Lost
		if b.policy.Rate.Messages > 0 {
			b.Tokens++
		}
		return nil
	}
	b.Outbox, b.changed.composed = append(b.Outbox, d), append(b.changed.composed, d)
	return d
}

// fill moves what is pending in d's groups into d.
func (b *book) fill(d *draft, now time.Time) {
	var told []*entry
	for _, fp := range b.those(func(e *entry) bool { return len(e.Pending) > 0 && slices.Contains(d.Groups, e.Group) }) {
		e := b.Alerts[fp]
		d.Items = append(d.Items, e.Pending...)
		if e.First != "" && !slices.Contains(d.Follows, e.First) && len(d.Follows) < mostFollows {
			d.Follows = append(d.Follows, e.First)
		}
		e.Pending, e.ToldAt = nil, now
		b.touchAlert(fp)
		told = append(told, e)
		b.forget(fp)
	}
	slices.SortStableFunc(d.Items, func(x, y Item) int { return x.At.Compare(y.At) })
	d.ID = d.identity(b.name)
	for _, e := range told {
		if e.First == "" {
			e.First = d.ID
		}
	}
}

// refill gives back what the rate allows.
func (b *book) refill(now time.Time) {
	r := b.policy.Rate
	if gone := now.Sub(b.At); b.At.IsZero() {
		b.Tokens = float64(r.Messages)
	} else if gone > 0 {
		b.Tokens = min(float64(r.Messages), b.Tokens+gone.Seconds()*float64(r.Messages)/r.Per.Seconds())
	}
	b.At = now
}

// settle takes d out of the outbox, or notes that it failed once more.
func (b *book) settle(d *draft, gone bool) {
	if !gone {
		d.Failures++
		b.touchTries(d)
		return
	}
	b.dirty, b.changed.gone = true, append(b.changed.gone, d.ID)
	b.Outbox = slices.DeleteFunc(b.Outbox, func(other *draft) bool { return other == d })
}

// taken takes d, which the receiver took, out of the outbox. What failed before is left as it is, and keeps nothing else back.
func (b *book) taken(d *draft) {
	b.settle(d, true)
	for _, other := range b.Outbox {
		if !other.Passed && other.Failures > 0 {
			other.Passed = true
			b.touchTries(other)
		}
	}
}

// wake returns when next is to be called again if nothing else happens; zero: not at all.
func (b *book) wake() (at time.Time) {
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	var free time.Time // when the rate allows a message
	if r := b.policy.Rate; r.Messages > 0 && b.Tokens < 1 {
		free = b.At.Add(time.Duration((1-b.Tokens)/float64(r.Messages)*float64(r.Per)) + time.Millisecond)
	}
	for key, g := range b.Groups {
		if g.Due.IsZero() || b.busy(key) {
			continue
		}
		if g.Due.Before(free) {
			earlier(free)
		} else {
			earlier(g.Due)
		}
	}
	for _, e := range b.Alerts {
		t, _ := b.nextLook(e)
		earlier(t)
	}
	return at
}

// prune drops the groups that nothing is of any more.
func (b *book) prune(now time.Time) {
	used := map[string]bool{}
	for _, e := range b.Alerts {
		used[e.Group] = true
	}
	for key, g := range b.Groups {
		if g.Due.IsZero() && now.Sub(g.Sent) > b.policy.GroupInterval && !used[key] && !b.busy(key) {
			delete(b.Groups, key)
			b.touchGroup(key)
		}
	}
}

// flush lets everything be due that only waits for more of its kind.
func (b *book) flush(now time.Time) {
	for _, g := range b.Groups {
		if g.Due.After(now) {
			g.Due = now
		}
	}
}

// held counts what is due and kept back by the rate.
func (b *book) held(now time.Time) (n int) {
	if b.policy.Rate.Messages == 0 || b.Tokens >= 1 {
		return 0
	}
	keys := b.due(now)
	for _, e := range b.Alerts {
		if slices.Contains(keys, e.Group) {
			n += len(e.Pending)
		}
	}
	return n
}
