package snmp

import (
	"walkabout/snmp/ber"
)

// Answer reads a message with a Response of version 1 or 2c where it stands, for whoever knows what to expect and keeps little of it. It is
// lean: what may be anything, or is to be kept, is for a Decoder.
type Answer struct {
	Version     Version
	Community   []byte // points into the message
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

// ReadAnswer reads a message as far as its variable bindings. Errors wrap ErrParse, or are ErrVersion; octets that trail behind the
// message are not looked at.
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
	body, err := m.Enter(byte(Response))
	if err != nil {
		return r, parseError("PDU", err)
	}
	var p PDU
	if err := p.head(&body); err != nil {
		return r, err
	}
	r.RequestID, r.ErrorStatus, r.ErrorIndex = p.RequestID, p.ErrorStatus, p.ErrorIndex
	if r.list, err = body.Enter(ber.TagSequence); err != nil {
		return r, parseError("variable bindings", err)
	}
	return r, nil
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

// Value decodes the value, into memory of its own. As with a lenient Decoder a value of an unknown type, or outside its type's range, is NULL;
// odd says so.
func (vb RawVarBind) Value() (v Value, odd bool) {
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

// AppendGetBulk appends a message with a GetBulkRequest, whose variable bindings list has (see AppendName), to dst.
func AppendGetBulk(dst []byte, community string, requestID, nonRepeaters, maxRepetitions int32, list []byte) []byte {
	fields := [3]int32{requestID, nonRepeaters, maxRepetitions}
	pdu := ber.HeaderSize(len(list)) + len(list)
	for _, f := range fields {
		pdu += 2 + ber.IntSize(int64(f))
	}
	dst = ber.AppendHeader(dst, ber.TagSequence, 3+ber.HeaderSize(len(community))+len(community)+ber.HeaderSize(pdu)+pdu)
	dst = ber.AppendInt(dst, ber.TagInteger, int64(V2c))
	dst = ber.AppendString(dst, ber.TagOctetString, community)
	dst = ber.AppendHeader(dst, byte(GetBulkRequest), pdu)
	for _, f := range fields {
		dst = ber.AppendInt(dst, ber.TagInteger, int64(f))
	}
	return append(ber.AppendHeader(dst, ber.TagSequence, len(list)), list...)
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
