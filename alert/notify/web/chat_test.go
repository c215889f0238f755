package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert/notify"
	"walkabout/alert/notify/notifytest"
	"walkabout/alert/notify/web"
	"walkabout/internal/secret"
)

// exampleAt is when the examples happen.
var exampleAt = start.Add(time.Minute)

// services makes a sender to each service, over transport.
func services(t *testing.T, transport http.RoundTripper) map[string]*web.Chat {
	t.Helper()
	tm := notifytest.Templates(t)
	o := web.Options{URL: secret.New("https://chat.example.net/T0KEN/hook"), Transport: transport}
	bot := web.TelegramOptions{Token: secret.New("123:T0KEN"), Chat: "-1001", Topic: 7}
	made := map[string]*web.Chat{}
	for name, make := range map[string]func() (*web.Chat, error){
		"slack":   func() (*web.Chat, error) { return web.NewSlack(o, tm) },
		"teams":   func() (*web.Chat, error) { return web.NewTeams(o, tm) },
		"discord": func() (*web.Chat, error) { return web.NewDiscord(o, tm) },
		"telegram": func() (*web.Chat, error) {
			return web.NewTelegram(web.Options{URL: secret.New("https://chat.example.net"), Transport: transport}, bot, tm)
		},
	} {
		c, err := make()
		if err != nil {
			t.Fatal(err)
		}
		made[name] = c
	}
	return made
}

const evil = "<!channel> <@U1> @everyone @here [click](http://evil.example) *b* _i_ <at>x</at> <b>t</b> /stop ``` ` ~~ || & \\ 😀"

func hostile() *notify.Message {
	m := notify.Example(exampleAt, false)
	it := &m.Items[0]
	it.Device = evil
	it.Labels = map[string]string{"device": evil, "ifAlias": evil}
	it.Values = map[string]string{"sysDescr": evil}
	it.Summary = evil
	return m
}

// What is sent of an example, and of a device that says of itself what calls people, opens links or breaks markup, is as in testdata.
func TestChatBodies(t *testing.T) {
	var body []byte
	var path string
	for name, c := range services(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		path = r.URL.Path
		var err error
		body, err = io.ReadAll(r.Body)
		return status(200, nil), err
	})) {
		for kind, m := range map[string]*notify.Message{"several": notify.Example(exampleAt, true), "hostile": hostile()} {
			if err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+"-"+kind+".json")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), pretty.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		}
		if want := map[string]string{"telegram": "/bot123:T0KEN/sendMessage"}[name]; want != "" && path != want {
			t.Errorf("%s: posted to %s", name, path)
		}
	}
}

// Nothing of a hostile device works as a mention, a link or markup where the service reads text.
func TestHostileDevices(t *testing.T) {
	var body []byte
	all := services(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		var err error
		body, err = io.ReadAll(r.Body)
		return status(200, nil), err
	}))
	send := func(name string, into any) {
		t.Helper()
		if err := all[name].Send(t.Context(), hostile()); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatal(err)
		}
	}
	var slack struct {
		Text   string
		Blocks []struct{ Text struct{ Type, Text string } }
	}
	send("slack", &slack)
	read := slack.Text
	for _, b := range slack.Blocks {
		if b.Text.Type != "plain_text" {
			read += b.Text.Text
		}
	}
	read = strings.NewReplacer("<https://collector.example.net/alerts/", "", ">", "").Replace(read)
	if strings.ContainsAny(read, "<") || strings.Contains(read, "](") && !strings.Contains(read, "]\u2060(") {
		t.Errorf("slack reads %s", read)
	}
	var discord struct {
		Embeds  []struct{ Title, Description string }
		Allowed struct{ Parse []string } `json:"allowed_mentions"`
	}
	send("discord", &discord)
	d := discord.Embeds[0]
	if discord.Allowed.Parse == nil || len(discord.Allowed.Parse) != 0 {
		t.Errorf("discord may mention %v", discord.Allowed.Parse)
	}
	if inner := strings.TrimSuffix(strings.TrimPrefix(d.Description, "```\n"), "\n```"); strings.Contains(inner, "```") || len(inner) == len(d.Description) {
		t.Errorf("discord: the block ends early: %s", d.Description)
	}
	if strings.Contains(d.Title, "@e") || strings.Contains(strings.ReplaceAll(d.Title, `\[`, ""), "[") {
		t.Errorf("discord: title %s", d.Title)
	}
	var telegram struct {
		Text     string
		Mode     *string `json:"parse_mode"`
		Entities []struct {
			Type           string
			Offset, Length int
		}
	}
	send("telegram", &telegram)
	units := utf16.Encode([]rune(telegram.Text))
	covered := make([]string, len(units))
	for _, e := range telegram.Entities {
		for i := e.Offset; i < e.Offset+e.Length; i++ {
			covered[i] = e.Type
		}
	}
	for i, u := range units {
		if u == '@' && covered[i] != "pre" && units[i+1] != 0x2060 {
			t.Errorf("telegram: a mention at %d of %s", i, telegram.Text)
		}
	}
	if telegram.Mode != nil {
		t.Errorf("telegram reads the text as %s", *telegram.Mode)
	}
	var teams any
	send("teams", &teams)
	if strings.Contains(string(body), "TextBlock\"") && !strings.Contains(string(body), "RichTextBlock") {
		t.Errorf("teams reads Markdown: %s", body)
	}
}

