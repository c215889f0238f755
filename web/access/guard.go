// Package access decides who may see the collector's pages, and who may change something by them.
package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"walkabout/internal/lograte"
	"walkabout/internal/secret"
)

// User is somebody who may see the pages.
type User struct {
	Name     string
	Hash     secret.String // of the password, by bcrypt: Hash makes one
	ReadOnly bool          // they may change nothing
}

// Config says who may do what.
type Config struct {
	// Users are asked for name and password (HTTP Basic, RFC 7617) for all but health.
	Users []User
	// Token is a further secret that lets its bearer do everything: as Authorization: Bearer, or as a password beside any name. Where there are
	// no Users and the pages are on loopback, it is wanted for changes only.
	Token secret.String
	// Loopback: the pages are served on loopback only.
	Loopback bool
}

// required reports whether nobody sees anything without saying who they are.
func (c *Config) required() bool { return len(c.Users) > 0 || !c.Token.IsZero() && !c.Loopback }

// Identity is who asks.
type Identity struct {
	Name     string // of the User; "" for others
	Token    bool   // they have the Token
	Stranger bool   // they did not say who they are, which others must: what is open to everybody says little
	MayWrite bool
	WhyNot   string // what to do about it, unless MayWrite
}

type identityKey struct{}

// Who returns who asks, in a handler behind a Guard.
func Who(r *http.Request) Identity {
	id, _ := r.Context().Value(identityKey{}).(Identity)
	return id
}

// Guard stands in front of the pages. It may be used by any goroutine.
type Guard struct {
	paths    Paths
	log      *slog.Logger
	cross    *http.CrossOriginProtection
	accounts atomic.Pointer[accounts]
	failures failures
	said     lograte.Sources
}

// Paths are those of which other things hold.
type Paths struct {
	Open  []string // everybody may read them: health
	Query []string // a POST to what begins so changes nothing: it asks what would not fit an address
}

// New returns a Guard.
func New(c Config, paths Paths, log *slog.Logger) *Guard {
	g := &Guard{paths: paths, log: log, cross: http.NewCrossOriginProtection()}
	g.Configure(c)
	return g
}

// Configure makes c what holds from now on. If it is another than it was, requests that are on their way end: one for events would go on for ever, whoever
// asked for it.
func (g *Guard) Configure(c Config) {
	if old := g.accounts.Load(); old == nil {
		g.accounts.Store(newAccounts(c))
	} else if !old.same(c) {
		g.accounts.Store(newAccounts(c))
		old.end()
	}
}

// Handler returns next, guarded.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		a := g.accounts.Load()
		if a.Loopback && !loopbackName(r.Host) {
			refuse(w, r, http.StatusMisdirectedRequest, fmt.Sprintf("Host %q is no name of this machine's own: ask for a loopback address, or have a proxy say so in the header Host.", r.Host))
			return
		}
		if err := g.cross.Check(r); err != nil || foreign(r) {
			refuse(w, r, http.StatusForbidden, "a page of another site asks (cross-origin)")
			return
		}
		id, ok := g.identify(a, w, r)
		if !ok {
			return
		}
		if g.changes(r) && !id.MayWrite {
			if id.Name == "" && !a.nobody() { // a password would do
				challenge(w, r, id.WhyNot)
			} else {
				refuse(w, r, http.StatusForbidden, id.WhyNot)
			}
			return
		}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), identityKey{}, id))
		defer cancel()
		defer context.AfterFunc(a.valid, cancel)()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// changes reports whether r may change something.
func (g *Guard) changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	case http.MethodPost:
		return !slices.ContainsFunc(g.paths.Query, func(prefix string) bool { return strings.HasPrefix(r.URL.Path, prefix) })
	}
	return true
}

// foreign reports whether another site's page has a browser load r as a part of it. It could not read the answer, but have devices asked (on demand), and
// measure how long it takes. Links from elsewhere are followed.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// identify says who asks; false if the answer was given.
func (g *Guard) identify(a *accounts, w http.ResponseWriter, r *http.Request) (Identity, bool) {
	field := r.Header.Get("Authorization")
	if field == "" || a.nobody() {
		if a.required() && !slices.Contains(g.paths.Open, r.URL.Path) {
			challenge(w, r, "say who you are: a user of pages: users:, or api_token")
			return Identity{}, false
		}
		id := anybody(a, r)
		id.Stranger = a.required()
		return id, true
	}
	given, err := parse(field)
	if err != nil {
		challenge(w, r, err.Error())
		return Identity{}, false
	}
	if id, ok := a.known(given); ok {
		return id, true
	}
	source := sourceOf(r)
	if wait := g.failures.take(source); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		refuse(w, r, http.StatusTooManyRequests, "too many wrong passwords from your address: wait a little")
		return Identity{}, false
	}
	id, err := a.check(r.Context(), given)
	if err != nil {
		if errors.Is(err, errWrong) && g.said.Due(source.Addr()) {
			g.log.Warn("somebody gave a wrong password or token to the pages", "source", source)
		}
		challenge(w, r, err.Error())
		return Identity{}, false
	}
	g.failures.give(source)
	return id, true
}

// anybody is who says nothing of who they are.
func anybody(a *accounts, r *http.Request) Identity {
	switch {
	case !a.nobody():
		return Identity{WhyNot: "to change something say who you are: api_token of the configuration is wanted, as Authorization: Bearer TOKEN or as a password"}
	case !local(r):
		return Identity{WhyNot: "without api_token or pages: users: in the configuration only this machine may change anything, by way of a loopback address"}
	}
	return Identity{MayWrite: true}
}

// headers are on every answer. What pages load comes from here, nothing is written into them, and no other site may show or read them.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store") // what may be kept says so itself
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// challenge has a browser ask for name and password.
func challenge(w http.ResponseWriter, r *http.Request, why string) {
	w.Header().Add("WWW-Authenticate", `Basic realm="snmpcollect", charset="UTF-8"`)
	w.Header().Add("WWW-Authenticate", `Bearer realm="snmpcollect"`)
	refuse(w, r, http.StatusUnauthorized, why)
}

func refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		http.Error(w, why, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why}) // who does not take it has gone
}
