package promapi

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

// Rules are what evaluates rules; *rules.Manager is one.
type Rules interface {
	RuleGroups() []*rules.Group
	AlertingRules() []*rules.AlertingRule
}

// group is a group of rules as JSON.
type group struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"`
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

// rule is what rules of both kinds have as JSON.
type rule struct {
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Labels         labels.Labels    `json:"labels"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

// alertingRule is an alerting one.
type alertingRule struct {
	rule
	State         string        `json:"state"`
	Duration      float64       `json:"duration"`
	KeepFiringFor float64       `json:"keepFiringFor"`
	Annotations   labels.Labels `json:"annotations"`
	Alerts        []alert       `json:"alerts"`
}

// alert is one that a rule has.
type alert struct {
	Labels          labels.Labels `json:"labels"`
	Annotations     labels.Labels `json:"annotations"`
	State           string        `json:"state"`
	ActiveAt        time.Time     `json:"activeAt"`
	KeepFiringSince *time.Time    `json:"keepFiringSince,omitempty"`
	Value           string        `json:"value"`
}

func (h *handler) alerts(*http.Request) (answer, error) {
	found := []alert{}
	if h.Rules != nil {
		for _, r := range h.Rules.AlertingRules() {
			found = append(found, alertsOf(r)...)
		}
	}
	return answer{data: map[string][]alert{"alerts": found}}, nil
}

func alertsOf(r *rules.AlertingRule) []alert {
	out := []alert{}
	for _, a := range r.ActiveAlerts() {
		shown := alert{Labels: a.Labels, Annotations: a.Annotations, State: a.State.String(), ActiveAt: a.ActiveAt, Value: strconv.FormatFloat(a.Value, 'e', -1, 64)}
		if !a.KeepFiringSince.IsZero() {
			shown.KeepFiringSince = &a.KeepFiringSince
		}
		out = append(out, shown)
	}
	return out
}

func (h *handler) rules(q *http.Request) (answer, error) {
	kind := strings.ToLower(q.FormValue("type"))
	if kind != "" && kind != "alert" && kind != "record" {
		return answer{}, badParameter("type", fmt.Errorf("not supported value %q", kind))
	}
	sets, err := h.matchers(q.Form["match[]"])
	if err != nil {
		return answer{}, badData(err)
	}
	wanted := func(name, value string) bool { return len(q.Form[name]) == 0 || slices.Contains(q.Form[name], value) }
	groups := []group{}
	if h.Rules == nil {
		return answer{data: map[string][]group{"groups": groups}}, nil
	}
	for _, g := range h.Rules.RuleGroups() {
		if !wanted("rule_group[]", g.Name()) || !wanted("file[]", g.File()) {
			continue
		}
		shown := group{Name: g.Name(), File: g.File(), Interval: g.Interval().Seconds(), Limit: g.Limit(), EvaluationTime: g.GetEvaluationTime().Seconds(),
			LastEvaluation: g.GetLastEvaluation()}
		for _, r := range g.Rules(sets...) {
			if one := show(r, kind, q.FormValue("exclude_alerts") == "true"); one != nil && wanted("rule_name[]", r.Name()) {
				shown.Rules = append(shown.Rules, one)
			}
		}
		if len(shown.Rules) > 0 {
			groups = append(groups, shown)
		}
	}
	return answer{data: map[string][]group{"groups": groups}}, nil
}

// show returns r as JSON shows it, nil if it is not of the kind.
func show(r rules.Rule, kind string, bare bool) any {
	common := rule{Name: r.Name(), Query: r.Query().String(), Labels: r.Labels(), Health: r.Health(), EvaluationTime: r.GetEvaluationDuration().Seconds(),
		LastEvaluation: r.GetEvaluationTimestamp(), Type: "recording"}
	if err := r.LastError(); err != nil {
		common.LastError = err.Error()
	}
	a, alerting := r.(*rules.AlertingRule)
	switch {
	case alerting && kind != "record":
		common.Type = "alerting"
		out := alertingRule{rule: common, State: a.State().String(), Duration: a.HoldDuration().Seconds(), KeepFiringFor: a.KeepFiringFor().Seconds(), Annotations: a.Annotations()}
		if !bare {
			out.Alerts = alertsOf(a)
		}
		return out
	case !alerting && kind != "alert":
		return common
	default:
		return nil
	}
}
