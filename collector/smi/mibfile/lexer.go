package mibfile

import (
	"fmt"
	"strings"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	endOfFile tokenKind = iota
	word                // an identifier, a keyword, a number
	text                // a quoted string, without its quotes
	mark                // punctuation: "::=", "..", or one character
)

type token struct {
	kind tokenKind
	text string
	line int
}

func (t token) is(s string) bool { return t.kind != text && t.text == s }

// lexer takes ASN.1 apart as far as MIB modules use it.
type lexer struct {
	rest string
	line int
}

// next returns the next token; at the end endOfFile, again and again.
func (l *lexer) next() (token, error) {
	l.skip()
	if l.rest == "" {
		return token{endOfFile, "", l.line}, nil
	}
	c := l.rest[0]
	switch {
	case c == '"':
		return l.quoted()
	case c == '\'': // '0a1b'H or '0101'B
		end := strings.IndexByte(l.rest[1:], '\'')
		if end < 0 {
			return token{}, fmt.Errorf("line %d: the quote is not closed", l.line)
		}
		t := token{word, l.rest[:end+2], l.line}
		l.take(end + 2)
		return t, nil
	case isWord(c):
		n := 1
		for n < len(l.rest) && (isWord(l.rest[n]) || l.rest[n] == '-' && !strings.HasPrefix(l.rest[n:], "--")) {
			n++
		}
		t := token{word, l.rest[:n], l.line}
		l.rest = l.rest[n:]
		return t, nil
	}
	n := 1
	for _, long := range []string{"::=", ".."} {
		if strings.HasPrefix(l.rest, long) {
			n = len(long)
		}
	}
	t := token{mark, l.rest[:n], l.line}
	l.rest = l.rest[n:]
	return t, nil
}

// isWord reports whether c is of a word. "_" is none in ASN.1, and common.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// skip passes white space and comments, which end with their line: modules that end one with "--" within it are rare, and those whose rules of
// dashes are of any length are many.
func (l *lexer) skip() {
	for l.rest != "" {
		switch c := l.rest[0]; {
		case c == '\n':
			l.line++
			l.rest = l.rest[1:]
		case c <= ' ' || c == 0x7f || c == 0xef || c == 0xbb || c == 0xbf: // the last three: a byte order mark
			l.rest = l.rest[1:]
		case strings.HasPrefix(l.rest, "--"):
			end := strings.IndexByte(l.rest, '\n')
			if end < 0 {
				end = len(l.rest)
			}
			l.rest = l.rest[end:]
		default:
			return
		}
	}
}

func (l *lexer) quoted() (token, error) {
	end := strings.IndexByte(l.rest[1:], '"')
	if end < 0 {
		return token{}, fmt.Errorf("line %d: the quote is not closed", l.line)
	}
	t := token{text, l.rest[1 : end+1], l.line}
	l.take(end + 2)
	return t, nil
}

// take passes n octets that may hold line ends.
func (l *lexer) take(n int) {
	l.line += strings.Count(l.rest[:n], "\n")
	l.rest = l.rest[n:]
}
