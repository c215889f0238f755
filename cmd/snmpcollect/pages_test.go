package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"walkabout/sim"
)

// freePort returns one that nobody listened at a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// writeCertificate writes a certificate of its own for localhost, with the serial number, and its key.
func writeCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeText(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// TestPagesProtected: with TLS and users nobody sees anything without a password; the commands know how to ask; a reload takes new users and a new certificate.
func TestPagesProtected(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "wan", Speed: 1e9, InRate: 1e6})
	folder, port := t.TempDir(), freePort(t)
	path, cert, key := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	write := func(user string) {
		hash, err := bcrypt.GenerateFromPassword([]byte("pw-"+user), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		writeText(t, path, fmt.Sprintf(`interval: 1s
listen: ":%d"
state: %s
api_token: t0ken
pages:
  tls: {certificate: %s, key: %s}
  users: [{name: %s, password_hash: "%s"}, {name: prometheus, password_hash: "%s", read_only: true}]
credentials: {lab: {version: 2c, community: public}}
targets: [{name: switch1, address: %q, credential: lab, collect: [interfaces]}]
`, port, filepath.Join(folder, "state"), cert, key, user, hash, hash, address))
	}
	writeCertificate(t, cert, key, 1)
	write("ann")
	r := start(t, "run", "-c", path)
	r.await(`msg=collecting`, 1)
	base := fmt.Sprintf("https://localhost:%d", port)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	ask := func(method, path, user, password string) (int, string, *tls.ConnectionState) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		if user != "" {
			q.SetBasicAuth(user, password)
		}
		answer, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text), answer.TLS
	}
	for _, tt := range []struct {
		method, path, user, password string
		status                       int
		want                         string
	}{
		{"GET", "/", "", "", 401, "say who you are"}, {"GET", "/metrics", "", "", 401, ""}, {"GET", "/api/alerts", "", "", 401, ""}, {"GET", "/api/live", "", "", 401, ""},
		{"GET", "/status", "", "", 401, ""}, {"GET", "/assets/nothing", "", "", 401, ""}, {"GET", "/healthz", "", "", 200, `"status":"ok"`},
		{"GET", "/metrics", "prometheus", "pw-ann", 200, "snmpcollect_polls_total"}, {"POST", "/api/silences", "prometheus", "pw-ann", 403, "may only look"},
		{"POST", "/api/silences", "ann", "pw-ann", 400, "silence needs"}, {"GET", "/", "ann", "pw-ann", 200, "<!doctype html>"},
		{"GET", "/api/ui/fleet", "ann", "pw-ann", 200, `"name":"switch1"`}, {"GET", "/api/ui/session", "ann", "pw-ann", 200, `"user":"ann","may_write":true`},
	} {
		if status, text, _ := ask(tt.method, tt.path, tt.user, tt.password); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s as %q: %d %.200s", tt.method, tt.path, tt.user, status, text)
		}
	}
	for _, args := range [][]string{{"status", "-c", path}, {"top", "--once", "--devices", "-c", path}, {"alert", "list", "-c", path}} { // by api_token of the file
		if code, stdout, stderr := command(t.Context(), args...); code != 0 || args[0] != "alert" && !strings.Contains(stdout, "switch1") {
			t.Errorf("%v: %d\n%s%s", args, code, stdout, stderr)
		}
	}
	nobody := labFile(t, "") // whose collector is another
	t.Setenv(envPassword, "pw-ann")
	for _, args := range [][]string{{"status", "--url", base}, {"top", "--once", "--devices", "--address", base}, {"alert", "list", "--url", base}} {
		args = append(args, "-c", nobody, "--ca", cert)
		if code, _, stderr := command(t.Context(), args...); code != 1 || !strings.Contains(stderr, "401") && !strings.Contains(stderr, "say who you are") {
			t.Errorf("%v: %d\n%s", args, code, stderr)
		}
		args = append(args, "--user", "ann")
		if code, stdout, stderr := command(t.Context(), args...); code != 0 || args[0] != "alert" && !strings.Contains(stdout, "switch1") {
			t.Errorf("%v: %d\n%s%s", args, code, stdout, stderr)
		}
	}
	if code, _, stderr := command(t.Context(), "status", "-c", nobody, "--user", "ann", "--url", "http://192.0.2.1:8161"); code != 1 || !strings.Contains(stderr, "in the clear") {
		t.Errorf("a password over http: %d, %s", code, stderr)
	}
	if code, _, stderr := command(t.Context(), "status", "-c", nobody, "--user", "ann", "--url", base); code != 1 || !strings.Contains(stderr, "certificate") {
		t.Errorf("a certificate that nobody knows: %d, %s", code, stderr)
	}

	writeCertificate(t, cert, key, 2)
	write("bob")
	r.hangup <- syscall.SIGHUP
	r.await("the configuration was read anew", 1)
	if status, _, state := ask("GET", "/", "bob", "pw-bob"); status != 200 || state.PeerCertificates[0].SerialNumber.Int64() != 2 {
		t.Errorf("after the reload: %d, certificate %v", status, state.PeerCertificates[0].SerialNumber)
	}
	if status, _, _ := ask("GET", "/", "ann", "pw-ann"); status != 401 {
		t.Errorf("who is no user any more: %d", status)
	}
}

