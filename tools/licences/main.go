// Command licences checks that every module which this repository's packages import, in their tests too and on every system that
// it is built for, is under a licence that may be used here. It runs in the main module's folder and exits 1 if one is not, or has none.
//
// It is a module of its own, so that what it needs is no dependency of the programs.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// allowed holds the SPDX identifiers, as the classifier writes them, of the licences that a dependency may have.
var allowed = []string{
	"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-FreeBSD", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0",
}

var systems = []string{"linux", "darwin", "freebsd", "windows"}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	var pkgs []pkg
	for _, goos := range systems {
		p, err := list(goos)
		if err != nil {
			return err
		}
		pkgs = append(pkgs, p...)
	}
	c, err := newChecker()
	if err != nil {
		return err
	}
	return c.report(w, pkgs)
}

// pkg is an imported package of another module.
type pkg struct {
	module string // path@version
	root   string // the module's folder
	dir    string // the package's folder, root or below it
}

// list returns the packages of other modules that the main module's packages and tests import on goos.
func list(goos string) ([]pkg, error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{"\t"}}{{.Dir}}{{"\t"}}{{$.Dir}}{{end}}{{end}}`
	cmd := exec.Command("go", "list", "-deps", "-test", "-tags", "interop", "-f", format, "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w: %s", goos, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var pkgs []pkg
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if f := strings.Split(s.Text(), "\t"); len(f) == 3 {
			pkgs = append(pkgs, pkg{module: f[0], root: f[1], dir: f[2]})
		}
	}
	return pkgs, nil
}

// checker knows the texts of the licences.
type checker struct {
	texts *classifier.Classifier
}

func newChecker() (*checker, error) {
	texts, err := assets.DefaultClassifier()
	if err != nil {
		return nil, fmt.Errorf("load the licences' texts: %w", err)
	}
	return &checker{texts}, nil
}

// report writes a line for each module of pkgs with the licences found, and returns an error that names every module which may not be used.
func (c *checker) report(w io.Writer, pkgs []pkg) error {
	files := map[string][]string{} // by module
	for _, p := range pkgs {
		found, err := licenceFiles(p.root, p.dir)
		if err != nil {
			return err
		}
		files[p.module] = append(files[p.module], found...)
	}
	modules := make([]string, 0, len(files))
	for m := range files {
		modules = append(modules, m)
	}
	slices.Sort(modules)
	var errs []error
	for _, m := range modules {
		slices.Sort(files[m])
		names, err := c.check(slices.Compact(files[m]))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m, err))
		}
		fmt.Fprintf(w, "%-70s %s\n", m, strings.Join(names, ", "))
	}
	return errors.Join(errs...)
}

var licenceName = regexp.MustCompile(`(?i)^(li[cs]en[cs]e|copying|unlicense)([._-].*)?$`)

// licenceFiles returns the files that look like a licence's text in dir and the folders above it, up to root.
func licenceFiles(root, dir string) ([]string, error) {
	var files []string
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && licenceName.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
		if dir == root || len(dir) <= len(root) {
			return files, nil
		}
		dir = filepath.Dir(dir)
	}
}

// check returns the licences in files. Every one must be allowed, and every file must hold one.
func (c *checker) check(files []string) (names []string, err error) {
	if len(files) == 0 {
		return nil, errors.New("no licence found")
	}
	var errs []error
	for _, file := range files {
		found, err := c.licences(file)
		switch {
		case err != nil:
			errs = append(errs, err)
		case len(found) == 0:
			errs = append(errs, fmt.Errorf("%s is no licence that is known", file))
		}
		for _, name := range found {
			if !slices.Contains(allowed, name) {
				errs = append(errs, fmt.Errorf("%s is %s, which is not allowed", file, name))
			}
		}
		names = append(names, found...)
	}
	slices.SortFunc(names, cmp.Compare)
	return slices.Compact(names), errors.Join(errs...)
}

// choice is an SPDX expression that leaves it to the user which of several licences to take. One with AND or WITH leaves nothing.
var choice = regexp.MustCompile(`SPDX-License-Identifier: *([\w.-]+(?: OR [\w.-]+)+) *(?:\*/)?\s*(?:\n|$)`)

// licences returns the SPDX identifiers of the licences whose text, or whose customary notice above a source file, is in file: of those that
// the file lets the user choose from, the allowed one.
func (c *checker) licences(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range c.texts.Match(text).Matches {
		if m.MatchType != "Copyright" {
			names = append(names, m.Name)
		}
	}
	if m := choice.FindSubmatch(text); m != nil {
		for _, one := range strings.Split(string(m[1]), " OR ") {
			if slices.Contains(allowed, one) && slices.Contains(names, one) {
				return []string{one}, nil
			}
		}
	}
	return names, nil
}
