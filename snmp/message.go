package snmp

import (
	"errors"
	"fmt"

	"walkabout/snmp/ber"
)

// Version is the version field of a message.
type Version int32

const (
	V1  Version = 0 // RFC 1157
	V2c Version = 1 // RFC 1901
	V3  Version = 3 // RFC 3412
)

// String returns the version as tools write it: "1", "2c", "3".
func (v Version) String() string {
	switch v {
	case V1:
		return "1"
	case V2c:
		return "2c"
	case V3:
		return "3"
	default:
		return fmt.Sprintf("version field %d", int32(v))
	}
}

// SecurityLevel is how a message was protected (RFC 3411 section 3.4.3).
type SecurityLevel uint8

const (
	NoAuthNoPriv SecurityLevel = 1
	AuthNoPriv   SecurityLevel = 2
	AuthPriv     SecurityLevel = 3
)

// MaxMessageSize is the largest message that UDP over IPv4 carries.
const MaxMessageSize = 65507

var (
	// ErrParse is wrapped by every error of decoding but ErrVersion.
	ErrParse = errors.New("malformed SNMP message")
	// ErrVersion means a version that the decoder does not know.
	ErrVersion = errors.New("unknown SNMP version")
	// ErrTrailing means octets behind the end of the message.
	ErrTrailing = errors.New("trailing octets")
)

// Message is a message of SNMPv1 or SNMPv2c: the two differ in the version field and in which PDUs and values they may hold.
type Message struct {
	Version   Version
	Community string // any octets
	PDU       PDU
}

// Size returns the octets of m on the wire.
func (m *Message) Size() int { return m.SizeWith(VarBindsSize(m.PDU.VarBinds)) }

// SizeWith returns the octets that m takes on the wire if its variable bindings take varBinds octets (VarBindsSize).
func (m *Message) SizeWith(varBinds int) int {
	n := m.contentSize(varBinds)
	return ber.HeaderSize(n) + n
}

func (m *Message) contentSize(varBinds int) int {
	pdu := m.PDU.contentSize(varBinds)
	return 2 + ber.IntSize(int64(m.Version)) + ber.HeaderSize(len(m.Community)) + len(m.Community) + ber.HeaderSize(pdu) + pdu
}

// Append appends the encoding of m to dst. It allocates nothing where dst has room.
func (m *Message) Append(dst []byte) []byte { return m.AppendWith(dst, VarBindsSize(m.PDU.VarBinds)) }

// AppendWith is Append for callers that know what VarBindsSize says of m's variable bindings.
func (m *Message) AppendWith(dst []byte, varBinds int) []byte {
	dst = ber.AppendHeader(dst, ber.TagSequence, m.contentSize(varBinds))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(m.Version))
	dst = ber.AppendString(dst, ber.TagOctetString, m.Community)
	return m.PDU.append(dst, varBinds)
}
