package config

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"walkabout/collector/session"
	"walkabout/internal/strictyaml"
)

// included is a file that include: names: more of two sections of the main one.
type included struct {
	Credentials map[string]credential `yaml:"credentials"`
	Targets     []target              `yaml:"targets"`
}

// part is one file of a configuration, with a reader of its own for its lines.
type part struct {
	*reader
	included
}

// readFile returns the text of a file of the configuration, and whether nobody else can read it.
func readFile(path string) (text []byte, private bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	switch {
	case info.IsDir():
		return nil, false, errors.New("it is a folder: name a file")
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, false, fmt.Errorf("it is no regular file of at most %d MiB", maxFile>>20)
	}
	text, err = os.ReadFile(path)
	return text, runtime.GOOS == "windows" || info.Mode().Perm()&0o007 == 0, err
}

// parts returns the main file's sections and those of the files that it includes, in their order.
func (r *reader) parts(f *document) []part {
	parts := []part{{r, included{f.Credentials, f.Targets}}}
	for i, pattern := range f.Include {
		r.checkPath(pattern, "include", i)
		paths, err := expand(r.path, pattern)
		if err != nil {
			r.fail(fmt.Errorf("include: %w", err), "include", i)
		}
		for _, path := range paths {
			p := part{reader: &reader{path: path, profiles: r.profiles, getenv: r.getenv}}
			text, private, err := readFile(path)
			if err != nil {
				p.problems = []Problem{{File: path, Err: err}}
			} else {
				var errs []*strictyaml.Error
				p.private = private
				p.doc, errs = strictyaml.Decode(text, &p.included)
				p.mistakes(errs)
			}
			parts = append(parts, p)
		}
	}
	return parts
}

// expand returns the files that pattern names, in order: it is a file, a folder, whose .yaml and .yml files are meant, or a pattern of
// path.Match, which may find nothing. A relative one begins where the file main is.
func expand(main, pattern string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(main), pattern)
	}
	if info, err := os.Stat(pattern); err == nil && info.IsDir() {
		entries, err := os.ReadDir(pattern)
		var paths []string
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(), ".") {
				paths = append(paths, filepath.Join(pattern, e.Name()))
			}
		}
		return paths, err
	}
	if !strings.ContainsAny(pattern, `*?[`) {
		_, err := os.Stat(pattern)
		if err != nil {
			return nil, err
		}
		return []string{pattern}, nil
	}
	return filepath.Glob(pattern)
}

// credentials returns those of all parts that are right, and the names of all that are written.
func (r *reader) credentials(parts []part) (right map[string]session.Credential, written map[string]bool) {
	right, written = map[string]session.Credential{}, map[string]bool{}
	for _, p := range parts {
		for name, c := range p.Credentials {
			if written[name] {
				p.fail(fmt.Errorf("credential %q is there already, in another file", name), "credentials", name)
				continue
			}
			written[name] = true
			if s, ok := p.credential(name, c); ok {
				right[name] = s
			}
		}
	}
	return right, written
}

// Stamp changes when a file that include names is changed, added or removed; with main, when the main file is, too. It is 0 where
// there is nothing to look at.
func (c Config) Stamp(main bool) uint64 {
	h := fnv.New64a()
	var paths []string
	if main {
		paths = append(paths, c.path)
	}
	for _, pattern := range c.include {
		more, err := expand(c.path, pattern)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			_, _ = fmt.Fprintln(h, err)
		}
		paths = append(paths, more...)
	}
	paths = append(paths, c.sources...)
	if len(paths) == 0 && len(c.include) == 0 {
		return 0
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			_, _ = fmt.Fprintln(h, path, "is away")
			continue
		}
		_, _ = fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
	}
	return h.Sum64()
}

// Read is what Stamp was just before the files were read.
func (c Config) Read(main bool) uint64 {
	if main {
		return c.read[1]
	}
	return c.read[0]
}

// mistakes notes what the decoder found.
func (r *reader) mistakes(errs []*strictyaml.Error) {
	for _, e := range errs {
		r.problems = append(r.problems, Problem{File: r.path, Line: e.Line, Err: e.Err})
	}
}

// gather brings the problems of all parts together, each file's in the order of its lines.
func gather(parts []part) []Problem {
	var all []Problem
	for _, p := range parts {
		slices.SortStableFunc(p.problems, func(a, b Problem) int { return a.Line - b.Line })
		all = append(all, p.problems...)
	}
	return all
}
