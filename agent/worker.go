package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// worker answers one request after another. Its memory is used again; it belongs to one goroutine.
type worker struct {
	server  *Server
	onSlow  func() // of each request; nil if nobody waits behind it
	decoder snmp.Decoder
	in      snmp.Message // of a v3 message, its version and PDU
	v3      envelope     // around in.PDU, if its version is 3
	request mib.Request
	from    origin // of the request
	garbled bool   // it could not be parsed
	dispatch
	sizes  answerSizes // of this answer
	result []snmp.VarBind
	out    []byte
}

// The most variable bindings of a request, and of an answer, whose memory a worker keeps: 8 workers a socket that have met the largest ones would hold
// 40 MB for ever.
const (
	keptNames   = 512
	keptResults = 2048
)

// swollen reports whether w has more memory than it is to keep.
func (w *worker) swollen() bool {
	return cap(w.in.PDU.VarBinds) > keptNames || cap(w.v3.scoped.PDU.VarBinds) > keptNames || len(w.cursors) > keptNames || cap(w.result) > keptResults
}

// grant is what the asker of a request may see.
type grant struct {
	read  *vacm.View
	write *vacm.View // nil is nothing
}

var errDisabled = errors.New("its version is disabled")

// answer returns the answer to one message, valid until the next call, or nil if there is none: what cannot be parsed and
// who cannot be named gets silence (RFC 3417, RFC 1157 section 4.1).
func (w *worker) answer(ctx context.Context, b []byte, from origin) []byte {
	s := w.server
	s.counters.Add(snmp.InPkts, 1)
	w.request.Reset()
	w.request.At, w.request.OnSlow = time.Now(), w.onSlow
	w.from, w.garbled = from, false
	if !s.hears(from) || !s.withinRate(from, w.request.At) {
		return nil
	}
	w.sizes = s.limits(from, len(b), false)
	if version, err := snmp.PeekVersion(b); err == nil {
		if slices.Contains(s.access.Load().disabled, version) {
			s.counters.Add(snmp.InBadVersions, 1)
			s.log.Debug("refused a message", "from", from, "err", errDisabled)
			return nil
		}
		if version == snmp.V3 && s.config.Engine != nil {
			return w.answerV3(ctx, b, from)
		}
	}
	if err := w.decoder.Decode(b, &w.in); err != nil {
		if errors.Is(err, snmp.ErrVersion) {
			s.counters.Add(snmp.InBadVersions, 1)
		} else {
			s.counters.Add(snmp.InASNParseErrs, 1)
		}
		s.log.Debug("refused a message", "from", from, "err", err)
		w.garbled = true
		return nil
	}
	c := s.access.Load().find(w.in.Community, from)
	if c == nil {
		s.counters.Add(snmp.InBadCommunityNames, 1)
		s.refused(from, "unknown community, or not accepted from there")
		s.authenticationFailed(from)
		return nil
	}
	w.request.Level, w.request.Principal, w.request.Context = snmp.NoAuthNoPriv, c.SecurityName, c.Context
	model := vacm.V2c
	if w.in.Version == snmp.V1 {
		model = vacm.V1
	}
	response, ok := w.process(ctx, model)
	if !ok {
		return nil
	}
	return w.encode(response)
}

// process carries out the PDU and returns the answer's; false if it is none to be answered.
func (w *worker) process(ctx context.Context, model vacm.SecurityModel) (snmp.PDU, bool) {
	s, p, q := w.server, &w.in.PDU, &w.request
	q.Version, q.SecurityModel, q.Fresh = w.in.Version, int32(model), asksUpTime(p.VarBinds)
	switch p.Type {
	case snmp.GetRequest:
		s.counters.Add(snmp.InGetRequests, 1)
	case snmp.GetNextRequest:
		s.counters.Add(snmp.InGetNexts, 1)
	case snmp.GetBulkRequest:
		if w.in.Version == snmp.V1 {
			s.counters.Add(snmp.InASNParseErrs, 1)
			return snmp.PDU{}, false
		}
		s.counters.Add(snmp.InGetNexts, 1) // as RFC 3418 has no counter of its own for it
	case snmp.SetRequest:
		s.counters.Add(snmp.InSetRequests, 1)
	case snmp.Response, snmp.Report:
		s.counters.Add(snmp.InGetResponses, 1)
		return snmp.PDU{}, false
	default:
		s.counters.Add(snmp.InTraps, 1)
		return snmp.PDU{}, false
	}
	g, err := w.grant(model)
	if err != nil {
		s.log.Debug("refused a request", "principal", q.Principal, "context", q.Context, "err", err)
		return w.finish(outcome{snmp.AuthorizationError, 0}), true
	}
	return w.finish(w.carryOut(ctx, g)), true
}

