//go:build !unix

package agent

import "syscall"

// restrictMode does nothing: there are no modes here.
func restrictMode(syscall.RawConn) error { return nil }
