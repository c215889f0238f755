package collector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"time"

	"walkabout/collector/ping"
	"walkabout/metric"
)

// PingMode is when a target is pinged.
type PingMode string

// The modes.
const (
	PingSilent PingMode = "silent" // when it does not answer SNMP, to tell why
	PingAlways PingMode = "always" // at each poll, which brings a sample of the measurement "ping" too
	PingNever  PingMode = "never"
)

// Errors of a poll that nobody answered, where the target was pinged. They wrap what SNMP's error was.
var (
	ErrHostDown   = errors.New("host down: it answers neither ping nor SNMP")
	ErrSNMPSilent = errors.New("SNMP silent: the host answers ping, but not SNMP (agent down, wrong community, or filtered)")
)

// Pinger pings hosts; *ping.Pinger is one.
type Pinger interface {
	Ping(ctx context.Context, host netip.Addr, count int, first bool) (ping.Result, error)
}

const (
	// pingCount is how many echo requests a ping has.
	pingCount = 3
	// resolvedFor is how long the address of a name is pinged until the name is looked up again.
	resolvedFor = 5 * time.Minute
	// pingMeasurement is Telegraf's name, as are those of the fields.
	pingMeasurement = "ping"
)

// State names in one word how a target was found: "up"; "host_down" or "snmp_silent" if nobody answered and it was pinged; else Reason of why it did
// not answer, such as "authentication" or "timeout".
func (p *Poll) State() string {
	if p.Answered {
		return "up"
	}
	return Reason(p.Err)
}

// probe is the pings of one target.
type probe struct {
	pinger Pinger
	addr   netip.Addr
	at     time.Time // when addr was looked up
}

// pinged is what a ping brought; known is false where it could not be made.
type pinged struct {
	ping.Result
	known bool
}

// poll polls the target once, and pings it as its mode has it. It returns when ctx ends, with what came until then.
func (p *poller) poll(ctx context.Context) Poll {
	mode := p.target.Ping
	if p.probe.pinger == nil || mode == PingNever || p.wanted.any {
		return p.pollAgent(ctx)
	}
	// Who did not answer last time will use up all the time that there is.
	beside := mode == PingAlways || p.silent
	done := make(chan pinged, 1)
	if beside {
		go func() { done <- p.ping(ctx, mode != PingAlways) }()
	}
	poll := p.pollAgent(ctx)
	silent := !poll.Answered && isSilence(poll.Err)
	if !beside {
		if !silent {
			return poll
		}
		done <- p.ping(ctx, true)
	}
	result := <-done
	if !result.known {
		return poll
	}
	poll.Ping = &result.Result
	switch {
	case silent && result.Received == 0:
		poll.Err = fmt.Errorf("%w: %w", ErrHostDown, poll.Err)
	case silent:
		poll.Err = fmt.Errorf("%w: %w", ErrSNMPSilent, poll.Err)
	}
	if mode == PingAlways {
		poll.Samples = append(poll.Samples, p.pingSample(&poll))
	}
	return poll
}

// ping pings the target. Why it cannot be is told by the Pinger, once for all targets, and by the session, which has to look the same name up.
func (p *poller) ping(ctx context.Context, first bool) pinged {
	if !p.probe.resolve(ctx, p.host) {
		return pinged{}
	}
	r, err := p.probe.pinger.Ping(ctx, p.probe.addr, pingCount, first)
	return pinged{r, err == nil}
}

func (p *probe) resolve(ctx context.Context, host string) bool {
	if p.addr.IsValid() && time.Since(p.at) < resolvedFor {
		return true
	}
	if a, err := netip.ParseAddr(host); err == nil {
		p.addr, p.at = a, time.Now()
		return true
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(all) > 0 {
		p.addr, p.at = all[0].Unmap(), time.Now()
	}
	return p.addr.IsValid()
}

// pingSample is poll.Ping as a sample, with the names of Telegraf's fields, and how the target was found.
func (p *poller) pingSample(poll *Poll) metric.Sample {
	r := poll.Ping
	s := metric.Sample{Measurement: pingMeasurement, At: poll.At}
	for _, t := range p.template(nil, &part{layout: &layout{}}) {
		if t.value != "" {
			s.Tags = append(s.Tags, metric.Tag{Name: t.name, Value: t.value})
		}
	}
	number := func(name string, v float64) metric.Field {
		return metric.Field{Name: name, Kind: metric.Float, Num: math.Float64bits(v)}
	}
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	s.Fields = append(s.Fields,
		metric.Field{Name: "packets_transmitted", Kind: metric.Integer, Num: uint64(r.Sent)},
		metric.Field{Name: "packets_received", Kind: metric.Integer, Num: uint64(r.Received)},
		number("percent_packet_loss", 100*r.Loss()), metric.Field{Name: "state", Kind: metric.String, Str: poll.State()})
	if r.Received > 0 {
		s.Fields = append(s.Fields, number("minimum_response_ms", milliseconds(r.Min)), number("average_response_ms", milliseconds(r.Avg)),
			number("maximum_response_ms", milliseconds(r.Max)))
	}
	return s
}
