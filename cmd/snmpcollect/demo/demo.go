// Package demo is the main job on a machine with nothing set up: the agent over this machine's own counters, two simulated
// switches, and a collector that polls all three, with its results on the terminal.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"walkabout/agent"
	"walkabout/alert"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/exporters"
	"walkabout/exporters/series"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/spool"
	"walkabout/store"
	"walkabout/web"
)

// Options of a demonstration.
type Options struct {
	Once   time.Duration // run so long, draw once, end; 0 draws every second until the context ends
	Stdout io.Writer
	Now    func() time.Time
}

const (
	interval     = 5 * time.Second
	community    = "public"
	closeTimeout = 5 * time.Second
)

// Run demonstrates until ctx ends, or for o.Once.
func Run(ctx context.Context, o Options) (err error) {
	problems := &web.Problems{}
	log := slog.New(problems.Handler(slog.DiscardHandler)) // the table and the pages are what there is to see

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running group
	defer func() { cancel(); err = errors.Join(err, running.wait()) }()
	targets, err := devices(ctx, &running, o.Now(), log)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	c, err := startCollector(targets, problems, log)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = errors.Join(err, c.alerts.Close(closing), c.closeRunner(closing))
	}()
	if c.pages, err = c.openPages(ctx, o.Now(), log); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	running.run(func() error { return c.polls.Run(ctx) })
	running.run(func() error { return c.pages.serve(ctx) })
	show(ctx, o, c)
	cancel()
	err = running.wait()
	if err == nil {
		fmt.Fprint(o.Stdout, whatNext)
	}
	return err
}

// group is goroutines that end with one context.
type group struct {
	n    int
	errs chan error
}

func (g *group) run(f func() error) {
	if g.errs == nil {
		g.errs = make(chan error)
	}
	g.n++
	go func() { g.errs <- f() }()
}

// wait returns when all have ended.
func (g *group) wait() error {
	var errs []error
	for ; g.n > 0; g.n-- {
		errs = append(errs, <-g.errs)
	}
	return errors.Join(errs...)
}

