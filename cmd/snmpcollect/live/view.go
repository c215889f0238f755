package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/web"
)

// Query says what of the moment is wanted.
type Query struct {
	Devices bool   // the devices in place of their interfaces
	Sort    string // see Sorts and DeviceSorts; "" is the first of them
	Filter  string // words that all stand in an entry, whatever their case
	Limit   int    // entries at the most; less than 1 is 50
}

// MaxLimit is the largest Query.Limit.
const MaxLimit = 1000

// Sorts are the orders of interfaces: with an alert first and then by traffic; by one figure, largest first; by name.
func Sorts() []string { return []string{"alert", "in", "out", "load", "errors", "name"} }

// DeviceSorts are the orders of devices: silent ones first; by one figure, largest first; by name.
func DeviceSorts() []string {
	return []string{"state", "duration", "lag", "retries", "failed", "withheld", "name"}
}

// Sorts returns the orders that the query may have.
func (q Query) Sorts() []string {
	if q.Devices {
		return DeviceSorts()
	}
	return Sorts()
}

// Validate returns what is wrong with q, nil if it can be asked.
func (q Query) Validate() error {
	if q.Sort != "" && !slices.Contains(q.Sorts(), q.Sort) {
		return fmt.Errorf("sort %q; known are %s", q.Sort, strings.Join(q.Sorts(), ", "))
	}
	if q.Limit > MaxLimit {
		return fmt.Errorf("limit %d; at most %d", q.Limit, MaxLimit)
	}
	return nil
}

// Values returns q as /api/live takes it.
func (q Query) Values() url.Values {
	return url.Values{"devices": {strconv.FormatBool(q.Devices)}, "sort": {q.Sort}, "filter": {q.Filter}, "limit": {strconv.Itoa(q.Limit)}}
}

// ParseQuery reads what Values wrote. What is left out is as in the zero Query.
func ParseQuery(v url.Values) (Query, error) {
	q := Query{Sort: v.Get("sort"), Filter: v.Get("filter")}
	var err error
	if text := v.Get("devices"); text != "" {
		if q.Devices, err = strconv.ParseBool(text); err != nil {
			return q, fmt.Errorf("devices %q; it is true or false", text)
		}
	}
	if text := v.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil {
			return q, fmt.Errorf("limit %q; it is a number", text)
		}
	}
	return q, q.Validate()
}

// View is the answer to a Query.
type View struct {
	At         time.Time   `json:"at"`
	Version    string      `json:"version"`
	Targets    int         `json:"targets"`
	Up         int         `json:"up"`
	Partial    int         `json:"partial"`
	Silent     int         `json:"silent"`
	Matching   int         `json:"matching"` // entries that the filter lets through; those above the limit are left out
	Interfaces []Interface `json:"interfaces,omitempty"`
	Devices    []Poller    `json:"devices,omitempty"`
	Alerts     []Alert     `json:"alerts,omitempty"` // pending and firing, at most maxAlerts
	NeverUp    int         `json:"neverUp"`
}

// Alert is one that is pending or firing.
type Alert struct {
	State   string    `json:"state"`
	Since   time.Time `json:"since"`
	Summary string    `json:"summary"`
}

const maxAlerts = 100

// Source is where a View comes from.
type Source struct {
	Version string
	Memory  *web.Memory
	Stats   func() []collector.Stats
	Alerts  func() (current, neverUp []alert.Alert)
}

