// Package live is what a collector shows of the moment on a terminal: its devices, the last rates of every interface, the alerts. A web.Memory has
// it, /api/live serves it, and Frame draws it.
package live

import (
	"time"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/web"
)

// Interface is the last that is known of one. A rate that there is none of is nil.
type Interface struct {
	Device  string   `json:"device"`
	Name    string   `json:"name"` // ifName, else ifDescr
	Alias   string   `json:"alias,omitempty"`
	Admin   string   `json:"admin"`
	Oper    string   `json:"oper"`
	In      *float64 `json:"in"`     // bits a second
	Out     *float64 `json:"out"`    // bits a second
	Errors  *float64 `json:"errors"` // a second, in and out
	Speed   float64  `json:"speed"`  // bits a second; 0: it tells none
	Verdict string   `json:"verdict,omitempty"`
	Alert   string   `json:"alert,omitempty"` // firing, pending, "never up", or nothing
}

// Load returns the share of the speed that the busier direction takes, 0 to 1; 0 if it cannot be told.
func (i Interface) Load() float64 {
	if i.Speed <= 0 {
		return 0
	}
	return max(number(i.In), number(i.Out)) / i.Speed
}

func number(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

// interfaces returns those of m that keep lets through, in the order of their devices.
func interfaces(m *web.Memory, keep func(*Interface) bool) []Interface {
	var out []Interface
	m.Interfaces(func(device string, x web.Interface) {
		i := Interface{Device: device, Name: x.Name, Alias: x.Alias, Admin: x.Admin, Oper: x.Oper, In: x.In, Out: x.Out, Errors: x.Errors, Speed: x.Speed, Verdict: x.Verdict}
		if keep(&i) {
			out = append(out, i)
		}
	})
	return out
}

// Marked returns all interfaces of m, with what alerts say of them.
func Marked(m *web.Memory, alerts, neverUp []alert.Alert) []Interface {
	marks := Marks(alerts, neverUp)
	return interfaces(m, func(i *Interface) bool {
		i.Alert = marks[Key{i.Device, i.Name}]
		return true
	})
}

// Poller is what is known of a device's polls.
type Poller struct {
	Device   string  `json:"device"`
	State    string  `json:"state"`    // up, partial, silent, or new before the first poll
	Last     float64 `json:"last"`     // seconds since it was polled; below 0: never
	Duration float64 `json:"duration"` // of the last poll, in seconds
	Lag      float64 `json:"lag"`      // by which it began late, in seconds
	UpTime   float64 `json:"upTime"`   // of the agent, in seconds; 0: not told
	Polls    uint64  `json:"polls"`
	Failed   uint64  `json:"failed"`
	Partial  uint64  `json:"partial"`
	Missed   uint64  `json:"missed"`
	Requests uint64  `json:"requests"`
	Retries  uint64  `json:"retries"`
	Withheld uint64  `json:"withheld"` // counter readings without a rate
	Error    string  `json:"error,omitempty"`
}

// newPoller joins what the collector counts of a device and its last poll.
func newPoller(s collector.Stats, upTime time.Duration, now time.Time) Poller {
	p := Poller{Device: s.Device, State: "new", Last: -1, Duration: s.Duration.Seconds(), Lag: s.Lag.Seconds(), UpTime: upTime.Seconds(),
		Polls: s.Polls, Failed: s.Failed, Partial: s.Partial, Missed: s.Missed, Requests: s.Requests, Retries: s.Retries, Error: s.Err}
	if !s.Last.IsZero() {
		p.Last = now.Sub(s.Last).Seconds()
		switch {
		case !s.Answered:
			p.State = "silent"
		case s.Err != "":
			p.State = "partial"
		default:
			p.State = "up"
		}
	}
	for v, n := range s.Verdicts {
		if !v.HasRate() {
			p.Withheld += n
		}
	}
	return p
}
