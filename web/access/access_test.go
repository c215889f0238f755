package access_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"walkabout/internal/secret"
	"walkabout/web/access"
)

// user has the password "pw-" and the name.
func user(t *testing.T, name string, readOnly bool) access.User {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("pw-"+name), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return access.User{Name: name, Hash: secret.New(string(hash)), ReadOnly: readOnly}
}

// ask sends a request through g and returns the answer; the handler behind it answers with who asks.
func ask(g *access.Guard, method, path string, change func(*http.Request)) *http.Response {
	h := g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := access.Who(r)
		_, _ = fmt.Fprintf(w, "name=%s token=%v write=%v stranger=%v", id.Name, id.Token, id.MayWrite, id.Stranger)
	}))
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:8161"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

var silent = slog.New(slog.DiscardHandler)

func TestGuard(t *testing.T) {
	users := []access.User{user(t, "ann", false), user(t, "prometheus", true)}
	configs := map[string]access.Config{
		"open":   {Loopback: true},
		"token":  {Loopback: true, Token: secret.New("s3cret")},
		"users":  {Loopback: true, Users: users},
		"both":   {Users: users, Token: secret.New("s3cret")},
		"tokens": {Token: secret.New("s3cret")}, // on an address that others reach
	}
	basic := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	set := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == "Host" {
					r.Host = pairs[i+1]
				} else {
					r.Header.Set(pairs[i], pairs[i+1])
				}
			}
		}
	}
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	guards := map[string]*access.Guard{}
	for name, c := range configs {
		guards[name] = access.New(c, access.Paths{Open: []string{"/healthz"}, Query: []string{"/api/v1/"}}, silent)
	}
	for i, tt := range []struct {
		config, method, path string
		change               func(*http.Request)
		status               int
		want                 string // of the body
	}{
		{"open", "GET", "/api/ui/fleet", nil, 200, "name= token=false write=true stranger=false"},
		{"open", "POST", "/api/silences", nil, 200, "write=true"},
		{"open", "POST", "/api/silences", set("Host", "LOCALHOST:8161"), 200, ""},
		{"open", "POST", "/api/silences", set("Host", "[::1]"), 200, ""},
		{"open", "POST", "/api/silences", set("Host", "evil.example"), 421, `"error"`},
		{"open", "GET", "/metrics", set("Host", "evil.example:8161"), 421, "no name of this machine's own"},
		{"open", "GET", "/metrics", set("Host", "127.0.0.1.evil.example"), 421, ""},
		{"open", "GET", "/metrics", set("Host", "notlocalhost"), 421, ""},
		{"open", "GET", "/metrics", set("Host", "192.0.2.1:8161"), 421, ""},
		{"open", "GET", "/metrics", set("Host", "collector.localhost:9000"), 200, ""}, // a tunnel's port
		{"open", "GET", "/metrics", set("Host", "[::ffff:127.0.0.1]:8161"), 200, ""},
		{"open", "GET", "/metrics", set("Host", "LocalHost.:8161"), 200, ""},
		{"open", "GET", "/metrics", set("Host", ""), 200, ""},
		{"open", "POST", "/api/silences", set("X-Forwarded-For", "192.0.2.9"), 403, "only this machine"},
		{"open", "POST", "/api/silences", set("X-Forwarded-Proto", "https"), 403, "only this machine"},
		{"open", "POST", "/api/silences", set("X-Forwarded-Prefix", "/walkabout"), 403, "only this machine"},
		{"open", "POST", "/api/silences", set("Origin", "https://nms.example", "Sec-Fetch-Site", "same-origin"), 403, "only this machine"}, // a proxy that is silent
		{"token", "POST", "/api/silences", set("Origin", "https://nms.example", "Sec-Fetch-Site", "same-origin", "Authorization", "Bearer s3cret"), 200, ""},
		{"open", "GET", "/api/ui/session", set("X-Forwarded-For", "192.0.2.9"), 200, "write=false"},
		{"open", "POST", "/api/silences", from("192.0.2.9:5000"), 403, "only this machine"},
		{"open", "POST", "/api/silences", set("Origin", "https://evil.example"), 403, "cross-origin"},
		{"open", "POST", "/api/silences", set("Sec-Fetch-Site", "cross-site"), 403, "cross-origin"},
		{"open", "DELETE", "/api/silences/1", set("Sec-Fetch-Site", "same-site"), 403, "cross-origin"},
		{"open", "POST", "/api/silences", set("Sec-Fetch-Site", "same-origin"), 200, ""},
		{"open", "POST", "/api/silences", set("Origin", "http://127.0.0.1:8161"), 200, ""},
		{"open", "GET", "/metrics", set("Authorization", "Basic x"), 200, ""}, // nobody is asked
		{"open", "GET", "/snmp?target=192.0.2.1", set("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), 403, "another site"},
		{"open", "GET", "/alerts/1", set("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), 403, "another site"},
		{"open", "GET", "/alerts/1", set("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), 200, ""}, // a link in a mail
		{"open", "GET", "/", set("Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"), 200, ""},
		{"open", "POST", "/api/v1/query", set("X-Forwarded-For", "192.0.2.9"), 200, "write=false"},
		{"open", "DELETE", "/api/v1/query", set("X-Forwarded-For", "192.0.2.9"), 403, ""},
		{"users", "POST", "/api/v1/query", nil, 401, ""},
		{"users", "POST", "/api/v1/query", basic("prometheus", "pw-prometheus"), 200, ""},

		{"token", "GET", "/api/ui/fleet", nil, 200, "write=false"},
		{"token", "POST", "/api/silences", nil, 401, "api_token"},
		{"token", "POST", "/api/silences", set("Authorization", "Bearer s3cre"), 401, "wrong"},
		{"token", "POST", "/api/silences", set("Authorization", "Bearer s3cret"), 200, "name= token=true write=true"},
		{"token", "POST", "/api/silences", basic("", "s3cret"), 200, "token=true"},
		{"token", "POST", "/api/silences", basic("ann", "s3cret"), 200, "token=true"},
		{"token", "GET", "/api/ui/fleet", set("Authorization", "Bearer wrong"), 401, ""},

		{"users", "GET", "/api/ui/fleet", nil, 401, "say who you are"},
		{"users", "GET", "/", nil, 401, "say who you are"},
		{"users", "GET", "/healthz", nil, 200, "stranger=true"},
		{"users", "POST", "/healthz", nil, 401, ""},
		{"users", "GET", "/metrics", basic("ann", "pw-ann"), 200, "name=ann token=false write=true stranger=false"},
		{"users", "GET", "/healthz", basic("ann", "pw-ann"), 200, "stranger=false"},
		{"users", "POST", "/api/silences", basic("ann", "pw-ann"), 200, "name=ann"},
		{"users", "POST", "/api/silences", func(r *http.Request) {
			r.SetBasicAuth("ann", "pw-ann")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}, 403, "cross-origin"},
		{"users", "GET", "/metrics", basic("prometheus", "pw-prometheus"), 200, "write=false"},
		{"users", "POST", "/api/silences", basic("prometheus", "pw-prometheus"), 403, "may only look"},
		{"users", "GET", "/metrics", basic("ann", "pw-prometheus"), 401, "wrong user, password or token"},
		{"users", "GET", "/metrics", basic("bob", "pw-bob"), 401, "wrong user, password or token"},
		{"users", "GET", "/metrics", basic("ann", ""), 401, ""},
		{"users", "GET", "/metrics", basic("", ""), 401, ""},
		{"users", "GET", "/metrics", basic("ann", "pw-ann"+strings.Repeat("x", 100)), 401, ""},
		{"users", "GET", "/metrics", set("Authorization", "Bearer "), 401, ""},
		{"users", "GET", "/metrics", set("Authorization", "Basic !!"), 401, "makes no sense"},
		{"users", "GET", "/metrics", set("Authorization", "Digest x"), 401, "Basic or Bearer"},

		{"both", "GET", "/metrics", set("Host", "collector.example"), 401, ""},
		{"both", "GET", "/metrics", set("Host", "collector.example", "Authorization", "Bearer s3cret"), 200, "token=true"},
		{"both", "GET", "/metrics", basic("ann", "pw-ann"), 200, "name=ann"},

		{"tokens", "GET", "/metrics", nil, 401, ""},
		{"tokens", "GET", "/metrics", basic("any", "s3cret"), 200, "token=true"},
		{"tokens", "GET", "/metrics", basic("any", ""), 401, ""},
	} {
		r := ask(guards[tt.config], tt.method, tt.path, func(r *http.Request) {
			r.RemoteAddr = fmt.Sprintf("127.0.0.%d:5000", i+1) // whose mistakes are nobody else's
			if tt.change != nil {
				tt.change(r)
			}
		})
		if text := body(t, r); r.StatusCode != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %s %s: %d, %s; want %d, %s", tt.config, tt.method, tt.path, r.StatusCode, text, tt.status, tt.want)
		}
		if challenged := len(r.Header.Values("WWW-Authenticate")) == 2; challenged != (tt.status == 401) {
			t.Errorf("%s: %s %s: challenges %q", tt.config, tt.method, tt.path, r.Header.Values("WWW-Authenticate"))
		}
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"} {
			if got := r.Header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s %s: %s is %q", tt.config, tt.method, tt.path, name, got)
			}
		}
	}
}

// TestGuessing: who guesses is stopped, and those who are in stay in, even beside them.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := access.New(access.Config{Users: []access.User{user(t, "ann", false), user(t, "bob", false)}}, access.Paths{}, slog.New(slog.NewTextHandler(&log, nil)))
		try := func(address, name, password string) int {
			return ask(g, "GET", "/", func(r *http.Request) {
				r.RemoteAddr = address
				r.SetBasicAuth(name, password)
			}).StatusCode
		}
		if code := try("192.0.2.1:1", "ann", "pw-ann"); code != 200 {
			t.Fatal(code)
		}
		for i := range 5 {
			if code := try("192.0.2.1:1", "ann", fmt.Sprint("guess-", i)); code != 401 {
				t.Errorf("guess %d: %d", i, code)
			}
		}
		r := ask(g, "GET", "/", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:2"; r.SetBasicAuth("ann", "guess") })
		if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
			t.Errorf("the sixth guess: %d %v", r.StatusCode, r.Header)
		}
		if code := try("192.0.2.1:1", "bob", "pw-bob"); code != 429 {
			t.Errorf("a right password among guesses: %d", code)
		}
		if code := try("192.0.2.1:1", "ann", "pw-ann"); code != 200 {
			t.Errorf("who was in: %d", code)
		}
		if code := try("192.0.2.2:1", "bob", "pw-bob"); code != 200 {
			t.Errorf("from elsewhere: %d", code)
		}
		time.Sleep(6 * time.Second)
		if code := try("192.0.2.1:1", "bob", "wrong"); code != 401 {
			t.Errorf("six seconds later: %d", code)
		}
		time.Sleep(time.Hour)
		for i := range 20 { // right ones do not count
			if code := try(fmt.Sprintf("[2001:db8::%x]:1", i), "bob", "pw-bob"); code != 200 {
				t.Errorf("%d: %d", i, code)
			}
		}
		for i := range 6 { // one subscriber has a network of addresses
			if code, want := try(fmt.Sprintf("[2001:db8::%x]:1", i), "bob", "no"), 401; i < 5 && code != want || i == 5 && code != 429 {
				t.Errorf("guess %d of a network: %d", i, code)
			}
		}
		if text := log.String(); !strings.Contains(text, "source=192.0.2.1/32") || strings.Contains(text, "guess-") || strings.Contains(text, "pw-") {
			t.Errorf("the log:\n%s", text)
		}
	})
}

