//go:build !linux

package session

import (
	"net"
	"syscall"
)

// control does nothing: other systems tell a socket that is not connected nothing of ICMP, so that nobody listening is a time-out.
func control(string, string, syscall.RawConn) error { return nil }

func (k *socket) refusals() bool { return false }

// inBatches returns conn: other systems read one datagram at a time.
func inBatches(conn *net.UDPConn) (PacketConn, error) { return conn, nil }
