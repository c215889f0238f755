package trap

import (
	"errors"
	"fmt"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// usmStats are the counters that reports carry (RFC 3414 section 5).
var usmStats = oid.New(1, 3, 6, 1, 6, 3, 15, 1, 1)

// openV3 deals with a message of version 3. Who is authoritative for it tells what it is (RFC 3412 section 6.4): for an inform we are, for a trap its
// sender is, and that one asks for no report.
func (s *reading) openV3(b []byte, from Peer, now time.Time) (outcome, error) {
	m, err := snmp.ParseV3(b)
	if err != nil {
		return malformed, err
	}
	if m.SecurityModel != snmp.USMSecurityModel {
		return malformed, fmt.Errorf("security model %d", m.SecurityModel)
	}
	if _, ok := m.Flags.Level(); !ok {
		return malformed, errors.New("privacy without authentication")
	}
	p, err := usm.Parse(m.Security)
	if err != nil {
		return malformed, err
	}
	reportable := m.Flags&snmp.ReportableFlag != 0
	switch {
	case string(p.EngineID) == s.r.engine.ID(), reportable && len(p.EngineID) == 0:
		return s.inform(b, &m, from, now)
	case !reportable:
		return s.trap(b, &m, from, now)
	}
	// An inform for an engine that we are not (any more): its sender is told who we are. Or a trap of an agent that sets the flag in all that it sends.
	if result, err := s.trap(b, &m, from, now); result != wrongPDU && ofKnown(result) {
		return result, err
	}
	return s.inform(b, &m, from, now)
}

// ofKnown reports whether a trap with this outcome was sent by one of our users.
func ofKnown(result outcome) bool {
	switch result {
	case accepted, unknownSender, queueFull, outsideWindow, replayed:
		return true
	}
	return false
}

// trap deals with a message that its sender is authoritative for.
func (s *reading) trap(b []byte, m *snmp.MessageV3, from Peer, now time.Time) (outcome, error) {
	o, err := s.r.senders.Open(b, m, now)
	if err != nil {
		return judge(err), fmt.Errorf("user %q of engine 0x%x: %w", o.User, o.EngineID, err)
	}
	if err := s.decoder.DecodeScoped(o.Content, &s.scoped); err != nil {
		return malformed, err
	}
	if s.scoped.PDU.Type != snmp.TrapV2 {
		return wrongPDU, fmt.Errorf("a %v that its sender is authoritative for", s.scoped.PDU.Type)
	}
	n := Notification{Source: from.Remote, Version: snmp.V3, User: o.User, EngineID: o.EngineID, Context: s.scoped.ContextName}
	return s.r.take(n, &s.scoped.PDU, len(b), now)
}

// inform deals with a message that we are authoritative for, or should be.
func (s *reading) inform(b []byte, m *snmp.MessageV3, from Peer, now time.Time) (outcome, error) {
	engine, clock := s.r.engine, s.r.sleep.added(now)
	o, err := engine.Open(b, m, clock)
	var refusal usm.Refusal
	if errors.As(err, &refusal) {
		s.report(m, &o, refusal, from, clock)
		if refusal == usm.UnknownEngineID || refusal == usm.NotInTimeWindow {
			return engineDiscovery, nil
		}
		return judge(err), fmt.Errorf("an inform: %w", err)
	}
	if err != nil {
		return malformed, err
	}
	if u, ok := engine.User(o.SecurityName); !ok || o.Level != u.Level() {
		engine.Stats.UnsupportedSecLevels.Add(1)
		s.report(m, &o, usm.UnsupportedSecLevel, from, clock)
		return wrongLevel, fmt.Errorf("an inform of user %q, at a lower level than it has passwords for", o.SecurityName)
	}
	if err := s.decoder.DecodeScoped(o.Content, &s.scoped); err != nil {
		return malformed, err
	}
	if s.scoped.PDU.Type != snmp.InformRequest {
		return wrongPDU, fmt.Errorf("a %v that we are authoritative for", s.scoped.PDU.Type)
	}
	n := Notification{Source: from.Remote, Version: snmp.V3, User: o.SecurityName, EngineID: engine.ID(), Context: s.scoped.ContextName}
	result, err := s.r.take(n, &s.scoped.PDU, len(b), now)
	if result.acknowledged() {
		answer := snmp.ScopedPDU{ContextEngineID: s.scoped.ContextEngineID, ContextName: s.scoped.ContextName, PDU: acknowledgement(&s.scoped.PDU)}
		s.out = engine.Seal(s.out[:0], &s.sealer, snmp.MessageV3{ID: m.ID, MaxSize: snmp.MaxMessageSize}, &o, &answer, clock)
		s.write(from)
	}
	return result, err
}

// report answers with the counter of a refusal, where the message allows that (RFC 3412 section 7.1, step 3). Only the one about the time window is
// authenticated: it is what the sender's clock is set by.
func (s *reading) report(m *snmp.MessageV3, o *usm.Opened, refusal usm.Refusal, from Peer, clock time.Time) {
	if m.Flags&snmp.ReportableFlag == 0 {
		return
	}
	if refusal != usm.NotInTimeWindow {
		o.Level = snmp.NoAuthNoPriv
	}
	engine := s.r.engine
	pdu := snmp.PDU{Type: snmp.Report, RequestID: requestID(&s.decoder, m), VarBinds: []snmp.VarBind{
		{Name: usmStats.Append(uint32(refusal), 0), Value: snmp.Counter32(uint32(engine.Count(refusal)))},
	}}
	answer := snmp.ScopedPDU{ContextEngineID: engine.ID(), PDU: pdu}
	s.out = engine.Seal(s.out[:0], &s.sealer, snmp.MessageV3{ID: m.ID, MaxSize: snmp.MaxMessageSize}, o, &answer, clock)
	s.write(from)
}

// requestID returns that of a message in the clear, 0 of an encrypted one.
func requestID(d *snmp.Decoder, m *snmp.MessageV3) int32 {
	var scoped snmp.ScopedPDU
	if m.Encrypted || d.DecodeScoped(m.Data, &scoped) != nil {
		return 0
	}
	return scoped.PDU.RequestID
}

// judge returns the outcome that an error of opening a message stands for.
func judge(err error) outcome {
	switch {
	case errors.Is(err, usm.UnknownUserName):
		return unknownUser
	case errors.Is(err, usm.UnsupportedSecLevel):
		return wrongLevel
	case errors.Is(err, usm.WrongDigest):
		return wrongDigest
	case errors.Is(err, usm.DecryptionError):
		return wrongKey
	case errors.Is(err, usm.NotInTimeWindow):
		return outsideWindow
	case errors.Is(err, usm.ErrReplayed):
		return replayed
	case errors.Is(err, usm.ErrTooManySenders):
		return tooManyEngines
	}
	return malformed
}