// TestConfigure: who is no user any more is not let in, although their password was right a moment ago.
func TestConfigure(t *testing.T) {
	g := access.New(access.Config{Users: []access.User{user(t, "ann", false)}}, access.Paths{}, silent)
	as := func(name string) int {
		return ask(g, "GET", "/", func(r *http.Request) { r.SetBasicAuth(name, "pw-"+name) }).StatusCode
	}
	if as("ann") != 200 || as("bob") != 401 {
		t.Error("before")
	}
	g.Configure(access.Config{Users: []access.User{user(t, "bob", false)}})
	if as("ann") != 401 || as("bob") != 200 {
		t.Error("after")
	}
}

// TestConfigureEnds: a request that waits for events ends when it is another's turn to say who may see them, and goes on when that stays as it was.
func TestConfigureEnds(t *testing.T) {
	ann := access.Config{Users: []access.User{user(t, "ann", false)}}
	g := access.New(ann, access.Paths{}, silent)
	waits := make(chan context.Context)
	h := g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		waits <- r.Context()
		<-r.Context().Done()
	}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequest(http.MethodGet, "/api/ui/events", nil)
		r.SetBasicAuth("ann", "pw-ann")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}()
	ctx := <-waits
	g.Configure(ann)
	if ctx.Err() != nil {
		t.Error("it ended although nothing changed")
	}
	g.Configure(access.Config{Users: []access.User{user(t, "bob", false)}})
	<-done
}

