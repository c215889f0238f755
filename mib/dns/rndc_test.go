package dns_test

import (
	"strings"
	"testing"

	"walkabout/mib/dns"
)

func TestParseRNDCKey(t *testing.T) {
	key, err := dns.ParseRNDCKey("key \"rndc-key\" {\n\talgorithm HMAC-SHA512;\n\tsecret \"aHVzaA==\";\n};\n")
	if err != nil || key.Algorithm != "hmac-sha512" || key.Secret.Reveal() != "hush" {
		t.Errorf("%+v, %v", key, err)
	}
	for text, want := range map[string]string{
		"":                                    "there is no key",
		`algorithm hmac-sha256;`:              "there is no key",
		`algorithm crc32; secret "aHVzaA=="`:  "there is no key",
		`algorithm crc32; secret "aHVzaA==";`: "crc32",
		`algorithm hmac-sha256; secret "not base64";`: "not in base64",
	} {
		if _, err := dns.ParseRNDCKey(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "aHVz") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
