//go:build !unix

package main

import "os"

func rotations() <-chan os.Signal { return nil }
