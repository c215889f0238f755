// Package usm is the User-based Security Model (RFC 3414): keys, authentication, privacy, timeliness, and the users of an
// engine. It does no I/O.
package usm

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // RFC 3414 section 6
	"crypto/sha1" //nolint:gosec // RFC 3414 section 7
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// AuthProtocol is an authentication protocol.
type AuthProtocol uint8

const (
	NoAuth AuthProtocol = iota
	MD5                 // usmHMACMD5AuthProtocol (RFC 3414 section 6)
	SHA                 // usmHMACSHAAuthProtocol (RFC 3414 section 7)
	SHA224              // usmHMAC128SHA224AuthProtocol (RFC 7860), as those below
	SHA256
	SHA384
	SHA512
)

// authProtocol is what one protocol consists of.
type authProtocol struct {
	name   string
	hash   func() hash.Hash
	key    int // octets of a key
	digest int // octets of msgAuthenticationParameters
}

var authProtocols = [...]authProtocol{
	NoAuth: {name: "none"},
	MD5:    {"MD5", md5.New, md5.Size, 12},
	SHA:    {"SHA", sha1.New, sha1.Size, 12},
	SHA224: {"SHA-224", sha256.New224, sha256.Size224, 16},
	SHA256: {"SHA-256", sha256.New, sha256.Size, 24},
	SHA384: {"SHA-384", sha512.New384, sha512.Size384, 32},
	SHA512: {"SHA-512", sha512.New, sha512.Size, 48},
}

// PrivProtocol is a privacy protocol.
//
// Keys of 192 and 256 bits are longer than what MD5 and SHA give; AES192 and AES256 lengthen them as
// draft-blumenthal-aes-usm-04 has it, AES192C and AES256C as draft-reeder-snmpv3-usm-3desede-00 has it for 3DES, which is
// what Cisco's agents do.
type PrivProtocol uint8

const (
	NoPriv PrivProtocol = iota
	DES                 // usmDESPrivProtocol (RFC 3414 section 8)
	AES                 // usmAesCfb128Protocol (RFC 3826)
	AES192              // and those below: in use, never standardised
	AES256
	AES192C
	AES256C
)

type privProtocol struct {
	name   string
	key    int // octets of a key; DES has 8 of key and 8 of pre-IV
	reeder bool
}

var privProtocols = [...]privProtocol{
	NoPriv:  {name: "none"},
	DES:     {"DES", 16, false},
	AES:     {"AES", 16, false},
	AES192:  {"AES-192", 24, false},
	AES256:  {"AES-256", 32, false},
	AES192C: {"AES-192-C", 24, true},
	AES256C: {"AES-256-C", 32, true},
}

// ErrProtocol means a protocol's name that is not known.
var ErrProtocol = errors.New("unknown protocol")

// String returns the name that configurations use, such as "SHA-256".
func (p AuthProtocol) String() string {
	if int(p) < len(authProtocols) {
		return authProtocols[p].name
	}
	return fmt.Sprintf("authentication protocol %d", uint8(p))
}

// DigestLen returns the octets of msgAuthenticationParameters.
func (p AuthProtocol) DigestLen() int { return authProtocols[p].digest }

// KeyLen returns the octets of a key.
func (p AuthProtocol) KeyLen() int { return authProtocols[p].key }

// String returns the name that configurations use, such as "AES-256".
func (p PrivProtocol) String() string {
	if int(p) < len(privProtocols) {
		return privProtocols[p].name
	}
	return fmt.Sprintf("privacy protocol %d", uint8(p))
}

// KeyLen returns the octets of a localised key.
func (p PrivProtocol) KeyLen() int { return privProtocols[p].key }

// plain takes out of a name what people write differently.
func plain(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToUpper(s)) }

// ParseAuthProtocol reads a name in any case, with or without hyphens; SHA1 and SHA-1 are SHA.
func ParseAuthProtocol(s string) (AuthProtocol, error) {
	name := plain(s)
	if name == "SHA1" {
		return SHA, nil
	}
	for p := MD5; int(p) < len(authProtocols); p++ {
		if plain(authProtocols[p].name) == name {
			return p, nil
		}
	}
	return NoAuth, fmt.Errorf("%q: %w; known are MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512", s, ErrProtocol)
}

