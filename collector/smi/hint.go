package smi

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hintInteger writes n as an integer's DISPLAY-HINT says (RFC 2579 section 3.1); false if hint is none.
func hintInteger(hint string, n int64) (string, bool) {
	format, rest := hint[:min(1, len(hint))], hint[min(1, len(hint)):]
	switch {
	case format == "d" && rest == "":
		return strconv.FormatInt(n, 10), true
	case format == "d" && strings.HasPrefix(rest, "-"):
		places, err := strconv.Atoi(rest[1:])
		if err != nil || places < 0 || places > 100 {
			return "", false
		}
		return decimal(n, places), true
	case rest != "":
		return "", false
	case format == "x":
		return strconv.FormatInt(n, 16), true
	case format == "o":
		return strconv.FormatInt(n, 8), true
	case format == "b":
		return strconv.FormatInt(n, 2), true
	}
	return "", false
}

// decimal writes n with the decimal point moved left by places.
func decimal(n int64, places int) string {
	if places == 0 {
		return strconv.FormatInt(n, 10)
	}
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// octetSpec is one octet-format specification of a DISPLAY-HINT.
type octetSpec struct {
	repeat     bool // the first octet of the value says how often it applies
	length     int
	format     byte // x, d, o, a, t
	separator  string
	terminator string // of a repeat
}

// maxHint bounds the specifications of a hint; those in use have at most 20.
const maxHint = 64

// parseOctetHint reads the DISPLAY-HINT of an OCTET STRING; false if it is none.
func parseOctetHint(hint string) ([]octetSpec, bool) {
	var specs []octetSpec
	for hint != "" {
		var s octetSpec
		if s.repeat = hint[0] == '*'; s.repeat {
			hint = hint[1:]
		}
		digits := 0
		for digits < len(hint) && isDigit(hint[digits]) {
			digits++
		}
		var err error
		if s.length, err = strconv.Atoi(hint[:digits]); err != nil || s.length > 65535 || digits == len(hint) || len(specs) == maxHint {
			return nil, false
		}
		s.format, hint = hint[digits], hint[digits+1:]
		if !strings.ContainsRune("xdoat", rune(s.format)) {
			return nil, false
		}
		// A separator is one character other than a digit or "*"; a terminator follows it, and only in a repeat.
		s.separator, hint = cutPunctuation(hint)
		if s.repeat && s.separator != "" {
			s.terminator, hint = cutPunctuation(hint)
		}
		specs = append(specs, s)
	}
	return specs, len(specs) > 0
}

func cutPunctuation(hint string) (mark, rest string) {
	if hint == "" || isDigit(hint[0]) || hint[0] == '*' {
		return "", hint
	}
	_, n := utf8.DecodeRuneInString(hint)
	return hint[:n], hint[n:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// hintOctets writes octets as an OCTET STRING's DISPLAY-HINT says (RFC 2579 section 3.1); false if hint is none, or says that octets are text
// where they are not. Where octets end within the hint, the text ends there. Hexadecimal numbers have all their digits.
func hintOctets(hint, octets string) (string, bool) {
	specs, ok := parseOctetHint(hint)
	if !ok {
		return "", false
	}
	var b []byte
	for i := 0; octets != ""; i++ {
		s := specs[min(i, len(specs)-1)]
		times := 1
		if s.repeat {
			times, octets = int(octets[0]), octets[1:]
		}
		if s.length == 0 && !s.repeat && i >= len(specs)-1 {
			return string(b), len(b) > 0 // it would go on for ever and take nothing
		}
		for ; times > 0 && (octets != "" || s.length == 0); times-- {
			piece := octets[:min(s.length, len(octets))]
			if s.format == 't' {
				piece = wholeRunes(piece, octets)
			}
			octets = octets[len(piece):]
			if b, ok = appendOctets(b, s.format, piece); !ok {
				return "", false
			}
			if octets != "" && (times > 1 || s.terminator == "") {
				b = append(b, s.separator...)
			}
		}
		if s.repeat && octets != "" {
			b = append(b, s.terminator...)
		}
	}
	return string(b), true
}

// wholeRunes returns piece, the beginning of octets, without a part of a character at its end.
func wholeRunes(piece, octets string) string {
	if len(piece) == len(octets) {
		return piece
	}
	for n := len(piece); n > 0 && n > len(piece)-utf8.UTFMax; n-- {
		if utf8.RuneStart(octets[n]) {
			return piece[:n]
		}
	}
	return piece
}

func appendOctets(b []byte, format byte, piece string) ([]byte, bool) {
	switch format {
	case 'a', 't':
		if !printable(piece) {
			return b, false
		}
		return append(b, piece...), true
	case 'x':
		return hex.AppendEncode(b, []byte(piece)), true
	}
	if piece == "" {
		return b, true
	}
	base := 10
	if format == 'o' {
		base = 8
	}
	return new(big.Int).SetBytes([]byte(piece)).Append(b, base), true
}

// printable reports whether s is text: UTF-8 without control characters other than tabs and line ends.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return false
		}
	}
	return true
}
