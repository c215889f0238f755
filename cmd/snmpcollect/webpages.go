package main

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/internal/version"
	"walkabout/store"
	"walkabout/web"
	"walkabout/web/access"
)

// webOptions says where the pages have what they show from.
func (p *parts) webOptions(cfg config.Config, f *fleet) web.Options {
	o := web.Options{Version: version.Version(), Started: p.started, Memory: p.memory, Alerts: p.alerts, Log: p.log,
		Stats:     func() []web.DeviceStats { return sinks.PageStats(p.polls.Stats()) },
		Collector: func() web.Collector { return p.about(cfg.Store, f) },
		Session:   sessionOf}
	if p.store != nil {
		o.History = sinks.History(p.store)
	}
	return o
}

// sessionOf says who asks for a page.
func sessionOf(r *http.Request) web.Session {
	id := access.Who(r)
	return web.Session{User: id.Name, MayWrite: id.MayWrite, WhyNot: id.WhyNot}
}

// userOf names the user who asks. Whoever has the token, and who need not say, may be anybody.
func userOf(r *http.Request) string {
	if id := access.Who(r); !id.Token {
		return id.Name
	}
	return ""
}

// about is what the pages show of the collector itself.
func (p *parts) about(keeps *config.Store, f *fleet) web.Collector {
	out := sinks.Health(p.runners, p.spool, p.told.Stats())
	out.Started, out.Problems, out.Traps = p.started, p.problems.Last(), p.traps.about()
	out.Reload.Last, out.Reload.Good = f.lastRead()
	out.Store = p.aboutStore(keeps, out.Outputs)
	out.Health = "ok"
	if late := lateOf(p.polls.Stats(), time.Now()); len(late) > 0 {
		out.Health = lateText(late)
	}
	return out
}

// aboutStore is what the pages show of the store; nil if there is to be none.
func (p *parts) aboutStore(keeps *config.Store, outputs []web.Output) *web.StoreHealth {
	if keeps == nil {
		return nil
	}
	out := &web.StoreHealth{KeepFor: cmp.Or(keeps.Options.Retention, store.DefaultRetention).Seconds(), KeepSize: cmp.Or(keeps.Options.MaxSize, store.DefaultMaxSize)}
	if opening := p.store.Opening(); opening != nil {
		if out.Reading = &opening.Read; opening.Err != nil {
			out.Reading, out.Problem = nil, "it cannot be opened, as the log says, and is tried again; what is polled waits in the spool"
		}
	}
	s := p.store.Stats()
	out.Series, out.Octets, out.Oldest, out.Newest = s.Series, s.Octets, s.Oldest, s.Newest
	for _, o := range outputs {
		if o.Name == keeps.Queue.Name {
			out.Samples = o.Written
		}
	}
	if s.Refused > 0 {
		out.Problem = fmt.Sprintf("%d samples of new series were refused: there are as many series as max_series lets be", s.Refused)
	}
	return out
}

// lastRead returns when the configuration was last read, and whether it was taken.
func (f *fleet) lastRead() (at time.Time, good bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.last.Equal(f.lastOK)
}

// about is what the pages show of the receiver; nil if there is none.
func (t *traps) about() *web.TrapReceiver {
	if t == nil {
		return nil
	}
	out := &web.TrapReceiver{Listen: []string{}}
	for _, s := range t.sockets {
		out.Listen = append(out.Listen, s.(trapSocket).LocalAddr().String())
	}
	for outcome, n := range t.receiver.Stats() {
		switch outcome {
		case "accepted":
			out.Received = n
		case "repeated", "engine_discovery": // as they should be
		default:
			out.Refused += n
		}
	}
	return out
}

// alertEvents returns who takes the transitions of alerts.
func (p *parts) alertEvents(shown bool) func([]alert.Transition) {
	ship := sinks.Events(p.spool)
	if !shown {
		return ship
	}
	return func(ts []alert.Transition) {
		ship(ts)
		p.memory.Transitions(ts)
	}
}
