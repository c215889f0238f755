package snmp

import (
	"fmt"

	"walkabout/snmp/ber"
)

// Answer reads what an agent answers where it stands, for whoever knows what to expect and keeps little of it. It is lean: what may be
// anything, or is to be kept, is for a Decoder.
type Answer struct {
	Version     Version // of the message
	Community   []byte  // of versions 1 and 2c; points into the message
	Type        PDUType // Response, or of version 3 Report
	RequestID   int32
	ErrorStatus ErrorStatus
	ErrorIndex  int32

	list ber.Cursor
}

// RawVarBind is a variable binding as it stands in a message, into which it points.
type RawVarBind struct {
	Name    []byte // the content octets of its OID, which may be malformed
	Kind    Kind   // any octet
	Content []byte // of the value
}

// ReadAnswer reads a message of version 1 or 2c with a Response as far as its variable bindings. Errors wrap ErrParse, or are ErrVersion;
// octets that trail behind the message are not looked at.
func ReadAnswer(b []byte) (Answer, error) {
	var r Answer
	outer := ber.NewCursor(b)
	m, err := outer.Enter(ber.TagSequence)
	if err != nil {
		return r, parseError("message", err)
	}
	version, err := m.Int32()
	if err != nil {
		return r, parseError("version", err)
	}
	if r.Version = Version(version); r.Version != V1 && r.Version != V2c {
		return r, ErrVersion
	}
	if r.Community, err = m.Read(ber.TagOctetString); err != nil {
		return r, parseError("community", err)
	}
	if err := r.pdu(&m); err != nil {
		return r, err
	}
	if r.Type != Response {
		return r, parseError("PDU", ber.ErrTag)
	}
	return r, nil
}

// ReadScopedAnswer reads the content of a ScopedPDU (RFC 3412 section 6.8) with a Response or a Report as far as its variable bindings.
// Errors wrap ErrParse.
func ReadScopedAnswer(content []byte) (Answer, error) {
	r := Answer{Version: V3}
	c := ber.NewCursor(content)
	for _, field := range []string{"contextEngineID", "contextName"} {
		if _, err := c.Read(ber.TagOctetString); err != nil {
			return r, parseError(field, err)
		}
	}
	return r, r.pdu(&c)
}

func (r *Answer) pdu(c *ber.Cursor) error {
	tag, content, err := c.Next()
	if r.Type = PDUType(tag); err == nil && r.Type != Response && r.Type != Report {
		err = ber.ErrTag
	}
	if err != nil {
		return parseError("PDU", err)
	}
	body := ber.NewCursor(content)
	var p PDU
	if err := p.head(&body); err != nil {
		return err
	}
	r.RequestID, r.ErrorStatus, r.ErrorIndex = p.RequestID, p.ErrorStatus, p.ErrorIndex
	if r.list, err = body.Enter(ber.TagSequence); err != nil {
		return parseError("variable bindings", err)
	}
	return nil
}

// Len returns the octets of the variable bindings that were not read yet.
func (r *Answer) Len() int { return r.list.Len() }

// Next reads the next variable binding; Len tells whether there is one.
func (r *Answer) Next() (RawVarBind, error) {
	c, err := r.list.Enter(ber.TagSequence)
	if err != nil {
		return RawVarBind{}, parseError("sequence", err)
	}
	var vb RawVarBind
	if vb.Name, err = c.Read(ber.TagOID); err != nil {
		return vb, parseError("name", err)
	}
	tag, content, err := c.Next()
	if err != nil {
		return vb, parseError("value", err)
	}
	if c.Len() != 0 {
		return vb, parseError("value", ErrTrailing)
	}
	vb.Kind, vb.Content = Kind(tag), content
	return vb, nil
}

// Expect reads the next variable binding if its name is the one that column and index make up, and it is written as nearly every agent
// writes it; else it reads nothing, and Next tells more. Name of what it returns is not set.
func (r *Answer) Expect(column, index []byte) (vb RawVarBind, ok bool) {
	b := r.list.Rest()
	name := len(column) + len(index)
	if len(b) < name+6 || b[0] != ber.TagSequence || b[2] != ber.TagOID || int(b[3]) != name {
		return vb, false
	}
	value := b[4+name:]
	n, size := int(value[1]), name+4+int(value[1])
	if size > 0x7f || int(b[1]) != size || len(value) < 2+n || // lengths of one octet
		string(b[4+len(column):4+name]) != string(index) || string(b[4:4+len(column)]) != string(column) {
		return vb, false
	}
	r.list = ber.NewCursor(b[2+size:])
	return RawVarBind{Kind: Kind(value[0]), Content: value[2 : 2+n]}, true
}

