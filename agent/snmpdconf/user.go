package snmpdconf

import (
	"encoding/hex"
	"fmt"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp/usm"
)

// MaxUsers bounds the users of all files: the keys of each take some milliseconds of work.
const MaxUsers = 1000

// User is one createUser line.
type User struct {
	Name     string
	EngineID string // of -e; "" is this agent's own
	Auth     usm.AuthProtocol
	Priv     usm.PrivProtocol
	File     string
	Line     int

	auth, priv key
}

// key is what a user's key is made from.
type key struct {
	kind keyKind
	text secret.String // a password, or the octets of a key
}

type keyKind uint8

const (
	noKey     keyKind = iota
	password          // RFC 3414 appendix A.2
	master            // Ku: what a password stands for at every engine
	localized         // Kul: of one engine
)

// Keys returns the user with the keys of the engine. A password costs some milliseconds.
func (u *User) Keys(engineID string) (usm.User, error) {
	out := usm.User{Name: u.Name, Auth: u.Auth, Priv: u.Priv}
	if u.Auth == usm.NoAuth {
		return out, nil
	}
	var err error
	if out.AuthKey, err = u.auth.localize(u.Auth, engineID); err != nil {
		return usm.User{}, fmt.Errorf("user %q: %w", u.Name, err)
	}
	if u.Priv == usm.NoPriv {
		return out, nil
	}
	kul := out.AuthKey // the privacy key is the authentication key unless the line has one
	if u.priv.kind != noKey {
		if kul, err = u.priv.localize(u.Auth, engineID); err != nil {
			return usm.User{}, fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	out.PrivKey = usm.ExtendKey(u.Auth, u.Priv, kul, engineID)
	return out, nil
}

func (k key) localize(auth usm.AuthProtocol, engineID string) ([]byte, error) {
	text := k.text.Reveal()
	if k.kind == localized {
		return []byte(text), nil
	}
	ku := []byte(text)
	if k.kind == password {
		var err error
		if ku, err = usm.PasswordToKey(auth, text); err != nil {
			return nil, err
		}
	}
	return usm.Localize(auth, ku, engineID), nil
}

// createUser reads [-e ENGINEID] NAME [AUTH PASSWORD|-m KEY|-l KEY [PRIV [PASSWORD|-m KEY|-l KEY]]]. No message holds a word that may be a password.
func (p *parser) createUser(name, value string) {
	w, ok := p.split(name, value, "NAME [AUTH PASSWORD [PRIV [PASSWORD]]]", 1, 0)
	if !ok {
		return
	}
	u := User{File: p.file, Line: p.line}
	if w[0] == "-e" {
		if len(w) < 3 {
			p.errorf("%s: after -e stand an engine ID and a name", name)
			return
		}
		if u.EngineID, ok = parseEngineID(w[1]); !ok {
			p.errorf("%s: -e is an engine ID in hex, 5 to 32 octets", name)
			return
		}
		w = w[2:]
	}
	u.Name = w[0]
	if u.Name == "" || len(u.Name) > usm.MaxUserName {
		p.errorf("%s: a user's name has 1 to %d octets", name, usm.MaxUserName)
		return
	}
	if p.userKeys(name, &u, w[1:]) {
		p.addUser(name, u)
	}
}

// userKeys reads the protocols and keys; false after an error.
func (p *parser) userKeys(name string, u *User, w []string) bool {
	if len(w) == 0 {
		return true
	}
	var err error
	if u.Auth, err = usm.ParseAuthProtocol(w[0]); err != nil {
		p.errorf("%s: the authentication protocol (second word) must be one of MD5, SHA, SHA-224, SHA-256, SHA-384 and SHA-512", name)
		return false
	}
	var ok bool
	if u.auth, w, ok = p.key(name, "authentication", w[1:], u.Auth.KeyLen(), u.Auth.KeyLen()); !ok || len(w) == 0 {
		return ok
	}
	if u.Priv, err = usm.ParsePrivProtocol(w[0]); err != nil {
		p.errorf("%s: the privacy protocol (after the authentication password) must be one of DES, AES, AES-192, AES-256, AES-192-C and AES-256-C; a password with spaces needs quotes", name)
		return false
	}
	if w = w[1:]; len(w) == 0 {
		return true
	}
	if u.priv, w, ok = p.key(name, "privacy", w, u.Auth.KeyLen(), u.Priv.KeyLen()); ok && len(w) > 0 {
		p.errorf("%s: there is more after the privacy password; one with spaces needs quotes", name)
		return false
	}
	return ok
}

// key takes a password, -m KEY or -l KEY off the front of w. The keys must have so many octets.
func (p *parser) key(name, which string, w []string, masterLen, localLen int) (key, []string, bool) {
	fail := func(format string, a ...any) (key, []string, bool) {
		p.errorf("%s: the %s %s", name, which, fmt.Sprintf(format, a...))
		return key{}, nil, false
	}
	if len(w) == 0 {
		return fail("password is missing")
	}
	kind, n := password, 0
	switch w[0] {
	case "-m":
		kind, n = master, masterLen
	case "-l":
		kind, n = localized, localLen
	default:
		if len(w[0]) < usm.MinPassword {
			return fail("password must have at least %d characters", usm.MinPassword)
		}
		return key{kind, secret.New(w[0])}, w[1:], true
	}
	if len(w) == 1 {
		return fail("key after %s is missing", w[0])
	}
	digits, ok := strings.CutPrefix(strings.ToLower(w[1]), "0x")
	octets, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return fail("key must be written in hex, with 0x before it")
	}
	if len(octets) != n {
		return fail("key after %s must have %d octets, not %d", w[0], n, len(octets))
	}
	return key{kind, secret.New(string(octets))}, w[2:], true
}

// addUser adds u, in place of an earlier one of its name as Net-SNMP does.
func (p *parser) addUser(name string, u User) {
	if u.EngineID != "" {
		p.addRemoteUser(name, u)
		return
	}
	if i, ok := p.users[u.Name]; ok {
		first := &p.config.Users[i]
		p.warnf("%s: the user %s replaces that of %s:%d", name, clip(u.Name), first.File, first.Line)
		*first = u
		return
	}
	if len(p.config.Users) == MaxUsers {
		p.errorf("%s: more than %d users", name, MaxUsers)
		return
	}
	p.users[u.Name] = len(p.config.Users)
	p.config.Users = append(p.config.Users, u)
}

// addRemoteUser adds a user of another engine, to which informs go.
func (p *parser) addRemoteUser(name string, u User) {
	remote := &p.config.Notifications.RemoteUsers
	for i := range *remote {
		if first := &(*remote)[i]; first.Name == u.Name && first.EngineID == u.EngineID {
			p.warnf("%s: the user %s replaces that of %s:%d", name, clip(u.Name), first.File, first.Line)
			*first = u
			return
		}
	}
	if len(*remote) == MaxUsers {
		p.errorf("%s: more than %d users of other engines", name, MaxUsers)
		return
	}
	*remote = append(*remote, u)
}
