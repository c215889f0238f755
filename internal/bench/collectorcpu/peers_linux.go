package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"walkabout/internal/bench/agents"
)

// peer is another collector, which polls the same tables of the same switches where it is installed.
type peer struct {
	debian  string // the package
	program string
	// start returns the program, which is to run in dir and counts the polls that it makes in polls, and what has it poll until ctx ends.
	start func(ctx context.Context, program, dir string, p plan, polls *atomic.Int64) (*exec.Cmd, func() error, error)
}

var peers = map[string]peer{
	"snmp_exporter": {"prometheus-snmp-exporter", "prometheus-snmp-exporter", startExporter},
	"collectd":      {"collectd-core", "/usr/sbin/collectd", startCollectd},
}

// errNotInstalled is that of a peer that is not here.
var errNotInstalled = errors.New("not installed")

// peersInterval is how many times the collector's the peers' interval is: what they cannot keep up with would count as work without a poll.
const peersInterval = 10

// run has the peer poll by the plan, and returns the figures of its process.
func (q peer) run(ctx context.Context, p plan) (f figures, err error) {
	program, err := exec.LookPath(q.program)
	if err != nil {
		return f, fmt.Errorf("%w (Debian's package is %s)", errNotInstalled, q.debian)
	}
	dir, err := os.MkdirTemp("", "collectorcpu")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(ctx)
	var polls atomic.Int64
	cmd, work, err := q.start(ctx, program, dir, p, &polls)
	if err != nil {
		cancel()
		return f, err
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	f, err = watch(ctx, cmd.Process.Pid, p, &polls)
	_ = cmd.Process.Signal(syscall.SIGTERM) // how it ends is not measured
	cancel()
	err = errors.Join(err, <-done)
	_ = cmd.Wait()
	return f, err
}

// watch returns the figures of a process over the plan's time, when it has warmed up.
func watch(ctx context.Context, pid int, p plan, polls *atomic.Int64) (f figures, err error) {
	if err := wait(ctx, 2*p.Interval); err != nil {
		return f, err
	}
	before, err := agents.CPU(pid)
	if err != nil {
		return f, err
	}
	first := polls.Load()
	if err := wait(ctx, p.For); err != nil {
		return f, err
	}
	after, err := agents.CPU(pid)
	f.CPU, f.Polls = after-before, int(polls.Load()-first)
	f.RSS, f.Files = usage(strconv.Itoa(pid))
	return f, err
}

// startExporter starts Prometheus' exporter, of which each switch's metrics are asked for once in the interval.
func startExporter(ctx context.Context, program, dir string, p plan, polls *atomic.Int64) (*exec.Cmd, func() error, error) {
	file := filepath.Join(dir, "snmp.yml")
	if err := os.WriteFile(file, []byte(exporterModule()), 0o600); err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(program, "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	log := bufio.NewReader(stderr)
	var address string
	for listening := regexp.MustCompile(`Listening on"? address=(\S+)`); address == ""; {
		line, err := log.ReadString('\n')
		if err != nil {
			return nil, nil, fmt.Errorf("%s ended: %w", program, errors.Join(err, cmd.Wait()))
		}
		if m := listening.FindStringSubmatch(line); m != nil {
			address = m[1]
		}
	}
	return cmd, func() error {
		var all sync.WaitGroup
		for i, port := range p.Ports {
			url := fmt.Sprintf("http://%s/snmp?module=tables&target=127.0.0.1:%d", address, port)
			all.Go(func() { scrape(ctx, url, p.Interval, time.Duration(i)*p.Interval/time.Duration(len(p.Ports)), polls) })
		}
		_, _ = io.Copy(io.Discard, log)
		all.Wait()
		return nil
	}, nil
}

// scrape asks for a page once in the interval, and counts those that came.
func scrape(ctx context.Context, url string, interval, phase time.Duration, polls *atomic.Int64) {
	if wait(ctx, phase) != nil {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		if r, err := http.DefaultClient.Do(request); err == nil {
			n, err := io.Copy(io.Discard, r.Body)
			if _ = r.Body.Close(); err == nil && r.StatusCode == http.StatusOK && n > 0 {
				polls.Add(1)
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// exporterModule returns a module that makes a metric of each number of ifTable and ifXTable, with ifName and ifDescr as labels.
func exporterModule() string {
	var b strings.Builder
	b.WriteString("tables:\n  walk: [1.3.6.1.2.1.2.2, 1.3.6.1.2.1.31.1.1]\n  version: 2\n  max_repetitions: 25\n  auth: {community: " + community + "}\n  metrics:\n")
	for i, c := range numbers() {
		fmt.Fprintf(&b, "  - {name: %s, oid: %s, type: %s, help: none, indexes: ", c.name, c.oid, map[bool]string{true: "counter", false: "gauge"}[c.counter])
		if i > 0 {
			b.WriteString("*index, lookups: *lookups}\n")
			continue
		}
		b.WriteString("&index [{labelname: ifIndex, type: gauge}], lookups: &lookups [" +
			"{labels: [ifIndex], labelname: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: DisplayString}, " +
			"{labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}]}\n")
	}
	return b.String()
}

// startCollectd starts collectd with its plug-in snmp, which writes a line for each value.
func startCollectd(_ context.Context, program, dir string, p plan, polls *atomic.Int64) (*exec.Cmd, func() error, error) {
	file := filepath.Join(dir, "collectd.conf")
	if err := os.WriteFile(file, []byte(collectdConfig(dir, p)), 0o600); err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(program, "-f", "-C", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	return cmd, func() error {
		perPoll := p.SwitchPorts * len(numbers())
		lines := 0
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			if strings.HasPrefix(scanner.Text(), "PUTVAL") {
				lines++
				polls.Store(int64(lines / perPoll))
			}
		}
		return nil
	}, nil
}

// collectdConfig has a data set of each number of ifTable and ifXTable. Rows are told apart by their index, which saves collectd walking their
// names once more for each.
func collectdConfig(dir string, p plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "FQDNLookup false\nHostname \"bench\"\nBaseDir %q\nPIDFile \"%s/pid\"\nTypesDB \"/usr/share/collectd/types.db\"\nInterval %v\nReadThreads 20\n"+
		"LoadPlugin csv\nLoadPlugin snmp\n<Plugin csv>\n  DataDir \"stdout\"\n  StoreRates true\n</Plugin>\n<Plugin snmp>\n", dir, dir, p.Interval.Seconds())
	var names []string
	for _, c := range numbers() {
		fmt.Fprintf(&b, "  <Data %q>\n    Type %q\n    Table true\n    TypeInstancePrefix \"%s-\"\n    Values \".%s\"\n  </Data>\n", c.name,
			map[bool]string{true: "derive", false: "gauge"}[c.counter], c.name, c.oid)
		names = append(names, strconv.Quote(c.name))
	}
	for i, port := range p.Ports {
		fmt.Fprintf(&b, "  <Host \"switch%d\">\n    Address \"127.0.0.1:%d\"\n    Version 2\n    Community %q\n    BulkSize 25\n    Interval %v\n    Collect %s\n  </Host>\n",
			i, port, community, p.Interval.Seconds(), strings.Join(names, " "))
	}
	b.WriteString("</Plugin>\n")
	return b.String()
}

// number is a column of ifTable or ifXTable that is one.
type number struct {
	name, oid string
	counter   bool
}

// numbers returns those of the profile interfaces.
func numbers() []number {
	var list []number
	for _, t := range interfaceTables()["interfaces"].Tables {
		for _, o := range t.Columns {
			if o.Type == "string" || o.Type == "physaddress" {
				continue
			}
			list = append(list, number{o.Name, o.OID.String(), o.Type == "counter32" || o.Type == "counter64"})
		}
	}
	return list
}
