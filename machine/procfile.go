package machine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxProcFile bounds what is read of a file of procfs.
const maxProcFile = 1 << 20

// procFile reads one small file of procfs again and again. The file stays open: the kernel writes it anew for each read at offset 0.
type procFile struct {
	path string

	mu     sync.Mutex
	closed bool
	f      *os.File // nil until it is first read, and after an error
	buf    []byte
}

// read calls parse with what the file holds now. parse must not keep its argument. Calls wait for each other.
func (p *procFile) read(parse func(b []byte) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	b, err := p.contents()
	if err != nil {
		p.closeLocked()
		return err
	}
	if err := parse(b); err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	return nil
}

func (p *procFile) contents() ([]byte, error) {
	if p.f == nil {
		f, err := os.Open(p.path)
		if err != nil {
			return nil, err
		}
		p.f = f
	}
	if p.buf == nil {
		p.buf = make([]byte, 8<<10)
	}
	for {
		n, err := p.f.ReadAt(p.buf, 0)
		if errors.Is(err, io.EOF) {
			return p.buf[:n], nil
		}
		if err != nil {
			return nil, err
		}
		if len(p.buf) >= maxProcFile {
			return nil, fmt.Errorf("%s: longer than %d octets", p.path, maxProcFile)
		}
		p.buf = make([]byte, 2*len(p.buf))
	}
}

// Close closes the file; later reads end with os.ErrClosed.
func (p *procFile) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.closeLocked()
}

func (p *procFile) closeLocked() {
	if p.f != nil {
		p.f.Close()
		p.f = nil
	}
}