// devices starts the three agents on free ports of loopback and returns them as targets.
func devices(ctx context.Context, running *group, now time.Time, log *slog.Logger) ([]collector.Target, error) {
	host, err := localagent.New(ctx, localagent.Options{Log: log})
	if err != nil {
		return nil, err
	}
	host.SetCommunities([]agent.Community{{Name: secret.New(community), Principal: "demo"}})
	var targets []collector.Target
	add := func(name string, server *agent.Server, collect []string, after func() error) error {
		socket, err := agent.ListenUDP(ctx, "udp4", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
		if err != nil {
			return errors.Join(err, after())
		}
		running.run(func() error { return errors.Join(server.ServeDatagrams(ctx, socket), after()) })
		t := collector.DefaultTarget()
		t.Name, t.Address, t.Collect = name, socket.LocalAddr().String(), collect
		t.Credential = session.Credential{Version: snmp.V2c, Community: secret.New(community)}
		t.Interval, t.Timeout = interval, time.Second
		targets = append(targets, t)
		return nil
	}
	if err := add("this-host", host.Server, []string{"system", "interfaces", "ip", "tcp"}, host.Close); err != nil {
		return nil, err
	}
	for n := range 2 {
		name := fmt.Sprintf("switch%d", n+1)
		server, err := newSwitch(name, uint64(n), now).Server(secret.New(community), log)
		if err == nil {
			err = add(name, server, []string{"system", "interfaces"}, func() error { return nil })
		}
		if err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// newSwitch makes a switch of 48 ports: most carry traffic, some are free, one is disabled, and a port of the first switch goes
// down from time to time.
func newSwitch(name string, seed uint64, now time.Time) *sim.Device {
	random := rand.New(rand.NewPCG(seed, 48))
	boot := now.Add(-30 * 24 * time.Hour)
	ports := make([]sim.Port, 0, 48)
	for i := range uint32(48) {
		p := sim.Port{Index: i + 1, Name: fmt.Sprintf("ge-0/0/%d", i), Alias: fmt.Sprintf("desk %d", i+1), Speed: 1e9,
			Swing: 0.4, Period: time.Duration(40+random.IntN(80)) * time.Second}
		switch {
		case i >= 44: // uplinks
			p.Speed, p.Alias, p.InRate, p.OutRate = 10e9, "uplink", 1e8*(0.5+random.Float64()), 8e7*(0.5+random.Float64())
		case i%7 == 5: // nothing was ever plugged in
			p.Down, p.Alias = true, ""
		case i == 30:
			p.AdminDown, p.Alias = true, "disabled"
		default:
			p.InRate, p.OutRate = 2e6*random.ExpFloat64(), 1e6*random.ExpFloat64()
			p.ErrorRate = max(0, random.Float64()-0.9)
		}
		ports = append(ports, p)
	}
	if seed == 0 { // 12 s from now, then every minute, for 20 s
		ports[3].Alias = "printer"
		ports[3].Flap = sim.Flap{Offset: now.Sub(boot) + 12*time.Second, Every: time.Minute, For: 20 * time.Second}
	}
	return sim.New(sim.Options{Name: name, Descr: "simulated switch, 48 ports", Location: "memory", ObjectID: oid.MustParse("1.3.6.1.4.1.8072.3.2.255"), Boot: boot, Ports: ports})
}

// collecting is a collector, what it ships to and what it alerts by.
type collecting struct {
	folder string // of the spool and the store
	spool  *spool.Spool
	store  *store.Store
	runner *exporters.Runner
	alerts *alert.Manager
	polls  *collector.Collector

	memory   *web.Memory
	problems *web.Problems
	pages    *pages
}

// startCollector keeps what is polled in a store of which nothing remains: the demonstration leaves nothing behind.
func startCollector(targets []collector.Target, problems *web.Problems, log *slog.Logger) (*collecting, error) {
	c := &collecting{memory: web.NewMemory(), problems: problems}
	c.memory.Describe(sinks.PageFields(collector.BuiltIn()))
	c.memory.Keep(sinks.PageTargets(targets))
	if err := c.startRunner(log); err != nil {
		return nil, err
	}
	config := alert.DefaultConfig()
	config.InterfaceMismatch.For, config.InterfaceMismatch.KeepFiringFor = interval, interval
	for _, t := range targets {
		config.Targets = append(config.Targets, alert.Target{Device: t.Name, AgentHost: "127.0.0.1"})
	}
	tail, err := sinks.NewTail(c.spool, c.folder)
	if err == nil {
		c.alerts, err = alert.Start(alert.Options{Config: config, Log: log,
			Tail: tail, Events: c.memory.Transitions})
	}
	if err == nil {
		c.polls, err = collector.New(collector.Options{Targets: targets, Logger: log, Sinks: []collector.Sink{
			sinks.Alerts(tail, sinks.NewPolls(targets), c.alerts), sinks.Pages(c.memory),
		}})
	}
	if err != nil {
		closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		return nil, errors.Join(err, c.closeRunner(closing))
	}
	return c, nil
}

// startRunner puts a spool between the collector and the store.
func (c *collecting) startRunner(log *slog.Logger) (err error) {
	if c.folder, err = os.MkdirTemp("", "snmpcollect-demo-"); err != nil {
		return err
	}
	if c.spool, err = spool.Open(spool.Options{Dir: c.folder, Logger: log}); err != nil {
		return errors.Join(err, os.RemoveAll(c.folder))
	}
	c.store, err = store.Open(store.Options{Dir: filepath.Join(c.folder, "store"), Logger: log,
		Series: series.Config{Constant: []series.Label{{Name: "job", Value: "snmp"}}}})
	if err != nil {
		return errors.Join(err, c.spool.Close(), os.RemoveAll(c.folder))
	}
	source, err := c.spool.Reader(spool.ReaderOptions{Name: "store"})
	if err != nil {
		return errors.Join(err, c.store.Close(), c.spool.Close(), os.RemoveAll(c.folder))
	}
	c.runner = exporters.Start(c.store.Exporter(), source, exporters.Config{Name: "store", Polls: true, Logger: log})
	return nil
}

func (c *collecting) closeRunner(ctx context.Context) error {
	return errors.Join(c.spool.Sync(ctx), c.runner.Close(ctx), c.store.Close(), c.spool.Close(), os.RemoveAll(c.folder))
}

// show draws until ctx ends, or once at the end of o.Once.
func show(ctx context.Context, o Options, c *collecting) {
	if o.Once > 0 {
		timer := time.NewTimer(o.Once)
		defer timer.Stop()
		select {
		case <-timer.C:
			fmt.Fprint(o.Stdout, c.frame(o.Now(), 0, 0))
		case <-ctx.Done():
		}
		return
	}
	const clear = "\x1b[H\x1b[2J"
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	f, terminal := o.Stdout.(*os.File)
	terminal = terminal && term.IsTerminal(int(f.Fd()))
	for {
		width, height, erase := 0, 0, ""
		if terminal {
			erase = clear
			if w, h, err := term.GetSize(int(f.Fd())); err == nil {
				width, height = w, h
			}
		}
		if _, err := fmt.Fprint(o.Stdout, erase, c.frame(o.Now(), width, height)); err != nil {
			return // nobody looks any more
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			fmt.Fprintln(o.Stdout)
			return
		}
	}
}

func (c *collecting) frame(now time.Time, width, height int) string {
	s := c.runner.Stats()
	head := fmt.Sprintf("Walkabout demo, %s: this machine and two switches, every %v. Ctrl-C ends.\nIn a browser: %s\n%d samples stored, %d rejected.\n\n",
		now.Format(time.TimeOnly), interval, c.pages.url(), s.Written, s.Rejected)
	if height > 0 {
		height = max(height-4, 1)
	}
	return head + Board{c.memory}.Draw(now, c.alerts.Alerts(), c.alerts.NeverUp(), width, height)
}

const whatNext = `
What next: an agent of your own and a collector for it.

1. snmpd.conf
     agentAddress udp:127.0.0.1:1161
     rocommunity public 127.0.0.1
   bin/snmpd -f -c snmpd.conf
   snmpwalk -v2c -c public 127.0.0.1:1161 .1

2. snmpcollect.yaml
     interval: 30s
     credentials:
       lab: {version: 2c, community: public}
     targets:
       - name: this-host
         address: 127.0.0.1:1161
         credential: lab
         collect: [system, interfaces, ip, tcp]
     outputs:
       - file: {path: "-"}
       # - influxdb: {url: "http://127.0.0.1:8086", bucket: snmp}
     notify:
       - log: {}
   bin/snmpcollect check -c snmpcollect.yaml
   bin/snmpcollect run -c snmpcollect.yaml

README.md tells the rest.
`
