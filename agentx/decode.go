package agentx

import (
	"fmt"
	"io"
	"net/netip"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// header reads a header and returns the length of what follows. An error that wraps ErrMalformed is of a peer with which no byte can be
// made sense of any more.
func (p *PDU) header(b []byte) (length int, err error) {
	if b[0] != 1 {
		return 0, fmt.Errorf("%w: version %d", ErrMalformed, b[0])
	}
	o := order(b[2])
	*p = PDU{Type: Type(b[1]), Flags: b[2], Session: o.Uint32(b[4:]), Transaction: o.Uint32(b[8:]), Packet: o.Uint32(b[12:])}
	n := o.Uint32(b[16:])
	if n > MaxPayload || n%4 != 0 {
		return 0, fmt.Errorf("%w: a payload of %d octets", ErrMalformed, n)
	}
	return int(n), nil
}

// Reader reads PDUs off a connection, with memory that it uses again.
type Reader struct {
	r     io.Reader
	buf   []byte
	begin int // what was read, and not yet taken, is buf[begin:end]
	end   int
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: r, buf: make([]byte, 4096)} }

// Next reads a PDU, of which nothing is kept. One whose payload makes no sense is a *PayloadError, and p is its header, which can be answered. After
// a time-out of the connection Next goes on where it was; after any other error nothing of the connection can be made sense of.
func (r *Reader) Next(p *PDU) error {
	if err := r.fill(HeaderSize); err != nil {
		return err
	}
	n, err := p.header(r.buf[r.begin:])
	if err != nil {
		return err
	}
	if err := r.fill(HeaderSize + n); err != nil {
		return err
	}
	payload := r.buf[r.begin+HeaderSize : r.begin+HeaderSize+n]
	r.begin += HeaderSize + n
	return p.payload(payload)
}

