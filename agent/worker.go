package agent

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// worker answers one request after another. Its memory is used again; it belongs to one goroutine.
type worker struct {
	server  *Server
	decoder snmp.Decoder
	in      snmp.Message
	request mib.Request
	dispatch
	result []snmp.VarBind
	out    []byte
}

// answer returns the answer to one message, valid until the next call, or nil if there is none: what cannot be parsed and
// who cannot be named gets silence (RFC 3417, RFC 1157 section 4.1).
func (w *worker) answer(ctx context.Context, b []byte, source netip.Addr) []byte {
	s := w.server
	s.counters.Add(snmp.InPkts, 1)
	if err := w.decoder.Decode(b, &w.in); err != nil {
		if errors.Is(err, snmp.ErrVersion) {
			s.counters.Add(snmp.InBadVersions, 1)
		} else {
			s.counters.Add(snmp.InASNParseErrs, 1)
		}
		s.log.Debug("refused a message", "from", source, "err", err)
		return nil
	}
	g, ok := s.communities.Load().find(w.in.Community, source)
	if !ok {
		s.counters.Add(snmp.InBadCommunityNames, 1)
		s.log.Debug("refused a message: unknown community, or not from there", "from", source)
		return nil
	}
	w.request.Reset()
	w.request.Version, w.request.Level, w.request.Principal = w.in.Version, snmp.NoAuthNoPriv, g.principal
	w.request.At = time.Now()
	w.request.Fresh = asksUpTime(w.in.PDU.VarBinds)
	response, ok := w.process(ctx, g)
	if !ok {
		return nil
	}
	return w.encode(response)
}

// process carries out the PDU and returns the answer's; false if it is none to be answered.
func (w *worker) process(ctx context.Context, g *grant) (snmp.PDU, bool) {
	s, p := w.server, &w.in.PDU
	switch p.Type {
	case snmp.GetRequest:
		s.counters.Add(snmp.InGetRequests, 1)
		return w.finish(w.get(ctx, g)), true
	case snmp.GetNextRequest:
		s.counters.Add(snmp.InGetNexts, 1)
		return w.finish(w.next(ctx, g)), true
	case snmp.GetBulkRequest:
		if w.in.Version == snmp.V1 {
			break
		}
		s.counters.Add(snmp.InGetNexts, 1) // as RFC 3418 has no counter of its own for it
		return w.finish(w.bulk(ctx, g)), true
	case snmp.SetRequest:
		s.counters.Add(snmp.InSetRequests, 1)
		return w.finish(w.set(g)), true
	case snmp.Response, snmp.Report:
		s.counters.Add(snmp.InGetResponses, 1)
		return snmp.PDU{}, false
	case snmp.TrapV1, snmp.TrapV2, snmp.InformRequest:
		s.counters.Add(snmp.InTraps, 1)
		return snmp.PDU{}, false
	}
	s.counters.Add(snmp.InASNParseErrs, 1)
	return snmp.PDU{}, false
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
		if w.in.PDU.Type != snmp.SetRequest {
			c.Add(snmp.InTotalReqVars, uint64(len(w.result)))
		}
		return answer
	}
	if w.in.Version == snmp.V1 {
		o.status = o.status.V1()
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
	m := snmp.Message{Version: w.in.Version, Community: w.in.Community, PDU: answer}
	size := snmp.VarBindsSize(m.PDU.VarBinds)
	if m.SizeWith(size) > s.config.MaxMessageSize {
		s.counters.Add(snmp.OutTooBigs, 1)
		m.PDU.ErrorStatus, m.PDU.ErrorIndex, m.PDU.VarBinds = snmp.TooBig, 0, nil
		if m.Version == snmp.V1 { // RFC 1157 section 4.1.2: the received form
			m.PDU.VarBinds = w.in.PDU.VarBinds
		}
		size = snmp.VarBindsSize(m.PDU.VarBinds)
		if m.SizeWith(size) > s.config.MaxMessageSize {
			s.counters.Add(snmp.SilentDrops, 1)
			return nil
		}
	}
	w.out = m.AppendWith(w.out[:0], size)
	return w.out
}

// set refuses: no registered object can be written.
func (w *worker) set(g *grant) outcome {
	w.result = w.result[:0]
	switch {
	case len(w.in.PDU.VarBinds) == 0:
		return outcome{}
	case !g.write:
		w.server.counters.Add(snmp.InBadCommunityUses, 1)
		return outcome{snmp.NoAccess, 1}
	case !g.view.contains(w.in.PDU.VarBinds[0].Name):
		return outcome{snmp.NoAccess, 1}
	default:
		return outcome{snmp.NotWritable, 1}
	}
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
