package nats

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"

	"walkabout/metric"
)

// subject is a template, taken apart at its braces: texts and names take turns, a text first.
type subject struct{ parts []string }

// parseSubject reads a template such as snmp.{measurement}.{device}.
func parseSubject(template string) (subject, error) {
	var s subject
	rest := template
	for {
		text, after, ok := strings.Cut(rest, "{")
		s.parts = append(s.parts, text)
		if !ok {
			break
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return subject{}, fmt.Errorf("subject %q: a name in braces is not closed, or empty", template)
		}
		s.parts = append(s.parts, name)
		rest = next
	}
	var plain strings.Builder
	for i, p := range s.parts {
		if i%2 == 0 {
			plain.WriteString(p)
		} else {
			plain.WriteByte('x')
		}
	}
	for _, token := range strings.Split(plain.String(), ".") {
		if token == "" || strings.ContainsAny(token, "*>} \t\r\n") {
			return subject{}, fmt.Errorf("subject %q: its parts between dots must not be empty, nor hold blanks, * or >", template)
		}
	}
	if strings.HasPrefix(plain.String(), "$") {
		return subject{}, errors.New("subject: what begins with $ is the server's own")
	}
	return s, nil
}

// of returns the subject for s.
func (t subject) of(s *metric.Sample) string {
	var b strings.Builder
	for i, p := range t.parts {
		switch {
		case i%2 == 0:
			b.WriteString(p)
		case p == "measurement":
			writeToken(&b, s.Measurement)
		default:
			writeToken(&b, s.Tag(p))
		}
	}
	return b.String()
}

// maxToken is the most characters of a value in a subject. Servers end the connection at a subject of 4 KiB (max_control_line).
const maxToken = 255

// writeToken writes text as a part of a subject: with _ for what has a meaning there, cannot stand there, or is no printable ASCII, and in the place of
// nothing. It ends after maxToken.
func writeToken(b *strings.Builder, text string) {
	if text == "" {
		b.WriteByte('_')
	}
	room := maxToken
	for _, r := range text {
		if room--; room < 0 {
			break
		}
		if r <= ' ' || r >= 0x7f || r == '.' || r == '*' || r == '>' {
			r = '_'
		}
		b.WriteRune(r)
	}
}

// messageID returns what a stream knows a sample by: a hash of its measurement, tags and time.
func messageID(s *metric.Sample) string {
	h := fnv.New128a()
	write := func(text string) {
		_, _ = io.WriteString(h, strconv.Itoa(len(text)))
		_, _ = io.WriteString(h, ":")
		_, _ = io.WriteString(h, text)
	}
	write(s.Measurement)
	for _, t := range s.Tags {
		write(t.Name)
		write(t.Value)
	}
	write(strconv.FormatInt(s.At.UnixNano(), 10))
	return hex.EncodeToString(h.Sum(nil))
}
