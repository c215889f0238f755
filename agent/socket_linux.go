package agent

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindToDevice has a socket hear and send by one interface, or the interfaces of one VRF, only (socket(7), SO_BINDTODEVICE).
func bindToDevice(raw syscall.RawConn, device string) error {
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.BindToDevice(int(fd), device) }); err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt SO_BINDTODEVICE "+device, set)
}
