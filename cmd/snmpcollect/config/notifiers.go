package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"walkabout/alert/notify"
	"walkabout/alert/notify/mail"
	"walkabout/alert/notify/web"
	"walkabout/alert/silence"
	"walkabout/internal/secret"
)

// Notifier is somebody who is told of alerts.
type Notifier struct {
	Name   string
	Kind   string // the key that it is written under
	Policy notify.Policy
	Match  silence.Matchers
	Every  time.Duration // of an Alertmanager

	options  any    // of the sender
	template string // where its templates are; "" is built in
	source   string // what stands there
	where    string // what it is, for people; no secret
}

// What holds for receivers that are people, unless their entries say otherwise: a message is to tell the whole of what happened, and no storm is
// to make the phone useless. Programs are told of each poll's transitions at once.
var peoplePolicy = notify.Policy{GroupBy: []string{"device"}, GroupWait: 5 * time.Second, GroupInterval: time.Minute, Rate: notify.Rate{Messages: 10, Per: 10 * time.Minute}}

// Mirror reports whether n is shown all alerts again and again: an Alertmanager.
func (n Notifier) Mirror() bool { return n.Kind == alertmanagerKind }

// SameSender reports whether a sender made of n may go on for o.
func (n Notifier) SameSender(o Notifier) bool {
	return n.Kind == o.Kind && n.Every == o.Every && n.template == o.template && n.source == o.source && reflect.DeepEqual(n.options, o.options)
}

// Templates returns n's templates, or those of source, a file of that name, if it is not "".
func (n Notifier) Templates(name, source string) (*notify.Templates, error) {
	if source == "" {
		name, source = n.template, n.source
	}
	return notify.ParseTemplates(name, source, time.Local)
}

// Sender makes n's sender, of all but a mirror. It sends nothing.
func (n Notifier) Sender(t *notify.Templates, log *slog.Logger) (notify.Sender, error) {
	switch o := n.options.(type) {
	case webhookOptions:
		return web.NewWebhook(o.Options, o.signing)
	case chatOptions:
		return map[string]func(web.Options, *notify.Templates) (*web.Chat, error){"slack": web.NewSlack, "teams": web.NewTeams, "discord": web.NewDiscord}[n.Kind](o.Options, t)
	case telegramOptions:
		return web.NewTelegram(o.Options, o.bot, t)
	case mail.Options:
		o.Log = log
		return mail.New(o, t)
	case notify.ExecOptions:
		return notify.NewExec(o, t)
	}
	return notify.NewLog(log), nil
}

// Alertmanager makes the mirror of n.
func (n Notifier) Alertmanager() (*web.Alertmanager, error) {
	return web.NewAlertmanager(n.options.(web.Options), n.Every)
}

type webhookOptions struct {
	web.Options
	signing secret.String
}

type chatOptions struct{ web.Options }

type telegramOptions struct {
	web.Options
	bot web.TelegramOptions
}

// mostName bounds a notifier's name as it stands in the name of a file.
const mostName = 200

const alertmanagerKind = "alertmanager"

// notifier is one of its kinds, each called by its key; the others are nil.
type notifier struct {
	Webhook      *webhook      `yaml:"webhook"`
	Alertmanager *alertmanager `yaml:"alertmanager"`
	Email        *email        `yaml:"email"`
	Slack        *chat         `yaml:"slack"`
	Teams        *chat         `yaml:"teams"`
	Discord      *chat         `yaml:"discord"`
	Telegram     *telegram     `yaml:"telegram"`
	Exec         *execNotifier `yaml:"exec"`
	Log          *logNotifier  `yaml:"log"`
}

// notifierKind is the keys of a notifier of one kind.
type notifierKind interface {
	common() *told
	// read puts what the keys, which are written below at, say into n; false after a mistake, which it has told.
	read(r *reader, n *Notifier, at ...any) bool
}

// told is what all notifiers have: when they are told, and of what.
type told struct {
	Name          string     `yaml:"name"`
	Match         []string   `yaml:"match"`
	GroupBy       *[]string  `yaml:"group_by"`
	GroupWait     *duration  `yaml:"group_wait"`
	GroupInterval *duration  `yaml:"group_interval"`
	RepeatEvery   *duration  `yaml:"repeat_every"`
	SendResolved  *bool      `yaml:"send_resolved"`
	RateLimit     *rateLimit `yaml:"rate_limit"`
	Escalate      *escalate  `yaml:"escalate"`
	Template      string     `yaml:"template"`
}

type rateLimit struct {
	Messages int    `yaml:"messages"`
	Per      period `yaml:"per"`
}

