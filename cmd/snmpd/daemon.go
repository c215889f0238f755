package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
	"walkabout/internal/version"
	"walkabout/mib/mib2"
)

// serve runs the daemon until ctx ends, which is no error, or a socket fails.
func (p *process) serve(ctx context.Context, o *options) (err error) {
	log := p.logger(o)
	for _, w := range o.warnings {
		log.Warn(w)
	}
	s, err := p.load(ctx, log, o)
	if err != nil {
		return err
	}
	a, err := localagent.New(ctx, localagent.Options{Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := a.Close(); closeErr != nil {
			log.Warn("closing the agent", "err", closeErr)
		}
	}()
	l := newListeners(a.Server, log)
	defer l.closeAll()
	if err := p.apply(ctx, s, a, l); err != nil {
		return err
	}
	if o.pidFile != "" {
		if err := os.WriteFile(o.pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			return fmt.Errorf("flag -p: %w", err)
		}
		defer p.removePID(log, o)
	}
	log.Info("ready", "version", version.Version(), "communities", len(s.communities))
	for {
		select {
		case <-ctx.Done():
			log.Info("stopping")
			return nil
		case err := <-l.failed:
			return err
		case <-p.hangup:
			if err := p.reload(ctx, log, o, a, l); err != nil {
				log.Error("not reloaded: the old configuration stays in use", "err", err)
			} else {
				log.Info("reloaded")
			}
		}
	}
}

// reload puts the files' present contents to use, wholly or not at all.
func (p *process) reload(ctx context.Context, log *slog.Logger, o *options, a *localagent.Agent, l *listeners) error {
	s, err := p.load(ctx, log, o)
	if err != nil {
		return err
	}
	return p.apply(ctx, s, a, l)
}

// apply makes a and l what s says, or leaves them as they are.
func (p *process) apply(ctx context.Context, s *settings, a *localagent.Agent, l *listeners) error {
	return l.change(ctx, s.listen, func() error {
		if err := a.SetSystem(system(s.system)); err != nil {
			return err
		}
		a.SetCommunities(s.communities)
		return nil
	})
}

// system returns what the files say over what holds otherwise.
func system(c snmpdconf.System) mib2.System {
	s := mib2.DefaultSystem()
	s.Descr, s.Contact, s.Name, s.Location = c.Descr, c.Contact, c.Name, c.Location
	if !c.ObjectID.IsEmpty() {
		s.ObjectID = c.ObjectID
	}
	if c.Services != snmpdconf.NoServices {
		s.Services = c.Services
	}
	return s
}

func (p *process) logger(o *options) *slog.Logger {
	var w io.Writer
	switch o.log {
	case logNowhere:
		return slog.New(slog.DiscardHandler)
	case logStdout:
		w = p.stdout
	default:
		w = p.stderr
	}
	level := o.level
	if o.debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

func (p *process) removePID(log *slog.Logger, o *options) {
	if o.keepPID {
		return
	}
	if err := os.Remove(o.pidFile); err != nil {
		log.Warn("removing the file of -p", "err", err)
	}
}
