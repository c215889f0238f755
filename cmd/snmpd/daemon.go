package main

import (
	"context"
	"log/slog"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
	"walkabout/internal/version"
	"walkabout/mib"
	enginemib "walkabout/mib/engine"
	"walkabout/mib/host"
	"walkabout/mib/mib2"
	"walkabout/mib/override"
)

// serve runs the daemon until ctx ends, which is no error, or a socket fails.
func (p *process) serve(ctx context.Context, o *options) (err error) {
	out := p.openLogs(o)
	defer out.close()
	log := out.Logger
	for _, w := range o.warnings {
		log.Warn(w)
	}
	s, err := p.load(ctx, log, o, false)
	if err != nil {
		return err
	}
	d := &service{}
	if err := writePID(o); err != nil {
		return err
	}
	defer d.removePID(log, o)
	x, err := openSubAgents(ctx, log, o, s.config)
	if err != nil {
		return err
	}
	defer x.close()
	if err := p.become(log, o, s); err != nil {
		return err
	}
	e := p.openEngine(ctx, log, o, s)
	defer e.close(log)
	m := &memory{engine: e}
	a, err := localagent.New(ctx, localagent.Options{Engine: e.usm(), Save: m.save, Modules: enginemib.Modules(), Dial: p.dialReceiver, Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := a.Close(); closeErr != nil {
			log.Warn("closing the agent", "err", closeErr)
		}
	}()
	t, err := newTables(a, e, p.dialReceiver, log)
	if err != nil {
		return err
	}
	a.LeaveOut(o.modules.leftOut()...)
	m.keepers = []keeper{{a.MIB2(), mib2.Roots()}, {t.mib, enginemib.Roots()}}
	m.restore(log)
	l := newListeners(a.Server, t.secure, log)
	defer l.closeAll()
	d.agent, d.listeners, d.engine, d.tables, d.subAgents, d.modules = a, l, e, t, x, &moduleList{agent: a}
	if err := d.apply(ctx, s); err != nil {
		return err
	}
	if err := x.serve(a, d.modules); err != nil {
		return err
	}
	defer x.close() // before a is
	d.warnUnreachable(log, s, o)
	defer p.fenceIn(log, o, s, e, x)()
	log.Info("ready", "version", version.Version(), "communities", len(s.communities), "users", t.known.Load())
	if err := p.tellSystemd("READY=1"); err != nil {
		log.Warn("the service manager is not told", "err", err)
	}
	a.Notify(notify.ColdStart)
	defer a.Notify(notify.NSNotifyShutdown)
	return p.attend(ctx, out, o, d)
}

// attend waits for the end, and reloads.
func (p *process) attend(ctx context.Context, out *logs, o *options, d *service) error {
	lost, tick := losses{log: out.Logger}, time.NewTicker(lossesEvery)
	defer tick.Stop()
	defer func() { lost.report(d.agent.Stats()) }()
	for {
		select {
		case <-tick.C:
			lost.report(d.agent.Stats())
		case <-ctx.Done():
			out.Info("stopping")
			return nil
		case err := <-d.listeners.failed:
			return err
		case <-p.rotate:
			out.reopen()
		case <-p.hangup:
			out.reopen()
			if err := p.reload(ctx, out.Logger, o, d); err != nil {
				out.Error("not reloaded: the old configuration stays in use", "err", err)
			} else {
				out.Info("reloaded")
				d.agent.Notify(notify.NSNotifyRestart) // as Net-SNMP's agent; for everybody else:
				d.agent.Notify(notify.WarmStart)
			}
		}
	}
}

// service is what a configuration is put to use in.
type service struct {
	agent     *localagent.Agent
	listeners *listeners
	engine    *engine // nil if SNMPv3 is off
	tables    *tables
	subAgents *subAgents
	modules   *moduleList

	unregister func() // the objects of override; nil before there are any
	keepPID    bool   // leave_pidfile
}

// reload puts the files' present contents to use, wholly or not at all. The engine stays what it is: its boots count starts.
func (p *process) reload(ctx context.Context, log *slog.Logger, o *options, d *service) error {
	s, err := p.load(ctx, log, o, true)
	if err != nil {
		return err
	}
	d.engine.warnChanged(log, s)
	p.account.warnChanged(log, o, s.config)
	d.subAgents.warnChanged(o, s.config)
	if err := d.apply(ctx, s); err != nil {
		return err
	}
	d.warnUnreachable(log, s, o)
	return nil
}

// apply makes d what s says, or leaves it as it is.
func (d *service) apply(ctx context.Context, s *settings) error {
	users, err := d.engine.keys(s.users)
	if err != nil {
		return err
	}
	err = d.listeners.change(ctx, s.listen, func() error {
		if err := d.agent.SetSystem(system(s.config)); err != nil {
			return err
		}
		if err := d.agent.SetHost(host.Settings(s.config.Host)); err != nil {
			return err
		}
		d.agent.SetWatch(watch(&s.config.Watch))
		if err := d.agent.SetPrograms(programs(&s.config.Extend)); err != nil {
			return err
		}
		if err := d.agent.SetNameServers(s.servers); err != nil {
			return err
		}
		if err := d.tables.set(s, users); err != nil {
			return err
		}
		d.keepPID = s.config.KeepPIDFile
		d.modules.setFiles(modulesOf(s.config))
		if err := d.setOverrides(s.config); err != nil {
			return err
		}
		d.setLimits(s.config)
		d.agent.SetSourceFilter(s.sources)
		d.agent.SetLinkTraps(s.config.Notifications.LinkUpDown)
		return nil
	})
	if err == nil {
		d.listeners.setBuffers(&s.config.Limits)
	}
	return err
}

// modulesOf returns what the files add to sysORTable.
func modulesOf(config *snmpdconf.Config) []mib.Module {
	out := nameServerModules(config)
	for _, m := range config.Modules {
		out = append(out, mib.Module{ID: m.ID, Descr: m.Descr})
	}
	return out
}

// setOverrides serves the objects that the files give values, in place of those from before. What was SET of them is forgotten.
func (d *service) setOverrides(config *snmpdconf.Config) error {
	var objects []override.Object
	for _, o := range config.Overrides {
		objects = append(objects, override.Object(o))
	}
	m := override.New(objects)
	var regs []agent.Registration
	for _, root := range m.Roots() {
		regs = append(regs, agent.Registration{Root: root})
	}
	unregister, err := d.agent.Register(m, regs...)
	if err != nil {
		return err
	}
	if d.unregister != nil {
		d.unregister()
	}
	d.unregister = unregister
	return nil
}

// system returns what the files say over what holds otherwise.
func system(config *snmpdconf.Config) mib2.System {
	s, c := mib2.DefaultSystem(), &config.System
	s.AuthenTraps = config.Notifications.AuthTraps
	s.Descr, s.Contact, s.Name, s.Location = c.Descr, c.Contact, c.Name, c.Location
	if !c.ObjectID.IsEmpty() {
		s.ObjectID = c.ObjectID
	}
	if c.Services != snmpdconf.NoServices {
		s.Services = c.Services
	}
	return s
}