type escalate struct {
	After period `yaml:"after"`
	To    words  `yaml:"to"`
}

func (t *told) common() *told { return t }

// notifiers returns those that are right.
func (r *reader) notifiers(list []notifier) []Notifier {
	var out []Notifier
	var routes []notify.Route
	var lines []int
	names := map[string]bool{}
	for i, n := range list {
		kinds, keys := chosen[notifierKind](n)
		switch {
		case len(kinds) > 1:
			r.fail(errors.New("one entry is one notifier: begin each with its own dash"), "notify", i)
			continue
		case len(kinds) == 0:
			r.fail(fmt.Errorf("a notifier is %s", known(n)), "notify", i)
			continue
		}
		t := kinds[0].common()
		at := []any{"notify", i, keys[0]}
		made := Notifier{Kind: keys[0], Name: r.name(t.Name, keys[0], names, "notify", i)}
		ok := r.told(&made, t, at...)
		if kinds[0].read(r, &made, at...) && ok {
			ok = r.template(&made, t.Template, at...) && r.probeNotifier(made, at...)
		} else {
			ok = false
		}
		if !ok {
			continue
		}
		route := notify.Route{Name: made.Name, Match: made.Match}
		if t.Escalate != nil {
			route.Steps = []notify.Step{{After: time.Duration(t.Escalate.After), To: t.Escalate.To}}
		}
		for _, one := range made.each() {
			out, routes, lines = append(out, one), append(routes, route), append(lines, i)
			if one.Mirror() {
				routes[len(routes)-1].Name = one.Name
			}
		}
	}
	if !Failed(r.problems) { // else what an escalation names may be missing for its own mistake
		r.escalations(out, routes, lines)
	}
	return out
}

// escalations puts into out of what each is told.
func (r *reader) escalations(out []Notifier, routes []notify.Route, lines []int) {
	feeds, err := notify.Feeds(routes)
	if err != nil {
		line := 0
		for i, route := range routes {
			if len(route.Steps) > 0 && strings.Contains(err.Error(), fmt.Sprintf("%q", route.Name)) {
				line = lines[i]
				break
			}
		}
		r.fail(err, "notify", line)
		return
	}
	for i := range out {
		out[i].Policy.Feeds = feeds[i]
		if out[i].Mirror() && slices.ContainsFunc(feeds[i], func(f notify.Feed) bool { return f.After > 0 }) {
			r.fail(fmt.Errorf("escalate: %q is an Alertmanager, which has escalations of its own", out[i].Name), "notify", lines[i])
		}
	}
}

// told reads into n when it is told, and of what.
func (r *reader) told(n *Notifier, t *told, at ...any) bool {
	before := len(r.problems)
	if len(url.PathEscape(n.Name)) > mostName {
		r.fail(fmt.Errorf("the name is longer than %d octets, and a file is called by it", mostName), append(at, "name")...)
	}
	for j, text := range t.Match {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			r.fail(err, append(at, "match", j)...)
			continue
		}
		n.Match = append(n.Match, m)
	}
	p := &n.Policy
	p.GroupBy = []string{"device"}
	if slices.Contains([]string{"email", "slack", "teams", "discord", "telegram"}, n.Kind) {
		*p = peoplePolicy
	}
	set(&p.GroupBy, t.GroupBy)
	for _, d := range []struct {
		into    *time.Duration
		written *duration
	}{{&p.GroupWait, t.GroupWait}, {&p.GroupInterval, t.GroupInterval}, {&p.RepeatEvery, t.RepeatEvery}} {
		if d.written != nil {
			*d.into = time.Duration(*d.written)
		}
	}
	if p.RepeatEvery > 0 && p.RepeatEvery < time.Minute {
		r.fail(errors.New("repeat_every is at least 1m"), append(at, "repeat_every")...)
	}
	p.NoResolved = t.SendResolved != nil && !*t.SendResolved
	if l := t.RateLimit; l != nil {
		if l.Messages < 0 || l.Messages > 0 && l.Per == 0 {
			r.fail(errors.New("rate_limit is such as {messages: 10, per: 10m}, or {messages: 0} for none"), append(at, "rate_limit")...)
		}
		p.Rate = notify.Rate{Messages: l.Messages, Per: time.Duration(l.Per)}
	}
	if e := t.Escalate; e != nil && (e.After == 0 || len(e.To) == 0) {
		r.fail(errors.New("escalate is such as {after: 15m, to: [NAME]}"), append(at, "escalate")...)
	}
	return len(r.problems) == before
}

