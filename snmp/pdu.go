package snmp

import (
	"fmt"
	"net/netip"

	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// VarBind is a variable binding: a name and its value.
type VarBind struct {
	Name  oid.OID
	Value Value
}

// Size returns the octets that vb takes on the wire.
func (vb VarBind) Size() int {
	n := vb.contentSize()
	return ber.HeaderSize(n) + n
}

func (vb VarBind) contentSize() int {
	name, value := ber.OIDSize(vb.Name), vb.Value.contentSize()
	return ber.HeaderSize(name) + name + ber.HeaderSize(value) + value
}

func (vb VarBind) append(dst []byte) []byte {
	name, value := ber.OIDSize(vb.Name), vb.Value.contentSize()
	dst = ber.AppendHeader(dst, ber.TagSequence, ber.HeaderSize(name)+name+ber.HeaderSize(value)+value)
	dst = ber.AppendOIDContent(ber.AppendHeader(dst, ber.TagOID, name), vb.Name)
	return vb.Value.append(dst)
}

// PDUType is the kind of a PDU: its BER tag (RFC 3416 section 3).
type PDUType uint8

const (
	GetRequest     PDUType = 0xa0
	GetNextRequest PDUType = 0xa1
	Response       PDUType = 0xa2
	SetRequest     PDUType = 0xa3
	TrapV1         PDUType = 0xa4 // the Trap-PDU of SNMPv1
	GetBulkRequest PDUType = 0xa5
	InformRequest  PDUType = 0xa6
	TrapV2         PDUType = 0xa7 // SNMPv2-Trap-PDU
	Report         PDUType = 0xa8
)

var pduNames = [...]string{"GetRequest", "GetNextRequest", "Response", "SetRequest", "Trap", "GetBulkRequest", "InformRequest", "SNMPv2-Trap", "Report"}

// String returns the RFC's name of t without "-PDU".
func (t PDUType) String() string {
	if t >= GetRequest && t <= Report {
		return pduNames[t-GetRequest]
	}
	return fmt.Sprintf("PDU type 0x%02x", uint8(t))
}

// PDU is a protocol data unit.
//
// ErrorStatus and ErrorIndex stand for non-repeaters and max-repetitions in a GetBulkRequest, as they do on the wire; use
// NonRepeaters and MaxRepetitions to read them. Trap is of use only where Type is TrapV1, which has nothing of the others but VarBinds.
type PDU struct {
	Type        PDUType
	RequestID   int32
	ErrorStatus ErrorStatus
	ErrorIndex  int32 // counts from 1; 0 is no variable binding
	VarBinds    []VarBind
	Trap        TrapV1Header
}

// TrapV1Header is what an SNMPv1 Trap-PDU has in place of request-id, error-status and error-index (RFC 1157 section 4.1.6).
type TrapV1Header struct {
	Enterprise   oid.OID
	AgentAddr    netip.Addr // IPv4
	GenericTrap  int32      // 0 coldStart … 5 egpNeighborLoss, 6 enterpriseSpecific
	SpecificTrap int32
	Timestamp    uint32 // sysUpTime in hundredths of a second
}

// NonRepeaters returns a GetBulkRequest's non-repeaters; a negative one counts as 0 (RFC 3416 section 4.2.3).
func (p *PDU) NonRepeaters() int { return int(max(p.ErrorStatus, 0)) }

// MaxRepetitions returns a GetBulkRequest's max-repetitions; a negative one counts as 0.
func (p *PDU) MaxRepetitions() int { return int(max(p.ErrorIndex, 0)) }

// NewGetBulk returns a GetBulkRequest without variable bindings.
func NewGetBulk(requestID, nonRepeaters, maxRepetitions int32) PDU {
	return PDU{Type: GetBulkRequest, RequestID: requestID, ErrorStatus: ErrorStatus(nonRepeaters), ErrorIndex: maxRepetitions}
}

// VarBindsSize returns the octets of vbs on the wire, without the sequence around them.
func VarBindsSize(vbs []VarBind) int {
	n := 0
	for i := range vbs {
		n += vbs[i].Size()
	}
	return n
}

// headSize returns the octets of what stands before the variable bindings.
func (p *PDU) headSize() int {
	if p.Type == TrapV1 {
		t := &p.Trap
		enterprise := ber.OIDSize(t.Enterprise)
		return ber.HeaderSize(enterprise) + enterprise + 2 + 4 + 2 + ber.IntSize(int64(t.GenericTrap)) +
			2 + ber.IntSize(int64(t.SpecificTrap)) + 2 + ber.UintSize(uint64(t.Timestamp))
	}
	return 6 + ber.IntSize(int64(p.RequestID)) + ber.IntSize(int64(p.ErrorStatus)) + ber.IntSize(int64(p.ErrorIndex))
}

func (p *PDU) contentSize(varBinds int) int {
	return p.headSize() + ber.HeaderSize(varBinds) + varBinds
}

// append appends p, whose variable bindings take varBinds octets.
func (p *PDU) append(dst []byte, varBinds int) []byte {
	dst = ber.AppendHeader(dst, byte(p.Type), p.contentSize(varBinds))
	if p.Type == TrapV1 {
		dst = p.Trap.append(dst)
	} else {
		dst = ber.AppendInt(dst, ber.TagInteger, int64(p.RequestID))
		dst = ber.AppendInt(dst, ber.TagInteger, int64(p.ErrorStatus))
		dst = ber.AppendInt(dst, ber.TagInteger, int64(p.ErrorIndex))
	}
	dst = ber.AppendHeader(dst, ber.TagSequence, varBinds)
	for i := range p.VarBinds {
		dst = p.VarBinds[i].append(dst)
	}
	return dst
}

func (t *TrapV1Header) append(dst []byte) []byte {
	dst = ber.AppendOID(dst, ber.TagOID, t.Enterprise)
	dst = IPAddress(t.AgentAddr).append(dst)
	dst = ber.AppendInt(dst, ber.TagInteger, int64(t.GenericTrap))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(t.SpecificTrap))
	return TimeTicks(t.Timestamp).append(dst)
}
