package snmp

import (
	"fmt"

	"walkabout/snmp/ber"
)

// Flags is msgFlags (RFC 3412 section 6.4).
type Flags uint8

const (
	AuthFlag       Flags = 1
	PrivFlag       Flags = 2
	ReportableFlag Flags = 4
)

// Level returns the security level that f asks for; false if it asks for privacy without authentication.
func (f Flags) Level() (SecurityLevel, bool) {
	switch f & (AuthFlag | PrivFlag) {
	case 0:
		return NoAuthNoPriv, true
	case AuthFlag:
		return AuthNoPriv, true
	case AuthFlag | PrivFlag:
		return AuthPriv, true
	default:
		return 0, false
	}
}

// Flags returns the AuthFlag and PrivFlag of l.
func (l SecurityLevel) Flags() Flags {
	switch l {
	case AuthNoPriv:
		return AuthFlag
	case AuthPriv:
		return AuthFlag | PrivFlag
	default:
		return 0
	}
}

// String returns the RFC's name of l.
func (l SecurityLevel) String() string {
	switch l {
	case NoAuthNoPriv:
		return "noAuthNoPriv"
	case AuthNoPriv:
		return "authNoPriv"
	case AuthPriv:
		return "authPriv"
	default:
		return fmt.Sprintf("security level %d", uint8(l))
	}
}

// The msgSecurityModels of the User-based (RFC 3414) and the Transport Security Model (RFC 5591).
const (
	USMSecurityModel = 3
	TSMSecurityModel = 4
)

// MinMaxSize is the least msgMaxSize (RFC 3412 section 6.3).
const MinMaxSize = 484

// MessageV3 is an SNMPv3 message (RFC 3412 section 6) whose security parameters and data are still as they came.
type MessageV3 struct {
	ID            int32 // msgID, 0 to 2^31-1
	MaxSize       int32 // msgMaxSize, 484 to 2^31-1
	Flags         Flags
	SecurityModel int32 // msgSecurityModel, 1 to 2^31-1

	Security []byte // the content of msgSecurityParameters
	// Data is msgData without its header: the content of a ScopedPDU, or of the OCTET STRING that is one encrypted.
	Data      []byte
	Encrypted bool
}

// ParseV3 reads an SNMPv3 message that takes the whole of b. The slices of the result point into b. Errors wrap ErrParse, or
// are ErrVersion.
func ParseV3(b []byte) (m MessageV3, err error) {
	c := ber.NewCursor(b)
	body, err := c.Enter(ber.TagSequence)
	if err != nil {
		return m, parseError("message", err)
	}
	if c.Len() != 0 {
		return m, parseError("message", ErrTrailing)
	}
	version, err := body.Int32()
	if err != nil {
		return m, parseError("version", err)
	}
	if Version(version) != V3 {
		return m, ErrVersion
	}
	if err := m.header(&body); err != nil {
		return m, err
	}
	if m.Security, err = body.Read(ber.TagOctetString); err != nil {
		return m, parseError("msgSecurityParameters", err)
	}
	tag, data, err := body.Next()
	switch {
	case err != nil:
		return m, parseError("msgData", err)
	case tag != ber.TagSequence && tag != ber.TagOctetString:
		return m, parseError("msgData", ber.ErrTag)
	case body.Len() != 0:
		return m, parseError("message", ErrTrailing)
	}
	m.Data, m.Encrypted = data, tag == ber.TagOctetString
	return m, nil
}

// header reads msgGlobalData.
func (m *MessageV3) header(body *ber.Cursor) error {
	c, err := body.Enter(ber.TagSequence)
	if err != nil {
		return parseError("msgGlobalData", err)
	}
	if m.ID, err = c.Int32(); err == nil && m.ID < 0 {
		err = ber.ErrRange
	}
	if err != nil {
		return parseError("msgID", err)
	}
	if m.MaxSize, err = c.Int32(); err == nil && m.MaxSize < MinMaxSize {
		err = ber.ErrRange
	}
	if err != nil {
		return parseError("msgMaxSize", err)
	}
	flags, err := c.Read(ber.TagOctetString)
	if err == nil && len(flags) != 1 {
		err = ber.ErrLength
	}
	if err != nil {
		return parseError("msgFlags", err)
	}
	m.Flags = Flags(flags[0])
	if m.SecurityModel, err = c.Int32(); err == nil && m.SecurityModel < 1 {
		err = ber.ErrRange
	}
	if err != nil {
		return parseError("msgSecurityModel", err)
	}
	if c.Len() != 0 {
		return parseError("msgGlobalData", ErrTrailing)
	}
	return nil
}

// headerSize returns the octets of msgGlobalData's content.
func (m *MessageV3) headerSize() int {
	return 2 + ber.IntSize(int64(m.ID)) + 2 + ber.IntSize(int64(m.MaxSize)) + 3 + 2 + ber.IntSize(int64(m.SecurityModel))
}

// SizeWith returns the octets that m takes on the wire if its Data takes data octets.
func (m *MessageV3) SizeWith(data int) int {
	n := m.contentSize(data)
	return ber.HeaderSize(n) + n
}

