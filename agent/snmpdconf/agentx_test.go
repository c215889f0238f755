package snmpdconf_test

import (
	"testing"

	"walkabout/agent/snmpdconf"
)

func TestParseAgentXSocket(t *testing.T) {
	for text, want := range map[string]string{
		"/var/agentx/master": "unix:/var/agentx/master",
		"unix:/run/x":        "unix:/run/x",
		"unix:x":             "",
		"tcp:localhost:705":  "tcp4:localhost:705",
		"localhost:7050":     "tcp4:localhost:7050",
		"192.0.2.1":          "tcp4:192.0.2.1:705",
		"tcp:7050":           "tcp4:127.0.0.1:7050",
		"7050":               "tcp4:127.0.0.1:7050",
		":7050":              "tcp4:127.0.0.1:7050",
		"tcp:":               "tcp4:127.0.0.1:705",
		"tcp6:":              "tcp6:[::1]:705",
		"tcp6:[::1]:7050":    "tcp6:[::1]:7050",
		"tcp6:2001:db8::1":   "tcp6:[2001:db8::1]:705",
		"tcp6:localhost:705": "tcp6:localhost:705",
		"tcp:[::1]:705":      "",
		"tcp:a:b:c":          "",
		"udp:127.0.0.1:705":  "",
		"udp6:[::1]:705":     "",
		"ssh:foo":            "",
		"tcp:host:70500":     "",
		"tcp:a b:705":        "",
	} {
		s, err := snmpdconf.ParseAgentXSocket(text)
		got := s.String()
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}
