package main

import (
	"walkabout/agent/snmpdconf"
	"walkabout/internal/command"
	"walkabout/internal/localagent"
	"walkabout/mib/extend"
)

// programs returns what the files let run.
func programs(x *snmpdconf.Extend) localagent.Programs {
	p := localagent.Programs{Allowed: x.Allowed}
	for _, e := range x.Programs {
		p.Entries = append(p.Entries, extend.Entry{Root: e.Root, Name: e.Name, Program: command.Program{Path: e.Path, Args: e.Args}, CacheTime: e.CacheTime, Table: e.Table})
	}
	for _, e := range x.Passes {
		p.Passes = append(p.Passes, extend.PassEntry{
			Root: e.Root, Priority: e.Priority, Program: command.Program{Path: e.Path, Args: e.Args}, Persist: e.Persist,
		})
	}
	return p
}
