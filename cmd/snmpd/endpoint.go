package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"walkabout/agent"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/nearest"
)

// endpoint is an address to listen on. It is comparable: the same endpoint keeps its socket through a reload.
type endpoint struct {
	network  string // udp4, udp6, tcp4, tcp6, tlstcp4, tlstcp6, dtlsudp4, dtlsudp6 or unixNetwork
	addr     netip.AddrPort
	device   string // the interface or VRF that requests must come in by; "" is any
	path     string // of a unix socket
	optional bool   // one of the default addresses: a machine without IPv6 is no error
}

const unixNetwork = "unix"

func (e endpoint) String() string {
	a := snmpdconf.Address{Network: e.network, Device: e.device, Port: e.addr.Port(), Path: e.path}
	if !e.addr.Addr().IsUnspecified() && e.addr.IsValid() {
		a.Host = e.addr.Addr().String()
	}
	return a.String()
}

// secure reports whether e is of TLS or DTLS.
func (e endpoint) secure() bool { return snmpdconf.Address{Network: e.network}.Secure() }

// ip returns the network below that of e: udp4, udp6, tcp4 or tcp6.
func (e endpoint) ip() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.network, "tls"), "dtls")
}

func (e endpoint) ipv6() bool { return strings.HasSuffix(e.network, "6") }

// overlaps reports whether e and other are different and cannot both be bound.
func (e endpoint) overlaps(other endpoint) bool {
	if e == other || e.ip() != other.ip() || e.network == unixNetwork || e.addr.Port() != other.addr.Port() || e.addr.Port() == 0 {
		return false
	}
	a, b := e.addr.Addr(), other.addr.Addr()
	return (e.device == other.device || e.device == "" || other.device == "") && (a == b || a.IsUnspecified() || b.IsUnspecified())
}

// endpoints resolves the addresses of a list.
func (p *process) endpoints(ctx context.Context, list []snmpdconf.Address, byDefault bool) ([]endpoint, error) {
	var out []endpoint
	for _, a := range list {
		e := endpoint{network: a.Network, device: a.Device, path: a.Path, optional: byDefault}
		if a.Network != unixNetwork {
			ip, err := p.listenIP(ctx, a)
			if err != nil {
				return nil, fmt.Errorf("listen on %v: %w", a, err)
			}
			e.addr = netip.AddrPortFrom(ip, a.Port)
		}
		for _, other := range out {
			if e.overlaps(other) {
				return nil, fmt.Errorf("listen on %v and on %v: the one takes the port for what the other needs too, so that both cannot be had; keep one of them", other, e)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// listenIP returns the address that a's host means.
func (p *process) listenIP(ctx context.Context, a snmpdconf.Address) (netip.Addr, error) {
	if a.Host == "" {
		if a.IPv6() {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	}
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip, nil
	}
	ips, err := p.resolve(ctx, a.Host, a.IPv6())
	if err == nil {
		return ips[0], nil
	}
	if _, noInterface := net.InterfaceByName(a.Host); noInterface == nil {
		on := snmpdconf.Address{Network: a.Network, Device: a.Host, Port: a.Port}
		return netip.Addr{}, fmt.Errorf("%w (%s is an interface: to hear what comes in by it, write %v)", err, a.Host, on)
	}
	if near := nearest.Word(a.Host, []string{"check"}); near != "" {
		return netip.Addr{}, fmt.Errorf("%w (did you mean «snmpd %s»?)", err, near)
	}
	return netip.Addr{}, err
}

// Windows' own numbers; no other system uses them.
const (
	wsaeAddrInUse    = syscall.Errno(10048)
	wsaeAddrNotAvail = syscall.Errno(10049)
	wsaeAFNoSupport  = syscall.Errno(10047)
)

func addressInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaeAddrInUse)
}

func noSuchAddress(err error) bool {
	for _, e := range []error{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, wsaeAddrNotAvail, wsaeAFNoSupport} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explainListen says what to do about an address that cannot be bound.
func explainListen(err error, e endpoint) error {
	if e.network == unixNetwork {
		return explainUnix(err, e)
	}
	port, ip := e.addr.Port(), e.addr.Addr()
	switch {
	case addressInUse(err):
		return fmt.Errorf("%v is in use by another program (perhaps another snmpd; «ss -%slnp 'sport = :%d'» as root tells which): "+
			"stop that one, or choose another port with agentAddress: %w", e, e.ip()[:1], port, err)
	case e.device != "" && errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("%v: this machine has no interface %s (yet): %w", e, e.device, err)
	case e.device != "" && errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%v: to bind to an interface needs a right that this user lacks: run as root, or without @%s: %w", e, e.device, err)
	case errors.Is(err, fs.ErrPermission) && port < 1024:
		program, exeErr := os.Executable()
		if exeErr != nil {
			program = "snmpd"
		}
		free := e
		free.addr = netip.AddrPortFrom(ip, 1161)
		return fmt.Errorf("port %d needs a right that this user lacks: run as root, give it with «setcap cap_net_bind_service=+ep %s», "+
			"or choose another port («agentAddress %v»): %w", port, program, free, err)
	case ip.IsLinkLocalUnicast() && ip.Is6() && errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%v: a link-local address needs the name of an interface that this machine has, such as %v%%eth0: %w", e, ip.WithZone(""), err)
	case noSuchAddress(err):
		return fmt.Errorf("%v: this machine has no such address (yet): %w", e, err)
	default:
		return fmt.Errorf("%v: %w", e, err)
	}
}

func explainUnix(err error, e endpoint) error {
	switch {
	case addressInUse(err):
		return fmt.Errorf("%v is in use by another program (perhaps another snmpd; «ss -xlp» as root tells which): stop that one, or choose another path: %w", e, err)
	case errors.Is(err, agent.ErrNotSocket):
		return fmt.Errorf("%v: remove that file, or choose another path: %w", e, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%v: its folder must be there, and this user able to write to it: %w", e, err)
	default:
		return fmt.Errorf("%v: %w", e, err)
	}
}
