package usm

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// MaxBoots is the largest snmpEngineBoots; an engine that reaches it is never in anybody's time window again until it is
// given new keys (RFC 3414 section 2.2.2).
const MaxBoots = math.MaxInt32

// window is how far the times of a message and of the engine may be apart, in seconds (RFC 3414 section 2.2.3).
const window = 150

// User is a user of an engine, with the keys that are localised to it.
type User struct {
	Name         string
	SecurityName string // the name by which access is decided; Name unless the user table says otherwise
	Auth         AuthProtocol
	Priv         PrivProtocol
	AuthKey      []byte
	PrivKey      []byte
}

// Level returns the highest security level that u has keys for.
func (u *User) Level() snmp.SecurityLevel {
	switch {
	case u.Auth == NoAuth:
		return snmp.NoAuthNoPriv
	case u.Priv == NoPriv:
		return snmp.AuthNoPriv
	default:
		return snmp.AuthPriv
	}
}

// keyedUser is a User and the states of its keys.
type keyedUser struct {
	User
	auth   *Authenticator
	cipher *Cipher
}

func newKeyedUser(u User) (*keyedUser, error) {
	k := &keyedUser{User: u}
	var err error
	if u.Auth != NoAuth {
		if k.auth, err = NewAuthenticator(u.Auth, u.AuthKey); err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	if u.Priv != NoPriv {
		if u.Auth == NoAuth {
			return nil, fmt.Errorf("user %q: privacy needs authentication", u.Name)
		}
		if k.cipher, err = NewCipher(u.Priv, u.PrivKey); err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	return k, nil
}

// Engine is an authoritative SNMP engine: its identity, its clock and its users. Its methods may be called by any number of
// goroutines.
type Engine struct {
	id     string
	octets []byte // id again, for encoding without a copy
	boots  uint32
	start  time.Time
	salt   atomic.Uint64
	users  atomic.Pointer[map[string]*keyedUser]
	Stats  Stats
}

// NewEngine returns the engine of the given snmpEngineID (5 to 32 octets, RFC 3411) without users. boots is
// snmpEngineBoots, which the caller has stored already; snmpEngineTime counts from start.
func NewEngine(id string, boots uint32, start time.Time) (*Engine, error) {
	if len(id) < 5 || len(id) > 32 {
		return nil, fmt.Errorf("an snmpEngineID has 5 to 32 octets, this one %d", len(id))
	}
	e := &Engine{id: id, octets: []byte(id), boots: min(boots, MaxBoots), start: start}
	e.users.Store(&map[string]*keyedUser{})
	if err := seed(&e.salt); err != nil {
		return nil, err
	}
	return e, nil
}

// ID returns snmpEngineID.
func (e *Engine) ID() string { return e.id }

// Clock returns snmpEngineBoots and snmpEngineTime at now. When the time would pass 2^31-1 seconds the boots go up by one, as
// RFC 3414 section 2.2.1 wants it.
func (e *Engine) Clock(now time.Time) (boots, seconds uint32) {
	s := uint64(max(now.Sub(e.start), 0) / time.Second)
	return uint32(min(uint64(e.boots)+s>>31, MaxBoots)), uint32(s & math.MaxInt32)
}

// SetUsers replaces the users; an error, and no change, if one of them is not valid or there twice.
func (e *Engine) SetUsers(users []User) error {
	next := make(map[string]*keyedUser, len(users))
	for _, u := range users {
		if u.Name == "" || len(u.Name) > MaxUserName {
			return fmt.Errorf("user %q: a name has 1 to %d octets", u.Name, MaxUserName)
		}
		if next[u.Name] != nil {
			return fmt.Errorf("user %q is there twice", u.Name)
		}
		if u.SecurityName == "" {
			u.SecurityName = u.Name
		}
		k, err := newKeyedUser(u)
		if err != nil {
			return err
		}
		next[u.Name] = k
	}
	e.users.Store(&next)
	return nil
}

// User returns the user of that name, whose keys are not to be modified; false if there is none.
func (e *Engine) User(name string) (User, bool) {
	k := (*e.users.Load())[name]
	if k == nil {
		return User{}, false
	}
	return k.User, true
}

// Stats is the usmStats group (RFC 3414 section 5).
type Stats struct {
	UnsupportedSecLevels, NotInTimeWindows, UnknownUserNames, UnknownEngineIDs, WrongDigests, DecryptionErrors atomic.Uint64
}

// Refusal is why a message was refused: its value is the column of usmStats that counted it, and whose OID a report carries.
type Refusal uint8

const (
	UnsupportedSecLevel Refusal = 1
	NotInTimeWindow     Refusal = 2
	UnknownUserName     Refusal = 3
	UnknownEngineID     Refusal = 4
	WrongDigest         Refusal = 5
	DecryptionError     Refusal = 6
)

var refusals = [...]string{"", "unsupported security level", "not in the time window", "unknown user name", "unknown engine ID", "wrong digest", "decryption error"}

// Error makes a Refusal an error.
func (r Refusal) Error() string { return "USM: " + refusals[r] }

// count counts r and returns it.
func (e *Engine) count(r Refusal) Refusal {
	e.counter(r).Add(1)
	return r
}

func (e *Engine) counter(r Refusal) *atomic.Uint64 {
	return [...]*atomic.Uint64{nil, &e.Stats.UnsupportedSecLevels, &e.Stats.NotInTimeWindows, &e.Stats.UnknownUserNames, &e.Stats.UnknownEngineIDs,
		&e.Stats.WrongDigests, &e.Stats.DecryptionErrors}[r]
}

// Count returns the counter of r.
func (e *Engine) Count(r Refusal) uint64 { return e.counter(r).Load() }

// Opened is what a message's security told: who sent it, and how an answer must be sealed.
type Opened struct {
	SecurityName string
	Level        snmp.SecurityLevel
	Content      []byte // of the ScopedPDU, in the clear
	user         *keyedUser
	name         []byte // msgUserName as it came
}

// Open checks a message to this engine as RFC 3414 section 3.2 orders it, and decrypts it in its place in whole, the octets
// that m was parsed from. An error is a Refusal, which was counted, or wraps ErrParse or snmp.ErrParse. With a Refusal, and
// NotInTimeWindow in particular, Opened tells what is needed to seal a report.
func (e *Engine) Open(whole []byte, m *snmp.MessageV3, now time.Time) (o Opened, err error) {
	p, err := Parse(m.Security)
	if err != nil {
		return o, err
	}
	o.name, o.Level = p.User, snmp.NoAuthNoPriv
	if string(p.EngineID) != e.id {
		return o, e.count(UnknownEngineID)
	}
	user := (*e.users.Load())[string(p.User)]
	if user == nil {
		return o, e.count(UnknownUserName)
	}
	level, ok := m.Flags.Level()
	if !ok || level > user.Level() {
		return o, e.count(UnsupportedSecLevel)
	}
	o.SecurityName = user.SecurityName
	if level >= snmp.AuthNoPriv {
		if len(p.Auth) != user.Auth.DigestLen() || !user.auth.Verify(whole, ber.Offset(whole, p.Auth)) {
			return o, e.count(WrongDigest)
		}
		o.user = user
		o.Level = snmp.AuthNoPriv
		if !e.timely(p, now) {
			return o, e.count(NotInTimeWindow)
		}
	}
	if m.Encrypted != (level == snmp.AuthPriv) {
		if m.Encrypted {
			return o, fmt.Errorf("%w: encrypted data in a message of level %v", snmp.ErrParse, level)
		}
		return o, e.count(DecryptionError)
	}
	o.user, o.Level, o.Content = user, level, m.Data
	if level == snmp.AuthPriv {
		if o.Content, err = e.decrypt(user, m.Data, p); err != nil {
			o.Level = snmp.AuthNoPriv
			return o, err
		}
	}
	return o, nil
}

func (e *Engine) decrypt(user *keyedUser, data []byte, p Parameters) ([]byte, error) {
	if len(p.Priv) != SaltLen || user.cipher.Decrypt(data, uint32(p.Boots), uint32(p.Time), binary.BigEndian.Uint64(p.Priv)) != nil {
		return nil, e.count(DecryptionError)
	}
	content, err := snmp.DecryptedContent(data)
	if err != nil {
		return nil, e.count(DecryptionError)
	}
	return content, nil
}

// timely is RFC 3414 section 3.2, step 7 a.
func (e *Engine) timely(p Parameters, now time.Time) bool {
	boots, seconds := e.Clock(now)
	return boots != MaxBoots && uint32(p.Boots) == boots && max(p.Time, int32(seconds))-min(p.Time, int32(seconds)) <= window
}

// Seal appends to dst the message that carries s to whom o tells, at o's level, authoritative as this engine is for answers
// and reports. Of m it takes ID, MaxSize and the ReportableFlag.
func (e *Engine) Seal(dst []byte, w *Sealer, m snmp.MessageV3, o *Opened, s *snmp.ScopedPDU, now time.Time) []byte {
	return w.seal(dst, m, e.envelope(o.name, o.user, o.Level, now), s)
}

// SealNotification appends to dst the message that carries s, a trap, for which the sender is authoritative (RFC 3414 section
// 3.1). Who it is from are k and level, which k has keys for; k's keys are localised to this engine. Of m it takes ID and MaxSize.
func (e *Engine) SealNotification(dst []byte, w *Sealer, m snmp.MessageV3, k *Keyed, level snmp.SecurityLevel, s *snmp.ScopedPDU, now time.Time) []byte {
	m.Flags = 0
	return w.seal(dst, m, e.envelope([]byte(k.user.Name), k.user, level, now), s)
}

func (e *Engine) envelope(name []byte, user *keyedUser, level snmp.SecurityLevel, now time.Time) envelope {
	boots, seconds := e.Clock(now)
	return envelope{engineID: e.octets, boots: boots, time: seconds, name: name, user: user, level: level, salt: &e.salt}
}

// Overhead returns the most octets that Seal adds to a ScopedPDU's content of about size octets.
func (e *Engine) Overhead(o *Opened, size int) int {
	auth, salt, padding := 0, 0, 0
	if o.Level >= snmp.AuthNoPriv {
		auth = o.user.Auth.DigestLen()
	}
	if o.Level == snmp.AuthPriv {
		salt, padding = SaltLen, 7+ber.HeaderSize(size)
	}
	// Version, msgGlobalData with its longest numbers, the parameters with theirs, and the headers around them.
	return 3 + 24 + 4 + 4 + field(len(e.id)) + 12 + field(len(o.name)) + field(auth) + field(salt) + padding + 2*ber.HeaderSize(size+256)
}