// A storm fits into what each service takes, be it of few long lines or of many, and whatever the ports are called.
func TestLimits(t *testing.T) {
	limits(t, storm(strings.Repeat("😀", 1000), strings.Repeat("y", 500), "Gi0/1"))
	limits(t, storm(strings.Repeat("端", 14), strings.Repeat("\"", 20), strings.Repeat("@", 100)))
	limits(t, storm(strings.Repeat("口", 120), strings.Repeat("端", 100), strings.Repeat("😀", 100)))
}

func storm(summary, alias, key string) *notify.Message {
	m := notify.Example(exampleAt, false)
	for i := range 300 {
		it := m.Items[0]
		it.Fingerprint = fmt.Sprintf("%032d", i)
		it.Link = "https://collector.example.net/alerts/" + it.Fingerprint
		it.Summary, it.Key, it.Values = summary, key, nil
		it.Labels = map[string]string{"ifAlias": alias}
		m.Items = append(m.Items, it)
	}
	m.Group = strings.Repeat("g", 3000)
	return m
}

func limits(t *testing.T, m *notify.Message) {
	t.Helper()
	var body []byte
	for name, c := range services(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		var err error
		body, err = io.ReadAll(r.Body)
		return status(200, nil), err
	})) {
		if err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Text   string
			Blocks []struct{ Text struct{ Text string } }
			Embeds []struct{ Title, Description string }
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		over := func(what, text string, most int) {
			if n := len(utf16.Encode([]rune(text))); n > most {
				t.Errorf("%s: %s has %d units, at most %d are taken", name, what, n, most)
			}
		}
		switch name {
		case "slack":
			over("text", got.Text, 40000)
			over("header", got.Blocks[0].Text.Text, 150)
			for _, b := range got.Blocks {
				over("block", b.Text.Text, 3000)
			}
		case "discord":
			over("title", got.Embeds[0].Title, 256)
			over("description", got.Embeds[0].Description, 4096)
		case "telegram":
			over("text", got.Text, 4096)
		case "teams":
			if len(body) > 28<<10 {
				t.Errorf("teams: %d octets", len(body))
			}
		}
	}
}

func TestChatRetry(t *testing.T) {
	for name, answer := range map[string]string{"discord": `{"message":"You are being rate limited.","retry_after":2.5,"global":false}`, "telegram": `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":2.5}}`} {
		c := services(t, roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 429, Body: io.NopCloser(strings.NewReader(answer))}, nil
		}))[name]
		var retry *notify.RetryError
		if err := c.Send(t.Context(), notify.Example(exampleAt, false)); !errors.As(err, &retry) || retry.After != 2500*time.Millisecond || leaks(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := errors.New("connection refused")
	for name, c := range services(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })) {
		if err := c.Send(t.Context(), notify.Example(exampleAt, false)); !errors.Is(err, refused) || leaks(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := c.Preview(notify.Example(exampleAt, false)); err != nil || leaks(text) {
			t.Errorf("%s: preview %s, %v", name, text, err)
		}
	}
}

func TestNewTelegramRefuses(t *testing.T) {
	for name, o := range map[string]web.TelegramOptions{"no token": {Chat: "-1"}, "a path": {Token: secret.New("1:hunter2/../x"), Chat: "1"}, "chat": {Token: secret.New("1:hunter2"), Chat: "noc"}} {
		if _, err := web.NewTelegram(web.Options{}, o, notifytest.Templates(t)); err == nil || leaks(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What turns the direction of writing, or breaks a line, is no part of the name of a link either.
func TestNameOfALink(t *testing.T) {
	m := notify.Example(exampleAt, false)
	m.Items[0].Key = "Gi0/3\u202e\u2028\u0085x"
	for name, c := range services(t, nil) {
		if text, err := c.Preview(m); err != nil || strings.ContainsAny(text, "\u202e\u2028\u0085") || strings.Contains(text, `\u202`) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}
