// Package file appends samples to a file, or to standard output, as lines: InfluxDB's line protocol or JSON.
package file

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"walkabout/exporters"
	"walkabout/exporters/lines"
	"walkabout/metric"
)

// Config says where lines go.
type Config struct {
	// Path names a regular file; it is made with mode 0640 if need be, and appended to. No other program may write to it
	// meanwhile, though one may rename it: then a new one is made. "-" stands for Stdout.
	Path string
	// Stdout is standard output; needed when Path is "-". It is never closed. Export waits for it, whatever its context
	// says: what is to be done about a pipe that nobody reads is for the user to know.
	Stdout io.Writer
	Format lines.Format // lines.Influx if empty
	// Unsigned is lineprotocol.Encoder's.
	Unsigned bool
	Rotation Rotation
	Logger   *slog.Logger // slog.Default() if nil
}

// Exporter writes whole lines. Make one with New.
type Exporter struct {
	config Config
	batch  lines.Batch
	torn   []byte // the rest of a line that was begun on stdout
	old    *old   // nil if nothing is rotated

	mu    sync.Mutex // holds writing and reopening apart
	file  *os.File   // nil if there is stdout
	begun time.Time  // when file got its first line; when its last one if an earlier run began it; zero if it is empty
}

// New opens the file. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	e := &Exporter{config: c}
	err := c.check()
	if err == nil {
		e.batch.Encoder, err = lines.New(c.Format, c.Unsigned)
	}
	if err == nil && c.Path != "-" {
		err = e.open()
	}
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("file output: %w", err)}
	}
	if c.Rotation.enabled() {
		e.old = newOld(c.Path, c.Rotation, cmp.Or(c.Logger, slog.Default()))
	}
	return e, nil
}

// Validate returns what is wrong with c, but for what the system says of the path. It opens nothing.
func (c Config) Validate() error {
	if c.Path == "-" && c.Stdout == nil {
		c.Stdout = io.Discard
	}
	err := c.check()
	if err == nil {
		_, err = lines.New(c.Format, c.Unsigned)
	}
	return err
}

func (c Config) check() error {
	switch {
	case c.Path == "":
		return errors.New(`path is missing; give the name of a file, or "-" for standard output`)
	case c.Path == "-" && c.Stdout == nil:
		return errors.New(`path is "-", but there is no standard output`)
	case c.Path == "-" && c.Rotation != Rotation{}:
		return errors.New("standard output cannot be rotated")
	}
	return c.Rotation.check()
}

// Export appends a line for each sample and, in a file, waits until the lines are on disk. Samples that have no line are
// rejected. A failed write is a *exporters.RetryError and leaves no part of a line: a file is cut back to where it was, and
// on standard output the next Export first ends the line that was begun.
func (e *Exporter) Export(_ context.Context, batch []metric.Sample) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batch.Encode(batch)
	text := e.batch.Lines(0, e.batch.Len())
	var err error
	switch {
	case len(text) == 0:
	case e.config.Path == "-":
		err = e.print(text)
	default:
		err = e.append(text)
	}
	if err != nil {
		reason := "write"
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			reason = "disk_full"
		}
		return &exporters.RetryError{Reason: reason, Err: fmt.Errorf("file output: %w", err)}
	}
	if len(e.batch.Skipped) > 0 {
		return &exporters.PartialError{Rejected: e.batch.Skipped, Err: e.batch.Err}
	}
	return nil
}

// append puts all of text into the file at the path or, the disk being full for example, nothing.
func (e *Exporter) append(text []byte) error {
	if err := e.follow(); err != nil {
		return err
	}
	if err := e.rotate(len(text)); err != nil {
		return err
	}
	info, err := e.file.Stat()
	if err != nil {
		return err
	}
	if _, err := e.file.Write(text); err != nil {
		return errors.Join(err, e.file.Truncate(info.Size()))
	}
	if e.begun.IsZero() {
		e.begun = time.Now()
	}
	return e.file.Sync()
}

// follow opens the path anew if the open file is there no more: logrotate renamed it, say.
func (e *Exporter) follow() error {
	if e.file != nil {
		ours, err := e.file.Stat()
		if err != nil {
			return err
		}
		theirs, err := os.Stat(e.config.Path)
		if err == nil && os.SameFile(ours, theirs) {
			return nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return e.reopen()
}

func (e *Exporter) print(text []byte) error {
	if len(e.torn) > 0 {
		n, err := e.config.Stdout.Write(e.torn)
		e.torn = e.torn[n:]
		if err != nil {
			return err
		}
	}
	n, err := e.config.Stdout.Write(text)
	if err != nil {
		for i := 0; i < e.batch.Len(); i++ {
			if start, end := e.batch.End(i-1), e.batch.End(i); start < n && n < end {
				e.torn = bytes.Clone(text[n:end])
			}
		}
	}
	return err
}

// Reopen opens the path anew, for when somebody has renamed the file; call it on SIGHUP. If that fails, lines go on into the
// old file for as long as that stands at the path. It may be called from any goroutine; after Close it does nothing, nor does it for standard output.
func (e *Exporter) Reopen() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	if err := e.reopen(); err != nil {
		return fmt.Errorf("file output: opening again: %w", err)
	}
	return nil
}

func (e *Exporter) reopen() error {
	before := e.file
	if err := e.open(); err != nil {
		return err
	}
	if before == nil {
		return nil
	}
	return before.Close()
}

// Omitted counts what the encoder left out.
func (e *Exporter) Omitted() map[string]uint64 { return e.batch.Encoder.Omitted() }

// Close closes the file. What is being compressed is left to the next start.
func (e *Exporter) Close() error {
	e.old.close()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	f := e.file
	e.file = nil
	return f.Close()
}
