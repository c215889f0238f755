package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"walkabout/snmp/tlstm"
)

// issuer makes certificates for tests.
type issuer struct {
	t      *testing.T
	dir    string // where tls folders are
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// newIssuer is an authority whose certificate is dir/tls/ca-certs/ca.crt.
func newIssuer(t *testing.T, dir string) *issuer {
	t.Helper()
	i := &issuer{t: t, dir: dir}
	i.cert, i.key = i.make(&x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign})
	i.write("tls/ca-certs/ca.crt", 0o644, "CERTIFICATE", i.cert.Raw)
	return i
}

func (i *issuer) make(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.serial++
	c.SerialNumber = big.NewInt(i.serial)
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		i.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		i.t.Fatal(err)
	}
	return out, key
}

// issue writes a certificate of a name, and its key, into a tls folder.
func (i *issuer) issue(folder, name string, c *x509.Certificate) *x509.Certificate {
	i.t.Helper()
	c.Subject.CommonName, c.DNSNames = name, []string{name}
	cert, key := i.make(c)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		i.t.Fatal(err)
	}
	i.write(filepath.Join(folder, "certs", name+".crt"), 0o644, "CERTIFICATE", cert.Raw)
	i.write(filepath.Join(folder, "private", name+".key"), 0o600, "PRIVATE KEY", der)
	return cert
}

func (i *issuer) revoke(file string, next time.Time, certs ...*x509.Certificate) {
	i.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: next.Add(-time.Hour), NextUpdate: next}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, i.cert, i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	i.write(file, 0o644, "X509 CRL", der)
}

func (i *issuer) write(file string, mode os.FileMode, kind string, der []byte) {
	i.t.Helper()
	file = filepath.Join(i.dir, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		i.t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		i.t.Fatal(err)
	}
}

