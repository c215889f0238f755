package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/collector/smi/mibfile"
	"walkabout/collector/snmpyml"
	"walkabout/internal/strictyaml"
)

// words are a list of texts, or one alone.
type words []string

// UnmarshalYAML reads both forms.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*w = words{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: a text or a list of texts is wanted here", n.Line)}}
	}
	*w = list
	return nil
}

// loadProfiles adds the profiles that the file names to those that the program comes with, and returns the names of objects that they were read
// with.
func (r *reader) loadProfiles(f *document, parts []part) *smi.Names {
	r.ymls = map[string]snmpyml.File{}
	names := mibfile.NewLibrary(smi.BuiltIn(), r.relative(f.MIBs)...)
	for i, module := range f.MIBModules {
		if err := names.Load(module); err != nil {
			r.fail(err, "mib_modules", i)
		}
	}
	for i, entry := range f.Profiles {
		r.checkPath(entry, "profiles", i)
		paths, err := expand(r.path, entry)
		if err != nil {
			r.fail(fmt.Errorf("profiles: %w", err), "profiles", i)
		}
		for _, path := range paths {
			r.loadProfile(path, names)
		}
	}
	for _, p := range parts {
		for i, t := range p.Targets {
			p.ymls, p.names = r.ymls, names
			p.loadModules(t.Module, r.path, "targets", i)
			if p.reader != r {
				r.sources, p.sources = append(r.sources, p.sources...), nil
			}
		}
	}
	r.names = names
	r.loadListModules(f)
	return names.Names()
}

func (r *reader) loadListModules(f *document) {
	for i, l := range f.FileSD {
		r.loadModules(l.Module, r.path, "file_sd_configs", i)
	}
	for i, l := range f.HTTPSD {
		r.loadModules(l.Module, r.path, "http_sd_configs", i)
	}
	for i, l := range f.DNSSD {
		r.loadModules(l.Module, r.path, "dns_sd_configs", i)
	}
}

// relative returns paths that begin where the file is.
func (r *reader) relative(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(r.path), p)
		}
		out = append(out, p)
	}
	return out
}

// loadProfile adds the profile of a file under the file's name. One that is wrong is an empty one, if there is no other of its name: its
// own mistakes are told, and targets that collect it have none.
func (r *reader) loadProfile(path string, names smi.Resolver) {
	r.sources = append(r.sources, path)
	problem := func(line int, err error) { r.problems = append(r.problems, Problem{File: path, Line: line, Err: err}) }
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	text, _, err := readFile(path)
	if err == nil {
		var profile *collector.Profile
		if profile, err = collector.ParseProfile(text, names); err == nil {
			r.profiles[name] = profile
			return
		}
	}
	if r.profiles[name] == nil {
		r.profiles[name] = &collector.Profile{}
	}
	for _, err := range flatten(err) {
		var mistake *strictyaml.Error
		if errors.As(err, &mistake) {
			problem(mistake.Line, mistake.Err)
			continue
		}
		problem(0, err)
	}
}

// module reads a module of an snmp.yml.
func (r *reader) module(path, name string) (*collector.Profile, error) {
	f, ok := r.ymls[path]
	if !ok {
		r.sources = append(r.sources, path)
		text, _, err := readFile(path)
		if err != nil {
			return nil, err
		}
		if f, err = snmpyml.Parse(text); err != nil {
			return nil, err
		}
		r.ymls[path] = f
	}
	return f.Profile(name, r.names)
}

// loadModules adds the modules of snmp_exporter's, FILE#MODULE, under the names that they are written with.
func (r *reader) loadModules(modules []string, main string, at ...any) {
	for _, name := range modules {
		if r.profiles[name] != nil {
			continue
		}
		file, module, ok := strings.Cut(name, "#")
		if !ok || module == "" {
			r.fail(fmt.Errorf("module %q is not FILE#MODULE, as in /etc/prometheus/snmp.yml#if_mib", name), append(at, "module")...)
			r.profiles[name] = &collector.Profile{} // told once
			continue
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(main), file)
		}
		profile, err := r.module(file, module)
		if err != nil {
			r.fail(fmt.Errorf("%s: %w", file, err), append(at, "module")...)
			profile = &collector.Profile{} // told once
		}
		r.profiles[name] = profile
	}
}
