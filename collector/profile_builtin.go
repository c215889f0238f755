package collector

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"walkabout/collector/smi"
)

//go:embed profiles/*.yaml
var profileFiles embed.FS

// BuiltIn returns the profiles that come with the program, which nobody changes. It panics if one of them is wrong, which a test excludes.
func BuiltIn() Profiles { return builtIn() }

var builtIn = sync.OnceValue(func() Profiles {
	names, err := fs.Glob(profileFiles, "profiles/*.yaml")
	if err != nil {
		panic(err)
	}
	profiles := Profiles{}
	for _, file := range names {
		text, err := profileFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		p, err := ParseProfile(text, smi.BuiltIn())
		if err != nil {
			panic(fmt.Sprintf("collector: %s: %v", file, err))
		}
		profiles[strings.TrimSuffix(path.Base(file), ".yaml")] = p
	}
	return profiles
})

// BuiltInText returns the YAML of the profile called name that comes with the program.
func BuiltInText(name string) ([]byte, error) {
	text, err := profileFiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, BuiltIn().Unknown(name)
	}
	return text, nil
}
