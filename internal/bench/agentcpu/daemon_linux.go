package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/snmp"
)

const community = "public"

// startTime is how long a daemon may take to be ready, and to end.
const startTime = 10 * time.Second

// daemon is a process that answers on addr.
type daemon struct {
	name string
	cmd  *exec.Cmd
	addr netip.AddrPort
	echo bool // it returns what it is sent
}

// startAll starts what is measured; ours is the first. What it returns must be stopped, after an error too.
func startAll(ctx context.Context, w io.Writer, dir string, o options) (daemons []*daemon, err error) {
	files := strings.Split(o.snmpd, ",")
	if o.snmpd == "" {
		files[0] = filepath.Join(dir, "snmpd")
		if err := build(ctx, files[0]); err != nil {
			return nil, err
		}
	}
	for i, file := range files {
		name := "snmpd"
		if i > 0 {
			name = fmt.Sprint("snmpd-", i+1)
		}
		d, err := startOurs(ctx, name, file, dir)
		if err != nil {
			return daemons, err
		}
		daemons = append(daemons, d)
	}
	if o.alone {
		return daemons, nil
	}
	if file, ok := findNetSNMP(); !ok {
		fmt.Fprintln(w, "Net-SNMP's snmpd is not measured, for it is not installed (Debian's package is snmpd).")
	} else {
		d, err := startNetSNMP(ctx, file, dir)
		if err != nil {
			return daemons, err
		}
		daemons = append(daemons, d)
	}
	d, err := startEcho(ctx)
	if err != nil {
		return daemons, err
	}
	return append(daemons, d), nil
}

func build(ctx context.Context, file string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", file, "walkabout/cmd/snmpd")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("go build walkabout/cmd/snmpd: %w", err)
	}
	return nil
}

// command returns a process that SIGTERM ends as ctx does.
func command(ctx context.Context, file string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, file, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = startTime
	return c
}

// start starts d and waits until its output, from, has a line that matches pattern, whose first group is its address. What d says later
// stays in the pipe: it is little.
func (d *daemon) start(from func() (io.ReadCloser, error), pattern string) error {
	out, err := from()
	if err != nil {
		return err
	}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	line := regexp.MustCompile(pattern)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := line.FindStringSubmatch(lines.Text()); m != nil {
			if d.addr, err = netip.ParseAddrPort(m[1]); err != nil {
				d.stop()
			}
			return err
		}
		fmt.Fprintln(&said, lines.Text())
	}
	d.stop()
	return fmt.Errorf("%s ended before it was ready:\n%s", d.cmd, said.String())
}

func startOurs(ctx context.Context, name, file, dir string) (*daemon, error) {
	config := filepath.Join(dir, name+".conf")
	if err := os.WriteFile(config, []byte("agentAddress udp:127.0.0.1:0\nrocommunity "+community+" 127.0.0.1\n"+
		"persistentDir "+filepath.Join(dir, name+"-state")+"\n"+v3Config), 0o600); err != nil {
		return nil, err
	}
	d := &daemon{name: name, cmd: command(ctx, file, "-f", "-C", "-c", config)}
	if err := d.start(d.cmd.StderrPipe, `msg=listening .*address=(\S+)`); err != nil {
		return nil, err
	}
	return d, nil
}

// findNetSNMP returns Net-SNMP's snmpd; false if there is none. Another program of that name is none.
func findNetSNMP() (file string, ok bool) {
	for _, name := range []string{"/usr/sbin/snmpd", "/usr/local/sbin/snmpd", "snmpd"} {
		out, err := exec.Command(name, "-v").CombinedOutput()
		if err == nil && strings.Contains(string(out), "NET-SNMP") {
			return name, true
		}
	}
	return "", false
}

func startNetSNMP(ctx context.Context, file, dir string) (*daemon, error) {
	config := filepath.Join(dir, "netsnmp.conf")
	if err := os.WriteFile(config, []byte("rocommunity "+community+" 127.0.0.1\n"+v3Config), 0o600); err != nil {
		return nil, err
	}
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "netsnmp")
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	d := &daemon{name: "Net-SNMP", addr: addr, cmd: command(ctx, file, "-f", "-Lf", "/dev/null", "-C", "-c", config, addr.String())}
	d.cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+state, "MIBS=")
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	if err := d.await(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// freePort returns an address that nobody listens on. Net-SNMP takes no port 0.
func freePort() (netip.AddrPort, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return netip.AddrPort{}, err
	}
	return c.LocalAddr().(*net.UDPAddr).AddrPort(), c.Close()
}

// await asks d until it answers.
func (d *daemon) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		l, err := newLoad(d, casesFor(1)[0])
		if err == nil {
			err = l.run(1)
			l.close()
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", d.cmd, err)
		case <-time.After(startTime / 100):
		}
	}
}

// echoArgument makes this program the floor.
const echoArgument = "echo"

func startEcho(ctx context.Context) (*daemon, error) {
	file, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &daemon{name: "floor", echo: true, cmd: command(ctx, file, echoArgument)}
	if err := d.start(d.cmd.StdoutPipe, `(.+)`); err != nil {
		return nil, err
	}
	return d, nil
}

// echo returns every datagram to its sender, until somebody ends the process.
func echo(w io.Writer) error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, c.LocalAddr())
	b := make([]byte, snmp.MaxMessageSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err == nil {
			_, err = c.WriteToUDPAddrPort(b[:n], from)
		}
		if err != nil {
			return err
		}
	}
}

// cpu returns the CPU time of the process so far.
func (d *daemon) cpu() (time.Duration, error) {
	const perProcessClock = 2 // include/linux/posix-timers.h: CPUCLOCK_SCHED, without CPUCLOCK_PERTHREAD
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^d.cmd.Process.Pid<<3|perProcessClock), &t); err != nil {
		return 0, fmt.Errorf("CPU time of %s: %w", d.cmd, err)
	}
	return time.Duration(t.Nano()), nil
}

// stop ends d and waits for it. How a daemon ends is not what is measured.
func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
}
