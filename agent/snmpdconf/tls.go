package snmpdconf

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"walkabout/snmp/tlstm"
)

// TLS is what the files say of TLS and DTLS (RFC 6353).
type TLS struct {
	LocalCert CertName   // of the agent itself (localCert); its Name is DefaultCert where the files do not say
	LocalKey  string     // the file of its private key (a second word of localCert, which Net-SNMP does not have); "" to look for it
	Trusted   []CertName // trustCert: certificates that are held beside those of the folders
	CRLs      []CertName // x509CRLFile
	Mappings  []CertSecName
	SubDirs   []string // extraX509SubDir: more folders of certificates within tls folders
	Prefix    *bool    // tsmUseTransportPrefix; nil if it is not set
	Params    []TLSParams
	Addrs     []TLSAddr
}

// CertName is how a line names a certificate or a file: a path, a name in one of the tls folders, or a fingerprint.
type CertName struct {
	Name string
	File string
	Line int
}

// DefaultCert is the name of the agent's certificate, as Net-SNMP has it.
const DefaultCert = "snmpd"

// CertSecName is a row of snmpTlstmCertToTSNTable whose certificate may be named otherwise than by its fingerprint (certSecName).
type CertSecName struct {
	ID   uint32
	Cert CertName
	Type tlstm.MapType
	Data string // the security name of tlstm.Specified
}

// TLSParams is a row of snmpTlstmParamsTable, TLSAddr one of snmpTlstmAddrTable (snmpTlstmParams, snmpTlstmAddr).
type TLSParams struct {
	Name        string
	Fingerprint tlstm.Fingerprint
}

// TLSAddr is the other table's.
type TLSAddr struct {
	Name        string
	Fingerprint tlstm.Fingerprint
	Identity    string
}

// MaxTLSRows bounds the rows of each of these tables.
const MaxTLSRows = 1000

func (p *parser) localCert(name, value string) {
	w, ok := p.split(name, value, "CERTIFICATE [KEY]", 1, 2)
	if !ok {
		return
	}
	p.once("localCert")
	p.config.TLS.LocalCert, p.config.TLS.LocalKey = p.certName(w[0]), ""
	if len(w) > 1 {
		p.config.TLS.LocalKey = w[1]
	}
}

func (p *parser) certName(name string) CertName { return CertName{name, p.file, p.line} }

// certNames reads one more of a list.
func (p *parser) certNames(directive, value, form string, to *[]CertName) {
	w, ok := p.split(directive, value, form, 1, 1)
	if ok && len(*to) < MaxTLSRows {
		*to = append(*to, p.certName(w[0]))
	}
}

func (p *parser) extraX509SubDir(name, value string) {
	w, ok := p.split(name, value, "FOLDER", 1, 1)
	if ok && len(p.config.TLS.SubDirs) < MaxTLSRows && !slices.Contains(p.config.TLS.SubDirs, w[0]) {
		p.config.TLS.SubDirs = append(p.config.TLS.SubDirs, w[0])
	}
}

func (p *parser) tsmUseTransportPrefix(name, value string) {
	use := false
	p.truth(name, value, &use)
	p.config.TLS.Prefix = &use
}

const certSecNameForm = "PRIORITY FINGERPRINT|CERTIFICATE --sn SECNAME | --rfc822 | --dns | --ip | --cn | --any"

// mapOptions is certSecName's.
var mapOptions = map[string]tlstm.MapType{
	"--sn": tlstm.Specified, "--rfc822": tlstm.RFC822Name, "--dns": tlstm.DNSName, "--ip": tlstm.IPAddress, "--any": tlstm.AnySAN, "--cn": tlstm.CommonName,
}