// TestPagesTellNoSecret: what the configuration keeps secret stands on no page, nor in what they load, whatever fails.
func TestPagesTellNoSecret(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "wan", Speed: 1e9, InRate: 1e6})
	const planted = "pl4nted"
	path := filepath.Join(t.TempDir(), "c.yaml")
	writeText(t, path, fmt.Sprintf(`interval: 1s
listen: 127.0.0.1:0
state: %s
api_token: %[2]s-token
scrape: {last_values: true}
credentials:
  lab: {version: 2c, community: public}
  wrong: {version: 2c, community: %[2]s-community}
  v3: {version: 3, user: u, auth: SHA-256, auth_password: %[2]s-auth-password, priv: AES, priv_password: %[2]s-priv-password}
targets:
  - {name: switch1, address: %[3]q, credential: lab, collect: [system, interfaces]}
  - {name: switch2, address: %[3]q, credential: wrong, collect: [system, interfaces], timeout: 100ms, retries: 0}
  - {name: switch3, address: %[3]q, credential: v3, collect: [system, interfaces], timeout: 100ms, retries: 0}
outputs:
  - influxdb: {url: "http://127.0.0.1:1", bucket: b, token: %[2]s-influx}
  - prometheus: {url: "http://127.0.0.1:1/api/v1/write", user: u, password: %[2]s-url}
http_sd_configs:
  - {url: "http://user:%[2]s-list@127.0.0.1:1/targets", credential: lab, collect: [system]}
notify:
  - webhook: {url: "http://user:%[2]s-user@127.0.0.1:1/hook/%[2]s-path?key=%[2]s-query", token: %[2]s-hook}
alerts: {device_unreachable: {polls: 1}, snmp_silent: {polls: 1}, authentication_failed: {polls: 1}}
`, filepath.Join(t.TempDir(), "state"), planted, address.String()))
	r := start(t, "run", "-c", path)
	base := "http://" + r.await(`listen=(\S+)`, 1)[1]
	ready := func() bool { // all that can fail has failed, and what can be seen is there
		text := get(t, base+"/api/ui/collector", 200)
		return strings.Contains(text, "output failed") && regexp.MustCompile(`"failed":[1-9]`).MatchString(text) &&
			strings.Contains(get(t, base+"/api/ui/device?device=switch1", 200), `"key":"wan"`)
	}
	for end := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not everything failed that should:\n%s\n%s", get(t, base+"/api/ui/collector", 200), r.log.String())
		}
	}
	for _, path := range []string{"/", "/metrics", "/metrics/devices", "/healthz", "/status", "/api/live", "/api/live?devices=true", "/api/alerts?never_up=true", "/api/alerts/history", "/api/silences", "/api/maintenance",
		"/api/ui/session", "/api/ui/fleet", "/api/ui/device?device=switch1", "/api/ui/device?device=switch2", "/api/ui/device?device=switch3", "/api/ui/interface?device=switch1&interface=wan",
		"/api/ui/graph?device=switch1&interface=wan", "/api/ui/alerts", "/api/ui/collector", "/api/ui/log"} {
		answer, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || strings.Contains(string(text), planted) {
			t.Errorf("%s tells a secret (%v):\n%s", path, err, text)
		}
		if strings.HasPrefix(path, "/api/ui/") && answer.StatusCode != 200 {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	if strings.Contains(r.log.String(), planted) {
		t.Errorf("the log tells a secret:\n%s", r.log.String())
	}
}

func TestHashPassword(t *testing.T) {
	for text, want := range map[string]string{"secret word\n": "secret word", "no end": "no end", "dos\r\n": "dos", "first\nsecond\n": "first", "": ""} {
		if got, err := (process{}).readPassword(strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("pw\n"); err != nil || out.Close() != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	c := (process{stdout: &stdout, stderr: io.Discard}).hashCommand()
	c.SetIn(in)
	if err := c.RunE(c, nil); err != nil || bcrypt.CompareHashAndPassword(bytes.TrimSpace(stdout.Bytes()), []byte("pw")) != nil {
		t.Errorf("%v, %s", err, stdout.String())
	}
}
