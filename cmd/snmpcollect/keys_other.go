//go:build !unix

package main

// openKeys returns no keys: a read of the console cannot be ended here. Ctrl-C ends top.
func openKeys() (keys <-chan rune, restore func() error, err error) {
	return nil, func() error { return nil }, nil
}
