package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"walkabout/agent/notify"
	"walkabout/agent/snmpdconf"
	"walkabout/snmp"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// v1Address returns the address that v1trapaddress names; none if it cannot be resolved, which is no reason not to serve.
func (p *process) v1Address(ctx context.Context, log *slog.Logger, host string) netip.Addr {
	if host == "" {
		return netip.Addr{}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip
	}
	ips, err := p.resolve(ctx, host, false)
	if err != nil {
		log.Warn("v1trapaddress cannot be resolved: traps of SNMPv1 name the address that they leave from", "err", err)
		return netip.Addr{}
	}
	return ips[0]
}

// dialReceiver is a notify.DialFunc that resolves names as everything else here does.
func (p *process) dialReceiver(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
	if network == unixNetwork {
		return notify.Dial(ctx, network, address, source)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		ips, err := p.resolve(ctx, host, strings.HasSuffix(network, "6"))
		if err != nil {
			return nil, err
		}
		address = net.JoinHostPort(ips[0].String(), port)
	}
	return notify.Dial(ctx, network, address, source)
}

// targets returns the receivers that the files name, those by TLS and DTLS with the sessions that open opens. What they may know is everything: the
// administrator says so, and Net-SNMP's agent does not ask VACM either.
func (s *settings) targets(e *engine, open func(*snmpdconf.Sink) notify.DialFunc) []notify.Target {
	n := &s.config.Notifications
	var out []notify.Target
	for i := range n.Sinks {
		k := &n.Sinks[i]
		t := notify.Target{
			Name: k.Name, Network: k.Address.Network, Address: net.JoinHostPort(k.Address.Host, strconv.Itoa(int(k.Address.Port))), Source: k.Source,
			Version: k.Version, Inform: k.Inform, Timeout: k.Timeout, Retries: k.Retries,
			Community: k.Community, AgentAddr: s.v1Address, Level: k.Level, Context: k.Context, EngineID: k.EngineID, View: vacm.All(),
		}
		if k.Address.Network == unixNetwork {
			t.Address = k.Address.Path
		}
		if k.Address.Secure() {
			t.Dial, t.TSM = open(k), k.TSM
		}
		if k.Version == snmp.V3 && !k.TSM {
			t.User = func(engineID string) (usm.User, error) { return sinkUser(s.config, k, e.usm(), engineID) }
		}
		if families, ok := n.FilterOf(k); ok {
			t.Filter = notify.NewFilter(families...)
		}
		out = append(out, t)
	}
	return out
}

// sinkUser returns the user of k with its keys at an engine: by the files, else one that our own engine has got otherwise.
func sinkUser(c *snmpdconf.Config, k *snmpdconf.Sink, own *usm.Engine, engineID string) (usm.User, error) {
	ownID := ""
	if own != nil {
		ownID = own.ID()
	}
	u, err := c.SinkUser(k, engineID, ownID)
	if errors.Is(err, snmpdconf.ErrNoKeys) && own != nil && engineID == ownID {
		if known, ok := own.User(k.User); ok {
			return known, nil
		}
	}
	return u, err
}

// appendNotifications says who is told of what, without secrets.
func appendNotifications(text []byte, n *snmpdconf.Notifications) []byte {
	for i := range n.Sinks {
		s := &n.Sinks[i]
		text = fmt.Appendf(text, "notify %s: %v", s.Name, s)
		if s.Inform {
			timeout := s.Timeout
			if timeout == 0 {
				timeout = notify.DefaultTimeout
			}
			text = fmt.Appendf(text, ", again %d times after %v each", s.Retries, timeout.Round(10*time.Millisecond))
		}
		switch {
		case !s.Address.Secure():
		case s.TLS.Peer.Name != "":
			text = fmt.Appendf(text, ", whose certificate is %s", s.TLS.Peer.Name)
		case s.TLS.Hostname != "":
			text = fmt.Appendf(text, ", whose certificate is for %s", s.TLS.Hostname)
		default:
			text = fmt.Appendf(text, ", whose certificate is for %s unless snmpTlstmAddr says another", s.Address.Host)
		}
		if s.Profile != "" {
			text = fmt.Appendf(text, ", filter %s", s.Profile)
		}
		text = fmt.Appendf(text, " (%s:%d)\n", s.File, s.Line)
	}
	if len(n.Sinks) > 0 && !n.LinkUpDown {
		text = fmt.Appendln(text, "of links nobody is told: linkUpDownNotifications yes sends linkUp and linkDown")
	}
	return text
}
