// Package version tells which build of Walkabout is running.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// stamped is set by the Makefile (-ldflags "-X walkabout/internal/version.stamped=…") to what git describe says.
var stamped string

// Version returns what git describe said of the tree that the program was built from (v1.2.0, v1.2.0-3-g1a2b3c4-dirty). A program built
// without the Makefile returns the module's version from its build information, else the first 12 digits of the commit, with "-dirty"
// after them if the tree was changed, else "devel".
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return pick(stamped, info)
}

// Line returns what --version prints: the program, its version, and what it was built with and for, without a line's end.
func Line(program string) string {
	return fmt.Sprintf("%s %s (%s %s/%s)", program, Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// pick takes the first of stamped and what info tells; info may be nil.
func pick(stamped string, info *debug.BuildInfo) string {
	if stamped != "" {
		return stamped
	}
	if info == nil {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return revision + dirty
}