// template reads the file of n's templates, and tries them.
func (r *reader) template(n *Notifier, path string, at ...any) bool {
	if path == "" {
		return true
	}
	r.checkPath(path, append(at, "template")...)
	n.template = path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.path), path)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		n.source = string(text)
		_, err = notify.ParseTemplates(path, n.source, time.Local)
	}
	if err != nil {
		r.fail(fmt.Errorf("template: %w", err), append(at, "template")...)
	}
	return err == nil
}

// probeNotifier makes n's sender, which sends nothing, to see what is wrong with it.
func (r *reader) probeNotifier(n Notifier, at ...any) bool {
	var err error
	if n.Mirror() {
		for _, one := range n.each() {
			_, failed := one.Alertmanager()
			err = errors.Join(err, failed)
		}
	} else {
		t, failed := n.Templates("", "")
		if err = failed; err == nil {
			_, err = n.Sender(t, slog.New(slog.DiscardHandler))
		}
	}
	if err != nil {
		r.fail(err, at...)
	}
	return err == nil
}

// each returns n, or one of each Alertmanager of a cluster.
func (n Notifier) each() []Notifier {
	list, ok := n.options.([]web.Options)
	if !ok {
		return []Notifier{n}
	}
	var out []Notifier
	for i, o := range list {
		one := n
		one.options = o
		if len(list) > 1 {
			one.Name = fmt.Sprintf("%s/%d", n.Name, i+1)
		}
		out = append(out, one)
	}
	return out
}

// httpKeys are those of what is spoken to over HTTP.
type httpKeys struct {
	Token     secret.String          `yaml:"token"`
	TokenFile string                 `yaml:"token_file"`
	TokenEnv  string                 `yaml:"token_env"`
	Headers   map[string]headerValue `yaml:"headers"`
	Timeout   period                 `yaml:"timeout"`
	TLS       tlsKeys                `yaml:"tls"`
}

func (r *reader) http(k httpKeys, at ...any) (web.Options, bool) {
	var o web.Options
	var ok1, ok2, ok3 bool
	o.Token, ok1 = r.secret(source{"token", k.Token, k.TokenFile, k.TokenEnv}, at...)
	o.Headers, ok2 = r.headers(k.Headers, at...)
	o.TLS, ok3 = r.tls(k.TLS, at...)
	o.Timeout = time.Duration(k.Timeout)
	return o, ok1 && ok2 && ok3
}

type webhook struct {
	URL               secret.String `yaml:"url"` // many a receiver's URL holds its token
	URLFile           string        `yaml:"url_file"`
	URLEnv            string        `yaml:"url_env"`
	SigningSecret     secret.String `yaml:"signing_secret"`
	SigningSecretFile string        `yaml:"signing_secret_file"`
	SigningSecretEnv  string        `yaml:"signing_secret_env"`
	httpKeys          `yaml:",inline"`
	told              `yaml:",inline"`
}

func (w *webhook) read(r *reader, n *Notifier, at ...any) bool {
	o, ok := r.http(w.httpKeys, at...)
	var ok1, ok2 bool
	o.URL, ok1 = r.secret(source{"url", w.URL, w.URLFile, w.URLEnv}, at...)
	signing, ok2 := r.secret(source{"signing_secret", w.SigningSecret, w.SigningSecretFile, w.SigningSecretEnv}, at...)
	n.options, n.where = webhookOptions{o, signing}, "webhook"
	return ok && ok1 && ok2
}

type chat struct {
	URL     secret.String `yaml:"url"`
	URLFile string        `yaml:"url_file"`
	URLEnv  string        `yaml:"url_env"`
	Timeout period        `yaml:"timeout"`
	TLS     tlsKeys       `yaml:"tls"`
	told    `yaml:",inline"`
}

func (c *chat) read(r *reader, n *Notifier, at ...any) bool {
	o, ok := r.http(httpKeys{Timeout: c.Timeout, TLS: c.TLS}, at...)
	var ok1 bool
	o.URL, ok1 = r.secret(source{"url", c.URL, c.URLFile, c.URLEnv}, at...)
	n.options, n.where = chatOptions{o}, n.Kind
	return ok && ok1
}

type telegram struct {
	Token     secret.String `yaml:"token"`
	TokenFile string        `yaml:"token_file"`
	TokenEnv  string        `yaml:"token_env"`
	Chat      string        `yaml:"chat"`
	Topic     int           `yaml:"topic"`
	URL       string        `yaml:"url"`
	Timeout   period        `yaml:"timeout"`
	TLS       tlsKeys       `yaml:"tls"`
	told      `yaml:",inline"`
}

