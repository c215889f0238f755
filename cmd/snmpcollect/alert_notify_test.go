package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"walkabout/alert/notify"
)

// TestNotifyTest: what would be sent is shown and not sent; what is sent says that it is a test; who does not take it is told with the exit code.
func TestNotifyTest(t *testing.T) {
	var mu sync.Mutex
	var bodies []notify.Document
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var d notify.Document
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, d)
		if r.URL.Path == "/T0KEN/bad" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hook.Close()
	dir := t.TempDir()
	path, template := filepath.Join(dir, "snmpcollect.yaml"), filepath.Join(dir, "own.tmpl")
	text := fmt.Sprintf("credentials: {lab: {version: 2c, community: public}}\ntargets: [{name: a, address: 192.0.2.1, credential: lab, collect: [system]}]\n"+
		"notify:\n  - webhook: {name: good, url: %q}\n  - webhook: {name: bad, url: %q}\n  - email: {server: mail.example.net, from: a@example.net, to: [b@example.net]}\n"+
		"  - alertmanager: {urls: [%q]}\n", hook.URL+"/T0KEN/good", hook.URL+"/T0KEN/bad", hook.URL)
	for name, content := range map[string]string{path: text, template: `{{define "subject"}}our own {{.Group}}{{end}}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, int) {
		var out, errs bytes.Buffer
		code := process{stdout: &out, stderr: &errs, getenv: os.Getenv}.run(context.Background(), append([]string{"alert", "notify-test", "-c", path}, args...))
		return out.String() + errs.String(), code
	}
	for _, c := range []struct {
		args []string
		code int
		want []string
		sent int
	}{
		{[]string{"--dry-run"}, 0, []string{"good: would be sent:", `"test": true`, "Subject: TEST CRITICAL core1 Gi0/3", "text/html", `"alertname": "notify_test"`}, 0},
		{[]string{"email", "--dry-run", "--template", template}, 0, []string{"Subject: our own core1"}, 0},
		{[]string{"good"}, 0, []string{"good: sent\n"}, 1},
		{[]string{"good", "bad"}, 1, []string{"good: sent\n", "bad: failed: ", "403 Forbidden"}, 2},
		{[]string{"nobody"}, 1, []string{`no notifier is called "nobody"; there are good, bad, email, alertmanager`}, 0},
	} {
		bodies = nil
		out, code := run(c.args...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v: %q is not in\n%s", c.args, want, out)
			}
		}
		if code != c.code || len(bodies) != c.sent || strings.Contains(out, "T0KEN") {
			t.Errorf("%v: exit code %d, %d requests\n%s", c.args, code, len(bodies), out)
		}
		for _, b := range bodies {
			if !b.Test {
				t.Errorf("%v: sent as if it were real: %+v", c.args, b)
			}
		}
	}
}
