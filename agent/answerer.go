package agent

import (
	"context"
	"net/netip"

	"walkabout/snmp"
)

// Answerer answers messages that came by no socket of a Server's own, for whoever plays many agents on one socket. It keeps its memory and is for one
// goroutine, with any number of Servers one after another. The zero Answerer is ready.
type Answerer struct{ worker *worker }

// Answer returns s' answer to one message, valid until the next call, or nil if there is none.
func (a *Answerer) Answer(ctx context.Context, s *Server, message []byte, from netip.Addr) []byte {
	if a.worker == nil || a.worker.swollen() {
		a.worker = &worker{}
	}
	a.worker.server = s
	answer := a.worker.answer(ctx, message, origin{addr: from})
	if answer != nil {
		s.counters.Add(snmp.OutPkts, 1)
	}
	return answer
}