func (t *telegram) read(r *reader, n *Notifier, at ...any) bool {
	o, ok := r.http(httpKeys{Timeout: t.Timeout, TLS: t.TLS}, at...)
	bot := web.TelegramOptions{Chat: t.Chat, Topic: t.Topic}
	var ok1 bool
	bot.Token, ok1 = r.secret(source{"token", t.Token, t.TokenFile, t.TokenEnv}, at...)
	o.URL = secret.New(t.URL)
	n.options, n.where = telegramOptions{o, bot}, "telegram, chat "+t.Chat
	return ok && ok1
}

type alertmanager struct {
	Name     string          `yaml:"name"`
	Match    []string        `yaml:"match"`
	URLs     []secret.String `yaml:"urls"` // may hold a password
	Every    period          `yaml:"every"`
	httpKeys `yaml:",inline"`
}

func (a *alertmanager) common() *told { return &told{Name: a.Name, Match: a.Match} }

func (a *alertmanager) read(r *reader, n *Notifier, at ...any) bool {
	o, ok := r.http(a.httpKeys, at...)
	if len(a.URLs) == 0 {
		r.fail(errors.New("urls names no Alertmanager, as in urls: [http://127.0.0.1:9093]"), at...)
		return false
	}
	n.Every = cmp.Or(time.Duration(a.Every), notify.DefaultEvery)
	if n.Every < time.Second {
		r.fail(errors.New("every is at least 1s"), append(at, "every")...)
		return false
	}
	var list []web.Options
	for _, u := range a.URLs {
		one := o
		one.URL = u
		list = append(list, one)
	}
	n.options, n.where = list, alertmanagerKind
	return ok
}

type email struct {
	Server       string        `yaml:"server"`
	Security     string        `yaml:"security"`
	TLS          tlsKeys       `yaml:"tls"`
	User         string        `yaml:"user"`
	Password     secret.String `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	PasswordEnv  string        `yaml:"password_env"`
	From         string        `yaml:"from"`
	To           words         `yaml:"to"`
	Timeout      period        `yaml:"timeout"`
	told         `yaml:",inline"`
}

func (e *email) read(r *reader, n *Notifier, at ...any) bool {
	tls, ok := r.tls(e.TLS, at...)
	o := mail.Options{Server: e.Server, Security: mail.Security(e.Security), TLS: tls, User: e.User, From: e.From, To: e.To, Timeout: time.Duration(e.Timeout)}
	var ok1 bool
	o.Password, ok1 = r.secret(source{"password", e.Password, e.PasswordFile, e.PasswordEnv}, at...)
	n.options, n.where = o, "mail to "+strings.Join(e.To, ", ")+" by "+e.Server
	return ok && ok1
}

type execNotifier struct {
	Command []string `yaml:"command"`
	Timeout period   `yaml:"timeout"`
	told    `yaml:",inline"`
}

func (e *execNotifier) read(_ *reader, n *Notifier, _ ...any) bool {
	n.options, n.where = notify.ExecOptions{Command: e.Command, Timeout: time.Duration(e.Timeout)}, "exec "+strings.Join(e.Command, " ")
	return true
}

type logNotifier struct {
	told `yaml:",inline"`
}

func (l *logNotifier) read(_ *reader, n *Notifier, _ ...any) bool {
	n.options, n.where = nil, "the log"
	return true
}

// notifySummary says who is told, and when.
func (c Config) notifySummary(b *strings.Builder) {
	if len(c.Notify) == 0 {
		b.WriteString("notify: nobody; alerts are in /metrics only\n")
		return
	}
	fmt.Fprintf(b, "notify: %d\n", len(c.Notify))
	for _, n := range c.Notify {
		fmt.Fprintf(b, "  %s: %s", n.Name, n.where)
		for _, f := range n.Policy.Feeds {
			if f.After > 0 {
				fmt.Fprintf(b, "; if nobody acknowledges for %v", f.After)
			}
			for _, m := range f.Match {
				b.WriteString(" " + m.String())
			}
		}
		p := n.Policy
		if p.GroupWait > 0 {
			fmt.Fprintf(b, "; waits %v for more of the same %s", p.GroupWait, strings.Join(p.GroupBy, ", "))
		}
		if p.Rate.Messages > 0 {
			fmt.Fprintf(b, "; at most %d messages in %v", p.Rate.Messages, p.Rate.Per)
		}
		if p.RepeatEvery > 0 {
			fmt.Fprintf(b, "; again every %v", p.RepeatEvery)
		}
		b.WriteString("\n")
	}
}
