package usm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // RFC 3414 section 8
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// Authenticator signs and checks messages with one localised key. It may be used by any number of goroutines; the states of
// its HMAC are used again.
type Authenticator struct {
	protocol AuthProtocol
	states   sync.Pool // of *hmacState
}

// hmacState is an HMAC and room for its sum, which would be allocated each time else.
type hmacState struct {
	hash.Hash
	sum [maxSum]byte
}

// ErrKey means a key whose length is not its protocol's.
var ErrKey = errors.New("a key of the wrong length")

// NewAuthenticator returns the Authenticator of a localised key.
func NewAuthenticator(p AuthProtocol, key []byte) (*Authenticator, error) {
	if len(key) != p.KeyLen() || p == NoAuth {
		return nil, fmt.Errorf("%v: %w: %d octets instead of %d", p, ErrKey, len(key), p.KeyLen())
	}
	key = append([]byte(nil), key...)
	a := &Authenticator{protocol: p}
	a.states.New = func() any { return &hmacState{Hash: hmac.New(authProtocols[p].hash, key)} }
	return a, nil
}

// maxDigest is the longest msgAuthenticationParameters, and maxSum the longest sum that it is cut from.
const (
	maxDigest = 48
	maxSum    = 64
)

var zeros [maxDigest]byte

// digest returns the digest of message, in which the DigestLen octets from at on count as zeros. The state goes back when the
// digest has been used.
func (a *Authenticator) digest(message []byte, at int) (digest []byte, state *hmacState) {
	n := a.protocol.DigestLen()
	h := a.states.Get().(*hmacState)
	h.Reset()
	h.Write(message[:at])
	h.Write(zeros[:n])
	h.Write(message[at+n:])
	return h.Sum(h.sum[:0])[:n], h
}

// Sign writes the digest of message into it, at the DigestLen octets from at on (RFC 3414 sections 6.3.1 and 7.3.1).
func (a *Authenticator) Sign(message []byte, at int) {
	digest, state := a.digest(message, at)
	copy(message[at:], digest)
	a.states.Put(state)
}

// Verify reports whether the DigestLen octets from at on are message's digest. It compares in constant time.
func (a *Authenticator) Verify(message []byte, at int) bool {
	digest, state := a.digest(message, at)
	ok := equal(digest, message[at:at+a.protocol.DigestLen()])
	a.states.Put(state)
	return ok
}

// SaltLen is the length of msgPrivacyParameters of every privacy protocol.
const SaltLen = 8

// Cipher encrypts and decrypts with one localised key. It may be used by any number of goroutines.
type Cipher struct {
	protocol PrivProtocol
	block    cipher.Block
	preIV    [8]byte   // DES only
	states   sync.Pool // of *cfbState
}

// cfbState is what the cipher feedback mode goes on from, and room for a block of its key stream.
type cfbState struct{ iv, stream [aes.BlockSize]byte }

func (c *Cipher) cfb(boots, time uint32, salt uint64) *cfbState {
	s, ok := c.states.Get().(*cfbState)
	if !ok {
		s = new(cfbState)
	}
	binary.BigEndian.PutUint32(s.iv[:], boots)
	binary.BigEndian.PutUint32(s.iv[4:], time)
	binary.BigEndian.PutUint64(s.iv[8:], salt)
	return s
}

// ErrDecryption means ciphertext that cannot be of its protocol.
var ErrDecryption = errors.New("cannot be decrypted")

// NewCipher returns the Cipher of a localised key.
func NewCipher(p PrivProtocol, key []byte) (*Cipher, error) {
	if len(key) != p.KeyLen() || p == NoPriv {
		return nil, fmt.Errorf("%v: %w: %d octets instead of %d", p, ErrKey, len(key), p.KeyLen())
	}
	c := &Cipher{protocol: p}
	var err error
	if p == DES {
		copy(c.preIV[:], key[8:])
		c.block, err = des.NewCipher(key[:8]) //nolint:gosec // the protocol asked for
	} else {
		c.block, err = aes.NewCipher(key)
	}
	return c, err
}

// Encrypt appends the ciphertext of plain to dst. Boots and time are the authoritative engine's, as in the message; salt must
// never be used twice with a key (RFC 3414 section 8.1.1.1, RFC 3826 section 3.1.2.1) and goes out as msgPrivacyParameters.
func (c *Cipher) Encrypt(dst, plain []byte, boots, time uint32, salt uint64) []byte {
	start := len(dst)
	dst = append(dst, plain...)
	if c.protocol == DES {
		dst = append(dst, zeros[:-len(plain)&7]...) // any padding will do (section 8.1.1.2)
		iv := c.desIV(salt)
		for b := dst[start:]; len(b) > 0; b = b[8:] {
			binary.BigEndian.PutUint64(iv[:], binary.BigEndian.Uint64(iv[:])^binary.BigEndian.Uint64(b))
			c.block.Encrypt(b, iv[:])
			copy(iv[:], b)
		}
		return dst
	}
	s := c.cfb(boots, time, salt)
	for b := dst[start:]; len(b) > 0; b = b[min(len(b), len(s.iv)):] {
		c.block.Encrypt(s.stream[:], s.iv[:])
		subtle.XORBytes(b, b[:min(len(b), len(s.iv))], s.stream[:])
		copy(s.iv[:], b)
	}
	c.states.Put(s)
	return dst
}

// Decrypt decrypts data in its place. What comes out is to be distrusted: a wrong key shows only there.
func (c *Cipher) Decrypt(data []byte, boots, time uint32, salt uint64) error {
	if c.protocol == DES {
		if len(data)%8 != 0 {
			return fmt.Errorf("%w: %d octets are no whole blocks", ErrDecryption, len(data))
		}
		iv, last := c.desIV(salt), [8]byte{}
		for b := data; len(b) > 0; b = b[8:] {
			copy(last[:], b)
			c.block.Decrypt(b, b[:8])
			for i := range iv {
				b[i] ^= iv[i]
			}
			iv = last
		}
		return nil
	}
	s := c.cfb(boots, time, salt)
	for b := data; len(b) > 0; b = b[min(len(b), len(s.iv)):] {
		c.block.Encrypt(s.stream[:], s.iv[:])
		copy(s.iv[:], b)
		subtle.XORBytes(b, b[:min(len(b), len(s.iv))], s.stream[:])
	}
	c.states.Put(s)
	return nil
}

func (c *Cipher) desIV(salt uint64) (iv [8]byte) {
	binary.BigEndian.PutUint64(iv[:], salt^binary.BigEndian.Uint64(c.preIV[:]))
	return iv
}
