package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"walkabout/agent/snmpdconf"
)

// defaultFile is read if neither -c nor -C is given, and with it those of optionalFiles that there are.
const defaultFile = "/etc/snmp/snmpd.conf"

// optionalFiles is where Net-SNMP's snmpd reads more; net-snmp-create-v3-user, for one, writes there.
var optionalFiles = []string{"/etc/snmp/snmpd.local.conf", "/usr/share/snmp/snmpd.conf", "/usr/share/snmp/snmpd.local.conf"}

// options is what the daemon's command line says.
type options struct {
	files         []string
	noDefault     bool // -C
	listen        []snmpdconf.Address
	user, group   string // -u, -g
	agentXSocket  string // -x
	pidFile       string
	keepPID       bool
	logs          []logTo  // standard error if there are none
	appendLog     bool     // -A
	debug         bool     // -D, whatever the level
	modules       modules  // -I
	lines         []string // --NAME=VALUE, as lines of the file
	help, version bool
	directives    bool     // -H
	warnings      []string // of flags that do nothing, to be logged
}

// configFiles returns the files to read, in order.
func (o *options) configFiles() []string {
	if len(o.files) > 0 || o.noDefault {
		return o.files
	}
	files := []string{defaultFile}
	for _, name := range optionalFiles {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			files = append(files, name)
		}
	}
	return files
}

// argument says whether a flag takes one.
type argument int

const (
	none     argument = iota
	attached          // it may follow in the same word
	required          // in the same word or the next
)

// netSNMPFlag is one of the flags of Net-SNMP's snmpd(8).
type netSNMPFlag struct {
	letter  byte
	takes   argument
	usage   string                         // with the argument's name; "" if the flag does nothing here
	ignored string                         // why it does nothing: a warning; "" for none
	set     func(o *options, value string) // nil if it does nothing
}

// flags is every one that start-up scripts pass, but -L and -S, which have a syntax of their own, and -X, which cannot be ignored.
var flags = []netSNMPFlag{
	{letter: 'A', usage: "go on at the end of the file of -Lf, which is emptied else", set: func(o *options, _ string) { o.appendLog = true }},
	{letter: 'c', takes: required, usage: "FILE[,FILE]: read these files only", set: func(o *options, v string) { o.files = append(o.files, splitFiles(v)...) }},
	{letter: 'C', usage: "read no file but those of -c", set: func(o *options, _ string) { o.noDefault = true }},
	{letter: 'D', takes: attached, usage: "log what is going on in detail", set: func(o *options, _ string) { o.debug = true }},
	{letter: 'f', usage: "stay in the foreground, as it always does", set: func(*options, string) {}},
	{letter: 'g', takes: required, usage: "GROUP: run as this group, by name or number", set: func(o *options, v string) { o.group = v }},
	{letter: 'h', usage: "print this", set: func(o *options, _ string) { o.help = true }},
	{letter: 'H', usage: "list the directives of snmpd.conf", set: func(o *options, _ string) { o.directives = true }},
	{letter: 'I', takes: required, usage: "[-]MODULE[,MODULE]: serve these only, or all but these: their objects are free for a sub-agent", set: (*options).setModules},
	{letter: 'p', takes: required, usage: "FILE: write the process id there", set: func(o *options, v string) { o.pidFile = v }},
	{letter: 'r', usage: "run without root's rights, as it always can", set: func(*options, string) {}},
	{letter: 'u', takes: required, usage: "USER: run as this user, by name or number, with the capabilities that are needed", set: func(o *options, v string) { o.user = v }},
	{letter: 'U', usage: "leave the file of -p at the end", set: func(o *options, _ string) { o.keepPID = true }},
	{letter: 'x', takes: required, usage: "ADDRESS: where sub-agents connect, as agentXSocket says it; master agentx lets them", set: func(o *options, v string) { o.agentXSocket = v }},
	{letter: 'v', usage: "print the version", set: func(o *options, _ string) { o.version = true }},

	{letter: 'a', ignored: "requests are not logged; -D logs those that are refused"},
	{letter: 'd', ignored: "packets are not dumped"},
	{letter: 'm', takes: required, ignored: "no MIB files are read"},
	{letter: 'M', takes: required, ignored: "no MIB files are read"},
	{letter: 'n', takes: required, ignored: "the program's name is not changed"},
	{letter: 'q', ignored: "nothing is printed"},
	{letter: 'V', ignored: "packets are not dumped"},
	{letter: 't', ignored: "it means nothing to Net-SNMP's snmpd either"},

	// What Net-SNMP calls deprecated.
	{letter: 'l', takes: required, usage: "FILE: -Lf FILE", set: func(o *options, v string) { o.logs = append(o.logs, logTo{kind: logFile, to: v}) }},
	{letter: 'P', takes: required, usage: "FILE: -p FILE", set: func(o *options, v string) { o.pidFile = v }},
	{letter: 's', usage: "-Ls d", set: func(o *options, _ string) { o.logs = append(o.logs, logTo{kind: logSyslog, to: "d"}) }},
}

