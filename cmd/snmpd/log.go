package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
)

// logTo is one place that the log goes to.
type logTo struct {
	kind  logKind
	to    string // the file, or the letter of the facility
	level slog.Level
}

type logKind int

const (
	logStderr logKind = iota
	logStdout
	logNowhere
	logFile
	logSyslog
)

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
	var l logTo
	lower := strings.ToLower(kind)
	if kind != lower {
		if err := needs(); err != nil {
			return nil, err
		}
		var err error
		if l.level, rest, err = priority(rest); err != nil {
			return nil, fmt.Errorf("flag -L%s: %w", kind, err)
		}
	}
	switch lower {
	case "e":
		l.kind = logStderr
	case "o":
		l.kind = logStdout
	case "n":
		l.kind = logNowhere
	case "f", "s":
		if err := needs(); err != nil {
			return nil, err
		}
		l.kind, l.to = logFile, rest
		if lower == "s" {
			l.kind, l.to = logSyslog, strings.ToLower(rest)
		}
		if l.kind == logSyslog && (len(l.to) != 1 || !strings.Contains(facilities, l.to)) {
			return nil, fmt.Errorf("flag -L%s: the facility is d (daemon), u (user), or 0 to 7 (local0 to local7); %w", kind, errUsage)
		}
	default:
		return nil, fmt.Errorf("flag -L%s: not one of e, o, n, f and s; %w", kind, errUsage)
	}
	o.logs = append(o.logs, l)
	return after, nil
}

// facilities are syslog's by their letters: daemon, user, local0 to local7.
const facilities = "du01234567"

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
		j := at(most)
		if j < 0 {
			return 0, "", fmt.Errorf("the priority must be one of %s or %s; %w", letters, digits, errUsage)
		}
		i, rest = max(i, j), most[1:] // the range may be written either way
	}
	return levels[i], strings.TrimLeft(rest, " "), nil
}

// logs is where the log goes, open.
type logs struct {
	*slog.Logger
	files   []*file
	closers []io.Closer
}

// openLogs opens what -L names. What cannot be opened is told on standard error, which is logged to instead: an agent that nobody hears of
// is better than none.
func (p *process) openLogs(o *options) *logs {
	l := &logs{}
	var handlers []slog.Handler
	var failed []error
	var stderr []slog.Level // of all that go there, which are one
	list := o.logs
	if len(list) == 0 {
		list = []logTo{{kind: logStderr}}
	}
	for _, to := range list {
		if to.kind == logNowhere {
			continue
		}
		level := to.level
		if o.debug {
			level = slog.LevelDebug
		}
		if to.kind == logStderr {
			stderr = append(stderr, level)
			continue
		}
		h, err := p.openLog(l, to, level, o.appendLog)
		if err != nil {
			failed, stderr = append(failed, err), append(stderr, level)
			continue
		}
		handlers = append(handlers, h)
	}
	if len(stderr) > 0 {
		handlers = append(handlers, slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slices.Min(stderr)}))
	}
	switch len(handlers) {
	case 0:
		l.Logger = slog.New(slog.DiscardHandler)
	case 1:
		l.Logger = slog.New(handlers[0])
	default:
		l.Logger = slog.New(slog.NewMultiHandler(handlers...))
	}
	if len(failed) > 0 {
		l.Warn("logging to standard error instead", "err", errors.Join(failed...))
	}
	return l
}

func (p *process) openLog(l *logs, to logTo, level slog.Level, appending bool) (slog.Handler, error) {
	var w io.Writer
	switch to.kind {
	case logStdout:
		w = p.stdout
	case logFile:
		f, err := openFile(to.to, appending)
		if err != nil {
			return nil, fmt.Errorf("flag -Lf: %w", err)
		}
		l.files = append(l.files, f)
		w = f
	case logSyslog:
		s, err := dialSyslog(strings.Index(facilities, to.to))
		if err != nil {
			return nil, fmt.Errorf("flag -Ls: no syslog daemon listens: %w", err)
		}
		l.closers = append(l.closers, s)
		return newSyslogHandler(s, level), nil
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}), nil
}

// reopen opens the files anew, after they were rotated. One that cannot be opened stays the old one.
func (l *logs) reopen() {
	for _, f := range l.files {
		if err := f.reopen(); err != nil {
			l.Warn("the log file is not opened anew", "err", err)
		}
	}
}

func (l *logs) close() {
	for _, f := range l.files {
		_ = f.close() // nobody is left to be told
	}
	for _, c := range l.closers {
		_ = c.Close()
	}
}

// file is a log file that can be opened anew while others write to it.
type file struct {
	name string
	mu   sync.Mutex
	f    *os.File
}

func openFile(name string, appending bool) (*file, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if appending {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	f, err := os.OpenFile(name, flags, 0o640)
	if err != nil {
		return nil, err
	}
	return &file{name: name, f: f}, nil
}

func (f *file) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Write(b)
}

func (f *file) reopen() error {
	next, err := openFile(f.name, true)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.f
	f.f = next.f
	return last.Close()
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Close()
}

// syslogger takes one message of a severity of syslog(3).
type syslogger interface {
	log(level slog.Level, message string) error
	io.Closer
}

// syslogHandler writes each record as one message of its severity; the time is the system log's.
type syslogHandler struct {
	slog.Handler // writes to buffer
	line         *line
}

type line struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	to     syslogger
}

func newSyslogHandler(to syslogger, level slog.Level) slog.Handler {
	l := &line{to: to}
	return &syslogHandler{slog.NewTextHandler(&l.buffer, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}), l}
}

func (h *syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.buffer.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	return h.line.to.log(r.Level, strings.TrimSuffix(h.line.buffer.String(), "\n"))
}

func (h *syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &syslogHandler{h.Handler.WithAttrs(attrs), h.line}
}

func (h *syslogHandler) WithGroup(name string) slog.Handler {
	return &syslogHandler{h.Handler.WithGroup(name), h.line}
}
