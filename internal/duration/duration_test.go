package duration_test

import (
	"strings"
	"testing"
	"time"

	"walkabout/internal/duration"
)

func TestParse(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "30s": 30 * time.Second, "1.5h": 90 * time.Minute, "1m30s": 90 * time.Second, "-5m": -5 * time.Minute,
		"30d": 30 * day, "1d12h": 36 * time.Hour, "2w": 14 * day, "1y": 365 * day,
	} {
		if got, err := duration.Parse(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "-1d", "1h1d", "1.5d", "300y", "5 m", "5M"} {
		if got, err := duration.Parse(text); err == nil || !strings.Contains(err.Error(), "7d") {
			t.Errorf("%q: %v, %v; want an error that says how it is written", text, got, err)
		}
		var f duration.Flag
		if f.Set(text) == nil {
			t.Errorf("--for %s is taken", text)
		}
	}
}
