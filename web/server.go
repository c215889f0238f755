package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"walkabout/alert"
)

// AlertSource knows the alerts; an alert.Manager is one.
type AlertSource interface {
	Alert(fingerprint string) (alert.Alert, bool)
	Alerts() []alert.Alert
	NeverUp() []alert.Alert
	NeverUpOf(device string) []alert.Alert
	NeverUpCount() int
	History(q alert.HistoryQuery) ([]alert.Transition, error)
}

// DeviceStats is how a device is polled, beside what Poll tells.
type DeviceStats struct {
	Device    string
	Why       string        // what is wrong, or makes it slow, in a sentence
	RoundTrip time.Duration // 0: not known
	Late      bool          // it missed more than three of its polls
	Polls     Polls         // but Profiles, Version and Samples
}

// History draws graphs: the store.
type History interface {
	// Graph returns what is stored of an interface. An error that says what to do becomes Graph.Problem.
	Graph(ctx context.Context, q GraphQuery) (Graph, error)
}

// GraphQuery says what a Graph is to be of.
type GraphQuery struct {
	Device, Interface string        // see Interface.Key
	Name, Descr       string        // ifName, else ifDescr, and ifDescr, as far as they are known
	Index             int64         // ifIndex of an interface that shares Name with others of the device, or has none; else 0
	Speed             float64       // bits a second; 0: not known
	Interval          time.Duration // between polls
	From, To          time.Time
	Points            int
	Groups            []string // "traffic", "packets", "errors", "utilisation"
}

// Options of a Server.
type Options struct {
	Version string
	Started time.Time
	Memory  *Memory
	Alerts  AlertSource
	Stats   func() []DeviceStats
	// Collector returns the collector about itself, but for what the Server knows: At, Counts, Slow and Viewers.
	Collector func() Collector
	// Session says of a request who asks and what they may; but for Version, Started, Now and Store.
	Session func(*http.Request) Session
	History History // nil: nothing is stored
	Log     *slog.Logger
}

// Server answers the pages. Close lets go of those that wait for events.
type Server struct {
	o      Options
	memory *Memory

	mu      sync.Mutex
	stats   map[string]DeviceStats
	statsAt time.Time
}

// New returns a Server.
func New(o Options) *Server { return &Server{o: o, memory: o.Memory} }

// Close ends all requests for events, now and later.
func (s *Server) Close() { s.memory.hub.close() }

// Handle adds what is served below /api/ui/ to mux.
func (s *Server) Handle(mux *http.ServeMux) {
	answers := map[string]func(r *http.Request) (any, error){
		"session": s.session, "fleet": s.fleet, "device": s.deviceView, "table": s.table, "interface": s.interfaceView, "graph": s.graph,
		"alert": s.alert, "alerts": s.alerts, "history": s.alertHistory, "collector": s.collector, "log": s.logEntries,
	}
	for name, answer := range answers {
		mux.Handle("GET /api/ui/"+name, Compressed(func(w http.ResponseWriter, r *http.Request) {
			v, err := answer(r)
			if err != nil {
				s.fail(w, err)
				return
			}
			s.write(w, http.StatusOK, v)
		}))
	}
	mux.HandleFunc("GET /api/ui/events", s.events)
}

func (s *Server) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.o.Log.Debug("answering a page", "err", err)
	}
}

func (s *Server) fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var bad *requestError
	if errors.As(err, &bad) {
		status = bad.status
	} else {
		s.o.Log.Error("answering a page", "err", err)
	}
	s.write(w, status, map[string]string{"error": Text(err.Error())})
}

// statsAge is how old DeviceStats may be: to gather them all takes some milliseconds.
const statsAge = time.Second

// deviceStats returns how each device is polled. The map is not to be changed.
func (s *Server) deviceStats() map[string]DeviceStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.statsAt) > statsAge {
		all := s.o.Stats()
		s.stats, s.statsAt = make(map[string]DeviceStats, len(all)), now
		for _, x := range all {
			s.stats[x.Device] = x
		}
	}
	return s.stats
}

func (s *Server) session(r *http.Request) (any, error) {
	out := s.o.Session(r)
	out.Version, out.Started, out.Now, out.Store = s.o.Version, s.o.Started, time.Now(), s.o.History != nil
	return out, nil
}

// find returns the device that r asks for.
func (s *Server) find(r *http.Request) (*device, error) {
	name := r.URL.Query().Get("device")
	if name == "" {
		return nil, badRequest("device: which one?")
	}
	d := s.memory.device(name)
	if d == nil {
		return nil, notFound("there is no device %q (any more)", Text(name))
	}
	return d, nil
}

func (s *Server) logEntries(r *http.Request) (any, error) {
	v := r.URL.Query()
	q, err := parseList(v)
	if err != nil {
		return nil, err
	}
	before, err := parseBefore(v)
	if err != nil {
		return nil, err
	}
	kinds, device := v["kind"], v.Get("device")
	for _, k := range kinds {
		if k != KindTrap && k != KindAlert && k != KindDevice {
			return nil, badRequest("kind: %q is none of %s, %s, %s", k, KindTrap, KindAlert, KindDevice)
		}
	}
	out := Log{At: time.Now()}
	out.Entries, out.More = s.memory.log.before(before, q.limit, func(e *LogEntry) bool {
		return (len(kinds) == 0 || slices.Contains(kinds, e.Kind)) && (device == "" || e.Device == device) && q.found(e.texts()...)
	})
	return out, nil
}

func (s *Server) collector(*http.Request) (any, error) {
	out := s.o.Collector()
	out.At, out.Viewers = time.Now(), s.memory.hub.count()
	_, out.Counts = s.rows(nil)
	out.Slow = s.slow()
	return out, nil
}

// noStore is what a graph says where nothing is stored.
const noStore = "nothing is stored, so there is nothing to draw: set store: in the configuration"
