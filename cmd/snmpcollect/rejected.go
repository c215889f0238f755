package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"walkabout/exporters/lines"
	"walkabout/metric"
)

// rejectedFolder is the place in the folder of the state for samples that outputs will never take.
const rejectedFolder = "rejected"

// maxRejected is the size after which a file of rejected samples is put aside, where it takes the place of the one before.
const maxRejected = 1 << 20

// keepRejected returns what keeps the samples that an output of the name will never take.
func (p *parts) keepRejected(output string) func([]metric.Sample, error) {
	return keepRejected(filepath.Join(p.state.Path(), rejectedFolder, url.PathEscape(output)+".lp"), p.log)
}

// keepRejected keeps samples that one output will never take in the file path, as line protocol behind a comment with the output's words.
func keepRejected(path string, log *slog.Logger) func([]metric.Sample, error) {
	var batch lines.Batch
	return func(samples []metric.Sample, err error) {
		batch.Encode(samples)
		words := strings.Join(strings.Fields(err.Error()), " ") // on one line
		text := fmt.Appendf(nil, "# %s %d samples: %s\n", time.Now().UTC().Format(time.RFC3339), len(samples), words)
		if err := appendRejected(path, append(text, batch.Lines(0, batch.Len())...)); err != nil {
			log.Error("rejected samples cannot be kept", "error", err)
		}
	}
}

func appendRejected(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxRejected {
		if err := os.Rename(path, path+".old"); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
