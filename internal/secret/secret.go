// Package secret holds passwords, communities and tokens in a type that does not print.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what every way of printing a String gives, whatever it holds, and the empty one too: whether a secret was set
// is nobody's business either.
const Mask = "<secret>"

// String is a secret text. fmt with any verb, log/slog, encoding/json and yaml all give Mask; only Reveal gives the text.
// The zero String is the empty text. A String may be copied; == compares identity and not text, so use Equal.
//
// The text is behind a pointer because fmt calls no methods on a struct's unexported fields: there it prints an address,
// where a plain string type would print the secret.
type String struct{ text *string }

// New returns a String that holds text.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{&text}
}

// Reveal returns the text. Its result must go to the peer that it authenticates to, and nowhere else.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the text is empty. yaml's and json's omitempty and omitzero heed it.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Equal compares in a time that depends on neither text's contents nor on how much of them agrees.
func (s String) Equal(t String) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(t.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns Mask.
func (s String) String() string { return Mask }

// GoString returns Mask.
func (s String) GoString() string { return Mask }

// Format writes Mask for every verb; without it fmt's complaint about a wrong verb (%d) would show the value.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue returns Mask.
func (s String) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalYAML returns Mask.
func (s String) MarshalYAML() (any, error) { return Mask, nil }

// MarshalText returns Mask; encoding/json uses it.
func (s String) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// UnmarshalText makes s hold text; yaml and encoding/json use it for scalars.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
