// Package machine reads the machine that it runs on: its links, their counters, the statistics of its protocols, its
// addresses, routes, neighbours and sockets.
//
// It knows nothing of SNMP. On Linux it asks the kernel by rtnetlink, sock_diag and procfs; on every other system (and on
// Linux when asked to) it asks gopsutil, which knows less. What a system cannot tell is absent, never 0: each type says how
// that is seen. Everything is of the network namespace that the process runs in.
//
// A consumer asks a Machine for a Reading, and the Reading for its parts:
//
//	m, err := machine.New(ctx, machine.Options{Log: log})
//	...
//	defer m.Close()
//	r := m.Reading(time.Now(), false)
//	links, err := r.Links(ctx)        // structure, kept by events
//	counters, err := r.Counters(ctx)  // one dump for the whole table, shared by all who hold r
//	for _, l := range links.List {
//		if c, ok := counters.ByIndex(l.Index); ok {
//			octets, known := c.Get(machine.RxBytes)
//			...
//		}
//	}
//
// All that a Reading gives out is shared and immutable: callers must not modify it, and may keep it.
package machine
