// Command scale measures agents on machines of size: 1,001 interfaces, 5,000 TCP connections and 10,000 routes, each in a network namespace of
// its own. It runs the snmpd of this tree beside Net-SNMP's snmpd, if that is installed.
//
//	go run ./internal/bench/scale                     # some minutes, most of which Net-SNMP takes; make bench-scale does it too
//	go run ./internal/bench/scale -alone              # without Net-SNMP
//	go run ./internal/bench/scale -scene routes       # links, connections or routes alone
//	go run ./internal/bench/scale -snmpd old/snmpd    # a build of ours instead of this tree's
//	go run ./internal/bench/scale -realtime           # before all other processes of this machine
//
// Who is not root becomes root of a user namespace; ip of iproute2 sets the namespaces up. CPU time is the process's own clock
// (clock_getcpuclockid(3)) over a whole walk: the least of the walks that took place within some seconds, for others use the machine too. A walk is
// either by rows, all columns of a table in each GETBULK of 25 repetitions, or by columns, one after the other by GETBULK of 25, as snmpbulkwalk
// does. "Another waits" is how long another client's GET of sysName takes meanwhile, of which it sends one a millisecond: the 99.9th percentile, and
// the worst; the machine's own share is the line "nobody walks". Where others use the machine it is nearly all of it, and -realtime gives daemons and
// clients a priority above theirs (SCHED_RR, which takes CAP_SYS_NICE); then processors are idle more often, and waking them costs CPU time too.
//
// It is for Linux only.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/internal/bench/agents"
)

func main() {
	var o options
	flag.StringVar(&o.snmpd, "snmpd", "", "measure this `FILE` instead of building this tree's snmpd")
	flag.StringVar(&o.scene, "scene", "", "links, connections or routes alone")
	flag.BoolVar(&o.alone, "alone", false, "without Net-SNMP")
	flag.DurationVar(&o.time, "time", 3*time.Second, "how long each walk is repeated, at least once")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long the daemons are left idle")
	flag.BoolVar(&o.realtime, "realtime", false, "take precedence over everything else on this machine")
	flag.BoolVar(&o.inside, "inside", false, "this process is in the namespace already; for the program's own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if o.inside {
		err = play(ctx, os.Stdout, o)
	} else {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

type options struct {
	snmpd, scene  string
	alone, inside bool
	realtime      bool
	time, idle    time.Duration
}

// run builds our snmpd and plays each scene in a process, and a namespace, of its own.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder; nothing depends on it
	if o.snmpd == "" {
		o.snmpd = filepath.Join(dir, "snmpd")
		if err := agents.Build(ctx, o.snmpd); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if o.realtime {
		runtime.LockOSThread() // whose policy the processes below inherit
		defer runtime.UnlockOSThread()
		if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0); err != nil {
			return fmt.Errorf("-realtime: %w", err)
		}
	}
	for i := range scenes {
		s := &scenes[i]
		if o.scene != "" && o.scene != s.name {
			continue
		}
		args := []string{"-inside", "-snmpd", o.snmpd, "-scene", s.name, "-time", o.time.String(), "-idle", o.idle.String()}
		if o.alone {
			args = append(args, "-alone")
		}
		c := agents.Command(ctx, self, args...)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		c.SysProcAttr = namespace()
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// namespace puts a process into a network namespace of its own, where it is root.
func namespace() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid := os.Getuid(); uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// lookIntoProcesses lets our agent see whose sockets are, as Net-SNMP's does; without it the column is 0 and costs next to nothing.
const lookIntoProcesses = "agentCapabilities sys_ptrace\n"

// play sets the scene up and lets each daemon perform in it.
func play(ctx context.Context, w io.Writer, o options) error {
	i := slices.IndexFunc(scenes, func(s scene) bool { return s.name == o.scene })
	if i < 0 {
		return fmt.Errorf("no scene %q", o.scene)
	}
	s := &scenes[i]
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := ip(ctx, "link set lo up\n"); err != nil {
		return err
	}
	end, err := s.setUp(ctx)
	if err != nil {
		return err
	}
	defer end()
	var names []string
	var columns [][]result
	perform := func(a *agents.Agent, err error) error {
		if err != nil {
			return err
		}
		defer a.Stop()
		results, err := measure(ctx, a, s, o, len(names) > 0)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		names, columns = append(names, a.Name), append(columns, results)
		return nil
	}
	if err := perform(agents.StartOurs(ctx, "snmpd", o.snmpd, dir, lookIntoProcesses)); err != nil {
		return err
	}
	if file, ok := agents.FindNetSNMP(); o.alone {
	} else if !ok {
		fmt.Fprintln(w, "Net-SNMP's snmpd is not measured, for it is not installed (Debian's package is snmpd).")
	} else if err := perform(agents.StartNetSNMP(ctx, file, dir, "")); err != nil {
		return err
	}
	return table(w, s, names, columns)
}

// ip carries out commands of ip(8), a line each.
func ip(ctx context.Context, commands string) error {
	c := exec.CommandContext(ctx, "ip", "-batch", "-")
	c.Stdin = strings.NewReader(commands)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("ip -batch: %w: %s", err, out)
	}
	return nil
}

// table writes what was measured, a line each.
func table(w io.Writer, s *scene, names []string, columns [][]result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\t%s\n", s.title, strings.Join(names, "\t"))
	for row, r := range columns[0] {
		cells := []string{"  " + r.what}
		for _, results := range columns {
			cells = append(cells, results[row].figure)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}
