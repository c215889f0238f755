package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// linuxSource reads the kernel by rtnetlink, sock_diag and procfs.
type linuxSource struct {
	log           *slog.Logger
	proc          string
	bootTime      time.Time
	monotonicZero time.Time // when CLOCK_MONOTONIC was 0; later than bootTime if the machine slept

	set         linkSet
	tracker     linkTracker
	route, diag netlinkConn
	kernel      *kernelWriter
	byLink      atomic.Bool // this kernel has no RTM_GETSTATS

	snmp, netstat, snmp6, mcast    *procFile
	parser                         snmpParser // used under snmp's lock
	parserExt                      snmpParser // used under netstat's lock
	tracker4, trackerExt, tracker6 statTracker
	ipv6                           inet6Tracker
	settings                       struct{ forwarding, ttl, fragTime *procFile }
	settings6                      struct{ forwarding, hopLimit *procFile }

	changes, neighbourChanges      changes
	configChanges                  changes
	keptAddresses4, keptAddresses6 kept[Address]
	keptRoutes4, keptRoutes6       kept[Route]
	routesLeft                     leftOut
	keptNeighbours                 [2]kept[Neighbour]
	keptLinks4                     kept[IPv4Link]
	keptLinks6                     kept[IPv6Link]

	sockets      struct{ tcp, udp atomic.Int64 } // how many there were last, to make room for
	recentTCP    recent[[]TCPSocket]
	recentUDP    recent[[]UDPSocket]
	recentOwners recent[SocketOwners]
	refused      sync.Once // logs that owners of sockets are not told

	sctp sctpFiles

	*linuxHost

	prober *prober
	stop   context.CancelFunc
	events sync.WaitGroup

	heldMu   sync.Mutex
	held     *linkEvents // the watcher's
	released bool
}

func newSource(ctx context.Context, o Options, f *faults) (source, error) {
	if o.Portable {
		return newPortable(o), nil
	}
	s, err := newLinuxSource(ctx, o, f)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newLinuxSource(ctx context.Context, o Options, f *faults) (*linuxSource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file := func(path string) *procFile { return &procFile{path: filepath.Join(o.Proc, path)} }
	s := &linuxSource{
		log:           o.Log,
		proc:          o.Proc,
		bootTime:      readBootTime(o.Proc, o.Now()),
		monotonicZero: monotonicZero(o.Now()),
		route:         netlinkConn{dial: dialNetlink(unix.NETLINK_ROUTE)},
		diag:          netlinkConn{dial: dialNetlink(unix.NETLINK_SOCK_DIAG)},
		snmp:          file("net/snmp"),
		netstat:       file("net/netstat"),
		snmp6:         file("net/snmp6"),
		mcast:         file("net/dev_mcast"),

		sctp: newSCTPFiles(o.Proc),

		linuxHost: newLinuxHost(o),
	}
	s.kernel = &kernelWriter{
		route:  netlinkConn{dial: dialNetlink(unix.NETLINK_ROUTE)},
		sysctl: filepath.Join(o.Proc, "sys/net/ipv4"),
		links:  &s.set,
		ask:    s.askAgain,
	}
	s.settings.forwarding = file("sys/net/ipv4/ip_forward")
	s.settings.ttl = file("sys/net/ipv4/ip_default_ttl")
	s.settings.fragTime = file("sys/net/ipv4/ipfrag_time")
	s.settings6.forwarding = file("sys/net/ipv6/conf/all/forwarding")
	s.settings6.hopLimit = file("sys/net/ipv6/conf/default/hop_limit")
	narrow := isNarrowKernel()
	s.tracker.narrow, s.tracker4.narrow, s.trackerExt.narrow, s.tracker6.narrow = narrow, narrow, narrow, narrow
	s.sctp.statTracker.narrow = narrow
	_, _ = s.sctpAssociations(o.Now()) // those that are there already

	var err error
	if s.prober, err = newProber(o.Sys); err != nil {
		return nil, err
	}
	w := &watcher{
		set: &s.set, faults: f, now: o.Now,
		dump:  func() ([]Link, error) { return dumpLinks(&s.route) },
		probe: s.prober.fill,
	}
	first, err := openLinkEvents()
	if err != nil {
		s.prober.Close()
		return nil, err
	}
	if err := w.resync(); err != nil {
		first.Close()
		s.prober.Close()
		s.route.Close()
		return nil, fmt.Errorf("read links: %w", err)
	}
	s.watch(w, first, o.Now)
	s.changes.groups, s.neighbourChanges.groups, s.configChanges.groups = routeGroups, neighbourGroups, configGroups
	for _, c := range []*changes{&s.changes, &s.neighbourChanges, &s.configChanges} {
		c.generation() // in this network namespace
	}
	return s, nil
}

// watch starts the goroutines that Close ends.
func (s *linuxSource) watch(w *watcher, first *linkEvents, now func() time.Time) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.hold(first)
	w.events = func() (eventSocket, error) {
		e, err := openLinkEvents()
		if err != nil {
			return nil, err
		}
		s.hold(e)
		return e, nil
	}
	w.retry = func(ctx context.Context) error { return sleep(ctx, eventRetry) }
	s.events.Go(func() { w.run(ctx, first) })
	s.run(ctx, now)
	if s.tracker.narrow {
		s.events.Go(func() { sample(ctx, s.set.load, func() { s.readNarrow(now()) }) })
	}
}

