// Command collectorcpu measures what a poll of a switch costs the collector: the CPU time of its process over thousands of polls, rates
// and line protocol included.
//
//	go run ./internal/bench/collectorcpu                 # 100, 1,000 and 5,000 switches of 48 ports, 100 polls a second; some minutes
//	go run ./internal/bench/collectorcpu -devices 100 -v3      # SHA and AES
//	go run ./internal/bench/collectorcpu -devices 5000 -interval 30s -clients collector
//
// Beside the collector it measures what else walks the same tables of the same switches: a plain loop over gosnmp, which does nothing with the
// values, and where they are installed Prometheus' snmp_exporter and collectd. They are measured with the least number of switches.
//
// This process plays the switches, with ifTable and ifXTable whole and answers of at most 1,472 octets, each on a port of loopback; another
// one polls them. What is printed is that one's: CPU time a poll, polls a CPU second and a second, memory, goroutines and descriptors.
//
// It is for Linux only: there a loopback device holds any number of sockets, and /proc tells what a process takes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp/usm"
)

const (
	community = "public"
	user      = "bench"
	password  = "benchmark"
	frame     = 1472 // octets of an answer: what an Ethernet frame leaves UDP over IPv4
)

// clients are the programs that can be measured, by the argument that makes this program be one.
var clients = map[string]func(ctx context.Context, r io.Reader, w io.Writer) error{"collector": collect, "gosnmp": loop}

// plan is what the collector is told.
type plan struct {
	Ports    []uint16 // of UDP, one a switch
	Interval time.Duration
	For      time.Duration
	V3       bool   // SNMPv3 with SHA and AES instead of v2c
	Profile  string // a file for the CPU profile, "" for none

	SwitchPorts int
}

