package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"walkabout/alert/silence"
	"walkabout/internal/journal"
)

// CorruptError says that a state file, or a part of it, was no use, and where a copy is.
type CorruptError struct {
	Aside string // "" if there is none
	Err   error
}

func (e *CorruptError) Error() string {
	if e.Aside == "" {
		return fmt.Sprintf("alert: unusable state, which could not be put aside: %v", e.Err)
	}
	return fmt.Sprintf("alert: unusable state, kept as %s: %v", e.Aside, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// ledger is what the lines of a journal add up to.
type ledger struct {
	devices   map[string]DeviceState
	collector DeviceState
	silences  []silence.Silence
	past      map[string]past
	resolved  []Alert
	pending   map[uint64]*Undelivered // by Transition.Number
	number    uint64                  // of the last transition
	recorded  uint64                  // see commit
	unknown   []Transition            // of those above recorded
}

func newLedger() *ledger {
	return &ledger{devices: map[string]DeviceState{}, past: map[string]past{}, pending: map[uint64]*Undelivered{}}
}

// add takes a line. What makes no sense in it is passed over, and is the error.
func (l *ledger) add(data []byte) error {
	var c commit
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("does not decode: %w", err)
	}
	if c.Format > commitFormat {
		return fmt.Errorf("has format %d; this program reads up to %d", c.Format, commitFormat)
	}
	var bad []error
	for _, name := range c.Gone {
		delete(l.devices, name)
	}
	for _, d := range c.Devices {
		if err := d.validate(); err != nil {
			bad = append(bad, fmt.Errorf("device %q: %w", d.Device, err))
			continue
		}
		l.devices[d.Device] = d
	}
	if c.Collector != nil {
		if err := c.Collector.validateCollector(); err != nil {
			bad = append(bad, err)
		} else {
			l.collector = *c.Collector
		}
	}
	for _, s := range c.Silences {
		if err := s.Validate(); err != nil {
			bad = append(bad, fmt.Errorf("silence %q: %w", s.ID, err))
			continue
		}
		l.silence(s)
	}
	for fp, p := range c.Past {
		if err := p.validate(); err != nil {
			bad = append(bad, fmt.Errorf("alert %s: %w", fp, err))
			continue
		}
		l.past[fp] = p
	}
	for i := range c.Resolved {
		if err := c.Resolved[i].validate(Resolved); err != nil {
			bad = append(bad, fmt.Errorf("resolved: %w", err))
			continue
		}
		l.resolve(&c.Resolved[i])
	}
	bad = append(bad, l.addTransitions(&c)...)
	return errors.Join(bad...)
}

// addTransitions takes the transitions of a line, and what became of earlier ones.
func (l *ledger) addTransitions(c *commit) (bad []error) {
	l.number, l.recorded = max(l.number, c.Number), max(l.recorded, c.Recorded)
	for i := range c.Pending {
		u := &c.Pending[i]
		if err := u.validate(); err != nil {
			bad = append(bad, fmt.Errorf("undelivered: %w", err))
			continue
		}
		l.number = max(l.number, u.Transition.Number)
		l.pending[u.Transition.Number] = u
	}
	for i := range c.Transitions {
		t := &c.Transitions[i]
		if err := t.validateAny(); err != nil {
			bad = append(bad, fmt.Errorf("transition: %w", err))
			continue
		}
		l.number = max(l.number, t.Number)
		l.unknown = append(l.unknown, *t)
		if t.State == Resolved && t.From == Firing {
			l.resolve(&t.Alert)
		}
		if _, known := l.past[t.Fingerprint]; t.State == Firing && t.From != Firing && (known || len(l.past) < mostPast) {
			l.past[t.Fingerprint] = past{t.FiredBefore + 1, t.FiredAt}
		}
		if t.Notifies() && len(c.To) > 0 {
			l.pending[t.Number] = &Undelivered{*t, slices.Clone(c.To)}
		}
	}
	for name, numbers := range c.Done {
		for _, n := range numbers {
			if u := l.pending[n]; u != nil {
				if u.Notifiers = slices.DeleteFunc(u.Notifiers, func(other string) bool { return other == name }); len(u.Notifiers) == 0 {
					delete(l.pending, n)
				}
			}
		}
	}
	return bad
}

// resolve adds an alert that fired and ended, unless it is there.
func (l *ledger) resolve(a *Alert) {
	if !slices.ContainsFunc(l.resolved, func(other Alert) bool { return other.Fingerprint == a.Fingerprint && other.Since.Equal(a.Since) }) {
		l.resolved = append(l.resolved, *a)
		l.resolved = l.resolved[max(0, len(l.resolved)-resolvedMost):]
	}
}

// silence adds s, or puts it in the place of the one with its ID.
func (l *ledger) silence(s silence.Silence) {
	for i := range l.silences {
		if l.silences[i].ID == s.ID {
			l.silences[i] = s
			return
		}
	}
	l.silences = append(l.silences, s)
}

// snapshot returns the state that the lines add up to.
func (l *ledger) snapshot() Snapshot {
	s := Snapshot{Version: snapshotVersion, Number: l.number, Collector: l.collector, Silences: l.silences, Past: l.past, Resolved: l.resolved}
	for _, name := range slices.Sorted(maps.Keys(l.devices)) {
		s.Devices = append(s.Devices, l.devices[name])
	}
	for _, n := range slices.Sorted(maps.Keys(l.pending)) {
		s.Undelivered = append(s.Undelivered, *l.pending[n])
	}
	return s
}

// unrecorded returns the transitions that the history and the outputs may lack.
func (l *ledger) unrecorded() []Transition {
	return slices.DeleteFunc(l.unknown, func(t Transition) bool { return t.Number <= l.recorded })
}

// corruptSuffix is behind the name of the copy of a state file that was no use; the last such copy is kept.
const corruptSuffix = ".corrupt"

// openStore opens the journal at path and reads what it holds. damaged, a *CorruptError, says what could not be used; the file is then to be rewritten.
func openStore(fsys journal.FS, path string) (j *journal.Journal, l *ledger, damaged error, err error) {
	l = newLedger()
	j, damage, err := journal.OpenFS(fsys, path, l.add)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("alert: state file: %w", err)
	}
	if size, _ := j.Size(); size == 0 && damage.Cut > 0 { // the first line is written before the file has its name
		damage.Err = errors.New("it is no state of alerts")
	}
	if damage.Err == nil {
		return j, l, nil, nil
	}
	corrupt := &CorruptError{Aside: path + corruptSuffix, Err: damage.Err}
	if n := len(damage.Lines); n > 1 {
		corrupt.Err = fmt.Errorf("%w, and %s more", damage.Err, plural(n-1, "line"))
	}
	if err := j.Aside(corrupt.Aside); err != nil {
		corrupt.Aside, corrupt.Err = "", errors.Join(corrupt.Err, err)
	}
	return j, l, corrupt, nil
}

