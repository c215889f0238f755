//go:build !linux

package agent

import (
	"errors"
	"fmt"
	"syscall"
)

func bindToDevice(_ syscall.RawConn, device string) error {
	return fmt.Errorf("binding to the interface %s: %w: only Linux has it", device, errors.ErrUnsupported)
}
