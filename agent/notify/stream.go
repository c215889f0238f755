package notify

import (
	"errors"
	"net"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// messages reads one message a Read from a connection on which they follow each other (RFC 3430 section 2.1), as a datagram's socket does. A Read
// that is cut short by a deadline loses nothing.
type messages struct {
	net.Conn
	buf []byte // what came and is no whole message yet; it grows by what arrives, not by what a length claims
}

// errFrame means that a connection carries something else than messages. There is no way on in it.
var errFrame = errors.New("the receiver answers with something that is no SNMP message")

// Read implements net.Conn. b has room for snmp.MaxMessageSize octets.
func (m *messages) Read(b []byte) (int, error) {
	for {
		tag, size, err := ber.Size(m.buf)
		switch {
		case len(m.buf) > 0 && tag != ber.TagSequence, err != nil && !errors.Is(err, ber.ErrTruncated), size > snmp.MaxMessageSize:
			return 0, errFrame
		case err == nil && size <= len(m.buf):
			n := copy(b, m.buf[:size])
			m.buf = append(m.buf[:0], m.buf[size:]...)
			return n, nil
		}
		if len(m.buf) == cap(m.buf) {
			m.buf = append(make([]byte, 0, 512+2*len(m.buf)), m.buf...)
		}
		n, err := m.Conn.Read(m.buf[len(m.buf):cap(m.buf)])
		m.buf = m.buf[:len(m.buf)+n]
		if n == 0 && err != nil {
			return 0, err
		}
	}
}