// grant asks the policy. A principal that may read something may be told that it may not write; one that may do neither is
// refused as a whole (RFC 3413 section 3.2).
func (w *worker) grant(model vacm.SecurityModel) (g grant, err error) {
	q, policy := &w.request, w.server.access.Load().policy
	g.read, err = policy.Allowed(model, q.Principal, q.Level, q.Context, vacm.Read)
	if w.in.PDU.Type != snmp.SetRequest {
		return g, err
	}
	readable := err == nil
	if g.write, err = policy.Allowed(model, q.Principal, q.Level, q.Context, vacm.Write); err != nil && readable && w.in.Version != snmp.V3 {
		err = nil
	}
	return g, err
}

func (w *worker) carryOut(ctx context.Context, g grant) outcome {
	switch w.in.PDU.Type {
	case snmp.GetRequest:
		return w.get(ctx, g.read)
	case snmp.GetNextRequest:
		return w.next(ctx, g.read)
	case snmp.GetBulkRequest:
		return w.bulk(ctx, g.read)
	default:
		return w.set(ctx, g.write)
	}
}

// outcome is the result of an operation: w.result, or an error-status and the index of the variable binding to blame.
type outcome struct {
	status snmp.ErrorStatus
	index  int32 // counts from 1
}

// finish makes the answer's PDU of an outcome and counts it.
func (w *worker) finish(o outcome) snmp.PDU {
	c := w.server.counters
	c.Add(snmp.OutGetResponses, 1)
	answer := snmp.PDU{Type: snmp.Response, RequestID: w.in.PDU.RequestID}
	if o.status == snmp.NoError {
		answer.VarBinds = w.result
		return answer
	}
	if w.in.Version == snmp.V1 {
		o.status = o.status.V1()
		if o.index == 0 && (o.status == snmp.NoSuchName || o.status == snmp.GenErr) && len(w.in.PDU.VarBinds) > 0 {
			o.index = 1 // RFC 1157 has no such error without the name that is to blame, and managers look for it
		}
	}
	answer.ErrorStatus, answer.ErrorIndex = o.status, o.index
	answer.VarBinds = w.in.PDU.VarBinds // RFC 3416 section 4.2.1, RFC 1157 section 4.1.2: as they were received
	switch o.status {
	case snmp.NoSuchName:
		c.Add(snmp.OutNoSuchNames, 1)
	case snmp.BadValue:
		c.Add(snmp.OutBadValues, 1)
	case snmp.GenErr:
		c.Add(snmp.OutGenErrs, 1)
	}
	return answer
}

// encode seals the answer; one that is too long becomes tooBig, and if even that is, silence (RFC 3416 section 4.2.1).
func (w *worker) encode(answer snmp.PDU) []byte {
	s := w.server
	size := snmp.VarBindsSize(answer.VarBinds)
	if n := w.size(size); n <= w.sizes.most {
		if answer.ErrorStatus == snmp.NoError && w.in.PDU.Type != snmp.SetRequest {
			s.counters.Add(snmp.InTotalReqVars, uint64(len(answer.VarBinds)))
		}
	} else {
		s.counters.Add(snmp.OutTooBigs, 1)
		if w.sizes.capped {
			s.capped(w.from, n, w.sizes.most)
		}
		answer.ErrorStatus, answer.ErrorIndex, answer.VarBinds = snmp.TooBig, 0, nil
		if w.in.Version == snmp.V1 { // RFC 1157 section 4.1.2: the received form
			answer.VarBinds = w.in.PDU.VarBinds
		}
		size = snmp.VarBindsSize(answer.VarBinds)
		if w.size(size) > w.sizes.most {
			s.counters.Add(snmp.SilentDrops, 1)
			return nil
		}
	}
	if w.in.Version == snmp.V3 {
		w.out = w.seal(w.out[:0], answer)
		return w.out
	}
	m := snmp.Message{Version: w.in.Version, Community: w.in.Community, PDU: answer}
	w.out = m.AppendWith(w.out[:0], size)
	return w.out
}

// size returns the octets of an answer whose variable bindings take varBinds octets; of a v3 answer, which padding may make
// shorter, the most.
func (w *worker) size(varBinds int) int {
	answer := snmp.PDU{Type: snmp.Response, RequestID: w.in.PDU.RequestID, ErrorStatus: snmp.InconsistentName, ErrorIndex: 1}
	if w.in.Version == snmp.V3 {
		return w.sealedSize(answer, varBinds)
	}
	m := snmp.Message{Version: w.in.Version, Community: w.in.Community, PDU: answer}
	return m.SizeWith(varBinds)
}

var sysUpTime = oid.New(1, 3, 6, 1, 2, 1, 1, 3)

// asksUpTime reports whether sysUpTime is asked, with or without its instance, together with others.
func asksUpTime(vbs []snmp.VarBind) bool {
	if len(vbs) < 2 {
		return false
	}
	for i := range vbs {
		if vbs[i].Name.HasPrefix(sysUpTime) {
			return true
		}
	}
	return false
}
