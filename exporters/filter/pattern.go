package filter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pattern fits whole texts. Make one with Parse; the zero Pattern fits the empty text.
type Pattern struct {
	glob   string
	regexp *regexp.Regexp // nil: glob
}

// Parse reads a pattern: a text, in which * stands for any octets, none as well, and ? for one character; or, between slashes, a regular expression of
// RE2 (/Gi[0-9]+/) that must fit from the first octet to the last.
func Parse(text string) (Pattern, error) {
	switch inner, ok := strings.CutPrefix(text, "/"); {
	case text == "":
		return Pattern{}, errors.New("a pattern is empty")
	case ok && len(inner) > 1 && strings.HasSuffix(inner, "/"):
		e, err := regexp.Compile(`\A(?:` + strings.TrimSuffix(inner, "/") + `)\z`)
		if err != nil {
			return Pattern{}, fmt.Errorf("pattern %s: %w", text, err)
		}
		return Pattern{regexp: e}, nil
	default:
		return Pattern{glob: text}, nil
	}
}

// Match reports whether p fits all of text.
func (p Pattern) Match(text string) bool {
	if p.regexp != nil {
		return p.regexp.MatchString(text)
	}
	return glob(p.glob, text)
}

// glob tries each * with as few octets as possible, and goes back to the last one only: an earlier one with more octets could fit nothing else.
func glob(pattern, text string) bool {
	star, from := -1, 0 // the last *, and how far it reached
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(text[t:])
			p, t = p+1, t+size
		case p < len(pattern) && pattern[p] == text[t]:
			p, t = p+1, t+1
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Patterns fit what one of them fits.
type Patterns []Pattern

// Match reports whether one of p fits all of text.
func (p Patterns) Match(text string) bool {
	return slices.ContainsFunc(p, func(p Pattern) bool { return p.Match(text) })
}
