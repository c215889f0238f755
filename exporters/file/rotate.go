package file

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Rotation says when a file is put aside: under its name with the time behind it, PATH.20261121T140331.545Z. The zero Rotation never does.
type Rotation struct {
	// Size is the most octets of a file, unless a single batch has more. 0 is no limit.
	Size int64
	// Every is the time after which a file is put aside, at multiples of it since 1970 in UTC: 24 hours are at midnight. 0 is never.
	Every time.Duration
	// Keep is how many files that were put aside are kept; the others are deleted. 10 if 0.
	Keep int
	// Gzip compresses what was put aside, PATH.20261121T140331.545Z.gz.
	Gzip bool
}

const defaultKeep = 10

func (r Rotation) enabled() bool { return r.Size > 0 || r.Every > 0 }

func (r Rotation) check() error {
	switch {
	case r.Size < 0 || r.Every < 0 || r.Keep < 0:
		return errors.New("rotation: nothing of it can be below 0")
	case (r.Keep > 0 || r.Gzip) && !r.enabled():
		return errors.New("rotate_keep and rotate_gzip need rotate_size or rotate_every")
	}
	return nil
}

// due reports whether a file of this size, begun then, is to be put aside before so many octets are written to it.
func (r Rotation) due(size int64, begun time.Time, octets int, now time.Time) bool {
	if size == 0 {
		return false
	}
	late := period(now, r.Every) > period(begun, r.Every) || begun.UnixNano()-now.UnixNano() > int64(r.Every) // the clock was set back
	return r.Size > 0 && size+int64(octets) > r.Size || r.Every > 0 && late
}

func period(t time.Time, every time.Duration) int64 { return t.UnixNano() / int64(max(every, 1)) }

// stamp is the time behind the name of a file that was put aside; such names sort by age.
const stamp = "20060102T150405.000Z"

var stamped = regexp.MustCompile(`^\.\d{8}T\d{6}\.\d{3}Z(\.gz)?$`)

// rotate puts the file aside if that is due before so many octets are written.
func (e *Exporter) rotate(octets int) error {
	info, err := e.file.Stat()
	if err != nil || !e.config.Rotation.due(info.Size(), e.begun, octets, time.Now()) {
		return err
	}
	aside, at := "", time.Now().UTC()
	for taken := true; taken; at = at.Add(time.Millisecond) {
		aside = e.config.Path + "." + at.Format(stamp)
		_, err := os.Lstat(aside)
		_, errGz := os.Lstat(aside + ".gz")
		taken = err == nil || errGz == nil
	}
	// Closed first, as Windows renames no open file.
	err, e.file = e.file.Close(), nil
	if err == nil {
		err = os.Rename(e.config.Path, aside)
	}
	if err == nil {
		err = e.open()
	}
	if err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	e.old.tidy()
	return nil
}

// old looks after the files that were put aside, beside the writing of new ones.
type old struct {
	path     string
	rotation Rotation
	log      *slog.Logger
	wake     chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}
}

func newOld(path string, r Rotation, log *slog.Logger) *old {
	ctx, cancel := context.WithCancel(context.Background())
	o := &old{path: path, rotation: r, log: log, wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	if o.rotation.Keep == 0 {
		o.rotation.Keep = defaultKeep
	}
	go o.run(ctx)
	o.tidy() // what an earlier run left
	return o
}

// tidy has the files looked after soon.
func (o *old) tidy() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *old) close() {
	if o == nil {
		return
	}
	o.cancel()
	<-o.done
}

func (o *old) run(ctx context.Context) {
	defer close(o.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		if err := o.look(ctx); err != nil && ctx.Err() == nil {
			o.log.Error("files that were put aside cannot be looked after; it is tried again at the next rotation", "path", o.path, "err", err)
		}
	}
}

// look deletes what is too much and compresses the rest.
func (o *old) look(ctx context.Context) error {
	dir, base := filepath.Dir(o.path), filepath.Base(o.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var aside []string
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), base)
		switch {
		case !ok:
		case stamped.MatchString(rest):
			aside = append(aside, filepath.Join(dir, entry.Name()))
		case strings.HasSuffix(rest, partial) && stamped.MatchString(strings.TrimSuffix(rest, partial)): // a crash left it
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	sortByAge(aside, o.path, time.Now())
	for len(aside) > o.rotation.Keep {
		err = errors.Join(err, os.Remove(aside[0]))
		aside = aside[1:]
	}
	for _, name := range aside {
		if o.rotation.Gzip && !strings.HasSuffix(name, ".gz") && ctx.Err() == nil {
			err = errors.Join(err, compress(ctx, name))
		}
	}
	return err
}

// sortByAge sorts what path was put aside as, the oldest first. What has a time of the future is older than all that has none: it was put aside before the
// clock was set back.
func sortByAge(aside []string, path string, now time.Time) {
	of := now.Add(time.Minute).UTC().Format(stamp) // rotate may have counted on
	future := func(name string) int {
		if strings.TrimPrefix(filepath.Base(name), filepath.Base(path)+".") > of {
			return 0
		}
		return 1
	}
	slices.SortFunc(aside, func(a, b string) int { return cmp.Or(future(a)-future(b), strings.Compare(a, b)) })
}

// partial stands behind the name of a compressed file that is not whole.
const partial = ".partial"

// compress puts name.gz in the place of name. After a crash one of them is whole.
func compress(ctx context.Context, name string) (err error) {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	unfinished := name + ".gz" + partial
	out, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, reader{ctx, in})
	err = errors.Join(err, z.Close(), out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(unfinished, name+".gz")
	}
	if err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return errors.Join(syncFolder(filepath.Dir(name)), os.Remove(name))
}

// reader reads until ctx ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}
