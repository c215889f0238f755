package snmpdconf

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

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

// ParseAddress reads one address as agentAddress and the command line write them (snmpd(8), LISTENING ADDRESSES):
// [TRANSPORT:][HOST][:PORT], where TRANSPORT is udp (the default) or udp6, an IPv6 address stands in brackets or alone, and a number alone is
// a port on every address. Net-SNMP's other transports are ErrTransport.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Address{}, fmt.Errorf("%w: it is empty", ErrAddress)
	}
	if s[0] == '/' {
		return Address{}, fmt.Errorf("%s: %w: only udp and udp6 are", clip(s), ErrTransport)
	}
	transport, rest, found := strings.Cut(s, ":")
	switch transport = strings.ToLower(transport); {
	case found && transport == "udp":
		return parseUDP(s, rest)
	case found && slices.Contains(udp6Names, transport):
		return parseUDP6(s, rest)
	case found && slices.Contains(otherTransports, transport), transport == "none":
		return Address{}, fmt.Errorf("%s: %w: only udp and udp6 are", clip(s), ErrTransport)
	}
	if _, err := netip.ParseAddr(s); s[0] == '[' || err == nil && strings.Contains(s, ":") {
		return parseUDP6(s, s)
	}
	return parseUDP(s, s)
}

// The names of the transports, as Net-SNMP spells them.
var (
	udp6Names       = []string{"udp6", "udpv6", "udpipv6"}
	otherTransports = []string{
		"tcp", "tcp6", "tcpv6", "tcpipv6", "unix", "dtlsudp", "dtls", "tlstcp", "tls", "ssh", "ipx", "aal5pvc", "pvc", "std", "stdinout",
		"udpshared", "udpbase", "alias",
	}
)

// parseUDP reads what follows the transport of an IPv4 address; whole is the address as it is written.
func parseUDP(whole, s string) (Address, error) {
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		return Address{}, fmt.Errorf("%w: %s: udp is IPv4; for IPv6 write udp6:[ADDRESS]:PORT", ErrAddress, clip(whole))
	}
	host, port, found := strings.Cut(s, ":")
	if !found && isNumber(s) {
		host, port, found = "", s, true
	}
	return newAddress(whole, "udp4", host, port, found)
}

// parseUDP6 reads what follows the transport of an IPv6 address.
func parseUDP6(whole, s string) (Address, error) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		host, port, ok := strings.Cut(rest, "]")
		if !ok {
			return Address{}, fmt.Errorf("%w: %s: [ without ]", ErrAddress, clip(whole))
		}
		if port == "" {
			return newAddress(whole, "udp6", host, "", false)
		}
		if port, ok = strings.CutPrefix(port, ":"); !ok {
			return Address{}, fmt.Errorf("%w: %s: after ] only :PORT can stand", ErrAddress, clip(whole))
		}
		return newAddress(whole, "udp6", host, port, true)
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return newAddress(whole, "udp6", s, "", false)
	}
	if strings.Count(s, ":") > 1 {
		return Address{}, fmt.Errorf("%w: %s: an IPv6 address with a port is written [ADDRESS]:PORT", ErrAddress, clip(whole))
	}
	host, port, found := strings.Cut(s, ":")
	if !found && isNumber(s) {
		host, port, found = "", s, true
	}
	return newAddress(whole, "udp6", host, port, found)
}

func newAddress(whole, network, host, port string, hasPort bool) (Address, error) {
	a := Address{Network: network, Host: host, Port: DefaultPort}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return Address{}, fmt.Errorf("%w: %s: the port must be a number from 0 to 65535", ErrAddress, clip(whole))
		}
		a.Port = uint16(n)
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
	case err == nil && strings.ContainsAny(ip.Zone(), "[]"):
		return Address{}, fmt.Errorf("%w: %s: a bracket in the zone", ErrAddress, clip(whole))
	case err == nil && ip.Unmap().Is4() && network == "udp6":
		return Address{}, fmt.Errorf("%w: %s: udp6 is IPv6; for IPv4 write udp:%s", ErrAddress, clip(whole), ip.Unmap())
	case err == nil:
		a.Host = ip.String()
		if ip.IsUnspecified() {
			a.Host = ""
		}
	case strings.Contains(host, "@"):
		return Address{}, fmt.Errorf("%w: %s: an interface's name (@) is not supported", ErrAddress, clip(whole))
	case !isHostName(host):
		return Address{}, fmt.Errorf("%w: %s: neither an address nor a host's name", ErrAddress, clip(whole))
	}
	return a, nil
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
