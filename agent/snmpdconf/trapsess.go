package snmpdconf

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// session is a trapsess line while it is read.
type session struct {
	sink                 Sink
	auth, priv           string   // protocols
	authWords, privWords []string // as key takes them
	level                bool     // -l was given
	hosts                []string
}

// sessionOption is an option of snmpcmd(1) with its argument.
type sessionOption struct {
	letter byte
	set    func(p *parser, s *session, value string) string // returns what is wrong, "" if nothing is
}

var sessionOptions = []sessionOption{
	{'v', func(_ *parser, s *session, v string) string {
		version, ok := map[string]snmp.Version{"1": snmp.V1, "2c": snmp.V2c, "3": snmp.V3}[strings.ToLower(v)]
		s.sink.Version = version
		return wrong(ok, "-v is 1, 2c or 3")
	}},
	{'c', func(_ *parser, s *session, v string) string { s.sink.Community = secret.New(v); return "" }},
	{'u', func(_ *parser, s *session, v string) string {
		s.sink.User = v
		return wrong(v != "" && len(v) <= usm.MaxUserName, "a user's name has 1 to 32 octets")
	}},
	{'l', func(_ *parser, s *session, v string) string {
		level, ok := map[string]snmp.SecurityLevel{"noauth": snmp.NoAuthNoPriv, "noauthnopriv": snmp.NoAuthNoPriv, "auth": snmp.AuthNoPriv,
			"authnopriv": snmp.AuthNoPriv, "priv": snmp.AuthPriv, "authpriv": snmp.AuthPriv}[strings.ToLower(v)]
		s.sink.Level, s.level = level, true
		return wrong(ok, "-l is noAuthNoPriv, authNoPriv or authPriv")
	}},
	{'n', func(_ *parser, s *session, v string) string {
		s.sink.Context = v
		return wrong(len(v) <= 32, "a contextName has at most 32 octets")
	}},
	{'e', func(_ *parser, s *session, v string) string {
		id, ok := parseEngineID(v)
		s.sink.EngineID = id
		return wrong(ok, "-e is an engine ID in hex, 5 to 32 octets")
	}},
	{'r', func(_ *parser, s *session, v string) string {
		n, err := strconv.ParseUint(v, 10, 8)
		s.sink.Retries = int(n)
		return wrong(err == nil && n <= 100, "-r is a number of retries from 0 to 100")
	}},
	{'t', func(_ *parser, s *session, v string) string {
		seconds, err := strconv.ParseFloat(v, 64)
		if err != nil || !(seconds > 0 && seconds <= math.MaxInt32/100) { // snmpTargetAddrTimeout, in hundredths
			return "-t is a number of seconds, such as 1.5"
		}
		s.sink.Timeout = time.Duration(seconds * float64(time.Second))
		return ""
	}},
	{'a', func(_ *parser, s *session, v string) string { s.auth = v; return "" }},
	{'x', func(_ *parser, s *session, v string) string { s.priv = v; return "" }},
	{'A', func(_ *parser, s *session, v string) string { s.authWords = []string{v}; return "" }},
	{'X', func(_ *parser, s *session, v string) string { s.privWords = []string{v}; return "" }},
	{'C', func(_ *parser, s *session, v string) string {
		s.sink.Inform = true
		return wrong(v == "i", "of the options of -C there is -Ci only")
	}},
	{'T', (*parser).sessionTLS},
	{'s', func(_ *parser, s *session, v string) string {
		var ok bool
		s.sink.Source, ok = parseSourceAddress(v)
		return wrong(ok, "after -s stands an address of this machine")
	}},
}

func wrong(ok bool, message string) string {
	if ok {
		return ""
	}
	return message
}

// trapsess reads [-profile P] [-name N] [-tag T] [-s SOURCE] [OPTIONS of snmpcmd(1)] HOST. No message holds a word that may be a secret.
func (p *parser) trapsess(name, value string) {
	w, ok := p.split(name, value, "[OPTION]... HOST", 1, 0)
	if !ok {
		return
	}
	s := &session{sink: p.newSink(snmp.V3, false)}
	for len(w) > 0 {
		if w, ok = p.sessionWord(name, s, w); !ok {
			return
		}
	}
	if len(s.hosts) != 1 {
		p.errorf("%s: after the options stands one receiver, and not %d", name, len(s.hosts))
		return
	}
	if s.sink.Address, ok = p.receiver(name, s.hosts[0]); ok && p.sessionSecurity(name, s) {
		p.addSink(name, s.sink)
	}
}

// sessionWord takes a word or an option off the front of w; false after an error.
func (p *parser) sessionWord(name string, s *session, w []string) ([]string, bool) {
	switch word := w[0]; {
	case !strings.HasPrefix(word, "-") || word == "-":
		s.hosts = append(s.hosts, word)
		return w[1:], true
	case word == "-profile" || word == "-name" || word == "-tag":
		return p.sinkOption(name, &s.sink, w)
	case word[1] == '3':
		return p.sessionKey(name, s, w)
	}
	for _, o := range sessionOptions {
		if o.letter != w[0][1] {
			continue
		}
		value, rest := w[0][2:], w[1:]
		if value == "" && len(rest) == 0 {
			p.errorf("%s: -%c needs a word after it", name, o.letter)
			return nil, false
		}
		if value == "" {
			value, rest = rest[0], rest[1:]
		}
		if message := o.set(p, s, value); message != "" {
			p.errorf("%s: %s", name, message)
			return nil, false
		}
		return rest, true
	}
	p.errorf("%s: the option -%c is not known here; known are -v -c -u -l -a -A -x -X -3 -e -n -r -t -s -T -Ci -profile -name -tag", name, w[0][1])
	return nil, false
}

