package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"walkabout/internal/statedir"
)

// Unwritable says which of the folders and files that c, read from the file at path, is to write to this user cannot. They are
// warnings, for the program may run as another. Nothing is made or changed.
func Unwritable(path string, c Config) []Problem {
	var out []Problem
	warn := func(what string, err error) {
		if err != nil {
			out = append(out, Problem{File: path, Warning: true, Err: fmt.Errorf("%s: this user cannot write there: %w", what, err)})
		}
	}
	dir, err := statedir.System().Resolve(c.State, "snmpcollect")
	if err == nil {
		err = writable(dir, true)
	}
	warn("state", err)
	for _, o := range c.Outputs {
		if o.File != nil && o.File.Path != "-" {
			warn("output "+o.Queue.Name, writable(o.File.Path, false))
		}
	}
	return out
}

// writable asks the system whether path can be written to or made. Folders above it are made where dir says that it is a folder itself.
func writable(path string, dir bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !dir && !info.IsDir() && !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("it is not a regular file")}
	case err == nil && info.IsDir() != dir:
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a file where a folder is needed, or the other way round")}
	case err == nil:
		return statedir.Access(path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(path)
	if parent == path {
		return err
	}
	if info, statErr := os.Stat(parent); statErr != nil && !dir {
		return statErr
	} else if statErr == nil && !info.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%s is no folder", parent)}
	}
	return writable(parent, true)
}
