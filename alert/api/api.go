// Package api serves alerts, their history, silences and acknowledgements over HTTP, and asks for them. docs/alerts.md has the JSON.
package api

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/alert/silence"
	"walkabout/internal/duration"
)

// Paths that are served.
const (
	AlertsPath      = "/api/alerts"
	HistoryPath     = "/api/alerts/history"
	SilencesPath    = "/api/silences"
	MaintenancePath = "/api/maintenance"
)

// Options say what is done beside answering. Who may change something is decided in front: package access does.
type Options struct {
	Log *slog.Logger
	// Who, unless nil, names who asks, "" for nobody that is known: they, and not what the request says, have acknowledged or silenced.
	Who func(*http.Request) string
	// Changed, unless nil, is called when somebody has changed something.
	Changed func()
}

// maxBody bounds a request.
const maxBody = 64 << 10

// Alerts is the answer to GET /api/alerts.
type Alerts struct {
	Alerts  []alert.Alert `json:"alerts"`
	NeverUp []alert.Alert `json:"never_up,omitempty"` // with ?never_up=true
}

// One is the answer to GET /api/alerts/FINGERPRINT.
type One struct {
	Alert   *alert.Alert       `json:"alert"` // null: it is neither active nor was lately
	History []alert.Transition `json:"history"`
}

// AckRequest is the body of POST /api/alerts/FINGERPRINT/ack.
type AckRequest struct {
	By     string   `json:"by"`
	Reason string   `json:"reason"`
	For    Duration `json:"for"` // "2h"; "" or 0: as long as it fires
}

// SilenceRequest is the body of POST /api/silences.
type SilenceRequest struct {
	ID       string           `json:"id,omitempty"` // of the silence that this one takes the place of
	Matchers silence.Matchers `json:"matchers"`
	StartsAt time.Time        `json:"starts_at,omitzero"` // now unless given
	EndsAt   time.Time        `json:"ends_at,omitzero"`   // or
	For      Duration         `json:"for,omitempty"`      // from StartsAt
	Author   string           `json:"author"`
	Reason   string           `json:"reason"`
}

// Window is a maintenance window in the answer to GET /api/maintenance.
type Window struct {
	Name     string           `json:"name"`
	Matchers silence.Matchers `json:"matchers"`
	Reason   string           `json:"reason,omitempty"`
	Active   bool             `json:"active"`
	Until    time.Time        `json:"until,omitzero"` // if it is active
	Next     time.Time        `json:"next,omitzero"`  // when it begins next
}

// Duration is a time.Duration as text: "1h30m".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	v, err := duration.Parse(string(text))
	*d = Duration(v)
	return err
}

type server struct {
	alerts *alert.Manager
	o      Options
}

// Handle adds what is served to mux.
func Handle(mux *http.ServeMux, m *alert.Manager, o Options) {
	s := &server{alerts: m, o: o}
	mux.HandleFunc("GET "+AlertsPath, s.list)
	mux.HandleFunc("GET "+AlertsPath+"/{fingerprint}", s.one)
	mux.HandleFunc("GET "+HistoryPath, s.history)
	mux.HandleFunc("GET "+SilencesPath, s.silences)
	mux.HandleFunc("GET "+MaintenancePath, s.maintenance)
	mux.HandleFunc("POST "+AlertsPath+"/{fingerprint}/ack", s.guard(s.ack))
	mux.HandleFunc("DELETE "+AlertsPath+"/{fingerprint}/ack", s.guard(s.unack))
	mux.HandleFunc("POST "+SilencesPath, s.guard(s.silence))
	mux.HandleFunc("DELETE "+SilencesPath+"/{id}", s.guard(s.expire))
}

// problem is the body of an answer that is an error.
type problem struct {
	Error string `json:"error"`
}

func (s *server) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.o.Log.Debug("answering about alerts", "err", err)
	}
}

func (s *server) fail(w http.ResponseWriter, status int, err error) {
	s.write(w, status, problem{err.Error()})
}

// answer writes v, or err with the status that is its.
func (s *server) answer(w http.ResponseWriter, v any, err error) {
	switch {
	case err == nil:
		if s.o.Changed != nil {
			s.o.Changed()
		}
		s.write(w, http.StatusOK, v)
	case errors.Is(err, alert.ErrNotFound):
		s.fail(w, http.StatusNotFound, err)
	default:
		s.fail(w, http.StatusBadRequest, err)
	}
}

// guard lets through what a form of another site's page cannot send, and no more of it than there is to say.
func (s *server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				s.fail(w, http.StatusUnsupportedMediaType, errors.New("Content-Type: application/json is wanted"))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		next(w, r)
	}
}

// who names who asks; said is what the request says.
func (s *server) who(r *http.Request, said string) string {
	if s.o.Who == nil {
		return said
	}
	return cmp.Or(s.o.Who(r), said)
}