func TestHash(t *testing.T) {
	hash, err := access.Hash("correct horse")
	if err != nil || access.CheckHash(secret.New(hash)) != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse")) != nil {
		t.Errorf("%q, %v", hash, err)
	}
	for _, password := range []string{"", strings.Repeat("x", 73)} {
		if hash, err := access.Hash(password); err == nil {
			t.Errorf("%q gives %s", password, hash)
		}
	}
	for _, bad := range []string{"", "secret", "$2a$31$" + strings.Repeat("a", 53), "$2a$16$" + strings.Repeat("a", 53)} {
		if err := access.CheckHash(secret.New(bad)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// certificate writes a certificate of its own for name, and its key.
func certificate(t *testing.T, folder, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificate(t *testing.T) {
	folder := t.TempDir()
	cert, key := certificate(t, folder, "one.example")
	c, err := access.LoadCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	shown := func(config *tls.Config) (string, error) {
		mine, theirs := net.Pipe()
		defer mine.Close()
		go func() { // it ends when mine is closed
			defer theirs.Close()
			_ = tls.Server(theirs, c.Config()).Handshake()
		}()
		config.InsecureSkipVerify = true
		conn := tls.Client(mine, config)
		if err := conn.Handshake(); err != nil {
			return "", err
		}
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	if name, err := shown(&tls.Config{}); err != nil || name != "one.example" {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := shown(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	certificate(t, folder, "two.example")
	if err := c.Reload(); err != nil {
		t.Error(err)
	}
	if name, err := shown(&tls.Config{}); err != nil || name != "two.example" {
		t.Errorf("after a reload: %q, %v", name, err)
	}
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(); err == nil {
		t.Error("a key that makes no sense passes")
	}
	if name, err := shown(&tls.Config{}); err != nil || name != "two.example" {
		t.Errorf("after a reload that failed: %q, %v", name, err)
	}
	if _, err := access.LoadCertificate(cert, filepath.Join(folder, "none")); err == nil {
		t.Error("no key passes")
	}
}
