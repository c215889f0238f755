package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"walkabout/internal/secret"
)

const (
	// cost is bcrypt's: some 60 ms of a processor for a guess.
	cost = 10
	// maxCost bounds what a configured hash may cost each login.
	maxCost = 15
	// maxPassword is how much of a password bcrypt looks at.
	maxPassword = 72

	// verifiedFor is how long a password that was right needs no bcrypt again: a page asks several times a second.
	verifiedFor  = 15 * time.Minute
	mostVerified = 1000
	// checks is how many passwords are checked at a time.
	checks = 2
)

// errWrong is all that is said of a login that failed.
var errWrong = errors.New("wrong user, password or token")

// Hash returns the hash of a password, as User has it.
func Hash(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("an empty password lets everybody in")
	case len(password) > maxPassword:
		return "", fmt.Errorf("a password has at most %d octets: bcrypt looks at no more", maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

// CheckHash returns what is wrong with a hash.
func CheckHash(hash secret.String) error {
	n, err := bcrypt.Cost([]byte(hash.Reveal()))
	if err != nil {
		return errors.New("this is no hash of bcrypt's ($2a$…): snmpcollect hash-password makes one")
	}
	if n > maxCost {
		return fmt.Errorf("its cost, %d, would keep a processor busy for many seconds at each login: %d at most", n, maxCost)
	}
	return nil
}

// accounts is a Config, and which passwords were found right of late. Nobody changes what the Config says.
type accounts struct {
	Config
	users map[string]User
	other []byte // somebody's hash, compared with where there is no such user, so that this takes as long
	slots chan struct{}
	valid context.Context // ends when another Config takes the place of this one
	end   context.CancelFunc

	mu       sync.Mutex
	key      [32]byte // of the keys of verified, which so tell nothing
	verified map[[32]byte]verified
}

type verified struct {
	id    Identity
	until time.Time
}

func newAccounts(c Config) *accounts {
	a := &accounts{Config: c, users: map[string]User{}, slots: make(chan struct{}, checks), verified: map[[32]byte]verified{}}
	a.valid, a.end = context.WithCancel(context.Background())
	_, _ = rand.Read(a.key[:]) // it never fails
	for _, u := range c.Users {
		a.users[u.Name] = u
		a.other = []byte(u.Hash.Reveal())
	}
	return a
}

// same reports whether c says the same as a's Config.
func (a *accounts) same(c Config) bool {
	return a.Loopback == c.Loopback && a.Token.Equal(c.Token) && slices.EqualFunc(a.Users, c.Users, func(x, y User) bool {
		return x.Name == y.Name && x.ReadOnly == y.ReadOnly && x.Hash.Equal(y.Hash)
	})
}

// nobody reports whether nobody can say who they are.
func (a *accounts) nobody() bool { return len(a.users) == 0 && a.Token.IsZero() }

// credential is what somebody says they are.
type credential struct {
	name, password string
	bearer         bool
}

// parse reads the header Authorization.
func parse(field string) (credential, error) {
	scheme, rest, _ := strings.Cut(field, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return credential{password: rest, bearer: true}, nil
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		name, password, ok := strings.Cut(string(text), ":")
		if err != nil || !ok {
			return credential{}, errors.New("the header Authorization makes no sense")
		}
		return credential{name: name, password: password}, nil
	}
	return credential{}, errors.New("the header Authorization is to be Basic or Bearer")
}

func (a *accounts) digest(c credential) (out [32]byte) {
	h := hmac.New(sha256.New, a.key[:])
	h.Write(fmt.Appendf(nil, "%d:%s%s", len(c.name), c.name, c.password))
	h.Sum(out[:0])
	return out
}

// known returns who c is if that is known without bcrypt.
func (a *accounts) known(c credential) (Identity, bool) {
	if !a.Token.IsZero() && a.Token.Equal(secret.New(c.password)) {
		return Identity{Token: true, MayWrite: true}, true
	}
	if c.bearer {
		return Identity{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	v, ok := a.verified[a.digest(c)]
	return v.id, ok && time.Now().Before(v.until)
}

// check returns who c is, errWrong if it is not.
func (a *accounts) check(ctx context.Context, c credential) (Identity, error) {
	if c.bearer || len(a.users) == 0 {
		return Identity{}, errWrong
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	}
	u, exists := a.users[c.name]
	hash := a.other
	if exists {
		hash = []byte(u.Hash.Reveal())
	}
	password := []byte(c.password)
	if err := bcrypt.CompareHashAndPassword(hash, password[:min(len(password), maxPassword)]); err != nil || !exists || len(password) > maxPassword {
		return Identity{}, errWrong
	}
	id := Identity{Name: u.Name, MayWrite: !u.ReadOnly}
	if u.ReadOnly {
		id.WhyNot = "this user may only look (read_only in the configuration)"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if len(a.verified) >= mostVerified {
		clear(a.verified)
	}
	a.verified[a.digest(c)] = verified{id, now.Add(verifiedFor)}
	return id, nil
}
