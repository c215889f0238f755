package session

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// user is the wire of version 3 (RFC 3412, RFC 3414): a user of an engine that it finds out itself.
//
// What the agent says of its engine is believed as far as it has to be. The engine's ID comes from a Report that nobody could sign; but only the
// agent that has the user's keys can answer under them. A clock is believed if the digest is right: the message carries the msgID that was
// drawn for this request, so it is no old one. By that a session goes on when the agent rebooted, with boots that count or not, when another
// device took its place, and when two devices have the same engine ID: each session keeps a clock of its own.
type user struct {
	credential Credential
	level      snmp.SecurityLevel
	keys       *keyring

	remote *usm.Remote // nil until the agent has told its engine ID
	keyed  *usm.Keyed  // for it
	doubt  error       // why the last message was not taken for an answer, nil if there was none
}

func newUser(c Credential, keys *keyring) *user {
	u := &user{credential: c, keys: keys, level: snmp.NoAuthNoPriv}
	switch {
	case c.Priv != "":
		u.level = snmp.AuthPriv
	case c.Auth != "":
		u.level = snmp.AuthNoPriv
	}
	return u
}

func (u *user) seal(dst []byte, s *sealing, h snmp.RequestHead, list []byte, now time.Time) []byte {
	m := snmp.MessageV3{ID: h.RequestID, MaxSize: snmp.MaxMessageSize, Flags: snmp.ReportableFlag}
	if u.remote == nil {
		return usm.SealDiscovery(dst, &s.sealer, m, h.RequestID)
	}
	engine := u.credential.ContextEngineID
	if engine == "" {
		engine = u.remote.ID()
	}
	s.content = ber.AppendString(s.content[:0], ber.TagOctetString, engine)
	s.content = ber.AppendString(s.content, ber.TagOctetString, u.credential.Context)
	s.content = h.AppendTo(s.content, list)
	return u.remote.SealContent(dst, &s.sealer, m, u.keyed, u.level, s.content, now)
}

func (u *user) open(b []byte, h header, now time.Time) (snmp.Answer, error) {
	if h.version != snmp.V3 {
		return snmp.Answer{}, errStray
	}
	m, err := snmp.ParseV3(b)
	if err != nil {
		return snmp.Answer{}, err
	}
	if m.SecurityModel != snmp.USMSecurityModel {
		return snmp.Answer{}, errStray
	}
	p, err := usm.Parse(m.Security)
	if err != nil {
		return snmp.Answer{}, err
	}
	if u.remote == nil || string(p.EngineID) != u.remote.ID() {
		return snmp.Answer{}, u.meet(&m, p, now)
	}
	level, content, err := u.remote.Open(b, &m, u.keyed, now)
	if errors.Is(err, usm.ErrNotTimely) { // and yet it is new; see user
		if err = u.setClock(p, now); err != nil {
			return snmp.Answer{}, err
		}
		level, content, err = u.remote.Open(b, &m, u.keyed, now)
	}
	if errors.Is(err, usm.ErrNotTimely) {
		return snmp.Answer{}, untimely(p)
	}
	if errors.Is(err, usm.ErrNotAuthentic) {
		u.doubt = ErrNotAuthentic
		return snmp.Answer{}, errStray
	}
	if err != nil {
		return snmp.Answer{}, err
	}
	a, err := snmp.ReadScopedAnswer(content)
	switch {
	case err != nil:
		return a, err
	case a.Type == snmp.Report:
		return a, u.reported(&a, p, level, now)
	case level != u.level || a.RequestID != h.id: // RFC 3412 section 7.2.10
		u.doubt = ErrNotAuthentic
		return a, errStray
	}
	u.doubt = nil
	return a, nil
}

// meet takes in a message of an engine that is not known: if it is a Report that tells the agent's engine ID, the request is sent again to it.
func (u *user) meet(m *snmp.MessageV3, p usm.Parameters, now time.Time) error {
	level, ok := m.Flags.Level()
	if !ok || level != snmp.NoAuthNoPriv || m.Encrypted {
		u.doubt = ErrUnknownEngine
		return errStray
	}
	a, err := snmp.ReadScopedAnswer(m.Data)
	if err != nil {
		return err
	}
	if a.Type != snmp.Report || u.remote != nil && !errors.Is(meaning(&a), ErrUnknownEngine) {
		u.doubt = ErrUnknownEngine
		return errStray
	}
	id := string(p.EngineID)
	keyed, err := u.keys.keyed(u.credential, id)
	if err != nil {
		return err
	}
	remote, err := usm.NewRemote(id, uint32(p.Boots), uint32(p.Time), now)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownEngine, err)
	}
	u.remote, u.keyed = remote, keyed
	return errAgain
}