// figures is what the collector tells of itself.
type figures struct {
	Polls, Failed, Samples int
	Retries                int // since it began
	Requests               int // of the last poll of each switch
	Octets                 int // of line protocol
	CPU                    time.Duration
	RSS                    int64 // octets, at the end
	Goroutines, Files      int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if client := clients[strings.Join(os.Args[1:], " ")]; client != nil {
		err = client(ctx, os.Stdin, os.Stdout)
	} else {
		devices := flag.String("devices", "100,1000,5000", "switches, one `number` after another")
		ports := flag.Int("ports", 48, "ports of a switch")
		interval := flag.Duration("interval", 0, "between two polls of one; 0: a second for each 100 switches")
		length := flag.Duration("for", 20*time.Second, "how long is measured at the least, and an interval, after two intervals to warm up")
		v3 := flag.Bool("v3", false, "SNMPv3 with SHA and AES instead of v2c, without snmp_exporter and collectd")
		which := flag.String("clients", "collector,gosnmp,snmp_exporter,collectd", "which are measured, one after another")
		profile := flag.String("profile", "", "write the CPU profile to this `file`, and the heap's beside it")
		flag.Parse()
		p := plan{Interval: *interval, For: *length, V3: *v3, Profile: *profile, SwitchPorts: *ports}
		err = measureAll(ctx, *devices, p, strings.Split(*which, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collectorcpu:", err)
		os.Exit(1)
	}
}

// polledTogether are the switches that are polled in a second unless the interval is given.
const polledTogether = 100

// measureAll plays as many switches as the largest of sizes says, and measures with each number of them: all clients with the first, the collector with
// the others.
func measureAll(ctx context.Context, sizes string, p plan, names []string) error {
	var numbers []int
	for _, text := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("devices: %q is no number of switches", text)
		}
		numbers = append(numbers, n)
	}
	for _, name := range names {
		if _, ok := peers[name]; !ok && clients[name] == nil {
			return fmt.Errorf("unknown client %q; known are collector, gosnmp, snmp_exporter and collectd", name)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var ports []uint16
	for i := range slices.Max(numbers) {
		port, err := play(ctx, &wg, i, p.SwitchPorts, p.V3)
		if err != nil {
			return err
		}
		ports = append(ports, port)
	}
	for i, n := range numbers {
		if i > 0 {
			names = names[:1]
		}
		q := p
		q.Ports = ports[:n]
		if q.Interval == 0 {
			q.Interval = max(time.Second, time.Duration(n)*time.Second/polledTogether)
		}
		q.For = max(q.For, q.Interval)
		if err := measure(ctx, q, names); err != nil {
			return err
		}
	}
	return nil
}

// measure has the switches polled by other processes, one after another, and prints their figures.
func measure(ctx context.Context, p plan, names []string) error {
	fmt.Printf("%d switches of %d ports every %v, for %v\n", len(p.Ports), p.SwitchPorts, p.Interval, p.For)
	var first time.Duration
	for _, name := range names {
		var f figures
		var err error
		at := p
		if q, ok := peers[name]; !ok {
			f, err = run(ctx, name, p)
		} else if !p.V3 {
			at.Interval *= peersInterval
			at.For = max(at.For, 2*at.Interval)
			f, err = q.run(ctx, at)
		} else {
			continue
		}
		if errors.Is(err, errNotInstalled) {
			fmt.Printf("%-13s %v\n", name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if f.Polls == 0 {
			return fmt.Errorf("%s: no poll ended", name)
		}
		perPoll := f.CPU / time.Duration(f.Polls)
		fmt.Printf("%-13s CPU %.2f ms a poll, %.0f polls a CPU second; %v", name, float64(perPoll)/float64(time.Millisecond), float64(time.Second)/float64(perPoll), f.over(at))
		if first == 0 {
			first = perPoll
		} else {
			fmt.Printf("; %.1f times %s", float64(perPoll)/float64(first), names[0])
		}
		fmt.Println()
	}
	return nil
}

// over describes f beside the CPU time.
func (f figures) over(p plan) string {
	s := fmt.Sprintf("%d polls, %.1f a second; %.0f MB, %d descriptors", f.Polls, float64(f.Polls)/p.For.Seconds(), float64(f.RSS)/(1<<20), f.Files)
	if f.Goroutines > 0 {
		s += fmt.Sprintf(", %d goroutines; %d failed", f.Goroutines, f.Failed)
	}
	if f.Requests > 0 {
		s += fmt.Sprintf(", %.1f requests a poll, %d sent again", float64(f.Requests)/float64(len(p.Ports)), f.Retries)
	}
	return s
}

// run lets another process of this program be the named client.
func run(ctx context.Context, name string, p plan) (f figures, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	c := exec.CommandContext(ctx, self, name)
	if name == "collector" && os.Getenv("GOGC") == "" {
		c.Env = append(os.Environ(), "GOGC=50") // as snmpcollect sets it
	}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return f, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return f, err
	}
	if err := c.Start(); err != nil {
		return f, err
	}
	err = errors.Join(json.NewEncoder(in).Encode(p), in.Close())
	if decodeErr := json.NewDecoder(bufio.NewReader(out)).Decode(&f); decodeErr != nil && !errors.Is(decodeErr, io.EOF) {
		err = errors.Join(err, decodeErr)
	}
	return f, errors.Join(err, c.Wait())
}

// play serves one switch until ctx ends, and returns its port.
func play(ctx context.Context, wg *sync.WaitGroup, n, ports int, v3 bool) (uint16, error) {
	var list []sim.Port
	for i := range ports {
		list = append(list, sim.Port{Index: uint32(i + 1), Name: fmt.Sprintf("Gi1/0/%d", i+1), Descr: fmt.Sprintf("GigabitEthernet1/0/%d", i+1),
			Alias: fmt.Sprintf("room %d.%d", n, i+1), Speed: 1e9, InRate: float64(10_000 * (i + 1)), OutRate: float64(20_000 * (i + 1)), Swing: 0.5})
	}
	d := sim.New(sim.Options{Name: fmt.Sprintf("switch%d", n), Ports: list, Boot: time.Now().Add(-24 * time.Hour)})
	log := slog.New(slog.DiscardHandler)
	serve := func() (*agent.Server, error) { return d.Server(secret.New(community), log) }
	if v3 {
		serve = func() (*agent.Server, error) { return serverV3(d, n, log) }
	}
	server, err := serve()
	if err != nil {
		return 0, err
	}
	server.SetMaxMessageSize(frame)
	socket, err := agent.ListenUDP(ctx, "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return 0, err
	}
	wg.Go(func() {
		if err := server.ServeDatagrams(ctx, socket); err != nil {
			fmt.Fprintln(os.Stderr, "collectorcpu:", err)
		}
	})
	return socket.LocalAddr().Port(), nil
}

// ku is the key that the password stands for at every engine.
var ku = sync.OnceValues(func() ([]byte, error) { return usm.PasswordToKey(usm.SHA, password) })

// serverV3 returns the agent of the n-th switch, an engine of its own with the one user.
func serverV3(d *sim.Device, n int, log *slog.Logger) (*agent.Server, error) {
	key, err := ku()
	if err != nil {
		return nil, err
	}
	id := fmt.Sprintf("\x80\x00\xff\xff\x05%08d", n)
	engine, err := usm.NewEngine(id, 1, time.Now())
	if err != nil {
		return nil, err
	}
	err = engine.SetUsers([]usm.User{{Name: user, Auth: usm.SHA, AuthKey: usm.Localize(usm.SHA, key, id),
		Priv: usm.AES, PrivKey: usm.PrivKey(usm.SHA, usm.AES, key, id)}})
	if err != nil {
		return nil, err
	}
	return d.ServerV3(engine, log, user)
}