// fill reads until n octets are there.
func (r *Reader) fill(n int) error {
	if r.begin+n > len(r.buf) {
		buf := r.buf
		if n > len(buf) {
			buf = make([]byte, n)
		}
		r.begin, r.end, r.buf = 0, copy(buf, r.buf[r.begin:r.end]), buf
	}
	for r.end-r.begin < n {
		got, err := r.r.Read(r.buf[r.end:])
		r.end += got
		if err != nil && r.end-r.begin < n {
			if err == io.EOF && r.end > r.begin {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// PayloadError is of a PDU that can be answered with ParseError.
type PayloadError struct{ err error }

func (e *PayloadError) Error() string { return e.err.Error() }
func (e *PayloadError) Unwrap() error { return e.err }

// Decode reads one PDU, which takes all of b. Nothing of b is kept.
func (p *PDU) Decode(b []byte) error {
	if len(b) < HeaderSize {
		return fmt.Errorf("%w: %d octets", ErrMalformed, len(b))
	}
	n, err := p.header(b)
	if err != nil {
		return err
	}
	if n != len(b)-HeaderSize {
		return fmt.Errorf("%w: %d octets follow instead of %d", ErrMalformed, len(b)-HeaderSize, n)
	}
	return p.payload(b[HeaderSize:])
}

// payload reads what follows the header.
func (p *PDU) payload(b []byte) error {
	d := decoder{b: b, order: order(p.Flags)}
	if p.Flags&NonDefaultContext != 0 && p.hasContext() {
		p.Context = d.text()
	}
	switch p.Type {
	case Open:
		p.Timeout = d.octets(4)[0]
		p.ID = d.name()
		p.Descr = d.text()
	case Close:
		p.Reason = Reason(d.octets(4)[0])
	case Register, Unregister:
		head := d.octets(4)
		p.Timeout, p.Priority, p.RangeSub = head[0], head[1], head[2]
		p.ID = d.name()
		if p.RangeSub != 0 {
			p.Upper = d.u32()
		}
	case GetBulk:
		head := d.octets(4)
		p.NonRep, p.MaxRep = d.order.Uint16(head), d.order.Uint16(head[2:])
		p.Ranges = d.ranges()
	case Get, GetNext:
		p.Ranges = d.ranges()
	case AddAgentCaps:
		p.ID = d.name()
		p.Descr = d.text()
	case RemoveAgentCaps:
		p.ID = d.name()
	case Response:
		p.UpTime = d.u32()
		head := d.octets(4)
		p.Error, p.Index = Error(d.order.Uint16(head)), d.order.Uint16(head[2:])
		p.VarBinds = d.varBinds()
	case TestSet, Notify, IndexAllocate, IndexDeallocate:
		p.VarBinds = d.varBinds()
	case CommitSet, UndoSet, CleanupSet, Ping:
	default:
		d.fail("type %d", p.Type)
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d octets too many", len(d.b))
	}
	if d.err != nil {
		return &PayloadError{fmt.Errorf("%w: %v: %w", ErrMalformed, p.Type, d.err)}
	}
	return nil
}

// decoder takes things off b. After the first failure it gives zero values, and err says what it was.
type decoder struct {
	b     []byte
	order byteOrder
	err   error
}

var noOctets [8]byte

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
	d.b = nil
}

// octets takes the next n, at most 8 unless they are there.
func (d *decoder) octets(n int) []byte {
	if len(d.b) < n {
		d.fail("it ends too early")
		return noOctets[:min(n, len(noOctets))]
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) u32() uint32 { return d.order.Uint32(d.octets(4)) }

func (d *decoder) text() string {
	n := d.u32()
	if uint64(n) > uint64(len(d.b)) {
		d.fail("a string of %d octets", n)
		return ""
	}
	s := string(d.octets(int(n)))
	d.octets(int(-n % 4))
	return s
}

// name reads an OID that may go into a message of SNMP. The others would make all of that message unreadable.
func (d *decoder) name() oid.OID {
	o, _ := d.oid()
	if !o.IsEncodable() {
		d.fail("the OID %v, which no message can hold", o)
		return oid.OID{}
	}
	return o
}

// oid reads any OID: the end of a range may be one that no message can hold.
func (d *decoder) oid() (o oid.OID, include bool) {
	head := d.octets(4)
	n, prefix := int(head[0]), uint32(head[1])
	packed := make([]byte, 0, 4*(n+5))
	if prefix != 0 {
		packed = append(packed, internet.Packed()...)
		packed = append(packed, 0, 0, 0, byte(prefix))
	}
	for range n {
		packed = appendArc(packed, d.u32())
	}
	if d.err != nil {
		return oid.OID{}, false
	}
	o, err := oid.FromPacked(string(packed))
	if err != nil {
		d.fail("an OID: %w", err)
	}
	return o, head[2] != 0
}

func appendArc(b []byte, n uint32) []byte {
	return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func (d *decoder) ranges() []mib.Range {
	var out []mib.Range
	for len(d.b) > 0 {
		var r mib.Range
		r.Start, r.Include = d.oid()
		r.End, _ = d.oid()
		out = append(out, r)
	}
	return out
}

func (d *decoder) varBinds() []snmp.VarBind {
	var out []snmp.VarBind
	for len(d.b) > 0 {
		kind := d.order.Uint16(d.octets(4))
		name := d.name()
		out = append(out, snmp.VarBind{Name: name, Value: d.value(kind)})
	}
	return out
}

func (d *decoder) value(kind uint16) snmp.Value {
	switch kind {
	case kindInteger:
		return snmp.Integer(int32(d.u32()))
	case kindCounter32:
		return snmp.Counter32(d.u32())
	case kindGauge32:
		return snmp.Gauge32(d.u32())
	case kindTimeTicks:
		return snmp.TimeTicks(d.u32())
	case kindCounter64:
		return snmp.Counter64(d.order.Uint64(d.octets(8)))
	case kindOctetString:
		return snmp.OctetString(d.text())
	case kindOpaque:
		return snmp.Opaque(d.text())
	case kindOID:
		o := d.name()
		if o.IsEmpty() { // the null OID
			o = oid.New(0, 0)
		}
		return snmp.ObjectID(o)
	case kindIPAddress:
		octets := d.text()
		a, _ := netip.AddrFromSlice([]byte(octets))
		if d.err == nil && !a.Is4() {
			d.fail("an IpAddress of %d octets", len(octets))
		}
		if d.err != nil {
			return snmp.Null
		}
		return snmp.IPAddress(a)
	case kindNull:
		return snmp.Null
	case kindNoSuchObject:
		return snmp.NoSuchObject
	case kindNoSuchInstance:
		return snmp.NoSuchInstance
	case kindEndOfMibView:
		return snmp.EndOfMibView
	default:
		d.fail("a value of type %d", kind)
		return snmp.Null
	}
}
