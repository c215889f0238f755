package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp"
)

// Credential is what an agent wants to know before it answers: a community (v1, v2c) or a user of the user-based security
// model (v3, RFC 3414). Its fields of type secret.String never print.
type Credential struct {
	Version snmp.Version

	Community secret.String // v1 and v2c only

	// Of v3 only. Auth and Priv decide the security level: none is noAuthNoPriv, Auth alone is authNoPriv.
	User         string
	Auth         AuthProtocol
	AuthPassword secret.String
	Priv         PrivProtocol
	PrivPassword secret.String
	Context      string // contextName; mostly empty
	// ContextEngineID is contextEngineID in octets, where it is not the snmpEngineID of the agent itself but of what it is a proxy for.
	ContextEngineID string
}

// AuthProtocol is an authentication protocol of the user-based security model, by the name that the configuration uses;
// "" is none.
type AuthProtocol string

// The authentication protocols (RFC 3414 section 6, 7; RFC 7860).
const (
	MD5    AuthProtocol = "MD5"
	SHA    AuthProtocol = "SHA"
	SHA224 AuthProtocol = "SHA-224"
	SHA256 AuthProtocol = "SHA-256"
	SHA384 AuthProtocol = "SHA-384"
	SHA512 AuthProtocol = "SHA-512"
)

var authProtocols = []AuthProtocol{MD5, SHA, SHA224, SHA256, SHA384, SHA512}

// PrivProtocol is a privacy protocol of the user-based security model, by the name that the configuration uses; "" is none.
type PrivProtocol string

// The privacy protocols. AES of 192 and 256 bits was never standardised, and there are two ways to lengthen the key: that
// of draft-blumenthal-aes-usm-04, and with the suffix C that of draft-reeder-snmpv3-usm-3desede, which Cisco uses.
const (
	DES     PrivProtocol = "DES" // RFC 3414 section 8
	AES     PrivProtocol = "AES" // 128 bits, RFC 3826
	AES192  PrivProtocol = "AES-192"
	AES256  PrivProtocol = "AES-256"
	AES192C PrivProtocol = "AES-192-C"
	AES256C PrivProtocol = "AES-256-C"
)

var privProtocols = []PrivProtocol{DES, AES, AES192, AES256, AES192C, AES256C}

// ParseAuthProtocol reads a protocol's name in any case, with or without its hyphens ("sha256"). SHA-1 is SHA.
func ParseAuthProtocol(s string) (AuthProtocol, error) {
	if plain(s) == "SHA1" {
		return SHA, nil
	}
	return parseProtocol("authentication", s, authProtocols)
}

// ParsePrivProtocol reads a protocol's name in any case, with or without its hyphens ("aes256c"). AES-128 is AES.
func ParsePrivProtocol(s string) (PrivProtocol, error) {
	if plain(s) == "AES128" {
		return AES, nil
	}
	return parseProtocol("privacy", s, privProtocols)
}

func plain(s string) string { return strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(s)) }

func parseProtocol[P ~string](kind, s string, known []P) (P, error) {
	if s == "" {
		return "", nil
	}
	i := slices.IndexFunc(known, func(p P) bool { return plain(string(p)) == plain(s) })
	if i < 0 {
		return "", fmt.Errorf("unknown %s protocol %q; known are %v", kind, s, known)
	}
	return known[i], nil
}

// minPassword is the shortest password that RFC 3414 section 11.2 allows; agents refuse shorter ones too.
const minPassword = 8

// Validate returns what is wrong with c, nil if it can be used. It sends nothing, and its error shows no secret.
func (c Credential) Validate() error {
	switch c.Version {
	case snmp.V1, snmp.V2c:
		if c.Community.IsZero() {
			return fmt.Errorf("version %v needs a community", c.Version)
		}
		if c.User != "" || c.Auth != "" || c.Priv != "" || c.Context != "" || c.ContextEngineID != "" {
			return fmt.Errorf("user, auth, priv and context are of version 3, this is version %v", c.Version)
		}
		return nil
	case snmp.V3:
		return c.validateUser()
	}
	return fmt.Errorf("unknown SNMP version %v; known are 1, 2c and 3", c.Version)
}

func (c Credential) validateUser() error {
	switch {
	case c.User == "":
		return errors.New("version 3 needs a user")
	case len(c.ContextEngineID) != 0 && (len(c.ContextEngineID) < 5 || len(c.ContextEngineID) > 32):
		return fmt.Errorf("the context engine ID has %d octets; it has 5 to 32", len(c.ContextEngineID))
	case len(c.User) > 32:
		return fmt.Errorf("the user's name has %d octets; 32 are allowed", len(c.User))
	case !c.Community.IsZero():
		return errors.New("a community is of versions 1 and 2c, this is version 3")
	case c.Auth != "" && !slices.Contains(authProtocols, c.Auth):
		return fmt.Errorf("unknown authentication protocol %q; known are %v", c.Auth, authProtocols)
	case c.Priv != "" && !slices.Contains(privProtocols, c.Priv):
		return fmt.Errorf("unknown privacy protocol %q; known are %v", c.Priv, privProtocols)
	case c.Priv != "" && c.Auth == "":
		return errors.New("priv needs auth: the user-based security model has no privacy without authentication")
	case c.Auth != "" && len(c.AuthPassword.Reveal()) < minPassword:
		return fmt.Errorf("auth needs a password of at least %d characters", minPassword)
	case c.Priv != "" && len(c.PrivPassword.Reveal()) < minPassword:
		return fmt.Errorf("priv needs a password of at least %d characters", minPassword)
	case c.Auth == "" && !c.AuthPassword.IsZero():
		return errors.New("there is an authentication password but no authentication protocol")
	case c.Priv == "" && !c.PrivPassword.IsZero():
		return errors.New("there is a privacy password but no privacy protocol")
	}
	return nil
}
