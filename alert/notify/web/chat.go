package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/internal/secret"
)

// Chat is a notify.Sender that posts to a service where people talk.
type Chat struct {
	*poster
	templates *notify.Templates
	shape     func(said) any
}

// said is what is said, whatever the service.
type said struct {
	title, text string
	links       []link // of the first alerts
	ended       bool   // nothing fires any more
}

type link struct{ name, url string }

// mostLinks bounds the links of one message.
const mostLinks = 5

func newChat(kind string, o Options, t *notify.Templates, shape func(said) any) (*Chat, error) {
	p, err := newPoster(kind, o)
	if err != nil {
		return nil, err
	}
	return &Chat{poster: p, templates: t, shape: shape}, nil
}

// NewSlack returns a Sender to an incoming webhook of Slack, or of what takes the same (Mattermost, Rocket.Chat).
func NewSlack(o Options, t *notify.Templates) (*Chat, error) {
	return newChat("slack", o, t, func(s said) any { return slackBody(s) })
}

// NewTeams returns a Sender to a workflow of Microsoft Teams that posts what a webhook brings.
func NewTeams(o Options, t *notify.Templates) (*Chat, error) {
	return newChat("teams", o, t, func(s said) any { return teamsBody(s) })
}

// NewDiscord returns a Sender to a webhook of Discord.
func NewDiscord(o Options, t *notify.Templates) (*Chat, error) {
	return newChat("discord", o, t, func(s said) any { return discordBody(s) })
}

// TelegramAPI is where bots of Telegram are served.
const TelegramAPI = "https://api.telegram.org"

// TelegramOptions are of a bot: the token that BotFather gave, the chat that it writes to (a number, or @channel), and the topic in it, 0 for none.
type TelegramOptions struct {
	Token secret.String
	Chat  string
	Topic int
}

// NewTelegram returns a Sender of a bot of Telegram. o.URL is that of the service, TelegramAPI unless it is another.
func NewTelegram(o Options, b TelegramOptions, t *notify.Templates) (*Chat, error) {
	base := o.URL.Reveal()
	if base == "" {
		base = TelegramAPI
	}
	u, err := url.Parse(base)
	if err != nil || b.Token.IsZero() || strings.ContainsAny(b.Token.Reveal(), "/?#% \r\n") {
		return nil, errors.New("telegram: token is wanted as BotFather gave it: 123456:ABC…")
	}
	if _, err := strconv.ParseInt(b.Chat, 10, 64); err != nil && !strings.HasPrefix(b.Chat, "@") {
		return nil, fmt.Errorf("telegram: chat %q is neither a number such as -1001234567890 nor a @channel", b.Chat)
	}
	o.URL = secret.New(u.JoinPath("bot"+b.Token.Reveal(), "sendMessage").String())
	return newChat("telegram", o, t, func(s said) any { return telegramBody(s, b) })
}

// body returns what is posted of m.
func (c *Chat) body(m *notify.Message) ([]byte, error) {
	s := said{title: c.templates.Subject(m), text: strings.TrimSpace(c.templates.Text(m)), ended: true}
	linked := map[string]bool{}
	for i := range m.Items {
		it := &m.Items[i]
		s.ended = s.ended && it.State == alert.Resolved
		if it.Link != "" && !linked[it.Link] && len(s.links) < mostLinks {
			linked[it.Link] = true
			s.links = append(s.links, link{plain(strings.TrimSpace(it.Device + " " + it.Key)), it.Link})
		}
	}
	return encode(c.shape(s))
}

// Send implements notify.Sender.
func (c *Chat) Send(ctx context.Context, m *notify.Message) error {
	body, err := c.body(m)
	if err != nil {
		return &notify.RejectedError{Err: fmt.Errorf("%s: %w", c.kind, err)}
	}
	return c.post(ctx, body, nil)
}

// Preview implements notify.Sender.
func (c *Chat) Preview(m *notify.Message) (string, error) {
	body, err := c.body(m)
	return "POST " + c.where() + "\n\n" + pretty(body), err
}

// plain makes one short line of what a device says.
func plain(text string) string {
	return notify.Cut(60, strings.Join(strings.Fields(notify.Clean(strings.ToValidUTF8(text, "\uFFFD"))), " "))
}

// joiner is invisible, and keeps what it stands in from being read as a mention or a link.
const joiner = "\u2060"

// tame keeps mentions (@everyone) and links of Markdown ([text](url)) in text from working, where a service reads it.
func tame(text string) string {
	return strings.NewReplacer("@", "@"+joiner, "](", "]"+joiner+"(").Replace(text)
}

// fenced returns text in a block that services show as it is. What would end the block is kept apart.
func fenced(text string) string {
	return "```\n" + strings.ReplaceAll(text, "```", "`"+joiner+"`"+joiner+"`") + "\n```"
}

// units is the length of text as Telegram counts: in units of UTF-16.
func units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// prefix returns how many octets of text are at most so many units.
func prefix(most int, text string) int {
	n := 0
	for i, r := range text {
		if n += utf16.RuneLen(r); n > most {
			return i
		}
	}
	return len(text)
}

// cutUnits is notify.Cut by units of UTF-16.
func cutUnits(most int, text string) string {
	if units(text) <= most {
		return text
	}
	return text[:prefix(most-1, text)] + "…"
}
