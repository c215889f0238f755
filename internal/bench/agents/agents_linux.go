// Package agents starts the daemons that are measured: the snmpd of this tree, and Net-SNMP's beside it.
package agents

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Community may read everything, from 127.0.0.1.
const Community = "public"

// StartTime is how long a daemon may take to be ready, and to end.
const StartTime = 10 * time.Second

// Agent is a process that answers at Addr.
type Agent struct {
	Name  string
	Addr  netip.AddrPort
	Ready time.Duration // from its start until its first answer
	cmd   *exec.Cmd
}

// Build makes the snmpd of this tree.
func Build(ctx context.Context, file string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", file, "walkabout/cmd/snmpd")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("go build walkabout/cmd/snmpd: %w", err)
	}
	return nil
}

// Command returns a process that SIGTERM ends as ctx does.
func Command(ctx context.Context, file string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, file, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = StartTime
	return c
}

// StartOurs starts file, a build of this tree's snmpd, on a free port; config is what its configuration has besides. What it writes is in dir.
func StartOurs(ctx context.Context, name, file, dir, config string) (*Agent, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+".conf")
	config = fmt.Sprintf("agentAddress udp:%v\nrocommunity %s 127.0.0.1\npersistentDir %s\n%s", addr, Community, filepath.Join(dir, name+"-state"), config)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return start(ctx, &Agent{Name: name, Addr: addr, cmd: Command(ctx, file, "-f", "-C", "-c", path)}, dir)
}

// FindNetSNMP returns Net-SNMP's snmpd; false if there is none. Another program of that name is none.
func FindNetSNMP() (file string, ok bool) {
	for _, name := range []string{"/usr/sbin/snmpd", "/usr/local/sbin/snmpd", "snmpd"} {
		out, err := exec.Command(name, "-v").CombinedOutput()
		if err == nil && strings.Contains(string(out), "NET-SNMP") {
			return name, true
		}
	}
	return "", false
}

// StartNetSNMP starts file, Net-SNMP's snmpd, as StartOurs does.
func StartNetSNMP(ctx context.Context, file, dir, config string) (*Agent, error) {
	path := filepath.Join(dir, "netsnmp.conf")
	if err := os.WriteFile(path, []byte("rocommunity "+Community+" 127.0.0.1\n"+config), 0o600); err != nil {
		return nil, err
	}
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "netsnmp")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	a := &Agent{Name: "Net-SNMP", Addr: addr, cmd: Command(ctx, file, "-f", "-Lf", "/dev/null", "-C", "-c", path, addr.String())}
	a.cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+state, "MIBS=")
	return start(ctx, a, dir)
}

// Start starts a process that writes its address as the first line to its standard output.
func Start(name string, cmd *exec.Cmd) (*Agent, error) {
	a := &Agent{Name: name, cmd: cmd}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		a.Addr, err = netip.ParseAddrPort(strings.TrimSpace(line))
	}
	if err != nil {
		a.Stop()
		return nil, fmt.Errorf("the address of %s: %w", cmd, err)
	}
	return a, nil
}

// freePort returns an address that nobody listens on.
func freePort() (netip.AddrPort, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return netip.AddrPort{}, err
	}
	return c.LocalAddr().(*net.UDPAddr).AddrPort(), c.Close()
}

// start starts a and waits until it answers. What it says stands in a file, and in the error if it does not.
func start(ctx context.Context, a *Agent, dir string) (*Agent, error) {
	log, err := os.Create(filepath.Join(dir, a.Name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	a.cmd.Stderr = log
	begin := time.Now()
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	if err := a.await(ctx); err != nil {
		a.Stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s does not answer: %w\n%s", a.cmd, err, said)
	}
	a.Ready = time.Since(begin)
	return a, nil
}

// await asks for sysUpTime until there is an answer.
func (a *Agent) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StartTime)
	defer cancel()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a.Addr))
	if err != nil {
		return err
	}
	defer c.Close()
	m := snmp.Message{Version: snmp.V2c, Community: Community, PDU: snmp.PDU{
		Type: snmp.GetRequest, RequestID: 1, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1.3.0")}},
	}}
	request, in := m.Append(nil), make([]byte, snmp.MaxMessageSize)
	for ctx.Err() == nil {
		// Before the daemon listens a read ends at once, or the next write: the port is unreachable.
		if _, err = c.Write(request); err == nil {
			if err = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				return err
			}
			if _, err = c.Read(in); err == nil {
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return errors.Join(ctx.Err(), err)
}

// CPU returns the CPU time of the process so far.
func (a *Agent) CPU() (time.Duration, error) { return CPU(a.cmd.Process.Pid) }

// CPU returns the CPU time of a process so far: user's and kernel's, of all its threads.
func CPU(pid int) (time.Duration, error) {
	const perProcessClock = 2 // include/linux/posix-timers.h: CPUCLOCK_SCHED, without CPUCLOCK_PERTHREAD
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|perProcessClock), &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Memory returns how much of the machine's memory the process has now (VmRSS), in octets.
func (a *Agent) Memory() (int64, error) {
	path := fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in %s", path)
}

// Stop ends a and waits for it. How a daemon ends is not what is measured.
func (a *Agent) Stop() {
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	_ = a.cmd.Wait()
}
