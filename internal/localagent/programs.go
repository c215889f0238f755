package localagent

import (
	"errors"
	"fmt"
	"log/slog"

	"walkabout/agent"
	"walkabout/internal/command"
	"walkabout/mib/extend"
	"walkabout/snmp/oid"
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
	byRoot := map[oid.OID][]extend.Entry{}
	for _, e := range p.Entries {
		byRoot[e.Root] = append(byRoot[e.Root], e)
	}
	m.extend.SetEntries(byRoot[oid.OID{}], r)
	delete(byRoot, oid.OID{})
	return errors.Join(m.extends.set(byRoot, r), m.passes.set(p.Passes, r))
}

// closePrograms kills what runs. No request may be under way.
func (m mibs) closePrograms() {
	if m.extend != nil {
		m.extend.Close()
	}
	if m.extends != nil {
		_ = m.extends.set(nil, nil) // which registers nothing
	}
	if m.passes != nil {
		m.passes.close()
	}
}

// extends are programs whose tables stand below OIDs of their own. It is used by one goroutine.
type extends struct {
	server  *agent.Server
	log     *slog.Logger
	serving map[oid.OID]*extended
}

type extended struct {
	*extend.MIB
	unregister func()
}

// set keeps the results of programs that stay.
func (x *extends) set(byRoot map[oid.OID][]extend.Entry, r *command.Runner) error {
	for root, e := range x.serving {
		if byRoot[root] == nil {
			e.unregister()
			e.Close()
			delete(x.serving, root)
		}
	}
	var errs []error
	for root, entries := range byRoot {
		e := x.serving[root]
		if e == nil {
			var err error
			if e, err = x.serve(root); err != nil {
				errs = append(errs, fmt.Errorf("extend below %v: %w", root, err))
				continue
			}
			x.serving[root] = e
		}
		e.SetEntries(entries, r)
	}
	return errors.Join(errs...)
}

func (x *extends) serve(root oid.OID) (*extended, error) {
	h, err := extend.NewBelow(root, x.log)
	if err != nil {
		return nil, err
	}
	unregister, err := x.server.Register(h, agent.Registration{Root: root})
	if err != nil {
		h.Close()
		return nil, err
	}
	return &extended{h, unregister}, nil
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
