//go:build interop

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/internal/interop"
)

// dtlsTool runs one of Net-SNMP's tools with the certificates of a folder, to its end.
func dtlsTool(t *testing.T, folder, who, tool, address string, args ...string) (out string, code int) {
	t.Helper()
	all := append([]string{
		"-v3", "-l", "authPriv", "-t", "2", "-r", "1", "-T", "our_identity=" + who, "-T", "trust_cert=ca", "-T", "their_hostname=snmpd", address,
	}, args...)
	p := interop.StartWith(t, []string{"SNMPCONFPATH=" + folder}, interop.FindNetSNMP(t, tool), all...)
	code = p.Wait()
	return p.Log(), code
}

// TestNetSNMPByDTLS: Net-SNMP's tools ask by DTLS, who is revoked is refused after a reload, and a user without rights, within a fence, reads keys
// again that only root may read.
func TestNetSNMPByDTLS(t *testing.T) {
	dir, client := t.TempDir(), t.TempDir()
	ca := newIssuer(t, dir)
	ca.issue("tls", "snmpd", &x509.Certificate{})
	ca.dir = client
	ca.write("tls/ca-certs/ca.crt", 0o644, "CERTIFICATE", ca.cert.Raw)
	joe := ca.issue("tls", "joe", &x509.Certificate{})
	ca.issue("tls", "jack", &x509.Certificate{})
	file := filepath.Join(dir, "snmpd.conf")
	text := "agentAddress dtlsudp:127.0.0.1:0,tlstcp:127.0.0.1:0\npersistentDir " + filepath.Join(dir, "state") +
		"\ncertSecName 10 ca --dns\nrwuser -s tsm joe priv .1.3.6.1.2.1.1\nrouser -s tsm jack priv .1.3.6.1.2.1.1.3\n"
	write(t, file, text)
	args := []string{"-f", "-C", "-c", file}
	if !userNamespace(t) {
		args = append(args, "-u", fmt.Sprint(nobody), "-g", fmt.Sprint(nogroup))
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p, addresses := launch(t, args...)
	at := slices.IndexFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "dtlsudp:") })
	address := addresses[at]
	ask := func(who, want string, tool string, args ...string) {
		t.Helper()
		if out, code := dtlsTool(t, client, who, tool, address, args...); (code == 0) != (want != "") || !strings.Contains(out, want) {
			t.Errorf("%s, %s: %d, want %q:\n%s\n%s", who, tool, code, want, out, p.Log())
		}
	}
	ask("joe", "one", "snmpset", ".1.3.6.1.2.1.1.6.0", "s", "one")
	ask("joe", "one", "snmpget", ".1.3.6.1.2.1.1.6.0")
	ask("joe", ".1.9.1.4.", "snmpbulkwalk", ".1.3.6.1.2.1.1")
	ask("jack", "Timeticks", "snmpget", ".1.3.6.1.2.1.1.3.0")
	ask("jack", "", "snmpset", ".1.3.6.1.2.1.1.6.0", "s", "two")

	ca.dir = dir
	ca.revoke("crl.pem", time.Now().Add(time.Hour), joe)
	ca.issue("tls", "snmpd", &x509.Certificate{}) // a new certificate and key, too
	write(t, file, text+"[snmp] x509CRLFile crl.pem\n")
	p.Signal(syscall.SIGHUP)
	p.Await("msg=reloaded")
	ask("jack", "Timeticks", "snmpget", ".1.3.6.1.2.1.1.3.0")
	ask("joe", "", "snmpget", ".1.3.6.1.2.1.1.6.0")
	p.Await("refused a session.*revoked.*CN=joe")

	// By TLS 1.0, which these tools speak, nobody is heard; by 1.2 and later the handshake comes about.
	tcp := strings.TrimPrefix(addresses[1-at], "tlstcp:")
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(client, "tls/certs/jack.crt"), filepath.Join(client, "tls/private/jack.key"))
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		c, err := tls.Dial("tcp", tcp, &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: "snmpd", MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
}
