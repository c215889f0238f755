package machine

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Package is an installed piece of software.
type Package struct {
	Name      string // of the software alone: "bash"
	Version   string
	Arch      string    // "amd64"; "" if it is not told
	By        string    // what installed it: "dpkg", "rpm"
	Installed time.Time // zero if it is not told
	// System says that the distribution counts it to the operating system itself.
	System bool
}

// Packages is the installed software.
type Packages struct {
	List    []Package // ascending by Name, Version, Arch
	Changed time.Time // when its database was last changed
	Read    time.Time // when it was last read
}

// packageReader reads the databases of dpkg and rpm when they have changed.
type packageReader struct {
	root  string // of the file system
	now   func() time.Time
	rpm   func(ctx context.Context, root string) ([]Package, error)
	state []fileState
	last  *Packages
}

// fileState is how a database looked when it was read.
type fileState struct {
	path     string
	modified time.Time
	size     int64
}

// The databases: dpkg's, and rpm's of each kind (sqlite, ndb, Berkeley DB).
const dpkgStatus = "var/lib/dpkg/status"

var rpmDatabases = []string{
	"usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/Packages.db", "var/lib/rpm/Packages.db", "var/lib/rpm/Packages",
}

// read returns the packages. It is called by one goroutine at a time.
func (r *packageReader) read() (*Packages, error) {
	var state []fileState
	for _, path := range append([]string{dpkgStatus}, rpmDatabases...) {
		if info, err := os.Stat(filepath.Join(r.root, path)); err == nil {
			state = append(state, fileState{path, info.ModTime(), info.Size()})
		}
	}
	if len(state) == 0 {
		return nil, fmt.Errorf("neither dpkg nor rpm keeps packages here: %w", errors.ErrUnsupported)
	}
	if r.last != nil && slices.Equal(r.state, state) {
		return r.last, nil
	}
	p := &Packages{Read: r.now()}
	var errs []error
	for _, s := range state {
		var list []Package
		var err error
		if s.path == dpkgStatus {
			list, err = readDpkg(r.root)
		} else if len(state) == 1 || state[0].path == dpkgStatus && s == state[1] || s == state[0] { // one kind of rpm's is in use
			ctx, cancel := context.WithTimeout(context.Background(), rpmTimeout)
			list, err = r.rpm(ctx, r.root)
			cancel()
		}
		errs = append(errs, err)
		p.List = append(p.List, list...)
		if s.modified.After(p.Changed) {
			p.Changed = s.modified
		}
	}
	if err := errors.Join(errs...); err != nil && len(p.List) == 0 {
		return nil, err
	}
	slices.SortFunc(p.List, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch))
	})
	r.last, r.state = p, state
	return p, nil
}

// readDpkg reads /var/lib/dpkg/status (deb-control(5), and the field Status of dpkg(1)). What is installed was so when the list of its
// files was written.
func readDpkg(root string) ([]Package, error) {
	f, err := os.Open(filepath.Join(root, dpkgStatus))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := parseDpkg(f)
	if err != nil {
		return nil, err
	}
	info := filepath.Join(root, "var/lib/dpkg/info")
	for i := range list {
		p := &list[i]
		p.By = "dpkg"
		for _, name := range []string{p.Name + ":" + p.Arch + ".list", p.Name + ".list"} {
			if stat, err := os.Stat(filepath.Join(info, filepath.Base(name))); err == nil {
				p.Installed = stat.ModTime()
				break
			}
		}
	}
	return list, nil
}

// maxStatusLine bounds a line of dpkg's database; what is longer is no field that is read here.
const maxStatusLine = 64 << 10

func parseDpkg(r io.Reader) ([]Package, error) {
	var out []Package
	var p Package
	installed := false
	flush := func() {
		if installed && p.Name != "" {
			out = append(out, p)
		}
		p, installed = Package{}, false
	}
	in := bufio.NewReaderSize(r, maxStatusLine)
	for {
		part, err := in.ReadSlice('\n')
		line := string(part)                                     // the next read overwrites part
		for full := err; errors.Is(full, bufio.ErrBufferFull); { // the rest of a line that is too long
			_, full = in.ReadSlice('\n')
			err = full
		}
		if strings.TrimSpace(line) == "" {
			flush()
		}
		if name, value, ok := strings.Cut(line, ": "); ok {
			value = strings.TrimSpace(value)
			switch name {
			case "Package":
				p.Name = value
			case "Version":
				p.Version = value
			case "Architecture":
				p.Arch = value
			case "Status":
				words := strings.Fields(value)
				installed = len(words) == 3 && words[2] == "installed"
			case "Essential":
				p.System = value == "yes"
			case "Priority":
				p.System = p.System || value == "required"
			}
		}
		if errors.Is(err, io.EOF) {
			flush()
			return out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

const (
	// rpmTimeout bounds how long rpm may take.
	rpmTimeout = time.Minute
	// maxRPM bounds what it may say, in octets.
	maxRPM = 16 << 20
)

// rpmFormat has rpm write name, version, architecture, time of installation and group of each package.
const rpmFormat = `%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{INSTALLTIME}\t%{GROUP}\n`

// queryRPM asks rpm, whose databases have a form of their own in each distribution. Nothing of the environment reaches it.
func queryRPM(ctx context.Context, root string) ([]Package, error) {
	program := ""
	for _, path := range []string{"usr/bin/rpm", "bin/rpm"} {
		if info, err := os.Stat(filepath.Join(root, path)); err == nil && info.Mode().IsRegular() {
			program = filepath.Join(root, path)
			break
		}
	}
	if program == "" {
		return nil, fmt.Errorf("rpm: %w", fs.ErrNotExist)
	}
	c := exec.CommandContext(ctx, program, "-qa", "--queryformat", rpmFormat)
	c.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	c.Dir = "/"
	c.WaitDelay = time.Second
	out := &bounded{max: maxRPM}
	c.Stdout = out
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("rpm: %w", err)
	}
	return parseRPM(out.b), nil
}

// parseRPM reads what rpm writes by rpmFormat. Keys of packagers count as packages to it, and have no architecture.
func parseRPM(b []byte) []Package {
	var out []Package
	var line []byte
	for len(b) > 0 {
		line, b = cutLine(b)
		f := strings.Split(string(line), "\t")
		if len(f) != 5 || f[0] == "" || f[0] == "gpg-pubkey" {
			continue
		}
		p := Package{Name: f[0], Version: f[1], Arch: f[2], By: "rpm", System: strings.HasPrefix(f[4], "System Environment/Base")}
		if p.Arch == "(none)" {
			p.Arch = ""
		}
		if n, err := strconv.ParseInt(f[3], 10, 64); err == nil && n > 0 {
			p.Installed = time.Unix(n, 0)
		}
		out = append(out, p)
	}
	return out
}

var errTooMuch = errors.New("it says more than is read")

// bounded is a Writer that keeps what it is given up to max octets, and fails beyond.
type bounded struct {
	b   []byte
	max int
}

func (w *bounded) Write(b []byte) (int, error) {
	if len(w.b)+len(b) > w.max {
		return 0, errTooMuch
	}
	w.b = append(w.b, b...)
	return len(b), nil
}
