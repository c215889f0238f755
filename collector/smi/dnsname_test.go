package smi_test

import (
	"testing"

	"walkabout/collector/smi"
)

func TestDNSName(t *testing.T) {
	for octets, want := range map[string]string{
		"\x00": ".", "\x03ORG\x00": "ORG.", "\x07EXAMPLE\x03ORG\x00": "EXAMPLE.ORG.", "\x04a.b\\\x00": `a\.b\\.`, "\x02\x00\xff\x00": `\000\255.`,
		"": "-", "\x03ORG": "-", "\x04ORG\x00": "-", "\x40": "-", "\x00\x00": "-", "\x03ORG\x00\x00": "-", "org": "-",
	} {
		got, ok := smi.DNSName(octets)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", octets, got, want)
		}
	}
}
