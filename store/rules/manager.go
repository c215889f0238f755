package rules

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"walkabout/store/internal/quiet"
)

// Store is what rules read and what they write to.
type Store interface {
	storage.Queryable
	storage.Appendable
}

// Options are what a Manager works with. Zero fields take the default that each names.
type Options struct {
	Store       Store
	Engine      *promql.Engine
	Ready       <-chan struct{} // closed when the Store can be read; nil: it can
	Interval    time.Duration   // of groups that name none; 1 min, as Prometheus has it
	ExternalURL string          // for links in templates
	Logger      *slog.Logger    // slog.Default()
}

// What a restart may do to an alert that is pending, as Prometheus has it.
const (
	outageTolerance = time.Hour
	forGracePeriod  = 10 * time.Minute
	resendDelay     = time.Minute
)

// Manager evaluates the rules of files. Make one with Start.
type Manager struct {
	*rules.Manager
	options Options
	cancel  context.CancelFunc
	done    chan struct{}
}

// Start evaluates the rules of files until Close.
func Start(o Options, files []string) (*Manager, error) {
	o.Interval = cmp.Or(o.Interval, time.Minute)
	o.Logger = cmp.Or(o.Logger, slog.Default()).With("part", "rules")
	external, err := url.Parse(o.ExternalURL)
	if err != nil {
		return nil, fmt.Errorf("rules: external URL: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Manager{options: o, cancel: cancel, done: make(chan struct{})}
	m.Manager = rules.NewManager(&rules.ManagerOptions{
		NameValidationScheme: model.UTF8Validation, ExternalURL: external, QueryFunc: rules.EngineQueryFunc(o.Engine, o.Store),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, // Firing is asked for
		Context:    ctx, Appendable: o.Store, Queryable: o.Store, Logger: quiet.Logger(o.Logger),
		OutageTolerance: outageTolerance, ForGracePeriod: forGracePeriod, ResendDelay: resendDelay,
		DefaultRuleQueryOffset: func() time.Duration { return 0 }, Parser: parser.NewParser(parser.Options{}),
	})
	go func() {
		defer close(m.done)
		if o.Ready != nil {
			select {
			case <-o.Ready:
			case <-ctx.Done(): // to be stopped, it must run
			}
		}
		m.Run()
	}()
	if err := m.Update(files); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Update puts the rules of files in the place of those that are evaluated. Groups that are the same go on with their state. After an error, which is that
// of a file that changed since Check, the old ones go on.
func (m *Manager) Update(files []string) error {
	if err := m.Manager.Update(m.options.Interval, files, labels.EmptyLabels(), m.options.ExternalURL, nil); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// Close ends the evaluation and returns when nothing is left running.
func (m *Manager) Close() {
	m.cancel()
	m.Stop()
	<-m.done
}

// Alert is one of an alerting rule.
type Alert struct {
	Firing      bool   // false: it is pending
	Name        string // alertname
	Labels      map[string]string
	Annotations map[string]string
	Since       time.Time // when its expression was first found to hold
	FiredAt     time.Time
	Value       float64
}

// Active returns the alerts that are pending or firing, and the alertnames of rules that were not evaluated yet since the start.
func (m *Manager) Active() (out []Alert, unknown []string) {
	for _, r := range m.AlertingRules() {
		if r.GetEvaluationTimestamp().IsZero() {
			unknown = append(unknown, r.Name())
		}
		for _, a := range r.ActiveAlerts() {
			if a.State == rules.StateFiring || a.State == rules.StatePending {
				out = append(out, Alert{Firing: a.State == rules.StateFiring, Name: r.Name(), Labels: a.Labels.Map(), Annotations: a.Annotations.Map(), Since: a.ActiveAt, FiredAt: a.FiredAt, Value: a.Value})
			}
		}
	}
	return out, unknown
}