// maxStateSize bounds what is read of a state file of version 1; 100,000 interfaces take about 10 MB.
const maxStateSize = 256 << 20

// olderPath is where releases before the journal kept the state, as one document.
func olderPath(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".json" }

// readOlder reads the state of a release before the journal. found is false if there is none. One that is no use is moved aside and gives a
// *CorruptError.
func readOlder(path string) (s Snapshot, found bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Snapshot{}, false, nil
	}
	if err != nil {
		return Snapshot{}, false, fmt.Errorf("alert: state file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxStateSize+1))
	_ = f.Close()
	if err != nil {
		return Snapshot{}, false, fmt.Errorf("alert: state file: %w", err)
	}
	if len(data) > maxStateSize {
		err = fmt.Errorf("larger than %d octets", maxStateSize)
	} else {
		s, err = DecodeSnapshot(data)
	}
	if err == nil {
		s.numberPending()
		return s, true, nil
	}
	aside := path + corruptSuffix
	if moved := os.Rename(path, aside); moved != nil {
		return Snapshot{}, false, &CorruptError{Err: errors.Join(err, moved)}
	}
	return Snapshot{}, false, &CorruptError{Aside: aside, Err: err}
}

// numberPending gives numbers to the transitions of a release that gave them none.
func (s *Snapshot) numberPending() {
	for i := range s.Undelivered {
		if t := &s.Undelivered[i].Transition; t.Number == 0 {
			s.Number++
			t.Number = s.Number
		}
	}
}

// line returns c as a line of the journal.
func (c *commit) line() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

const pendingALine = 100

// rewrite emits the whole state: device by device, so that pollers need not wait long, and last, by take, all that is no device's and what changed meanwhile.
// The engine is used under with.
func rewrite(e *Engine, with func(func()), take func(c *commit) (unrecorded []Transition, pending []Undelivered, err error), emit func([]byte) error) error {
	put := func(c *commit) error {
		data, err := c.line()
		if err != nil {
			return err
		}
		return emit(data)
	}
	if err := put(&commit{Format: commitFormat}); err != nil {
		return err
	}
	var names []string
	with(func() { names = slices.Sorted(maps.Keys(e.devices)) })
	for _, name := range names {
		var c commit
		with(func() {
			if d := e.devices[name]; d != nil && !d.touched { // else it comes last
				c.Devices = []DeviceState{d.state()}
			}
		})
		if c.empty() {
			continue
		}
		if err := put(&c); err != nil {
			return err
		}
	}
	var last commit
	unrecorded, pending, err := take(&last)
	if err != nil {
		return err
	}
	if len(unrecorded) > 0 {
		if err := put(&commit{Transitions: unrecorded}); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(pending, pendingALine) {
		if err := put(&commit{Pending: chunk}); err != nil {
			return err
		}
	}
	return put(&last)
}