// hold keeps e for Close, which must close it to wake the watcher; at once if Close was there before.
func (s *linuxSource) hold(e *linkEvents) {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	s.held = e
	if s.released {
		e.Close()
	}
}

// askAgain has the watcher told of a link as it is now.
func (s *linuxSource) askAgain(index uint32) error {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	return s.held.ask(index)
}

// release closes the socket that is held, and those that will be.
func (s *linuxSource) release() {
	s.heldMu.Lock()
	defer s.heldMu.Unlock()
	s.released = true
	s.held.Close()
}

// sample calls read often enough that no wrap of the 32-bit counters of links goes unseen, whoever asks or not, until ctx ends.
func sample(ctx context.Context, links func() *Links, read func()) {
	for sleep(ctx, nextSample(links())) == nil {
		read()
	}
}

// readNarrow reads everything that has 32-bit counters. Errors show when somebody asks.
func (s *linuxSource) readNarrow(at time.Time) {
	_, _ = s.counters(at)
	_, _ = s.stats(at)
	_, _ = s.statsExt(at)
	_, _ = s.stats6(at)
	_, _ = s.sctpStats(at)
}

func (s *linuxSource) Close() error {
	s.stop()
	s.release()
	s.events.Wait()
	s.linuxHost.Close()
	s.changes.Close()
	s.neighbourChanges.Close()
	s.configChanges.Close()
	s.route.Close()
	s.diag.Close()
	s.kernel.route.Close()
	s.prober.Close()
	s.sctp.Close()
	for _, f := range []*procFile{s.snmp, s.netstat, s.snmp6, s.mcast, s.settings.forwarding, s.settings.ttl, s.settings.fragTime, s.settings6.forwarding, s.settings6.hopLimit} {
		f.Close()
	}
	return nil
}

func (s *linuxSource) writer() Writer { return s.kernel }

func (s *linuxSource) linkSet() *linkSet { return &s.set }

func (s *linuxSource) links(time.Time) (*Links, error) { return s.set.load(), nil }

func (s *linuxSource) counters(at time.Time) (*LinkCounterTable, error) {
	links := s.set.load()
	return s.tracker.read(links, at, func() (*LinkCounterTable, error) {
		if !s.byLink.Load() {
			t, err := dumpCounters(&s.route, false, len(links.List))
			if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) {
				return t, err
			}
			s.byLink.Store(true)
		}
		return dumpCounters(&s.route, true, len(links.List))
	})
}

