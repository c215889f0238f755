package snmpdconf

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/vacm"
)

// community reads COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]] of rocommunity and its kin. No message holds a word of a line that may be
// the community itself.
func (p *parser) community(name, value string, types viewTypes, ipv6 bool) {
	if w, ok := p.split(name, value, "COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]]", 1, 0); ok {
		p.communityWords(name, w, types, ipv6)
	}
}

// authCommunity reads TYPES COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]].
func (p *parser) authCommunity(name, value string) {
	w, ok := p.split(name, value, "TYPES COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]]", 2, 0)
	if !ok {
		return
	}
	if types, ok := p.parseTypes(name, w[0]); ok {
		p.communityWords(name, w[1:], types, false)
	}
}

func (p *parser) communityWords(name string, w []string, types viewTypes, ipv6 bool) {
	if w[0] == "-v" {
		p.warnf("%s: a community for one version only (-v) is not supported; the line is ignored. Use com2sec and group", name)
		return
	}
	c := Community{Name: secret.New(w[0]), File: p.file, Line: p.line}
	source := "default"
	if len(w) > 1 {
		source = w[1]
	}
	var ok bool
	if c.Source, ok = p.communitySource(name, w[0], source, network(ipv6)); !ok {
		return
	}
	g, ok := p.parseGrant(name, w[min(2, len(w)):])
	if !ok {
		return
	}
	if g.exact {
		c.Context = g.context
	}
	c.SecurityName = fmt.Sprintf("comm%d", p.simple+1) // as Net-SNMP calls it
	if !p.addCommunity(name, w[0], c) || c.Source.Refuse {
		return
	}
	p.simple++
	group := "grp" + c.SecurityName
	p.addMember(name, vacm.Member{Model: vacm.V1, Name: c.SecurityName, Group: group})
	p.addMember(name, vacm.Member{Model: vacm.V2c, Name: c.SecurityName, Group: group})
	p.addEntry(name, vacm.Entry{Group: group, Prefix: g.context, Exact: g.exact, Level: snmp.NoAuthNoPriv, Views: types.of(g.view)})
}

// com2sec reads [-Cn CONTEXT] SECNAME SOURCE COMMUNITY; of com2secunix SOURCE is default or the path of a unix socket.
func (p *parser) com2sec(name, value string, source func(s string) (Source, error)) {
	w, ok := p.split(name, value, "[-Cn CONTEXT] SECNAME SOURCE COMMUNITY", 3, 5)
	if !ok {
		return
	}
	c := Community{File: p.file, Line: p.line}
	if w[0] == "-Cn" && len(w) == 5 {
		c.Context = w[1]
		w = w[2:]
	}
	if len(w) != 3 {
		p.errorf("%s: it is written [-Cn CONTEXT] SECNAME SOURCE COMMUNITY", name)
		return
	}
	c.SecurityName, c.Name = w[0], secret.New(w[2])
	if c.Source, ok = p.communitySource(name, w[2], w[1], source); ok {
		p.addCommunity(name, w[2], c)
	}
}

// communitySource checks the community and reads its source; false after a remark.
func (p *parser) communitySource(name, community, source string, parse func(s string) (Source, error)) (Source, bool) {
	if community == "" {
		p.errorf("%s: the community is empty", name)
		return Source{}, false
	}
	s, err := parse(source)
	switch {
	case errors.Is(err, errUnsupported):
		p.warnf("%s: %v; the line is ignored", name, err)
	case err != nil:
		p.errorf("%s: %v", name, err)
	}
	return s, err == nil
}

// addCommunity adds c, and remarks, and returns false, if the agent, which takes the first entry that fits, would never reach it.
func (p *parser) addCommunity(name, community string, c Community) bool {
	if len(p.config.Communities) == MaxCommunities {
		p.errorf("%s: more than %d communities", name, MaxCommunities)
		return false
	}
	for _, i := range p.names[community] {
		first := &p.config.Communities[i]
		if !covers(first.Source, c.Source) {
			continue
		}
		if c.Source.Refuse && !first.Source.Refuse { // whoever wrote it relies on it
			p.errorf("%s: %s:%d lets in this source already, and comes first: move this line before it", name, first.File, first.Line)
		} else if first.Source.Refuse {
			p.warnf("%s: %s:%d refuses the same community from the same source, and comes first; this line has no effect", name, first.File, first.Line)
		} else {
			p.warnf("%s: %s:%d gives the same community from the same source, and comes first; this line has no effect", name, first.File, first.Line)
		}
		return false
	}
	p.names[community] = append(p.names[community], len(p.config.Communities))
	p.config.Communities = append(p.config.Communities, c)
	return true
}

// covers reports whether all of b is surely in a.
func covers(a, b Source) bool {
	if a.Socket != "" || b.Socket != "" {
		return a.Socket == b.Socket || a.Socket == AnySocket && b.Socket != ""
	}
	if a.IPv6 != b.IPv6 {
		return false
	}
	if a.Host != "" || b.Host != "" {
		return a.Host == b.Host || a.Host == "" && a.Prefix.Bits() == 0
	}
	return a.Prefix.Bits() <= b.Prefix.Bits() && a.Prefix.Contains(b.Prefix.Addr())
}

// errUnsupported is wrapped where the line is right and to ignore it takes nothing but access.
var errUnsupported = errors.New("is not supported")

// checkRefusals remarks on communities that are refused from somewhere and accepted from nowhere after that.
func (p *parser) checkRefusals() {
	for i := range p.config.Communities {
		c := &p.config.Communities[i]
		accepted := func(k int) bool {
			other := p.config.Communities[k].Source
			return k > i && !other.Refuse && other.Socket == "" && other.IPv6 == c.Source.IPv6
		}
		if c.Source.Refuse && !slices.ContainsFunc(p.names[c.Name.Reveal()], accepted) {
			p.file, p.line = c.File, c.Line
			p.warnf("no line after this one accepts the community from elsewhere: add one, with the source default say")
		}
	}
}

// network returns what reads a source of a family.
func network(ipv6 bool) func(s string) (Source, error) {
	return func(s string) (Source, error) { return parseSource(s, ipv6) }
}

// parseSocket reads default or the path of a unix socket.
func parseSocket(s string) (Source, error) {
	switch {
	case s == "default":
		return Source{Socket: AnySocket}, nil
	case strings.HasPrefix(s, "/"):
		return Source{Socket: s}, nil
	default:
		return Source{}, errors.New("the source must be default or a unix socket's path, such as /run/snmpd.sock")
	}
}

// parseSource reads default, a host's name, an address, ADDRESS/LENGTH or ADDRESS/MASK, or one of the last four after a !.
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
	if excluded, ok := strings.CutPrefix(s, "!"); ok {
		if excluded == "default" {
			return none, fmt.Errorf("the source !default, which would be nobody's, %w, and refuses nobody, as in Net-SNMP", errUnsupported)
		}
		if strings.HasPrefix(excluded, "!") || strings.HasPrefix(excluded, "@") { // to ignore it would let in whom it keeps out
			return none, errors.New("after ! stands an address, a network or a host's name")
		}
		source, err := parseSource(excluded, ipv6)
		source.Refuse = true
		return source, err
	}
	address, mask, hasMask := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		if hasMask || !isHostName(address) {
			return none, errors.New("the source must be default, an address, ADDRESS/LENGTH, ADDRESS/MASK or a host's name")
		}
		return Source{Host: address, IPv6: ipv6}, nil
	}
	switch {
	case ip.Zone() != "":
		return none, errors.New("the source cannot have a zone")
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
