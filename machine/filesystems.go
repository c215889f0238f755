package machine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// FileSystem is a mounted file system that has storage of its own.
type FileSystem struct {
	Source     string // what is mounted: /dev/sda1, server:/export, tmpfs
	MountPoint string // octets as the kernel has them
	Type       string // the kernel's name: ext4, nfs4, tmpfs
	Device     uint64 // the number of its device: major in the high 32 bits, minor in the low ones
	ReadOnly   bool
	// Again says that another mount of the same device stands before: a bind mount. Subvolumes of btrfs are not told apart from it.
	Again bool
	// Remote says that the files are on another machine.
	Remote bool

	// Usage is nil if the file system does not answer.
	Usage *Usage
}

// Usage is how full a file system is (statfs(2)).
type Usage struct {
	BlockSize  int64  // octets; at least 1
	Blocks     uint64 // in all
	Free       uint64 // with those that only root may take
	Available  uint64 // to everybody
	Files      uint64 // inodes; 0 if the file system has no fixed number of them
	FilesFree  uint64
	FilesKnown bool
}

// noStorage are the types that show something else than files that are stored.
var noStorage = []string{
	"autofs", "bdev", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "cpuset", "debugfs", "devfs", "devpts", "devtmpfs", "efivarfs", "fdescfs",
	"fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fusectl", "hugetlbfs", "linprocfs", "linsysfs", "mqueue", "nfsd", "none", "nsfs", "pipefs",
	"proc", "procfs", "pstore", "ramfs", "resctrl", "rootfs", "rpc_pipefs", "securityfs", "selinuxfs", "smackfs", "sockfs", "sysfs", "tracefs",
	"usbdevfs", "usbfs",
}

// remoteTypes are those whose files are on other machines.
var remoteTypes = []string{
	"9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs",
	"nfs", "nfs4", "ocfs2", "smb3", "smbfs",
}

// parseMountinfo reads /proc/self/mountinfo (Documentation/filesystems/proc.rst, section 3.5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func parseMountinfo(b []byte) ([]FileSystem, error) {
	var out []FileSystem
	var line []byte
	found := false
	for len(b) > 0 {
		line, b = cutLine(b)
		f, ok := parseMount(line)
		if !ok {
			continue
		}
		found = true
		// What is mounted later hides what was there.
		out = slices.DeleteFunc(out, func(earlier FileSystem) bool { return earlier.MountPoint == f.MountPoint })
		if !slices.Contains(noStorage, f.Type) {
			out = append(out, f)
		}
	}
	if !found {
		return nil, errors.New("no mount in it")
	}
	for i := range out {
		out[i].Again = out[i].Type != "btrfs" && slices.ContainsFunc(out[:i], func(f FileSystem) bool { return f.Device == out[i].Device })
	}
	return out, nil
}

func parseMount(line []byte) (f FileSystem, ok bool) {
	nextField(&line)
	nextField(&line)
	if f.Device, ok = parseDeviceNumber(nextField(&line)); !ok {
		return f, false
	}
	nextField(&line) // the root of the mount in its file system
	f.MountPoint = unescapeMount(nextField(&line))
	f.ReadOnly = hasOption(nextField(&line), "ro")
	for {
		field := nextField(&line)
		if len(field) == 0 {
			return f, false
		}
		if string(field) == "-" {
			break
		}
	}
	f.Type = string(nextField(&line))
	f.Source = unescapeMount(nextField(&line))
	f.ReadOnly = f.ReadOnly || hasOption(nextField(&line), "ro")
	f.Remote = slices.Contains(remoteTypes, f.Type)
	return f, f.MountPoint != "" && f.Type != ""
}

func hasOption(options []byte, want string) bool {
	for o := range bytes.SplitSeq(options, []byte(",")) {
		if string(o) == want {
			return true
		}
	}
	return false
}

// unescapeMount turns \040 back to a space, as the kernel writes spaces, tabs, newlines and backslashes.
func unescapeMount(b []byte) string {
	var s strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && isOctal(b[i+1]) && isOctal(b[i+2]) && isOctal(b[i+3]) {
			s.WriteByte((b[i+1]-'0')<<6 | (b[i+2]-'0')<<3 | (b[i+3] - '0'))
			i += 3
			continue
		}
		s.WriteByte(b[i])
	}
	return s.String()
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

const (
	// usageLimit is how long all file systems together are waited for. One that took longer is not waited for again before it has answered.
	usageLimit = 250 * time.Millisecond
	// maxHung bounds how many calls may hang, each of which holds a thread: then no more file systems are asked.
	maxHung = 64
)

// usageReader asks file systems how full they are. Those of a server that is away, or of a disk that dies, may not answer for hours: then
// the call stays behind, in a thread that nothing can end, and everybody goes on without.
type usageReader struct {
	statfs func(path string) (Usage, error)

	mu    sync.Mutex
	calls map[string]*usageCall // that have not returned, by path
}

type usageCall struct {
	begun time.Time
	done  chan struct{} // closed when usage is set
	usage *Usage        // nil if there is none
}

// fill sets Usage of those that answer within usageLimit.
func (r *usageReader) fill(list []FileSystem) {
	calls := make([]*usageCall, len(list))
	for i := range list {
		calls[i] = r.call(list[i].MountPoint, time.Now())
	}
	limit := time.NewTimer(usageLimit)
	defer limit.Stop()
	over := limit.C
	for i, c := range calls {
		if c == nil {
			continue
		}
		select {
		case <-c.done:
			list[i].Usage = c.usage
		case <-over:
			ended := make(chan time.Time)
			close(ended) // those that follow are not waited for
			over = ended
			select {
			case <-c.done:
				list[i].Usage = c.usage
			default:
			}
		}
	}
}

// call returns the call for path that is under way, else begins one; nil if that hangs, or too many do.
func (r *usageReader) call(path string, now time.Time) *usageCall {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.calls[path]; c != nil {
		if now.Sub(c.begun) >= usageLimit {
			return nil
		}
		return c
	}
	hung := 0
	for _, c := range r.calls {
		if now.Sub(c.begun) >= usageLimit {
			hung++
		}
	}
	if hung >= maxHung {
		return nil
	}
	if r.calls == nil {
		r.calls = map[string]*usageCall{}
	}
	c := &usageCall{begun: now, done: make(chan struct{})}
	r.calls[path] = c
	go func() {
		if u, err := r.statfs(path); err == nil && u.BlockSize > 0 {
			c.usage = &u
		}
		r.mu.Lock()
		delete(r.calls, path)
		r.mu.Unlock()
		close(c.done)
	}()
	return c
}