func (s *linuxSource) stats(at time.Time) (stats *Stats, err error) {
	err = s.snmp.read(func(b []byte) error {
		if stats, err = s.parser.parse(b); err == nil {
			s.tracker4.follow(stats, at)
		}
		return err
	})
	return stats, err
}

func (s *linuxSource) statsExt(at time.Time) (stats *Stats, err error) {
	err = s.netstat.read(func(b []byte) error {
		if stats, err = s.parserExt.parse(b); err == nil {
			s.trackerExt.follow(stats, at)
		}
		return err
	})
	return stats, err
}

func (s *linuxSource) stats6(at time.Time) (stats *Stats, err error) {
	err = s.snmp6.read(func(b []byte) error {
		if stats, err = parseSNMP6(b); err == nil {
			s.tracker6.follow(stats, at)
		}
		return err
	})
	return stats, err
}

func (s *linuxSource) ipv4Settings(time.Time) (IPv4Settings, error) {
	settings := IPv4Settings{Forwarding: -1, DefaultTTL: -1, ReassemblyTimeout: -1}
	err := readSettings(
		setting{s.settings.forwarding, &settings.Forwarding}, setting{s.settings.ttl, &settings.DefaultTTL},
		setting{s.settings.fragTime, &settings.ReassemblyTimeout})
	return settings, err
}

func (s *linuxSource) ipv6Settings(time.Time) (IPv6Settings, error) {
	settings := IPv6Settings{Forwarding: -1, DefaultHopLimit: -1}
	err := readSettings(setting{s.settings6.forwarding, &settings.Forwarding}, setting{s.settings6.hopLimit, &settings.DefaultHopLimit})
	return settings, err
}

// setting is a file that has a number, and where that goes.
type setting struct {
	file *procFile
	to   *int64
}

