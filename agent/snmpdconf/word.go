package snmpdconf

import (
	"errors"
	"strings"
)

var errQuote = errors.New("a quote is opened and not closed")

// isSpace is isspace(3) in the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// skipSpace returns what stands after white space: "" if that is nothing or a comment.
func skipSpace(s string) string {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	if strings.HasPrefix(s, "#") {
		return ""
	}
	return s
}

// nextWord takes the first word off s, which starts with no white space, by Net-SNMP's rules (copy_nword, snmplib/read_config.c): a word that
// starts with ' or " ends at the next one, any other at white space; a backslash takes the next octet as it is, in both. A # starts a comment
// only where a word would start. rest starts at the next word and is "" if there is none.
func nextWord(s string) (word, rest string, err error) {
	var quote byte
	i := 0
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		quote = s[0]
		i = 1
	}
	var b strings.Builder
	for ; i < len(s); i++ {
		c := s[i]
		if quote != 0 && c == quote {
			return b.String(), skipSpace(s[i+1:]), nil
		}
		if quote == 0 && isSpace(c) {
			return b.String(), skipSpace(s[i:]), nil
		}
		if c == '\\' && i+1 < len(s) {
			i++
			c = s[i]
		}
		b.WriteByte(c)
	}
	if quote != 0 {
		return "", "", errQuote
	}
	return b.String(), "", nil
}

// words splits all of s.
func words(s string) ([]string, error) {
	var out []string
	for s = skipSpace(s); s != ""; {
		word, rest, err := nextWord(s)
		if err != nil {
			return nil, err
		}
		out = append(out, word)
		s = rest
	}
	return out, nil
}
