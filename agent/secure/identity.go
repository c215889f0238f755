package secure

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"walkabout/snmp/tlstm"
)

// Config is who the agent is, and whom it lets in. It is immutable.
type Config struct {
	// Certificate is the agent's own, with its key; without one no session is accepted.
	Certificate tls.Certificate
	// Others are more certificates of the agent's with their keys, by which it may open sessions. The Leaf of each is set, as is Certificate's.
	Others []tls.Certificate
	// Mappings are the rows of snmpTlstmCertToTSNTable that are in force, in any order.
	Mappings []tlstm.Mapping
	// Held are certificates of authorities: a row of Mappings that has the fingerprint of one lets in whomever it has certified.
	Held []*x509.Certificate
	// Revoked are lists whose signatures were checked.
	Revoked []*x509.RevocationList
}

// judge is the form of a Config that certificates are judged with.
type judge struct {
	Config
	anchors *x509.CertPool
	issuers map[tlstm.Fingerprint]*x509.Certificate // of those of Held that a row names
	revoked map[revocation]bool
}

// maxChain is how many certificates a chain may have.
const maxChain = 10

// revocation is a certificate by its issuer's DER and its serial number.
type revocation struct{ issuer, serial string }

func newJudge(c Config) *judge {
	j := &judge{Config: c, anchors: x509.NewCertPool(), issuers: map[tlstm.Fingerprint]*x509.Certificate{}, revoked: map[revocation]bool{}}
	j.Mappings = slices.Clone(c.Mappings)
	slices.SortFunc(j.Mappings, func(a, b tlstm.Mapping) int { return cmp.Compare(a.ID, b.ID) })
	for _, m := range j.Mappings {
		for _, held := range c.Held {
			if m.Fingerprint.Is(held.Raw) {
				j.issuers[m.Fingerprint] = held
				j.anchors.AddCert(held)
			}
		}
	}
	for _, list := range c.Revoked {
		for _, e := range list.RevokedCertificateEntries {
			j.revoked[revocation{string(list.RawIssuer), e.SerialNumber.String()}] = true
		}
	}
	return j
}

// Why a certificate lets nobody in.
var (
	ErrNoCertificate = errors.New("no certificate was presented")
	ErrChain         = errors.New("more certificates were presented than a chain has")
	ErrExpired       = errors.New("the certificate is not valid now")
	ErrRevoked       = errors.New("the certificate is revoked")
	ErrUnknown       = errors.New("no certSecName (snmpTlstmCertToTSNTable) is of this certificate, or of an authority that is held and has certified it for clients")
	ErrNoName        = errors.New("no certSecName (snmpTlstmCertToTSNTable) of this certificate gives it a security name")
)

// identify returns the security name of who presented chain, its own certificate first (RFC 9456, snmpTlstmCertToTSNTable): of the first row
// that is of the certificate itself, or of the authority that it is trusted by, and that gives it a name.
func (j *judge) identify(chain []*x509.Certificate, now time.Time) (string, error) {
	switch {
	case len(chain) == 0:
		return "", ErrNoCertificate
	case len(chain) > maxChain:
		return "", fmt.Errorf("%w: %d", ErrChain, len(chain))
	}
	leaf := chain[0]
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return "", fmt.Errorf("%w, but from %v to %v", ErrExpired, leaf.NotBefore, leaf.NotAfter)
	}
	if j.isRevoked(leaf) {
		return "", ErrRevoked
	}
	own := map[tlstm.HashAlgorithm]tlstm.Fingerprint{}
	var anchors []*x509.Certificate
	asked, err := false, ErrUnknown
	for i := range j.Mappings {
		m := &j.Mappings[i]
		a, known := m.Fingerprint.Algorithm()
		if !known {
			continue
		}
		if _, made := own[a]; !made {
			own[a] = tlstm.Of(a, leaf.Raw)
		}
		match := own[a] == m.Fingerprint
		if issuer := j.issuers[m.Fingerprint]; !match && issuer != nil {
			if !asked {
				anchors, asked = j.path(chain, now), true
			}
			match = slices.ContainsFunc(anchors, issuer.Equal)
		}
		if !match {
			continue
		}
		if name, ok := m.SecurityName(leaf); ok {
			return name, nil
		}
		err = ErrNoName
	}
	return "", err
}

// path returns the anchors that chain leads to (RFC 5280 section 6), none if it is not valid for clients.
func (j *judge) path(chain []*x509.Certificate, now time.Time) []*x509.Certificate {
	o := x509.VerifyOptions{Roots: j.anchors, Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	paths, err := chain[0].Verify(o)
	if err != nil {
		return nil
	}
	var out []*x509.Certificate
	for _, p := range paths {
		if !slices.ContainsFunc(p, j.isRevoked) {
			out = append(out, p[len(p)-1])
		}
	}
	return out
}

func (j *judge) isRevoked(c *x509.Certificate) bool {
	return j.revoked[revocation{string(c.RawIssuer), c.SerialNumber.String()}]
}
