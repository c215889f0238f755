package snmpdconf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

// TestTLSSinks: receivers by TLS and DTLS, whose version 3 is by certificates whatever user is named.
func TestTLSSinks(t *testing.T) {
	type sink struct {
		Says                   string
		Own, Peer, Host, Trust string
		Named                  bool // a user
	}
	for line, want := range map[string]struct {
		sink  sink
		first string // remark
	}{
		"trapsess dtlsudp:r.example":                                     {sink: sink{Says: "traps v3 to dtlsudp:r.example:10162, by certificates, authPriv"}},
		"trapsess -v3 -Ci -l auth -u alice tlstcp:192.0.2.1:1":           {sink: sink{Says: "informs v3 to tlstcp:192.0.2.1:1, by certificates, authNoPriv"}},
		"trapsess -v 2c -c sesame tlstcp6:[2001:db8::1]":                 {sink: sink{Says: "traps v2c to tlstcp6:[2001:db8::1]:10162, community <secret>"}},
		"trap2sink dtls:[2001:db8::1] sesame":                            {sink: sink{Says: "traps v2c to dtlsudp6:[2001:db8::1]:10162, community <secret>"}},
		"trapsess -T our_identity=a -T their_identity=b dtlsudp:r":       {sink: sink{Says: "traps v3 to dtlsudp:r:10162, by certificates, authPriv", Own: "a", Peer: "b"}},
		"trapsess -T localCert=a,their_hostname=h,trust_cert=c tlstcp:r": {sink: sink{Says: "traps v3 to tlstcp:r:10162, by certificates, authPriv", Own: "a", Host: "h", Trust: "c"}},
		"trapsess -u alice -l authPriv -A open-sesame -X open-sesame tls:r": {
			sink: sink{Says: "traps v3 to tlstcp:r:10162, by certificates, authPriv"}, first: "f:1: warning: trapsess: -A, -X, -3 and -e are not used by TLS and DTLS, where certificates say who is who",
		},
		"trapsess -v 2c -c sesame -T our_identity=a udp:192.0.2.1": {
			sink: sink{Says: "traps v2c to udp:192.0.2.1:162, community <secret>", Own: "a"}, first: "f:1: warning: trapsess: -T is used by tlstcp: and dtlsudp: alone",
		},
		"trapsess -T their_hostname=* tls:r":   {first: "f:1: error: trapsess: -T their_hostname=* would trust everybody whom the authority has certified; write the name that the receiver's certificate is for"},
		"trapsess -T our_identity tls:r":       {first: "f:1: error: trapsess: -T is written NAME=VALUE, NAME being our_identity, their_identity, their_hostname or trust_cert"},
		"trapsess -T their_name=sesame tls:r":  {first: "f:1: error: trapsess: of the options of -T there are our_identity, their_identity, their_hostname and trust_cert"},
		"trapsess -T our_identity=,x=sesame r": {first: "f:1: error: trapsess: -T is written NAME=VALUE, NAME being our_identity, their_identity, their_hostname or trust_cert"},
	} {
		if strings.Contains(want.sink.Says, "v2c to tls") || strings.Contains(want.sink.Says, "v2c to dtls") {
			want.first = "f:1: warning: " + strings.Fields(line)[0] + ": by TLS and DTLS Net-SNMP's agent sends SNMPv3 whatever a line says, and snmptrapd hears nothing else: write trapsess -v 3 unless the receiver is another"
		}
		c, diagnostics := snmpdconf.Parse("f", []byte(line))
		var got sink
		for i := range c.Notifications.Sinks {
			s := &c.Notifications.Sinks[i]
			got = sink{Says: s.String(), Own: s.TLS.Own.Name, Peer: s.TLS.Peer.Name, Host: s.TLS.Hostname, Named: s.User != ""}
			for _, cert := range s.TLS.Trusted {
				got.Trust += cert.Name
			}
		}
		first := ""
		if len(diagnostics) > 0 {
			first = diagnostics[0].String()
		}
		if diff := cmp.Diff(want.sink, got); diff != "" || first != want.first {
			t.Errorf("%s: %s\n%s", line, first, diff)
		}
		if c.Secure() != (got.Says != "" && c.Notifications.Sinks[0].Address.Secure()) {
			t.Errorf("%s: uses TLS: %t", line, c.Secure())
		}
	}
}
