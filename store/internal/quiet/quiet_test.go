package quiet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"walkabout/store/internal/quiet"
)

// TestLogger: of what a library tells, warnings and errors are passed on, but for what its end broke off.
func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log := quiet.Logger(slog.New(slog.NewTextHandler(&out, nil))).With("part", "x")
	log.Info("passing")
	log.Error("compaction failed", "block", 1, "err", fmt.Errorf("compact: %w", errors.Join(errors.New("populate"), context.Canceled)), "file", "y")
	if out.Len() > 0 {
		t.Errorf("said: %s", &out)
	}
	log.Warn("slow", "seconds", 5)
	log.Error("compaction failed", "err", errors.New("no space"))
	if said := out.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, "no space") || !strings.Contains(said, "level=WARN msg=slow part=x seconds=5") {
		t.Errorf("said: %s", said)
	}
}
