package sim

import (
	"slices"
	"sync/atomic"
	"time"

	"walkabout/agent"
	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// Fault is something that an agent does wrong, as agents in the field do.
type Fault string

// The faults.
const (
	NotIncreasing Fault = "not_increasing"   // in ifInOctets GETBULK and GETNEXT give the same name for ever
	Loop          Fault = "loop"             // in ifInOctets the fourth row is followed by the first
	Empty         Fault = "empty"            // answers to GETBULK have no variables
	Truncated     Fault = "truncated"        // answers to GETBULK are cut in half
	WrongID       Fault = "wrong_id"         // every fourth answer has another request-id
	Duplicate     Fault = "duplicate"        // every answer comes twice
	Late          Fault = "late"             // every fourth answer comes 3 s late
	Narrow64      Fault = "counter32_for_64" // Counter64s are sent as Counter32
	FiveOctets    Fault = "five_octets"      // Counter32s have five octets, which say more than 2^32
	NullValues    Fault = "null"             // Counter64s are NULL
	NoSuchName    Fault = "no_such_name"     // v2c says noSuchName, as v1 does, where an exception belongs
	NoBulk        Fault = "no_bulk"          // GETBULK is not answered
	RefusesBulk   Fault = "refuses_bulk"     // GETBULK is answered with genErr
	FewNames      Fault = "few_names"        // requests with more than 8 names are not answered
	TooManyNames  Fault = "too_many_names"   // requests with more than 8 names are answered with tooBig
)

// Faults returns all of them.
func Faults() []Fault {
	return []Fault{
		NotIncreasing, Loop, Empty, Truncated, WrongID, Duplicate, Late, Narrow64, FiveOctets, NullValues, NoSuchName, NoBulk, RefusesBulk, FewNames,
		TooManyNames,
	}
}

const (
	fewNames = 8
	lateness = 3 * time.Second
)

var faultyColumn = mib2.Append(2, 2, 1, 10) // ifInOctets

// Faulty returns d with the fault in what is answered. It is for v1 and v2c; what it cannot read passes as it is.
func Faulty(d agent.Datagrams, f Fault) agent.Datagrams { return &faulty{Datagrams: d, fault: f} }

type faulty struct {
	agent.Datagrams
	fault Fault
	sent  atomic.Uint64
}

// ReadPacket implements agent.Datagrams. What the fault keeps from being answered does not reach the agent.
func (d *faulty) ReadPacket(b []byte) (int, agent.Peer, error) {
	for {
		n, from, err := d.Datagrams.ReadPacket(b)
		var m snmp.Message
		if err != nil || new(snmp.Decoder).Decode(b[:n], &m) != nil {
			return n, from, err
		}
		bulk, many := m.PDU.Type == snmp.GetBulkRequest, len(m.PDU.VarBinds) > fewNames
		switch {
		case d.fault == NoBulk && bulk, d.fault == FewNames && many:
			continue
		case d.fault == RefusesBulk && bulk:
			err = d.refuse(m, snmp.GenErr, from)
		case d.fault == TooManyNames && many:
			err = d.refuse(m, snmp.TooBig, from)
		case bulk && (d.fault == Empty || d.fault == Truncated):
			err = d.spoil(m, from)
		default:
			return n, from, nil
		}
		if err != nil {
			return 0, from, err
		}
	}
}

func (d *faulty) refuse(m snmp.Message, status snmp.ErrorStatus, to agent.Peer) error {
	m.PDU.Type, m.PDU.ErrorStatus, m.PDU.ErrorIndex = snmp.Response, status, 0
	return d.Datagrams.WritePacket(m.Append(nil), to)
}

// spoil answers a GETBULK with an answer that is of no use.
func (d *faulty) spoil(m snmp.Message, to agent.Peer) error {
	m.PDU.Type, m.PDU.ErrorStatus, m.PDU.ErrorIndex = snmp.Response, 0, 0
	if d.fault == Empty {
		m.PDU.VarBinds = nil
		return d.Datagrams.WritePacket(m.Append(nil), to)
	}
	b := m.Append(nil)
	return d.Datagrams.WritePacket(b[:len(b)/2], to)
}

// WritePacket implements agent.Datagrams.
func (d *faulty) WritePacket(b []byte, to agent.Peer) error {
	var m snmp.Message
	if err := new(snmp.Decoder).Decode(b, &m); err != nil {
		return d.Datagrams.WritePacket(b, to)
	}
	fourth := d.sent.Add(1)%4 == 0
	switch d.fault {
	case WrongID:
		if fourth {
			m.PDU.RequestID++
		}
	case Late:
		if fourth {
			late := slices.Clone(b)
			time.AfterFunc(lateness, func() { _ = d.Datagrams.WritePacket(late, to) }) // the socket may be closed by then
			return nil
		}
	case Duplicate:
		if err := d.Datagrams.WritePacket(b, to); err != nil {
			return err
		}
	case FiveOctets:
		return d.Datagrams.WritePacket(fiveOctets(m), to)
	default:
		d.change(&m.PDU)
	}
	return d.Datagrams.WritePacket(m.Append(nil), to)
}

// change makes what is wrong with the variables of an answer.
func (d *faulty) change(p *snmp.PDU) {
	for i := range p.VarBinds {
		vb := &p.VarBinds[i]
		index := oid.OID{}
		if vb.Name.HasPrefix(faultyColumn) {
			index = vb.Name.From(faultyColumn.Len())
		}
		switch {
		case d.fault == NotIncreasing && index.Len() == 1:
			vb.Name = faultyColumn.Append(1)
		case d.fault == Loop && index.Len() == 1:
			vb.Name = faultyColumn.Append((index.Arc(0)-1)%4 + 1)
		case d.fault == Narrow64 && vb.Value.Kind() == snmp.KindCounter64:
			vb.Value = snmp.Counter32(uint32(vb.Value.Uint()))
		case d.fault == NullValues && vb.Value.Kind() == snmp.KindCounter64:
			vb.Value = snmp.Null
		case d.fault == NoSuchName && vb.Value.IsException():
			p.ErrorStatus, p.ErrorIndex = snmp.NoSuchName, int32(i+1)
			return
		}
	}
}

// fiveOctets encodes m with Counter32s of five octets.
func fiveOctets(m snmp.Message) []byte {
	var list []byte
	for _, vb := range m.PDU.VarBinds {
		one := snmp.Message{Version: snmp.V2c, PDU: snmp.PDU{Type: snmp.Response, VarBinds: []snmp.VarBind{vb}}}
		b := one.Append(nil)
		b = b[len(b)-vb.Size():]
		if vb.Value.Kind() == snmp.KindCounter32 {
			c := ber.AppendOID(nil, ber.TagOID, vb.Name)
			c = ber.AppendUint(c, byte(snmp.KindCounter32), 1<<32+vb.Value.Uint())
			b = append(ber.AppendHeader(nil, ber.TagSequence, len(c)), c...)
		}
		list = append(list, b...)
	}
	pdu := ber.AppendInt(nil, ber.TagInteger, int64(m.PDU.RequestID))
	pdu = ber.AppendInt(pdu, ber.TagInteger, int64(m.PDU.ErrorStatus))
	pdu = ber.AppendInt(pdu, ber.TagInteger, int64(m.PDU.ErrorIndex))
	pdu = append(ber.AppendHeader(pdu, ber.TagSequence, len(list)), list...)
	body := ber.AppendInt(nil, ber.TagInteger, int64(m.Version))
	body = ber.AppendString(body, ber.TagOctetString, m.Community)
	body = append(ber.AppendHeader(body, byte(m.PDU.Type), len(pdu)), pdu...)
	return append(ber.AppendHeader(nil, ber.TagSequence, len(body)), body...)
}
