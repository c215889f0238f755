package nearest_test

import (
	"strings"
	"testing"

	"walkabout/internal/nearest"
)

func TestWord(t *testing.T) {
	known := []string{"interval", "targets", "state", "address"}
	for word, want := range map[string]string{
		"intervall": "interval", "target": "targets", "adress": "address", "State": "state", "colour": "", "": "", "x": "", strings.Repeat("interval", 9): "",
	} {
		if got := nearest.Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}
