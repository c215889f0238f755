//go:build !linux

package dns

import (
	"net"
	"time"
)

// listenerStarted returns the zero time: this system does not tell.
func listenerStarted(net.Conn, string) time.Time { return time.Time{} }

// pidFileStarted returns the zero time: this system does not tell.
func pidFileStarted(string, string) time.Time { return time.Time{} }
