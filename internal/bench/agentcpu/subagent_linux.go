package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"walkabout/agentx"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// playpen is the subtree that this program serves through a daemon, by AgentX.
var playpen = oid.New(1, 3, 6, 1, 4, 1, 8072, 9999, 9999) // netSnmpPlaypen

func agentxConfig(dir, name string) string {
	return fmt.Sprintf("master agentx\nagentXSocket %s\n", agentxSocket(dir, name))
}

func agentxSocket(dir, name string) string { return filepath.Join(dir, name+".agentx") }

// startSubAgent serves playpen through the daemon of that name until ctx ends, and returns when the daemon shows it. What it costs is this
// process's, which nobody measures. The returned function waits for its end.
func startSubAgent(ctx context.Context, dir string, d *daemon) (wait func(), err error) {
	tree, err := number()
	if err != nil {
		return nil, err
	}
	a, err := agentx.New(agentx.Options{
		Address: agentxSocket(dir, d.Name), Handler: tree, Subtrees: []agentx.Subtree{{Root: playpen}}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Run(ctx) // its end is ctx's
	}()
	l, err := newLoad(d, throughSubAgent())
	if err != nil {
		return nil, err
	}
	defer l.close()
	for deadline := time.Now().Add(answerTime); ; time.Sleep(10 * time.Millisecond) {
		if err = l.run(1); err == nil { // an answer that is no number is an error
			return func() { <-done }, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s does not serve what a sub-agent registered: %w", d.Name, err)
		}
	}
}

// number is what stands in playpen.
func number() (*mib.Tree, error) {
	return mib.NewTree(mib.Group{Entry: playpen, Columns: []uint32{1}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.Counter64(1), true })
	}})
}

func throughSubAgent() testCase {
	get := snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{Name: playpen.Append(1, 0)}}}
	return testCase{name: "GET 1 through a sub-agent", window: 1, pdu: get, varBinds: 1}
}
