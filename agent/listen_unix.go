//go:build unix

package agent

import "syscall"

// restrictMode has Linux make the file of a unix socket with unixMode, less the process's umask, from the first moment on: it takes the mode of
// the socket itself (unix(7) does not say so; net/unix/af_unix.c, unix_bind_bsd). Other systems refuse that, and the file has the mode that the
// umask leaves until it is changed.
func restrictMode(raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), uint32(unixMode)) })
}
