package snmpdconf

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp/oid"
)

// community reads COMMUNITY [SOURCE [OID]] of one of the four directives. No message holds a word of a line that may be the community itself.
func (p *parser) community(name, value string, write, ipv6 bool) {
	w, err := words(value)
	if err != nil {
		p.errorf("%s: %v", name, err)
		return
	}
	c := Community{Write: write, File: p.file, Line: p.line}
	switch {
	case w[0] == "-v":
		p.warnf("%s: a community for one version only (-v) is not supported; the line is ignored", name)
		return
	case w[0] == "":
		p.errorf("%s: the community is empty", name)
		return
	case len(w) > 2 && w[2] == "-V":
		p.warnf("%s: views (-V) are not supported; the line is ignored. Write the OID of a subtree in place of -V VIEW", name)
		return
	case len(w) > 3:
		p.warnf("%s: contexts are not supported; the line is ignored", name)
		return
	}
	c.Name = secret.New(w[0])
	source := "default"
	if len(w) > 1 {
		source = w[1]
	}
	if c.Source, err = parseSource(source, ipv6); errors.Is(err, errUnsupported) {
		p.warnf("%s: %v; the line is ignored", name, err)
		return
	} else if err != nil {
		p.errorf("%s: %v", name, err)
		return
	}
	if len(w) > 2 {
		if c.Subtree, err = oid.Parse(w[2]); err != nil || c.Subtree.IsEmpty() {
			p.errorf("%s: the OID (third word) must be numeric, such as .1.3.6.1.2.1.1; .1 is everything", name)
			return
		}
	}
	p.addCommunity(name, w[0], c)
}

// addCommunity adds c, and remarks if the agent, which takes the first entry that fits, would never reach it.
func (p *parser) addCommunity(name, community string, c Community) {
	if len(p.config.Communities) == MaxCommunities {
		p.errorf("%s: more than %d communities", name, MaxCommunities)
		return
	}
	for _, i := range p.names[community] {
		if first := &p.config.Communities[i]; covers(first.Source, c.Source) {
			p.warnf("%s: %s:%d gives the same community from the same source, and comes first; this line has no effect", name, first.File, first.Line)
			return
		}
	}
	p.names[community] = append(p.names[community], len(p.config.Communities))
	p.config.Communities = append(p.config.Communities, c)
}

// covers reports whether all of b is surely in a.
func covers(a, b Source) bool {
	if a.IPv6 != b.IPv6 {
		return false
	}
	if a.Host != "" || b.Host != "" {
		return a == b || a.Host == "" && a.Prefix.Bits() == 0
	}
	return a.Prefix.Bits() <= b.Prefix.Bits() && a.Prefix.Contains(b.Prefix.Addr())
}

// errUnsupported is wrapped where the line is right and to ignore it takes nothing but access.
var errUnsupported = errors.New("is not supported")

// parseSource reads default, a host's name, an address, ADDRESS/LENGTH or ADDRESS/MASK.
func parseSource(s string, ipv6 bool) (Source, error) {
	none := Source{IPv6: ipv6}
	if s == "default" {
		if ipv6 {
			return Source{Prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0), IPv6: true}, nil
		}
		return Source{Prefix: netip.PrefixFrom(netip.IPv4Unspecified(), 0)}, nil
	}
	if strings.HasPrefix(s, "@") {
		return none, fmt.Errorf("a netgroup as the source %w", errUnsupported)
	}
	if strings.HasPrefix(s, "!") { // to ignore it would let in whom it keeps out
		return none, errors.New("an exclusion (!) as the source cannot be honoured: list the networks that are allowed")
	}
	address, mask, hasMask := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		if hasMask || !isHostName(address) {
			return none, errors.New("the source (second word) must be default, an address, ADDRESS/LENGTH, ADDRESS/MASK or a host's name")
		}
		return Source{Host: address, IPv6: ipv6}, nil
	}
	switch {
	case ip.Zone() != "":
		return none, errors.New("the source (second word) cannot have a zone")
	case ipv6 && ip.Is4():
		return none, errors.New("the source is an IPv4 address: use the directive without 6")
	case !ipv6 && ip.Is6():
		return none, errors.New("the source is an IPv6 address: use the directive with 6")
	}
	n := ip.BitLen()
	if hasMask {
		if n, err = maskLength(mask, ip); err != nil {
			return none, err
		}
	}
	prefix := netip.PrefixFrom(ip, n)
	if prefix.Masked() != prefix {
		return none, fmt.Errorf("the source %v has bits beyond its mask: write %v, or %v for one host", prefix, prefix.Masked(), ip)
	}
	return Source{Prefix: prefix, IPv6: ipv6}, nil
}

// maskLength reads a prefix length or a mask of the family of ip.
func maskLength(s string, ip netip.Addr) (int, error) {
	if isNumber(s) {
		n, err := strconv.Atoi(s)
		if err != nil || n > ip.BitLen() {
			return 0, fmt.Errorf("the source's prefix length must be from 0 to %d", ip.BitLen())
		}
		return n, nil
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || mask.BitLen() != ip.BitLen() {
		return 0, errors.New("the source's mask must be a length (/24) or a mask of its family (/255.255.255.0)")
	}
	n, ended := 0, false
	for _, b := range mask.AsSlice() {
		ones := bits.LeadingZeros8(^b)
		if ended && b != 0 || b<<ones != 0 {
			return 0, errors.New("the source's mask must be ones followed by zeros")
		}
		n += ones
		ended = ones < 8
	}
	return n, nil
}
