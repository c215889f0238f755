//go:build !linux

package agent

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

func bindToDevice(_ syscall.RawConn, device string) error {
	return fmt.Errorf("binding to the interface %s: %w: only Linux has it", device, errors.ErrUnsupported)
}

func (u *UDP) dropped() (uint32, bool) { return 0, false }

// The sizes that the system gives are not known here; they are taken for those that were asked.
func setReadBuffer(conn *net.UDPConn, n int) (int, error)  { return n, conn.SetReadBuffer(n) }
func setWriteBuffer(conn *net.UDPConn, n int) (int, error) { return n, conn.SetWriteBuffer(n) }
