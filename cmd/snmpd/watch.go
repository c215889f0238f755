package main

import (
	"walkabout/agent/snmpdconf"
	"walkabout/mib/ucd"
)

// watch returns what the files have UCD-SNMP-MIB report.
func watch(w *snmpdconf.Watch) ucd.Settings {
	s := ucd.DefaultSettings()
	for _, p := range w.Processes {
		s.Processes = append(s.Processes, ucd.ProcessLimit(p))
	}
	for _, d := range w.Disks {
		s.Disks = append(s.Disks, ucd.DiskLimit(d))
	}
	s.AllDisks = w.AllDisks
	if w.Load != nil {
		s.Load = *w.Load
	}
	if w.Swap != nil {
		s.MinimumSwap = *w.Swap
	}
	s.DiskIO = ucd.DiskIO(w.DiskIO)
	return s
}
