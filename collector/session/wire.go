package session

import (
	"crypto/subtle"
	"errors"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/usm"
)

// wire is what a version of SNMP makes of requests and answers. It is for one goroutine at a time.
type wire interface {
	// seal appends the message that asks h, whose variable bindings list has, to dst. The request-id is the msgID too.
	seal(dst []byte, s *sealing, h snmp.RequestHead, list []byte, now time.Time) []byte
	// open returns what message b, of h, answers to a request that is under way. Errors are errStray, errAgain, or what the request ends with.
	// b may be overwritten.
	open(b []byte, h header, now time.Time) (snmp.Answer, error)
	// silence returns what is to be said if no answer came; nil if it is just that.
	silence() error
}

var (
	errStray = errors.New("not an answer to this request")
	// errAgain says that the agent refused the request for something that is mended now.
	errAgain = errors.New("to be sent again")
)

// sealing is the memory that sealing needs.
type sealing struct {
	sealer  usm.Sealer
	content []byte
}

// header is what a reader of a shared socket looks at.
type header struct {
	version snmp.Version
	id      int32 // request-id; of version 3 msgID
}

func readHeader(b []byte) (header, error) {
	var h header
	outer := ber.NewCursor(b)
	m, err := outer.Enter(ber.TagSequence)
	if err != nil {
		return h, err
	}
	version, err := m.Int32()
	if err != nil {
		return h, err
	}
	h.version = snmp.Version(version)
	var body ber.Cursor
	if h.version == snmp.V3 {
		body, err = m.Enter(ber.TagSequence) // msgGlobalData (RFC 3412 section 6)
	} else {
		if _, err = m.Read(ber.TagOctetString); err != nil {
			return h, err
		}
		var content []byte
		_, content, err = m.Next()
		body = ber.NewCursor(content)
	}
	if err != nil {
		return h, err
	}
	h.id, err = body.Int32()
	return h, err
}

// community is the wire of versions 1 and 2c.
type community struct {
	version snmp.Version
	name    string
}

func (c *community) seal(dst []byte, _ *sealing, h snmp.RequestHead, list []byte, _ time.Time) []byte {
	return snmp.AppendRequest(dst, c.version, c.name, h, list)
}

func (c *community) open(b []byte, h header, _ time.Time) (snmp.Answer, error) {
	if h.version != c.version {
		return snmp.Answer{}, errStray
	}
	a, err := snmp.ReadAnswer(b)
	if len(a.Community) != len(c.name) || subtle.ConstantTimeCompare(a.Community, []byte(c.name)) == 0 || a.Type != 0 && a.Type != snmp.Response {
		return a, errStray // no Response of this community, whatever is wrong with it
	}
	return a, err
}

func (c *community) silence() error { return nil }
