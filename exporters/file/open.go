package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"walkabout/exporters/lineprotocol"
	"walkabout/exporters/lines"
)

// open makes e.file that at the path, with its end in order.
func (e *Exporter) open() error {
	path := e.config.Path
	// Opening a FIFO would wait for a reader, so this is asked first.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	isNew := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	begun, err := mend(f, e.config.Format)
	if err == nil && isNew {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	e.file, e.begun = f, begun
	return nil
}

// syncFolder has the names in a folder on disk. Windows does so by itself, and has no way to ask for it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// maxTail is how much of a file's end is looked at: more than one write.
const maxTail = 8 << 20

// mend cuts off the line that a kill or a power failure tore, whose sample is not acknowledged and comes again. What does not look like the
// beginning of a line is not ours to cut; it gets a line end. mend returns when f was last written to, the zero Time if it is empty.
func mend(f *os.File, format lines.Format) (time.Time, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return time.Time{}, err
	}
	from := max(0, info.Size()-maxTail)
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, err
	}
	whole, ok := wholeLines(tail, format, from == 0)
	switch {
	case ok && whole < len(tail):
		err = f.Truncate(from + int64(whole))
	case !ok && tail[len(tail)-1] != '\n':
		_, err = f.Write([]byte{'\n'})
	}
	return info.ModTime(), err
}

// wholeLines returns how much of tail, the end of a file, is whole lines; false if it does not end with the beginning of a line behind a whole one.
// complete says that tail begins where the file does.
func wholeLines(tail []byte, format lines.Format, complete bool) (int, bool) {
	look := lineprotocol.Look
	if format == lines.JSON {
		look = lookJSON
	}
	for cut := len(tail); cut >= 0; cut = lineBefore(tail, cut) {
		if look(tail[cut:]) != lineprotocol.Begun {
			continue
		}
		if cut == 0 {
			return 0, complete
		}
		for start := lineBefore(tail, cut); start >= 0; start = lineBefore(tail, start) {
			if look(tail[start:cut]) == lineprotocol.Whole {
				return cut, true
			}
		}
	}
	return 0, false
}

// lineBefore returns where the line begins whose newline, or one of whose octets, stands before at; -1 if there is none. It begins behind a newline,
// which in line protocol may be one of a string.
func lineBefore(text []byte, at int) int {
	if at == 0 {
		return -1
	}
	return bytes.LastIndexByte(text[:at-1], '\n') + 1
}

// lookJSON is lineprotocol.Look for JSON, of which a newline always ends a line.
func lookJSON(text []byte) lineprotocol.Torn {
	const head = `{"measurement":`
	n := min(len(head), len(text))
	switch i := bytes.IndexByte(text, '\n'); {
	case string(text[:n]) != head[:n]:
		return lineprotocol.NoLine
	case i < 0:
		return lineprotocol.Begun
	case i == len(text)-1 && bytes.HasSuffix(text, []byte("}}\n")):
		return lineprotocol.Whole
	default:
		return lineprotocol.NoLine
	}
}