// ParsePrivProtocol reads a name in any case, with or without hyphens; AES128 and AES-128 are AES.
func ParsePrivProtocol(s string) (PrivProtocol, error) {
	name := plain(s)
	if name == "AES128" {
		return AES, nil
	}
	for p := DES; int(p) < len(privProtocols); p++ {
		if plain(privProtocols[p].name) == name {
			return p, nil
		}
	}
	return NoPriv, fmt.Errorf("%q: %w; known are DES, AES, AES-192, AES-256, AES-192-C, AES-256-C", s, ErrProtocol)
}

// MinPassword is the least length of a password (RFC 3414 section 11.2).
const MinPassword = 8

// ErrPassword means a password that is too short to make a key of.
var ErrPassword = errors.New("a password has at least 8 characters")

// PasswordToKey returns the key Ku that a password stands for at every engine (RFC 3414 appendix A.2): the digest of the
// password repeated to 2^20 octets.
func PasswordToKey(p AuthProtocol, password string) ([]byte, error) {
	if len(password) < MinPassword {
		return nil, ErrPassword
	}
	return expand(p, password), nil
}

// expand is PasswordToKey for any octets, of which there must be one.
func expand(p AuthProtocol, password string) []byte {
	const total = 1 << 20
	h := authProtocols[p].hash()
	block := []byte(strings.Repeat(password, 4096/len(password)+1)) // whole passwords, so that blocks join
	for left := total; left > 0; left -= len(block) {
		h.Write(block[:min(left, len(block))])
	}
	return h.Sum(nil)
}

// Localize returns the key Kul of ku at the engine (RFC 3414 section 2.6).
func Localize(p AuthProtocol, ku []byte, engineID string) []byte {
	h := authProtocols[p].hash()
	h.Write(ku)
	h.Write([]byte(engineID))
	h.Write(ku)
	return h.Sum(nil)
}

// PrivKey returns the localised privacy key of a user whose privacy password gave ku, by the authentication protocol auth:
// Kul cut or lengthened to what priv needs.
func PrivKey(auth AuthProtocol, priv PrivProtocol, ku []byte, engineID string) []byte {
	return ExtendKey(auth, priv, Localize(auth, ku, engineID), engineID)
}

// ExtendKey is PrivKey for a key that is already localised.
func ExtendKey(auth AuthProtocol, priv PrivProtocol, kul []byte, engineID string) []byte {
	key, last := append([]byte(nil), kul...), kul
	for len(key) < priv.KeyLen() {
		if privProtocols[priv].reeder { // the key so far is the password of the next part
			last = Localize(auth, expand(auth, string(last)), engineID)
		} else { // Blumenthal: the digest of all so far
			h := authProtocols[auth].hash()
			h.Write(key)
			last = h.Sum(nil)
		}
		key = append(key, last...)
	}
	return key[:priv.KeyLen()]
}

// ChangeKey returns the key that change makes of a localised key, which is an authentication key or a privacy key of a user whose
// authentication protocol is p: the receiver's side of KeyChange (RFC 3414 section 5). change is random octets and a delta, each as long
// as old; ErrKey if it is not.
func ChangeKey(p AuthProtocol, old, change []byte) ([]byte, error) {
	if len(change) != 2*len(old) || p == NoAuth {
		return nil, fmt.Errorf("%v: %w: %d octets instead of twice %d", p, ErrKey, len(change), len(old))
	}
	random, delta := change[:len(old)], change[len(old):]
	out, mask := make([]byte, 0, len(delta)), old
	for len(delta) > 0 {
		h := authProtocols[p].hash()
		h.Write(mask)
		h.Write(random)
		mask = h.Sum(nil)
		n := min(len(mask), len(delta))
		for i := range n {
			out = append(out, mask[i]^delta[i])
		}
		delta = delta[n:]
	}
	return out, nil
}

// equal compares in constant time.
func equal(a, b []byte) bool { return hmac.Equal(a, b) }
