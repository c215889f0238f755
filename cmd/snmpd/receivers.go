package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"walkabout/agent/notify"
	"walkabout/agent/secure"
	"walkabout/agent/snmpdconf"
	enginemib "walkabout/mib/engine"
	"walkabout/snmp/tlstm"
)

// sinkCertificates is what -T names of a trapsess line, found.
type sinkCertificates struct {
	own, peer tlstm.Fingerprint // "" where it names none
	trusted   []*x509.Certificate
}

// readSinks finds the certificates of the receivers by TLS and DTLS.
func (r *certificateReader) readSinks(sinks []snmpdconf.Sink) {
	r.out.sinks = map[string]sinkCertificates{}
	for i := range sinks {
		k := &sinks[i]
		if !k.Address.Secure() {
			continue
		}
		var s sinkCertificates
		if k.TLS.Own.Name != "" {
			if c := r.hold("-T our_identity", k.TLS.Own); c != nil {
				s.own = tlstm.Of(tlstm.SHA256, c.Raw)
				r.keep("-T our_identity", k.TLS.Own, c, "")
			}
		}
		if k.TLS.Peer.Name != "" {
			var err error
			if s.peer, err = tlstm.ParseFingerprint(k.TLS.Peer.Name); err != nil {
				if c := r.hold("-T their_identity", k.TLS.Peer); c != nil {
					s.peer = tlstm.Of(tlstm.SHA256, c.Raw)
				}
			}
		}
		for _, name := range k.TLS.Trusted {
			if c := r.hold("-T trust_cert", name); c != nil {
				s.trusted = append(s.trusted, c.Certificate)
			}
		}
		r.out.sinks[k.Name] = s
	}
}

// keep adds a certificate of the agent's with its key to those that it may open sessions by.
func (r *certificateReader) keep(directive string, at snmpdconf.CertName, c *secure.Certificate, keyFile string) {
	if pair, ok := r.pair(directive, at, c, keyFile); ok {
		r.out.config.Others = append(r.out.config.Others, pair)
	}
}

// keepAll adds those of the folders whose keys are there, any of which a row of snmpTlstmParamsTable may name.
func (r *certificateReader) keepAll(held []*secure.Certificate) {
	for _, c := range held {
		if pair, file, _, err := r.store.Pair(c, ""); err == nil {
			r.out.config.Others = append(r.out.config.Others, pair)
			r.out.paths = append(r.out.paths, c.File, file)
		}
	}
}

// needsOwn reports whether sessions are to have the certificate of localCert.
func needsOwn(config *snmpdconf.Config, listen []snmpdconf.Address) bool {
	c := &config.TLS
	if slices.ContainsFunc(listen, snmpdconf.Address.Secure) || len(c.Mappings) > 0 || c.LocalCert.File != "" {
		return true
	}
	return slices.ContainsFunc(config.Notifications.Sinks, func(k snmpdconf.Sink) bool {
		named := func(p snmpdconf.TLSParams) bool { return p.Name == k.Name && p.Fingerprint != "" }
		return k.Address.Secure() && k.TLS.Own.Name == "" && !slices.ContainsFunc(c.Params, named)
	})
}

// appendTLS adds the rows of snmpTlstmParamsTable and snmpTlstmAddrTable that say what -T says of a receiver; those of snmpTlstmParams and snmpTlstmAddr lines
// stand behind them.
func appendTLS(c *enginemib.Config, s *settings) {
	for i := range s.config.Notifications.Sinks {
		k := &s.config.Notifications.Sinks[i]
		certs := s.certs.sinks[k.Name]
		if certs.own != "" {
			c.TLSParams = append(c.TLSParams, enginemib.TLSParams{Name: k.Name, Fingerprint: certs.own})
		}
		if certs.peer != "" || k.TLS.Hostname != "" {
			c.TLSAddrs = append(c.TLSAddrs, enginemib.TLSAddr{Name: k.Name, Fingerprint: certs.peer, Identity: k.TLS.Hostname})
		}
	}
	for _, p := range s.config.TLS.Params {
		c.TLSParams = append(c.TLSParams, enginemib.TLSParams(p))
	}
	for _, a := range s.config.TLS.Addrs {
		c.TLSAddrs = append(c.TLSAddrs, enginemib.TLSAddr(a))
	}
}

// openSession returns how sessions to a row of snmpTargetAddrTable with its row of snmpTargetParamsTable are opened, as the rows of those names in
// snmpTlstmAddrTable and snmpTlstmParamsTable say. Without one the receiver's certificate must be for the host of its address.
func (t *tables) openSession(c *enginemib.Config, addr, params string, trusted []*x509.Certificate) notify.DialFunc {
	client := secure.Client{Trust: trusted}
	if i := slices.IndexFunc(c.TLSParams, func(p enginemib.TLSParams) bool { return p.Name == params }); i >= 0 {
		client.Own = c.TLSParams[i].Fingerprint
	}
	row := enginemib.TLSAddr{Name: addr}
	if i := slices.IndexFunc(c.TLSAddrs, func(a enginemib.TLSAddr) bool { return a.Name == addr }); i >= 0 {
		row = c.TLSAddrs[i]
		client.Server, client.Identity = row.Fingerprint, row.Identity
	}
	return func(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
		to := client
		if to.Server == "" && to.Identity == "" {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			to.Identity = host
		}
		ip := endpoint{network: network}.ip()
		below := func(ctx context.Context) (net.Conn, error) { return t.dial(ctx, ip, address, source) }
		open := t.secure.OpenDTLS
		if strings.HasPrefix(ip, "tcp") {
			open = t.secure.OpenTLS
		}
		conn, err := open(ctx, below, to)
		switch {
		case errors.Is(err, secure.ErrServerUnknown):
			err = &notify.CertificateError{Err: err, Notification: notify.Notification{TrapOID: notify.ServerCertificateUnknown, VarBinds: t.mib.UnknownServerCertificate()}}
		case errors.Is(err, secure.ErrServerInvalid):
			err = &notify.CertificateError{Err: err, Notification: notify.Notification{TrapOID: notify.ServerInvalidCertificate, VarBinds: t.mib.InvalidServerCertificate(row)}}
		}
		return conn, err
	}
}

// keyPath returns the file of a key, which is relative to the file that names it.
func keyPath(at snmpdconf.CertName, key string) string {
	if key == "" || filepath.IsAbs(key) {
		return key
	}
	return filepath.Join(filepath.Dir(absolute(at.File)), key)
}
