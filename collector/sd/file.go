package sd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is lists in files, as Prometheus' file_sd. The zero value with Patterns is ready.
type File struct {
	Patterns []string // paths, or patterns of path.Match; .json is JSON, .yml and .yaml YAML

	last map[string][]Group // of each file that was ever right
}

// CheckPattern returns what is wrong with a pattern of File.
func CheckPattern(pattern string) error {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q: %w", pattern, err)
	}
	switch filepath.Ext(pattern) {
	case ".json", ".yml", ".yaml":
		return nil
	}
	return fmt.Errorf("%q must end in .json, .yml or .yaml", pattern)
}

// Fetch reads the files. One that is wrong keeps the list that it had when it was right; one that a pattern no longer finds is gone; a
// path without wildcards that leads nowhere is an error and keeps its list too.
func (f *File) Fetch(context.Context) ([]Group, error) {
	paths, errs := f.paths()
	groups := []Group{}
	last := map[string][]Group{}
	for _, path := range paths {
		list, err := readList(path)
		if err != nil {
			errs = append(errs, err)
			list = f.last[path]
		}
		if list != nil {
			last[path] = list
			groups = append(groups, list...)
		}
	}
	f.last = last
	err := errors.Join(errs...)
	if err != nil && len(last) == 0 {
		return nil, err
	}
	return groups, err
}

// paths returns what the patterns find, each once.
func (f *File) paths() ([]string, []error) {
	var paths []string
	var errs []error
	for _, p := range f.Patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", p, err))
		}
		if len(found) == 0 && !strings.ContainsAny(p, `*?[`) {
			found = []string{p} // reading it says why
		}
		for _, path := range found {
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths, errs
}

func readList(path string) ([]Group, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("no regular file")}
	}
	if info.Size() == 0 { // somebody is about to write it
		return nil, fmt.Errorf("%s: the file is empty; an empty list is []", path)
	}
	if info.Size() > maxList {
		return nil, fmt.Errorf("%s: %w", path, errTooLong)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parse := ParseYAML
	if filepath.Ext(path) == ".json" {
		parse = ParseJSON
	}
	groups, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return groups, nil
}
