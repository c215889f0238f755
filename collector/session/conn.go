package session

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// conn stands between gosnmp and the socket, which is connected, so that the kernel hands over datagrams of the agent's own
// address only. It lets through what is of SNMPv3, and remembers what the library does not tell: gosnmp turns a Report that nobody
// could sign into a text.
//
// It is no net.PacketConn, or gosnmp would read around it.
type conn struct {
	net.Conn
	stats *Stats
	ctx   context.Context // of the request of the moment

	unsent error // why the last datagram could not be sent, errNothing before the first of this request

	// What happened since the last datagram was sent.
	received int   // datagrams that were let through
	report   error // what the last Report meant
	refused  bool  // an ICMP message said that nobody is there
}

// begin forgets the request before. The function that it returns must be called when the request is over; until then the end
// of ctx ends all waiting.
func (c *conn) begin(ctx context.Context) (end func() bool) {
	c.ctx, c.unsent = ctx, errNothing
	return context.AfterFunc(ctx, func() { _ = c.Conn.SetDeadline(past) })
}

var (
	past       = time.Unix(1, 0)
	errNothing = errors.New("the request cannot be encoded")
)

// SetDeadline keeps a deadline that gosnmp sets from undoing the one that the end of ctx has set.
func (c *conn) SetDeadline(t time.Time) error {
	err := c.Conn.SetDeadline(t)
	if c.ctx.Err() != nil {
		err = c.Conn.SetDeadline(past)
	}
	return err
}

func (c *conn) Write(b []byte) (int, error) {
	c.received, c.report, c.refused = 0, nil, false
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.ECONNREFUSED) {
		// The system tells here what became of an earlier datagram, and has not sent this one.
		n, err = c.Conn.Write(b)
	}
	c.note(err)
	c.unsent = err
	return n, err
}

func (c *conn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil {
			c.note(err)
			return n, err
		}
		if c.admit(b[:n]) {
			c.received++
			return n, nil
		}
		c.stats.Dropped.Add(1)
	}
}

func (c *conn) note(err error) {
	if isRefusal(err) {
		c.refused = true
	}
}

// admit reports whether the datagram b may answer the request of the moment: gosnmp checks the digest, the time and the request-id
// inside. What cannot be read may: it is the library that says what is wrong with it.
func (c *conn) admit(b []byte) bool {
	h, err := readHeader(b)
	if err != nil {
		return true
	}
	if h.version != snmp.V3 {
		return false
	}
	if h.report != nil {
		c.report = h.report
	}
	return true
}

// header is what can be read of a message without its keys.
type header struct {
	version   snmp.Version
	community []byte
	tag       byte // the PDU's type; not of v3
	requestID int32
	report    error // v3: what a Report in plain text means; nil if it is none
}

func readHeader(b []byte) (header, error) {
	var h header
	outer := ber.NewCursor(b)
	m, err := outer.Enter(ber.TagSequence)
	if err != nil {
		return h, err
	}
	version, err := m.Int32()
	if err != nil {
		return h, err
	}
	if h.version = snmp.Version(version); h.version == snmp.V3 {
		h.report = plainReport(&m)
		return h, nil
	}
	if h.community, err = m.Read(ber.TagOctetString); err != nil {
		return h, err
	}
	tag, content, err := m.Next()
	if err != nil {
		return h, err
	}
	h.tag = tag
	pdu := ber.NewCursor(content)
	h.requestID, err = pdu.Int32()
	return h, err
}

// plainReport reads the rest of a v3 message (RFC 3412 section 6) as far as the first varbind of a Report in plain text.
func plainReport(m *ber.Cursor) error {
	if _, err := m.Read(ber.TagSequence); err != nil { // msgGlobalData
		return nil
	}
	if _, err := m.Read(ber.TagOctetString); err != nil { // msgSecurityParameters
		return nil
	}
	scoped, err := m.Enter(ber.TagSequence)
	if err != nil {
		return nil // encrypted
	}
	_, _ = scoped.Read(ber.TagOctetString) // contextEngineID
	_, _ = scoped.Read(ber.TagOctetString) // contextName
	pdu, err := scoped.Enter(byte(snmp.Report))
	if err != nil {
		return nil
	}
	for range 3 { // request-id, error-status, error-index
		if _, err := pdu.Read(ber.TagInteger); err != nil {
			return nil
		}
	}
	list, err := pdu.Enter(ber.TagSequence)
	if err != nil {
		return nil
	}
	varbind, err := list.Enter(ber.TagSequence)
	if err != nil {
		return nil
	}
	content, err := varbind.Read(ber.TagOID)
	if err != nil {
		return nil
	}
	packed, err := ber.AppendPacked(nil, content)
	if err != nil {
		return nil
	}
	name, err := oid.FromPacked(string(packed))
	if err != nil {
		return nil
	}
	return reports[name]
}