func (m *MessageV3) contentSize(data int) int {
	header := m.headerSize()
	return 3 + ber.HeaderSize(header) + header + ber.HeaderSize(len(m.Security)) + len(m.Security) + ber.HeaderSize(data) + data
}

// Append appends the encoding of m to dst. Where in what was appended m.Security begins is the second result.
func (m *MessageV3) Append(dst []byte) (out []byte, security int) {
	tag := byte(ber.TagSequence)
	if m.Encrypted {
		tag = ber.TagOctetString
	}
	header := m.headerSize()
	start := len(dst)
	dst = ber.AppendHeader(dst, ber.TagSequence, m.contentSize(len(m.Data)))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(V3))
	dst = ber.AppendHeader(dst, ber.TagSequence, header)
	dst = ber.AppendInt(dst, ber.TagInteger, int64(m.ID))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(m.MaxSize))
	dst = append(ber.AppendHeader(dst, ber.TagOctetString, 1), byte(m.Flags))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(m.SecurityModel))
	dst = ber.AppendHeader(dst, ber.TagOctetString, len(m.Security))
	security = len(dst) - start
	dst = append(dst, m.Security...)
	dst = ber.AppendHeader(dst, tag, len(m.Data))
	return append(dst, m.Data...), security
}

// ScopedPDU is a PDU and the context that it is about (RFC 3412 section 6.8).
type ScopedPDU struct {
	ContextEngineID string
	ContextName     string
	PDU             PDU
}

// Size returns the octets of s's content on the wire if its variable bindings take varBinds octets.
func (s *ScopedPDU) Size(varBinds int) int {
	pdu := s.PDU.contentSize(varBinds)
	return ber.HeaderSize(len(s.ContextEngineID)) + len(s.ContextEngineID) + ber.HeaderSize(len(s.ContextName)) + len(s.ContextName) +
		ber.HeaderSize(pdu) + pdu
}

// AppendContent appends s without the header of its sequence: what MessageV3.Data holds.
func (s *ScopedPDU) AppendContent(dst []byte) []byte {
	dst = ber.AppendString(dst, ber.TagOctetString, s.ContextEngineID)
	dst = ber.AppendString(dst, ber.TagOctetString, s.ContextName)
	return s.PDU.append(dst, VarBindsSize(s.PDU.VarBinds))
}

// Append appends s whole, as it is encrypted.
func (s *ScopedPDU) Append(dst []byte) []byte {
	return s.AppendContent(ber.AppendHeader(dst, ber.TagSequence, s.Size(VarBindsSize(s.PDU.VarBinds))))
}

// DecodeScoped decodes the content of a ScopedPDU, the whole of b, into s, as Decode does a Message.
func (d *Decoder) DecodeScoped(b []byte, s *ScopedPDU) error {
	c := ber.NewCursor(b)
	engine, err := c.Read(ber.TagOctetString)
	if err != nil {
		return parseError("contextEngineID", err)
	}
	name, err := c.Read(ber.TagOctetString)
	if err != nil {
		return parseError("contextName", err)
	}
	d.scratch = append(append(d.scratch[:0], engine...), name...)
	d.spans = d.spans[:0]
	if err := d.pdu(&c, &s.PDU); err != nil {
		return err
	}
	if c.Len() != 0 {
		return parseError("ScopedPDU", ErrTrailing)
	}
	all := d.freeze(len(engine)+len(name), &s.PDU)
	s.ContextEngineID, s.ContextName = all[:len(engine)], all[len(engine):]
	return nil
}

// PeekScoped returns the type and the request-id, 0 of one that has none, of the PDU in the content of a ScopedPDU, and reads no more of it.
func PeekScoped(b []byte) (PDUType, int32, error) {
	c := ber.NewCursor(b)
	for _, name := range [...]string{"contextEngineID", "contextName"} {
		if _, err := c.Read(ber.TagOctetString); err != nil {
			return 0, 0, parseError(name, err)
		}
	}
	tag, content, err := c.Next()
	if err == nil && (PDUType(tag) < GetRequest || PDUType(tag) > Report) {
		err = ber.ErrTag
	}
	if err != nil {
		return 0, 0, parseError("PDU", err)
	}
	if PDUType(tag) == TrapV1 {
		return TrapV1, 0, nil
	}
	body := ber.NewCursor(content)
	id, err := body.Int32()
	if err != nil {
		return 0, 0, parseError("request-id", err)
	}
	return PDUType(tag), id, nil
}

// DecryptedContent returns the content of the ScopedPDU that decryption brought to light. Padding may stand behind it
// (RFC 3414 section 8.1.1.2); a wrong key shows as an error.
func DecryptedContent(b []byte) ([]byte, error) {
	c := ber.NewCursor(b)
	content, err := c.Read(ber.TagSequence)
	if err != nil {
		return nil, parseError("decrypted ScopedPDU", err)
	}
	return content, nil
}

// PeekVersion returns the version field of a message, without looking further.
func PeekVersion(b []byte) (Version, error) {
	c := ber.NewCursor(b)
	body, err := c.Enter(ber.TagSequence)
	if err != nil {
		return 0, parseError("message", err)
	}
	v, err := body.Int32()
	if err != nil {
		return 0, parseError("version", err)
	}
	return Version(v), nil
}
