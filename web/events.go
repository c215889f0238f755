package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	eventEvery   = time.Second      // at most one Event in this time
	heartbeat    = 15 * time.Second // between beats
	writeTimeout = 10 * time.Second // for one write: who does not read for so long is let go
	maxClients   = 200              // of all together
	maxDevices   = 200              // in one Event
)

// hub tells open pages what changed. It keeps nothing but what each has not been told yet, which is bounded.
type hub struct {
	mu      sync.Mutex
	clients map[*client]bool
	closed  chan struct{} // when no page is told anything any more
}

func newHub() *hub { return &hub{clients: map[*client]bool{}, closed: make(chan struct{})} }

// client is an open page.
type client struct {
	wake    chan struct{}   // capacity 1: something is pending
	topics  map[string]bool // pending; these are under the hub's mu
	devices map[string]bool
	all     bool
}

// tell has all clients told of a change. A device "" is any.
func (h *hub) tell(topic, device string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients {
		c.topics[topic] = true
		switch {
		case c.all:
		case device == "" || len(c.devices) >= maxDevices && !c.devices[device]:
			c.all = true
			clear(c.devices)
		default:
			c.devices[device] = true
		}
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// join returns a new client; nil if there are too many, or the end has come.
func (h *hub) join() *client {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.closed:
		return nil
	default:
	}
	if len(h.clients) >= maxClients {
		return nil
	}
	c := &client{wake: make(chan struct{}, 1), topics: map[string]bool{}, devices: map[string]bool{}}
	h.clients[c] = true
	return c
}

func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}

// close ends all clients; more do not come.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.closed:
	default:
		close(h.closed)
	}
}

// pending returns what c has not been told, and forgets it.
func (h *hub) pending(c *client) Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := Event{Topics: slices.Sorted(maps.Keys(c.topics)), Devices: slices.Sorted(maps.Keys(c.devices)), All: c.all}
	if e.Devices == nil {
		e.Devices = []string{}
	}
	clear(c.topics)
	clear(c.devices)
	c.all = false
	return e
}

// events serves /api/ui/events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	c := s.memory.hub.join()
	if c == nil {
		w.Header().Set("Retry-After", "10")
		s.fail(w, &requestError{http.StatusServiceUnavailable, fmt.Errorf("at most %d pages are told of changes at a time: close some", maxClients)})
		return
	}
	defer s.memory.hub.leave(c)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies hold nothing back
	out := stream{w: w, control: http.NewResponseController(w)}
	if out.control.SetReadDeadline(time.Time{}) != nil || // the server's, for requests, would end this one
		out.event("hello", Hello{Started: s.o.Started.UnixMilli(), Version: s.o.Version}) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	var wake <-chan struct{} // c.wake when the pause is over
	for {
		var err error
		select {
		case <-pause.C:
			wake = c.wake
		case <-wake:
			err = out.event("change", s.memory.hub.pending(c))
			wake = nil
			pause.Reset(eventEvery)
		case <-beat.C:
			err = out.event("beat", nil)
		case <-r.Context().Done():
			return
		case <-s.memory.hub.closed:
			return
		}
		if err != nil {
			s.o.Log.Debug("a page is told no more", "client", r.RemoteAddr, "err", err)
			return
		}
	}
}

// stream writes server-sent events. The server's own write timeout, which is for answers that end, is put off by each write.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) event(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.write("event: " + name + "\ndata: " + string(text) + "\n\n")
}

func (s stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	return s.control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream when it passes, even if nothing is written
}
