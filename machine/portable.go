package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/host"
	gopsnet "github.com/shirou/gopsutil/v3/net"
)

// portableTimeout bounds one question to gopsutil, which on some systems runs netstat or lsof to answer it.
const portableTimeout = 5 * time.Second

// portable reads what gopsutil knows. There are no events: links are read when asked for and compared with the time before. There are
// no routes, neighbours, settings or owners of sockets, and protocol statistics on Linux alone.
type portable struct {
	ctx  context.Context // ends at Close; carries the root of procfs
	stop context.CancelFunc

	linksMu sync.Mutex // one reader at a time changes set
	linksAt time.Time  // of set
	set     linkSet
	tracker linkTracker

	*portableHost

	hostMu sync.Mutex
	info   *host.InfoStat // what does not change; nil until it was read
}

func newPortable(o Options) *portable {
	env := common.EnvMap{common.HostProcEnvKey: o.Proc, common.HostSysEnvKey: o.Sys}
	ctx, stop := context.WithCancel(context.WithValue(context.Background(), common.EnvKey, env))
	p := &portable{ctx: ctx, stop: stop}
	p.portableHost = newPortableHost(p, o)
	return p
}

func (p *portable) Close() error {
	p.stop()
	p.portableHost.Close()
	return nil
}

// ask calls f with a context that ends in time. gopsutil's parsers trust the files that they read: a panic there is a file that
// cannot be read here.
func ask[T any](p *portable, f func(ctx context.Context) (T, error)) (v T, err error) {
	if p.ctx.Err() != nil {
		return v, os.ErrClosed
	}
	ctx, cancel := context.WithTimeout(p.ctx, portableTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("gopsutil: %v", r)
		}
	}()
	return f(ctx)
}

func (p *portable) interfaces() (gopsnet.InterfaceStatList, error) {
	return ask(p, gopsnet.InterfacesWithContext)
}

func (p *portable) linkSet() *linkSet { return &p.set }

func (p *portable) links(at time.Time) (*Links, error) {
	p.linksMu.Lock()
	defer p.linksMu.Unlock()
	if age := at.Sub(p.linksAt); p.set.load() != nil && age >= 0 && age <= Reuse {
		return p.set.load(), nil
	}
	list, err := p.interfaces()
	if err != nil {
		return nil, err
	}
	// gopsutil leaves out whether a link is running.
	running := make(map[int]bool, len(list))
	system, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, x := range system {
		running[x.Index] = x.Flags&net.FlagRunning != 0
	}
	links := make([]Link, 0, len(list))
	for _, x := range list {
		if x.Index > 0 && int64(x.Index) <= 1<<31-1 {
			links = append(links, portableLink(x, running[x.Index]))
		}
	}
	p.set.replace(links, at)
	p.linksAt = at
	return p.set.load(), nil
}

var portableFlags = map[string]LinkFlags{
	"up": FlagUp, "broadcast": FlagBroadcast, "loopback": FlagLoopback, "pointtopoint": FlagPointToPoint, "multicast": FlagMulticast,
}

func portableLink(x gopsnet.InterfaceStat, running bool) Link {
	l := Link{Index: uint32(x.Index), Name: x.Name, MTU: uint32(max(x.MTU, 0)), Type: TypeVoid}
	if address, err := net.ParseMAC(x.HardwareAddr); err == nil {
		l.Address = string(address)
	}
	for _, word := range x.Flags {
		l.Flags |= portableFlags[word]
	}
	if running {
		l.Flags |= FlagRunning
	}
	switch {
	case l.Flags&FlagLoopback != 0:
		l.Type, l.Connector = TypeLoopback, Absent
	case l.Flags&FlagPointToPoint != 0:
		l.Type = TypePPP
	case len(l.Address) == 6:
		l.Type = TypeEthernet
	}
	return l
}