// decode reads the body of r into v. Unknown keys are mistakes.
func decode(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body: more behind its end")
	}
	return nil
}

// matchers reads the parameters match of a query.
func matchers(r *http.Request) (silence.Matchers, error) {
	var ms silence.Matchers
	for _, text := range r.URL.Query()["match"] {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	ms, err := matchers(r)
	if err != nil {
		s.fail(w, http.StatusBadRequest, err)
		return
	}
	state := r.URL.Query().Get("state")
	pick := func(all []alert.Alert) []alert.Alert {
		out := []alert.Alert{}
		for i := range all {
			if (state == "" || all[i].State.String() == state) && ms.Match(all[i].Property) {
				out = append(out, all[i])
			}
		}
		return out
	}
	a := Alerts{Alerts: pick(s.alerts.Alerts())}
	if r.URL.Query().Get("never_up") == "true" {
		state = ""
		a.NeverUp = pick(s.alerts.NeverUp())
	}
	s.write(w, http.StatusOK, a)
}

func (s *server) one(w http.ResponseWriter, r *http.Request) {
	fp := r.PathValue("fingerprint")
	var one One
	if a, ok := s.alerts.Alert(fp); ok {
		one.Alert = &a
	}
	var err error
	one.History, err = s.alerts.History(alert.HistoryQuery{Fingerprint: fp})
	switch {
	case err != nil:
		s.fail(w, http.StatusInternalServerError, err)
	case one.Alert == nil && len(one.History) == 0:
		s.fail(w, http.StatusNotFound, fmt.Errorf("an alert %q is %w", fp, alert.ErrNotFound))
	default:
		s.write(w, http.StatusOK, one)
	}
}

func (s *server) history(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := alert.HistoryQuery{Device: v.Get("device"), Fingerprint: v.Get("fingerprint")}
	var errs []error
	for name, dst := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if text := v.Get(name); text != "" {
			var err error
			if *dst, err = time.Parse(time.RFC3339, text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	if text := v.Get("limit"); text != "" {
		var err error
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > 10_000 {
			errs = append(errs, errors.New("limit is a number from 1 to 10000"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.fail(w, http.StatusBadRequest, err)
		return
	}
	ts, err := s.alerts.History(q)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err)
		return
	}
	if ts == nil {
		ts = []alert.Transition{}
	}
	s.write(w, http.StatusOK, ts)
}

func (s *server) silences(w http.ResponseWriter, _ *http.Request) {
	all := s.alerts.Silences()
	if all == nil {
		all = []silence.Silence{}
	}
	s.write(w, http.StatusOK, all)
}

func (s *server) maintenance(w http.ResponseWriter, _ *http.Request) {
	out, now := []Window{}, time.Now()
	for _, m := range s.alerts.Maintenance() {
		v := Window{Name: m.Name, Matchers: m.Matchers, Reason: m.Reason}
		v.Until, v.Active = m.Active(now)
		v.Next, _ = m.Next(now)
		out = append(out, v)
	}
	s.write(w, http.StatusOK, out)
}

func (s *server) ack(w http.ResponseWriter, r *http.Request) {
	var q AckRequest
	if err := decode(r, &q); err != nil {
		s.fail(w, http.StatusBadRequest, err)
		return
	}
	ack := alert.Ack{By: s.who(r, q.By), Reason: q.Reason, At: time.Now().Round(0).UTC()}
	if q.For != 0 {
		ack.Until = ack.At.Add(time.Duration(q.For))
	}
	a, err := s.alerts.Acknowledge(r.PathValue("fingerprint"), ack)
	s.answer(w, a, err)
}

func (s *server) unack(w http.ResponseWriter, r *http.Request) {
	a, err := s.alerts.Unacknowledge(r.PathValue("fingerprint"))
	s.answer(w, a, err)
}

func (s *server) silence(w http.ResponseWriter, r *http.Request) {
	var q SilenceRequest
	if err := decode(r, &q); err != nil {
		s.fail(w, http.StatusBadRequest, err)
		return
	}
	now := time.Now().Round(0).UTC()
	made := silence.Silence{ID: q.ID, Matchers: q.Matchers, StartsAt: q.StartsAt.UTC(), EndsAt: q.EndsAt.UTC(), Author: s.who(r, q.Author), Reason: q.Reason, Created: now}
	if made.ID == "" {
		made.ID = strings.ToLower(rand.Text()[:10])
	}
	if q.StartsAt.IsZero() {
		made.StartsAt = now
	}
	if q.For != 0 {
		made.EndsAt = made.StartsAt.Add(time.Duration(q.For))
	}
	s.answer(w, made, s.alerts.Silence(made))
}

func (s *server) expire(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.answer(w, map[string]string{"expired": id}, s.alerts.Expire(id))
}
