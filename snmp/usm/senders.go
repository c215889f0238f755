package usm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

const (
	// maxSenders is how many engines are known at most; each has sent something authentic.
	maxSenders = 100_000
	// maxSeen is how many messages of one engine are remembered, to know them again.
	maxSeen = 4096
)

// Errors of Senders.Open beside Refusal.
var (
	// ErrReplayed means a message that came before.
	ErrReplayed = errors.New("USM: this very message came before")
	// ErrTooManySenders means a new engine where there are 100,000 already.
	ErrTooManySenders = errors.New("USM: too many sending engines")
)

// Senders opens the messages that their sender is authoritative for: traps (RFC 3414 section 3.2). Of every engine that sent something
// authentic it knows the clock, and refuses what is older than the time window. The window leaves 150 s in which a captured trap could be sent
// again; so a message is taken once only. Its methods may be called by any number of goroutines; NewSenders returns one.
type Senders struct {
	mu       sync.Mutex
	accounts map[string][]*Account // by name; those of one engine before that of any
	engines  map[string]*sender
}

// sender is an engine that sent something authentic.
type sender struct {
	remote *Remote
	users  map[*Account]*Keyed
	seen   seen
}

// Clock is what is known of an engine's clock, to be kept from one start to the next.
type Clock struct {
	EngineID string
	Boots    uint32    // snmpEngineBoots
	Time     uint32    // the latest snmpEngineTime that was received, in seconds
	At       time.Time // when
}

// NewSenders returns Senders without accounts, which refuse everything, and what they knew of engines when they were last at work.
func NewSenders(known []Clock) (*Senders, error) {
	s := &Senders{engines: map[string]*sender{}}
	for _, c := range known[:min(len(known), maxSenders)] {
		r, err := NewRemote(c.EngineID, c.Boots, c.Time, c.At)
		if err != nil {
			return nil, err
		}
		r.synced, r.latest = true, c.Time
		e := &sender{remote: r, users: map[*Account]*Keyed{}}
		e.seen.from = stamp{c.Boots, uint64(c.Time) + 1} // what came in that last second is not remembered
		s.engines[c.EngineID] = e
	}
	return s, nil
}

// SetAccounts replaces the users that may send. What is known of engines stays.
func (s *Senders) SetAccounts(accounts []*Account) error {
	next := map[string][]*Account{}
	for _, a := range accounts {
		list := next[a.name]
		if slices.ContainsFunc(list, func(b *Account) bool { return b.engineID == a.engineID }) {
			return fmt.Errorf("user %q is there twice", a.name)
		}
		next[a.name] = append(list, a)
	}
	for _, list := range next {
		slices.SortFunc(list, func(a, b *Account) int { return -cmp.Compare(len(a.engineID), len(b.engineID)) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = next
	for _, e := range s.engines {
		e.users = map[*Account]*Keyed{}
	}
	return nil
}

// Clocks returns what is known of engines, in the order of their IDs.
func (s *Senders) Clocks() []Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Clock, 0, len(s.engines))
	for id, e := range s.engines {
		out = append(out, Clock{EngineID: id, Boots: e.remote.boots, Time: e.remote.latest, At: e.remote.at})
	}
	slices.SortFunc(out, func(a, b Clock) int { return strings.Compare(a.EngineID, b.EngineID) })
	return out
}

// Len returns how many engines are known.
func (s *Senders) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.engines)
}

// Received is what a message's security told.
type Received struct {
	EngineID string // of the sender
	User     string
	Level    snmp.SecurityLevel
	Content  []byte // of the ScopedPDU, in the clear
}

