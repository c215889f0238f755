package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"walkabout/agent/secure"
	"walkabout/snmp/tlstm"
)

// keyOf returns the DER of a pair's key.
func keyOf(t testing.TB, c tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestStore(t *testing.T) {
	ca := newAuthority(t, "ca")
	own, other := ca.client("snmpd"), ca.client("other")
	dir := t.TempDir()
	folder := filepath.Join(dir, "tls")
	file := writePEM(t, filepath.Join(folder, "certs", "snmpd.crt"), 0o644, "CERTIFICATE", own.Certificate[0], ca.cert.Raw)
	writePEM(t, filepath.Join(folder, "private", "snmpd.key"), 0o600, "PRIVATE KEY", keyOf(t, own))
	writePEM(t, filepath.Join(folder, "ca-certs", "ca.pem"), 0o644, "CERTIFICATE", ca.cert.Raw)
	if err := os.WriteFile(filepath.Join(folder, "certs", "other.der"), other.Certificate[0], 0o644); err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(folder, "certs", "bad.crt"), 0o644, "CERTIFICATE", []byte("no DER"))
	writePEM(t, filepath.Join(folder, "private", "stranger.key"), 0o644, "PRIVATE KEY", keyOf(t, other))
	writePEM(t, filepath.Join(folder, "private", "locked.key"), 0o600, "ENCRYPTED PRIVATE KEY", []byte("x"))
	writePEM(t, filepath.Join(folder, "more", "more.crt"), 0o644, "CERTIFICATE", other.Certificate[0])
	s := secure.NewStore([]string{filepath.Join(dir, "none"), folder}, []string{"more"})
	if n := len(s.All()); n != 4 {
		t.Errorf("%d certificates, want 4", n)
	}
	for name, want := range map[string][]byte{
		"snmpd": own.Certificate[0], "snmpd.crt": own.Certificate[0], "ca": ca.cert.Raw, "other": other.Certificate[0], "more": other.Certificate[0],
		file: own.Certificate[0], "./tls/ca-certs/ca.pem": ca.cert.Raw, tlstm.Of(tlstm.SHA1, ca.cert.Raw).String(): ca.cert.Raw,
		strings.TrimPrefix(tlstm.Of(tlstm.SHA256, other.Certificate[0]).String(), "sha256:"): other.Certificate[0],
	} {
		if c, err := s.Find(dir, name); err != nil || string(c.Raw) != string(want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]error{
		"nobody": secure.ErrNotFound, tlstm.Of(tlstm.SHA256, nil).String(): secure.ErrNotFound, "bad": secure.ErrFile, "./none.crt": fs.ErrNotExist,
		folder + "/": secure.ErrFile, "./tls/private/snmpd.key": secure.ErrFile,
	} {
		if c, err := s.Find(dir, name); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v; want %v", name, c, err, want)
		}
	}

	c, err := s.Find(dir, "snmpd")
	if err != nil {
		t.Fatal(err)
	}
	pair, found, readers, err := s.Pair(c, "")
	if err != nil || found != filepath.Join(folder, "private", "snmpd.key") || readers || len(pair.Certificate) != 2 || pair.PrivateKey == nil {
		t.Errorf("%s, %t, %d certificates, %v", found, readers, len(pair.Certificate), err)
	}
	for key, want := range map[string]error{
		"stranger.key": secure.ErrFile, "locked.key": secure.ErrFile, "none.key": fs.ErrNotExist, "../certs/snmpd.crt": secure.ErrFile,
	} {
		if _, _, _, err := s.Pair(c, filepath.Join(folder, "private", key)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	if c, err = s.Find(dir, "ca"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Pair(c, ""); !errors.Is(err, secure.ErrNotFound) {
		t.Errorf("a certificate without a key: %v", err)
	}
	if c, err = s.Find(dir, "other"); err != nil {
		t.Fatal(err)
	}
	if _, _, readers, err := s.Pair(c, filepath.Join(folder, "private", "stranger.key")); err != nil || !readers && runtime.GOOS != "windows" {
		t.Errorf("a key that all may read: %t, %v", readers, err)
	}
}

func TestRevocationList(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	dir := t.TempDir()
	list := ca.revoke(ca.client("joe"))
	file := writePEM(t, filepath.Join(dir, "crl.pem"), 0o644, "X509 CRL", list.Raw)
	held := []*x509.Certificate{other.cert, ca.cert}
	if got, err := secure.RevocationList(file, held); err != nil || len(got.RevokedCertificateEntries) != 1 {
		t.Errorf("%v", err)
	}
	if _, err := secure.RevocationList(file, held[:1]); !errors.Is(err, secure.ErrFile) {
		t.Errorf("of an issuer that is not held: %v", err)
	}
	if _, err := secure.RevocationList(file, []*x509.Certificate{newAuthority(t, "ca").cert}); !errors.Is(err, secure.ErrFile) {
		t.Errorf("of another issuer of that name: %v", err)
	}
	if _, err := secure.RevocationList(writePEM(t, filepath.Join(dir, "bad"), 0o644, "X509 CRL", []byte("x")), held); !errors.Is(err, secure.ErrFile) {
		t.Errorf("no list: %v", err)
	}
	if _, err := secure.RevocationList(filepath.Join(dir, "none"), held); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
