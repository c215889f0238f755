//go:build interop

package main

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
	"walkabout/snmp/tlstm"
)

// dtlsReceiver is snmptrapd that listens by DTLS, by the certificate of receiver, for whomever ca has certified.
func dtlsReceiver(t *testing.T, ca *issuer, folder string) (r *interop.Process, port int, cert *x509.Certificate) {
	t.Helper()
	dir := ca.dir
	ca.dir = folder
	defer func() { ca.dir = dir }()
	ca.write("tls/ca-certs/ca.crt", 0o644, "CERTIFICATE", ca.cert.Raw)
	cert = ca.issue("tls", "snmptrapd", &x509.Certificate{})
	port = interop.FreeUDPPort(t)
	r = interop.StartSNMPTrapDWith(t, []string{"SNMPCONFPATH=" + folder}, fmt.Sprintf("dtlsudp:127.0.0.1:%d", port),
		"[snmp] localCert snmptrapd\n[snmp] trustCert ca\ncertSecName 10 ca --cn\nauthUser log -s tsm snmpd\nauthUser log -s tsm other\n")
	return r, port, cert
}

// TestSNMPTrapDIsToldByDTLS: traps and informs of a trapsess line, whose receiver is known by its fingerprint, or by its name.
func TestSNMPTrapDIsToldByDTLS(t *testing.T) {
	dir := t.TempDir()
	ca := newIssuer(t, dir)
	ca.issue("tls", "snmpd", &x509.Certificate{})
	ca.issue("tls", "other", &x509.Certificate{})
	r, port, cert := dtlsReceiver(t, ca, t.TempDir())
	fingerprint := tlstm.Of(tlstm.SHA256, cert.Raw).String()
	head := `^%s, SNMP v3, user %s, context \|.*` + anyUptime
	for what, tt := range map[string]struct{ line, kind, user string }{
		"a trap to a name":                {"trapsess -T their_hostname=snmptrapd", "TRAP2", "snmpd"},
		"an inform to a fingerprint":      {"trapsess -Ci -T their_identity=" + fingerprint, "INFORM", "snmpd"},
		"an inform by another of our own": {"trapsess -Ci -T our_identity=other -T their_hostname=snmptrapd", "INFORM", "other"},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(dir, "snmpd.conf")
			write(t, file, fmt.Sprintf("agentAddress 127.0.0.1:0\nrocommunity %s\npersistentDir %s\n%s dtlsudp:127.0.0.1:%d\n", hidden, t.TempDir(), tt.line, port))
			d, _ := launch(t, "-f", "-C", "-c", file)
			r.Await(fmt.Sprintf(head, tt.kind, tt.user) + coldStart + ofThisSystem + "$")
			d.Signal(syscall.SIGHUP)
			r.Await(fmt.Sprintf(head, tt.kind, tt.user) + warmStart + ofThisSystem + "$")
			d.Signal(syscall.SIGTERM)
			r.Await(fmt.Sprintf(head, tt.kind, tt.user) + nsShutdown + "$")
			if code := d.Wait(); code != 0 || strings.Contains(d.Log(), "lost") {
				t.Errorf("exit code %d:\n%s", code, d.Log())
			}
			if tt.kind == "INFORM" && !regexp.MustCompile(`msg=notifications sent=4 acknowledged=4 unacknowledged=0 dropped=0`).MatchString(d.Log()) {
				t.Errorf("not all are acknowledged:\n%s", d.Log())
			}
		})
	}
}
