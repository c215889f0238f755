package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/collector/trap"
)

// Traps is the receiver of notifications.
type Traps struct {
	Listen []netip.AddrPort // a wildcard of IPv6 takes no IPv4
	Poll   bool             // what linkDown, linkUp, coldStart and warmStart are of is polled at once
	trap.Config
}

// For returns whose notifications are taken, where these are the targets.
func (t *Traps) For(targets []collector.Target) trap.Config {
	c := t.Config
	c.Targets = make([]trap.Target, 0, len(targets))
	for _, target := range targets {
		host, _, err := collector.SplitAddress(target.Address)
		if err != nil {
			continue // which polling refuses as well
		}
		c.Targets = append(c.Targets, trap.Target{Name: target.Name, Host: host, More: target.TrapSources, Labels: target.Labels})
	}
	return c
}

// Sockets returns what takes a restart to change; t may be nil.
func (t *Traps) Sockets() []netip.AddrPort {
	if t == nil {
		return nil
	}
	return t.Listen
}

// traps is the section as it is written.
type traps struct {
	Listen      []string         `yaml:"listen"`
	Credentials []trapCredential `yaml:"credentials"`
	Forwarders  []string         `yaml:"forwarders"`
	Unknown     bool             `yaml:"unknown"`
	Poll        *bool            `yaml:"poll"`
}

// trapCredential is the name of a credential, or that with more.
type trapCredential struct{ Credential, EngineID string }

// UnmarshalYAML reads both forms.
func (c *trapCredential) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		c.Credential = n.Value
		return nil
	}
	mistake := &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: write the name of a credential, or {credential: NAME, engine_id: 0x…}", n.Line)}}
	if n.Kind != yaml.MappingNode {
		return mistake
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch value := n.Content[i+1]; {
		case value.Kind != yaml.ScalarNode:
			return mistake
		case n.Content[i].Value == "credential":
			c.Credential = value.Value
		case n.Content[i].Value == "engine_id":
			c.EngineID = value.Value
		default:
			return mistake
		}
	}
	return nil
}

// traps returns the receiver, nil where none is wanted.
func (r *reader) traps(t *traps, credentials map[string]session.Credential, written map[string]bool) *Traps {
	if t == nil {
		return nil
	}
	out := &Traps{Poll: t.Poll == nil || *t.Poll, Config: trap.Config{Unknown: t.Unknown}}
	for i, text := range t.Listen {
		addresses, err := parseListen(text)
		if err != nil {
			r.fail(err, "traps", "listen", i)
		}
		out.Listen = append(out.Listen, addresses...)
	}
	for i, text := range t.Forwarders {
		p, err := parsePrefix(text)
		if err != nil {
			r.fail(err, "traps", "forwarders", i)
			continue
		}
		out.Forwarders = append(out.Forwarders, p)
	}
	for i, c := range t.Credentials {
		known, ok := credentials[c.Credential]
		if !written[c.Credential] {
			r.fail(unknownCredential(c.Credential, written), "traps", "credentials", i)
		}
		id, err := parseEngineID(c.EngineID)
		if err != nil {
			r.fail(err, "traps", "credentials", i)
		}
		if ok && err == nil {
			out.Credentials = append(out.Credentials, trap.Credential{Credential: known, EngineID: id})
		}
	}
	if len(t.Listen) == 0 {
		r.fail(errors.New(`traps: nothing listens: write listen: ["0.0.0.0:162", "[::]:162"], or other addresses`), "traps")
	}
	if len(t.Credentials) == 0 {
		r.fail(errors.New("traps: no credential is named, so nothing would be taken: write credentials: [NAME, …]"), "traps")
	}
	return out
}

// parseListen reads ADDRESS:PORT or :PORT, which is every address of both families.
func parseListen(text string) ([]netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(text, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("listen %q: the port is not between 0 and 65535", text)
		}
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n)), netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(n))}, nil
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, fmt.Errorf("listen %q is not ADDRESS:PORT, as in 0.0.0.0:162 or [::]:162, nor :PORT", text)
	}
	return []netip.AddrPort{a}, nil
}

// parsePrefix reads 192.0.2.0/24 or one address.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no address and no network such as 192.0.2.0/24", text)
	}
	return p.Masked(), nil
}

func parseEngineID(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	b, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(text), "0x"))
	if err != nil || len(b) < 5 || len(b) > 32 {
		return "", fmt.Errorf("engine_id %q is not 5 to 32 octets in hexadecimal, such as 0x80001f888001020304", text)
	}
	return string(b), nil
}

// ping reads when targets are pinged.
func (r *reader) ping(text string, at ...any) collector.PingMode {
	switch mode := collector.PingMode(text); mode {
	case collector.PingSilent, collector.PingAlways, collector.PingNever:
		return mode
	}
	r.fail(fmt.Errorf("ping %q: write silent (when SNMP is not answered), always or never", text), at...)
	return collector.PingSilent
}

// trapSources reads the trap_sources of what is written below at.
func (r *reader) trapSources(texts []string, at ...any) (out []netip.Addr, ok bool) {
	ok = true
	for i, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil {
			r.fail(fmt.Errorf("trap_sources: %q is no address", text), append(slices.Clone(at), "trap_sources", i)...)
			ok = false
			continue
		}
		out = append(out, a)
	}
	return out, ok
}

// summary says in a line what is received.
func (t *Traps) summary() string {
	if t == nil {
		return "traps: not received\n"
	}
	var names []string
	users := map[string]bool{}
	communities := 0
	for _, c := range t.Credentials {
		if c.User == "" {
			communities++
		} else {
			users[c.User] = true
		}
	}
	if communities > 0 {
		names = append(names, fmt.Sprintf("communities: %d", communities))
	}
	if len(users) > 0 {
		names = append(names, "users: "+strings.Join(slices.Sorted(maps.Keys(users)), ", "))
	}
	var listen []string
	for _, a := range t.Listen {
		listen = append(listen, a.String())
	}
	return fmt.Sprintf("traps at %s from %s\n", strings.Join(listen, ", "), strings.Join(names, "; "))
}
