package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"walkabout/agent/snmpdconf"
)

// defaultFile is read if neither -c nor -C is given.
const defaultFile = "/etc/snmp/snmpd.conf"

// options is what the daemon's command line says.
type options struct {
	files         []string
	noDefault     bool // -C
	listen        []snmpdconf.Address
	pidFile       string
	keepPID       bool
	log           logTo
	level         slog.Level
	debug         bool // -D, whatever the level
	help, version bool
	warnings      []string // of flags that do nothing, to be logged
}

// configFiles returns the files to read, in order.
func (o *options) configFiles() []string {
	if len(o.files) == 0 && !o.noDefault {
		return []string{defaultFile}
	}
	return o.files
}

// logTo is where the log goes.
type logTo int

const (
	logStderr logTo = iota
	logStdout
	logNowhere
)

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

// flags is every one that start-up scripts pass, but -L, which has a syntax of its own.
var flags = []netSNMPFlag{
	{letter: 'c', takes: required, usage: "FILE[,FILE]: read these files only", set: func(o *options, v string) { o.files = append(o.files, splitFiles(v)...) }},
	{letter: 'C', usage: "read no file but those of -c", set: func(o *options, _ string) { o.noDefault = true }},
	{letter: 'D', takes: attached, usage: "log what is going on in detail", set: func(o *options, _ string) { o.debug = true }},
	{letter: 'f', usage: "stay in the foreground, as it always does", set: func(*options, string) {}},
	{letter: 'h', usage: "print this", set: func(o *options, _ string) { o.help = true }},
	{letter: 'p', takes: required, usage: "FILE: write the process id there", set: func(o *options, v string) { o.pidFile = v }},
	{letter: 'r', usage: "run without root's rights, as it always can", set: func(*options, string) {}},
	{letter: 'U', usage: "leave the file of -p at the end", set: func(o *options, _ string) { o.keepPID = true }},
	{letter: 'v', usage: "print the version", set: func(o *options, _ string) { o.version = true }},

	{letter: 'a', ignored: "requests are not logged; -D logs those that are refused"},
	{letter: 'A', ignored: "no log file is written"},
	{letter: 'd', ignored: "packets are not dumped"},
	{letter: 'g', takes: required, ignored: "the group is not changed"},
	{letter: 'I', takes: required, ignored: "every module is served"},
	{letter: 'm', takes: required, ignored: "no MIB files are read"},
	{letter: 'M', takes: required, ignored: "no MIB files are read"},
	{letter: 'n', takes: required, ignored: "the program's name is not changed"},
	{letter: 'q', ignored: "nothing is printed"},
	{letter: 'u', takes: required, ignored: "the user is not changed: start snmpd as that user, with the capability cap_net_bind_service"},
	{letter: 'V', ignored: "packets are not dumped"},
	{letter: 'x', takes: required, ignored: "AgentX is not served"},
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
			return nil, fmt.Errorf("unknown flag %s; %w", word, errUsage)
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
		if i < 0 && letter != 'L' {
			return nil, fmt.Errorf("unknown flag -%c; %w", letter, errUsage)
		}
		if letter != 'L' && flags[i].takes == none {
			o.apply(&flags[i], "")
			continue
		}
		value := word
		if value == "" && (letter == 'L' || flags[i].takes == required) {
			if len(after) == 0 {
				return nil, fmt.Errorf("flag -%c needs an argument; %w", letter, errUsage)
			}
			value, after = after[0], after[1:]
		}
		if letter == 'L' {
			return o.parseLog(value, after)
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

// parseLog reads the value of -L (snmpcmd(1), LOGGING OPTIONS): e, o and n for standard error, standard output and nowhere, f FILE, s FACILITY;
// a capital is followed by the least priority that is logged, or a range of them. What follows may stand in the same word or the next.
func (o *options) parseLog(value string, after []string) ([]string, error) {
	kind, rest := value[:min(1, len(value))], ""
	if value != "" {
		rest = strings.TrimLeft(strings.TrimPrefix(value[1:], "="), " ")
	}
	needs := func() error {
		if rest == "" {
			if len(after) == 0 {
				return fmt.Errorf("flag -L%s needs an argument; %w", kind, errUsage)
			}
			rest, after = after[0], after[1:]
		}
		return nil
	}
	lower := strings.ToLower(kind)
	if kind != lower {
		if err := needs(); err != nil {
			return nil, err
		}
		level, remaining, err := priority(rest)
		if err != nil {
			return nil, fmt.Errorf("flag -L%s: %w", kind, err)
		}
		o.level, rest = level, remaining
	}
	switch lower {
	case "e":
		o.log = logStderr
	case "o":
		o.log = logStdout
	case "n":
		o.log = logNowhere
	case "f", "s":
		if err := needs(); err != nil {
			return nil, err
		}
		o.log = logStderr
		o.warnings = append(o.warnings, fmt.Sprintf("flag -L%s has no effect: the log goes to standard error", kind))
	default:
		return nil, fmt.Errorf("flag -L%s: not one of e, o, n, f and s; %w", kind, errUsage)
	}
	return after, nil
}

// priority takes PRIORITY or PRIORITY-PRIORITY off s: a digit of syslog(3), or the letter of its name.
func priority(s string) (level slog.Level, rest string, err error) {
	const letters, digits = "!acewnid", "01234567"
	levels := [...]slog.Level{slog.LevelError, slog.LevelError, slog.LevelError, slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelInfo, slog.LevelDebug}
	at := func(s string) int {
		if s == "" {
			return -1
		}
		return max(strings.IndexByte(letters, s[0]), strings.IndexByte(digits, s[0]))
	}
	i := at(s)
	if i < 0 {
		return 0, "", fmt.Errorf("the priority must be one of %s or %s; %w", letters, digits, errUsage)
	}
	rest = s[1:]
	if most, ok := strings.CutPrefix(rest, "-"); ok {
		if at(most) < 0 {
			return 0, "", fmt.Errorf("the priority must be one of %s or %s; %w", letters, digits, errUsage)
		}
		rest = most[1:]
	}
	return levels[i], strings.TrimLeft(rest, " "), nil
}

// lineWidth is where the help's lists are folded.
const lineWidth = 100

// longHelp lists the flags.
func longHelp() string {
	var b strings.Builder
	b.WriteString(`Serve this machine over SNMP, as snmpd.conf says.

ADDRESS is as in agentAddress, replaces those of the file, and may be 127.0.0.1:161, udp6:[::1]:161, tcp:161, tcp6:[::1]:161,
unix:/run/snmpd.sock, a port, or one of an interface or VRF only: udp:@eth0:161. Without any, and without agentAddress, snmpd listens on
port 161 of loopback only.

The flags are those of Net-SNMP's snmpd:
`)
	for _, f := range flags {
		if f.ignored == "" {
			fmt.Fprintf(&b, "  -%c %s\n", f.letter, f.usage)
		}
	}
	b.WriteString("  -Le, -Lo, -Ln: log to standard error, standard output, nowhere; -LE PRIORITY, -LO PRIORITY from that priority on\n")
	fmt.Fprintf(&b, "\nWithout -c, %s is read; with it, only the files that it names are. These flags are accepted and do nothing:\n ", defaultFile)
	for _, f := range flags {
		if f.ignored != "" {
			fmt.Fprintf(&b, " -%c", f.letter)
		}
	}
	b.WriteString(" -Lf -Ls\n\nThe directives of snmpd.conf that it acts on:")
	width := lineWidth
	for _, name := range snmpdconf.Directives() {
		if width += len(name) + 1; width > lineWidth {
			b.WriteString("\n ")
			width = len(name) + 2
		}
		b.WriteString(" " + name)
	}
	b.WriteString("\n\nThe SNMPv3 engine's identity and boots are kept in the folder that persistentDir or SNMP_PERSISTENT_DIR names, else where the\n" +
		"system keeps state: /var/lib/snmpd for root.")
	return b.String()
}
