package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"walkabout/agent/notify"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
	"walkabout/internal/version"
	enginemib "walkabout/mib/engine"
	"walkabout/mib/host"
	"walkabout/mib/mib2"
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
	t, err := newTables(a, e, log)
	if err != nil {
		return err
	}
	a.LeaveOut(o.modules.leftOut()...)
	m.keepers = []keeper{{a.MIB2(), mib2.Roots()}, {t.mib, enginemib.Roots()}}
	m.restore(log)
	l := newListeners(a.Server, log)
	defer l.closeAll()
	d := &service{agent: a, listeners: l, engine: e, tables: t}
	if err := d.apply(ctx, s); err != nil {
		return err
	}
	d.warnUnreachable(log, s, o)
	if o.pidFile != "" {
		if err := os.WriteFile(o.pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			return fmt.Errorf("flag -p: %w", err)
		}
		defer p.removePID(log, o)
	}
	log.Info("ready", "version", version.Version(), "communities", len(s.communities), "users", t.known.Load())
	if err := p.tellSystemd("READY=1"); err != nil {
		log.Warn("the service manager is not told", "err", err)
	}
	a.Notify(notify.ColdStart)
	defer a.Notify(notify.NSNotifyShutdown)
	lost, tick := losses{log: log}, time.NewTicker(lossesEvery)
	defer tick.Stop()
	defer func() { lost.report(a.Stats()) }()
	for {
		select {
		case <-tick.C:
			lost.report(a.Stats())
		case <-ctx.Done():
			log.Info("stopping")
			return nil
		case err := <-l.failed:
			return err
		case <-p.hangup:
			out.reopen()
			if err := p.reload(ctx, log, o, d); err != nil {
				log.Error("not reloaded: the old configuration stays in use", "err", err)
			} else {
				log.Info("reloaded")
				a.Notify(notify.NSNotifyRestart) // as Net-SNMP's agent; for everybody else:
				a.Notify(notify.WarmStart)
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
}

// reload puts the files' present contents to use, wholly or not at all. The engine stays what it is: its boots count starts.
func (p *process) reload(ctx context.Context, log *slog.Logger, o *options, d *service) error {
	s, err := p.load(ctx, log, o, true)
	if err != nil {
		return err
	}
	d.engine.warnChanged(log, s)
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
		if err := d.tables.set(s, users); err != nil {
			return err
		}
		d.setLimits(s.config)
		d.agent.SetLinkTraps(s.config.Notifications.LinkUpDown)
		return nil
	})
	if err == nil {
		d.listeners.setBuffers(&s.config.Limits)
	}
	return err
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

func (p *process) removePID(log *slog.Logger, o *options) {
	if o.keepPID {
		return
	}
	if err := os.Remove(o.pidFile); err != nil {
		log.Warn("removing the file of -p", "err", err)
	}
}
