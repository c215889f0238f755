package usm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// Keyed is a user whose keys were checked and are ready for use.
type Keyed struct{ user *keyedUser }

// NewKeyed returns u ready for use; an error if its name or its keys cannot be.
func NewKeyed(u User) (*Keyed, error) {
	if len(u.Name) > MaxUserName {
		return nil, fmt.Errorf("user %q: a name has at most %d octets", u.Name, MaxUserName)
	}
	k, err := newKeyedUser(u)
	if err != nil {
		return nil, err
	}
	return &Keyed{k}, nil
}

// Level returns the highest security level that k has keys for.
func (k *Keyed) Level() snmp.SecurityLevel { return k.user.Level() }

// Remote is an engine that is authoritative for what we ask of it, as we know it (RFC 3414 section 2.3). It is for one goroutine.
type Remote struct {
	id     string
	octets []byte
	salt   atomic.Uint64

	// The engine's clock as it was at the moment at. Until synced it is what an unauthenticated report told, or nothing: it goes into
	// messages, and no message is refused by it.
	boots, seconds uint32
	at             time.Time
	synced         bool
	latest         uint32 // latestReceivedEngineTime
}

// Errors of Remote.Open. What is not one of them wraps ErrParse or snmp.ErrParse.
var (
	// ErrNotAuthentic means a message that is not from the engine, or not as it sent it.
	ErrNotAuthentic = errors.New("USM: the digest or the engine ID is not that of the engine")
	// ErrNotTimely means a message from outside the time window: perhaps an old one, sent again.
	ErrNotTimely = errors.New("USM: not in the time window")
)

// NewRemote returns the engine of the snmpEngineID id, with what an unauthenticated report told of its clock at now; zeros if none did.
func NewRemote(id string, boots, seconds uint32, now time.Time) (*Remote, error) {
	if len(id) < 5 || len(id) > 32 {
		return nil, fmt.Errorf("an snmpEngineID has 5 to 32 octets, this one %d", len(id))
	}
	r := &Remote{id: id, octets: []byte(id), boots: boots, seconds: seconds, at: now}
	return r, seed(&r.salt)
}

// ID returns the engine's snmpEngineID.
func (r *Remote) ID() string { return r.id }

// clock returns the engine's boots and time at now, as far as they are known.
func (r *Remote) clock(now time.Time) (boots, seconds uint32) {
	if !r.synced && r.boots == 0 && r.seconds == 0 {
		return 0, 0
	}
	return r.boots, uint32(min(uint64(r.seconds)+uint64(max(now.Sub(r.at), 0)/time.Second), math.MaxInt32))
}

// Seal appends to dst the message that asks s of the engine, from k at level, which k has keys for. Of m it takes ID, MaxSize and the
// ReportableFlag.
func (r *Remote) Seal(dst []byte, w *Sealer, m snmp.MessageV3, k *Keyed, level snmp.SecurityLevel, s *snmp.ScopedPDU, now time.Time) []byte {
	boots, seconds := r.clock(now)
	return w.seal(dst, m, envelope{r.octets, boots, seconds, []byte(k.user.Name), k.user, level, &r.salt}, s)
}

// SealDiscovery appends to dst the message that asks an engine for its snmpEngineID (RFC 3414 section 4).
func SealDiscovery(dst []byte, w *Sealer, m snmp.MessageV3, requestID int32) []byte {
	m.Flags = snmp.ReportableFlag
	s := snmp.ScopedPDU{PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: requestID}}
	return w.seal(dst, m, envelope{level: snmp.NoAuthNoPriv}, &s)
}

// Open checks a message of the engine to k, which whole holds and m was parsed from, and decrypts it in its place. It returns its level
// and the content of its ScopedPDU. An authentic message sets our notion of the engine's clock (RFC 3414 section 3.2, step 7 b).
func (r *Remote) Open(whole []byte, m *snmp.MessageV3, k *Keyed, now time.Time) (snmp.SecurityLevel, []byte, error) {
	p, err := Parse(m.Security)
	if err != nil {
		return 0, nil, err
	}
	level, ok := m.Flags.Level()
	switch {
	case !ok || m.Encrypted != (level == snmp.AuthPriv):
		return 0, nil, fmt.Errorf("%w: flags and data do not agree", snmp.ErrParse)
	case string(p.EngineID) != r.id || level > k.Level():
		return 0, nil, ErrNotAuthentic
	case level == snmp.NoAuthNoPriv:
		return level, m.Data, nil
	case string(p.User) != k.user.Name || len(p.Auth) != k.user.Auth.DigestLen() || !k.user.auth.Verify(whole, ber.Offset(whole, p.Auth)):
		return 0, nil, ErrNotAuthentic
	case !r.sync(uint32(p.Boots), uint32(p.Time), now):
		return 0, nil, ErrNotTimely
	case level == snmp.AuthNoPriv:
		return level, m.Data, nil
	}
	if len(p.Priv) != SaltLen {
		return 0, nil, ErrDecryption
	}
	if err := k.user.cipher.Decrypt(m.Data, uint32(p.Boots), uint32(p.Time), binary.BigEndian.Uint64(p.Priv)); err != nil {
		return 0, nil, err
	}
	content, err := snmp.DecryptedContent(m.Data)
	return level, content, err
}

// sync takes in the clock of an authentic message; false if the message is older than the time window allows.
func (r *Remote) sync(boots, seconds uint32, now time.Time) bool {
	if !r.synced || boots > r.boots || boots == r.boots && seconds > r.latest {
		r.boots, r.seconds, r.latest, r.at, r.synced = boots, seconds, seconds, now, true
	}
	known, clock := r.clock(now)
	return known != MaxBoots && boots == known && uint64(seconds)+window >= uint64(clock)
}