// sessionKey takes -3m, -3M, -3k or -3K and its key off the front of w.
func (p *parser) sessionKey(name string, s *session, w []string) ([]string, bool) {
	kind, value, rest := "", "", w[1:]
	if len(w[0]) > 2 {
		kind, value = w[0][2:3], w[0][3:]
	}
	if value == "" && len(rest) > 0 {
		value, rest = rest[0], rest[1:]
	}
	if value != "" && !strings.HasPrefix(strings.ToLower(value), "0x") {
		value = "0x" + value
	}
	switch {
	case value == "" || !strings.ContainsAny(kind, "mMkK"):
		p.errorf("%s: the keys are -3m, -3M, -3k and -3K, each with a key in hex after it", name)
		return nil, false
	case kind == "m":
		s.authWords = []string{"-m", value}
	case kind == "M":
		s.privWords = []string{"-m", value}
	case kind == "k":
		s.authWords = []string{"-l", value}
	default:
		s.privWords = []string{"-l", value}
	}
	return rest, true
}

// sessionSecurity completes the sink by its version; false after an error.
func (p *parser) sessionSecurity(name string, s *session) bool {
	k := &s.sink
	if k.TLS.given() && !k.Address.Secure() {
		p.warnf("%s: -T is used by tlstcp: and dtlsudp: alone", name)
	}
	switch {
	case k.Version == snmp.V1 && k.Inform:
		p.errorf("%s: SNMPv1 has no informs: use -v 2c or -v 3", name)
	case k.Version != snmp.V3:
		if k.Community.IsZero() {
			k.Community = p.trapCommunity
		}
		return true
	case k.Address.Secure():
		return p.sessionTSM(name, s)
	case k.User == "":
		p.errorf("%s: SNMPv3, which is the default, needs a user (-u); for a community write -v 2c", name)
	case s.authWords == nil && s.privWords == nil:
		return true // createUser has the keys, which checkSinks sees to
	default:
		return p.sessionKeys(name, s)
	}
	return false
}

// sessionKeys makes the sink's keys of what the options say; false after an error.
func (p *parser) sessionKeys(name string, s *session) bool {
	k := &s.sink
	u := User{Name: k.User, File: p.file, Line: p.line}
	switch {
	case s.authWords == nil:
		p.errorf("%s: there is a privacy key, and none of authentication (-A)", name)
		return false
	case s.privWords == nil && k.Level == snmp.AuthPriv:
		p.errorf("%s: authPriv needs a privacy password (-X)", name)
		return false
	}
	if s.auth == "" {
		s.auth = "MD5"
		p.warnf("%s: without -a the authentication protocol is MD5, as in Net-SNMP", name)
	}
	var err error
	if u.Auth, err = usm.ParseAuthProtocol(s.auth); err != nil {
		p.errorf("%s: the authentication protocol (-a) must be one of MD5, SHA, SHA-224, SHA-256, SHA-384 and SHA-512", name)
		return false
	}
	var ok bool
	if u.auth, _, ok = p.key(name, "authentication", s.authWords, u.Auth.KeyLen(), u.Auth.KeyLen()); !ok {
		return false
	}
	if s.privWords != nil {
		if s.priv == "" {
			s.priv = "DES"
			p.warnf("%s: without -x the privacy protocol is DES, as in Net-SNMP", name)
		}
		if u.Priv, err = usm.ParsePrivProtocol(s.priv); err != nil {
			p.errorf("%s: the privacy protocol (-x) must be one of DES, AES, AES-192, AES-256, AES-192-C and AES-256-C", name)
			return false
		}
		if u.priv, _, ok = p.key(name, "privacy", s.privWords, u.Auth.KeyLen(), u.Priv.KeyLen()); !ok {
			return false
		}
	}
	k.keys = &u
	return true
}

// parseEngineID reads an snmpEngineID in hex, with or without 0x.
func parseEngineID(s string) (string, bool) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(s), "0x"))
	return string(b), err == nil && len(b) >= 5 && len(b) <= 32
}

// String returns what s is, without its secrets.
func (s *Sink) String() string {
	kind := "traps"
	if s.Inform {
		kind = "informs"
	}
	text := fmt.Sprintf("%s v%v to %v", kind, s.Version, s.Address)
	if s.TSM {
		return fmt.Sprintf("%s, by certificates, %v", text, s.Level)
	}
	if s.Version == snmp.V3 {
		return fmt.Sprintf("%s, user %s, %v", text, s.User, s.Level)
	}
	return fmt.Sprintf("%s, community %v", text, s.Community)
}