// TestCheckCertificates: check says who the agent is by TLS and whom it lets in, and what is wrong with certificates and keys, but no key.
func TestCheckCertificates(t *testing.T) {
	path := config(t, "")
	dir := filepath.Dir(path)
	ca := newIssuer(t, dir)
	own := ca.issue("tls", "snmpd", &x509.Certificate{})
	other := ca.issue("tls", "other", &x509.Certificate{})
	ca.issue("tls", "old", &x509.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	ca.issue("tls", "open", &x509.Certificate{})
	if err := os.Chmod(filepath.Join(dir, "tls/private/open.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	ca.revoke("crl.pem", time.Now().Add(time.Hour), other)
	ca.revoke("late.pem", time.Now().Add(-time.Hour), other)
	stranger := newIssuer(t, t.TempDir())
	stranger.dir = dir
	stranger.revoke("strange.pem", time.Now().Add(time.Hour))
	const listen = "agentAddress tlstcp:10161,dtlsudp:[::1]\nrwuser -s tsm joe priv\n"
	for what, tt := range map[string]struct {
		lines string
		code  int
		want  []string
	}{
		"right": {listen + "certSecName 10 ca --dns\ncertSecName 20 other --sn joe\n[snmp] x509CRLFile crl.pem\ntrustCert other", exitOK, []string{
			"listen tlstcp:10161\nlisten dtlsudp6:[::1]:10161\n", "user joe (by TLS): read and write everything (snmpd.conf:2)",
			"snmpd.crt: CN=snmpd, until ", tlstm.Of(tlstm.SHA256, own.Raw).String(), "certSecName 10 sha256:", "(clients of CN=ca): the name that --dns says",
			"certSecName 20 " + tlstm.Of(tlstm.SHA256, other.Raw).String() + " (CN=other): joe: read and write everything",
		}},
		"no certificate":     {listen + "[snmp] localCert nobody\ncertSecName 1 ca --cn", exitError, []string{"snmpd.conf:3: error: localCert: no such certificate: nobody: it is in none of"}},
		"a file that is not": {listen + "[snmp] localCert ./none.crt\ncertSecName 1 ca --cn", exitError, []string{"snmpd.conf:3: error: localCert: ", "none.crt"}},
		"another's key": {listen + "[snmp] localCert snmpd tls/private/other.key\ncertSecName 1 ca --cn", exitError, []string{
			"snmpd.conf:3: error: localCert: unusable file: ", "other.key: tls: private key does not match public key",
		}},
		"no key":                  {listen + "[snmp] localCert ca\ncertSecName 1 ca --cn", exitError, []string{"snmpd.conf:3: error: localCert: no such certificate: the private key of "}},
		"expired":                 {listen + "[snmp] localCert old\ncertSecName 1 ca --cn", exitOK, []string{"snmpd.conf:3: warning: localCert: the certificate of CN=old is valid from "}},
		"an unknown client":       {listen + "certSecName 1 nobody --cn", exitError, []string{"snmpd.conf:3: error: certSecName: no such certificate"}},
		"a fingerprint of SHA-1":  {listen + "certSecName 1 " + tlstm.Of(tlstm.SHA1, other.Raw).String() + " --sn joe", exitOK, []string{"snmpd.conf:3: warning: certSecName: SHA-1 is weak", "(CN=other): joe"}},
		"a fingerprint cut short": {listen + "certSecName 1 " + tlstm.Of(tlstm.SHA256, other.Raw).String()[:60] + " --sn joe", exitError, []string{"snmpd.conf:3: error: certSecName: no such certificate"}},
		"MD5":                     {listen + "certSecName 1 --md5 00 --sn joe", exitError, []string{"fingerprints of MD5 are not safe"}},
		"two of a number":         {listen + "certSecName 1 ca --cn\ncertSecName 1 ca --dns", exitError, []string{"snmpd.conf:4: error: certSecName: ", "has the priority 1 already"}},
		"no kind":                 {listen + "certSecName 1 ca x", exitError, []string{"snmpd.conf:3: error: certSecName: \"x\" is not expected"}},
		"nobody is let in":        {listen, exitOK, []string{"warning: no certSecName says whose certificates are accepted"}},
		"an old list":             {listen + "certSecName 1 ca --cn\n[snmp] x509CRLFile late.pem", exitOK, []string{"snmpd.conf:4: warning: x509CRLFile: ", "is out of date since"}},
		"a stranger's list":       {listen + "certSecName 1 ca --cn\n[snmp] x509CRLFile strange.pem", exitError, []string{"snmpd.conf:4: error: x509CRLFile: ", "no certificate is held of who issued it"}},
		"receivers": {"trapsess -T our_identity=other -T their_identity=old -T trust_cert=ca tlstcp:192.0.2.1\ntrapsess -Ci -T their_hostname=r dtlsudp:192.0.2.1\ntrapsess tls:r.example", exitOK, []string{
			"notify internal0: traps v3 to tlstcp:192.0.2.1:10162, by certificates, authPriv, whose certificate is old (snmpd.conf:1)",
			"warning: -T their_identity: the certificate of CN=old is valid from",
			"informs v3 to dtlsudp:192.0.2.1:10162, by certificates, authPriv, again 5 times after 1s each, whose certificate is for r (snmpd.conf:2)",
			"by certificates, authPriv, whose certificate is for r.example unless", "certificate ",
		}},
		"a receiver without a certificate of ours": {"trapsess -T our_identity=nobody tlstcp:192.0.2.1", exitError, []string{"snmpd.conf:1: error: -T our_identity: no such certificate: nobody"}},
		"a receiver by a certificate without key":  {"trapsess -T our_identity=ca tlstcp:192.0.2.1", exitError, []string{"snmpd.conf:1: error: -T our_identity: no such certificate: the private key of"}},
		"a receiver that is nobody":                {"trapsess -T their_identity=nobody tlstcp:192.0.2.1", exitError, []string{"snmpd.conf:1: error: -T their_identity: no such certificate: nobody"}},
		"a receiver of nobody's authority":         {"trapsess -T trust_cert=nobody tlstcp:192.0.2.1", exitError, []string{"snmpd.conf:1: error: -T trust_cert: no such certificate: nobody"}},
		"no TLS":                                   {"certSecName 1 ca --cn\nagentAddress 161", exitOK, []string{"certSecName is of use where agentAddress has tlstcp"}},
		"a key that all may read":                  {listen + "[snmp] localCert open\ncertSecName 1 ca --cn", exitOK, []string{"every user of this machine can read the private key: chmod o-rwx "}},
	} {
		t.Run(what, func(t *testing.T) {
			if what == "a key that all may read" && runtime.GOOS == "windows" {
				return // where no mode tells
			}
			if err := os.WriteFile(path, []byte(tt.lines), 0o600); err != nil {
				t.Fatal(err)
			}
			got := start(t, nil, "check", "-c", path).end(tt.code)
			got = strings.ReplaceAll(got, path, "snmpd.conf")
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing:\n%s", want, got)
				}
			}
			if strings.Contains(got, "PRIVATE") {
				t.Errorf("a key is told:\n%s", got)
			}
		})
	}
}
