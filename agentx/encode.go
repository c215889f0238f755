package agentx

import (
	"encoding/binary"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// byteOrder is one of encoding/binary's.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// order returns the byte order that flags tell.
func order(flags uint8) byteOrder {
	if flags&NetworkByteOrder != 0 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Append appends p to dst in the byte order that its flags tell. NonDefaultContext follows from Context.
func (p *PDU) Append(dst []byte) []byte {
	flags := p.Flags &^ NonDefaultContext
	if p.Context != "" {
		flags |= NonDefaultContext
	}
	e := encoder{b: dst, order: order(flags)}
	start := len(dst)
	e.b = append(e.b, 1, byte(p.Type), flags, 0)
	e.u32(p.Session)
	e.u32(p.Transaction)
	e.u32(p.Packet)
	e.u32(0) // the length
	if p.Context != "" && p.hasContext() {
		e.text(p.Context)
	}
	e.payload(p)
	e.order.PutUint32(e.b[start+16:], uint32(len(e.b)-start-HeaderSize))
	return e.b
}

// hasContext tells the PDUs that may name a context (RFC 2741 section 6.1.1).
func (p *PDU) hasContext() bool {
	switch p.Type {
	case Register, Unregister, Get, GetNext, GetBulk, TestSet, Notify, Ping, IndexAllocate, IndexDeallocate, AddAgentCaps, RemoveAgentCaps:
		return true
	}
	return false
}

type encoder struct {
	b     []byte
	order byteOrder
}

func (e *encoder) u32(n uint32) { e.b = e.order.AppendUint32(e.b, n) }
func (e *encoder) u16(n uint16) { e.b = e.order.AppendUint16(e.b, n) }

func (e *encoder) payload(p *PDU) {
	switch p.Type {
	case Open:
		e.b = append(e.b, p.Timeout, 0, 0, 0)
		e.oid(p.ID, false)
		e.text(p.Descr)
	case Close:
		e.b = append(e.b, byte(p.Reason), 0, 0, 0)
	case Register, Unregister:
		e.b = append(e.b, p.Timeout, p.Priority, p.RangeSub, 0)
		e.oid(p.ID, false)
		if p.RangeSub != 0 {
			e.u32(p.Upper)
		}
	case GetBulk:
		e.u16(p.NonRep)
		e.u16(p.MaxRep)
		e.ranges(p.Ranges)
	case Get, GetNext:
		e.ranges(p.Ranges)
	case AddAgentCaps:
		e.oid(p.ID, false)
		e.text(p.Descr)
	case RemoveAgentCaps:
		e.oid(p.ID, false)
	case Response:
		e.u32(p.UpTime)
		e.u16(uint16(p.Error))
		e.u16(p.Index)
		e.varBinds(p.VarBinds)
	case TestSet, Notify, IndexAllocate, IndexDeallocate:
		e.varBinds(p.VarBinds)
	}
}

func (e *encoder) ranges(list []mib.Range) {
	for i := range list {
		e.oid(list[i].Start, list[i].Include)
		e.oid(list[i].End, false)
	}
}

// internet is the prefix that an OID's prefix field stands for, but for its last arc (RFC 2741 section 5.1).
var internet = oid.New(1, 3, 6, 1)

func (e *encoder) oid(o oid.OID, include bool) {
	prefix, from := uint32(0), 0
	if o.Len() > internet.Len() && o.HasPrefix(internet) && o.Arc(4) > 0 && o.Arc(4) <= 255 {
		prefix, from = o.Arc(4), 5
	}
	flag := byte(0)
	if include {
		flag = 1
	}
	e.b = append(e.b, byte(o.Len()-from), byte(prefix), flag, 0)
	for i := from; i < o.Len(); i++ {
		e.u32(o.Arc(i))
	}
}

// text appends an octet string, padded to 4 octets.
func (e *encoder) text(s string) {
	e.u32(uint32(len(s)))
	e.b = append(e.b, s...)
	for n := len(s); n%4 != 0; n++ {
		e.b = append(e.b, 0)
	}
}

// The types of a VarBind (RFC 2741 section 5.4) that are not those of BER.
const (
	kindInteger     = 2
	kindOctetString = 4
	kindNull        = 5
	kindOID         = 6
	kindIPAddress   = 64
	kindCounter32   = 65
	kindGauge32     = 66
	kindTimeTicks   = 67
	kindOpaque      = 68
	kindCounter64   = 70

	kindNoSuchObject   = 128
	kindNoSuchInstance = 129
	kindEndOfMibView   = 130
)

func (e *encoder) varBinds(vbs []snmp.VarBind) {
	for i := range vbs {
		v := vbs[i].Value
		e.u16(kindOf(v))
		e.u16(0)
		e.oid(vbs[i].Name, false)
		switch v.Kind() {
		case snmp.KindInteger:
			e.u32(uint32(int32(v.Int())))
		case snmp.KindCounter32, snmp.KindGauge32, snmp.KindTimeTicks:
			e.u32(uint32(v.Uint()))
		case snmp.KindCounter64:
			e.b = e.order.AppendUint64(e.b, v.Uint())
		case snmp.KindOctetString, snmp.KindOpaque:
			e.text(v.Octets())
		case snmp.KindOID:
			e.oid(v.OID(), false)
		case snmp.KindIPAddress:
			octets := v.Addr().As4()
			e.text(string(octets[:]))
		}
	}
}

func kindOf(v snmp.Value) uint16 {
	switch v {
	case snmp.NoSuchObject:
		return kindNoSuchObject
	case snmp.NoSuchInstance:
		return kindNoSuchInstance
	case snmp.EndOfMibView:
		return kindEndOfMibView
	}
	switch v.Kind() {
	case snmp.KindInteger:
		return kindInteger
	case snmp.KindOctetString:
		return kindOctetString
	case snmp.KindOID:
		return kindOID
	case snmp.KindIPAddress:
		return kindIPAddress
	case snmp.KindCounter32:
		return kindCounter32
	case snmp.KindGauge32:
		return kindGauge32
	case snmp.KindTimeTicks:
		return kindTimeTicks
	case snmp.KindOpaque:
		return kindOpaque
	case snmp.KindCounter64:
		return kindCounter64
	default:
		return kindNull
	}
}
