package main

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"
)

// tables are what the profile interfaces is of: ifTable and ifXTable.
var tables = []string{".1.3.6.1.2.1.2.2", ".1.3.6.1.2.1.31.1.1"}

// loop polls by the plan as a straightforward program does with gosnmp: a goroutine and a session each switch, which walks both tables with
// GETBULK and puts the values into a map. It computes no rates and encodes nothing.
func loop(ctx context.Context, r io.Reader, w io.Writer) error {
	var p plan
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return err
	}
	var l looper
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i, port := range p.Ports {
		wg.Go(func() { l.poll(ctx, port, p, time.Duration(i)*p.Interval/time.Duration(len(p.Ports))) })
	}
	return observe(ctx, w, p, func() { l.polls.Store(0); l.failed.Store(0); l.values.Store(0) }, func(f *figures) {
		f.Polls, f.Failed, f.Samples = int(l.polls.Load()), int(l.failed.Load()), int(l.values.Load())
	})
}

// looper counts what the loops do.
type looper struct{ polls, failed, values atomic.Int64 }

func (l *looper) poll(ctx context.Context, port uint16, p plan, phase time.Duration) {
	g := &gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: port, Community: community, Version: gosnmp.Version2c, Timeout: p.Interval, Retries: 2, MaxRepetitions: 25,
		Context: ctx,
	}
	if p.V3 {
		g.Version, g.SecurityModel, g.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.AuthPriv
		g.SecurityParameters = &gosnmp.UsmSecurityParameters{
			UserName: user, AuthenticationProtocol: gosnmp.SHA, AuthenticationPassphrase: password,
			PrivacyProtocol: gosnmp.AES, PrivacyPassphrase: password,
		}
	}
	if wait(ctx, phase) != nil || g.Connect() != nil {
		return
	}
	defer func() { _ = g.Conn.Close() }()
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for {
		values := map[string]any{}
		for _, table := range tables {
			if err := g.BulkWalk(table, func(pdu gosnmp.SnmpPDU) error { values[pdu.Name] = pdu.Value; return nil }); err != nil {
				l.failed.Add(1)
			}
		}
		l.polls.Add(1)
		l.values.Add(int64(len(values)))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
