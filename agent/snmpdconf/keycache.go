package snmpdconf

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"walkabout/snmp/usm"
)

// KeyCache derives the keys of users, and those of a user that stays the same only once: a password costs milliseconds. It keeps no password.
// The zero KeyCache is ready; one goroutine uses it.
type KeyCache struct {
	seed  []byte                         // what is kept of a password says nothing of it to another process
	known map[[sha256.Size]byte]usm.User // by User.digest
}

// Users returns the users with their keys at the engine. What the last call returned and this one does not is forgotten.
func (c *KeyCache) Users(users []User, engineID string) ([]usm.User, error) {
	if c.seed == nil {
		c.seed = make([]byte, sha256.Size)
		if _, err := rand.Read(c.seed); err != nil {
			return nil, fmt.Errorf("keys of users: %w", err)
		}
	}
	known := make(map[[sha256.Size]byte]usm.User, len(users))
	var out []usm.User
	for i := range users {
		digest := users[i].digest(c.seed, engineID)
		keyed, ok := c.known[digest]
		if !ok {
			var err error
			if keyed, err = users[i].Keys(engineID); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", users[i].File, users[i].Line, err)
			}
		}
		known[digest] = keyed
		out = append(out, keyed)
	}
	c.known = known
	return out, nil
}

// digest is of all that Keys works from.
func (u *User) digest(seed []byte, engineID string) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, seed)
	for _, part := range []string{
		u.Name, engineID, string([]byte{byte(u.Auth), byte(u.Priv), byte(u.auth.kind), byte(u.priv.kind)}), u.auth.text.Reveal(), u.priv.text.Reveal(),
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // so that no two lists of parts are one text
		h.Write([]byte(part))
	}
	h.Sum(out[:0])
	return out
}
