package collector_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/snmp"
)

func TestSplitAddress(t *testing.T) {
	tests := map[string]string{
		"192.0.2.1": "192.0.2.1 161", "192.0.2.1:1161": "192.0.2.1 1161", "switch.example": "switch.example 161",
		"switch.example:161": "switch.example 161", "2001:db8::1": "2001:db8::1 161", "[2001:db8::1]": "2001:db8::1 161",
		"[2001:db8::1]:1161": "2001:db8::1 1161", "[fe80::1%eth0]:161": "fe80::1%eth0 161",
		"": "error", ":161": "error", "host:": "error", "host:0": "error", "host:65536": "error", "host:snmp": "error", "a b": "error",
		"udp://host": "error", "10.0.0.0/8": "error", "[::1": "error", "[]:161": "error",
		"fe80::1%eth0": "fe80::1%eth0 161", "fe80::1%eth0:161": "error", "192.0.2.1:161:162": "error", "[switch:1]:161": "error", "2001:db8::g": "error",
	}
	for address, want := range tests {
		got := "error"
		if host, port, err := collector.SplitAddress(address); err == nil {
			got = fmt.Sprint(host, " ", port)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
	}
}

func TestTargetValidate(t *testing.T) {
	profiles := maps.Clone(collector.BuiltIn())
	profiles["tcp again"] = profiles["tcp"]
	good := target("dev", "system", "interfaces")
	good.Labels = map[string]string{"site": "paris"}
	if err := good.Validate(profiles); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(t *collector.Target){
		"needs a name":                 func(t *collector.Target) { t.Name = "" },
		"no line ends":                 func(t *collector.Target) { t.Name = "a\nb" },
		"and is UTF-8":                 func(t *collector.Target) { t.Name = "\xff" },
		"no usable host":               func(t *collector.Target) { t.Address = "" },
		"version 2c needs a community": func(t *collector.Target) { t.Credential.Community = secret.String{} },
		"collect names no profile":     func(t *collector.Target) { t.Collect = nil },
		`unknown profile "interface"`:  func(t *collector.Target) { t.Collect = []string{"interface"} },
		`profile "system" twice`:       func(t *collector.Target) { t.Collect = []string{"system", "system"} },
		`both make the measurement`:    func(t *collector.Target) { t.Collect = []string{"tcp", "tcp again"} },
		`label "hostname"`:             func(t *collector.Target) { t.Labels = map[string]string{"hostname": "x"} },
		`label "ifAlias"`:              func(t *collector.Target) { t.Labels = map[string]string{"ifAlias": "x"} },
		`label "_field"`:               func(t *collector.Target) { t.Labels = map[string]string{"_field": "x"} },
		"a label needs a name":         func(t *collector.Target) { t.Labels = map[string]string{"": "x"} },
		"interval 500ms is below":      func(t *collector.Target) { t.Interval = 500 * time.Millisecond },
		"timeout 11s is not between":   func(t *collector.Target) { t.Timeout = 11 * time.Second },
		"timeout 0s is not between":    func(t *collector.Target) { t.Timeout = 0 },
		"retries -1":                   func(t *collector.Target) { t.Retries = -1 },
		"max_repetitions 0":            func(t *collector.Target) { t.MaxRepetitions = 0 },
		"max_repetitions 256":          func(t *collector.Target) { t.MaxRepetitions = 256 },
		"assume_speed must be above 0": func(t *collector.Target) { t.AssumeSpeed = 0 },
		"max_gap 0 is below":           func(t *collector.Target) { t.MaxGap = 0 },
		"user, auth, priv and context": func(t *collector.Target) { t.Credential.User = "me" },
		"unknown SNMP version":         func(t *collector.Target) { t.Credential.Version = 2 },
		"version 3 needs a user":       func(t *collector.Target) { t.Credential = session.Credential{Version: snmp.V3} },
		"priv needs auth": func(t *collector.Target) {
			t.Credential = session.Credential{Version: snmp.V3, User: "u", Priv: session.AES}
		},
		"a password of at least 8": func(t *collector.Target) {
			t.Credential = session.Credential{Version: snmp.V3, User: "u", Auth: session.SHA, AuthPassword: secret.New("short")}
		},
		`authentication protocol "SHA-3"`: func(t *collector.Target) {
			t.Credential = session.Credential{Version: snmp.V3, User: "u", Auth: "SHA-3"}
		},
	}
	for want, change := range tests {
		bad := good
		change(&bad)
		err := bad.Validate(profiles)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "short") {
			t.Errorf("%v shows a password", err)
		}
	}
}
