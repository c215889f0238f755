package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// readSocketOwners looks through the open files of every process, and counts those that it may not look into. Processes that end meanwhile it leaves
// out.
func readSocketOwners(root string) (owners SocketOwners, refused int, err error) {
	proc, err := os.Open(root)
	if err != nil {
		return nil, 0, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, 0, fmt.Errorf("list processes: %w", err)
	}
	owners = make(SocketOwners)
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 31); err == nil {
			if errors.Is(owners.add(uint32(pid), filepath.Join(root, name, "fd")), fs.ErrPermission) {
				refused++
			}
		}
	}
	return owners, refused, nil
}

// add adds the sockets of pid, whose open files path lists. Of several processes that share one the lowest pid stands: as a rule
// who opened it.
func (o SocketOwners) add(pid uint32, path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	files, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	var link [64]byte
	for _, file := range files {
		n, err := unix.Readlinkat(int(dir.Fd()), file, link[:])
		if errors.Is(err, fs.ErrPermission) {
			return err // within a fence the names can be read, and not what they are of
		}
		if err != nil {
			continue
		}
		inode, ok := socketInode(link[:n])
		if first, shared := o[inode]; ok && (!shared || pid < first) {
			o[inode] = pid
		}
	}
	return nil
}

// socketInode reads the link of an open socket, "socket:[4711]"; false if it is of another file.
func socketInode(link []byte) (uint32, bool) {
	number, ok := bytes.CutPrefix(link, []byte("socket:["))
	if !ok {
		return 0, false
	}
	n, ok := parseNumber(bytes.TrimSuffix(number, []byte("]")))
	return uint32(n), ok && n <= math.MaxUint32
}
