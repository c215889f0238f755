package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"walkabout/internal/secret"
	"walkabout/web/access"
)

// Pages say how the pages are served, and to whom.
type Pages struct {
	Certificate, Key string // files of PEM; "" serves without TLS
	Users            []access.User
	Below            string // the path of external_url, which a proxy has the pages below: "", or "/walkabout"
}

const (
	// soonOver is how long before its end a certificate is warned of.
	soonOver = 14 * 24 * time.Hour
	// shortToken is a length below which api_token is warned of, where others may try to guess it.
	shortToken = 16
)

type pagesKeys struct {
	TLS   serverTLS   `yaml:"tls"`
	Users []pagesUser `yaml:"users"`
}

type serverTLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

type pagesUser struct {
	Name             string        `yaml:"name"`
	PasswordHash     secret.String `yaml:"password_hash"`
	PasswordHashFile string        `yaml:"password_hash_file"`
	PasswordHashEnv  string        `yaml:"password_hash_env"`
	ReadOnly         bool          `yaml:"read_only"`
}

// pages reads the section.
func (r *reader) pages(k pagesKeys) Pages {
	p := Pages{Certificate: k.TLS.Certificate, Key: k.TLS.Key}
	r.checkPath(p.Certificate, "pages", "tls", "certificate")
	r.checkPath(p.Key, "pages", "tls", "key")
	switch {
	case (p.Certificate == "") != (p.Key == ""):
		r.fail(errors.New("tls takes both: certificate, and key"), "pages", "tls")
	case p.Certificate != "":
		cert, err := access.LoadCertificate(p.Certificate, p.Key)
		if err != nil {
			r.fail(err, "pages", "tls")
		} else if end, now := cert.NotAfter(), time.Now(); end.Before(now.Add(soonOver)) {
			verb := "ends"
			if end.Before(now) {
				verb = "ended"
			}
			r.warn(fmt.Sprintf("certificate %s %s on %s: browsers refuse it then; SIGHUP reads a new one", p.Certificate, verb, end.UTC().Format("2006-01-02 15:04 MST")), "pages", "tls")
		}
	}
	names := map[string]bool{}
	for i, u := range k.Users {
		at := []any{"pages", "users", i}
		hash, ok := r.secret(source{"password_hash", u.PasswordHash, u.PasswordHashFile, u.PasswordHashEnv}, at...)
		switch {
		case !ok:
			continue
		case u.Name == "" || names[u.Name]:
			r.fail(fmt.Errorf("user %q: each has a name of their own", u.Name), at...)
		case strings.ContainsFunc(u.Name, func(c rune) bool { return c == ':' || unicode.IsControl(c) }): // RFC 7617, section 2
			r.fail(fmt.Errorf("user %q: a browser cannot send a name with a colon or a control character", u.Name), at...)
		case hash.IsZero():
			r.fail(fmt.Errorf("user %q has no password_hash: `snmpcollect hash-password` makes one", u.Name), at...)
		default:
			if err := access.CheckHash(hash); err != nil {
				r.fail(fmt.Errorf("user %q: password_hash: %w", u.Name, err), at...)
			}
		}
		names[u.Name] = true
		p.Users = append(p.Users, access.User{Name: u.Name, Hash: hash, ReadOnly: u.ReadOnly})
	}
	return p
}

// checkReach refuses pages that other machines reach without TLS or password.
func (r *reader) checkReach(c Config) {
	host, _, err := net.SplitHostPort(c.Listen)
	if c.Listen == "" || err != nil || LoopbackHost(host) {
		return
	}
	var lacks []string
	if c.Pages.Certificate == "" {
		lacks = append(lacks, "TLS (pages: tls: {certificate: FILE, key: FILE})")
	}
	if len(c.Pages.Users) == 0 && c.APIToken.IsZero() {
		lacks = append(lacks, "a password (pages: users:, with a hash of `snmpcollect hash-password`; or api_token)")
	}
	if n := len(c.APIToken.Reveal()); n > 0 && n < shortToken {
		r.warn(fmt.Sprintf("api_token has fewer than %d characters, and other machines reach %s: somebody will guess it; `openssl rand -hex 16` makes one", shortToken, c.Listen), "api_token")
	}
	if len(lacks) > 0 {
		what := lacks[0]
		if len(lacks) > 1 {
			what += " and " + lacks[1]
		}
		r.fail(fmt.Errorf("other machines reach %s, so it takes %s; or listen at %s, behind a proxy that has both", c.Listen, what, DefaultListen), "listen")
	}
}

// LoopbackHost reports whether what listens at host is reached from this machine only.
func LoopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// Access returns who may see and change what.
func (c Config) Access() access.Config {
	host, _, _ := net.SplitHostPort(c.Listen) // it was checked
	return access.Config{Users: c.Pages.Users, Token: c.APIToken, Loopback: LoopbackHost(host)}
}

// listenSummary says where the pages are, and who may see them.
func (c Config) listenSummary() string {
	if c.Listen == "" {
		return "off"
	}
	who := "everybody on this machine may see the pages"
	switch {
	case len(c.Pages.Users) > 0:
		who = fmt.Sprintf("users (%d) may see the pages", len(c.Pages.Users))
	case c.Access().Loopback && !c.APIToken.IsZero():
		who += "; changes take api_token"
	case !c.APIToken.IsZero():
		who = "whoever has api_token may see the pages"
	}
	if c.Pages.Certificate != "" {
		who += ", by TLS"
	}
	return c.Listen + "; " + who
}
