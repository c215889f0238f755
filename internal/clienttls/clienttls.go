// Package clienttls makes the TLS side of a client from what a user writes. All outputs share it.
package clienttls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// Config says how a client trusts its server and shows itself. The zero Config is TLS 1.2 or newer with the system's authorities.
type Config struct {
	// CA names a file of certificates in PEM: the only authorities whose servers are trusted. A server's own self-signed certificate will do.
	CA string
	// Certificate and Key name files in PEM: what the client shows, with the chain behind it, and its private key without a password. Both or
	// neither. They are read at each handshake, so that renewed ones are used as they come.
	Certificate, Key string
	// ServerName is the name that the server's certificate must be for; that of its address if empty.
	ServerName string
	// MinVersion is the oldest version of TLS, "1.2" or "1.3"; 1.2 if empty.
	MinVersion string
}

// IsZero reports whether nothing is set.
func (c Config) IsZero() bool { return c == Config{} }

// TLS returns the configuration for crypto/tls. The error says which setting is wrong, and shows nothing of what a file holds.
func (c Config) TLS() (*tls.Config, error) {
	t := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	switch c.MinVersion {
	case "", "1.2":
	case "1.3":
		t.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("min_version %q: write 1.2 or 1.3", c.MinVersion)
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no certificate in PEM", c.CA)
		}
	}
	switch {
	case c.Certificate == "" && c.Key == "":
		return t, nil
	case c.Key == "":
		return nil, errors.New("certificate is given, and key is not")
	case c.Certificate == "":
		return nil, errors.New("key is given, and certificate is not")
	}
	p := &pair{certificate: c.Certificate, key: c.Key}
	if _, err := p.load(nil); err != nil {
		return nil, err
	}
	t.GetClientCertificate = p.load
	return t, nil
}

// Untrusted reports whether err is that one side does not trust the other, or that they have no version in common: somebody must change something.
func Untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var alert *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &alert) && alert.Op == "remote error"
}

// pair is a certificate with its key, in files that may be renewed.
type pair struct {
	certificate, key string

	mu   sync.Mutex
	last *tls.Certificate // that could be read
}

// load is a tls.Config's GetClientCertificate. While the files are renewed one may be there without the other: then the last pair serves.
func (p *pair) load(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	read, err := tls.LoadX509KeyPair(p.certificate, p.key)
	switch {
	case err == nil:
		p.last = &read
	case p.last == nil:
		return nil, fmt.Errorf("certificate and key: %w", err)
	}
	return p.last, nil
}
