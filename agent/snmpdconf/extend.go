package snmpdconf

import (
	"path"
	"strconv"
	"strings"
	"time"

	"walkabout/snmp/oid"
)

// Extend is which programs the agent runs, and for what. Without these directives it runs none.
type Extend struct {
	Programs []ExtendedProgram // extend and exec
	Passes   []Pass            // pass and pass_persist
	Allowed  []string          // allowedPrograms: patterns of path.Match; if there is one, nothing else is run
}

// StartsPrograms reports whether the agent starts programs, which what fences it in must not fence in too.
func (e *Extend) StartsPrograms() bool { return len(e.Programs)+len(e.Passes) > 0 }

// ExtendedProgram is a program whose output is served.
type ExtendedProgram struct {
	Root      oid.OID // below which its tables stand; empty for NET-SNMP-EXTEND-MIB's own place
	Name      string
	Path      string // absolute
	Args      []string
	CacheTime time.Duration
	Table     bool // exec: it has a row in extTable as well
}

// Pass is a subtree that a program serves.
type Pass struct {
	Root     oid.OID
	Priority uint8
	Path     string // absolute
	Args     []string
	Persist  bool
}

const (
	defaultCacheTime    = 5 * time.Second
	maxCacheTime        = 24 * time.Hour
	maxExtendName       = 100 // it is an index
	maxExtendOID        = 23  // sub-identifiers: with the name and what else stands behind it 128
	defaultPassPriority = 127
)

// program reads NAME PROG ARGS of extend and exec, and MIBOID NAME PROG ARGS of extend.
func (p *parser) program(name, value string, table bool) {
	list, err := words(value)
	if err != nil {
		p.errorf("%s: %v", name, err)
		return
	}
	e := ExtendedProgram{CacheTime: defaultCacheTime, Table: table}
	for !table && len(list) > 1 && strings.HasPrefix(list[0], "-") {
		switch strings.ToLower(list[0]) {
		case "-cachetime":
			n, err := strconv.ParseUint(list[1], 10, 31)
			if err != nil || time.Duration(n)*time.Second > maxCacheTime {
				p.errorf("%s: -cacheTime: %s is no number of seconds", name, clip(list[1]))
				return
			}
			e.CacheTime = time.Duration(n) * time.Second
		case "-exectype":
			if list[1] != "exec" {
				p.warnf("%s: -execType %s: no shell is run; write the program and its arguments. The line is ignored", name, clip(list[1]))
				return
			}
		default:
			p.errorf("%s: %s is not known", name, clip(list[0]))
			return
		}
		list = list[2:]
	}
	if len(list) > 0 && isNumericOID(list[0]) {
		if table {
			p.warnf("%s: an OID of its own is not supported; write %s NAME PROGRAM ARGUMENTS. The line is ignored", name, name)
			return
		}
		e.Root, _ = parseOID(list[0])
		if list = list[1:]; e.Root.Len() > maxExtendOID {
			p.errorf("%s: an OID of its own has at most %d sub-identifiers", name, maxExtendOID)
			return
		}
	}
	if len(list) < 2 {
		p.errorf("%s: write %s NAME PROGRAM ARGUMENTS", name, name)
		return
	}
	e.Name, e.Path, e.Args = list[0], list[1], list[2:]
	if e.Name == "" || len(e.Name) > maxExtendName {
		p.errorf("%s: a name has 1 to %d octets", name, maxExtendName)
		return
	}
	if !p.programPath(name, e.Path) {
		return
	}
	for _, other := range p.config.Extend.Programs {
		if other.Name == e.Name && other.Root == e.Root {
			p.errorf("%s: there is another program called %s", name, clip(e.Name))
			return
		}
	}
	if len(p.config.Extend.Programs) == maxWatched {
		p.errorf("%s: there are more than %d programs", name, maxWatched)
		return
	}
	p.config.Extend.Programs = append(p.config.Extend.Programs, e)
}

func (p *parser) programPath(name, file string) bool {
	if !path.IsAbs(file) {
		p.errorf("%s: %s is no whole path, such as /usr/bin/true", name, clip(file))
		return false
	}
	return true
}

func isNumericOID(word string) bool {
	o, err := oid.Parse(word)
	return err == nil && o.Len() > 2
}

// pass reads [-p PRIORITY] MIBOID PROG ARGS.
func (p *parser) pass(name, value string, persist bool) {
	list, err := words(value)
	if err != nil {
		p.errorf("%s: %v", name, err)
		return
	}
	e := Pass{Priority: defaultPassPriority, Persist: persist}
	if len(list) > 1 && list[0] == "-p" {
		n, err := strconv.ParseUint(list[1], 10, 8)
		if err != nil || n == 0 {
			p.errorf("%s: -p: %s is no priority from 1 to 255", name, clip(list[1]))
			return
		}
		e.Priority, list = uint8(n), list[2:]
	}
	if len(list) < 2 {
		p.errorf("%s: write %s [-p PRIORITY] OID PROGRAM ARGUMENTS", name, name)
		return
	}
	var ok bool
	if e.Root, ok = parseOID(list[0]); !ok || e.Root.Len() < 2 {
		p.errorf("%s: %s is no numeric OID, such as .1.3.6.1.4.1.8072.2.255", name, clip(list[0]))
		return
	}
	e.Path, e.Args = list[1], list[2:]
	if !p.programPath(name, e.Path) {
		return
	}
	if len(p.config.Extend.Passes) == maxWatched {
		p.errorf("%s: there are more than %d", name, maxWatched)
		return
	}
	p.config.Extend.Passes = append(p.config.Extend.Passes, e)
}

// allowedPrograms reads patterns of paths, outside of which nothing is run. It is a directive that Net-SNMP does not have.
func (p *parser) allowedPrograms(name, value string) {
	list, err := words(value)
	if err != nil {
		p.errorf("%s: %v", name, err)
		return
	}
	for _, pattern := range list {
		if _, err := path.Match(pattern, "/bin/true"); err != nil || !path.IsAbs(pattern) {
			p.errorf("%s: %s is no pattern of whole paths, such as /usr/lib/nagios/plugins/*", name, clip(pattern))
			return
		}
	}
	p.config.Extend.Allowed = append(p.config.Extend.Allowed, list...)
}
