// Command collectorcpu measures what a poll of a switch costs the collector: the CPU time of its process over thousands of polls, rates
// and line protocol included.
//
//	go run ./internal/bench/collectorcpu                       # 100 switches of 48 ports, each every second, for 20 s
//	go run ./internal/bench/collectorcpu -devices 5000 -interval 30s -for 90s
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
	"sync"
	"syscall"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/sim"
)

const (
	community = "public"
	frame     = 1472 // octets of an answer: what an Ethernet frame leaves UDP over IPv4
)

// collectArgument makes this program the collector that is measured.
const collectArgument = "collect"

// plan is what the collector is told.
type plan struct {
	Ports    []uint16
	Interval time.Duration
	For      time.Duration
	Profile  string // a file for the CPU profile, "" for none
}

// figures is what the collector tells of itself.
type figures struct {
	Polls, Failed, Samples int
	Octets                 int // of line protocol
	CPU                    time.Duration
	RSS                    int64 // octets, at the end
	Goroutines, Files      int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 2 && os.Args[1] == collectArgument {
		err = collect(ctx, os.Stdin, os.Stdout)
	} else {
		devices := flag.Int("devices", 100, "switches")
		ports := flag.Int("ports", 48, "ports of a switch")
		interval := flag.Duration("interval", time.Second, "between two polls of one")
		length := flag.Duration("for", 20*time.Second, "how long is measured, after two intervals to warm up")
		profile := flag.String("profile", "", "write the collector's CPU profile to this `file`")
		flag.Parse()
		err = measure(ctx, *devices, *ports, plan{Interval: *interval, For: *length, Profile: *profile})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collectorcpu:", err)
		os.Exit(1)
	}
}

// measure plays the switches while another process of this program polls them, and prints what it tells.
func measure(ctx context.Context, devices, ports int, p plan) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range devices {
		port, err := play(ctx, &wg, i, ports)
		if err != nil {
			return err
		}
		p.Ports = append(p.Ports, port)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, collectArgument)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	err = errors.Join(json.NewEncoder(in).Encode(p), in.Close())
	var f figures
	if decodeErr := json.NewDecoder(bufio.NewReader(out)).Decode(&f); decodeErr != nil && !errors.Is(decodeErr, io.EOF) {
		err = errors.Join(err, decodeErr)
	}
	if err := errors.Join(err, c.Wait()); err != nil {
		return err
	}
	if f.Polls == 0 {
		return errors.New("no poll ended")
	}
	perPoll := f.CPU / time.Duration(f.Polls)
	fmt.Printf("%d switches of %d ports every %v, for %v: %d polls, %d failed; %d samples of %d octets of line protocol each\n",
		devices, ports, p.Interval, p.For, f.Polls, f.Failed, f.Samples, f.Octets/max(1, f.Samples))
	fmt.Printf("CPU %.2f ms a poll, %.0f polls a CPU second; %.0f MB, %d goroutines, %d descriptors\n",
		float64(perPoll)/float64(time.Millisecond), float64(time.Second)/float64(perPoll), float64(f.RSS)/(1<<20), f.Goroutines, f.Files)
	return nil
}

// play serves one switch until ctx ends, and returns its port.
func play(ctx context.Context, wg *sync.WaitGroup, n, ports int) (uint16, error) {
	var list []sim.Port
	for i := range ports {
		list = append(list, sim.Port{Index: uint32(i + 1), Name: fmt.Sprintf("Gi1/0/%d", i+1), Descr: fmt.Sprintf("GigabitEthernet1/0/%d", i+1),
			Alias: fmt.Sprintf("room %d.%d", n, i+1), Speed: 1e9, InRate: float64(10_000 * (i + 1)), OutRate: float64(20_000 * (i + 1)), Swing: 0.5})
	}
	d := sim.New(sim.Options{Name: fmt.Sprintf("switch%d", n), Ports: list, Boot: time.Now().Add(-24 * time.Hour)})
	server, err := d.Server(secret.New(community), slog.New(slog.DiscardHandler))
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
