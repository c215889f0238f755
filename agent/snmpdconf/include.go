package snmpdconf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Limits of includeFile and includeDir.
const (
	MaxDepth     = 16       // of files in files, as in Net-SNMP
	MaxFiles     = 4096     // that are read in all, as in Net-SNMP
	MaxTotalSize = 16 << 20 // octets of all files
)

// sources is the files that a parser reads.
type sources struct {
	open []openFile // those that are being read, the outermost first
	size int        // octets of all
}

type openFile struct {
	name string
	info os.FileInfo
}

// read reads one file that the command line names.
func (p *parser) read(name string) error {
	text, info, err := readFile(name)
	if err != nil {
		return err
	}
	p.enter(name, text, info)
	return nil
}

// enter parses the text of a file and remarks on its mode. What it says of sections ends with it.
func (p *parser) enter(name string, text []byte, info os.FileInfo) {
	c, s := &p.config, p.sources
	communities, users, sinks := len(c.Communities), len(c.Users), len(c.Notifications.Sinks)
	s.size += len(text)
	s.open = append(s.open, openFile{name, info})
	c.Files = append(c.Files, name)

	file, line, section := p.file, p.line, p.section
	p.parse(name, text)
	if info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" { // which has no such bit
		p.warnReaders(name, c.Communities[communities:], c.Users[users:], c.Notifications.Sinks[sinks:])
	}
	p.file, p.line, p.section = file, line, section
	s.open = s.open[:len(s.open)-1]
}

// warnReaders remarks on the first secret of the file called name, which every user of the machine can read. The lists are what was read since
// it was opened, of other files too.
func (p *parser) warnReaders(name string, communities []Community, users []User, sinks []Sink) {
	if i := slices.IndexFunc(communities, func(c Community) bool { return c.File == name }); i >= 0 {
		p.line = communities[i].Line
		p.warnf("every user of this machine can read this community: chmod o-rwx %s", name)
	} else if i := slices.IndexFunc(users, func(u User) bool { return u.File == name }); i >= 0 {
		p.line = users[i].Line
		p.warnf("every user of this machine can read this user's passwords: chmod o-rwx %s", name)
	} else if i := slices.IndexFunc(sinks, func(s Sink) bool { return s.File == name }); i >= 0 {
		p.line = sinks[i].Line
		p.warnf("every user of this machine can read this line's secrets: chmod o-rwx %s", name)
	}
}

// include carries out the line if it is one of includeFile or includeDir, which every section may hold; false if it is not. As Net-SNMP does,
// it takes the rest of the line as it stands.
func (p *parser) include(name, value string) bool {
	var read func(name, value string)
	switch {
	case strings.EqualFold(name, "includeFile"):
		name, read = "includeFile", p.includeFile
	case strings.EqualFold(name, "includeDir"):
		name, read = "includeDir", p.includeDir
	default:
		return false
	}
	switch {
	case value == "":
		p.errorf("%s has no value", name)
	case p.sources == nil:
		p.warnf("%s is not followed here", name)
	default:
		read(name, value)
	}
	return true
}

// includeFile reads one more file, whose path is relative to the folder of this one. That there is none is an error: it may hold what takes
// access away.
func (p *parser) includeFile(name, path string) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(p.file), path)
	}
	p.includePath(name, filepath.Clean(path))
}

// includeDir reads the files of a folder whose names end in .conf and begin with no dot, in the order of their names. That there is no such
// folder is a warning: packages make it when they have something for it.
func (p *parser) includeDir(name, path string) {
	if !filepath.IsAbs(path) {
		p.errorf("%s: %s must be an absolute path", name, clip(path))
		return
	}
	path = filepath.Clean(path)
	entries, err := os.ReadDir(path) // sorted
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.warnf("%s: there is no folder %s", name, path)
		return
	case err != nil:
		p.errorf("%s: %v", name, err)
		return
	}
	p.config.Folders = append(p.config.Folders, path)
	const suffix = ".conf"
	for _, e := range entries {
		if file := e.Name(); file[0] != '.' && len(file) > len(suffix) && strings.HasSuffix(file, suffix) && !e.IsDir() {
			p.includePath(name, filepath.Join(path, file))
		}
	}
}

func (p *parser) includePath(name, path string) {
	if p.full {
		return
	}
	s := p.sources
	switch {
	case len(s.open) > MaxDepth:
		p.errorf("%s: %s is the %dth file in a file; the most is %d", name, path, len(s.open), MaxDepth)
		return
	case len(p.config.Files) == MaxFiles:
		p.errorf("%s: more than %d files", name, MaxFiles)
		return
	case s.size > MaxTotalSize:
		p.errorf("%s: the files have more than %d octets", name, MaxTotalSize)
		return
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // to open a pipe may wait for ever
		p.errorf("%s: %s is no regular file", name, path)
		return
	}
	if err == nil {
		if i := slices.IndexFunc(s.open, func(o openFile) bool { return os.SameFile(o.info, info) }); i >= 0 {
			p.errorf("%s: %s is being read already: it includes itself", name, path)
			return
		}
		var text []byte
		if text, info, err = readFile(path); err == nil {
			p.enter(path, text, info)
			return
		}
	}
	p.errorf("%s: %v", name, err)
}

// readFile reads at most MaxFileSize octets, whatever the file's size is said to be: it may be a pipe.
func readFile(name string) ([]byte, os.FileInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("configuration file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("configuration file: %w", err)
	}
	if len(text) > MaxFileSize {
		return nil, nil, fmt.Errorf("configuration file %s: more than %d octets: %w", name, MaxFileSize, ErrTooLarge)
	}
	return text, info, nil
}