// setClock forgets the engine's clock for what p says of it.
func (u *user) setClock(p usm.Parameters, now time.Time) error {
	remote, err := usm.NewRemote(u.remote.ID(), uint32(p.Boots), uint32(p.Time), now)
	if err == nil {
		u.remote = remote
	}
	return err
}

// untimely is why no message of an engine can be taken, whatever clock is believed.
func untimely(p usm.Parameters) error {
	if p.Boots == usm.MaxBoots {
		return fmt.Errorf("%w: its snmpEngineBoots is at its end (%d), so that it can be asked nothing until it gets another engine ID (RFC 3414 section 2.2.2)",
			ErrNotInTimeWindow, usm.MaxBoots)
	}
	return ErrNotInTimeWindow
}

// reported says what becomes of a request that a Report answers.
func (u *user) reported(a *snmp.Answer, p usm.Parameters, level snmp.SecurityLevel, now time.Time) error {
	err := meaning(a)
	if !errors.Is(err, ErrNotInTimeWindow) {
		return err
	}
	if p.Boots == usm.MaxBoots {
		return untimely(p)
	}
	if level == snmp.NoAuthNoPriv { // it should be signed (RFC 3414 section 3.2, step 7), but this is as good as what discovery tells
		if err := u.setClock(p, now); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %w", errAgain, err)
}

// meaning returns what a Report means to the one who asked.
func meaning(a *snmp.Answer) error {
	vb, err := a.Next()
	if err != nil {
		return err
	}
	packed, err := ber.AppendPacked(nil, vb.Name)
	if err != nil {
		return err
	}
	name, err := oid.FromPacked(string(packed))
	if err != nil {
		return err
	}
	if err := reports[name]; err != nil {
		return err
	}
	return fmt.Errorf("%w: a Report of %v", ErrMalformed, name)
}

func (u *user) silence() error { return u.doubt }

// keyring derives users' keys. To make one of a password takes a megabyte of hashing, so it is done once for each.
type keyring struct {
	mu   sync.Mutex
	keys map[password]func() ([]byte, error)
}

type password struct {
	auth AuthProtocol
	text secret.String
}

func (r *keyring) key(auth AuthProtocol, text secret.String) ([]byte, error) {
	r.mu.Lock()
	key, ok := r.keys[password{auth, text}]
	if !ok {
		key = sync.OnceValues(func() ([]byte, error) { return usm.PasswordToKey(authProtocol[auth], text.Reveal()) })
		if r.keys == nil {
			r.keys = map[password]func() ([]byte, error){}
		}
		r.keys[password{auth, text}] = key
	}
	r.mu.Unlock()
	return key()
}

// keyed returns the user of c with the keys that are localised to an engine.
func (r *keyring) keyed(c Credential, engineID string) (*usm.Keyed, error) {
	u := usm.User{Name: c.User, Auth: authProtocol[c.Auth], Priv: privProtocol[c.Priv]}
	if c.Auth != "" {
		key, err := r.key(c.Auth, c.AuthPassword)
		if err != nil {
			return nil, err
		}
		u.AuthKey = usm.Localize(u.Auth, key, engineID)
	}
	if c.Priv != "" {
		key, err := r.key(c.Auth, c.PrivPassword)
		if err != nil {
			return nil, err
		}
		u.PrivKey = usm.PrivKey(u.Auth, u.Priv, key, engineID)
	}
	return usm.NewKeyed(u)
}

var (
	authProtocol = map[AuthProtocol]usm.AuthProtocol{
		"": usm.NoAuth, MD5: usm.MD5, SHA: usm.SHA, SHA224: usm.SHA224, SHA256: usm.SHA256, SHA384: usm.SHA384, SHA512: usm.SHA512,
	}
	privProtocol = map[PrivProtocol]usm.PrivProtocol{
		"": usm.NoPriv, DES: usm.DES, AES: usm.AES, AES192: usm.AES192, AES256: usm.AES256, AES192C: usm.AES192C, AES256C: usm.AES256C,
	}
)