func (p *portable) counters(at time.Time) (*LinkCounterTable, error) {
	links, err := p.links(at)
	if err != nil {
		return nil, err
	}
	return p.tracker.read(links, at, func() (*LinkCounterTable, error) {
		list, err := ask(p, func(ctx context.Context) ([]gopsnet.IOCountersStat, error) {
			return gopsnet.IOCountersWithContext(ctx, true)
		})
		if err != nil {
			return nil, err
		}
		byName := make(map[string]gopsnet.IOCountersStat, len(list))
		for _, x := range list {
			byName[x.Name] = x
		}
		t := &LinkCounterTable{}
		for _, l := range links.List {
			if x, ok := byName[l.Name]; ok {
				t.List = append(t.List, portableCounters(l.Index, x))
			} else { // there, and its counters are not told
				t.List = append(t.List, LinkCounters{Index: l.Index})
			}
		}
		return t, nil
	})
}

func portableCounters(index uint32, x gopsnet.IOCountersStat) LinkCounters {
	c := LinkCounters{Index: index}
	c.set(RxBytes, x.BytesRecv)
	c.set(TxBytes, x.BytesSent)
	c.set(RxPackets, x.PacketsRecv)
	c.set(TxPackets, x.PacketsSent)
	c.set(RxErrors, x.Errin)
	c.set(TxErrors, x.Errout)
	c.set(RxDropped, x.Dropin)
	if runtime.GOOS != "darwin" { // where gopsutil says 0 for not known
		c.set(TxDropped, x.Dropout)
	}
	return c
}

// protocolNames are the kernel's for gopsutil's.
var protocolNames = map[string]string{"ip": "Ip", "icmp": "Icmp", "icmpmsg": "IcmpMsg", "tcp": "Tcp", "udp": "Udp"}

func (p *portable) stats(time.Time) (*Stats, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
	}
	protocols, err := ask(p, func(ctx context.Context) ([]gopsnet.ProtoCountersStat, error) {
		return gopsnet.ProtoCountersWithContext(ctx, nil)
	})
	if err != nil {
		return nil, err
	}
	s := &Stats{Wide: true}
	found := false
	for _, x := range protocols {
		for name, v := range x.Stats {
			found = s.setColumn(columnOf([]byte(protocolNames[x.Protocol]+name)), uint64(v)) || found
		}
	}
	if !found {
		return nil, errNoStats
	}
	return s, nil
}

