package alert

import (
	"bufio"
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

const (
	historyMost = 8 << 20 // octets of a file; then it takes the place of the one before
	historyLine = 1 << 20 // the longest line that is read
)

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
	Since, Until        time.Time // of Transition.At
	Limit               int       // the newest; less than 1: 1000
}

const historyLimit = 1000

func historyPath(state string) string {
	return strings.TrimSuffix(state, filepath.Ext(state)) + "-history.jsonl"
}

func openHistory(fsys journal.FS, path string) (*history, error) {
	h := &history{fs: fsys, path: path}
	if err := h.scan(func(t *Transition) { h.last = max(h.last, t.Number) }); err != nil {
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

// scan calls visit with each transition, the oldest first. Lines that make no sense are passed over.
func (h *history) scan(visit func(*Transition)) error {
	for _, path := range []string{h.old(), h.path} {
		f, err := h.fs.OpenFile(path, journal.Reading)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, historyLine)
		for lines.Scan() {
			var t Transition
			if json.Unmarshal(lines.Bytes(), &t) == nil && t.ID != "" {
				visit(&t)
			}
		}
		err = lines.Err()
		_ = f.Close()
		if err != nil && !errors.Is(err, bufio.ErrTooLong) {
			return err
		}
	}
	return nil
}

func (h *history) query(q HistoryQuery) ([]Transition, error) {
	if h == nil {
		return nil, nil
	}
	if q.Limit < 1 {
		q.Limit = historyLimit
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Transition
	err := h.scan(func(t *Transition) {
		if q.Device != "" && t.Device != q.Device || q.Fingerprint != "" && t.Fingerprint != q.Fingerprint ||
			!q.Since.IsZero() && t.At.Before(q.Since) || !q.Until.IsZero() && t.At.After(q.Until) {
			return
		}
		if out = append(out, *t); len(out) >= 2*q.Limit {
			out = slices.Delete(out, 0, q.Limit)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("alert: history: %w", err)
	}
	out = out[max(0, len(out)-q.Limit):]
	slices.Reverse(out)
	return out, nil
}

func (h *history) close() {
	if h != nil && h.file != nil {
		_ = h.file.Close() // every write was synced
	}
}
