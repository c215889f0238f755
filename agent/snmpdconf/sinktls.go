package snmpdconf

import (
	"slices"
	"strings"

	"walkabout/snmp"
)

// sessionTLS reads -T NAME=VALUE, or several with commas between.
func (p *parser) sessionTLS(s *session, value string) string {
	t := &s.sink.TLS
	for pair := range strings.SplitSeq(value, ",") {
		name, v, ok := strings.Cut(pair, "=")
		if !ok || v == "" {
			return "-T is written NAME=VALUE, NAME being our_identity, their_identity, their_hostname or trust_cert"
		}
		switch name {
		case "our_identity", "localCert":
			t.Own = p.certName(v)
		case "their_identity", "peerCert":
			t.Peer = p.certName(v)
		case "their_hostname", "peerHostname":
			if v == "*" {
				return "-T their_hostname=* would trust everybody whom the authority has certified; write the name that the receiver's certificate is for"
			}
			t.Hostname = v
		case "trust_cert", "trustCert":
			t.Trusted = append(t.Trusted, p.certName(v))
		default:
			return "of the options of -T there are our_identity, their_identity, their_hostname and trust_cert"
		}
	}
	return wrong(len(t.Trusted) <= MaxTLSRows, "-T trust_cert is given too often")
}

// sessionTSM completes a sink of version 3 by TLS or DTLS as Net-SNMP does, whose messages are of the Transport Security Model whatever user is named.
func (p *parser) sessionTSM(name string, s *session) bool {
	if s.authWords != nil || s.privWords != nil || s.sink.EngineID != "" {
		p.warnf("%s: -A, -X, -3 and -e are not used by TLS and DTLS, where certificates say who is who", name)
	}
	s.sink.TSM, s.sink.User = true, ""
	if !s.level {
		s.sink.Level = snmp.AuthPriv
	}
	return true
}

func (t *SinkTLS) given() bool {
	return t.Own.Name != "" || t.Peer.Name != "" || t.Hostname != "" || len(t.Trusted) > 0
}

// sendsSecurely reports whether a receiver of notifications is of TLS or DTLS.
func (n *Notifications) sendsSecurely() bool {
	return slices.ContainsFunc(n.Sinks, func(s Sink) bool { return s.Address.Secure() })
}

// Secure reports whether the files use TLS or DTLS: to listen, to send notifications, or by rows for receivers that are SET.
func (c *Config) Secure() bool {
	return slices.ContainsFunc(c.Listen, Address.Secure) || c.Notifications.sendsSecurely() || len(c.TLS.Params)+len(c.TLS.Addrs) > 0
}
