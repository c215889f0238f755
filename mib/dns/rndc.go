package dns

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"walkabout/internal/secret"
)

// RNDCKey is a key of BIND's control channel, as rndc-confgen makes it.
type RNDCKey struct {
	Algorithm string        // hmac-sha256 and its kin
	Secret    secret.String // as it is signed with, not in base64
}

// rndcAlgorithm is a way to sign messages (lib/isccc/include/isccc/cc.h).
type rndcAlgorithm struct {
	number byte
	hash   func() hash.Hash
}

var rndcAlgorithms = map[string]rndcAlgorithm{
	"hmac-md5": {157, md5.New}, "hmac-sha1": {161, sha1.New}, "hmac-sha224": {162, sha256.New224}, "hmac-sha256": {163, sha256.New},
	"hmac-sha384": {164, sha512.New384}, "hmac-sha512": {165, sha512.New},
}

var (
	rndcAlgorithmLine = regexp.MustCompile(`algorithm\s+"?([\w-]+)"?\s*;`)
	rndcSecretLine    = regexp.MustCompile(`secret\s+"([^"]+)"\s*;`)
)

// ParseRNDCKey reads the first key of a file such as rndc.key: key "NAME" { algorithm hmac-sha256; secret "BASE64"; };
func ParseRNDCKey(text string) (RNDCKey, error) {
	algorithm, encoded := rndcAlgorithmLine.FindStringSubmatch(text), rndcSecretLine.FindStringSubmatch(text)
	if algorithm == nil || encoded == nil {
		return RNDCKey{}, errors.New(`there is no key "NAME" { algorithm hmac-sha256; secret "BASE64"; };`)
	}
	key := RNDCKey{Algorithm: strings.ToLower(algorithm[1])}
	if _, known := rndcAlgorithms[key.Algorithm]; !known {
		return RNDCKey{}, fmt.Errorf("the algorithm %s is not known", clip(algorithm[1]))
	}
	b, err := base64.StdEncoding.DecodeString(encoded[1])
	if err != nil || len(b) == 0 {
		return RNDCKey{}, errors.New("the secret is not in base64")
	}
	key.Secret = secret.New(string(b))
	return key, nil
}

// rndc is BIND's control channel.
type rndc struct {
	*control
	key RNDCKey
}

// Entries of a table are a name behind its length in one octet, and a value behind its type and its length in four.
const (
	ccBinary  = 1
	ccTable   = 2
	ccVersion = 1

	maxRNDC = 1 << 20 // octets of a message
)

// ccEntry appends an entry.
func ccEntry(dst []byte, name string, kind byte, value []byte) []byte {
	dst = append(append(dst, byte(len(name))), name...)
	dst = binary.BigEndian.AppendUint32(append(dst, kind), uint32(len(value)))
	return append(dst, value...)
}

// ccTexts is a table of texts: names and values in turn.
func ccTexts(texts ...string) []byte {
	var b []byte
	for i := 0; i < len(texts); i += 2 {
		b = ccEntry(b, texts[i], ccBinary, []byte(texts[i+1]))
	}
	return b
}

// ccRead reads the first entry of b.
func ccRead(b []byte) (name string, value, rest []byte, err error) {
	const fixed = 5 // the octets of a type and a length
	if len(b) < 1 || len(b) < 1+int(b[0])+fixed {
		return "", nil, nil, fmt.Errorf("%w: an entry of rndc ends early", ErrAnswer)
	}
	behind := 1 + int(b[0])
	name, b = string(b[1:behind]), b[behind:]
	size := binary.BigEndian.Uint32(b[1:])
	if b = b[fixed:]; uint64(size) > uint64(len(b)) {
		return "", nil, nil, fmt.Errorf("%w: an entry of rndc ends early", ErrAnswer)
	}
	return name, b[:size], b[size:], nil
}

