package agent

import (
	"context"
	"errors"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// envelope is what is around the PDU of an SNMPv3 message, and the memory to build an answer's.
type envelope struct {
	message snmp.MessageV3
	opened  usm.Opened
	scoped  snmp.ScopedPDU
	sealer  usm.Sealer
	plain   []byte // of TSM's answers
}

// localEngineID is the contextEngineID of whatever engine is asked (RFC 5343 section 3).
const localEngineID = "\x80\x00\x00\x00\x06"

// The objects that reports carry.
var (
	usmStats               = oid.New(1, 3, 6, 1, 6, 3, 15, 1, 1)
	snmpUnknownPDUHandlers = oid.New(1, 3, 6, 1, 6, 3, 11, 2, 1, 3, 0)
	snmpUnknownContexts    = oid.New(1, 3, 6, 1, 6, 3, 12, 1, 5, 0)
)

// answerV3 is answer for SNMPv3, in the order of RFC 3412 section 7.2.
func (w *worker) answerV3(ctx context.Context, b []byte, from origin) []byte {
	s, v := w.server, &w.v3
	var err error
	if v.message, err = snmp.ParseV3(b); err != nil {
		s.counters.Add(snmp.InASNParseErrs, 1)
		s.log.Debug("refused a message", "from", from, "err", err)
		w.garbled = true
		return nil
	}
	model := v.message.SecurityModel
	if model != snmp.USMSecurityModel && model != snmp.TSMSecurityModel {
		s.mpd.UnknownSecurityModels.Add(1)
		return nil
	}
	level, ok := v.message.Flags.Level()
	if !ok {
		s.mpd.InvalidMsgs.Add(1)
		return nil
	}
	w.in.Version, w.in.Community = snmp.V3, ""
	w.fitAsker()
	v.scoped.ContextEngineID, v.scoped.ContextName, v.scoped.PDU.Type, v.scoped.PDU.RequestID = s.config.Engine.ID(), "", 0, 0
	if model == snmp.TSMSecurityModel {
		return w.answerTSM(ctx, len(b), level)
	}
	return w.answerUSM(ctx, b)
}

// answerUSM is RFC 3414's part of answerV3.
func (w *worker) answerUSM(ctx context.Context, b []byte) []byte {
	s, v, from := w.server, &w.v3, w.from
	var err error
	v.opened, err = s.config.Engine.Open(b, &v.message, w.request.At)
	var refusal usm.Refusal
	switch {
	case errors.As(err, &refusal):
		if refusal == usm.UnknownUserName || refusal == usm.WrongDigest || refusal == usm.DecryptionError || refusal == usm.UnsupportedSecLevel {
			s.refused(from, err.Error()) // the others belong to finding each other
		}
		if refusal == usm.UnknownUserName || refusal == usm.WrongDigest {
			s.authenticationFailed(from)
		}
		if refusal != usm.NotInTimeWindow { // only that report proves who sends it
			v.opened.Level = snmp.NoAuthNoPriv
		}
		return w.report(usmStats.Append(uint32(refusal), 0), s.config.Engine.Count(refusal))
	case err == nil:
		if v.opened.Level != snmp.NoAuthNoPriv {
			w.sizes = s.limits(from, len(b), true)
			w.fitAsker()
		}
		err = w.decoder.DecodeScoped(v.opened.Content, &v.scoped)
	}
	if err != nil {
		s.counters.Add(snmp.InASNParseErrs, 1)
		s.log.Debug("refused a message", "from", from, "err", err)
		return nil
	}
	return w.dispatchV3(ctx)
}

// fitAsker keeps the answer within what the asker accepts (RFC 3412 section 6.2, msgMaxSize).
func (w *worker) fitAsker() {
	if n := int(w.v3.message.MaxSize); n < w.sizes.most {
		w.sizes.most, w.sizes.capped = n, false
	}
	w.sizes.bulk = min(w.sizes.bulk, w.sizes.most)
}

// dispatchV3 goes on with a message whose security was found right.
func (w *worker) dispatchV3(ctx context.Context) []byte {
	s, v := w.server, &w.v3
	if id := v.scoped.ContextEngineID; id != s.config.Engine.ID() && id != localEngineID {
		return w.report(snmpUnknownPDUHandlers, s.mpd.UnknownPDUHandlers.Add(1))
	}
	switch v.scoped.PDU.Type {
	case snmp.GetRequest, snmp.GetNextRequest, snmp.GetBulkRequest, snmp.SetRequest:
	case snmp.Response, snmp.Report: // to nothing that was asked (RFC 3412 section 7.2.10)
		s.mpd.UnknownPDUHandlers.Add(1)
		return nil
	default:
		return w.report(snmpUnknownPDUHandlers, s.mpd.UnknownPDUHandlers.Add(1))
	}
	if _, known := s.contextRegions(v.scoped.ContextName); !known {
		return w.report(snmpUnknownContexts, s.mpd.UnknownContexts.Add(1))
	}
	w.in.PDU = v.scoped.PDU
	if w.asksEngineID() {
		return w.answerEngineID()
	}
	w.request.Principal, w.request.Level, w.request.Context = v.opened.SecurityName, v.opened.Level, v.scoped.ContextName
	if w.from.transport != nil && v.message.SecurityModel == snmp.TSMSecurityModel {
		// Access is by what protects the message, not by what it asks for at least.
		w.request.Level = w.from.transport.Level
	}
	answer, ok := w.process(ctx, vacm.SecurityModel(v.message.SecurityModel))
	if !ok {
		return nil
	}
	return w.encode(answer)
}

// report returns a Report-PDU with one counter, if the message allows one (RFC 3412 section 7.1, step 3): its reportable flag is set, and its PDU,
// where that can be read, is one that wants an answer. A Report or a Response with a forged source would have two engines answer each other.
func (w *worker) report(name oid.OID, count uint64) []byte {
	v := &w.v3
	if v.message.Flags&snmp.ReportableFlag == 0 || !w.confirmed() {
		return nil
	}
	w.result = append(w.result[:0], snmp.VarBind{Name: name, Value: snmp.Counter32(uint32(count))})
	report := snmp.PDU{Type: snmp.Report, RequestID: v.scoped.PDU.RequestID, VarBinds: w.result}
	if w.sealedSize(report, snmp.VarBindsSize(w.result)) > w.sizes.most {
		w.server.counters.Add(snmp.SilentDrops, 1)
		return nil
	}
	v.scoped.ContextEngineID = w.server.config.Engine.ID()
	w.out = w.seal(w.out[:0], report)
	return w.out
}

// confirmed reports whether the PDU of the message is of the Confirmed Class (RFC 3411 section 2.8), or cannot be read. Of a message that was
// refused its request-id is taken for the report.
func (w *worker) confirmed() bool {
	v := &w.v3
	if v.opened.Content == nil && !v.message.Encrypted {
		var err error
		if v.scoped.PDU.Type, v.scoped.PDU.RequestID, err = snmp.PeekScoped(v.message.Data); err != nil {
			return true
		}
	}
	switch v.scoped.PDU.Type {
	case snmp.Response, snmp.Report, snmp.TrapV2, snmp.TrapV1:
		return false
	default:
		return true
	}
}

// seal puts p into a message like the one that asked, which it answers.
func (w *worker) seal(dst []byte, p snmp.PDU) []byte {
	v := &w.v3
	m := snmp.MessageV3{ID: v.message.ID, MaxSize: int32(w.server.config.MaxMessageSize)}
	scoped := snmp.ScopedPDU{ContextEngineID: v.scoped.ContextEngineID, ContextName: v.scoped.ContextName, PDU: p}
	if v.message.SecurityModel == snmp.TSMSecurityModel {
		return w.sealTSM(dst, m, &scoped)
	}
	return w.server.config.Engine.Seal(dst, &v.sealer, m, &v.opened, &scoped, w.request.At)
}

func (w *worker) sealedSize(p snmp.PDU, varBinds int) int {
	v := &w.v3
	scoped := snmp.ScopedPDU{ContextEngineID: v.scoped.ContextEngineID, ContextName: v.scoped.ContextName, PDU: p}
	n := scoped.Size(varBinds)
	if v.message.SecurityModel == snmp.TSMSecurityModel {
		m := snmp.MessageV3{ID: v.message.ID, MaxSize: int32(w.server.config.MaxMessageSize), SecurityModel: snmp.TSMSecurityModel}
		return m.SizeWith(n)
	}
	return n + w.server.config.Engine.Overhead(&v.opened, n)
}
