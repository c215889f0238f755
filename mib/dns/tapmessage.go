package dns

import (
	"encoding/binary"
	"errors"
)

// tapped is what the counters need of a DNS message (RFC 1035 section 4.1).
type tapped struct {
	opcode, rcode uint8
	authoritative bool
	hasQuestion   bool
	labels        int // of the question's name
	qtype, qclass uint16
	answers       int
	delegates     bool // the authority section holds an NS record
}

var errShortMessage = errors.New("a DNS message ends too early")

const (
	headerSize = 12
	typeNS     = 2
)

// parseTapped reads a message as far as it is counted by. Records are skipped, not kept: what a frame makes this do is bounded by its size.
func parseTapped(b []byte) (m tapped, err error) {
	if len(b) < headerSize {
		return m, errShortMessage
	}
	m.opcode, m.rcode, m.authoritative = b[2]>>3&15, b[3]&15, b[2]&4 != 0
	questions := binary.BigEndian.Uint16(b[4:])
	m.answers = int(binary.BigEndian.Uint16(b[6:]))
	authority := int(binary.BigEndian.Uint16(b[8:]))
	at := headerSize
	for i := range questions {
		labels, next, err := skipName(b, at)
		if err != nil || next+4 > len(b) {
			return m, errShortMessage
		}
		if i == 0 {
			m.hasQuestion, m.labels = true, labels
			m.qtype, m.qclass = binary.BigEndian.Uint16(b[next:]), binary.BigEndian.Uint16(b[next+2:])
		}
		at = next + 4
	}
	for range m.answers {
		if _, at, err = skipRecord(b, at); err != nil {
			return m, err
		}
	}
	for range authority {
		var kind uint16
		if kind, at, err = skipRecord(b, at); err != nil {
			return m, err
		}
		m.delegates = m.delegates || kind == typeNS
	}
	return m, nil
}

// skipRecord returns the type of a record and where it ends.
func skipRecord(b []byte, at int) (kind uint16, end int, err error) {
	const fixed = 10 // type, class, TTL and the length of the data
	_, at, err = skipName(b, at)
	if err != nil || at+fixed > len(b) {
		return 0, 0, errShortMessage
	}
	kind = binary.BigEndian.Uint16(b[at:])
	end = at + fixed + int(binary.BigEndian.Uint16(b[at+8:]))
	if end > len(b) {
		return 0, 0, errShortMessage
	}
	return kind, end, nil
}

// skipName returns how many labels a name has up to its end or its pointer, and where it ends.
func skipName(b []byte, at int) (labels, end int, err error) {
	for at < len(b) {
		switch n := int(b[at]); {
		case n == 0:
			return labels, at + 1, nil
		case n >= 0xc0:
			return labels, at + 2, nil
		case n > 63:
			return 0, 0, errShortMessage
		default:
			labels++
			at += 1 + n
		}
	}
	return 0, 0, errShortMessage
}
