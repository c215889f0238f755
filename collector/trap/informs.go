package trap

import (
	"net/netip"
	"time"

	"walkabout/snmp/oid"
)

const (
	// informMemory is for how long an inform is known again that its sender, whom the acknowledgement did not reach, sends once more.
	informMemory = 2 * time.Minute
	maxInforms   = 10_000
)

// informKey is what stays the same of an inform that is sent again.
type informKey struct {
	from      netip.AddrPort
	requestID int32
	trap      oid.OID
}

// informs is the informs that came lately.
type informs struct {
	at    map[informKey]time.Time
	order []informKey
}

func (l *informs) has(k informKey, now time.Time) bool {
	at, ok := l.at[k]
	return ok && now.Sub(at) < informMemory
}

func (l *informs) add(k informKey, now time.Time) {
	if l.at == nil {
		l.at = map[informKey]time.Time{}
	}
	if _, again := l.at[k]; !again {
		k.trap = k.trap.Clone() // a decoded OID keeps its whole message
		l.order = append(l.order, k)
	}
	l.at[k] = now
	drop := 0
	for drop < len(l.order) && (len(l.order)-drop > maxInforms || now.Sub(l.at[l.order[drop]]) >= informMemory) {
		delete(l.at, l.order[drop])
		drop++
	}
	if drop > 0 {
		l.order = append(l.order[:0], l.order[drop:]...)
	}
}
