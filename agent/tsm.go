package agent

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// TransportState is what a secure transport knows of a session (tmStateReference, RFC 5590 section 5.2). It is immutable.
type TransportState struct {
	SecurityName string             // tmSecurityName: who is at the other end
	Prefix       string             // of the transport domain, without the colon: "tls" or "dtls" (RFC 6353 section 7)
	Level        snmp.SecurityLevel // tmTransportSecurityLevel
	// MaxRecord is set where one record carries one message (RFC 6353 section 3.1.2, DTLS): the most octets of a message. Overhead is how
	// many a datagram has around it. Elsewhere messages follow one another in a stream, and both are 0.
	MaxRecord, Overhead int
}

// SecureConn is a connection whose transport has authenticated the other end. Where TransportState.MaxRecord is set, a Read returns one record.
type SecureConn interface {
	net.Conn
	TransportState() *TransportState
}

// tsm is the Transport Security Model's part of a Server (RFC 5591).
type tsm struct {
	stats  snmp.TSMStats
	prefix atomic.Bool // snmpTsmConfigurationUsePrefix
}

// SetTransportPrefix says whether the security names of secure transports have the transport's prefix and a colon before them
// (snmpTsmConfigurationUsePrefix).
func (s *Server) SetTransportPrefix(use bool) { s.tsm.prefix.Store(use) }

var snmpTsmInadequateSecurityLevels = oid.New(1, 3, 6, 1, 2, 1, 190, 1, 1, 2, 0)

// answerTSM is RFC 5591's part of answerV3 (section 5.2): the transport has authenticated who asks. The message has size octets.
func (w *worker) answerTSM(ctx context.Context, size int, level snmp.SecurityLevel) []byte {
	s, v, t := w.server, &w.v3, w.from.transport
	switch {
	case t == nil:
		s.tsm.stats.InvalidCaches.Add(1)
		s.refused(w.from, "the Transport Security Model needs TLS or DTLS")
		return nil
	case s.tsm.prefix.Load() && t.Prefix == "":
		s.tsm.stats.UnknownPrefixes.Add(1)
		return nil
	case len(v.message.Security) != 0 || v.message.Encrypted:
		s.counters.Add(snmp.InASNParseErrs, 1)
		return nil
	}
	v.opened = usm.Opened{SecurityName: t.SecurityName, Level: level, Content: v.message.Data}
	if s.tsm.prefix.Load() {
		v.opened.SecurityName = t.Prefix + ":" + t.SecurityName
	}
	if level > t.Level {
		v.opened.Level = snmp.NoAuthNoPriv
		return w.report(snmpTsmInadequateSecurityLevels, s.tsm.stats.InadequateSecurityLevels.Add(1))
	}
	w.sizes = s.limits(w.from, size, true)
	w.fitAsker()
	if err := w.decoder.DecodeScoped(v.opened.Content, &v.scoped); err != nil {
		s.counters.Add(snmp.InASNParseErrs, 1)
		s.log.Debug("refused a message", "from", w.from, "err", err)
		return nil
	}
	return w.dispatchV3(ctx)
}

var snmpEngineID = oid.New(1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0)

// asksEngineID reports whether the message is how a manager without USM finds out the engine ID (RFC 5343 section 3). Net-SNMP's tools send it
// first, at noAuthNoPriv, and give up without an answer. That is given to whoever has a session, for USM tells it anybody: no view need hold it.
func (w *worker) asksEngineID() bool {
	v := &w.v3
	return v.message.SecurityModel == snmp.TSMSecurityModel && v.scoped.ContextEngineID == localEngineID &&
		w.in.PDU.Type == snmp.GetRequest && len(w.in.PDU.VarBinds) == 1 && w.in.PDU.VarBinds[0].Name == snmpEngineID
}

func (w *worker) answerEngineID() []byte {
	s := w.server
	s.counters.Add(snmp.InGetRequests, 1)
	w.result = append(w.result[:0], snmp.VarBind{Name: snmpEngineID, Value: snmp.OctetString(s.config.Engine.ID())})
	return w.encode(w.finish(outcome{}))
}

// sealTSM appends the message that carries p, without security of its own.
func (w *worker) sealTSM(dst []byte, m snmp.MessageV3, p *snmp.ScopedPDU) []byte {
	v := &w.v3
	v.plain = p.AppendContent(v.plain[:0])
	m.SecurityModel, m.Flags, m.Data = snmp.TSMSecurityModel, v.opened.Level.Flags(), v.plain
	dst, _ = m.Append(dst)
	return dst
}

// messages cuts what a connection carries into messages; next is framer's.
type messages interface{ next() ([]byte, error) }

func messagesOf(conn net.Conn, from origin, limits *StreamLimits) messages {
	if t := from.transport; t != nil && t.MaxRecord > 0 {
		return &records{conn: conn, limits: limits, buf: make([]byte, t.MaxRecord)}
	}
	return &framer{conn: conn, limits: limits}
}

// records takes each record of a connection for one message.
type records struct {
	conn   net.Conn
	limits *StreamLimits
	buf    []byte
}

func (r *records) next() ([]byte, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(r.limits.Idle)); err != nil {
		return nil, err
	}
	n, err := r.conn.Read(r.buf)
	if err != nil {
		return nil, err
	}
	if size, err := frame(r.buf[:n]); err != nil || size != n {
		return nil, fmt.Errorf("a record of %d octets: %w", n, errFrame)
	}
	return r.buf[:n], nil
}
