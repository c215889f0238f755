package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"walkabout/alert"
	"walkabout/alert/api"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/live"
	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/cmd/snmpcollect/values"
	"walkabout/collector"
	"walkabout/internal/version"
	"walkabout/store/promapi"
	"walkabout/web"
	"walkabout/web/access"
)

// pages is what is served over HTTP. Without a listener it is off.
type pages struct {
	listener    net.Listener
	server      *http.Server
	guard       *access.Guard
	certificate *access.Certificate // nil: no TLS
}

// listen opens address; "" gives pages that are off.
func listen(ctx context.Context, cfg config.Config, p *parts, f *fleet, registry prometheus.Gatherer) (*pages, error) {
	address := cfg.Listen
	if address == "" {
		return &pages{}, nil
	}
	files, err := web.NewFiles(cfg.Pages.Below)
	if err != nil {
		return nil, err
	}
	out := &pages{guard: access.New(cfg.Access(), access.Paths{Open: []string{healthPath}, Query: []string{queryPath}}, p.log)}
	if cfg.Pages.Certificate != "" {
		if out.certificate, err = access.LoadCertificate(cfg.Pages.Certificate, cfg.Pages.Key); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w (listen: chooses another address, or none with \"\")", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", web.Compressed(p.metrics(registry)))
	mux.HandleFunc("GET "+healthPath, p.health)
	mux.HandleFunc("GET /status", p.status)
	source := live.Source{Version: version.Version(), Memory: p.memory, Stats: p.polls.Stats, Alerts: func() (current, neverUp []alert.Alert) {
		return p.alerts.Alerts(), p.alerts.NeverUp()
	}}
	mux.Handle("GET "+live.Path, source.Handler(p.log))
	api.Handle(mux, p.alerts, api.Options{Log: p.log, Who: userOf, Changed: p.memory.Changed})
	if p.values != nil {
		mux.Handle("GET "+values.Path, p.values.Handler(p.log))
	}
	if p.onDemand != nil {
		mux.Handle("GET "+ondemand.Path, p.onDemand)
	}
	if p.store != nil {
		mux.Handle("/api/v1/", web.Compressed(promapi.New(p.store.api(p.log)).ServeHTTP))
	}
	files.Handle(mux)
	ui := web.New(p.webOptions(cfg, f))
	ui.Handle(mux)
	out.listener = l
	out.server = &http.Server{Handler: web.Below(cfg.Pages.Below, out.guard.Handler(mux)), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug)}
	out.server.RegisterOnShutdown(ui.Close)
	return out, nil
}

const (
	// healthPath is open to everybody: what looks after processes asks there.
	healthPath = "/healthz"
	// queryPath is below what Prometheus' API has: Grafana asks by POST.
	queryPath = "/api/v1/"
)

// configure takes what c says of who may see the pages, and reads the certificate anew. c.Listen is what is listened at.
func (p *pages) configure(c config.Config) error {
	if p == nil || p.listener == nil {
		return nil
	}
	who := c.Access()
	if !who.Loopback && len(who.Users) == 0 && who.Token.IsZero() { // what is right for the address that the next start takes
		return errors.New("pages that other machines reach must have users, or api_token: the old ones stay until a restart")
	}
	p.guard.Configure(who)
	if p.certificate == nil {
		return nil
	}
	return p.certificate.Reload()
}

func (p *pages) addr() string {
	if p.listener == nil {
		return "off"
	}
	return p.listener.Addr().String()
}

// serve answers until ctx ends.
func (p *pages) serve(ctx context.Context) error {
	if p.listener == nil {
		<-ctx.Done()
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if p.server.Shutdown(grace) != nil {
			_ = p.server.Close() // whoever is still reading has had a second
		}
	})
	defer stop()
	var err error
	if p.certificate != nil {
		p.server.TLSConfig = p.certificate.Config()
		err = p.server.ServeTLS(p.listener, "", "")
	} else {
		err = p.server.Serve(p.listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving pages: %w", err)
	}
	return nil
}

// metrics serves what registry has and what the collector knows of each target, in Prometheus' text format.
func (p *parts) metrics(registry prometheus.Gatherer) http.HandlerFunc {
	rest := promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true})
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Set("Accept", "text/plain; version=0.0.4") // what WriteMetrics writes
		rest.ServeHTTP(w, r)
		if err := p.polls.WriteMetrics(w); err != nil {
			p.log.Debug("answering /metrics", "err", err)
		}
	}
}

// health says whether polls are made as planned: 200, or 503 if a target has missed more than three of its slots in a row.
// Whether devices answer is no matter of the collector's health.
func (p *parts) health(w http.ResponseWriter, r *http.Request) {
	type answer struct {
		Status  string   `json:"status"`
		Targets int      `json:"targets"`
		Late    []string `json:"late,omitempty"`
	}
	a := answer{Status: "ok"}
	all := p.polls.Stats()
	a.Targets = len(all)
	late := lateOf(all, time.Now())
	if !access.Who(r).Stranger {
		a.Late = late
	}
	w.Header().Set("Content-Type", "application/json")
	if len(late) > 0 {
		a.Status = "late"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(a); err != nil {
		p.log.Debug("answering /healthz", "err", err)
	}
}

// lateOf names the targets that have missed more than three of their slots in a row.
func lateOf(all []collector.Stats, now time.Time) (late []string) {
	for i := range all {
		if s := &all[i]; !s.Last.IsZero() && now.Sub(s.Last) > 4*s.Interval {
			late = append(late, s.Device)
		}
	}
	return late
}

// lateText says it in a sentence.
func lateText(late []string) string {
	text := strings.Join(late[:min(len(late), 5)], ", ")
	if more := len(late) - 5; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "not polled for more than four of their intervals: " + text
}
