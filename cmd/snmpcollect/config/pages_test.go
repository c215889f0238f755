package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// hash is bcrypt's of "pw", of the least cost.
const hash = "$2a$04$ZpWyLVkHVaTF5oHZbW9eiunExzUiN0K6cCTqyZBzDCmW5kOQSgtDm"

// TestReach: what other machines reach takes TLS and a password.
func TestReach(t *testing.T) {
	users := fmt.Sprintf("pages: {users: [{name: ann, password_hash: %q}]}\n", hash)
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing":            {"listen: 0.0.0.0:8161\n", []string{"other machines reach 0.0.0.0:8161, so it takes TLS", "and a password", "or listen at 127.0.0.1:8161, behind a proxy that has both"}},
		"by name":            {"listen: collector.example:8161\n", []string{"other machines reach"}},
		"users without TLS":  {"listen: \"[::]:8161\"\n" + users, []string{"takes TLS (pages: tls: {certificate: FILE, key: FILE}); or listen"}},
		"a token on its own": {"listen: :8161\napi_token: s\n", []string{"takes TLS (pages: tls"}},
		"loopback":           {"listen: \"[::1]:8161\"\n", nil},
		"localhost":          {"listen: localhost:8161\n", nil},
		"loopback and users": {"listen: 127.0.0.5:8161\n" + users, nil},
		"half of TLS":        {"pages: {tls: {certificate: /nowhere}}\n", []string{"takes both"}},
		"no such file":       {"pages: {tls: {certificate: /nowhere, key: /nowhere}}\n", []string{"certificate /nowhere"}},
		"no hash":            {"pages: {users: [{name: ann}]}\n", []string{`user "ann" has no password_hash`}},
		"no name":            {fmt.Sprintf("pages: {users: [{password_hash: %q}]}\n", hash), []string{"a name of their own"}},
		"two of one name":    {fmt.Sprintf("pages: {users: [{name: a, password_hash: %q}, {name: a, password_hash: %q}]}\n", hash, hash), []string{"a name of their own"}},
		"a password":         {"pages: {users: [{name: ann, password_hash: secretword}]}\n", []string{"this is no hash of bcrypt's"}},
		"a colon":            {fmt.Sprintf("pages: {users: [{name: \"a:b\", password_hash: %q}]}\n", hash), []string{`user "a:b": a browser cannot send`}},
		"a Unix socket":      {"listen: unix:/run/x.sock\n", []string{"at no Unix socket"}},
		"an unknown key":     {"pages: {user: []}\n", []string{`unknown key "user"; did you mean "users"?`}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, problems := config.Load(path, collector.BuiltIn(), os.Getenv)
			var errs strings.Builder
			for _, p := range problems {
				if !p.Warning {
					fmt.Fprintln(&errs, p)
				}
			}
			if (errs.Len() > 0) != (len(tt.want) > 0) || strings.Contains(errs.String(), "secretword") {
				t.Fatalf("errors:\n%s", &errs)
			}
			for _, want := range tt.want {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("no %q in:\n%s", want, &errs)
				}
			}
		})
	}
}

// TestPagesRemarks: what works, and not as it is meant, is told.
func TestPagesRemarks(t *testing.T) {
	for text, want := range map[string]string{
		"external_url: https://nms.example/net/nms/\n": "", "external_url: https://nms.example/\n": "",
		"listen: \":8161\"\napi_token: s\n": "api_token has fewer than 16 characters", "api_token: s\n": "",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte("targets: []\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, problems := config.Load(path, collector.BuiltIn(), os.Getenv)
		var warned []string
		for _, p := range problems {
			if p.Warning && !strings.Contains(p.Err.Error(), "no targets") {
				warned = append(warned, p.Err.Error())
			}
		}
		if (len(warned) > 0) != (want != "") || !strings.Contains(strings.Join(warned, "\n"), want) || len(warned) > 1 {
			t.Errorf("%q: %q, want %q", text, warned, want)
		}
	}
}

// TestListenSummary: check says who will see the pages.
func TestListenSummary(t *testing.T) {
	users := fmt.Sprintf("pages: {users: [{name: ann, password_hash: %q}]}\n", hash)
	for text, want := range map[string]string{
		"": "listen: 127.0.0.1:8161; everybody on this machine may see the pages\n", "listen: \"\"\n": "listen: off\n", users: "listen: 127.0.0.1:8161; users (1) may see the pages\n",
		"api_token: s\n": "listen: 127.0.0.1:8161; everybody on this machine may see the pages; changes take api_token\n",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _ := config.Load(path, collector.BuiltIn(), os.Getenv)
		if got := c.Summary(); !strings.HasSuffix(got, want) {
			t.Errorf("%q:\n%s", text, got)
		}
	}
}
