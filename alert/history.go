package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/internal/journal"
)

// historyMost is how many octets a file has; then it takes the place of the one before.
const historyMost = 8 << 20

// history is every transition, one line of JSON each, in two files of bounded size. The nil history keeps nothing.
type history struct {
	fs   journal.FS
	path string

	mu   sync.Mutex
	file journal.File // nil: not open yet, or after a write that failed
	size int64
	last uint64 // the highest Transition.Number that it holds
}

// HistoryQuery picks transitions. What is zero picks all.
type HistoryQuery struct {
	Device, Fingerprint string
	Since, Until        time.Time              // of Transition.At
	Before              uint64                 // Transition.Number; what is older than that one
	Match               func(*Transition) bool // unless nil, has the last word
	// Words, in lower case, are some that all of what Match picks has in its texts, in any case: what has not is passed over without being read.
	Words []string
	Limit int // the newest; less than 1: 1000
}

const historyLimit = 1000

func historyPath(state string) string {
	return strings.TrimSuffix(state, filepath.Ext(state)) + "-history.jsonl"
}

func openHistory(fsys journal.FS, path string) (*history, error) {
	h := &history{fs: fsys, path: path}
	err := h.scan(func(line []byte) bool {
		var t Transition
		if t.parse(line) {
			h.last = t.Number // of the newest
		}
		return h.last == 0
	})
	if err != nil {
		return nil, fmt.Errorf("alert: history: %w", err)
	}
	return h, nil
}

// open opens the file to append to. What a crash left of a last line is cut off.
func (h *history) open() error {
	f, err := h.fs.OpenFile(h.path, journal.Appending)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(f)
	if err == nil {
		h.size = int64(bytes.LastIndexByte(data, '\n') + 1)
		if h.size < int64(len(data)) {
			err = journal.Truncate(f, h.size)
		}
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	h.file = f
	return nil
}

// append writes those of ts that are not there yet, and waits for the disk.
func (h *history) append(ts []Transition) error {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var b bytes.Buffer
	last := h.last
	for i := range ts {
		if ts[i].Number <= last {
			continue
		}
		line, err := json.Marshal(&ts[i])
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
		last = ts[i].Number
	}
	if b.Len() == 0 {
		return nil
	}
	if h.file == nil {
		if err := h.open(); err != nil {
			return err
		}
	}
	if h.size+int64(b.Len()) > historyMost {
		if err := h.rotate(); err != nil {
			return err
		}
	}
	_, err := h.file.Write(b.Bytes())
	if err == nil {
		err = h.file.Sync()
	}
	if err != nil { // the next time finds out what there is of it
		err = errors.Join(err, h.file.Close())
		h.file = nil
		return err
	}
	h.size += int64(b.Len())
	h.last = last
	return nil
}

func (h *history) old() string { return h.path + ".old" }

func (h *history) rotate() error {
	err := h.file.Close()
	h.file = nil
	err = errors.Join(err, h.fs.Rename(h.path, h.old()))
	return errors.Join(err, h.open())
}

// scan calls visit with each line, the newest first, until it returns false.
func (h *history) scan(visit func(line []byte) bool) error {
	for _, path := range []string{h.path, h.old()} {
		f, err := h.fs.OpenFile(path, journal.Reading)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		more, err := backwards(f, visit)
		_ = f.Close()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// historyChunk is how much of a file is read at a time.
const historyChunk = 1 << 18

// backwards calls visit with each line of f, the last first; false if it returned false.
func backwards(f io.ReadSeeker, visit func(line []byte) bool) (more bool, err error) {
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	var head []byte // of the line that the chunk before ends with
	for at > 0 {
		n := min(at, historyChunk)
		at -= n
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return false, err
		}
		data := make([]byte, n, int(n)+len(head))
		if _, err := io.ReadFull(f, data); err != nil {
			return false, err
		}
		data = append(data, head...)
		for {
			i := bytes.LastIndexByte(data, '\n')
			if i < 0 {
				break
			}
			if !visit(data[i+1:]) {
				return false, nil
			}
			data = data[:i]
		}
		head = data
	}
	return visit(head), nil
}

// parse reads a line; false if it makes no sense.
func (t *Transition) parse(line []byte) bool { return json.Unmarshal(line, t) == nil && t.ID != "" }

// filter returns a function that reports whether a line may be of a transition that q picks. It looks at the line as it stands in the file, which takes a
// hundredth of the time that reading it does.
func (q *HistoryQuery) filter() (func(line []byte) bool, error) {
	var exact, folded [][]byte
	for _, text := range []string{q.Device, q.Fingerprint} {
		if text == "" {
			continue
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		exact = append(exact, quoted)
	}
	for _, w := range q.Words {
		if !strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) { // else JSON may write it otherwise
			folded = append(folded, []byte(w))
		}
	}
	all := func(text []byte, parts [][]byte) bool {
		return !slices.ContainsFunc(parts, func(p []byte) bool { return !bytes.Contains(text, p) })
	}
	return func(line []byte) bool {
		return all(line, exact) && (len(folded) == 0 || all(bytes.ToLower(line), folded))
	}, nil
}

// picks reports whether q picks t, but for Limit.
func (q *HistoryQuery) picks(t *Transition) bool {
	if q.Device != "" && t.Device != q.Device || q.Fingerprint != "" && t.Fingerprint != q.Fingerprint || q.Before != 0 && t.Number >= q.Before ||
		!q.Since.IsZero() && t.At.Before(q.Since) || !q.Until.IsZero() && t.At.After(q.Until) {
		return false
	}
	return q.Match == nil || q.Match(t)
}

func (h *history) query(q HistoryQuery) ([]Transition, error) {
	if h == nil {
		return nil, nil
	}
	if q.Limit < 1 {
		q.Limit = historyLimit
	}
	filter, err := q.filter()
	if err != nil {
		return nil, fmt.Errorf("alert: history: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Transition
	err = h.scan(func(line []byte) bool {
		var t Transition
		if filter(line) && t.parse(line) && q.picks(&t) {
			out = append(out, t)
		}
		return len(out) < q.Limit
	})
	if err != nil {
		return nil, fmt.Errorf("alert: history: %w", err)
	}
	return out, nil
}

func (h *history) close() {
	if h != nil && h.file != nil {
		_ = h.file.Close() // every write was synced
	}
}
