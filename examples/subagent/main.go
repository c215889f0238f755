// Command subagent serves one object, the seconds since it started, through any AgentX master: snmpd's, or Net-SNMP's.
//
//	go run ./examples/subagent /var/agentx/master
//	snmpget -v2c -c public 127.0.0.1 1.3.6.1.4.1.8072.9999.9999.1.0
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "subagent:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("give the master's address, such as /var/agentx/master")
	}
	root, start := oid.New(1, 3, 6, 1, 4, 1, 8072, 9999, 9999), time.Now() // netSnmpPlaypen: for experiments
	tree, err := mib.NewTree(mib.Group{Entry: root, Columns: []uint32{1}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.Counter64(uint64(time.Since(start) / time.Second)), true })
	}})
	if err != nil {
		return err
	}
	a, err := agentx.New(agentx.Options{Address: args[0], Descr: "example", Handler: tree, Subtrees: []agentx.Subtree{{Root: root}}})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return a.Run(ctx)
}