func splitFiles(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

// errUsage is wrapped by every error of a command line.
var errUsage = errors.New("snmpd -h lists the flags")

// parseFlags reads a command line as getopt(3) does: flags may be joined (-fC), and stand after the addresses, which are what is no flag.
func parseFlags(args []string) (*options, error) {
	o := &options{}
	var addresses []string
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			addresses = append(addresses, args...)
			args = nil
		case word == "--help":
			o.help = true
		case word == "--version":
			o.version = true
		case strings.HasPrefix(word, "--"):
			name, value, ok := strings.Cut(word[2:], "=")
			if !ok {
				return nil, fmt.Errorf("unknown flag %s; a directive of snmpd.conf is written --NAME=VALUE; %w", word, errUsage)
			}
			o.lines = append(o.lines, name+" "+value)
		case len(word) > 1 && word[0] == '-':
			rest, err := o.parseWord(word[1:], args)
			if err != nil {
				return nil, err
			}
			args = rest
		default:
			addresses = append(addresses, word)
		}
	}
	for _, word := range addresses {
		for item := range strings.SplitSeq(word, ",") {
			a, err := snmpdconf.ParseAddress(item)
			if err != nil {
				return nil, fmt.Errorf("address to listen on: %w", err)
			}
			if !slices.Contains(o.listen, a) {
				o.listen = append(o.listen, a)
			}
		}
	}
	return o, nil
}

// parseWord reads the flags of one word, without its dash, and returns what is left of the words after it.
func (o *options) parseWord(word string, after []string) ([]string, error) {
	for word != "" {
		letter := word[0]
		word = word[1:]
		i := slices.IndexFunc(flags, func(f netSNMPFlag) bool { return f.letter == letter })
		logs := letter == 'L' || letter == 'S'
		if letter == 'X' {
			return nil, fmt.Errorf("flag -X: this program is no sub-agent; %w", errUsage)
		}
		if i < 0 && !logs {
			return nil, fmt.Errorf("unknown flag -%c; %w", letter, errUsage)
		}
		if !logs && flags[i].takes == none {
			o.apply(&flags[i], "")
			continue
		}
		value := word
		if value == "" && (logs || flags[i].takes == required) {
			if len(after) == 0 {
				return nil, fmt.Errorf("flag -%c needs an argument; %w", letter, errUsage)
			}
			value, after = after[0], after[1:]
		}
		switch letter {
		case 'L':
			return o.parseLog(value, after)
		case 'S':
			return o.parseLog("s"+value, after)
		}
		o.apply(&flags[i], value)
		return after, nil
	}
	return after, nil
}

func (o *options) apply(f *netSNMPFlag, value string) {
	if f.ignored != "" {
		o.warnings = append(o.warnings, fmt.Sprintf("flag -%c has no effect: %s", f.letter, f.ignored))
	}
	if f.set != nil {
		f.set(o, value)
	}
}

// longHelp says what to do, and lists the flags.
func longHelp() string {
	var b strings.Builder
	b.WriteString(`Serve this machine over SNMP, as snmpd.conf says.

When something is wrong:
  snmpd check -c FILE      what is wrong with the file, and who may do what by it; touches nothing
  snmpd -f -Le -D -c FILE  run in this terminal, and tell of each request that is refused and why
  kill -HUP PID            read the file again; a bad one leaves the old one in force
  snmpd -H                 the directives of the file

ADDRESS is as in agentAddress, replaces those of the file, and may be 127.0.0.1:161, udp6:[::1]:161, tcp:161, tcp6:[::1]:161,
unix:/run/snmpd.sock, a port, or one of an interface or VRF only: udp:@eth0:161. Without any, and without agentAddress, snmpd listens on
port 161 of loopback only.

The flags are those of Net-SNMP's snmpd:
`)
	line := func(flag, usage string) { fmt.Fprintf(&b, "  %-24s %s\n", flag, usage) }
	for _, f := range flags {
		argument, usage, ok := strings.Cut(f.usage, ": ")
		switch {
		case f.ignored != "":
		case ok && f.takes != none:
			line(fmt.Sprintf("-%c %s", f.letter, argument), usage)
		default:
			line(fmt.Sprintf("-%c", f.letter), f.usage)
		}
	}
	line("-Le, -Lo, -Ln", "log to standard error, standard output, nowhere")
	line("-Lf FILE", "log to a file, which SIGHUP and SIGUSR1 open anew")
	line("-Ls FACILITY", "log to syslog: d is daemon, u user, 0 to 7 local0 to local7")
	line("-LE P, -LO P,", "the same from the priority P on: ! a c e w n i d, or 0 to 7, of which d and 7 are the least;")
	line("  -LF P FILE, -LS P FAC.", "all of -L that are given hold")
	line("--NAME=VALUE", "a directive, as if it stood at the end of the files")
	fmt.Fprintf(&b, "\nWithout -c and -C, %s is read, and those that there are of\n  %s.\nThese flags are taken, and do nothing:", defaultFile, strings.Join(optionalFiles, ", "))
	for _, f := range flags {
		if f.ignored != "" {
			fmt.Fprintf(&b, " -%c", f.letter)
		}
	}
	b.WriteString(".\n\nThe engine's identity, its boots, and what was SET are kept in the folder that persistentDir or SNMP_PERSISTENT_DIR names, else where\n" +
		"the system keeps state: /var/lib/snmpd for root. At the first start they are taken over from Net-SNMP's snmpd.")
	return b.String()
}

// printDirectives lists the directives that are known, as -H of Net-SNMP's snmpd does.
func (p *process) printDirectives() error {
	_, err := fmt.Fprintln(p.stdout, strings.Join(snmpdconf.Directives(), "\n"))
	return err
}
