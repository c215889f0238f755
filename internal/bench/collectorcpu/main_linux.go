// Command collectorcpu measures what a poll of a switch costs the collector: the CPU time of its process over thousands of polls, rates
// and line protocol included.
//
//	go run ./internal/bench/collectorcpu                       # 100 switches of 48 ports, each every second, for 20 s
//	go run ./internal/bench/collectorcpu -devices 5000 -interval 30s -for 90s -clients collector
//	go run ./internal/bench/collectorcpu -v3                   # SHA and AES
//
// Beside the collector it measures a plain loop over gosnmp, which walks the same tables of the same switches and does nothing with the values.
//
// This process plays the switches, with ifTable and ifXTable whole and answers of at most 1,472 octets, each on a port of loopback; a second
// one polls them. What is printed is that one's: CPU time a poll, polls a CPU second, memory, goroutines and descriptors.
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
	Ports    []uint16
	Interval time.Duration
	For      time.Duration
	V3       bool   // SNMPv3 with SHA and AES instead of v2c
	Profile  string // a file for the CPU profile, "" for none
}

// figures is what the collector tells of itself.
type figures struct {
	Polls, Failed, Samples int
	Retries                int // since it began
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
		devices := flag.Int("devices", 100, "switches")
		ports := flag.Int("ports", 48, "ports of a switch")
		interval := flag.Duration("interval", time.Second, "between two polls of one")
		length := flag.Duration("for", 20*time.Second, "how long is measured, after two intervals to warm up")
		v3 := flag.Bool("v3", false, "SNMPv3 with SHA and AES instead of v2c")
		which := flag.String("clients", "collector,gosnmp", "which are measured, one after another")
		profile := flag.String("profile", "", "write the CPU profile to this `file`, and the heap's beside it")
		flag.Parse()
		p := plan{Interval: *interval, For: *length, V3: *v3, Profile: *profile}
		err = measure(ctx, *devices, *ports, p, strings.Split(*which, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collectorcpu:", err)
		os.Exit(1)
	}
}

// measure plays the switches while other processes of this program, one after another, poll them, and prints what these tell.
func measure(ctx context.Context, devices, ports int, p plan, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range devices {
		port, err := play(ctx, &wg, i, ports, p.V3)
		if err != nil {
			return err
		}
		p.Ports = append(p.Ports, port)
	}
	fmt.Printf("%d switches of %d ports every %v, for %v\n", devices, ports, p.Interval, p.For)
	var first time.Duration
	for _, name := range names {
		if clients[name] == nil {
			return fmt.Errorf("unknown client %q; known are collector and gosnmp", name)
		}
		f, err := run(ctx, name, p)
		if err != nil {
			return err
		}
		if f.Polls == 0 {
			return fmt.Errorf("%s: no poll ended", name)
		}
		perPoll := f.CPU / time.Duration(f.Polls)
		fmt.Printf("%-9s CPU %.2f ms a poll, %.0f polls a CPU second; %.0f MB, %d goroutines, %d descriptors; %d polls, %d failed, %d requests sent again",
			name, float64(perPoll)/float64(time.Millisecond), float64(time.Second)/float64(perPoll), float64(f.RSS)/(1<<20), f.Goroutines, f.Files,
			f.Polls, f.Failed, f.Retries)
		if first == 0 {
			first = perPoll
		} else {
			fmt.Printf("; %.1f times %s", float64(perPoll)/float64(first), names[0])
		}
		fmt.Println()
	}
	return nil
}

// run lets another process of this program be the named client.
func run(ctx context.Context, name string, p plan) (f figures, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	c := exec.CommandContext(ctx, self, name)
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