// Open checks a message, which whole holds and m was parsed from, and decrypts it in its place. It must be of the level that its user has keys
// for, no less. An error is a Refusal, ErrReplayed or ErrTooManySenders, or wraps ErrParse or snmp.ErrParse.
//
// An engine that is heard for the first time is believed its clock, as RFC 3414 has it; known clocks (NewSenders) leave no such first time after a
// restart. Nothing is kept of an engine before it has sent something authentic.
func (s *Senders) Open(whole []byte, m *snmp.MessageV3, now time.Time) (Received, error) {
	p, err := Parse(m.Security)
	if err != nil {
		return Received{}, err
	}
	level, ok := m.Flags.Level()
	out := Received{EngineID: string(p.EngineID), User: string(p.User), Level: level, Content: m.Data}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(out.User, out.EngineID)
	switch {
	case !ok || m.Encrypted != (level == snmp.AuthPriv):
		return out, fmt.Errorf("%w: flags and data do not agree", snmp.ErrParse)
	case !validEngineID(out.EngineID):
		return out, UnknownEngineID
	case a == nil:
		return out, UnknownUserName
	case level != a.level():
		return out, UnsupportedSecLevel
	case level == snmp.NoAuthNoPriv:
		return out, nil
	}
	e, err := s.sender(whole, out.EngineID, a, p, now)
	if err != nil {
		return out, err
	}
	_, out.Content, err = e.remote.Open(whole, m, e.users[a], now)
	at := stamp{uint32(p.Boots), uint64(p.Time)}
	switch {
	case errors.Is(err, ErrNotAuthentic):
		return out, WrongDigest
	case errors.Is(err, ErrNotTimely) || err == nil && at.before(e.seen.from):
		return out, NotInTimeWindow
	case err != nil: // the digest was right: the privacy password is not
		return out, DecryptionError
	case !e.seen.add(p.Auth, at):
		return out, ErrReplayed
	}
	return out, nil
}

// sender returns the engine, with the keys of a at it. Of an engine, or a user of it, that is new the digest is checked first: who knows no
// password makes nobody reckon keys that take milliseconds, and leaves nothing behind.
func (s *Senders) sender(whole []byte, engineID string, a *Account, p Parameters, now time.Time) (*sender, error) {
	e := s.engines[engineID]
	if e != nil && e.users[a] != nil {
		return e, nil
	}
	check, err := NewAuthenticator(a.auth, Localize(a.auth, a.authKu, engineID))
	if err != nil {
		return nil, err
	}
	if len(p.Auth) != a.auth.DigestLen() || !check.Verify(whole, ber.Offset(whole, p.Auth)) {
		return nil, WrongDigest
	}
	k, err := NewKeyed(a.User(engineID))
	if err != nil {
		return nil, err
	}
	if e == nil {
		if len(s.engines) >= maxSenders {
			return nil, ErrTooManySenders
		}
		r, err := NewRemote(engineID, 0, 0, now)
		if err != nil {
			return nil, err
		}
		e = &sender{remote: r, users: map[*Account]*Keyed{}}
		s.engines[engineID] = e
	}
	e.users[a] = k
	return e, nil
}

// account returns the user of that name at an engine; nil if there is none.
func (s *Senders) account(name, engineID string) *Account {
	for _, a := range s.accounts[name] {
		if a.engineID == engineID || a.engineID == "" {
			return a
		}
	}
	return nil
}

// level returns the security level that a has passwords for.
func (a *Account) level() snmp.SecurityLevel {
	u := User{Auth: a.auth, Priv: a.priv}
	return u.Level()
}

// stamp is a moment of an engine's clock.
type stamp struct {
	boots uint32
	time  uint64
}

func (a stamp) before(b stamp) bool {
	return a.boots < b.boots || a.boots == b.boots && a.time < b.time
}

// digest is the beginning of msgAuthenticationParameters, which no protocol has fewer octets of.
type digest [12]byte

// seen is the messages of one engine that are within the time window. Nothing from before its first moment, from, is taken.
type seen struct {
	from    stamp
	digests map[digest]struct{}
	order   []entry // as they came
	latest  stamp
}

type entry struct {
	digest digest
	at     stamp
}

// add takes note of a message; false if it is there already.
func (s *seen) add(auth []byte, at stamp) bool {
	d := digest(auth)
	if _, twice := s.digests[d]; twice {
		return false
	}
	if s.digests == nil {
		s.digests = map[digest]struct{}{}
	}
	if s.latest.before(at) {
		s.latest = at
	}
	s.digests[d] = struct{}{}
	s.order = append(s.order, entry{d, at})
	s.forget()
	return true
}

// forget drops what the time window refuses by now. Where more is left than there is room for, the oldest goes, and what is older still is
// refused from then on.
func (s *seen) forget() {
	drop := 0
	for ; drop < len(s.order); drop++ {
		first := s.order[drop].at
		old := first.boots != s.latest.boots || first.time+window < s.latest.time
		if !old && len(s.order)-drop <= maxSeen {
			break
		}
		if !old && s.from.before(first) {
			s.from = first
		}
		delete(s.digests, s.order[drop].digest)
	}
	if drop > 0 {
		s.order = append(s.order[:0], s.order[drop:]...)
	}
}