// certSecName reads PRIORITY [--shaNN] FINGERPRINT OPTION.
func (p *parser) certSecName(name, value string) {
	w, ok := p.split(name, value, certSecNameForm, 3, 5)
	if !ok {
		return
	}
	id, err := strconv.ParseUint(w[0], 10, 32)
	if err != nil || id == 0 {
		p.errorf("%s: the priority (first word) must be a number from 1 to 4294967295; the lowest is asked first", name)
		return
	}
	row := CertSecName{ID: uint32(id)}
	hash := ""
	for w = w[1:]; len(w) > 0; w = w[1:] {
		kind, isKind := mapOptions[w[0]]
		switch {
		case w[0] == "--md5":
			p.errorf("%s: fingerprints of MD5 are not safe: write that of SHA-256 (openssl x509 -in FILE -noout -fingerprint -sha256)", name)
			return
		case strings.HasPrefix(w[0], "--sha"):
			hash = w[0][2:] + ":"
		case isKind && row.Type == 0:
			row.Type = kind
			if kind == tlstm.Specified && len(w) > 1 {
				w = w[1:]
				row.Data = w[0]
			}
		case row.Cert.Name == "" && w[0][0] != '-':
			row.Cert = p.certName(w[0])
		default:
			p.errorf("%s: %s is not expected; it is written %s", name, clip(w[0]), certSecNameForm)
			return
		}
	}
	if row.Cert.Name == "" || row.Type == 0 || row.Type == tlstm.Specified && (row.Data == "" || len(row.Data) > tlstm.MaxSecurityName) {
		p.errorf("%s: it is written %s; a security name has 1 to %d octets", name, certSecNameForm, tlstm.MaxSecurityName)
		return
	}
	if hash != "" {
		row.Cert.Name = hash + row.Cert.Name
	}
	p.addCertSecName(name, row)
}

func (p *parser) addCertSecName(name string, row CertSecName) {
	rows := &p.config.TLS.Mappings
	if i := slices.IndexFunc(*rows, func(r CertSecName) bool { return r.ID == row.ID }); i >= 0 {
		p.errorf("%s: %s:%d has the priority %d already", name, (*rows)[i].Cert.File, (*rows)[i].Cert.Line, row.ID)
		return
	}
	if len(*rows) == MaxTLSRows {
		p.errorf("%s: more than %d rows", name, MaxTLSRows)
		return
	}
	*rows = append(*rows, row)
}

// snmpTlstmParams reads NAME HASH:FINGERPRINT.
func (p *parser) snmpTlstmParams(name, value string) {
	w, ok := p.split(name, value, "PARAMSNAME sha256:FINGERPRINT", 2, 2)
	if !ok {
		return
	}
	if f, ok := p.tlsRow(name, w[0], w[1], len(p.config.TLS.Params)); ok {
		p.config.TLS.Params = append(p.config.TLS.Params, TLSParams{w[0], f})
	}
}

// snmpTlstmAddr reads NAME HASH:FINGERPRINT [IDENTITY].
func (p *parser) snmpTlstmAddr(name, value string) {
	w, ok := p.split(name, value, "ADDRNAME sha256:FINGERPRINT|\"\" [IDENTITY]", 2, 3)
	if !ok {
		return
	}
	a := TLSAddr{Name: w[0]}
	if len(w) > 2 {
		a.Identity = w[2]
	}
	if w[1] == "" && (a.Identity == "" || a.Identity == "*") {
		p.errorf("%s: without a fingerprint it needs the identity that the receiver has to prove, and * is anybody", name)
		return
	}
	if a.Fingerprint, ok = p.tlsRow(name, w[0], w[1], len(p.config.TLS.Addrs)); ok {
		p.config.TLS.Addrs = append(p.config.TLS.Addrs, a)
	}
}

// tlsRow checks the name of a row, and reads its fingerprint.
func (p *parser) tlsRow(directive, name, fingerprint string, count int) (tlstm.Fingerprint, bool) {
	switch {
	case name == "" || len(name) > 32:
		p.errorf("%s: the name (first word) has 1 to 32 octets", directive)
		return "", false
	case count == MaxTLSRows:
		p.errorf("%s: more than %d rows", directive, MaxTLSRows)
		return "", false
	case fingerprint == "":
		return "", true
	}
	f, err := tlstm.ParseFingerprint(fingerprint)
	if err != nil {
		p.errorf("%s: %v", directive, errors.Unwrap(err))
		return "", false
	}
	return f, true
}

// checkTLS remarks on what the lines together do not say.
func (p *parser) checkTLS() {
	c := &p.config
	if c.TLS.LocalCert.Name == "" {
		c.TLS.LocalCert.Name = DefaultCert
	}
	secure := slices.ContainsFunc(c.Listen, Address.Secure)
	if secure && len(c.TLS.Mappings) == 0 {
		p.file, p.line = p.listen.file, p.listen.line
		p.warnf("no certSecName says whose certificates are accepted: every session of TLS and DTLS is refused, unless snmpTlstmCertToTSNTable gets rows by SET")
	}
	if len(c.TLS.Mappings) > 0 && len(c.Listen) > 0 && !secure {
		first := &c.TLS.Mappings[0].Cert
		p.file, p.line = first.File, first.Line
		p.warnf("certSecName is of use where agentAddress has tlstcp: or dtlsudp: addresses; there are none")
	}
}
