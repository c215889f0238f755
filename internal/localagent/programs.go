package localagent

import (
	"errors"
	"log/slog"

	"walkabout/agent"
	"walkabout/internal/command"
	"walkabout/mib/extend"
)

// Programs are what the administrator lets run.
type Programs struct {
	Entries []extend.Entry
	Passes  []extend.PassEntry
	Allowed []string // patterns of filepath.Match of what may be run; empty is all that is named
}

// SetPrograms replaces the programs. Requests may be under way: a subtree that a program served is answered by the program of before, or not, until this
// returns. An error leaves no program serving a subtree.
func (m mibs) SetPrograms(p Programs) error {
	r := command.NewRunner(extend.MaxRunning, p.Allowed)
	m.extend.SetEntries(p.Entries, r)
	return m.passes.set(p.Passes, r)
}

// closePrograms kills what runs. No request may be under way.
func (m mibs) closePrograms() {
	if m.extend != nil {
		m.extend.Close()
	}
	if m.passes != nil {
		m.passes.close()
	}
}

// passes are the subtrees that programs serve. It is used by one goroutine.
type passes struct {
	server     *agent.Server
	log        *slog.Logger
	serving    []*extend.Pass
	unregister []func()
}

func (p *passes) set(entries []extend.PassEntry, r *command.Runner) error {
	p.close()
	var errs []error
	for _, e := range entries {
		h := extend.NewPass(e, r, p.log)
		unregister, err := p.server.Register(h, agent.Registration{Root: e.Root, Priority: e.Priority})
		if err != nil {
			errs = append(errs, err)
			h.Close()
			continue
		}
		p.serving, p.unregister = append(p.serving, h), append(p.unregister, unregister)
	}
	if err := errors.Join(errs...); err != nil {
		p.close()
		return err
	}
	return nil
}

func (p *passes) close() {
	for _, unregister := range p.unregister {
		unregister()
	}
	for _, h := range p.serving {
		h.Close()
	}
	p.serving, p.unregister = nil, nil
}
