// Package localagent puts together the agent that serves this machine: the daemon runs it on the sockets of its configuration, the
// demonstration on a free port of loopback.
package localagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// Options are what an Agent is made from. The zero Options are of use.
type Options struct {
	System  mib2.System                     // mib2.DefaultSystem if it is the zero System
	Machine machine.Options                 // Log is the Agent's unless it is set
	Engine  *usm.Engine                     // speaks SNMPv3; nil if nobody does
	Save    func(ctx context.Context) error // agent.Config has it
	Modules []mib.Module                    // sysORTable: what the caller will register, besides mib2.Modules
	Dial    notify.DialFunc                 // opens the sockets that notifications leave by; the system's if nil
	Log     *slog.Logger                    // slog.Default if nil
}

// Agent serves MIB-II of this machine. Its Server accepts nobody before SetAccess, and serves no socket by itself.
type Agent struct {
	*agent.Server
	start   time.Time
	machine *machine.Machine
	mib     *mib2.MIB
	mibs
	*notifications
	nameServers nameServers
}

// New starts to watch this machine; sysUpTime counts from here. ctx bounds the start; the Agent lives until Close.
func New(ctx context.Context, o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Machine.Log == nil {
		o.Machine.Log = o.Log
	}
	if o.System == (mib2.System{}) {
		o.System = mib2.DefaultSystem()
	}
	start := time.Now()
	m, err := machine.New(ctx, o.Machine)
	if err != nil {
		return nil, err
	}
	counters := new(snmp.Counters)
	a := &Agent{machine: m, start: start}
	a.Server = agent.New(agent.Config{
		Engine: o.Engine, Save: o.Save, Counters: counters, Log: o.Log,
		AuthenTraps: func() bool { return a.mib.AuthenTraps() }, AuthenticationFailed: func() { a.Notify(notify.AuthenticationFailure) },
	})
	a.mib, err = mib2.New(mib2.Options{Machine: m, Counters: counters, Start: start, System: o.System, Modules: slices.Concat(mib2.Modules(), a.modules(), o.Modules)})
	if err == nil {
		err = register(a.Server, a.mib, mib2.Roots())
	}
	if err == nil {
		a.mibs, err = newMIBs(a.Server, m, start, o.Log)
	}
	a.nameServers = nameServers{server: a.Server, system: a.mib, start: start, log: o.Log}
	if err != nil {
		a.closePrograms()
		return nil, fmt.Errorf("agent of this machine: %w", errors.Join(err, m.Close()))
	}
	a.notifications = newNotifications(m, a.mib, notify.Config{Start: start, Engine: o.Engine, Counters: counters, TSM: a.TSMStats(), Dial: o.Dial, Log: o.Log})
	return a, nil
}

// SetSystem replaces what the administrator says about this machine; an error, and no change, if s is not valid.
func (a *Agent) SetSystem(s mib2.System) error { return a.mib.SetSystem(s) }

// SetModules replaces what the administrator adds to sysORTable.
func (a *Agent) SetModules(added []mib.Module) { a.mib.SetModules(added, time.Now()) }

// Start returns when sysUpTime was 0.
func (a *Agent) Start() time.Time { return a.start }

// MIB2 returns the handler of MIB-II.
func (a *Agent) MIB2() *mib2.MIB { return a.mib }

// Close ends the watching, and sends what notifications it can within closeTime. The sockets that a serves must be closed before.
func (a *Agent) Close() error {
	a.notifications.close()
	a.nameServers.close()
	a.closePrograms()
	return a.machine.Close()
}
