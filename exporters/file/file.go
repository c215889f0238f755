// Package file appends samples to a file, or to standard output, as lines of InfluxDB's line protocol.
package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"walkabout/exporters"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

// Config says where lines go.
type Config struct {
	// Path names a regular file; it is made with mode 0640 if need be, and appended to. No other program may write to it
	// meanwhile. "-" stands for Stdout.
	Path string
	// Stdout is standard output; needed when Path is "-". It is never closed. Export waits for it, whatever its context
	// says: what is to be done about a pipe that nobody reads is for the user to know.
	Stdout io.Writer
	// Unsigned is lineprotocol.Encoder's.
	Unsigned bool
}

// Exporter writes whole lines. Make one with New.
type Exporter struct {
	batch  lineprotocol.Batch
	path   string
	stdout io.Writer // nil if there is a file
	torn   []byte    // the rest of a line that was begun on stdout

	mu   sync.Mutex // holds writing and reopening apart
	file *os.File   // nil if there is stdout
}

// New opens the file. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	e := &Exporter{path: c.Path}
	e.batch.Unsigned = c.Unsigned
	var err error
	switch {
	case c.Path == "":
		err = errors.New(`path is missing; give the name of a file, or "-" for standard output`)
	case c.Path != "-":
		e.file, err = open(c.Path)
	case c.Stdout == nil:
		err = errors.New(`path is "-", but there is no standard output`)
	default:
		e.stdout = c.Stdout
	}
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("file output: %w", err)}
	}
	return e, nil
}

// open opens path for appending. If its last line has no end (the power failed), it gets one, so that ours begin on their own.
func open(path string) (*os.File, error) {
	// Opening a FIFO would wait for a reader, so this is asked first.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	if err := endLine(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

// Export appends a line for each sample and, in a file, waits until the lines are on disk. Samples that have no line are
// rejected. A failed write is a *exporters.RetryError and leaves no part of a line: a file is cut back to where it was, and
// on standard output the next Export first ends the line that was begun.
func (e *Exporter) Export(_ context.Context, batch []metric.Sample) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batch.Encode(batch)
	lines := e.batch.Lines(0, e.batch.Len())
	var err error
	if e.file != nil {
		err = appendFile(e.file, lines)
	} else {
		err = e.print(lines)
	}
	if err != nil {
		return &exporters.RetryError{Reason: "write", Err: fmt.Errorf("file output: %w", err)}
	}
	if len(e.batch.Skipped) > 0 {
		return &exporters.PartialError{Rejected: e.batch.Skipped, Err: e.batch.Err}
	}
	return nil
}

// appendFile writes all of lines or, the disk being full for example, nothing.
func appendFile(f *os.File, lines []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.Write(lines); err != nil {
		return errors.Join(err, f.Truncate(info.Size()))
	}
	return f.Sync()
}

func (e *Exporter) print(lines []byte) error {
	if len(e.torn) > 0 {
		n, err := e.stdout.Write(e.torn)
		e.torn = e.torn[n:]
		if err != nil {
			return err
		}
	}
	n, err := e.stdout.Write(lines)
	if err != nil {
		for i := 0; i < e.batch.Len(); i++ {
			if start, end := e.batch.End(i-1), e.batch.End(i); start < n && n < end {
				e.torn = bytes.Clone(lines[n:end])
			}
		}
	}
	return err
}

// Reopen opens the path anew, for when somebody has renamed the file; call it on SIGHUP. If that fails, lines go on into the
// old file. It may be called from any goroutine; after Close it does nothing, nor does it for standard output.
func (e *Exporter) Reopen() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	f, err := open(e.path)
	if err != nil {
		return fmt.Errorf("file output: opening again: %w", err)
	}
	old := e.file
	e.file = f
	if err := old.Close(); err != nil {
		return fmt.Errorf("file output: closing the old file: %w", err)
	}
	return nil
}

// Omitted counts what lineprotocol.Encoder left out.
func (e *Exporter) Omitted() map[string]uint64 { return e.batch.Omitted() }

// Close closes the file.
func (e *Exporter) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	f := e.file
	e.file = nil
	return f.Close()
}
