package clienttls_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
)

// newServer returns a server that shows a certificate of ca's for 127.0.0.1 and collector.example, wants one of clients', and answers with the
// name in it.
func newServer(t *testing.T, ca, clients *tlstest.CA, max uint16) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.TLS = ca.Server(clients, "127.0.0.1", "collector.example")
	s.TLS.MaxVersion = max
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// get returns what the server at url says to a client of c.
func get(t *testing.T, c clienttls.Config, url string) (string, error) {
	t.Helper()
	config, err := c.TLS()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestHandshake(t *testing.T) {
	ca, other, clients := tlstest.NewCA(t), tlstest.NewCA(t), tlstest.NewCA(t)
	cert, key := clients.Client(t, "walkabout")
	strangeCert, strangeKey := other.Client(t, "stranger")
	good := clienttls.Config{CA: ca.File, Certificate: cert, Key: key}
	with := func(change func(*clienttls.Config)) clienttls.Config {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name   string
		config clienttls.Config
		max    uint16
		want   string // part of the error; "" for none
	}{
		{"all is well", good, 0, ""},
		{"another name of the server's", with(func(c *clienttls.Config) { c.ServerName = "collector.example" }), 0, ""},
		{"no name of the server's", with(func(c *clienttls.Config) { c.ServerName = "elsewhere.example" }), 0, "elsewhere.example"},
		{"another CA", with(func(c *clienttls.Config) { c.CA = other.File }), 0, "unknown authority"},
		{"the system's CAs", with(func(c *clienttls.Config) { c.CA = "" }), 0, "certificate"},
		{"no certificate", with(func(c *clienttls.Config) { c.Certificate, c.Key = "", "" }), 0, "tls: "},
		{"a stranger's certificate", with(func(c *clienttls.Config) { c.Certificate, c.Key = strangeCert, strangeKey }), 0, "tls: "},
		{"TLS 1.2", good, tls.VersionTLS12, ""},
		{"too old", with(func(c *clienttls.Config) { c.MinVersion = "1.3" }), tls.VersionTLS12, "protocol version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said, err := get(t, tt.config, newServer(t, ca, clients, tt.max).URL)
			switch {
			case tt.want == "" && (err != nil || said != "walkabout"):
				t.Errorf("%q, %v", said, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !clienttls.Untrusted(err)):
				t.Errorf("%q, %v; want an error of trust with %q", said, err, tt.want)
			}
		})
	}
}

// TestRenewal changes the client's files under a configuration that is in use.
func TestRenewal(t *testing.T) {
	ca, clients := tlstest.NewCA(t), tlstest.NewCA(t)
	s := newServer(t, ca, clients, 0)
	cert, key := clients.Client(t, "first")
	config, err := clienttls.Config{CA: ca.File, Certificate: cert, Key: key}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want string) {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, _ := io.ReadAll(resp.Body); string(b) != want {
			t.Errorf("the server saw %q, want %q", b, want)
		}
	}
	ask("first")
	newCert, newKey := clients.Client(t, "second")
	move(t, newCert, cert)
	ask("first") // the key is still the old one
	move(t, newKey, key)
	ask("second")
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestMistakes(t *testing.T) {
	ca := tlstest.NewCA(t)
	cert, key := ca.Client(t, "walkabout")
	none, junk := filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		config clienttls.Config
		want   string
	}{
		{clienttls.Config{CA: none}, "ca: "},
		{clienttls.Config{CA: junk}, "ca: " + junk + " holds no certificate"},
		{clienttls.Config{Certificate: cert}, "key is not"},
		{clienttls.Config{Key: key}, "certificate is not"},
		{clienttls.Config{Certificate: cert, Key: junk}, "certificate and key: "},
		{clienttls.Config{Certificate: none, Key: key}, "certificate and key: "},
		{clienttls.Config{MinVersion: "1.1"}, `min_version "1.1": write 1.2 or 1.3`},
	}
	for _, tt := range tests {
		_, err := tt.config.TLS()
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%+v: %v, want %q", tt.config, err, tt.want)
		}
	}
	if _, err := (clienttls.Config{CA: none}).TLS(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want ErrNotExist", err)
	}
	if _, err := get(t, clienttls.Config{}, "https://127.0.0.1:1/"); err == nil || clienttls.Untrusted(err) {
		t.Errorf("nobody there: %v", err)
	}
	if !(clienttls.Config{}).IsZero() || (clienttls.Config{CA: none}).IsZero() {
		t.Error("IsZero")
	}
}
