package lineprotocol

import "unicode/utf8"

// class says what becomes of an octet.
type class uint8

const (
	plain     class = iota // stands for itself
	special                // gets a backslash before it
	forbidden              // has no form here: U+FFFD stands in for it
	backslash              // stands for itself, unless it would escape what follows: then U+FFFD stands in for it
	multibyte              // part of a UTF-8 sequence, or, if of none, U+FFFD stands in for it
)

// What each place of a line can carry. Found in InfluxDB 1.8's models/points.go and tried against the server:
//
//   - Nothing but `"` and `\` needs escaping in a string, and a newline may stand in it.
//   - Tags escape with a backslash but have no way to escape a backslash. Before `,` and `=` it is read back right (`\\,`
//     is a backslash and a comma), at the end it would escape the separator. Before a space scanLine, which takes
//     backslashes in pairs, would see the fields begin, and count quotes and commas from there, while scanTags does not:
//     a device could so join its line to the next one.
//   - Control octets in tags are read by 1.8 but by no strict parser, and a newline or a leading NUL or tab not even by
//     1.8. They are replaced everywhere outside strings.
//   - In field names scanFields takes backslashes in pairs and the rest does not, and the index unescapes measurements once
//     more than the parser. No backslash can stand in either; they are the profile's words, not a device's.
var (
	measurementClasses = classes(", ", forbidden)
	tagClasses         = classes(",= ", backslash)
	fieldClasses       = classes(",= ", forbidden)
	stringClasses      = stringClassTable()
)

const replacement = "\uFFFD"

func classes(specials string, slash class) (t [256]class) {
	for c := range t {
		switch {
		case c < ' ' || c == 0x7f:
			t[c] = forbidden
		case c >= utf8.RuneSelf:
			t[c] = multibyte
		}
	}
	for _, c := range []byte(specials) {
		t[c] = special
	}
	t['\\'] = slash
	return t
}

func stringClassTable() (t [256]class) {
	for c := utf8.RuneSelf; c < len(t); c++ {
		t[c] = multibyte
	}
	t['"'], t['\\'] = special, special
	return t
}

// appendMeasurement appends name, which is not empty. A leading # would make the line a comment.
func appendMeasurement(dst []byte, name string) []byte {
	if name[0] == '#' {
		dst = append(dst, replacement...)
		name = name[1:]
	}
	return appendEscaped(dst, name, &measurementClasses)
}

func appendEscaped(dst []byte, s string, table *[256]class) []byte {
	for i := range len(s) {
		if table[s[i]] != plain {
			return appendEscapedFrom(dst, s, i, table)
		}
	}
	return append(dst, s...)
}

// appendEscapedFrom is appendEscaped for a text of which s[:i] is plain.
func appendEscapedFrom(dst []byte, s string, i int, table *[256]class) []byte {
	done := 0 // s[:done] is in dst
	for {
		for i < len(s) && table[s[i]] == plain {
			i++
		}
		if i == len(s) {
			return append(dst, s[done:]...)
		}
		keep, size := true, 1
		switch table[s[i]] {
		case special:
			dst = append(dst, s[done:i]...)
			dst = append(dst, '\\')
			done = i
		case forbidden:
			keep = false
		case backslash:
			keep = i+1 < len(s) && s[i+1] != ' '
		case multibyte:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			keep = r != utf8.RuneError || size > 1
		}
		if !keep {
			dst = append(dst, s[done:i]...)
			dst = append(dst, replacement...)
			done = i + size
		}
		i += size
	}
}