// AppendVarBinds decodes what is left of a's variable bindings and appends it to dst, as Decode does.
func (d *Decoder) AppendVarBinds(dst []VarBind, a *Answer) ([]VarBind, error) {
	d.scratch, d.spans, d.Odd = d.scratch[:0], d.spans[:0], 0
	p := PDU{Type: Response, VarBinds: dst[len(dst):]}
	for a.list.Len() > 0 {
		if err := d.varBind(&a.list, &p); err != nil {
			return dst, fmt.Errorf("variable binding %d: %w", len(p.VarBinds)+1, err)
		}
	}
	d.freeze(0, &p)
	return append(dst, p.VarBinds...), nil
}

// Value decodes the value, into memory of its own. As with a lenient Decoder a value of an unknown type, or outside its type's range, is NULL;
// odd says so.
func (vb RawVarBind) Value() (v Value, odd bool) {
	switch vb.Kind { // what there is most of
	case KindCounter32, KindGauge32, KindTimeTicks:
		n, err := unsigned32(vb.Content)
		if err != nil {
			return Null, true
		}
		return Value{kind: vb.Kind, num: n}, false
	case KindCounter64:
		n, err := ber.Uint64(vb.Content)
		if err != nil {
			return Null, true
		}
		return Value{kind: vb.Kind, num: n}, false
	case KindOctetString:
		return Value{kind: vb.Kind, data: string(vb.Content)}, false
	}
	d := Decoder{Lenient: true}
	v, err := d.value(vb.Kind, vb.Content)
	if err != nil {
		return Null, true
	}
	if len(d.scratch) > 0 {
		v.data = string(d.scratch)
	}
	return v, false
}

// RequestHead is what a request says before its variable bindings.
type RequestHead struct {
	Type                      PDUType
	RequestID                 int32
	NonRepeaters, Repetitions int32 // of a GetBulkRequest
}

// AppendTo appends the PDU of a request, whose variable bindings list has (see AppendName), to dst.
func (h RequestHead) AppendTo(dst, list []byte) []byte {
	fields := [3]int32{h.RequestID, h.NonRepeaters, h.Repetitions}
	dst = ber.AppendHeader(dst, byte(h.Type), h.contentSize(list))
	for _, f := range fields {
		dst = ber.AppendInt(dst, ber.TagInteger, int64(f))
	}
	return append(ber.AppendHeader(dst, ber.TagSequence, len(list)), list...)
}

func (h RequestHead) contentSize(list []byte) int {
	return 6 + ber.IntSize(int64(h.RequestID)) + ber.IntSize(int64(h.NonRepeaters)) + ber.IntSize(int64(h.Repetitions)) +
		ber.HeaderSize(len(list)) + len(list)
}

// AppendRequest appends a message of version 1 or 2c with a request to dst.
func AppendRequest(dst []byte, v Version, community string, h RequestHead, list []byte) []byte {
	pdu := h.contentSize(list)
	dst = ber.AppendHeader(dst, ber.TagSequence, 3+ber.HeaderSize(len(community))+len(community)+ber.HeaderSize(pdu)+pdu)
	dst = ber.AppendInt(dst, ber.TagInteger, int64(v))
	dst = ber.AppendString(dst, ber.TagOctetString, community)
	return h.AppendTo(dst, list)
}

// AppendName appends a variable binding with the value NULL, as a request has them, to a list of them. Its name is an OID's content octets
// (ber.AppendOIDContent), in two parts: of a column and of an index.
func AppendName(list, column, index []byte) []byte {
	n := len(column) + len(index)
	list = ber.AppendHeader(list, ber.TagSequence, ber.HeaderSize(n)+n+2)
	list = ber.AppendHeader(list, ber.TagOID, n)
	list = append(append(list, column...), index...)
	return append(list, ber.TagNull, 0)
}
