package tlstm_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
)

func TestParseFingerprint(t *testing.T) {
	der := []byte("a certificate")
	sha256 := tlstm.Of(tlstm.SHA256, der)
	digits := strings.TrimPrefix(sha256.String(), "sha256:")
	colons := ""
	for i := 0; i < len(digits); i += 2 {
		colons += ":" + strings.ToUpper(digits[i:i+2])
	}
	for _, s := range []string{sha256.String(), digits, colons[1:], "SHA256" + colons} {
		got, err := tlstm.ParseFingerprint(s)
		if err != nil || got != sha256 || !got.Is(der) || got.Is(der[1:]) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for a := tlstm.SHA1; a <= tlstm.SHA512; a++ {
		f := tlstm.Of(a, der)
		if got, err := tlstm.ParseFingerprint(f.String()); err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	for _, s := range []string{"", "ca.crt", "sha256:", "md5:" + digits[:32], digits[:32], digits[1:], "sha1:" + digits, "sha256:" + digits[:62] + "zz"} {
		if got, err := tlstm.ParseFingerprint(s); !errors.Is(err, tlstm.ErrFingerprint) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, f := range []tlstm.Fingerprint{"", "\x01", "\x04", sha256[:32], "\x07" + sha256[1:], tlstm.Fingerprint("\x01" + digits[:16])} {
		if _, ok := f.Algorithm(); ok || f.Is(der) || f.Is(nil) {
			t.Errorf("%v is of a certificate", f)
		}
	}
}

// name is a GeneralName of a tag.
func name(tag int, octets string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(octets)}
}

func certificate(t *testing.T, commonName string, names ...asn1.RawValue) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName}, NotAfter: time.Now().Add(time.Hour)}
	if len(names) > 0 {
		value, err := asn1.Marshal(names)
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecurityName(t *testing.T) {
	v6 := "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01"
	full := certificate(t, "Joe Doe", name(2, "NMS.Example.ORG"), name(7, "\xc0\x00\x02\x01"), name(1, "FooBar@Example.COM"), name(7, v6))
	six := certificate(t, strings.Repeat("n", 33), name(7, v6), name(2, strings.Repeat("x.", 16)+"org"))
	plain, quoted := certificate(t, ""), certificate(t, "", name(1, `"Joe@Home"@Example.ORG`))
	for _, tt := range []struct {
		c    *x509.Certificate
		m    tlstm.Mapping
		want string
	}{
		{full, tlstm.Mapping{Type: tlstm.Specified, Data: "joe"}, "joe"},
		{full, tlstm.Mapping{Type: tlstm.Specified}, ""},
		{full, tlstm.Mapping{Type: tlstm.Specified, Data: strings.Repeat("x", 33)}, ""},
		{full, tlstm.Mapping{Type: tlstm.Specified, Data: "\xff"}, ""},
		{full, tlstm.Mapping{Type: tlstm.RFC822Name, Data: "ignored"}, "FooBar@example.com"},
		{full, tlstm.Mapping{Type: tlstm.DNSName}, "nms.example.org"},
		{full, tlstm.Mapping{Type: tlstm.IPAddress}, "192.0.2.1"},
		{full, tlstm.Mapping{Type: tlstm.AnySAN}, "nms.example.org"},
		{full, tlstm.Mapping{Type: tlstm.CommonName}, "Joe Doe"},
		{six, tlstm.Mapping{Type: tlstm.AnySAN}, "20010db8000000000000000000000001"},
		{six, tlstm.Mapping{Type: tlstm.DNSName}, ""}, // too long
		{six, tlstm.Mapping{Type: tlstm.RFC822Name}, ""},
		{six, tlstm.Mapping{Type: tlstm.CommonName}, ""}, // too long
		{quoted, tlstm.Mapping{Type: tlstm.AnySAN}, `"Joe@Home"@example.org`},
		{plain, tlstm.Mapping{Type: tlstm.AnySAN}, ""},
		{plain, tlstm.Mapping{Type: tlstm.CommonName}, ""},
	} {
		if got, ok := tt.m.SecurityName(tt.c); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%v: %q, %t; want %q", tt.m.Type, got, ok, tt.want)
		}
	}
}

func TestMapTypeOf(t *testing.T) {
	for m := tlstm.Specified; m <= tlstm.CommonName; m++ {
		if got, ok := tlstm.MapTypeOf(m.OID()); !ok || got != m {
			t.Errorf("%v: %v, %t", m, got, ok)
		}
	}
	for _, o := range []oid.OID{{}, tlstm.Specified.OID().Append(0), tlstm.MapType(0).OID(), tlstm.MapType(7).OID(), oid.New(1, 3)} {
		if _, ok := tlstm.MapTypeOf(o); ok {
			t.Errorf("%v is one", o)
		}
	}
}
