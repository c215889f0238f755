package usm

import "fmt"

// Account is a user by passwords, who has keys at every engine, or at the one that EngineID names.
type Account struct {
	name     string
	engineID string
	auth     AuthProtocol
	priv     PrivProtocol
	authKu   []byte
	privKu   []byte
}

// AccountOptions describe an Account.
type AccountOptions struct {
	Name         string
	EngineID     string // the only engine that the account is of; "" is any
	Auth         AuthProtocol
	AuthPassword string
	Priv         PrivProtocol
	PrivPassword string
}

// NewAccount returns the account. It takes some milliseconds for each password (RFC 3414 appendix A.2). Its error shows none.
func NewAccount(o AccountOptions) (*Account, error) {
	a := &Account{name: o.Name, engineID: o.EngineID, auth: o.Auth, priv: o.Priv}
	switch {
	case o.Name == "" || len(o.Name) > MaxUserName:
		return nil, fmt.Errorf("user %q: a name has 1 to %d octets", o.Name, MaxUserName)
	case o.EngineID != "" && !validEngineID(o.EngineID):
		return nil, fmt.Errorf("user %q: an snmpEngineID has 5 to 32 octets, this one %d", o.Name, len(o.EngineID))
	case o.Priv != NoPriv && o.Auth == NoAuth:
		return nil, fmt.Errorf("user %q: privacy needs authentication", o.Name)
	}
	var err error
	if o.Auth != NoAuth {
		if a.authKu, err = PasswordToKey(o.Auth, o.AuthPassword); err != nil {
			return nil, fmt.Errorf("user %q: authentication: %w", o.Name, err)
		}
	}
	if o.Priv != NoPriv {
		if a.privKu, err = PasswordToKey(o.Auth, o.PrivPassword); err != nil {
			return nil, fmt.Errorf("user %q: privacy: %w", o.Name, err)
		}
	}
	return a, nil
}

func validEngineID(id string) bool { return len(id) >= 5 && len(id) <= 32 }

// User returns the account's user at an engine, with keys of its own.
func (a *Account) User(engineID string) User {
	u := User{Name: a.name, Auth: a.auth, Priv: a.priv}
	if a.auth != NoAuth {
		u.AuthKey = Localize(a.auth, a.authKu, engineID)
	}
	if a.priv != NoPriv {
		u.PrivKey = PrivKey(a.auth, a.priv, a.privKu, engineID)
	}
	return u
}

// EngineID returns the only engine that a is of, "" if it is of any.
func (a *Account) EngineID() string { return a.engineID }
