//go:build !unix

package main

import "errors"

func dialSyslog(int) (syslogger, error) { return nil, errors.New("this system has no syslog") }
