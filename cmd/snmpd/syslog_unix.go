//go:build unix

package main

import (
	"log/slog"
	"log/syslog"
)

// systemLog is the connection to syslogd, which is opened anew when that restarts.
type systemLog struct{ *syslog.Writer }

// dialSyslog opens a facility, by its place in facilities.
func dialSyslog(facility int) (syslogger, error) {
	w, err := syslog.New([]syslog.Priority{
		syslog.LOG_DAEMON, syslog.LOG_USER, syslog.LOG_LOCAL0, syslog.LOG_LOCAL1, syslog.LOG_LOCAL2, syslog.LOG_LOCAL3, syslog.LOG_LOCAL4,
		syslog.LOG_LOCAL5, syslog.LOG_LOCAL6, syslog.LOG_LOCAL7,
	}[facility], "snmpd")
	if err != nil {
		return nil, err
	}
	return systemLog{w}, nil
}

func (s systemLog) log(level slog.Level, message string) error {
	switch {
	case level >= slog.LevelError:
		return s.Err(message)
	case level >= slog.LevelWarn:
		return s.Warning(message)
	case level >= slog.LevelInfo:
		return s.Info(message)
	default:
		return s.Debug(message)
	}
}
