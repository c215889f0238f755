package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"walkabout/agent/secure"
	"walkabout/agent/snmpdconf"
	"walkabout/snmp/tlstm"
	"walkabout/snmp/vacm"
)

// certificates is what the files say of TLS, read and checked. Its zero value is that there is no TLS.
type certificates struct {
	config secure.Config // with the rows of certSecName
	own    *secure.Certificate
	sinks  map[string]sinkCertificates // of the receivers by TLS and DTLS, by their names
	paths  []string                    // files and folders that were read, which a reload reads again
}

// systemTLSFolder is where Net-SNMP's tools write certificates for the whole machine.
const systemTLSFolder = "/etc/snmp/tls"

// certificateReader reads what lines name.
type certificateReader struct {
	store *secure.Store
	out   certificates
	told  []snmpdconf.Diagnostic
}

// readCertificates reads what config names, from the folders «tls» beside files and Net-SNMP's. What is an error among the diagnostics leaves
// nothing to use.
func readCertificates(config *snmpdconf.Config, listen []snmpdconf.Address, files []string) (certificates, []snmpdconf.Diagnostic) {
	c := &config.TLS
	if !slices.ContainsFunc(listen, snmpdconf.Address.Secure) && !config.Secure() && len(c.Mappings) == 0 {
		return certificates{}, nil
	}
	var folders []string
	for _, file := range files {
		if dir := filepath.Join(filepath.Dir(absolute(file)), "tls"); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	if !slices.Contains(folders, systemTLSFolder) {
		folders = append(folders, systemTLSFolder)
	}
	r := &certificateReader{store: secure.NewStore(folders, c.SubDirs)}
	r.out.paths = folders
	held := r.store.All()
	for _, h := range held {
		r.out.config.Held = append(r.out.config.Held, h.Certificate)
	}
	if needsOwn(config, listen) {
		r.readOwn(c)
	}
	r.keepAll(held)
	r.readSinks(config.Notifications.Sinks)
	for _, t := range c.Trusted {
		r.hold("trustCert", t)
	}
	r.readMappings(c.Mappings)
	r.readRevocations(c.CRLs)
	return r.out, r.told
}

func (r *certificateReader) tell(at snmpdconf.CertName, s snmpdconf.Severity, format string, a ...any) {
	r.told = append(r.told, snmpdconf.Diagnostic{File: at.File, Line: at.Line, Severity: s, Message: fmt.Sprintf(format, a...)})
}

// hold finds the certificate that a line names, and keeps it; nil after an error.
func (r *certificateReader) hold(directive string, name snmpdconf.CertName) *secure.Certificate {
	c, err := r.store.Find(filepath.Dir(absolute(name.File)), name.Name)
	if err != nil {
		r.tell(name, snmpdconf.Error, "%s: %v", directive, err)
		return nil
	}
	r.out.paths = append(r.out.paths, c.File)
	r.out.config.Held = append(r.out.config.Held, c.Certificate)
	r.checkTime(directive, name, c.Certificate)
	return c
}

func (r *certificateReader) checkTime(directive string, name snmpdconf.CertName, c *x509.Certificate) {
	if now := time.Now(); now.Before(c.NotBefore) || now.After(c.NotAfter) {
		r.tell(name, snmpdconf.Warning, "%s: the certificate of %s is valid from %s to %s, and not now", directive, c.Subject,
			c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly))
	}
}

// readOwn reads the agent's certificate and key.
func (r *certificateReader) readOwn(c *snmpdconf.TLS) {
	name := c.LocalCert
	if name.File == "" {
		name.File = "localCert"
	}
	r.out.own = r.hold("localCert", name)
	if r.out.own == nil {
		return
	}
	if pair, ok := r.pair("localCert", name, r.out.own, keyPath(name, c.LocalKey)); ok {
		r.out.config.Certificate = pair
	}
}

// pair finds the private key of a certificate; false after an error.
func (r *certificateReader) pair(directive string, at snmpdconf.CertName, c *secure.Certificate, keyFile string) (tls.Certificate, bool) {
	pair, file, readers, err := r.store.Pair(c, keyFile)
	switch {
	case errors.Is(err, fs.ErrPermission):
		r.tell(at, snmpdconf.Error, "%s: the private key: %v: let the user that snmpd starts as read it", directive, err)
		return pair, false
	case err != nil:
		r.tell(at, snmpdconf.Error, "%s: %v", directive, err)
		return pair, false
	}
	if readers {
		r.tell(at, snmpdconf.Warning, "%s: every user of this machine can read the private key: chmod o-rwx %s", directive, file)
	}
	r.out.paths = append(r.out.paths, file)
	return pair, true
}

func (r *certificateReader) readMappings(rows []snmpdconf.CertSecName) {
	for _, row := range rows {
		m := tlstm.Mapping{ID: row.ID, Type: row.Type, Data: row.Data}
		var err error
		if m.Fingerprint, err = tlstm.ParseFingerprint(row.Cert.Name); err != nil {
			c := r.hold("certSecName", row.Cert)
			if c == nil {
				continue
			}
			m.Fingerprint = tlstm.Of(tlstm.SHA256, c.Raw)
		}
		if a, _ := m.Fingerprint.Algorithm(); a == tlstm.SHA1 {
			r.tell(row.Cert, snmpdconf.Warning, "certSecName: SHA-1 is weak: write the fingerprint of SHA-256 (openssl x509 -in FILE -noout -fingerprint -sha256)")
		}
		r.out.config.Mappings = append(r.out.config.Mappings, m)
	}
}

func (r *certificateReader) readRevocations(names []snmpdconf.CertName) {
	for _, name := range names {
		file := name.Name
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(absolute(name.File)), file)
		}
		list, err := secure.RevocationList(file, r.out.config.Held)
		if err != nil {
			r.tell(name, snmpdconf.Error, "x509CRLFile: %v", err)
			continue
		}
		if !list.NextUpdate.IsZero() && time.Now().After(list.NextUpdate) {
			r.tell(name, snmpdconf.Warning, "x509CRLFile: %s is out of date since %s: who was revoked after that is let in", file, list.NextUpdate.Format(time.DateOnly))
		}
		r.out.config.Revoked = append(r.out.config.Revoked, list)
		r.out.paths = append(r.out.paths, file)
	}
}

// appendCertificates tells who the agent is by TLS, and whom it lets in.
func appendCertificates(text []byte, config *snmpdconf.Config, c *certificates) []byte {
	if c.own != nil {
		text = fmt.Appendf(text, "certificate %s: %s, until %s, %v\n", c.own.File, c.own.Subject, c.own.NotAfter.Format(time.DateOnly), tlstm.Of(tlstm.SHA256, c.own.Raw))
	}
	for _, m := range c.config.Mappings {
		held := slices.IndexFunc(c.config.Held, func(h *x509.Certificate) bool { return m.Fingerprint.Is(h.Raw) })
		whose := "the client's own certificate"
		if held >= 0 {
			whose = c.config.Held[held].Subject.String()
			if c.config.Held[held].IsCA {
				whose = "clients of " + whose
			}
		}
		text = fmt.Appendf(text, "certSecName %d %v (%s): ", m.ID, m.Fingerprint, whose)
		if m.Type != tlstm.Specified {
			text = fmt.Appendf(text, "the name that %v says\n", m.Type)
			continue
		}
		text = fmt.Appendf(text, "%s: %s\n", m.Data, describeRights(config, vacm.TSM, m.Data))
	}
	return text
}
