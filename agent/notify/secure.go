package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var snmpTlstmNotifications = oid.New(1, 3, 6, 1, 2, 1, 198, 0)

// The notifications of SNMP-TLS-TM-MIB (RFC 9456): of a receiver whose certificate is not trusted, and of one whose certificate is not valid.
var (
	ServerCertificateUnknown = snmpTlstmNotifications.Append(1)
	ServerInvalidCertificate = snmpTlstmNotifications.Append(2)
)

// CertificateError says that a receiver's certificate was refused. The others are sent Notification about it.
type CertificateError struct {
	Notification Notification
	Err          error
}

func (e *CertificateError) Error() string { return e.Err.Error() }
func (e *CertificateError) Unwrap() error { return e.Err }

func aboutCertificates(trap oid.OID) bool {
	return trap == ServerCertificateUnknown || trap == ServerInvalidCertificate
}

// tellCertificate tells the other targets when the certificate of this one begins to be refused. Those whose own is refused are not told, or two of
// them would tell of each other without end (RFC 9456, snmpTlstmServerCertificateUnknown).
func (w *worker) tellCertificate(err error) {
	var refused *CertificateError
	if !errors.As(err, &refused) {
		if err == nil {
			w.refused.Store(false)
		}
		return
	}
	first := w.refused.CompareAndSwap(false, true)
	w.sender.Stats.Dropped.Add(uint64(w.queue.remove(func(m *message) bool { return aboutCertificates(m.trapOID) })))
	if now := time.Now(); first && now.Sub(w.refusedAt) >= tellEvery {
		w.refusedAt = now
		w.sender.Notify(refused.Notification)
	}
}

// finish hangs up when all was sent. A session that can tell whether the receiver has taken it all is asked: with TLS 1.3 only its end says that our
// certificate was refused.
func (w *worker) finish(ctx context.Context) error {
	conn := w.conn
	if framed, ok := conn.(*messages); ok {
		conn = framed.Conn
	}
	graceful, ok := conn.(interface {
		Shutdown(ctx context.Context) error
	})
	if !ok || w.current.Inform {
		w.hangUp()
		return nil
	}
	w.conn = nil
	if err := graceful.Shutdown(ctx); err != nil {
		w.sender.Stats.Dropped.Add(1)
		return fmt.Errorf("the receiver ended the session: %w", err)
	}
	return nil
}

// messageTSM appends a message of the Transport Security Model (RFC 5591 section 4.2.1) that carries m in the context that it is of.
func (w *worker) messageTSM(dst []byte, m *message, kind snmp.PDUType, requestID, id int32, flags snmp.Flags) ([]byte, error) {
	engine := w.sender.config.Engine
	if engine == nil {
		return dst, ErrNoEngine
	}
	scoped := snmp.ScopedPDU{ContextEngineID: engine.ID(), ContextName: cmp.Or(m.context, w.current.Context), PDU: m.pdu(kind, requestID)}
	out := snmp.MessageV3{
		ID: id, MaxSize: snmp.MaxMessageSize, Flags: w.current.Level.Flags() | flags, SecurityModel: snmp.TSMSecurityModel, Data: scoped.AppendContent(nil),
	}
	dst, _ = out.Append(dst)
	return dst, nil
}

// informTSM is the conversation of SNMPv3 by the Transport Security Model: the session says who is at both ends.
type informTSM struct {
	w         *worker
	message   *message
	requestID int32
	firstID   int32 // msgID of the first; the next ones count on
	sent      int32
	answer    snmp.ScopedPDU
}

func (c *informTSM) request(dst []byte, _ time.Time) ([]byte, error) {
	id := int32(uint32(c.firstID+c.sent) & 0x7fffffff)
	c.sent++
	return c.w.messageTSM(dst, c.message, snmp.InformRequest, c.requestID, id, snmp.ReportableFlag)
}

func (c *informTSM) judge(b []byte, _ time.Time) (verdict, error) {
	m, err := snmp.ParseV3(b)
	if err != nil || m.SecurityModel != snmp.TSMSecurityModel || m.Encrypted || len(m.Security) != 0 {
		return irrelevant, nil
	}
	if since := uint32(m.ID-c.firstID) & 0x7fffffff; since >= uint32(c.sent) {
		return irrelevant, nil
	}
	if err := c.w.decoder.DecodeScoped(m.Data, &c.answer); err != nil {
		return irrelevant, nil
	}
	if p := &c.answer.PDU; p.Type == snmp.Report {
		if len(p.VarBinds) == 0 {
			return irrelevant, errors.New("the receiver reports something without saying what")
		}
		return irrelevant, fmt.Errorf("the receiver reports %v", p.VarBinds[0].Name)
	}
	return judgeResponse(c.w, &c.answer.PDU, c.requestID)
}