func (p *portable) statsExt(time.Time) (*Stats, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) stats6(time.Time) (*Stats, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv4Settings(time.Time) (IPv4Settings, error) {
	return IPv4Settings{-1, -1, -1}, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) discardedRoutes() (uint64, error) {
	return 0, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv4Routes(time.Time) ([]Route, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv4Neighbours(time.Time) ([]Neighbour, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv6Settings(time.Time) (IPv6Settings, error) {
	return IPv6Settings{-1, -1}, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv6Routes(time.Time) ([]Route, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv6Neighbours(time.Time) ([]Neighbour, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv4Addresses(time.Time) ([]Address, error) { return p.addresses(netip.Addr.Is4) }

func (p *portable) ipv6Addresses(time.Time) ([]Address, error) { return p.addresses(netip.Addr.Is6) }

func (p *portable) addresses(wanted func(netip.Addr) bool) ([]Address, error) {
	list, err := p.interfaces()
	if err != nil {
		return nil, err
	}
	var out []Address
	for _, x := range list {
		for _, a := range x.Addrs {
			prefix, err := netip.ParsePrefix(a.Addr)
			if err == nil && wanted(prefix.Addr()) && x.Index > 0 {
				out = append(out, Address{Prefix: prefix, Link: uint32(x.Index)})
			}
		}
	}
	sortAddresses(out)
	return out, nil
}

func (p *portable) ipv4Links(time.Time) ([]IPv4Link, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) linkStats6(uint32, time.Time) (LinkStats6, error) {
	return LinkStats6{}, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) ipv6Links(time.Time) ([]IPv6Link, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) connections(kind string) ([]gopsnet.ConnectionStat, error) {
	return ask(p, func(ctx context.Context) ([]gopsnet.ConnectionStat, error) {
		return gopsnet.ConnectionsWithoutUidsWithContext(ctx, kind)
	})
}

func (p *portable) tcpSockets(time.Time) ([]TCPSocket, error) {
	list, err := p.connections("tcp")
	if err != nil {
		return nil, err
	}
	out := make([]TCPSocket, 0, len(list))
	for _, x := range list {
		if state, ok := tcpStates[x.Status]; ok {
			out = append(out, TCPSocket{Local: portableAddr(x.Laddr, x.Family), Remote: portableAddr(x.Raddr, x.Family), State: state})
		}
	}
	return out, nil
}

func (p *portable) udpSockets(time.Time) ([]UDPSocket, error) {
	list, err := p.connections("udp")
	if err != nil {
		return nil, err
	}
	out := make([]UDPSocket, 0, len(list))
	for _, x := range list {
		out = append(out, UDPSocket{Local: portableAddr(x.Laddr, x.Family), Remote: portableAddr(x.Raddr, x.Family)})
	}
	return out, nil
}

func (p *portable) socketOwners(time.Time) (SocketOwners, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) linkGroups(time.Time) ([]LinkGroup, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) sctpStats(time.Time) (*Stats, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) sctpSettings(time.Time) (SCTPSettings, error) {
	return SCTPSettings{}, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) sctpAssociations(time.Time) ([]SCTPAssociation, error) {
	return nil, fmt.Errorf("gopsutil: %w", errors.ErrUnsupported)
}

func (p *portable) tellsLayers() bool { return false }

// tcpStates are the words of Linux, Windows and lsof.
var tcpStates = map[string]TCPState{
	"ESTABLISHED": TCPEstablished, "SYN_SENT": TCPSynSent, "SYN_RECV": TCPSynReceived, "SYN_RCVD": TCPSynReceived,
	"SYN_RECEIVED": TCPSynReceived, "FIN_WAIT1": TCPFinWait1, "FIN_WAIT_1": TCPFinWait1, "FIN_WAIT2": TCPFinWait2,
	"FIN_WAIT_2": TCPFinWait2, "TIME_WAIT": TCPTimeWait, "CLOSE": TCPClosed, "CLOSED": TCPClosed, "CLOSE_WAIT": TCPCloseWait,
	"LAST_ACK": TCPLastAck, "LISTEN": TCPListen, "CLOSING": TCPClosing,
}

// portableAddr reads gopsutil's text for an address. It writes IPv4-mapped addresses as IPv4 ones, and "*" or nothing for any.
func portableAddr(a gopsnet.Addr, family uint32) netip.AddrPort {
	addr, err := netip.ParseAddr(a.IP)
	switch six := family == syscall.AF_INET6; {
	case err != nil && six:
		addr = netip.IPv6Unspecified()
	case err != nil:
		addr = netip.IPv4Unspecified()
	case six:
		addr = netip.AddrFrom16(addr.As16())
	}
	return netip.AddrPortFrom(addr, uint16(a.Port))
}

func (p *portable) host(time.Time) (Host, error) {
	info, err := p.hostInfo()
	if err != nil {
		return Host{}, err
	}
	h := Host{
		Hostname: info.Hostname, System: systemName(info.OS), Release: info.KernelVersion, Hardware: info.KernelArch,
		Version: strings.TrimSpace(info.Platform + " " + info.PlatformVersion),
	}
	if info.BootTime > 0 && info.BootTime < 1<<40 {
		h.BootTime = time.Unix(int64(info.BootTime), 0)
	}
	if name, err := os.Hostname(); err == nil {
		h.Hostname = name
	}
	return h, nil
}

func (p *portable) hostInfo() (*host.InfoStat, error) {
	p.hostMu.Lock()
	defer p.hostMu.Unlock()
	if p.info == nil {
		info, err := ask(p, host.InfoWithContext)
		if err != nil {
			return nil, err
		}
		p.info = info
	}
	return p.info, nil
}

// systemName returns what `uname -s` says on the system that Go calls os.
func systemName(os string) string {
	if name, ok := systemNames[os]; ok {
		return name
	}
	return os
}

var systemNames = map[string]string{
	"linux": "Linux", "darwin": "Darwin", "freebsd": "FreeBSD", "openbsd": "OpenBSD", "netbsd": "NetBSD", "windows": "Windows",
}
