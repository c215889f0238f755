//go:build unix

package main

import (
	"bufio"
	"errors"
	"os"
	"time"

	"golang.org/x/term"
)

// openKeys returns what is typed at this process' terminal, letter by letter, nil where that cannot be had. restore ends it and makes the
// terminal what it was.
func openKeys() (keys <-chan rune, restore func() error, err error) {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return nil, func() error { return nil }, nil
	}
	keys, restore, err = keysOf(tty)
	if err != nil {
		return nil, nil, errors.Join(err, tty.Close())
	}
	return keys, restore, nil
}

// keysOf reads tty, and closes it in restore.
func keysOf(tty *os.File) (keys <-chan rune, restore func() error, err error) {
	if tty.SetReadDeadline(time.Time{}) != nil { // a read could not be ended
		return nil, tty.Close, nil
	}
	raw, err := tty.SyscallConn() // not tty.Fd, after which reads have no deadline
	if err != nil {
		return nil, nil, err
	}
	var before *term.State
	var failed error
	if err := raw.Control(func(fd uintptr) { before, failed = term.MakeRaw(int(fd)) }); err != nil || failed != nil {
		return nil, nil, errors.Join(err, failed)
	}
	out, stop, stopped := make(chan rune), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer close(out)
		r := bufio.NewReader(tty)
		for {
			k, _, err := r.ReadRune()
			if err != nil {
				return
			}
			select {
			case out <- k:
			case <-stop:
				return
			}
		}
	}()
	restore = func() error {
		close(stop)
		err := tty.SetReadDeadline(time.Unix(1, 0))
		<-stopped
		err = errors.Join(err, raw.Control(func(fd uintptr) { failed = term.Restore(int(fd), before) }))
		return errors.Join(err, failed, tty.Close())
	}
	return out, restore, nil
}
