package access

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"
)

// Certificate is a certificate and its key in files of PEM, which may be read anew while it is served.
type Certificate struct {
	file, key string
	current   atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads both files.
func LoadCertificate(file, key string) (*Certificate, error) {
	c := &Certificate{file: file, key: key}
	return c, c.Reload()
}

// Reload reads the files anew; connections that come from then on are shown what they have. If they make no sense the old certificate stays.
func (c *Certificate) Reload() error {
	read, err := tls.LoadX509KeyPair(c.file, c.key)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", c.file, err)
	}
	c.current.Store(&read)
	return nil
}

// NotAfter returns when the certificate ends.
func (c *Certificate) NotAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// Config returns how a server speaks TLS with it: 1.2 (RFC 5246) at the least.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}
