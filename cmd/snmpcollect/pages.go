package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"walkabout/alert"
	"walkabout/alert/api"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/live"
	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/cmd/snmpcollect/values"
	"walkabout/internal/version"
)

// pages is what is served over HTTP: /metrics and /healthz. Without a listener it is off.
type pages struct {
	listener net.Listener
	server   *http.Server
}

// listen opens address; "" gives pages that are off.
func listen(ctx context.Context, cfg config.Config, p *parts, registry prometheus.Gatherer) (*pages, error) {
	address := cfg.Listen
	if address == "" {
		return &pages{}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w (listen: chooses another address, or none with \"\")", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", p.health)
	mux.HandleFunc("GET /status", p.status)
	source := live.Source{Version: version.Version(), Table: p.table, Stats: p.polls.Stats, Alerts: func() (current, neverUp []alert.Alert) {
		return p.alerts.Alerts(), p.alerts.NeverUp()
	}}
	mux.Handle("GET "+live.Path, source.Handler(p.log))
	api.Handle(mux, p.alerts, api.Options{Token: cfg.APIToken, Log: p.log})
	if p.values != nil {
		mux.Handle("GET "+values.Path, p.values.Handler(p.log))
	}
	if p.onDemand != nil {
		mux.Handle("GET "+ondemand.Path, p.onDemand)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "snmpcollect\n\n/metrics  about the collector itself, for Prometheus\n/api/alerts  alerts, in JSON; /api/alerts/history, /api/silences, /api/maintenance\n/api/live  what snmpcollect top shows, in JSON\n/healthz  200 while polls are made\n/status  how each target is polled, as snmpcollect status shows it (?target=NAME)")
		if p.values != nil {
			fmt.Fprintln(w, values.Path+"  the last values of all targets (?target=NAME)")
		}
		if p.onDemand != nil {
			fmt.Fprintln(w, ondemand.Path+"?target=…&module=…&auth=…  polls an agent, as snmp_exporter does")
		}
	})
	return &pages{l, &http.Server{Handler: ownNames(l.Addr(), mux), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}}, nil
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
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving pages: %w", err)
	}
	return nil
}

// health says whether polls are made as planned: 200, or 503 if a target has missed more than three of its slots in a row.
// Whether devices answer is no matter of the collector's health.
func (p *parts) health(w http.ResponseWriter, _ *http.Request) {
	type answer struct {
		Status  string   `json:"status"`
		Targets int      `json:"targets"`
		Late    []string `json:"late,omitempty"`
	}
	a := answer{Status: "ok"}
	all := p.polls.Stats()
	a.Targets = len(all)
	for _, s := range all {
		if !s.Last.IsZero() && time.Since(s.Last) > 4*s.Interval {
			a.Late = append(a.Late, s.Device)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if len(a.Late) > 0 {
		a.Status = "late"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(a); err != nil {
		p.log.Debug("answering /healthz", "err", err)
	}
}
