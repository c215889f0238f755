package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPoints = 500
	maxPoints     = 2000
)

var graphGroups = []string{"traffic", "packets", "errors", "utilisation"}

func (s *Server) graph(r *http.Request) (any, error) {
	q, err := parseGraph(r)
	if err != nil {
		return nil, err
	}
	switch d, i, err := s.findPort(r); {
	case err == nil:
		p := &d.ports.list[i]
		q.Device, q.Interface, q.Name, q.Descr = d.target.Name, p.key(), p.part(1), p.part(2)
		if q.Interface != q.Name {
			q.Index = int64(p.index)
		}
		q.Speed, q.Interval = float64(p.speed), d.target.Interval
		d.mu.Unlock()
	default: // one that is there no more may still be stored
		var bad *requestError
		if s.o.History == nil || !errors.As(err, &bad) || bad.status != http.StatusNotFound {
			return nil, err
		}
		q.Device, q.Interface = r.URL.Query().Get("device"), r.FormValue("interface")
		q.Name, q.Index = splitKey(q.Interface)
	}
	empty := Graph{From: q.From.Unix(), To: q.To.Unix(), Times: []int64{}, Groups: []GraphGroup{}, Gaps: []Gap{}, States: []StateSpan{}}
	if s.o.History == nil {
		empty.Problem = noStore
		return empty, nil
	}
	g, err := s.o.History.Graph(r.Context(), q)
	if err != nil {
		s.o.Log.Warn("a graph cannot be drawn", "device", q.Device, "interface", q.Interface, "err", err)
		empty.Problem = Text(err.Error())
		return empty, nil
	}
	return g, nil
}

// parseGraph reads what is asked for, but for the interface.
func parseGraph(r *http.Request) (GraphQuery, error) {
	v, now := r.URL.Query(), time.Now()
	q := GraphQuery{From: now.Add(-time.Hour), To: now, Points: defaultPoints, Groups: v["group"]}
	for name, dst := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := v.Get(name)
		if text == "" {
			continue
		}
		at, err := parseTime(text, now)
		if err != nil {
			return q, badRequest("%s: %q is no time: Unix seconds, RFC 3339, or below 0 seconds before now", name, text)
		}
		*dst = at
	}
	if !q.From.Before(q.To) {
		return q, badRequest("from is not before to")
	}
	if text := v.Get("points"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, badRequest("points: %q is no number above 0", text)
		}
		q.Points = min(n, maxPoints)
	}
	if len(q.Groups) == 0 {
		q.Groups = []string{"traffic"}
	}
	var once []string
	for _, g := range q.Groups {
		if !slices.Contains(graphGroups, g) {
			return q, badRequest("group: %q is none of %s", g, strings.Join(graphGroups, ", "))
		}
		if !slices.Contains(once, g) {
			once = append(once, g)
		}
	}
	q.Groups = once
	return q, nil
}

func parseTime(text string, now time.Time) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds < 0 {
			return now.Add(time.Duration(max(seconds, -1e9) * float64(time.Second))), nil
		}
		if seconds < 1e11 {
			return time.UnixMilli(int64(seconds * 1000)), nil
		}
	}
	return time.Parse(time.RFC3339, text)
}
