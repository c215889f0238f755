package usm

import (
	"errors"
	"fmt"

	"walkabout/snmp/ber"
)

// Parameters is UsmSecurityParameters (RFC 3414 section 2.4). Its slices point into the message that it was parsed from.
type Parameters struct {
	EngineID []byte // msgAuthoritativeEngineID; empty asks for it
	Boots    int32  // 0 to 2^31-1
	Time     int32  // seconds, 0 to 2^31-1
	User     []byte // 0 to 32 octets
	Auth     []byte // msgAuthenticationParameters
	Priv     []byte // msgPrivacyParameters: the salt
}

// ErrParse is wrapped by the errors of Parse.
var ErrParse = errors.New("malformed USM parameters")

// Parse reads the content of msgSecurityParameters.
func Parse(b []byte) (p Parameters, err error) {
	outer := ber.NewCursor(b)
	c, err := outer.Enter(ber.TagSequence)
	if err == nil && outer.Len() != 0 {
		err = ber.ErrLength
	}
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrParse, err)
	}
	r := fields{cursor: c}
	p.EngineID = r.octets("msgAuthoritativeEngineID")
	p.Boots = r.natural("msgAuthoritativeEngineBoots")
	p.Time = r.natural("msgAuthoritativeEngineTime")
	p.User = r.octets("msgUserName")
	p.Auth = r.octets("msgAuthenticationParameters")
	p.Priv = r.octets("msgPrivacyParameters")
	switch {
	case r.err != nil:
		return p, fmt.Errorf("%w: %s: %w", ErrParse, r.failed, r.err)
	case r.cursor.Len() != 0:
		return p, fmt.Errorf("%w: %d octets behind the last", ErrParse, r.cursor.Len())
	case len(p.User) > MaxUserName:
		return p, fmt.Errorf("%w: msgUserName of %d octets", ErrParse, len(p.User))
	}
	return p, nil
}

// MaxUserName is the longest msgUserName.
const MaxUserName = 32

// fields reads one field after another, up to the first that fails.
type fields struct {
	cursor ber.Cursor
	failed string // the name of that one
	err    error
}

func (r *fields) octets(name string) (b []byte) {
	if r.err == nil {
		if b, r.err = r.cursor.Read(ber.TagOctetString); r.err != nil {
			r.failed = name
		}
	}
	return b
}

// natural reads an INTEGER (0..2147483647).
func (r *fields) natural(name string) (n int32) {
	if r.err != nil {
		return 0
	}
	if n, r.err = r.cursor.Int32(); r.err == nil && n < 0 {
		r.err = ber.ErrRange
	}
	if r.err != nil {
		r.failed = name
	}
	return n
}

// Append appends the encoding of p, with room for the digest of auth in place of p.Auth, to dst. Where in what was appended
// the digest begins is the second result.
func (p *Parameters) Append(dst []byte, auth AuthProtocol) (out []byte, digest int) {
	n := auth.DigestLen()
	size := field(len(p.EngineID)) + 2 + ber.IntSize(int64(p.Boots)) + 2 + ber.IntSize(int64(p.Time)) + field(len(p.User)) + field(n) + field(len(p.Priv))
	start := len(dst)
	dst = ber.AppendHeader(dst, ber.TagSequence, size)
	dst = append(ber.AppendHeader(dst, ber.TagOctetString, len(p.EngineID)), p.EngineID...)
	dst = ber.AppendInt(dst, ber.TagInteger, int64(p.Boots))
	dst = ber.AppendInt(dst, ber.TagInteger, int64(p.Time))
	dst = append(ber.AppendHeader(dst, ber.TagOctetString, len(p.User)), p.User...)
	dst = ber.AppendHeader(dst, ber.TagOctetString, n)
	digest = len(dst) - start
	dst = append(dst, zeros[:n]...)
	return append(ber.AppendHeader(dst, ber.TagOctetString, len(p.Priv)), p.Priv...), digest
}

func field(n int) int { return ber.HeaderSize(n) + n }
