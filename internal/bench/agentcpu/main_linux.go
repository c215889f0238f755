// Command agentcpu measures what a request costs an agent: the CPU time of the daemon's process, user's and kernel's, over many requests on
// loopback. It runs the snmpd of this tree beside Net-SNMP's snmpd, if that is installed, and beside a Go program that only returns each
// datagram, which is the floor for any server in Go on this machine.
//
//	go run ./internal/bench/agentcpu                              # about a minute; make bench runs it too; root is not needed
//	go run ./internal/bench/agentcpu -case bulk -n 20000          # the cases whose names match a regular expression
//	go run ./internal/bench/agentcpu -snmpd old/snmpd,new/snmpd   # two builds of ours, to see what a change brought
//
// The daemons take turns in every round, and the table shows the median of the rounds with the least of them in brackets: on a machine that
// others use too, the least is nearer to the truth. CPU time is the process's own clock (clock_getcpuclockid(3)), which counts nanoseconds
// of all its threads. The next request is sent when the answer to the last is there, so that the daemon wakes for each; with a window of 16
// so many are under way at a time, and queue up at its socket. Every answer is decoded and checked. Net-SNMP answers counters from a cache;
// ours are read anew after 50 ms, and for every request that asks sysUpTime as well, which is a case of its own.
//
// It is for Linux only: no other system tells one process the CPU time of another this exactly.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == echoArgument {
		exit(echo(os.Stdout))
	}
	var o options
	flag.StringVar(&o.snmpd, "snmpd", "", "measure these `FILE[,FILE]` instead of building this tree's snmpd")
	flag.IntVar(&o.requests, "n", 1000, "requests of a case to a daemon in a round")
	flag.IntVar(&o.rounds, "rounds", 21, "rounds")
	pattern := flag.String("case", "", "only the cases whose names match this regular expression")
	flag.BoolVar(&o.alone, "alone", false, "without Net-SNMP and the floor")
	flag.Parse()
	var err error
	if o.cases, err = regexp.Compile("(?i)" + *pattern); err != nil {
		exit(err)
	}
	if o.requests < 1 || o.rounds < 1 {
		exit(fmt.Errorf("-n and -rounds must be 1 or more"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, os.Stdout, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "agentcpu:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

type options struct {
	snmpd            string
	requests, rounds int
	cases            *regexp.Regexp
	alone            bool
}

// figure is what one daemon did with one case in one round.
type figure struct {
	cpu  time.Duration // a request
	wall time.Duration // a request
}

func run(ctx context.Context, w io.Writer, o options) (err error) {
	dir, err := os.MkdirTemp("", "agentcpu")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder; nothing depends on it
	index, links, err := loopback()
	if err != nil {
		return err
	}
	cases := slices.DeleteFunc(casesFor(index), func(c testCase) bool { return !o.cases.MatchString(c.name) })
	daemons, err := startAll(ctx, w, dir, o)
	defer func() {
		for _, d := range daemons {
			d.Stop()
		}
	}()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, d := range daemons {
		if d.echo {
			continue
		}
		wait, err := startSubAgent(ctx, dir, d)
		if err != nil {
			return err
		}
		defer wait()
	}
	defer cancel()
	figures := make([][][]figure, len(cases)) // by case and daemon, a round each
	for i := range figures {
		figures[i] = make([][]figure, len(daemons))
	}
	for round := range o.rounds + 1 { // the first warms up
		for i, c := range cases {
			for k := range daemons {
				d := (k + round) % len(daemons)
				f, err := measure(daemons[d], c, o.requests)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					return fmt.Errorf("%s: %s: %w", daemons[d].Name, c.name, err)
				}
				if round > 0 {
					figures[i][d] = append(figures[i][d], f)
				}
			}
		}
	}
	fmt.Fprintf(w, "µs of CPU time a request: median (and least) of %d rounds of %d requests each; %d interfaces, %d CPUs\n",
		o.rounds, o.requests, links, runtime.NumCPU())
	return table(w, daemons, cases, figures)
}

// loopback returns the ifIndex of the loopback interface and how many interfaces there are.
func loopback() (index uint32, links int, err error) {
	list, err := net.Interfaces()
	if err != nil {
		return 0, 0, err
	}
	i := slices.IndexFunc(list, func(l net.Interface) bool { return l.Flags&net.FlagLoopback != 0 })
	if i < 0 {
		return 0, 0, fmt.Errorf("no loopback interface")
	}
	return uint32(list[i].Index), len(list), nil
}

// measure sends d the requests of a case and returns what each cost.
func measure(d *daemon, c testCase, requests int) (figure, error) {
	l, err := newLoad(d, c)
	if err != nil {
		return figure{}, err
	}
	defer l.close()
	before, err := d.CPU()
	if err != nil {
		return figure{}, err
	}
	start := time.Now()
	if err := l.run(requests); err != nil {
		return figure{}, err
	}
	wall := time.Since(start)
	after, err := d.CPU()
	n := time.Duration(requests)
	return figure{(after - before) / n, wall / n}, err
}

// table writes the figures: a line a case; for each daemon its CPU time, how many times the first daemon's that is, and requests a second.
func table(w io.Writer, daemons []*daemon, cases []testCase, figures [][][]figure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{""}
	for i, d := range daemons {
		heads = append(heads, d.Name)
		if i > 0 {
			heads = append(heads, "ratio")
		}
	}
	for _, d := range daemons {
		heads = append(heads, d.Name+"/s")
	}
	fmt.Fprintln(t, strings.Join(heads, "\t")+"\t")
	for i, c := range cases {
		cells := []string{c.name}
		first := median(figures[i][0], figure.cpuTime)
		for d, rounds := range figures[i] {
			m := median(rounds, figure.cpuTime)
			least := slices.MinFunc(rounds, func(a, b figure) int { return int(a.cpu - b.cpu) }).cpu
			cells = append(cells, fmt.Sprintf("%.1f (%.1f)", micros(m), micros(least)))
			if d > 0 {
				cells = append(cells, fmt.Sprintf("%.1f", float64(m)/float64(first)))
			}
		}
		for _, rounds := range figures[i] {
			wall := median(rounds, func(f figure) time.Duration { return f.wall })
			cells = append(cells, fmt.Sprintf("%.0f", time.Second.Seconds()/wall.Seconds()))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	return t.Flush()
}

func (f figure) cpuTime() time.Duration { return f.cpu }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median(rounds []figure, of func(figure) time.Duration) time.Duration {
	var list []time.Duration
	for _, f := range rounds {
		list = append(list, of(f))
	}
	slices.Sort(list)
	return list[len(list)/2]
}
