// Package journaltest has a disk in memory whose power fails, for tests of what a journal keeps.
package journaltest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"sync"

	"walkabout/internal/journal"
)

// ErrPower is what every operation returns once the power has failed.
var ErrPower = errors.New("the power has failed")

// Disk is a journal.FS in memory that knows what would survive a failure of the power: what was synced, and names that were put on the disk.
type Disk struct {
	mu    sync.Mutex
	names map[string]*inode
	safe  map[string]*inode // names that are on the disk
	left  int               // operations until the power fails; below 0: it does not
	fault error
}

type inode struct{ data, safe []byte } // safe is what is on the disk

// NewDisk returns an empty Disk.
func NewDisk() *Disk {
	return &Disk{names: map[string]*inode{}, safe: map[string]*inode{}, left: -1}
}

// StopAfter has the power fail after n operations: writes, syncs, truncations, renames, removals, and files that are made.
func (d *Disk) StopAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = n
}

// Fail has every operation fail with err, until it is nil. A write that fails leaves a part.
func (d *Disk) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = err
}

// Stopped reports whether the power has failed.
func (d *Disk) Stopped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left == 0
}

// AfterPowerFailure returns the disk as the next start finds it. torn: of what was written and not synced the first half is there too.
func (d *Disk) AfterPowerFailure(torn bool) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := NewDisk()
	for name, n := range d.safe {
		data := bytes.Clone(n.safe)
		if torn && bytes.HasPrefix(n.data, n.safe) {
			data = append(data, n.data[len(n.safe):(len(n.safe)+len(n.data)+1)/2]...)
		}
		next.names[name] = &inode{data, bytes.Clone(data)}
		next.safe[name] = next.names[name]
	}
	return next
}

// operation counts one; mu is held.
func (d *Disk) operation() error {
	if d.left == 0 {
		return ErrPower
	}
	if d.fault != nil {
		return d.fault
	}
	if d.left > 0 {
		d.left--
	}
	return nil
}

// OpenFile implements journal.FS. A file that is made to be appended to is on the disk by name at once.
func (d *Disk) OpenFile(path string, flag int) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[path]
	switch {
	case n == nil && flag == journal.Reading:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case n == nil || flag == journal.Replacing:
		if err := d.operation(); err != nil {
			return nil, err
		}
		n = &inode{}
		d.names[path] = n
		if flag == journal.Appending {
			d.safe[path] = n
		}
	}
	return &file{disk: d, inode: n}, nil
}

// Rename implements journal.FS.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.operation(); err != nil {
		return err
	}
	n := d.names[from]
	if n == nil {
		return fs.ErrNotExist
	}
	delete(d.names, from)
	d.names[to] = n
	if err := d.operation(); err != nil { // the folder is synced
		return err
	}
	d.safe[to] = n
	return nil
}

// Remove implements journal.FS.
func (d *Disk) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[path] == nil {
		return fs.ErrNotExist
	}
	if err := d.operation(); err != nil {
		return err
	}
	delete(d.names, path)
	return nil
}

type file struct {
	disk *Disk
	*inode
	at int
}

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.at >= len(f.data) {
		return 0, io.EOF
	}
	n := copy(b, f.data[f.at:])
	f.at += n
	return n, nil
}

// Write implements io.Writer: it appends.
func (f *file) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.operation(); err != nil {
		half := len(b) / 2
		if !errors.Is(err, ErrPower) {
			f.data = append(f.data, b[:half]...)
		}
		return half, err
	}
	f.data = append(f.data, b...)
	return len(b), nil
}

// Sync implements journal.File.
func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.operation(); err != nil {
		return err
	}
	f.safe = bytes.Clone(f.data)
	return nil
}

// Seek implements io.Seeker, for Read: every Write goes to the end in any case.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += int64(f.at)
	case io.SeekEnd:
		offset += int64(len(f.data))
	}
	f.at = int(offset)
	return offset, nil
}

// Truncate implements journal.File.
func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.operation(); err != nil {
		return err
	}
	f.data = f.data[:size]
	return nil
}

// Close implements io.Closer.
func (f *file) Close() error { return nil }
