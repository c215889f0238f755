package snmpdconf

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Address is one place to listen.
type Address struct {
	Network string // udp4, udp6, tcp4, tcp6, tlstcp4, tlstcp6, dtlsudp4, dtlsudp6 or unix
	Host    string // an address, a host's name, or "" for every address of the machine
	Device  string // the interface, or VRF, that requests must come in by; "" for any
	Port    uint16 // 0 is any free port
	Path    string // of a unix socket, absolute; of the others ""
}

// String returns a in the form of agentAddress: udp:127.0.0.1:161, tcp6:[::1]:161, udp:@eth0:161, udp:161, unix:/run/snmpd.sock.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Path
	}
	s := strings.TrimSuffix(a.Network, "4") + ":"
	if strings.Contains(a.Host, ":") {
		s += "[" + a.Host + "]"
	} else {
		s += a.Host
	}
	if a.Device != "" {
		s += "@" + a.Device
	}
	if a.Host != "" || a.Device != "" {
		s += ":"
	}
	return s + strconv.Itoa(int(a.Port))
}

// IPv6 reports whether a is an address of IPv6.
func (a Address) IPv6() bool { return strings.HasSuffix(a.Network, "6") }

// Secure reports whether a is an address of TLS or DTLS.
func (a Address) Secure() bool { return isSecure(a.Network) }

func isSecure(network string) bool { return strings.Contains(network, "tls") }

func (a Address) isUDP() bool { return a.Network == "udp4" || a.Network == "udp6" }

// Why an address is of no use.
var (
	// ErrAddress is wrapped by ParseAddress where the form is wrong.
	ErrAddress = errors.New("bad address")
	// ErrTransport is wrapped by ParseAddress where the form is right, and the transport not one that this agent speaks.
	ErrTransport = errors.New("transport is not supported")
)

// agentAddress reads a list of addresses; several lines add up.
func (p *parser) agentAddress(name, value string) {
	p.listen = place{p.file, p.line}
	for item := range strings.SplitSeq(value, ",") {
		a, err := ParseAddress(item)
		switch {
		case errors.Is(err, ErrTransport):
			p.warnf("%s: %v; the address is ignored", name, err)
		case err != nil:
			p.errorf("%s: %v", name, err)
		case slices.Contains(p.config.Listen, a):
			p.warnf("%s: %v is listed twice", name, a)
		default:
			p.config.Listen = append(p.config.Listen, a)
		}
	}
}

// transports is the networks that an address may name, as Net-SNMP spells them.
var transports = map[string]string{
	"udp": "udp4", "udp6": "udp6", "udpv6": "udp6", "udpipv6": "udp6",
	"tcp": "tcp4", "tcp6": "tcp6", "tcpv6": "tcp6", "tcpipv6": "tcp6",
	"tlstcp": "tlstcp4", "tls": "tlstcp4", "tlstcp6": "tlstcp6", "tlstcpv6": "tlstcp6", "tls6": "tlstcp6",
	"dtlsudp": "dtlsudp4", "dtls": "dtlsudp4", "dtlsudp6": "dtlsudp6", "dtlsudpv6": "dtlsudp6", "dtlsudpipv6": "dtlsudp6", "dtls6": "dtlsudp6",
	"unix": "unix",
}

// otherTransports is what Net-SNMP speaks beside.
var otherTransports = []string{
	"ssh", "ipx", "aal5pvc", "pvc", "std", "stdinout", "udpshared", "udpbase", "alias",
}

// ParseAddress reads one address as agentAddress and the command line write them (snmpd(8), LISTENING ADDRESSES): [TRANSPORT:]ADDRESS.
//
// TRANSPORT is udp (the default), udp6, tcp, tcp6, tlstcp, tlstcp6, dtlsudp, dtlsudp6 or unix. ADDRESS is [HOST][@INTERFACE][:PORT], where an IPv6 address stands in brackets or
// alone, and a number alone is a port on every address; of unix it is the path of a socket, before which the transport may be left out.
// Net-SNMP's other transports are ErrTransport.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Address{}, fmt.Errorf("%w: it is empty", ErrAddress)
	}
	if s[0] == '/' {
		return parseUnix(s, s)
	}
	transport, rest, found := strings.Cut(s, ":")
	transport = strings.ToLower(transport)
	network := transports[transport]
	switch {
	case found && network == "unix":
		return parseUnix(s, rest)
	case found && strings.HasSuffix(network, "6"):
		return parseIPv6(s, network, rest)
	case found && isSecure(network) && strings.HasPrefix(rest, "["): // Net-SNMP has one word for both kinds
		return parseIPv6(s, strings.TrimSuffix(network, "4")+"6", rest)
	case found && network != "":
		return parseIPv4(s, network, rest)
	case found && slices.Contains(otherTransports, transport), transport == "none":
		return Address{}, fmt.Errorf("%s: %w: udp, udp6, tcp, tcp6, tlstcp, dtlsudp and unix are", clip(s), ErrTransport)
	}
	if _, err := netip.ParseAddr(s); s[0] == '[' || err == nil && strings.Contains(s, ":") {
		return parseIPv6(s, "udp6", s)
	}
	return parseIPv4(s, "udp4", s)
}