// View answers q at the time now.
func (s Source) View(q Query, now time.Time) View {
	v := View{At: now, Version: s.Version}
	all := s.Stats()
	v.Targets = len(all)
	upTimes := map[string]time.Duration{}
	for _, p := range s.Memory.Polls() {
		upTimes[p.Device] = p.UpTime
	}
	current, neverUp := s.Alerts()
	v.NeverUp = len(neverUp)
	for _, a := range current {
		if (a.State == alert.Pending || a.State == alert.Firing) && len(v.Alerts) < maxAlerts {
			v.Alerts = append(v.Alerts, Alert{a.State.String(), a.Since, a.Summary})
		}
	}
	match := matcher(q.Filter)
	limit := cmp.Or(max(q.Limit, 0), 50)
	for _, stats := range all {
		p := newPoller(stats, upTimes[stats.Device], now)
		switch p.State {
		case "up":
			v.Up++
		case "partial":
			v.Partial++
		case "silent":
			v.Silent++
		}
		if q.Devices && match(p.Device, p.State, p.Error) {
			v.Devices = append(v.Devices, p)
		}
	}
	if q.Devices {
		v.Matching = len(v.Devices)
		SortDevices(v.Devices, q.Sort)
		v.Devices = v.Devices[:min(limit, len(v.Devices))]
		return v
	}
	marks := Marks(current, neverUp)
	v.Interfaces = interfaces(s.Memory, func(i *Interface) bool {
		i.Alert = marks[Key{i.Device, i.Name}]
		return match(i.Device, i.Name, i.Alias, i.Admin+"/"+i.Oper, i.Verdict, i.Alert)
	})
	v.Matching = len(v.Interfaces)
	SortInterfaces(v.Interfaces, q.Sort)
	v.Interfaces = slices.Clone(v.Interfaces[:min(limit, len(v.Interfaces))])
	return v
}

// matcher returns whether all words of filter stand in texts.
func matcher(filter string) func(texts ...string) bool {
	words := strings.Fields(strings.ToLower(filter))
	return func(texts ...string) bool {
		if len(words) == 0 {
			return true
		}
		all := strings.ToLower(strings.Join(texts, " "))
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all, w) })
	}
}

// Key is how alerts name an interface.
type Key struct{ Device, Name string }

// Marks returns what is to be said of interfaces beside their status.
func Marks(alerts, neverUp []alert.Alert) map[Key]string {
	m := map[Key]string{}
	for _, a := range neverUp {
		m[Key{a.Device, a.Key}] = "never up"
	}
	for _, a := range alerts {
		if a.State == alert.Pending || a.State == alert.Firing {
			m[Key{a.Device, a.Key}] = a.State.String()
		}
	}
	return m
}

// rank orders interfaces by what a person wants to see first.
func (i *Interface) rank() int {
	switch {
	case i.Alert == alert.Firing.String():
		return 0
	case i.Alert == alert.Pending.String():
		return 1
	case i.Alert == "" && i.Admin == "up":
		return 2
	}
	return 3
}

// SortInterfaces puts all into one of Sorts' orders.
func SortInterfaces(all []Interface, by string) {
	figure := map[string]func(*Interface) float64{
		"in": func(i *Interface) float64 { return number(i.In) }, "out": func(i *Interface) float64 { return number(i.Out) },
		"load": (*Interface).load, "errors": func(i *Interface) float64 { return number(i.Errors) },
	}[by]
	slices.SortStableFunc(all, func(a, b Interface) int {
		switch {
		case by == "name":
			return cmp.Or(strings.Compare(a.Device, b.Device), strings.Compare(a.Name, b.Name))
		case figure != nil:
			return cmp.Compare(figure(&b), figure(&a))
		}
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(number(b.In)+number(b.Out), number(a.In)+number(a.Out)))
	})
}

func (i *Interface) load() float64 { return i.Load() }

// SortDevices puts all into one of DeviceSorts' orders.
func SortDevices(all []Poller, by string) {
	figure := map[string]func(*Poller) float64{
		"duration": func(p *Poller) float64 { return p.Duration }, "lag": func(p *Poller) float64 { return p.Lag },
		"retries": func(p *Poller) float64 { return float64(p.Retries) }, "failed": func(p *Poller) float64 { return float64(p.Failed) },
		"withheld": func(p *Poller) float64 { return float64(p.Withheld) },
	}[by]
	state := map[string]int{"silent": 0, "partial": 1, "new": 2, "up": 3}
	slices.SortStableFunc(all, func(a, b Poller) int {
		switch {
		case by == "name":
			return strings.Compare(a.Device, b.Device)
		case figure != nil:
			return cmp.Or(cmp.Compare(figure(&b), figure(&a)), strings.Compare(a.Device, b.Device))
		}
		return cmp.Or(cmp.Compare(state[a.State], state[b.State]), strings.Compare(a.Device, b.Device))
	})
}

// Path is where a collector serves its View.
const Path = "/api/live"

// Handler serves the View of a Query in JSON.
func (s Source) Handler(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := ParseQuery(r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := json.NewEncoder(w).Encode(s.View(q, time.Now())); err != nil {
			log.Debug("answering /api/live", "err", err)
		}
	})
}
