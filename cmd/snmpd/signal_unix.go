//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// rotations has a signal each time that log files are to be opened anew, and nothing else done. Left alone SIGUSR1 would end the program.
func rotations() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	return c
}
