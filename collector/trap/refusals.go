package trap

import (
	"log/slog"
	"sync"
	"time"
)

// tellEvery is how often at most each kind of refusal is logged.
const tellEvery = time.Minute

// refusals logs what is not taken, at a rate that nobody who sends can raise.
type refusals struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds [outcomes]struct {
		told  time.Time
		since uint64 // not logged since then
	}
}

// advice is what a person may do about an outcome.
var advice = [outcomes]string{
	unknownSender:      "no target has this address: add one, or trap_sources to it",
	queueFull:          "notifications come faster than they can be handled",
	unsupportedVersion: "traps.credentials names no credential of this version",
	wrongCommunity:     "no credential in traps.credentials has this community",
	unknownUser:        "no credential in traps.credentials has this user, or not at this engine",
	wrongLevel:         "the sender must use the passwords that the credential has, and no more than these",
	wrongDigest:        "wrong authentication password or protocol",
	wrongKey:           "wrong privacy password or protocol",
	outsideWindow:      "an old message, or the sender lost its snmpEngineBoots: then remove its line from traps.json while snmpcollect is stopped",
	replayed:           "the same message came before",
}

func (l *refusals) note(o outcome, err error, from Peer, now time.Time) {
	if o == accepted || o == repeated || o == engineDiscovery {
		return
	}
	l.mu.Lock()
	k := &l.kinds[o]
	k.since++
	if now.Sub(k.told) < tellEvery && !k.told.IsZero() {
		l.mu.Unlock()
		return
	}
	count := k.since
	k.told, k.since = now, 0
	l.mu.Unlock()
	attrs := []any{"result", o.String(), "from", from.Remote.String(), "count", count}
	if advice[o] != "" {
		attrs = append(attrs, "hint", advice[o])
	}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	l.log.Warn("a notification was not taken", attrs...)
}
