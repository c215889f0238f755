// Package tlstm is what the TLS Transport Model (RFC 6353, RFC 9456) says of certificates: how they are named, and what security name one
// stands for. It does no I/O.
package tlstm

import (
	"crypto"
	_ "crypto/sha1" // the hashes that fingerprints are made with
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Fingerprint is an SnmpTLSFingerprint: an octet for the hash algorithm, and the hash of a certificate's DER. The empty one names none.
type Fingerprint string

// HashAlgorithm is the first octet of a Fingerprint (IANA, SNMP-TLSTM HashAlgorithms). MD5, 1, is refused: certificates of one MD5 can be made.
type HashAlgorithm byte

// The algorithms.
const (
	SHA1   HashAlgorithm = 2
	SHA224 HashAlgorithm = 3
	SHA256 HashAlgorithm = 4
	SHA384 HashAlgorithm = 5
	SHA512 HashAlgorithm = 6
)

var hashes = map[HashAlgorithm]crypto.Hash{SHA1: crypto.SHA1, SHA224: crypto.SHA224, SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512}

// ParseHashAlgorithm reads a name as Net-SNMP writes it: sha1, sha256, …, in letters of any kind.
func ParseHashAlgorithm(name string) (HashAlgorithm, bool) {
	a, ok := map[string]HashAlgorithm{"sha1": SHA1, "sha224": SHA224, "sha256": SHA256, "sha384": SHA384, "sha512": SHA512}[strings.ToLower(name)]
	return a, ok
}

// String returns the name: sha256.
func (a HashAlgorithm) String() string {
	h, ok := hashes[a]
	if !ok {
		return fmt.Sprintf("hash algorithm %d", byte(a))
	}
	return strings.ToLower(strings.ReplaceAll(h.String(), "-", ""))
}

// ErrFingerprint is wrapped by the errors about fingerprints.
var ErrFingerprint = errors.New("bad fingerprint")

// Of returns the fingerprint of a certificate's DER. The algorithm must be one of the constants.
func Of(a HashAlgorithm, der []byte) Fingerprint {
	h := hashes[a].New()
	h.Write(der)
	return Fingerprint(h.Sum([]byte{byte(a)}))
}

// Algorithm returns f's; false if f is empty, or of an algorithm or a length that is not known.
func (f Fingerprint) Algorithm() (HashAlgorithm, bool) {
	if f == "" {
		return 0, false
	}
	a := HashAlgorithm(f[0])
	h, ok := hashes[a]
	return a, ok && len(f) == 1+h.Size()
}

// Is reports whether f is the fingerprint of a certificate's DER.
func (f Fingerprint) Is(der []byte) bool {
	a, ok := f.Algorithm()
	return ok && Of(a, der) == f
}

// String returns f as ParseFingerprint reads it: sha256:0a1b….
func (f Fingerprint) String() string {
	if f == "" {
		return ""
	}
	return HashAlgorithm(f[0]).String() + ":" + hex.EncodeToString([]byte(f[1:]))
}

// ParseFingerprint reads hexadecimal digits, with or without colons between octets, as openssl x509 -fingerprint and Net-SNMP write them. The
// name of the algorithm may stand before them, with a colon; without it the number of digits tells the algorithm. An error wraps ErrFingerprint.
func ParseFingerprint(s string) (Fingerprint, error) {
	digits, named := s, HashAlgorithm(0)
	if name, rest, ok := strings.Cut(s, ":"); ok && len(name) > 2 {
		if named, ok = ParseHashAlgorithm(name); !ok {
			return "", fmt.Errorf("%w: the algorithm is none of sha1, sha224, sha256, sha384 and sha512", ErrFingerprint)
		}
		digits = rest
	}
	octets, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil {
		return "", fmt.Errorf("%w: it is not made of hexadecimal digits", ErrFingerprint)
	}
	for a, h := range hashes {
		if h.Size() == len(octets) && (named == 0 || named == a) {
			return Fingerprint(append([]byte{byte(a)}, octets...)), nil
		}
	}
	if named != 0 {
		return "", fmt.Errorf("%w: %v has %d hexadecimal digits, not %d", ErrFingerprint, named, 2*hashes[named].Size(), 2*len(octets))
	}
	return "", fmt.Errorf("%w: %d hexadecimal digits; one of SHA-256 has 64", ErrFingerprint, 2*len(octets))
}
