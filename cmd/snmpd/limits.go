package main

import (
	"log/slog"
	"time"

	"walkabout/agent"
	"walkabout/agent/snmpdconf"
)

// setLimits puts to use what protects the agent from too much.
func (d *service) setLimits(config *snmpdconf.Config) {
	l := &config.Limits
	d.agent.SetMaxMessageSize(config.MaxMessageSize)
	d.agent.SetMaxUnauthenticatedSize(l.MaxUnauthenticatedSize)
	d.agent.SetBulkLimits(agent.BulkLimits{Repetitions: config.MaxRepeats, Responses: config.MaxResponses})
	d.agent.SetRateLimit(agent.RateLimit{PerSecond: l.RequestsPerSecond, Burst: l.Burst})
	d.agent.SetStreamLimits(agent.StreamLimits{
		Connections: l.Connections, PerSource: l.ConnectionsPerSource, Idle: l.IdleTimeout, Request: l.MessageTimeout, Answer: l.MessageTimeout,
	})
}

// setBuffers gives every UDP socket that is open the room that the files ask for. Without a word there it keeps what it has.
func (l *listeners) setBuffers(limits *snmpdconf.Limits) {
	for e, running := range l.bound {
		if u := running.socket.datagrams; u != nil {
			l.setBuffer(e, "serverRecvBuf", "net.core.rmem_max", limits.ReceiveBuffer, u.SetReadBuffer)
			l.setBuffer(e, "serverSendBuf", "net.core.wmem_max", limits.SendBuffer, u.SetWriteBuffer)
		}
	}
}

func (l *listeners) setBuffer(e endpoint, directive, sysctl string, want int, set func(int) (int, error)) {
	if want == 0 {
		return
	}
	if got, err := set(want); err != nil {
		l.log.Warn(directive, "address", e, "err", err)
	} else if got < want {
		l.log.Warn(directive+": the system gives less; it allows more where "+sysctl+" does", "address", e, "want", want, "got", got)
	}
}

// lossesEvery is how often the log tells of what was lost, if anything was.
const lossesEvery = time.Minute

// losses tells the log of what a server dropped and refused.
type losses struct {
	told agent.Stats
	log  *slog.Logger
}

func (l *losses) report(now agent.Stats) {
	since := now.Sub(l.told)
	l.told = now
	var attrs []any
	for _, c := range []struct {
		name  string
		count uint64
	}{
		{"rateLimited", since.RateLimited}, {"answersCapped", since.AnswersCapped}, {"socketDrops", since.SocketDrops},
		{"connectionsRefused", since.ConnectionsRefused}, {"connectionsTimedOut", since.ConnectionsTimedOut},
	} {
		if c.count > 0 {
			attrs = append(attrs, c.name, c.count)
		}
	}
	if since.SocketDrops > 0 {
		attrs = append(attrs, "hint", "requests came faster than they were read: a larger serverRecvBuf helps in bursts")
	}
	if len(attrs) > 0 {
		l.log.Warn("requests were lost or refused since this was last told", attrs...)
	}
}