func parseUnix(whole, path string) (Address, error) {
	if !strings.HasPrefix(path, "/") {
		return Address{}, fmt.Errorf("%w: %s: a unix socket has an absolute path, such as unix:/run/snmpd.sock", ErrAddress, clip(whole))
	}
	return Address{Network: "unix", Path: path}, nil
}

// parseIPv4 reads what follows the transport of an IPv4 address; whole is the address as it is written.
func parseIPv4(whole, network, s string) (Address, error) {
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		transport := strings.TrimSuffix(network, "4")
		return Address{}, fmt.Errorf("%w: %s: %s is IPv4; for IPv6 write %s6:[ADDRESS]:PORT", ErrAddress, clip(whole), transport, transport)
	}
	return parseHost(whole, network, s)
}

// parseIPv6 reads what follows the transport of an IPv6 address.
func parseIPv6(whole, network, s string) (Address, error) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok := strings.Cut(rest, "]")
		switch {
		case !ok:
			return Address{}, fmt.Errorf("%w: %s: [ without ]", ErrAddress, clip(whole))
		case rest != "" && rest[0] != ':' && rest[0] != '@':
			return Address{}, fmt.Errorf("%w: %s: after ] only :PORT or @INTERFACE can stand", ErrAddress, clip(whole))
		}
		return newAddress(whole, network, host, rest)
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return newAddress(whole, network, s, "")
	}
	if strings.Count(s, ":") > 1 {
		return Address{}, fmt.Errorf("%w: %s: an IPv6 address with a port is written [ADDRESS]:PORT", ErrAddress, clip(whole))
	}
	return parseHost(whole, network, s)
}

// parseHost reads [HOST][@INTERFACE][:PORT] or PORT.
func parseHost(whole, network, s string) (Address, error) {
	if isNumber(s) {
		return newAddress(whole, network, "", ":"+s)
	}
	at := strings.IndexAny(s, "@:")
	if at < 0 {
		at = len(s)
	}
	return newAddress(whole, network, s[:at], s[at:])
}

// newAddress checks the host, and reads the [@INTERFACE][:PORT] after it.
func newAddress(whole, network, host, rest string) (Address, error) {
	a := Address{Network: network, Host: host, Port: DefaultPort}
	if isSecure(network) {
		a.Port = DefaultSecurePort
	}
	rest, port, hasPort := strings.Cut(rest, ":")
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return Address{}, fmt.Errorf("%w: %s: the port must be a number from 0 to 65535", ErrAddress, clip(whole))
		}
		a.Port = uint16(n)
	}
	if device, ok := strings.CutPrefix(rest, "@"); ok {
		if !isDevice(device) {
			return Address{}, fmt.Errorf("%w: %s: after @ stands an interface's name, of 1 to 15 octets", ErrAddress, clip(whole))
		}
		a.Device = device
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
	case err == nil && strings.ContainsAny(ip.Zone(), "[]"):
		return Address{}, fmt.Errorf("%w: %s: a bracket in the zone", ErrAddress, clip(whole))
	case err == nil && ip.Unmap().Is4() && a.IPv6():
		return Address{}, fmt.Errorf("%w: %s: %s is IPv6; for IPv4 write %s:%s", ErrAddress, clip(whole), network, strings.TrimSuffix(network, "6"), ip.Unmap())
	case err == nil:
		a.Host = ip.String()
		if ip.IsUnspecified() {
			a.Host = ""
		}
	case !isHostName(host):
		return Address{}, fmt.Errorf("%w: %s: neither an address nor a host's name", ErrAddress, clip(whole))
	}
	return a, nil
}

// isDevice reports whether s may be the name of an interface (net/core/dev.c, dev_valid_name).
func isDevice(s string) bool {
	return s != "" && len(s) < 16 && s != "." && s != ".." && !strings.ContainsAny(s, "/:@ \t\n\v\f\r\"'")
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isHostName reports whether s may be asked of a resolver: letters, digits, -, _ and dots, with a letter in the last label, so that no
// mistyped IPv4 address is one.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label := ""
	for label = range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i] | 0x20
			if (c < 'a' || c > 'z') && !isNumber(label[i:i+1]) && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
	}
	return !isNumber(label)
}