// ccFind returns the value of a name in a table; nil if there is none.
func ccFind(table []byte, want string) []byte {
	for len(table) > 0 {
		name, value, rest, err := ccRead(table)
		if err != nil {
			return nil
		}
		if name == want {
			return value
		}
		table = rest
	}
	return nil
}

// sign returns the table _auth of a message: its one entry is called by the kind of algorithm.
func (k RNDCKey) sign(body []byte) []byte {
	a := rndcAlgorithms[k.Algorithm]
	mac := hmac.New(a.hash, []byte(k.Secret.Reveal()))
	mac.Write(body)
	text := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if k.Algorithm == "hmac-md5" {
		return ccEntry(nil, "hmd5", ccBinary, []byte(text[:22]))
	}
	value := make([]byte, 89) // the number, and room for the longest
	value[0] = a.number
	copy(value[1:], text)
	return ccEntry(nil, "hsha", ccBinary, value)
}

// order has the server carry out an order, and returns what it says to it.
func (r *rndc) order(ctx context.Context, order string) (said string, err error) {
	s, end, err := r.open(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	return s.order(ctx, order)
}

// rndcSession is a connection that takes orders one after another.
type rndcSession struct {
	*rndc
	conn   net.Conn
	serial uint32
	nonce  string // that all but the first message must have
}

// open connects: a first message gets the nonce.
func (r *rndc) open(ctx context.Context) (*rndcSession, func(), error) {
	conn, end, err := r.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := &rndcSession{rndc: r, conn: conn, serial: rand.Uint32()}
	if _, err := s.exchange("null"); err != nil {
		end()
		return nil, nil, ended(ctx, err)
	}
	return s, end, nil
}

func (s *rndcSession) order(ctx context.Context, order string) (said string, err error) {
	data, err := s.exchange(order)
	if err != nil {
		return "", ended(ctx, err)
	}
	if string(ccFind(data, "result")) != "0" {
		return "", fmt.Errorf("%w %s: %q", ErrRefused, clip(order), clip(string(ccFind(data, "err"))+" "+string(ccFind(data, "text"))))
	}
	return string(ccFind(data, "text")), nil
}

// exchange sends what as the type of a message, and returns the table _data of the answer.
func (s *rndcSession) exchange(what string) ([]byte, error) {
	s.serial++
	now := time.Now().Unix()
	ctrl := []string{"_ser", strconv.FormatUint(uint64(s.serial), 10), "_tim", strconv.FormatInt(now, 10), "_exp", strconv.FormatInt(now+60, 10)}
	if s.nonce != "" {
		ctrl = append(ctrl, "_nonce", s.nonce)
	}
	body := ccEntry(ccEntry(nil, "_ctrl", ccTable, ccTexts(ctrl...)), "_data", ccTable, ccTexts("type", what))
	message := append(ccEntry(nil, "_auth", ccTable, s.key.sign(body)), body...)
	frame := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(message)+4)), ccVersion)
	if _, err := s.conn.Write(append(frame, message...)); err != nil {
		return nil, err
	}
	answer, err := s.answer(s.conn)
	if err != nil {
		return nil, err
	}
	s.nonce = string(ccFind(ccFind(answer, "_ctrl"), "_nonce"))
	return ccFind(answer, "_data"), nil
}

// answer reads a message and returns what is signed of it.
func (r *rndc) answer(in io.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, fmt.Errorf("%w: %w (a wrong key?)", ErrAnswer, err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > maxRNDC || binary.BigEndian.Uint32(head[4:]) != ccVersion {
		return nil, fmt.Errorf("%w: it is no message of rndc", ErrAnswer)
	}
	b := make([]byte, size-4)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, err
	}
	name, auth, body, err := ccRead(b)
	if err != nil {
		return nil, err
	}
	if want := r.key.sign(body); name != "_auth" || !hmac.Equal(bytes.TrimRight(auth, "\x00"), bytes.TrimRight(want, "\x00")) {
		return nil, fmt.Errorf("%w: it is not signed with the key", ErrAnswer)
	}
	return body, nil
}
