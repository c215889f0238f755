package secure

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"walkabout/snmp/tlstm"
)

// Limits of what is read.
const (
	maxFileSize = 1 << 20 // octets of one file
	maxFiles    = 1000    // of one folder
)

// Store finds certificates and keys in files. Its folders are laid out as Net-SNMP's: certs and ca-certs hold certificates, private holds keys.
type Store struct {
	folders []string
	subDirs []string
}

// NewStore returns a Store of tls folders, the first asked first, each with more folders of certificates within.
func NewStore(folders, subDirs []string) *Store {
	return &Store{folders: folders, subDirs: append([]string{"certs", "ca-certs"}, subDirs...)}
}

// Certificate is one that is held in a file.
type Certificate struct {
	*x509.Certificate
	File string

	rest []*x509.Certificate // that stand behind it in the file
	text []byte              // of the file
}

// Why a certificate, a key or a list of revocations is of no use.
var (
	ErrNotFound = errors.New("no such certificate")
	ErrFile     = errors.New("unusable file")
)

// Find returns the certificate that name means: a path, which is relative to base unless it begins with /; the name of a file in one of the
// folders, with or without its suffix; or the fingerprint of a certificate in one of them. An error wraps ErrNotFound, ErrFile or the system's.
func (s *Store) Find(base, name string) (*Certificate, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(base, name)
		}
		return readCertificate(name)
	}
	if f, err := tlstm.ParseFingerprint(name); err == nil {
		return s.findFingerprint(f)
	}
	var looked []string
	for _, folder := range s.certificateFolders() {
		looked = append(looked, folder)
		for _, suffix := range append([]string{""}, certSuffixes...) {
			c, err := readCertificate(filepath.Join(folder, name+suffix))
			if err == nil || !errors.Is(err, fs.ErrNotExist) {
				return c, err
			}
		}
	}
	if len(looked) == 0 {
		return nil, fmt.Errorf("%w: %s: there is no folder of certificates (%s): make it, or write the file's whole path", ErrNotFound, name, strings.Join(s.folders, ", "))
	}
	return nil, fmt.Errorf("%w: %s: it is in none of %s", ErrNotFound, name, strings.Join(looked, ", "))
}

var certSuffixes = []string{".crt", ".pem", ".cer", ".cert", ".der"}

// certificateFolders returns those that there are.
func (s *Store) certificateFolders() []string {
	var out []string
	for _, folder := range s.folders {
		for _, sub := range s.subDirs {
			dir := filepath.Join(folder, sub)
			if info, err := os.Stat(dir); err == nil && info.IsDir() && !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	return out
}

// All returns the certificates of the folders. A file that is none is passed over.
func (s *Store) All() []*Certificate {
	var out []*Certificate
	for _, folder := range s.certificateFolders() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries[:min(len(entries), maxFiles)] {
			if c, err := readCertificate(filepath.Join(folder, e.Name())); err == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

func (s *Store) findFingerprint(f tlstm.Fingerprint) (*Certificate, error) {
	for _, c := range s.All() {
		if f.Is(c.Raw) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: none in the folders of %s has the fingerprint %v", ErrNotFound, strings.Join(s.folders, ", "), f)
}

func readCertificate(file string) (*Certificate, error) {
	text, _, err := readFile(file)
	if err != nil {
		return nil, err
	}
	list, err := parseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFile, file, err)
	}
	return &Certificate{Certificate: list[0], File: file, rest: list[1:], text: text}, nil
}

// parseCertificates reads PEM, else DER. There is at least one.
func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		return out, nil
	}
	if c, err := x509.ParseCertificate(text); err == nil {
		return []*x509.Certificate{c}, nil
	}
	return nil, errors.New("no certificate in PEM or DER")
}

// readFile reads a regular file of at most maxFileSize octets.
func readFile(name string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() { // to open a pipe may wait for ever
		return nil, nil, fmt.Errorf("%w: %s is no regular file", ErrFile, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = fmt.Errorf("%w: %s has more than %d octets", ErrFile, name, maxFileSize)
	}
	return text, info, err
}

// Pair returns c with its private key: that of the file keyFile; without one it is in c's file, beside it, or in the folder private beside
// c's folder, called as c's file is. readers reports whether every user of the machine may read the key. Errors do not tell what is in the key.
func (s *Store) Pair(c *Certificate, keyFile string) (pair tls.Certificate, file string, readers bool, err error) {
	candidates := []string{keyFile}
	if keyFile == "" {
		candidates = keyFiles(c.File)
	}
	for _, file = range candidates {
		text, info, err := readFile(file)
		if errors.Is(err, fs.ErrNotExist) && keyFile == "" {
			continue
		}
		if err != nil {
			return pair, file, false, err
		}
		if keyFile == "" && !bytes.Contains(text, []byte("PRIVATE KEY-----")) {
			continue
		}
		if bytes.Contains(text, []byte("ENCRYPTED")) {
			return pair, file, false, fmt.Errorf("%w: %s: the key has a password, which nobody can enter here: openssl pkey -in FILE -out FILE writes it without", ErrFile, file)
		}
		pair, err := tls.X509KeyPair(c.pem(), text)
		if err != nil {
			return pair, file, false, fmt.Errorf("%w: %s: %w", ErrFile, file, err)
		}
		pair.Leaf = c.Certificate
		return pair, file, info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows", nil
	}
	return pair, "", false, fmt.Errorf("%w: the private key of %s: none of %s has it", ErrNotFound, c.File, strings.Join(candidates, ", "))
}

// pem returns c and what stands behind it.
func (c *Certificate) pem() []byte {
	var out []byte
	for _, cert := range append([]*x509.Certificate{c.Certificate}, c.rest...) {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}

// keyFiles returns where the key of a certificate's file may be.
func keyFiles(file string) []string {
	dir, name := filepath.Split(file)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	private := filepath.Join(filepath.Dir(filepath.Clean(dir)), "private")
	return []string{file, filepath.Join(dir, name+".key"), filepath.Join(private, name+".key"), filepath.Join(private, name+".pem")}
}

// RevocationList reads a list of revoked certificates, in PEM or DER, whose issuer must be one of held. An error wraps ErrFile or the system's.
func RevocationList(file string, held []*x509.Certificate) (*x509.RevocationList, error) {
	text, _, err := readFile(file)
	if err != nil {
		return nil, err
	}
	der := text
	if block, _ := pem.Decode(text); block != nil {
		der = block.Bytes
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFile, file, err)
	}
	for _, c := range held {
		if bytes.Equal(c.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(c) == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("%w: %s: no certificate is held of who issued it, %v: put it into ca-certs, or name it with trustCert", ErrFile, file, list.Issuer)
}
