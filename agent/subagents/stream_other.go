//go:build !linux

package subagents

import "net"

// direct returns conn as it is.
func direct(conn net.Conn) (net.Conn, error) { return conn, nil }
