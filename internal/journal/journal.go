// Package journal keeps a state as a file of changes: each Append is one line, which is on disk as a whole or not at all, and Rewrite replaces them all
// by lines that say the same. After a crash at any moment the file holds what the last Append or Rewrite that returned nil wrote, or in addition
// what the one after it did.
//
// A line is the CRC-32C of its data as 8 hexadecimal digits, a blank, the data, and a line feed. Data has no line feed. What a crash left of a last line
// is cut off by the next Append; a line elsewhere whose sum does not fit costs that line alone.
package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// headSize is the sum and the blank behind it.
const headSize = 9

// minRewrite is the size below which a file is not worth a Rewrite.
const minRewrite = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FS is what a Journal needs of the system; tests have one that fails.
type FS interface {
	// OpenFile is os.OpenFile for Reading, Appending and Replacing. Files that it makes have the mode 0600.
	OpenFile(path string, flag int) (File, error)
	Rename(from, to string) error // on disk when it returns
	Remove(path string) error
}

// How files are opened.
const (
	Reading   = os.O_RDONLY
	Appending = os.O_RDWR | os.O_CREATE // without O_APPEND, with which Windows does not truncate
	Replacing = Appending | os.O_TRUNC
)

// File is an open file.
type File interface {
	io.ReadWriteSeeker
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// Truncate cuts f to size and has the next Write append there.
func Truncate(f File, size int64) error {
	err := f.Truncate(size)
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	return err
}

// Damage is what Open found wrong with a file.
type Damage struct {
	Lines []int // those whose sum does not fit, or that visit refused, counted from 1
	Err   error // of the first
	Cut   int64 // octets of a last line that a crash left unfinished, which is nobody's loss
}

// Journal is an open file of changes. One goroutine uses it at a time.
type Journal struct {
	fs     FS
	path   string
	file   File  // nil after a fault: until a Rewrite nobody knows what is on disk
	size   int64 // octets of whole lines
	base   int64 // size after the last Rewrite
	torn   bool  // behind the whole lines is a part of one
	failed error // why file is nil
}

// Open opens the file at path, or makes an empty one, and calls visit with the data of each line, which it must not keep. Lines that visit refuses with an
// error, and those that are corrupt, are passed over, and told as Damage; the file is then to be kept aside (Aside) and rewritten.
func Open(path string, visit func(data []byte) error) (*Journal, Damage, error) {
	return OpenFS(System(), path, visit)
}

// OpenFS is Open in a file system of the caller's.
func OpenFS(fsys FS, path string, visit func(data []byte) error) (*Journal, Damage, error) {
	f, err := fsys.OpenFile(path, Appending)
	if err != nil {
		return nil, Damage{}, err
	}
	j := &Journal{fs: fsys, path: path, file: f}
	d, err := j.read(visit)
	if err != nil {
		return nil, Damage{}, errors.Join(err, f.Close())
	}
	j.base, j.torn = j.size, d.Cut > 0
	return j, d, nil
}

// read reads the file to its end.
func (j *Journal) read(visit func(data []byte) error) (d Damage, err error) {
	r := bufio.NewReaderSize(j.file, 1<<16)
	var line []byte
	for n := 1; ; n++ {
		length, err := readLine(r, &line)
		if errors.Is(err, io.EOF) {
			d.Cut = length
			return d, nil
		}
		if err != nil {
			return d, err
		}
		j.size += length
		data, err := check(line)
		if err == nil {
			err = visit(data)
		}
		if err != nil {
			d.Lines = append(d.Lines, n)
			if d.Err == nil {
				d.Err = fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
}

// maxLine is the longest line that is read; what is longer is no line of ours.
const maxLine = 128 << 20

// readLine reads a line into *line, without its line feed, and returns how many octets it took. Of one that is too long *line has the beginning.
func readLine(r *bufio.Reader, line *[]byte) (length int64, err error) {
	*line = (*line)[:0]
	for {
		part, err := r.ReadSlice('\n')
		length += int64(len(part))
		if len(*line) <= maxLine {
			*line = append(*line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			*line = bytes.TrimSuffix(*line, []byte{'\n'})
			return length, err
		}
	}
}

// check returns the data of a line.
func check(line []byte) ([]byte, error) {
	if len(line) < headSize || line[headSize-1] != ' ' {
		return nil, errors.New("is not a line of a journal")
	}
	sum, err := strconv.ParseUint(string(line[:headSize-1]), 16, 32)
	if err != nil {
		return nil, errors.New("begins with no checksum")
	}
	data := line[headSize:]
	if uint32(sum) != crc32.Checksum(data, castagnoli) {
		return nil, errors.New("does not fit its checksum")
	}
	return data, nil
}

// appendLine appends the line of data to dst.
func appendLine(dst, data []byte) ([]byte, error) {
	if bytes.IndexByte(data, '\n') >= 0 {
		return dst, errors.New("journal: data with a line feed")
	}
	dst = fmt.Appendf(dst, "%08x ", crc32.Checksum(data, castagnoli))
	dst = append(dst, data...)
	return append(dst, '\n'), nil
}

// Size returns the octets of the file, and how many of them it had after the last Rewrite, or Open.
func (j *Journal) Size() (now, base int64) { return j.size, j.base }

// WantsRewrite reports whether the file has grown to where a Rewrite is worth it, or has failed, so that nothing else helps.
func (j *Journal) WantsRewrite() bool {
	return j.file == nil || j.size > minRewrite && j.size > 2*j.base
}

// Append puts a line behind the others; when it returns nil it is on disk. After an error, which may have left it there or not, every Append fails until a
// Rewrite has succeeded.
func (j *Journal) Append(data []byte) error {
	if j.file == nil {
		return j.failed
	}
	line, err := appendLine(nil, data)
	if err != nil {
		return err
	}
	if j.torn {
		err = Truncate(j.file, j.size)
	}
	if err == nil {
		_, err = j.file.Write(line)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return j.fail(err)
	}
	j.torn = false
	j.size += int64(len(line))
	return nil
}

// fail closes the file: after a write or sync that failed nobody knows what of it is on disk.
func (j *Journal) fail(err error) error {
	j.failed = errors.Join(err, j.file.Close())
	j.file = nil
	return j.failed
}

// Rewrite replaces the file by the lines that write gives to emit. If it fails the file holds what it held, or the new lines; Append fails until one
// succeeds, unless nothing but write, or writing the new file, failed.
func (j *Journal) Rewrite(write func(emit func(data []byte) error) error) error {
	temporary := j.path + ".new"
	size, err := j.writeNew(temporary, write)
	if err != nil {
		return errors.Join(err, ignoreAbsent(j.fs.Remove(temporary)))
	}
	if err := j.Close(); err != nil { // Windows replaces no file that is open
		return err
	}
	err = j.fs.Rename(temporary, j.path)
	if err == nil {
		j.file, err = j.fs.OpenFile(j.path, Appending)
	}
	if err == nil {
		_, err = j.file.Seek(size, io.SeekStart)
	}
	if err != nil {
		j.failed = err
		return errors.Join(err, ignoreAbsent(j.fs.Remove(temporary)))
	}
	j.size, j.base, j.torn, j.failed = size, size, false, nil
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeNew writes a file that takes the place of the present one, and returns its size.
func (j *Journal) writeNew(path string, write func(emit func(data []byte) error) error) (size int64, err error) {
	f, err := j.fs.OpenFile(path, Replacing)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	var line []byte
	err = write(func(data []byte) error {
		var err error
		if line, err = appendLine(line[:0], data); err != nil {
			return err
		}
		size += int64(len(line))
		_, err = w.Write(line)
		return err
	})
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return size, errors.Join(err, f.Close())
}

// Aside copies the file, as it is now, to another name.
func (j *Journal) Aside(path string) error {
	from, err := j.fs.OpenFile(j.path, Reading)
	if err != nil {
		return err
	}
	to, err := j.fs.OpenFile(path, Replacing)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close(), from.Close())
}

// Close closes the file; every line is on disk already.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.failed = nil, fs.ErrClosed
	return err
}
