package alert

import "time"

// past is how often an alert fired lately.
type past struct {
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

// mostPast bounds how many alerts it is known of.
const mostPast = 100_000

// remember notes that a fires, and tells a how often it did before.
func (e *Engine) remember(a *Alert) {
	was, known := e.past[a.Fingerprint]
	if known && a.FiredAt.Sub(was.Last) > e.cfg.Remember {
		was = past{}
	}
	a.FiredBefore, a.LastFired = was.Count, was.Last
	if known || len(e.past) < mostPast {
		e.past[a.Fingerprint] = past{was.Count + 1, a.FiredAt}
	}
}

// forget drops what is too long ago.
func (e *Engine) forget(now time.Time) {
	for fp, p := range e.past {
		if now.Sub(p.Last) > e.cfg.Remember {
			delete(e.past, fp)
		}
	}
}
