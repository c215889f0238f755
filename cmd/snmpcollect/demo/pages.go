package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"walkabout/alert/api"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/exporters"
	"walkabout/internal/version"
	"walkabout/store/promapi"
	"walkabout/web"
	"walkabout/web/access"
)

// pagesAddress is where the pages are unless something else listens there; then it is a free port.
const pagesAddress = "127.0.0.1:8161"

// pages are those of the demonstration: everybody on this machine may see and change everything.
type pages struct {
	listener net.Listener
	server   *http.Server
}

func (c *collecting) openPages(ctx context.Context, started time.Time, log *slog.Logger) (*pages, error) {
	files, err := web.NewFiles("")
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", pagesAddress)
	if err != nil {
		l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, err
	}
	ui := web.New(web.Options{Version: version.Version(), Started: started, Memory: c.memory, Alerts: c.alerts, Log: log, History: sinks.History(c.store),
		Stats: func() []web.DeviceStats { return sinks.PageStats(c.polls.Stats()) },
		Collector: func() web.Collector {
			about := sinks.Health([]*exporters.Runner{c.runner}, c.spool, nil)
			about.Started, about.Health, about.Problems = started, "ok", c.problems.Last()
			about.Reload = web.Reload{Last: started, Good: true}
			return about
		},
		Session: func(r *http.Request) web.Session {
			id := access.Who(r)
			return web.Session{MayWrite: id.MayWrite, WhyNot: id.WhyNot}
		}})
	mux := http.NewServeMux()
	files.Handle(mux)
	ui.Handle(mux)
	api.Handle(mux, c.alerts, api.Options{Log: log, Changed: c.memory.Changed})
	mux.Handle("/api/v1/", promapi.New(promapi.Options{Store: c.store, Metadata: c.store.Metadata, Version: version.Version(), Logger: log}))
	guard := access.New(access.Config{Loopback: true}, access.Paths{Query: []string{"/api/v1/"}}, log)
	p := &pages{l, &http.Server{Handler: guard.Handler(mux), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}}
	p.server.RegisterOnShutdown(ui.Close)
	return p, nil
}

// url is where a browser finds the pages.
func (p *pages) url() string { return "http://" + p.listener.Addr().String() + "/" }

// serve answers until ctx ends.
func (p *pages) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if p.server.Shutdown(grace) != nil {
			_ = p.server.Close() // whoever is still reading has had a second
		}
	})
	defer stop()
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
