package agent

import (
	"net"
	"os"
	"syscall"
	"unsafe"

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

// memInfo is the array that SO_MEMINFO fills, and memInfoDrops the place of SK_MEMINFO_DROPS in it (include/uapi/linux/sock_diag.h).
type memInfo [9]uint32

const memInfoDrops = 8

// dropped returns how many datagrams the kernel threw away that were for the socket: there was no room, or the checksum was wrong.
// Asking for it is cheaper than SO_RXQ_OVFL, which would come with every datagram.
func (u *UDP) dropped() (uint32, bool) {
	raw, err := u.conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return info[memInfoDrops], err == nil && errno == 0 && size > memInfoDrops*4
}

// The right NET_ADMIN goes beyond net.core.rmem_max and wmem_max.
func setReadBuffer(conn *net.UDPConn, n int) (int, error) {
	return setBuffer(conn, n, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
}

func setWriteBuffer(conn *net.UDPConn, n int) (int, error) {
	return setBuffer(conn, n, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
}

func setBuffer(conn *net.UDPConn, n, force, option int) (got int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, n) != nil {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, n)
		}
		if set == nil {
			got, set = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option)
		}
	})
	if err != nil {
		return 0, err
	}
	return got / 2, os.NewSyscallError("setsockopt", set) // the kernel doubles what is asked, for its own bookkeeping (socket(7))
}
