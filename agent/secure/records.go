package secure

import "encoding/binary"

// The content types of DTLS 1.2 (RFC 5246 section 6.2.1).
const (
	changeCipherSpec = 20
	alert            = 21
	handshakeRecord  = 22
	applicationData  = 23
)

// recordHeader is the octets of a record's header: type, version, epoch, sequence number, length (RFC 6347 section 4.1).
const recordHeader = 13

// maxHandshakeMessage is the most octets of one message of a handshake that is passed on. A chain of certificates fits.
const maxHandshakeMessage = 16 << 10

// mayPass reports whether a datagram holds nothing but records that belong to the stage of a session. Until an end has proven by a record of the keys that
// it has finished the handshake, that is what handshakes are made of, in plain text; from then on what is sealed by the keys, and no handshake.
//
// What else there is anybody may have sent, under the address of the other end: the library would answer some of it by a fatal alert that is
// sealed, and with which the other end gives up the session, and some by the last flight of the handshake again, which is more than was sent.
func mayPass(b []byte, established bool) bool {
	for len(b) > 0 {
		if len(b) < recordHeader {
			return false
		}
		size := int(binary.BigEndian.Uint16(b[11:]))
		kind, epoch := b[0], binary.BigEndian.Uint16(b[3:])
		if b[1] != 254 || size > len(b)-recordHeader {
			return false
		}
		content := b[recordHeader : recordHeader+size]
		switch {
		case established && (epoch == 0 || kind != alert && kind != applicationData):
			return false
		case kind < changeCipherSpec || kind > applicationData || epoch == 0 && kind == applicationData:
			return false
		case epoch == 0 && kind == handshakeRecord && longMessage(content):
			return false
		}
		b = b[recordHeader+size:]
	}
	return true
}

// longMessage reports whether a record has a fragment of a message that is too long, or that makes no sense.
func longMessage(b []byte) bool {
	const header = 12 // type, length, message_seq, fragment_offset, fragment_length
	for len(b) > 0 {
		if len(b) < header {
			return true
		}
		uint24 := func(at int) int { return int(b[at])<<16 | int(b[at+1])<<8 | int(b[at+2]) }
		length, offset, size := uint24(1), uint24(6), uint24(9)
		if length > maxHandshakeMessage || offset+size > length || size > len(b)-header {
			return true
		}
		b = b[header+size:]
	}
	return false
}