// readSettings reads each; an error if none could be read.
func readSettings(settings ...setting) error {
	var errs []error
	for _, x := range settings {
		err := x.file.read(func(b []byte) error {
			n, ok := parseNumber(bytes.TrimSpace(b))
			if !ok || int64(n) < 0 {
				return errors.New("no number in it")
			}
			*x.to = int64(n)
			return nil
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) < len(settings) {
		return nil
	}
	return errors.Join(errs...)
}

func (s *linuxSource) ipv4Addresses(at time.Time) ([]Address, error) {
	return s.keptAddresses4.of(&s.changes, at, func() ([]Address, error) { return dumpAddresses(&s.route, unix.AF_INET, s.clock(at)) })
}

func (s *linuxSource) routes(k *kept[Route], version int, family uint8, at time.Time) ([]Route, error) {
	return k.of(&s.changes, at, func() ([]Route, error) {
		list, left, err := dumpRoutes(&s.route, family, s.clock(at), maxRoutes)
		if err == nil {
			s.routesLeft.note(version, left)
		}
		return list, err
	})
}

func (s *linuxSource) discardedRoutes() (uint64, error) { return s.routesLeft.count(), nil }

func (s *linuxSource) ipv4Routes(at time.Time) ([]Route, error) {
	return s.routes(&s.keptRoutes4, 0, unix.AF_INET, at)
}

func (s *linuxSource) ipv4Neighbours(at time.Time) ([]Neighbour, error) {
	return s.keptNeighbours[0].of(&s.neighbourChanges, at, func() ([]Neighbour, error) { return dumpNeighbours(&s.route, unix.AF_INET, s.clock(at)) })
}

func (s *linuxSource) ipv6Addresses(at time.Time) ([]Address, error) {
	return s.keptAddresses6.of(&s.changes, at, func() ([]Address, error) { return dumpAddresses(&s.route, unix.AF_INET6, s.clock(at)) })
}

func (s *linuxSource) ipv6Routes(at time.Time) ([]Route, error) {
	return s.routes(&s.keptRoutes6, 1, unix.AF_INET6, at)
}

func (s *linuxSource) ipv6Neighbours(at time.Time) ([]Neighbour, error) {
	return s.keptNeighbours[1].of(&s.neighbourChanges, at, func() ([]Neighbour, error) { return dumpNeighbours(&s.route, unix.AF_INET6, s.clock(at)) })
}

// clock returns the kernel's clock for what it is asked at that time.
func (s *linuxSource) clock(at time.Time) kernelClock {
	return kernelClock{boot: s.monotonicZero, now: at}
}

func (s *linuxSource) ipv4Links(at time.Time) ([]IPv4Link, error) {
	return s.keptLinks4.of(&s.configChanges, at, func() ([]IPv4Link, error) { return dumpIPv4Links(&s.route) })
}

func (s *linuxSource) ipv6Links(at time.Time) ([]IPv6Link, error) {
	return s.keptLinks6.of(&s.configChanges, at, func() ([]IPv6Link, error) { return dumpIPv6Links(&s.route, s.clock(at)) })
}

func (s *linuxSource) tcpSockets(time.Time) ([]TCPSocket, error) { return s.recentTCP.of(s.readTCP) }

func (s *linuxSource) udpSockets(time.Time) ([]UDPSocket, error) { return s.recentUDP.of(s.readUDP) }

func (s *linuxSource) socketOwners(time.Time) (SocketOwners, error) {
	return s.recentOwners.of(func() (SocketOwners, error) {
		owners, refused, err := readSocketOwners(s.proc)
		if refused > 0 {
			s.refused.Do(func() {
				s.log.Info("it is not told whose the sockets of others are: looking into their processes is not allowed", "processes", refused,
					"remedy", "agentCapabilities sys_ptrace")
			})
		}
		return owners, err
	})
}

func (s *linuxSource) readTCP() ([]TCPSocket, error) {
	out, err := dumpTCP(&s.diag, int(s.sockets.tcp.Load()))
	if err != nil {
		return readProcSockets(inetSocket.tcp, filepath.Join(s.proc, "net/tcp"), filepath.Join(s.proc, "net/tcp6"))
	}
	s.sockets.tcp.Store(int64(len(out)))
	return out, nil
}

func (s *linuxSource) readUDP() ([]UDPSocket, error) {
	out, err := dumpUDP(&s.diag, int(s.sockets.udp.Load()))
	if err != nil {
		return readProcSockets(inetSocket.udp, filepath.Join(s.proc, "net/udp"), filepath.Join(s.proc, "net/udp6"))
	}
	s.sockets.udp.Store(int64(len(out)))
	return out, nil
}

func (s *linuxSource) host(time.Time) (Host, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Host{}, os.NewSyscallError("uname", err)
	}
	return Host{
		Hostname: unix.ByteSliceToString(u.Nodename[:]),
		System:   unix.ByteSliceToString(u.Sysname[:]),
		Release:  unix.ByteSliceToString(u.Release[:]),
		Version:  unix.ByteSliceToString(u.Version[:]),
		Hardware: unix.ByteSliceToString(u.Machine[:]),
		BootTime: s.bootTime,
	}, nil
}

// readBootTime returns when the machine was started, by /proc/uptime; zero if that cannot be told.
func readBootTime(proc string, now time.Time) time.Time {
	b, err := os.ReadFile(filepath.Join(proc, "uptime"))
	if err != nil {
		return time.Time{}
	}
	up, err := strconv.ParseFloat(string(nextField(&b)), 64)
	if err != nil || !(up >= 0 && up < math.MaxInt64/1e9) {
		return time.Time{}
	}
	return now.Add(-time.Duration(up * 1e9))
}

// monotonicZero returns when the kernel's CLOCK_MONOTONIC was 0.
func monotonicZero(now time.Time) time.Time {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return time.Time{}
	}
	return now.Add(-time.Duration(t.Nano()))
}

// isNarrowKernel reports whether the kernel's unsigned long, which many of its counters are, has 32 bits. It need not be ours: a
// 32-bit program may run on a 64-bit kernel.
func isNarrowKernel() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	hardware := unix.ByteSliceToString(u.Machine[:])
	return !strings.Contains(hardware, "64") && hardware != "s390x" && hardware != "alpha"
}
