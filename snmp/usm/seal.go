package usm

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"walkabout/snmp"
)

// Sealer builds messages; it keeps its memory and is for one goroutine. The zero Sealer is ready.
type Sealer struct{ plain, cipher, security []byte }

// envelope is what a message's security says of its authoritative engine, and who it is from.
type envelope struct {
	engineID    []byte
	boots, time uint32
	name        []byte     // msgUserName
	user        *keyedUser // may be nil at noAuthNoPriv
	level       snmp.SecurityLevel
	salt        *atomic.Uint64 // the last one that was used
}

// seal appends the message that carries s under e. Of m it takes ID, MaxSize and the ReportableFlag.
func (w *Sealer) seal(dst []byte, m snmp.MessageV3, e envelope, s *snmp.ScopedPDU) []byte {
	m.Encrypted = e.level == snmp.AuthPriv
	if m.Encrypted {
		w.plain = s.Append(w.plain[:0])
	} else {
		w.plain = s.AppendContent(w.plain[:0])
	}
	return w.sealPlain(dst, m, e)
}

// sealPlain is seal of w.plain: a ScopedPDU whole if it is to be encrypted, else its content.
func (w *Sealer) sealPlain(dst []byte, m snmp.MessageV3, e envelope) []byte {
	p := Parameters{EngineID: e.engineID, Boots: int32(e.boots), Time: int32(e.time), User: e.name}
	m.SecurityModel, m.Flags = snmp.USMSecurityModel, m.Flags&snmp.ReportableFlag|e.level.Flags()
	auth := NoAuth
	if e.level >= snmp.AuthNoPriv {
		auth = e.user.Auth
	}
	m.Data = w.plain
	if m.Encrypted {
		salt := e.salt.Add(1)
		if e.user.Priv == DES { // RFC 3414 section 8.1.1.1: the boots and a number of 32 bits
			salt = uint64(e.boots)<<32 | salt&math.MaxUint32
		}
		w.cipher = e.user.cipher.Encrypt(w.cipher[:0], w.plain, e.boots, e.time, salt)
		m.Data = w.cipher
		var octets [SaltLen]byte
		binary.BigEndian.PutUint64(octets[:], salt)
		p.Priv = octets[:]
	}
	var digest int
	w.security, digest = p.Append(w.security[:0], auth)
	m.Security = w.security
	start := len(dst)
	dst, security := m.Append(dst)
	if auth != NoAuth {
		e.user.auth.Sign(dst[start:], security+digest)
	}
	return dst
}

// seed sets salt to a random number.
func seed(salt *atomic.Uint64) error {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fmt.Errorf("a random salt: %w", err)
	}
	salt.Store(binary.BigEndian.Uint64(b[:]))
	return nil
}
