package notify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/alert/notify/notifytest"
)

// exampleAt is when the examples happen.
var exampleAt = time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC)

// golden compares got with the file of that name in testdata; UPDATE=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// hostile is a message about a device that says of itself what it should not.
func hostile() *notify.Message {
	m := notify.Example(exampleAt, true)
	evil := "<!channel> @everyone [click](http://evil.example) <script>alert(1)</script>\r\nBcc: all@example.net ```\x1b[31m\xff \u202e{{.}}"
	for i := range m.Items {
		labels := map[string]string{}
		for k, v := range m.Items[i].Labels {
			labels[k] = v
		}
		labels["ifAlias"], labels["sysLocation"] = evil, evil
		m.Items[i].Labels = labels
		m.Items[i].Values = map[string]string{"sysDescr": evil}
		m.Items[i].Summary = "core1 Gi0/3 (" + evil + "): down"
	}
	return m
}

func TestTemplates(t *testing.T) {
	tm := notifytest.Templates(t)
	for name, m := range map[string]*notify.Message{"one": notify.Example(exampleAt, false), "several": notify.Example(exampleAt, true), "hostile": hostile()} {
		subject, text, html := tm.Subject(m), tm.Text(m), tm.HTML(m)
		golden(t, name+".txt", subject+"\n\n"+text)
		golden(t, name+".html", html)
		if name == "hostile" {
			if strings.ContainsAny(subject, "\r\n") || strings.ContainsAny(text, "\r\x1b\u202e") {
				t.Errorf("control characters of a device are in %q %q", subject, text)
			}
			if strings.Contains(html, "<script") || strings.Contains(html, "<!channel") {
				t.Errorf("markup of a device is in %s", html)
			}
		}
	}
}

