package snmp

import (
	"fmt"
	"net/netip"

	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// Decoder decodes messages. It keeps its scratch memory between messages and is for one goroutine; the zero value is ready.
type Decoder struct {
	// Lenient is for whoever reads what broken agents write: a value of an unknown type, or outside its type's range, is NULL instead
	// of an error of the whole message. Odd counts those of the last message.
	Lenient bool
	Odd     int

	scratch []byte // names unpacked and octets, in the order of decoding; becomes one string
	spans   []span // for each of them in that order, its length
}

type span struct{ name, value int }

// Decode decodes one message of version 1 or 2c that takes the whole of b into m.
//
// m's own slice of variable bindings is used again. What it points to is immutable and free of b and of the Decoder, so names
// and values may be kept; they share one allocation, the only one of a decoding. Errors wrap ErrParse, or are ErrVersion, of
// which m.Version then tells the version found (other fields of m are then as they were).
func (d *Decoder) Decode(b []byte, m *Message) error {
	c := ber.NewCursor(b)
	body, err := c.Enter(ber.TagSequence)
	if err != nil {
		return parseError("message", err)
	}
	if c.Len() != 0 {
		return parseError("message", ErrTrailing)
	}
	version, err := body.Int32()
	if err != nil {
		return parseError("version", err)
	}
	m.Version = Version(version)
	if m.Version != V1 && m.Version != V2c {
		return ErrVersion
	}
	community, err := body.Read(ber.TagOctetString)
	if err != nil {
		return parseError("community", err)
	}
	d.scratch = append(d.scratch[:0], community...)
	d.spans = d.spans[:0]
	if err := d.pdu(&body, &m.PDU); err != nil {
		return err
	}
	if body.Len() != 0 {
		return parseError("message", ErrTrailing)
	}
	m.Community = d.freeze(len(community), &m.PDU)
	return nil
}

// pdu reads a PDU. What holds octets is appended to scratch and put in its place by freeze.
func (d *Decoder) pdu(c *ber.Cursor, p *PDU) error {
	tag, content, err := c.Next()
	if err != nil {
		return parseError("PDU", err)
	}
	p.Type = PDUType(tag)
	if p.Type < GetRequest || p.Type > Report {
		return parseError("PDU", ber.ErrTag)
	}
	body := ber.NewCursor(content)
	if p.Type == TrapV1 {
		err = d.trapV1(&body, p)
	} else {
		err = p.head(&body)
	}
	if err != nil {
		return err
	}
	list, err := body.Enter(ber.TagSequence)
	if err != nil {
		return parseError("variable bindings", err)
	}
	if body.Len() != 0 {
		return parseError("PDU", ErrTrailing)
	}
	p.VarBinds, d.Odd = p.VarBinds[:0], 0
	for list.Len() > 0 {
		if err := d.varBind(&list, p); err != nil {
			return fmt.Errorf("variable binding %d: %w", len(p.VarBinds)+1, err)
		}
	}
	return nil
}

func (p *PDU) head(c *ber.Cursor) error {
	p.Trap = TrapV1Header{}
	var err error
	if p.RequestID, err = c.Int32(); err != nil {
		return parseError("request-id", err)
	}
	status, err := c.Int32()
	if err != nil {
		return parseError("error-status", err)
	}
	p.ErrorStatus = ErrorStatus(status)
	if p.ErrorIndex, err = c.Int32(); err != nil {
		return parseError("error-index", err)
	}
	return nil
}

func (d *Decoder) trapV1(c *ber.Cursor, p *PDU) error {
	p.RequestID, p.ErrorStatus, p.ErrorIndex = 0, 0, 0
	content, err := c.Read(ber.TagOID)
	if err != nil {
		return parseError("enterprise", err)
	}
	start := len(d.scratch)
	if d.scratch, err = ber.AppendPacked(d.scratch, content); err != nil {
		return parseError("enterprise", err)
	}
	d.spans = append(d.spans, span{name: len(d.scratch) - start})
	if content, err = c.Read(byte(KindIPAddress)); err != nil {
		return parseError("agent-addr", err)
	}
	if len(content) != 4 {
		return parseError("agent-addr", ber.ErrLength)
	}
	p.Trap.AgentAddr = netip.AddrFrom4([4]byte(content))
	if p.Trap.GenericTrap, err = c.Int32(); err != nil {
		return parseError("generic-trap", err)
	}
	if p.Trap.SpecificTrap, err = c.Int32(); err != nil {
		return parseError("specific-trap", err)
	}
	if content, err = c.Read(byte(KindTimeTicks)); err != nil {
		return parseError("time-stamp", err)
	}
	n, err := unsigned32(content)
	if err != nil {
		return parseError("time-stamp", err)
	}
	p.Trap.Timestamp = uint32(n)
	return nil
}

func (d *Decoder) varBind(list *ber.Cursor, p *PDU) error {
	c, err := list.Enter(ber.TagSequence)
	if err != nil {
		return parseError("sequence", err)
	}
	name, err := c.Read(ber.TagOID)
	if err != nil {
		return parseError("name", err)
	}
	start := len(d.scratch)
	if d.scratch, err = ber.AppendPacked(d.scratch, name); err != nil {
		return parseError("name", err)
	}
	tag, content, err := c.Next()
	if err != nil {
		return parseError("value", err)
	}
	if c.Len() != 0 {
		return parseError("value", ErrTrailing)
	}
	middle := len(d.scratch)
	v, err := d.value(Kind(tag), content)
	if err != nil && d.Lenient {
		d.scratch, v, err = d.scratch[:middle], Null, nil
		d.Odd++
	}
	if err != nil {
		return parseError("value", err)
	}
	d.spans = append(d.spans, span{middle - start, len(d.scratch) - middle})
	p.VarBinds = append(p.VarBinds, VarBind{Value: v})
	return nil
}

// value decodes a value's number; its octets it leaves at the end of scratch.
func (d *Decoder) value(k Kind, content []byte) (Value, error) {
	switch k {
	case KindInteger:
		n, err := ber.Int64(content)
		if err == nil && n != int64(int32(n)) {
			err = ber.ErrRange
		}
		return Value{kind: k, num: uint64(n)}, err
	case KindCounter32, KindGauge32, KindTimeTicks:
		n, err := unsigned32(content)
		return Value{kind: k, num: n}, err
	case KindCounter64:
		n, err := ber.Uint64(content)
		return Value{kind: k, num: n}, err
	case KindOID:
		var err error
		d.scratch, err = ber.AppendPacked(d.scratch, content)
		return Value{kind: k}, err
	case KindIPAddress:
		if len(content) != 4 {
			return Value{}, ber.ErrLength
		}
		fallthrough
	case KindOctetString, KindOpaque:
		d.scratch = append(d.scratch, content...)
		return Value{kind: k}, nil
	case KindNull, KindNoSuchObject, KindNoSuchInstance, KindEndOfMibView:
		if len(content) != 0 {
			return Value{}, ber.ErrLength
		}
		if k == KindNull {
			return Value{}, nil
		}
		return Value{kind: k}, nil
	case kindUInteger32:
		if !d.Lenient {
			return Value{}, ber.ErrTag
		}
		n, err := unsigned32(content)
		return Value{kind: KindGauge32, num: n}, err
	default:
		return Value{}, ber.ErrTag
	}
}

// kindUInteger32 is what SNMPv2p had for Gauge32 (RFC 1442 section 7.1.12); some agents still send it.
const kindUInteger32 Kind = 0x47

func unsigned32(content []byte) (uint64, error) {
	n, err := ber.Uint64(content)
	if err == nil && n > 1<<32-1 {
		err = ber.ErrRange
	}
	return n, err
}

// freeze turns scratch into one string and hands out its parts; it returns the first octets of it, the community.
func (d *Decoder) freeze(community int, p *PDU) string {
	all := string(d.scratch)
	rest := all[community:]
	spans := d.spans
	if p.Type == TrapV1 {
		p.Trap.Enterprise, rest = cutOID(rest, spans[0].name)
		spans = spans[1:]
	}
	for i, s := range spans {
		vb := &p.VarBinds[i]
		vb.Name, rest = cutOID(rest, s.name)
		vb.Value.data, rest = rest[:s.value], rest[s.value:]
	}
	return all[:community]
}

func cutOID(s string, n int) (oid.OID, string) {
	o, err := oid.FromPacked(s[:n])
	if err != nil { // cannot be: AppendPacked writes whole sub-identifiers, and not too many
		return oid.OID{}, s[n:]
	}
	return o, s[n:]
}

func parseError(what string, err error) error { return fmt.Errorf("%w: %s: %w", ErrParse, what, err) }
