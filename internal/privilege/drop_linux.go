package privilege

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// Drop makes every thread of the process what the Plan says. After an error the process is something in between, and must end.
//
// A process that is not root is left as it is if it is that user already, whatever it may otherwise do.
func Drop(p Plan) (*Rights, error) {
	if os.Geteuid() != 0 {
		if id := p.Identity; (id.UID == Unchanged || id.UID == os.Geteuid()) && id.GID == os.Getegid() {
			return nil, nil
		}
		return nil, fmt.Errorf("become %s: %w", p.Identity.Name, ErrNotRoot)
	}
	if p.Identity.UID == Unchanged || p.Identity.UID == 0 {
		return nil, p.Identity.become()
	}
	if err := prctl("PR_SET_KEEPCAPS", unix.PR_SET_KEEPCAPS, 1); err != nil {
		return nil, err
	}
	have, err := permitted()
	if err != nil {
		return nil, err
	}
	if !p.Programs && have&set([]Capability{setPCap}) != 0 {
		if err := dropBounding(set(p.Keep) | set([]Capability{DACReadSearch})); err != nil {
			return nil, err
		}
	}
	if err := p.Identity.become(); err != nil {
		return nil, err
	}
	if err := p.Identity.check(); err != nil {
		return nil, err
	}
	if err := prctl("PR_SET_KEEPCAPS", unix.PR_SET_KEEPCAPS, 0); err != nil {
		return nil, err
	}
	if err := prctl("PR_CAP_AMBIENT", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil && !errors.Is(err, unix.EINVAL) {
		return nil, err // Linux before 4.3 has none
	}
	if !p.Programs {
		if err := prctl("PR_SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
			return nil, err
		}
	}
	return keep(set(p.Keep)&have, have, p.Readable)
}

// become changes groups and user, in this order, of every thread.
func (id Identity) become() error {
	if err := syscall.Setgroups(id.Groups); err != nil {
		return fmt.Errorf("become %s: %w", id.Name, os.NewSyscallError("setgroups", err))
	}
	if err := syscall.Setresgid(id.GID, id.GID, id.GID); err != nil {
		return fmt.Errorf("become %s: %w", id.Name, os.NewSyscallError("setresgid", err))
	}
	if id.UID == Unchanged {
		return nil
	}
	if err := syscall.Setresuid(id.UID, id.UID, id.UID); err != nil {
		return fmt.Errorf("become %s: %w", id.Name, os.NewSyscallError("setresuid", err))
	}
	return nil
}

// check makes sure of what everything rests on.
func (id Identity) check() error {
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	if [3]int{ruid, euid, suid} != [3]int{id.UID, id.UID, id.UID} || [3]int{rgid, egid, sgid} != [3]int{id.GID, id.GID, id.GID} {
		return fmt.Errorf("become %s: the process is user %d and group %d", id.Name, euid, egid)
	}
	return nil
}

// permitted returns the capabilities that the process has got: in a container even root lacks most.
func permitted() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	return uint64(data[1].Permitted)<<32 | uint64(data[0].Permitted), nil
}

// keep leaves the capabilities in kept, and for Reading that to read every file, if have holds it and one of readable needs it.
func keep(kept, have uint64, readable []string) (*Rights, error) {
	reader := set([]Capability{DACReadSearch}) & have
	if err := setCapabilities(kept, kept|reader); err != nil {
		return nil, err
	}
	r := &Rights{}
	if kept&set([]Capability{DACReadSearch}) == 0 {
		if i := slices.IndexFunc(readable, unreadable); i >= 0 {
			r.Unreadable, r.Reader = readable[i], reader != 0
			return r, nil
		}
	}
	return r, setCapabilities(kept, kept)
}

// unreadable reports whether the process as it is lacks the right to read a file or a folder.
func unreadable(path string) bool {
	f, err := os.Open(path)
	if err == nil {
		_ = f.Close()
	}
	return errors.Is(err, os.ErrPermission)
}

// Reading calls f, which may start no goroutine, with the right to read every file, if r holds it.
func (r *Rights) Reading(f func() error) (err error) {
	if r == nil || !r.Reader {
		return f()
	}
	runtime.LockOSThread() // others never have the right in effect
	before, err := raise()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() {
		if lowerErr := capset(before); lowerErr != nil {
			err = errors.Join(err, lowerErr) // and the thread stays locked: it ends with this goroutine
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// raise puts the right to read every file into effect for this thread, and returns what it had.
func raise() (before [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &before[0]); err != nil {
		return before, os.NewSyscallError("capget", err)
	}
	raised := before
	raised[0].Effective |= 1 << DACReadSearch
	return before, capset(raised)
}

func capset(data [2]unix.CapUserData) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return os.NewSyscallError("capset", unix.Capset(&header, &data[0]))
}

// setCapabilities sets those of every thread; none is inheritable.
func setCapabilities(effective, permitted uint64) error {
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := &[2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32)},
	}
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(data)), 0)
	if errno != 0 {
		return os.NewSyscallError("capset", errno)
	}
	return nil
}

// setPCap is the right to change the bounding set.
const setPCap Capability = 8

// dropBounding takes all but kept from what may ever be gained again, by exec of a file with capabilities say.
func dropBounding(kept uint64) error {
	for c := range uintptr(64) {
		if kept&(1<<c) != 0 {
			continue
		}
		err := prctl("PR_CAPBSET_DROP", unix.PR_CAPBSET_DROP, c)
		if errors.Is(err, unix.EINVAL) { // the kernel has no more
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prctl calls prctl(2) in every thread. name is what an error calls the option.
func prctl(name string, option, arg uintptr) error {
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, option, arg, 0, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("prctl "+name, errno)
	}
	return nil
}

func set(list []Capability) (bits uint64) {
	for _, c := range list {
		bits |= 1 << c
	}
	return bits
}
