// Package mibfile reads MIB modules from files (SMIv1 and SMIv2, RFC 1155, 1212, 1215 and 2578 to 2580): only those that are asked for, and those that they
// import. It is no validator: what it does not need it skips.
package mibfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"walkabout/collector/smi"
	"walkabout/snmp/oid"
)

// ErrNoFile is that no file holds a module.
var ErrNoFile = errors.New("no file of the MIB directories holds the module")

// Library finds objects by name: those that are known beforehand, and those of modules in directories, which are read when they are asked for. It is a
// smi.Resolver, and for one goroutine.
type Library struct {
	names   *smi.Names
	dirs    []string
	files   []string           // of all directories, once they were listed
	holds   map[string]string  // the file of a module, once all files were looked through
	loaded  map[string]*source // by module; nil: cannot be had
	reading map[string]error   // what was wrong with each file that was read
}

// source is a module that was read, and where from.
type source struct {
	*module
	file  string
	at    map[string]int     // of its definitions, by name
	oids  map[string]oid.OID // of its definitions, as they are resolved
	trail map[string]bool    // names that are being resolved
}

func newSource(m *module, file string) *source {
	s := &source{module: m, file: file, at: make(map[string]int, len(m.objects)), oids: map[string]oid.OID{}, trail: map[string]bool{}}
	for i := range m.objects {
		if _, twice := s.at[m.objects[i].name]; !twice {
			s.at[m.objects[i].name] = i
		}
	}
	return s
}

// NewLibrary returns a Library over names and the modules of dirs, of which the first that holds a module counts.
func NewLibrary(names *smi.Names, dirs ...string) *Library {
	return &Library{names: names, dirs: dirs, loaded: map[string]*source{}, reading: map[string]error{}}
}

// Names returns what is known by now.
func (l *Library) Names() *smi.Names { return l.names }

// Find implements smi.Resolver.
func (l *Library) Find(o oid.OID) (smi.Object, bool) { return l.names.Find(o) }

// Resolve implements smi.Resolver. A name without a module is one of what is known by now.
func (l *Library) Resolve(name string) (smi.Object, error) {
	module, _, qualified := strings.Cut(name, "::")
	if qualified && len(l.dirs) > 0 && !l.names.HasModule(module) {
		if err := l.Load(module); err != nil {
			return smi.Object{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return l.names.Resolve(name)
}

// maxFiles bounds the files of the directories; large collections have some 10,000.
const maxFiles = 50_000

// Load reads a module and adds what it defines, unless it is known. What cannot be resolved is an error that names the file and the line.
func (l *Library) Load(module string) error {
	if l.names.HasModule(module) {
		return nil
	}
	s, err := l.source(module)
	if err != nil {
		return err
	}
	objects, err := l.objects(s)
	if err != nil {
		return err
	}
	l.names = l.names.With(objects)
	return nil
}

// source returns the module, read.
func (l *Library) source(module string) (*source, error) {
	if s, ok := l.loaded[module]; ok {
		if s == nil {
			return nil, fmt.Errorf("module %s: %w", module, ErrNoFile)
		}
		return s, nil
	}
	file, err := l.file(module)
	if err != nil {
		return nil, err
	}
	if file != "" {
		if err := l.read(file); err != nil {
			return nil, err
		}
	}
	if s := l.loaded[module]; s != nil {
		return s, nil
	}
	l.loaded[module] = nil
	return nil, fmt.Errorf("module %s: %w (%s)", module, ErrNoFile, strings.Join(l.dirs, ", "))
}

// maxFile bounds a file; the largest modules that are known have 5 MB.
const maxFile = 32 << 20

func (l *Library) read(file string) error {
	if err, done := l.reading[file]; done {
		return err
	}
	text, err := readText(file)
	if err == nil {
		var modules []*module
		if modules, err = parse(text); err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range modules {
			if l.loaded[m.name] == nil {
				l.loaded[m.name] = newSource(m, file)
			}
		}
	}
	l.reading[file] = err
	return err
}

func readText(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", fmt.Errorf("%s: a MIB module is a regular file of at most %d octets", file, maxFile)
	}
	b, err := os.ReadFile(file)
	return string(b), err
}

// file returns the file that holds a module: the one of its name, else the one that says so; "" if there is none.
func (l *Library) file(module string) (string, error) {
	if l.files == nil {
		if err := l.list(); err != nil {
			return "", err
		}
	}
	for _, f := range l.files {
		base := filepath.Base(f)
		if base == module || strings.EqualFold(strings.TrimSuffix(base, filepath.Ext(base)), module) {
			if text, err := readText(f); err == nil && slices.Contains(defined(text), module) {
				return f, nil
			}
		}
	}
	if l.holds == nil {
		l.holds = map[string]string{}
		for _, f := range l.files {
			text, err := readText(f)
			if err != nil {
				continue // it may be anything; the module is missed if it was needed
			}
			for _, m := range defined(text) {
				if _, ok := l.holds[m]; !ok {
					l.holds[m] = f
				}
			}
		}
	}
	return l.holds[module], nil
}

var definitions = regexp.MustCompile(`(?m)^[ \t]*([A-Za-z][A-Za-z0-9_-]*)\s+(?:\{[^}]*\}\s*)?DEFINITIONS\s*(?:IMPLICIT\s+TAGS\s*)?::=\s*BEGIN`)

// defined returns the modules that text defines.
func defined(text string) []string {
	var names []string
	for _, m := range definitions.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// list lists the files below the directories.
func (l *Library) list() error {
	l.files = []string{}
	for _, dir := range l.dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && path == dir:
				return fmt.Errorf("MIB directory: %w", err)
			case err != nil:
				return nil // a folder that cannot be read; what is missed is told by name
			case d.IsDir() || strings.HasPrefix(d.Name(), "."):
				return nil
			case len(l.files) == maxFiles:
				return fmt.Errorf("MIB directory %s: more than %d files", dir, maxFiles)
			}
			l.files = append(l.files, path)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
