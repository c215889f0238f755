package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// every is a notifier of every kind.
const every = `notify:
  - alertmanager: {urls: ["http://am1:9093", "http://am2:9093/prefix"], every: 30s, match: [severity=critical], token_env: MON_AUTH}
  - email: {name: noc, server: "mail.example.net:587", user: u, password_env: MON_AUTH, from: "C <c@example.net>", to: [a@example.net, b@example.net], repeat_every: 4h}
  - slack: {name: net, url: "https://hooks.slack.com/services/T0KEN", match: ["severity=~critical|warning", "device=~core.*"], escalate: {after: 15m, to: [oncall, boss]}}
  - teams: {url: "https://prod.logic.azure.com/T0KEN", group_by: [site], group_wait: 30s}
  - discord: {url: "https://discord.com/api/webhooks/T0KEN", send_resolved: false, rate_limit: {messages: 0}}
  - telegram: {name: oncall, token: "123:T0KEN", chat: "-100123", topic: 4, escalate: {after: 30m, to: boss}}
  - webhook: {name: boss, url: "https://hooks.example.net/T0KEN", signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
  - log: {}
`

func TestNotifiers(t *testing.T) {
	c, problems := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", "", every), 0o600), collector.BuiltIn(), getenv)
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	var got []string
	for _, n := range c.Notify {
		text := fmt.Sprintf("%s %s wait %v interval %v rate %d by %v", n.Kind, n.Name, n.Policy.GroupWait, n.Policy.GroupInterval, n.Policy.Rate.Messages, n.Policy.GroupBy)
		for _, f := range n.Policy.Feeds {
			text += fmt.Sprintf("; after %v %d matchers", f.After, len(f.Match))
		}
		got = append(got, text)
		if n.Mirror() {
			if _, err := n.Alertmanager(); err != nil {
				t.Error(err)
			}
			continue
		}
		tm, err := n.Templates("", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Sender(tm, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"alertmanager alertmanager/1 wait 0s interval 0s rate 0 by [device]; after 0s 1 matchers",
		"alertmanager alertmanager/2 wait 0s interval 0s rate 0 by [device]; after 0s 1 matchers",
		"email noc wait 5s interval 1m0s rate 10 by [device]; after 0s 0 matchers",
		"slack net wait 5s interval 1m0s rate 10 by [device]; after 0s 2 matchers",
		"teams teams wait 30s interval 1m0s rate 10 by [site]; after 0s 0 matchers",
		"discord discord wait 5s interval 1m0s rate 0 by [device]; after 0s 0 matchers",
		"telegram oncall wait 5s interval 1m0s rate 10 by [device]; after 15m0s 2 matchers",
		"webhook boss wait 0s interval 0s rate 0 by [device]; after 45m0s 2 matchers; after 15m0s 2 matchers",
		"log log wait 0s interval 0s rate 0 by [device]; after 0s 0 matchers",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.Notify[2].Policy.RepeatEvery != 4*time.Hour || !c.Notify[5].Policy.NoResolved {
		t.Errorf("%+v", c.Notify)
	}
	summary := c.Summary()
	for _, hidden := range []string{"T0KEN", "whsec", "MfKQ9"} {
		if strings.Contains(summary, hidden) {
			t.Errorf("the summary shows %q:\n%s", hidden, summary)
		}
	}
	again, _ := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", "", strings.Replace(every, "services/T0KEN", "services/OTHER", 1)), 0o600), collector.BuiltIn(), getenv)
	for i, n := range again.Notify {
		if same := n.SameSender(c.Notify[i]); same != (n.Name != "net") {
			t.Errorf("%s: the sender is the same: %t", n.Name, same)
		}
	}
}

func TestNotifierProblems(t *testing.T) {
	dir := t.TempDir()
	template := filepath.Join(dir, "bad.tmpl")
	if err := os.WriteFile(template, []byte("{{define \"text\"}}\n{{.Nothing}}{{end}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]string{
		`log: {match: ["device"]}`:                    `matcher "device"`,
		`log: {group_wait: 5}`:                        `is no duration`,
		`log: {repeat_every: 5s}`:                     `repeat_every is at least 1m`,
		`log: {rate_limit: {messages: 5}}`:            `rate_limit is such as`,
		`log: {escalate: {after: 15m}}`:               `escalate is such as`,
		`log: {escalate: {after: 15m, to: [nobody]}}`: `"nobody", which is no notifier`,
		`log: {escalate: {after: 15m, to: [log]}}`:    `"log"`,
		`log: {name: x, escalate: {after: 15m, to: [am]}}` + "\n  - alertmanager: {name: am, urls: [\"http://am:9093\"]}": `an Alertmanager, which has escalations of its own`,
		`log: {template: ` + template + `}`:                            `bad.tmpl:2:`,
		`log: {template: /nowhere/x.tmpl}`:                             `template: open /nowhere/x.tmpl`,
		`log: {nmae: x}`:                                               `unknown key "nmae"`,
		`alertmanager: {}`:                                             `urls names no Alertmanager`,
		`alertmanager: {urls: ["am:9093"]}`:                            `alertmanager: url is not of the form`,
		`alertmanager: {urls: ["http://am:9093"], group_by: [device]}`: `group_by`,
		`email: {server: mail, from: x, to: [a@example.net]}`:          `email: from "x" is no address`,
		`email: {server: mail, from: a@example.net, to: [b@example.net], password_env: NOT_SET}`: `NOT_SET is empty or not set`,
		`slack: {url: "hooks.slack.com/T0KEN"}`:                                                  `slack: url is not of the form`,
		`telegram: {token: "1:T0KEN", chat: noc}`:                                                `telegram: chat "noc"`,
		`webhook: {url: "http://x/", signing_secret: T0KEN}`:                                     `signing_secret: at least 16 octets`,
		`webhook: {url: "http://x/", timeout: 1h}`:                                               `webhook: timeout is at most 30s`,
		`webhook: {url: "http://x/", tls: {ca: /nowhere}}`:                                       `tls: `,
		`exec: {command: [tell]}`:                                                                `exec: command is the whole path`,
		`pager: {}`:                                                                              `unknown key "pager"`,
		`log: {name: ` + strings.Repeat("端", 30) + `}`:                                           `the name is longer than 200 octets`,
	} {
		_, problems := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", "", "notify:\n  - "+entry+"\n"), 0o600), collector.BuiltIn(), getenv)
		if !config.Failed(problems) || problems[0].Line != 8 && problems[0].Line != 9 || !strings.Contains(problems[0].String(), want) || strings.Contains(fmt.Sprint(problems), "T0KEN") {
			t.Errorf("%s:\n got %v\nwant %q", entry, problems, want)
		}
	}
}