func TestOwnTemplates(t *testing.T) {
	tm, err := notify.ParseTemplates("own.tmpl", `{{define "subject"}}{{(index .Firing 0).Device}} {{cut 5 "too long"}}{{end}}{{define "html"}}<b>{{.Headline}}</b>{{end}}`, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	m := notify.Example(exampleAt, false)
	subject, text, html := tm.Subject(m), tm.Text(m), tm.HTML(m)
	want := []string{"core1 too …", "<b>TEST CRITICAL core1 Gi0/3 (uplink &lt;Lyon&gt;): admin up, oper down, seen for 1m0s</b>"}
	if diff := cmp.Diff(want, []string{subject, html}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(text, "where   core1 (core1.example.net, 192.0.2.1), Gi0/3, uplink <Lyon>, Paris, rack 4") {
		t.Errorf("what is not defined is not as it is built in: %s", text)
	}
}

// A mistake is told with file and line when the templates are read, and no template runs for ever or fills the memory.
func TestBadTemplates(t *testing.T) {
	for source, want := range map[string]string{
		"{{define \"text\"}}\n{{.Nothing}}{{end}}":                                                `own.tmpl:2:`,
		"{{define \"text\"}}\n\n{{if}}{{end}}":                                                    `own.tmpl:3:`,
		"{{define \"html\"}}\n{{nosuch}}{{end}}":                                                  `own.tmpl:2:`,
		"{{define \"subject\"}}{{range .All}}\n{{.Nothing}}{{end}}{{end}}":                        `own.tmpl:2:`,
		`{{define "text"}}{{range 1000000000}}{{end}}{{end}}`:                                     "too many steps",
		`{{define "text"}}{{range 1000000000}}{{if true}}{{range 9}}{{end}}{{end}}{{end}}{{end}}`: "too many steps",
		`{{define "text"}}{{template "text" .}}{{end}}`:                                           "steps", // or too deep
		`{{define "text"}}{{range 150000}}0123456789{{end}}{{end}}`:                               "writes too much",
		`{{define "html"}}{{range 1000000000}}{{end}}{{end}}`:                                     "too many steps",
		`{{define "text"}}{{$x := "aa"}}{{range 60}}{{$x = printf "%s%s" $x $x}}{{end}}{{end}}`:   "writes too much",
		`{{define "html"}}{{$x := "aa"}}{{range 60}}{{$x = print $x $x}}{{end}}{{end}}`:           "writes too much",
		`{{define "html"}}<a href={{end}}`:                                                        "html",
		strings.Repeat("x", 300<<10):                                                              "larger than",
	} {
		_, err := notify.ParseTemplates("own.tmpl", source, time.UTC)
		if !errors.Is(err, notify.ErrTemplate) || !strings.Contains(err.Error(), want) && !(want == "steps" && strings.Contains(err.Error(), "depth")) || !strings.Contains(err.Error(), "own.tmpl") {
			t.Errorf("%.80q: error %v, want one with %q", source, err, want)
		}
	}
}

func TestMessageOfMany(t *testing.T) {
	m := notify.Example(exampleAt, false)
	for i := range 400 {
		it := m.Items[0]
		it.Fingerprint += string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		it.State = alert.Firing
		m.Items = append(m.Items, it)
	}
	tm := notifytest.Templates(t)
	subject, text := tm.Subject(m), tm.Text(m)
	if subject != "TEST core1: CRITICAL 401 firing" || !strings.Contains(text, "301 more are not listed here.") {
		t.Errorf("%s\n%.300s", subject, text)
	}
}

// A template that is right for the examples and fails for what happens takes nothing from anybody.
func TestTemplateThatFailsLater(t *testing.T) {
	source := `{{define "text"}}{{if eq (len .All) 40}}{{range 9999999}}{{end}}{{end}}fine{{end}}{{define "html"}}{{if eq (len .All) 40}}{{index .All 99}}{{end}}{{end}}`
	tm, err := notify.ParseTemplates("own.tmpl", source, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	m := notify.Example(exampleAt, false)
	for i := range 39 {
		it := m.Items[0]
		it.Fingerprint, it.Summary = fmt.Sprint(i), fmt.Sprintf("port <%d> is down", i)
		m.Items = append(m.Items, it)
	}
	if text := tm.Text(m); !strings.Contains(text, "too many steps") || !strings.Contains(text, "CRITICAL port <38> is down\n") {
		t.Errorf("%.300s", text)
	}
	if html := tm.HTML(m); !strings.Contains(html, "own.tmpl:1:") || !strings.Contains(html, "CRITICAL port &lt;38&gt; is down\n") {
		t.Errorf("%.300s", html)
	}
}

// A device cannot keep people from being told by saying far too much.
func TestDeviceThatSaysTooMuch(t *testing.T) {
	m := notify.Example(exampleAt, false)
	long := strings.Repeat("😀", 60_000)
	for i := range 300 {
		it := m.Items[0]
		it.Fingerprint, it.Summary, it.Labels, it.Values = fmt.Sprint(i), long, map[string]string{"ifAlias": long, "hostname": long, "sysLocation": long}, map[string]string{}
		for n := range 50 {
			it.Values[fmt.Sprint(n)] = long
		}
		m.Items = append(m.Items, it)
	}
	tm := notifytest.Templates(t)
	for _, text := range []string{tm.Text(m), tm.HTML(m)} {
		if strings.Contains(text, "too much") || !strings.Contains(text, "201 more are not listed here.") {
			t.Errorf("%.300s", text)
		}
	}
}

// Services refuse a message without a title, and what they refuse nobody is told.
func TestSubjectIsNeverEmpty(t *testing.T) {
	tm, err := notify.ParseTemplates("own.tmpl", `{{define "subject"}}{{if gt .EndedCount 5}}many{{end}} {{end}}`, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tm.Subject(notify.Example(exampleAt, false)), "TEST CRITICAL core1 Gi0/3 (uplink <Lyon>): admin up, oper down, seen for 1m0s"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
}
