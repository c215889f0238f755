//go:build !linux

package agent

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// newControl asks for the destination address as far as the system has a way to say it. Where it has none (Windows, IPv4 on
// FreeBSD), answers leave from the address that the system chooses.
func newControl(conn *net.UDPConn, network string) (control, error) {
	if network == "udp6" {
		if err := ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true); err != nil {
			return nil, nil //nolint:nilerr // not supported here
		}
		return message6{}, nil
	}
	if err := ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
		return nil, nil //nolint:nilerr // not supported here
	}
	return message4{}, nil
}

type message4 struct{}

func (message4) parse(oob []byte) (netip.Addr, int) {
	var m ipv4.ControlMessage
	if m.Parse(oob) != nil {
		return netip.Addr{}, 0
	}
	a, _ := netip.AddrFromSlice(m.Dst.To4())
	return a, 0
}

func (message4) append(oob []byte, local netip.Addr, _ int) []byte {
	return append(oob, (&ipv4.ControlMessage{Src: local.AsSlice()}).Marshal()...)
}

type message6 struct{}

func (message6) parse(oob []byte) (netip.Addr, int) {
	var m ipv6.ControlMessage
	if m.Parse(oob) != nil {
		return netip.Addr{}, 0
	}
	a, _ := netip.AddrFromSlice(m.Dst)
	if !a.IsLinkLocalUnicast() {
		return a, 0
	}
	return a, m.IfIndex
}

func (message6) append(oob []byte, local netip.Addr, zone int) []byte {
	return append(oob, (&ipv6.ControlMessage{Src: local.AsSlice(), IfIndex: zone}).Marshal()...)
}
