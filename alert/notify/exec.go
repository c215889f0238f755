package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"walkabout/internal/command"
)

const (
	defaultExecTimeout = 10 * time.Second
	mostSaid           = 4 << 10 // octets of what a program says
	// codeRejected is the exit status of a program that will never take a message (EX_DATAERR of sysexits.h).
	codeRejected = 65
)

// ExecOptions are what an Exec works with.
type ExecOptions struct {
	Command []string      // the absolute path of a program, and its arguments
	Timeout time.Duration // 0: 10 s; 30 s at most
}

// Exec is a Sender that runs a program, without a shell, for each message. The program reads the message as JSON (Document) from its standard
// input, and finds the most of it in its environment.
type Exec struct {
	program   command.Program
	timeout   time.Duration
	runner    *command.Runner
	templates *Templates
}

// NewExec checks o and returns an Exec. It runs nothing.
func NewExec(o ExecOptions, t *Templates) (*Exec, error) {
	if len(o.Command) == 0 || !filepath.IsAbs(o.Command[0]) {
		return nil, errors.New("exec: command is the whole path of a program and its arguments, as in [/usr/local/bin/tell, --loud]")
	}
	if o.Timeout < 0 || o.Timeout > attemptTimeout {
		return nil, fmt.Errorf("exec: timeout is at most %v", attemptTimeout)
	}
	e := &Exec{program: command.Program{Path: o.Command[0], Args: o.Command[1:]}, timeout: cmp.Or(o.Timeout, defaultExecTimeout),
		runner: command.NewRunner(1, nil), templates: t}
	if err := e.runner.Check(e.program); err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	return e, nil
}

// Send implements Sender. Exit status 0 took the message, 65 (EX_DATAERR) refuses it for good; after any other it is run again.
func (e *Exec) Send(ctx context.Context, m *Message) error {
	input, p, err := e.prepare(m)
	if err != nil {
		return &RejectedError{Err: err}
	}
	result, err := e.runner.Run(ctx, p, nil, input, true, command.Limits{Time: e.timeout, Output: mostSaid})
	if err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	said := Cut(200, strings.Join(strings.Fields(Clean(string(result.Output))), " "))
	switch result.Code {
	case 0:
		return nil
	case codeRejected:
		return &RejectedError{Err: fmt.Errorf("exec: %s ended with status %d: %s", p.Path, result.Code, said)}
	}
	return fmt.Errorf("exec: %s ended with status %d: %s", p.Path, result.Code, said)
}

// prepare returns what the program reads, and the program with its environment.
func (e *Exec) prepare(m *Message) (string, command.Program, error) {
	document, err := m.Document()
	if err != nil {
		return "", e.program, fmt.Errorf("exec: encoding: %w", err)
	}
	environment := func(text string) string { return Cut(mostText, strings.ReplaceAll(text, "\x00", "")) }
	subject, text := environment(e.templates.Subject(m)), environment(e.templates.Text(m))
	d := m.data(time.UTC)
	first := d.All()[0]
	status := "firing"
	if d.FiringCount == 0 {
		status = "resolved"
	}
	p := e.program
	for _, v := range [][2]string{{"ID", m.ID}, {"STATUS", status}, {"SUBJECT", subject}, {"TEXT", text}, {"GROUP", d.Group},
		{"DEVICE", first.Device}, {"KEY", first.Key}, {"RULE", first.Rule}, {"SEVERITY", first.Severity}, {"LINK", first.Link}} {
		p.Env = append(p.Env, "WALKABOUT_"+v[0]+"="+v[1])
	}
	return string(document), p, nil
}

// mostText bounds, in characters, what is put into the environment: Linux takes 128 KiB of one variable.
const mostText = 16 << 10

// Preview implements Sender.
func (e *Exec) Preview(m *Message) (string, error) {
	input, p, err := e.prepare(m)
	if err != nil {
		return "", err
	}
	return strings.Join(append([]string{p.Path}, p.Args...), " ") + "\n\n" + strings.Join(p.Env, "\n") + "\n\n" + input, nil
}

// Close implements Sender.
func (e *Exec) Close() {}
