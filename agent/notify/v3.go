package notify

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// sessionV3 is what is known of a target of version 3 from one notification to the next.
type sessionV3 struct {
	user   *usm.Keyed
	remote *usm.Remote // the receiver's engine, of informs; nil until it is found
	sealer usm.Sealer
}

// ErrNoEngine means a target of version 3, where this agent does not speak it.
var ErrNoEngine = errors.New("this agent has no SNMPv3 engine")

// user returns the target's user with its keys at an engine.
func (w *worker) user(engineID string) (*usm.Keyed, error) {
	u, err := w.current.User(engineID)
	if err != nil {
		return nil, err
	}
	k, err := usm.NewKeyed(u)
	if err == nil && k.Level() < w.current.Level {
		err = fmt.Errorf("user %q has no keys for %v", u.Name, w.current.Level)
	}
	return k, err
}

// trapV3 appends the trap, for which our engine is authoritative.
func (w *worker) trapV3(dst []byte, m *message) ([]byte, error) {
	engine := w.sender.config.Engine
	if engine == nil {
		return dst, ErrNoEngine
	}
	if w.v3 == nil {
		user, err := w.user(engine.ID())
		if err != nil {
			return dst, err
		}
		w.v3 = &sessionV3{user: user}
	}
	s := w.scoped(m, snmp.TrapV2, newID())
	head := snmp.MessageV3{ID: newID(), MaxSize: snmp.MaxMessageSize}
	return engine.SealNotification(dst, &w.v3.sealer, head, w.v3.user, w.current.Level, s, time.Now()), nil
}

// scoped returns m in the context that it is of, which is one of our engine.
func (w *worker) scoped(m *message, kind snmp.PDUType, requestID int32) *snmp.ScopedPDU {
	return &snmp.ScopedPDU{ContextEngineID: w.sender.config.Engine.ID(), ContextName: cmp.Or(m.context, w.current.Context), PDU: m.pdu(kind, requestID)}
}

// informV3 is the conversation of SNMPv3: the receiver's engine is found (RFC 3414 section 4), its time learnt, and then the inform sent
// until a Response of the same security level has its request-id.
type informV3 struct {
	w         *worker
	message   *message
	requestID int32
	firstID   int32 // msgID of the first datagram; the next ones count on
	sent      int32
	answer    snmp.ScopedPDU
}

func (w *worker) newInformV3(m *message) (*informV3, error) {
	if w.sender.config.Engine == nil {
		return nil, ErrNoEngine
	}
	if w.v3 == nil {
		w.v3 = &sessionV3{}
	}
	c := &informV3{w: w, message: m, requestID: newID(), firstID: newID()}
	if id := w.current.EngineID; id != "" && w.v3.remote == nil {
		return c, w.v3.meet(w, id, 0, 0, time.Now())
	}
	return c, nil
}

// meet makes the engine of that ID the receiver's.
func (s *sessionV3) meet(w *worker, engineID string, boots, seconds uint32, now time.Time) error {
	user, err := w.user(engineID)
	if err != nil {
		return err
	}
	remote, err := usm.NewRemote(engineID, boots, seconds, now)
	if err != nil {
		return err
	}
	s.user, s.remote = user, remote
	return nil
}

func (c *informV3) request(dst []byte, now time.Time) ([]byte, error) {
	s, head := c.w.v3, snmp.MessageV3{ID: int32(uint32(c.firstID+c.sent) & 0x7fffffff), MaxSize: snmp.MaxMessageSize, Flags: snmp.ReportableFlag}
	c.sent++
	if s.remote == nil {
		return usm.SealDiscovery(dst, &s.sealer, head, c.requestID), nil
	}
	return s.remote.Seal(dst, &s.sealer, head, s.user, c.w.current.Level, c.w.scoped(c.message, snmp.InformRequest, c.requestID), now), nil
}

func (c *informV3) judge(b []byte, now time.Time) (verdict, error) {
	m, err := snmp.ParseV3(b)
	if err != nil || m.SecurityModel != snmp.USMSecurityModel {
		return irrelevant, nil
	}
	if since := uint32(m.ID-c.firstID) & 0x7fffffff; since >= uint32(c.sent) {
		return irrelevant, nil
	}
	p, err := usm.Parse(m.Security)
	if err != nil {
		return irrelevant, nil
	}
	s := c.w.v3
	if s.remote == nil || string(p.EngineID) != s.remote.ID() {
		return c.discovered(&m, p, now)
	}
	level, content, err := s.remote.Open(b, &m, s.user, now)
	if err != nil {
		return irrelevant, err
	}
	if err := c.w.decoder.DecodeScoped(content, &c.answer); err != nil {
		return irrelevant, nil
	}
	if c.answer.PDU.Type == snmp.Report {
		return c.reported(level)
	}
	if level != c.w.current.Level { // RFC 3412 section 7.2.10
		return irrelevant, errors.New("an answer of another security level")
	}
	return judgeResponse(c.w, &c.answer.PDU, c.requestID)
}

// discovered takes in the report that tells an engine's ID. It proves nothing, and need not: without the keys that are localised to this
// ID an engine is of no use to the one that pretends to be it.
func (c *informV3) discovered(m *snmp.MessageV3, p usm.Parameters, now time.Time) (verdict, error) {
	if m.Flags&(snmp.AuthFlag|snmp.PrivFlag) != 0 || m.Encrypted || c.w.decoder.DecodeScoped(m.Data, &c.answer) != nil || c.report() != usm.UnknownEngineID {
		return irrelevant, nil
	}
	if id := c.w.current.EngineID; id != "" {
		return irrelevant, fmt.Errorf("the receiver's engine ID is 0x%x, and not the 0x%x that it is configured to be", p.EngineID, id)
	}
	if err := c.w.v3.meet(c.w, string(p.EngineID), uint32(p.Boots), uint32(p.Time), now); err != nil {
		return irrelevant, err
	}
	return again, nil
}

var usmStats = oid.New(1, 3, 6, 1, 6, 3, 15, 1, 1)

// report returns what the Report-PDU in c.answer counts of usmStats; 0 if it is none.
func (c *informV3) report() usm.Refusal {
	p := &c.answer.PDU
	if p.Type != snmp.Report || len(p.VarBinds) == 0 {
		return 0
	}
	name := p.VarBinds[0].Name
	if n := usmStats.Len(); !name.HasPrefix(usmStats) || name.Len() != n+2 || name.Arc(n) > uint32(usm.DecryptionError) {
		return 0
	}
	return usm.Refusal(name.Arc(usmStats.Len()))
}

// reported judges a report of the engine that we speak to. Only an authentic one is believed, and that is the one that told the time;
// the others tell a person what may be wrong.
func (c *informV3) reported(level snmp.SecurityLevel) (verdict, error) {
	switch r := c.report(); {
	case r == usm.NotInTimeWindow && level >= snmp.AuthNoPriv:
		return again, nil
	case r != 0:
		return irrelevant, fmt.Errorf("the receiver reports: %w", r)
	default:
		return irrelevant, errors.New("the receiver reports something else")
	}
}
