package lineprotocol

// Torn says how much of a line a text is.
type Torn uint8

// What a text that begins where a line does may be.
const (
	NoLine Torn = iota // something that Append does not write
	Begun              // the beginning of a line, or nothing
	Whole              // a line, with its newline
)

// Look says what text is. A newline does not tell where a line ends, as strings may hold some.
func Look(text []byte) Torn {
	i, what := name(text, 0, ' ')
	if what != Whole {
		return what
	}
	for {
		if i, what = name(text, i, '='); what != Whole {
			return what
		}
		if i, what = value(text, i); what != Whole {
			return what
		}
		if text[i-1] == ' ' {
			return moment(text[i:])
		}
	}
}

// name skips what goes up to an end that no backslash stands before, and the end. It begins at i.
func name(text []byte, i int, end byte) (int, Torn) {
	for start := i; i < len(text); i++ {
		switch {
		case text[i] < ' ':
			return i, NoLine
		case text[i] == end && i == start:
			return i, NoLine
		case text[i] == end:
			return i + 1, Whole
		case text[i] == '\\' && i+1 < len(text) && text[i+1] != '\\':
			i++
		}
	}
	return i, Begun
}

// value skips a field's value and the comma or space behind it.
func value(text []byte, i int) (int, Torn) {
	start := i
	if i < len(text) && text[i] == '"' {
		for i++; i < len(text) && text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		i++
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case (c == ',' || c == ' ') && i == start:
			return i, NoLine
		case c == ',' || c == ' ':
			return i + 1, Whole
		case c < ' ' || text[start] == '"':
			return i, NoLine
		}
	}
	return i, Begun
}

// moment looks at a time and the newline behind it.
func moment(text []byte) Torn {
	for i, c := range text {
		switch {
		case c == '-' && i == 0:
		case '0' <= c && c <= '9':
		case c == '\n' && i > 0 && i == len(text)-1:
			return Whole
		default:
			return NoLine
		}
	}
	return Begun
}
