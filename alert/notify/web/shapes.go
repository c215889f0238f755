package web

import (
	"encoding/json"
	"strings"
)

// What the services take at most, in units of UTF-16, as the strictest of them count, with some left for what is around.
const (
	slackHeader   = 150  // a header block
	slackSection  = 2900 // a section block: 3000
	slackSections = 4
	slackText     = 3500 // text: 40,000; Slack advises 4,000

	teamsTitle = 300
	teamsText  = 6000
	teamsLines = 120
	// A message is at most 28 KB, of which each line takes its octets in JSON and those of the element that it has to itself.
	teamsOctets  = 24 << 10
	teamsElement = 90

	discordTitle = 256  // an embed's title
	discordText  = 4000 // its description: 4096

	telegramTitle = 300
	telegramLink  = 72
	telegramText  = 3300 // a message: 4096 units of UTF-16
)

type slackMessage struct {
	Text        string       `json:"text"` // for notifications, and for what knows no blocks
	Blocks      []slackBlock `json:"blocks"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type string        `json:"type"`
	Text slackTextPart `json:"text"`
}

type slackTextPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// slackEscape is what Slack asks for wherever it reads mrkdwn: <!channel> and <@U1> are mentions only unescaped.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackBody has what devices say in blocks of plain text, in which Slack reads nothing.
func slackBody(s said) slackMessage {
	m := slackMessage{Text: slackEscape.Replace(tame(cutUnits(slackHeader, s.title)) + "\n" + fenced(cutUnits(slackText, s.text)))}
	m.Blocks = append(m.Blocks, slackBlock{"header", slackTextPart{"plain_text", cutUnits(slackHeader, s.title)}})
	rest := s.text
	for n := 0; rest != "" && n < slackSections; n++ {
		part := rest[:prefix(slackSection, rest)]
		if end := strings.LastIndexByte(part, '\n'); len(part) < len(rest) && end > 0 {
			part = part[:end]
		}
		rest = rest[len(part):]
		text := strings.Trim(part, "\n")
		if n == slackSections-1 && rest != "" {
			text += "\n…"
		}
		if text != "" {
			m.Blocks = append(m.Blocks, slackBlock{"section", slackTextPart{"plain_text", text}})
		}
	}
	var links []string
	for _, l := range s.links {
		links = append(links, "<"+slackEscape.Replace(strings.NewReplacer("|", "%7C", ">", "%3E").Replace(l.url))+"|"+slackEscape.Replace(tame(strings.ReplaceAll(l.name, "|", "¦")))+">")
	}
	if len(links) > 0 {
		m.Blocks = append(m.Blocks, slackBlock{"section", slackTextPart{"mrkdwn", strings.Join(links, "   ")}})
	}
	return m
}

type teamsMessage struct {
	Type        string            `json:"type"` // message
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string       `json:"contentType"`
	ContentURL  *string      `json:"contentUrl"` // null
	Content     adaptiveCard `json:"content"`
}

// adaptiveCard is of adaptivecards.io, version 1.4.
type adaptiveCard struct {
	Schema  string         `json:"$schema"`
	Type    string         `json:"type"`
	Version string         `json:"version"`
	Body    []richText     `json:"body"`
	Actions []openURL      `json:"actions,omitempty"`
	MSTeams map[string]any `json:"msteams"`
}

// richText is an element in which nothing is read as Markdown, other than in a TextBlock.
type richText struct {
	Type    string    `json:"type"`
	Spacing string    `json:"spacing,omitempty"`
	Inlines []textRun `json:"inlines"`
}

type textRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
}

type openURL struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

func teamsBody(s said) teamsMessage {
	color := "Attention"
	if s.ended {
		color = "Good"
	}
	card := adaptiveCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		MSTeams: map[string]any{"width": "Full"},
		Body:    []richText{{Type: "RichTextBlock", Inlines: []textRun{{Type: "TextRun", Text: cutUnits(teamsTitle, s.title), Weight: "Bolder", Size: "Medium", Color: color}}}}}
	lines := strings.Split(cutUnits(teamsText, s.text), "\n")
	if len(lines) > teamsLines {
		lines = append(lines[:teamsLines], "…")
	}
	size := 0
	for _, l := range lines {
		quoted, _ := json.Marshal(l)
		if size += len(quoted) + teamsElement; size > teamsOctets {
			l = "…"
		}
		if l != "" {
			card.Body = append(card.Body, richText{Type: "RichTextBlock", Spacing: "None", Inlines: []textRun{{Type: "TextRun", Text: l}}})
		}
		if size > teamsOctets {
			break
		}
	}
	for _, l := range s.links {
		card.Actions = append(card.Actions, openURL{"Action.OpenUrl", l.name, l.url})
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}}
}

type discordMessage struct {
	Embeds          []discordEmbed `json:"embeds"`
	AllowedMentions struct {
		Parse []string `json:"parse"` // none: nobody is called, whatever a text says
	} `json:"allowed_mentions"`
}

type discordEmbed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url,omitempty"`
	Color       int    `json:"color"` // 0xRRGGBB
}

// discordEscape keeps Markdown from working in a title.
var discordEscape = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "|", `\|`, "[", `\[`, "<", `\<`)

func discordBody(s said) discordMessage {
	e := discordEmbed{Title: cutUnits(discordTitle, discordEscape.Replace(tame(s.title))), Description: fenced(cutUnits(discordText-200, s.text)), Color: 0xb01020}
	if s.ended {
		e.Color = 0x207020
	}
	e.Description = cutFence(e.Description)
	if len(s.links) > 0 {
		e.URL = s.links[0].url
	}
	m := discordMessage{Embeds: []discordEmbed{e}}
	m.AllowedMentions.Parse = []string{}
	return m
}

// cutFence cuts a fenced text that its joiners made too long, and keeps its end.
func cutFence(text string) string {
	if units(text) <= discordText {
		return text
	}
	return cutUnits(discordText-4, text) + "\n```"
}

type telegramMessage struct {
	ChatID      string           `json:"chat_id"`
	Thread      int              `json:"message_thread_id,omitempty"`
	Text        string           `json:"text"`
	Entities    []telegramEntity `json:"entities"` // in place of a parse_mode: nothing in the text is read
	LinkPreview struct {
		Disabled bool `json:"is_disabled"`
	} `json:"link_preview_options"`
}

type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"` // in units of UTF-16
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
}

func telegramBody(s said, b TelegramOptions) telegramMessage {
	m := telegramMessage{ChatID: b.Chat, Thread: b.Topic}
	m.LinkPreview.Disabled = true
	say := func(kind, text, url string) {
		m.Entities = append(m.Entities, telegramEntity{kind, units(m.Text), units(text), url})
		m.Text += text
	}
	say("bold", cutUnits(telegramTitle, tame(s.title)), "")
	m.Text += "\n"
	if s.text != "" {
		say("pre", cutUnits(telegramText, s.text), "") // in which no @name and no /command is read
	}
	for _, l := range s.links {
		m.Text += "\n"
		say("text_link", cutUnits(telegramLink, tame(l.name)), l.url)
	}
	return m
}
